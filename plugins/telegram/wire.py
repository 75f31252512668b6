"""Pure parsing: Telegram's updates in. The fields are those of https://core.telegram.org/bots/api.

A message's wire id is ``<bot>/<chat>/<message>``, as is the vendor's id of what we send: a reply
names either. Whatever else comes (an edit, a pressed button) is named by its update:
``<bot>/u<update>``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from mimetypes import guess_extension
from typing import Any

import phonenumbers
from aiogram.types import CallbackQuery, Contact, InlineKeyboardMarkup, Message, Update, User
from pydantic import ValidationError

from bot.messages import Address, Attachment, Inbound, Kind
from plugins.telegram.names import (
    CHANNEL,
    GREET,
    HUMAN,
    SHARE_CONTACT,
    TEXT_LIMIT,
    WRITE_PRIVATELY,
    Malformed,
    Me,
    update_id,
)
from plugins.telegram.settings import Start

log = logging.getLogger(__name__)

_COMMANDS = {"start": GREET, "help": GREET, "human": HUMAN, "mensch": HUMAN}
_COMMAND = re.compile(r"/([a-z]+)(?:@\w+)?(?:\s+(\S.*?))?\s*", re.IGNORECASE | re.DOTALL)
_PRESSED = re.compile(r"([0-9a-f]{32})/(\d{1,3})")
_TO_OTHERS = ("group", "supergroup")
# They hold nothing that anybody wrote.
_SILENT = (
    "pinned_message",
    "message_auto_delete_timer_changed",
    "chat_background_set",
    "write_access_allowed",
)
# Updates about a chat that are not addressed to the bot; it does not ask for them.
_NOT_FOR_US = frozenset(
    {
        "my_chat_member",
        "chat_member",
        "chat_join_request",
        "message_reaction",
        "message_reaction_count",
        "chat_boost",
        "removed_chat_boost",
        "business_message",
        "edited_business_message",
        "deleted_business_messages",
        "guest_message",
    }
)


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button: under which message, and its place (from 1)."""

    key: str
    place: int


@dataclass(frozen=True, slots=True)
class Parsed:
    """An update. Without ``message`` there is nothing in it for the bot.

    ``query`` is the callback query that must be answered, ``album`` what joins several messages.
    """

    message: Inbound | None = None
    query: str | None = None
    pressed: Pressed | None = None
    album: str | None = None


def parse(raw: Mapping[str, Any], me: Me, starts: Mapping[str, Start]) -> Parsed:
    """An update. Raises :class:`Malformed`."""
    number = update_id(raw)
    try:
        return _read(Update.model_validate(raw), raw, me, starts)
    except Malformed:
        raise
    except ValidationError:
        return _unreadable(raw, me.update(number))
    except Exception:  # an edge: a fault of ours; the update would come again and again
        log.exception("update not understood")
        return _unreadable(raw, me.update(number))


def join_albums(parsed: Sequence[Parsed]) -> list[Parsed]:
    """Make one message of the parts of an album that came together; others may stand between."""
    joined: list[Parsed] = []
    places: dict[tuple[Address, str], int] = {}
    for one in parsed:
        if one.message is None or one.album is None:
            joined.append(one)
            continue
        place = places.setdefault((one.message.address, one.album), len(joined))
        if place == len(joined):
            joined.append(one)
        elif (first := joined[place].message) is not None:
            joined[place] = replace(joined[place], message=_with_part(first, one.message))
    return joined


def phone_of(contact: Contact) -> str | None:
    """The number as ``+49...``; ``None`` for what is no number. Telegram may leave out the +."""
    digits = "+" + contact.phone_number.lstrip("+")
    try:
        number = phonenumbers.parse(digits)
    except phonenumbers.NumberParseException:
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _read(update: Update, raw: Mapping[str, Any], me: Me, starts: Mapping[str, Start]) -> Parsed:
    wire_id = me.update(update.update_id)
    if update.message is not None:
        return _message(update.message, me, starts)
    if update.edited_message is not None:
        return _edit(update.edited_message, me, wire_id)
    if update.callback_query is not None:
        return _query(update.callback_query, me, wire_id)
    return _unreadable(raw, wire_id)


def _with_part(album: Inbound, part: Inbound) -> Inbound:
    text = "\n".join(text for text in (album.text, part.text) if text)
    files = album.attachments + part.attachments
    return replace(album, text=text, kind=_kind_of(text), attachments=files)


