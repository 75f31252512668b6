"""From an outbound message to a method of the Bot API."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from aiogram.methods import EditMessageText, SendDocument, SendMessage, SendPhoto, TelegramMethod
from aiogram.types import (
    FSInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    LinkPreviewOptions,
    Message,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)

from bot.messages import Attachment, Outbound
from bot.ports import Files, Reject

Send = TelegramMethod[Message]
Keyboard = InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove

UPLOAD_LIMIT = 50 * 1024 * 1024
"""Bytes of a file that a bot can send."""
_PHOTO_LIMIT = 10 * 1024 * 1024
_PHOTOS = frozenset({"image/jpeg", "image/png"})
_NARROW = 16  # characters of a title that leaves room for another one beside it
_UNSAFE = str.maketrans({'"': "'", "\\": "-", "/": "-", "\r": " ", "\n": " "})


def key_of(row: str) -> str:
    """What stands for a row of the outbox in its buttons, which have room for 64 bytes."""
    return hashlib.blake2b(row.encode(), digest_size=16).hexdigest()


def text_message(out: Outbound, keyboard: Keyboard | None) -> Send:
    """A text, as it is: nothing in it is markup."""
    return SendMessage(
        chat_id=int(out.address.id),
        text=out.text,
        reply_markup=keyboard,
        link_preview_options=LinkPreviewOptions(is_disabled=True),
    )


def edited_text(out: Outbound, number: int) -> EditMessageText:
    """A text in place of the one that was sent."""
    return EditMessageText(
        chat_id=int(out.address.id),
        message_id=number,
        text=out.text,
        link_preview_options=LinkPreviewOptions(is_disabled=True),
    )


def file_message(out: Outbound, files: Files, *, as_photo: bool) -> Send:
    """A file, with the words under it if there are any. Raises Reject."""
    attachment = out.attachments[0]
    path = files.path(attachment.file or "")
    if attachment.error or path is None:
        raise Reject(attachment.error or "file_gone")
    if (attachment.size or 0) > UPLOAD_LIMIT:
        raise Reject("file_too_big")
    # The library writes the name into a header as it is.
    file = FSInputFile(path, filename=attachment.name.translate(_UNSAFE))
    chat, words = int(out.address.id), out.text or None
    if as_photo:
        return SendPhoto(chat_id=chat, photo=file, caption=words)
    return SendDocument(
        chat_id=chat, document=file, caption=words, disable_content_type_detection=True
    )


def is_photo(attachment: Attachment) -> bool:
    """Whether it is shown as a picture: a QR code is scanned from the screen."""
    return attachment.content_type in _PHOTOS and (attachment.size or 0) <= _PHOTO_LIMIT


def choices(out: Outbound) -> InlineKeyboardMarkup:
    """The buttons under a message, two short ones beside each other."""
    key = key_of(out.id)
    made = [
        InlineKeyboardButton(text=button.title, callback_data=f"{key}/{place}")
        for place, button in enumerate(out.buttons, 1)
    ]
    return InlineKeyboardMarkup(inline_keyboard=_rows(made))


def to_private_chat(username: str, title: str) -> InlineKeyboardMarkup:
    """The way out of a group."""
    link = InlineKeyboardButton(text=title, url=f"https://t.me/{username}?start=group")
    return InlineKeyboardMarkup(inline_keyboard=[[link]])


def share_number(title: str) -> ReplyKeyboardMarkup:
    """The button by which a customer shares the own phone number."""
    return ReplyKeyboardMarkup(
        keyboard=[[KeyboardButton(text=title, request_contact=True)]],
        resize_keyboard=True,
        one_time_keyboard=True,
    )


def no_keyboard() -> ReplyKeyboardRemove:
    """Takes that button away."""
    return ReplyKeyboardRemove(remove_keyboard=True)


def _rows(made: Sequence[InlineKeyboardButton]) -> list[list[InlineKeyboardButton]]:
    narrow: Callable[[InlineKeyboardButton], bool] = lambda one: len(one.text) <= _NARROW  # noqa: E731
    rows: list[list[InlineKeyboardButton]] = []
    for button in made:
        last = rows[-1] if rows else []
        if len(last) == 1 and narrow(last[0]) and narrow(button):
            last.append(button)
        else:
            rows.append([button])
    return rows
