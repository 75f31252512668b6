"""Telegram: polls or is called, sends, fetches, and shows that it types."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import aiohttp
from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramBadRequest
from aiogram.methods import GetFile, SendChatAction

from bot.messages import Address, Attachment, Features, Outbound
from bot.ports import Inbox, Refused, Retry, Route
from host.ports import Health
from plugins.telegram import ledger, outgoing, wire
from plugins.telegram.api import UNREACHABLE, failure, opened, reason_of
from plugins.telegram.intake import Intake
from plugins.telegram.line import Line
from plugins.telegram.menu import show_menu
from plugins.telegram.pace import RATE, Pace
from plugins.telegram.poller import Poller
from plugins.telegram.settings import TelegramSettings
from plugins.telegram.webhook import PATH, Endpoint, Hook

log = logging.getLogger(__name__)

_FETCH_SECONDS = 120
_TYPES_FOR = 4.0  # seconds; Telegram takes the hint away after five


@dataclass(frozen=True, slots=True)
class _Open:
    bot: Bot
    inbox: Inbox


class TelegramChannel:
    """A MediaChannel that ShowsTyping; in mode webhook its routes are those of a WebhookChannel."""

    name = wire.CHANNEL

    def __init__(self, settings: TelegramSettings, public_url: str) -> None:
        self._settings = settings
        self._base = public_url
        self._pace = Pace(settings.per_second, settings.per_chat_seconds)
        self._line = Line(settings.quiet_seconds)
        secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret else ""
        self._endpoint = Endpoint(secret) if settings.mode == "webhook" else None
        self._secret = secret
        self._open: _Open | None = None
        begun = {start.payload for start in settings.start.values()}
        self.features = Features(
            text_limit=wire.TEXT_LIMIT,
            text_units="utf16",
            buttons=outgoing.BUTTONS,
            button_title=outgoing.TITLE_LIMIT,
            commands=frozenset(
                {wire.GREET, wire.HUMAN, wire.SHARE_CONTACT, wire.WRITE_PRIVATELY, *begun}
            ),
            attachments_in=True,
            attachments_out=True,
            attachment_limit=wire.FETCH_LIMIT,
            files_with_text=False,
            burst_seconds=settings.burst_seconds,
            unknown_send="show",
        )

    @asynccontextmanager
    async def open(self, inbox: Inbox) -> AsyncIterator[None]:
        """Poll, or look after the webhook, until closed."""
        async with AsyncExitStack() as stack:
            bot = await stack.enter_async_context(opened(self._settings))
            intake = Intake(bot, inbox, self._settings.start)
            stack.push_async_callback(intake.close)
            self._open = _Open(bot, inbox)
            self._line.opened()
            if self._endpoint is not None:
                self._endpoint.intake = intake
            tasks = [
                asyncio.create_task(work)
                for work in (self._listens(bot, intake), self._line.watch(), show_menu(bot, inbox))
            ]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                self._open = None

    def routes(self, inbox: Inbox) -> Sequence[Route]:
        """As in the port; none while the channel polls."""
        del inbox
        return self._endpoint.routes() if self._endpoint is not None else ()

    async def send(self, out: Outbound) -> str:
        """As in the port. A chat that must wait longer raises Retry."""
        opened = self._opened()
        method = await self._method(opened, out, as_photo=_has_photo(out))
        await self._pace.turn(out.address.id)
        try:
            try:
                message = await opened.bot(method)
            except TelegramBadRequest as error:
                if not _has_photo(out) or reason_of(error.message) != "telegram_file":
                    raise
                # A picture that Telegram will not show is still a file.
                message = await opened.bot(await self._method(opened, out, as_photo=False))
        except AiogramError as error:
            raise self._noted(out, failure(error)) from error
        return f"{message.chat.id}/{message.message_id}"

    def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """As in the port."""
        return self._fetch(self._opened().bot, attachment)

    @asynccontextmanager
    async def typing(self, address: Address) -> AsyncIterator[None]:
        """As in the port."""
        task = asyncio.create_task(self._types(address))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def health(self) -> Health:
        """Red when nothing was heard from Telegram for too long, or an operator is needed."""
        return self._line.health()

    async def _listens(self, bot: Bot, intake: Intake) -> None:
        settings = self._settings
        if self._endpoint is None:
            poller = Poller(
                bot=bot,
                inbox=self._opened().inbox,
                intake=intake,
                line=self._line,
                seconds=settings.poll_seconds,
                public_url=self._base,
            )
            await poller.run()
        else:
            hook = Hook(
                bot=bot,
                line=self._line,
                endpoint=self._endpoint,
                url=f"{self._base}{PATH}",
                secret=self._secret,
                connections=settings.webhook_connections,
                look_seconds=min(60.0, settings.quiet_seconds / 3),
            )
            await hook.run()

    def _opened(self) -> _Open:
        if self._open is None:
            raise Retry(None, "closed")
        return self._open

    async def _method(self, opened: _Open, out: Outbound, *, as_photo: bool) -> outgoing.Send:
        if out.attachments:
            return outgoing.file_message(out, opened.inbox.files, as_photo=as_photo)
        return outgoing.text_message(out, await self._keyboard(opened, out))

    async def _keyboard(self, opened: _Open, out: Outbound) -> outgoing.Keyboard | None:
        if out.buttons:
            key = outgoing.key_of(out.id)
            await opened.inbox.store.write(
                lambda tx: ledger.keep_buttons(tx, key, out.address.id, out.buttons)
            )
            return outgoing.choices(out)
        texts = opened.inbox.texts
        if out.response == "utter_write_privately":
            user = await opened.bot.me()
            title = texts.render("telegram_write_privately", {}, language=out.language).text
            return outgoing.to_private_chat(user.username or "", title)
        if out.response in self._settings.share_number_at:
            title = texts.render("telegram_share_number", {}, language=out.language).text
            return outgoing.share_number(title)
        return None

    def _noted(self, out: Outbound, error: Exception) -> Exception:
        if isinstance(error, Retry) and error.reason == RATE and error.after:
            self._pace.pause(out.address.id, error.after)
        return error

    async def _types(self, address: Address) -> None:
        with suppress(AiogramError, Retry):  # only a courtesy
            while True:
                await self._opened().bot(SendChatAction(chat_id=int(address.id), action="typing"))
                await asyncio.sleep(_TYPES_FOR)

    async def _fetch(self, bot: Bot, attachment: Attachment) -> AsyncIterator[bytes]:
        if (attachment.size or 0) > wire.FETCH_LIMIT:
            raise Refused("file_too_big")
        try:
            file = await bot(GetFile(file_id=attachment.ref or ""))
        except TelegramBadRequest as error:
            too_big = reason_of(error.message) == "file_too_big"
            raise Refused("file_too_big" if too_big else "fetch_failed") from error
        except AiogramError as error:
            raise Retry(None, UNREACHABLE) from error
        url = bot.session.api.file_url(bot.token, file.file_path or "")
        try:
            async for chunk in bot.session.stream_content(url, timeout=_FETCH_SECONDS):
                yield chunk
        except (aiohttp.ClientError, TimeoutError):
            # Not its cause: the address holds the token.
            raise Retry(None, UNREACHABLE) from None


def _has_photo(out: Outbound) -> bool:
    return bool(out.attachments) and outgoing.is_photo(out.attachments[0])