def _message(message: Message, me: Me, starts: Mapping[str, Start]) -> Parsed:
    sender = message.from_user
    if sender is None or sender.is_bot or any(getattr(message, key, None) for key in _SILENT):
        return Parsed()
    if message.chat.type in _TO_OTHERS:
        return _from_group(message, sender, me)
    if message.chat.type != "private":
        return Parsed()
    said = _said(message, me.message(message.chat.id, message.message_id))
    payload = _commanded(message.text or "", starts)
    if payload is not None:
        # A turn of its own: what is written right after it must not be lost in it.
        said = replace(said, kind=Kind.BUTTON, payload=payload)
    return Parsed(replace(said, quotes=_quotes(message, me)), album=message.media_group_id)


def _from_group(message: Message, sender: User, me: Me) -> Parsed:
    """Orders are nobody's business in a group: whoever speaks to the bot is asked to write to it.

    The words are kept for the language and for people, and not asked.
    """
    if not _is_for(message, me):
        return Parsed()
    return Parsed(
        Inbound(
            address=Address(CHANNEL, str(message.chat.id)),
            wire_id=me.message(message.chat.id, message.message_id),
            kind=Kind.BUTTON,
            text=message.text or message.caption or "",
            payload=WRITE_PRIVATELY,
            sender_name=sender.full_name,
        )
    )


def _is_for(message: Message, me: Me) -> bool:
    answered = message.reply_to_message
    if answered is not None and answered.from_user and answered.from_user.id == me.id:
        return True
    text = message.text or message.caption or ""
    for entity in message.entities or message.caption_entities or ():
        if entity.user is not None and entity.user.id == me.id:
            return True
        name = entity.extract_from(text).lower()
        if entity.type == "mention" and name == f"@{me.username.lower()}":
            return True
        if entity.type == "bot_command" and name.endswith(f"@{me.username.lower()}"):
            return True
    return False


def _said(message: Message, wire_id: str) -> Inbound:
    sender = message.from_user
    said = Inbound(
        address=Address(CHANNEL, str(message.chat.id)),
        wire_id=wire_id,
        text=message.text or message.caption or "",
        sender_name=sender.full_name if sender else None,
    )
    files = _files(message)
    if files:
        return replace(said, kind=_kind_of(said.text), attachments=files)
    if message.location is not None:
        return replace(said, kind=Kind.LOCATION, text=_place(message))
    if message.contact is not None:
        return _contact(said, message, message.contact)
    if len(said.text.encode("utf-16-le")) > 2 * TEXT_LIMIT:
        raise Malformed("longer than Telegram lets anybody write")
    return said if message.text else replace(said, kind=Kind.UNKNOWN)


def _commanded(text: str, starts: Mapping[str, Start]) -> str | None:
    """What a command stands for. One with more words is read as words, but for a person's."""
    command = _COMMAND.fullmatch(text)
    if command is None:
        return None
    name, words = command[1].lower(), (command[2] or "").split()
    payload = _COMMANDS.get(name)
    if payload == HUMAN or not words:
        return payload
    return _started(words[0], starts) if name == "start" and len(words) == 1 else None


def _started(parameter: str, starts: Mapping[str, Start]) -> str:
    name, _, value = parameter.partition("_")
    start = starts.get(name)
    if start is None:
        return GREET
    if start.entity is None or not re.fullmatch(r"[A-Za-z0-9-]{1,32}", value):
        return start.payload
    return f'{start.payload}{{"{start.entity}": "{value}"}}'


def _files(message: Message) -> tuple[Attachment, ...]:
    name = f"{message.message_id}"
    if message.photo:
        photo = max(message.photo, key=lambda size: size.width * size.height)
        file = Attachment(f"photo-{name}.jpg", "image/jpeg", photo.file_size, ref=photo.file_id)
        return (file,)
    if message.video_note is not None:
        note = message.video_note
        file = Attachment(f"video-{name}.mp4", "video/mp4", note.file_size, ref=note.file_id)
        return (file,)
    if message.voice is not None:
        voice = message.voice
        kind = voice.mime_type or "audio/ogg"
        return (Attachment(f"voice-{name}.ogg", kind, voice.file_size, ref=voice.file_id),)
    # An animation comes as a document too.
    sent = message.animation or message.document or message.video or message.audio
    if sent is None:
        return ()
    kind = sent.mime_type or "application/octet-stream"
    ending = guess_extension(kind) or ""
    called = sent.file_name or f"{kind.partition('/')[0]}-{name}{ending}"
    return (Attachment(called, kind, sent.file_size, ref=sent.file_id),)


