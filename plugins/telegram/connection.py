"""The open channel: a bot at Telegram that sends, fetches and types."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramBadRequest
from aiogram.methods import DeleteMessage, GetFile, SendChatAction, TelegramMethod
from aiogram.types import ReplyKeyboardMarkup, ReplyKeyboardRemove

from bot.messages import Address, Attachment, Outbound
from bot.ports import Inbox, Refused, Reject, Retry
from plugins.telegram import ledger, outgoing
from plugins.telegram.api import UNREACHABLE, failure, message_id, opened, reason_of
from plugins.telegram.endpoint import Endpoint
from plugins.telegram.hook import Hook
from plugins.telegram.intake import Intake
from plugins.telegram.line import Line
from plugins.telegram.menu import show_menu
from plugins.telegram.names import FETCH_LIMIT, PATH, Me
from plugins.telegram.pace import RATE, Pace
from plugins.telegram.poller import Poller
from plugins.telegram.settings import TelegramSettings

_FETCH_SECONDS = 120
_UPLOAD_SECONDS = 55  # the core waits for a minute
_AS_WANTED = ("message is not modified", "message to delete not found")
_TYPES_FOR = 4.0  # seconds; Telegram takes the hint away after five


@asynccontextmanager
async def connected(
    settings: TelegramSettings,
    inbox: Inbox,
    pace: Pace,
    line: Line,
    base: str,
    holder: str,
    endpoint: Endpoint | None,
) -> AsyncIterator[Connection]:
    """Poll, or with an ``endpoint`` look after the webhook, until closed."""
    async with opened(settings) as bot:
        intake = Intake(bot, inbox, settings.start)
        line.opened()
        listener: Poller | Hook = Poller(
            bot=bot,
            inbox=inbox,
            intake=intake,
            line=line,
            seconds=settings.poll_seconds,
            public_url=base,
            holder=holder,
        )
        if endpoint is not None:
            listener = _hook(settings, bot, line, base, endpoint)
            endpoint.intake = intake
        works = (listener.run(), line.watch(), show_menu(bot, inbox))
        tasks = [asyncio.create_task(work) for work in works]
        try:
            yield Connection(settings, bot, inbox, pace)
        finally:
            if endpoint is not None:
                endpoint.intake = None  # what Telegram calls now comes again
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await intake.close()


def _hook(settings: TelegramSettings, bot: Bot, line: Line, base: str, endpoint: Endpoint) -> Hook:
    secret = settings.webhook_secret
    return Hook(
        bot=bot,
        line=line,
        endpoint=endpoint,
        url=f"{base}{PATH}",
        secret=secret.get_secret_value() if secret else "",
        connections=settings.webhook_connections,
        look_seconds=min(60.0, settings.quiet_seconds / 3),
    )


@dataclass(frozen=True, slots=True)
class Connection:
    """What the channel does while it is open."""

    settings: TelegramSettings
    bot: Bot
    inbox: Inbox
    pace: Pace
    _asked_for_number: set[str] = field(default_factory=set)
    """Chats with the button for it: the next text without buttons takes it away."""

    async def send(self, out: Outbound) -> str:
        """Send one message; its id. Raises Retry, Reject or UnknownOutcome."""
        method = await self._method(out, as_photo=_has_photo(out))
        await self.pace.turn(out.address.id)
        seconds = _UPLOAD_SECONDS if out.attachments else None
        try:
            try:
                number = await message_id(self.bot, method, seconds)
            except TelegramBadRequest as error:
                if not _has_photo(out) or reason_of(error.message) != "telegram_file":
                    raise
                # A picture that Telegram will not show is still a file.
                method = await self._method(out, as_photo=False)
                number = await message_id(self.bot, method, seconds)
        except AiogramError as error:
            raise self._noted(out.address.id, failure(error)) from error
        self._note_keyboard(out.address.id, getattr(method, "reply_markup", None))
        return Me(self.bot.id, "").message(out.address.id, number)

    async def edit(self, out: Outbound, vendor_id: str) -> None:
        """Change the text of a message. Raises Retry, Reject or UnknownOutcome."""
        number = Me.number_of(vendor_id)
        await self._change(outgoing.edited_text(out, number), out.address.id, "not_edited")

    async def unsend(self, address: Address, vendor_id: str) -> None:
        """Delete a message for both sides; Telegram lets bots do so for 48 hours.

        Raises Retry, Reject or UnknownOutcome.
        """
        method = DeleteMessage(chat_id=int(address.id), message_id=Me.number_of(vendor_id))
        await self._change(method, address.id, "not_unsent")

    async def _change(self, method: TelegramMethod[Any], chat: str, refused: str) -> None:
        await self.pace.turn(chat)
        try:
            await self.bot(method)
        except TelegramBadRequest as error:
            said = error.message.lower()
            if any(words in said for words in _AS_WANTED):
                return
            old = refused == "not_unsent" and "can't be deleted" in said
            raise Reject("not_unsent_old" if old else refused) from error
        except AiogramError as error:
            found = self._noted(chat, failure(error))
            raise Reject(refused) if isinstance(found, Reject) else found from error

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """Stream a file. Raises Retry or Refused."""
        if (attachment.size or 0) > FETCH_LIMIT:
            raise Refused("file_too_big")
        url = await self._address_of(attachment)
        try:
            async for chunk in self.bot.session.stream_content(url, timeout=_FETCH_SECONDS):
                yield chunk
        except (aiohttp.ClientError, TimeoutError):
            # Not its cause: the address holds the token.
            raise Retry(None, UNREACHABLE) from None

    async def types(self, address: Address) -> None:
        """Show that an answer is being written, until cancelled."""
        with suppress(AiogramError):  # only a courtesy
            while self.pace.rest(address.id) <= 0:
                await self.bot(SendChatAction(chat_id=int(address.id), action="typing"))
                await asyncio.sleep(_TYPES_FOR)

    async def _method(self, out: Outbound, *, as_photo: bool) -> outgoing.Send:
        if out.attachments:
            return outgoing.file_message(out, self.inbox.files, as_photo=as_photo)
        return outgoing.text_message(out, await self._keyboard(out))

    async def _keyboard(self, out: Outbound) -> outgoing.Keyboard | None:
        if out.buttons:
            key = outgoing.key_of(out.id)
            await self.inbox.store.write(
                lambda tx: ledger.keep_buttons(tx, key, out.address.id, out.buttons)
            )
            return outgoing.choices(out)
        if out.response == "utter_write_privately":
            user = await self.bot.me()
            return outgoing.to_private_chat(
                user.username or "", self._title(out, "write_privately")
            )
        if out.response == "utter_share_contact":
            return outgoing.no_keyboard()
        if out.response in self.settings.share_number_at:
            return outgoing.share_number(self._title(out, "share_number"))
        return outgoing.no_keyboard() if out.address.id in self._asked_for_number else None

    def _note_keyboard(self, chat: str, keyboard: object) -> None:
        if isinstance(keyboard, ReplyKeyboardMarkup):
            self._asked_for_number.add(chat)
        elif isinstance(keyboard, ReplyKeyboardRemove):
            self._asked_for_number.discard(chat)

    def _title(self, out: Outbound, name: str) -> str:
        return self.inbox.texts.render(f"telegram_{name}", {}, language=out.language).text

    def _noted(self, chat: str, error: Exception) -> Exception:
        if isinstance(error, Retry) and error.reason == RATE and error.after:
            self.pace.pause(chat, error.after)
        return error

    async def _address_of(self, attachment: Attachment) -> str:
        try:
            file = await self.bot(GetFile(file_id=attachment.ref or ""))
        except TelegramBadRequest as error:
            too_big = reason_of(error.message) == "file_too_big"
            raise Refused("file_too_big" if too_big else "fetch_failed") from error
        except AiogramError as error:
            raise Retry(None, UNREACHABLE) from error
        return self.bot.session.api.file_url(self.bot.token, file.file_path or "")


def _has_photo(out: Outbound) -> bool:
    return bool(out.attachments) and outgoing.is_photo(out.attachments[0])