def _kind_of(text: str) -> Kind:
    return Kind.TEXT if text else Kind.MEDIA


def _place(message: Message) -> str:
    lines = [message.venue.title, message.venue.address] if message.venue else []
    if message.location is not None:
        lines.append(f"{message.location.latitude:.6f}, {message.location.longitude:.6f}")
    return "\n".join(line for line in lines if line)


def _contact(said: Inbound, message: Message, contact: Contact) -> Inbound:
    """A contact; the sender's own number is one that Telegram vouches for.

    Telegram sets ``user_id`` from the number. One that was forwarded, or that another bot put into
    the message, is somebody's word.
    """
    sender = message.from_user
    brought = message.forward_origin is not None or message.via_bot is not None
    own = sender is not None and contact.user_id == sender.id and not brought
    phone = phone_of(contact)
    if own and phone is not None:
        return replace(said, kind=Kind.CONTACT, text=phone, phone=phone, payload=SHARE_CONTACT)
    name = " ".join(part for part in (contact.first_name, contact.last_name) if part)
    return replace(said, kind=Kind.CONTACT, text=f"{name}, {phone or contact.phone_number}")


def _quotes(message: Message, me: Me) -> str | None:
    quoted = message.reply_to_message
    return me.message(quoted.chat.id, quoted.message_id) if quoted is not None else None


def _edit(message: Message, me: Me, wire_id: str) -> Parsed:
    # A live location "edits" itself every few seconds.
    sender = message.from_user
    if message.chat.type != "private" or message.location is not None or sender is None:
        return Parsed()
    said = _said(message, wire_id)
    if said.kind not in (Kind.TEXT, Kind.MEDIA):
        return Parsed()
    # Of an album only one part is told; the others must not be replaced by it.
    files = () if message.media_group_id else said.attachments
    of = me.message(message.chat.id, message.message_id)
    payload = _commanded(message.text or "", {})
    return Parsed(replace(said, kind=Kind.EDIT, edits=of, attachments=files, payload=payload))


def _query(query: CallbackQuery, me: Me, wire_id: str) -> Parsed:
    under = query.message
    if under is None or under.chat.type != "private":
        return Parsed(query=query.id)
    found = _PRESSED.fullmatch(query.data or "")
    said = Inbound(
        address=Address(CHANNEL, str(under.chat.id)),
        wire_id=wire_id,
        kind=Kind.BUTTON if found else Kind.UNKNOWN,
        text=_title(getattr(under, "reply_markup", None), query.data),
        sender_name=query.from_user.full_name,
        quotes=me.message(under.chat.id, under.message_id),
    )
    pressed = Pressed(found[1], int(found[2])) if found else None
    return Parsed(said, query=query.id, pressed=pressed)


def _title(markup: InlineKeyboardMarkup | None, data: str | None) -> str:
    rows = markup.inline_keyboard if markup is not None else []
    titles = [one.text for row in rows for one in row if data and one.callback_data == data]
    return titles[0] if titles else ""


def _unreadable(raw: Mapping[str, Any], wire_id: str) -> Parsed:
    """An update of a kind that we do not know: kept, when it says from which chat it is."""
    pressed = raw.get("callback_query")
    found = pressed.get("id") if isinstance(pressed, dict) else None
    query = found if isinstance(found, str) else None
    for kind, content in raw.items():
        if kind in _NOT_FOR_US or not isinstance(content, dict):
            continue
        chat = content.get("chat")
        if chat is None and isinstance(content.get("message"), dict):
            chat = content["message"].get("chat")
        if isinstance(chat, dict) and chat.get("type") == "private" and "id" in chat:
            address = Address(CHANNEL, str(chat["id"]))
            return Parsed(Inbound(address, wire_id, Kind.UNKNOWN), query=query)
    if set(raw) == {"update_id"} or any(isinstance(one, dict) for one in raw.values()):
        return Parsed(query=query)
    raise Malformed("nothing that Telegram would send")
