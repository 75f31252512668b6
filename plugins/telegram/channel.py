"""Telegram as a channel: what it can do, and the connection while it is open.

The connection is imported when the channel opens: aiogram builds its models for seconds, which
`bot check` and the other commands need not wait for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from secrets import token_hex
from typing import TYPE_CHECKING

from bot.messages import Address, Attachment, Features, Outbound
from bot.ports import Inbox, Problem, Retry, Route
from host.ports import Health
from host.texts import TextsBook
from plugins.telegram import names
from plugins.telegram.endpoint import Endpoint
from plugins.telegram.line import Line
from plugins.telegram.offline import WHERE
from plugins.telegram.pace import Pace
from plugins.telegram.settings import TelegramSettings

if TYPE_CHECKING:
    from plugins.telegram.connection import Connection


class TelegramChannel:
    """A MediaChannel that ShowsTyping; in mode webhook its routes are those of a WebhookChannel."""

    name = names.CHANNEL

    def __init__(
        self, settings: TelegramSettings, public_url: str, holder: str | None = None
    ) -> None:
        """``holder`` names this bot's process for the lease, also after a restart."""
        self._settings = settings
        self._holder = holder or token_hex(16)
        self._base = public_url
        self._pace = Pace(settings.per_second, settings.per_chat_seconds)
        self._line = Line(settings.quiet_seconds)
        secret = settings.webhook_secret
        called = settings.mode == "webhook" and secret is not None
        self._endpoint = Endpoint(secret.get_secret_value()) if called and secret else None
        self._connection: Connection | None = None
        begun = {start.payload for start in settings.start.values()}
        menu = {names.GREET, names.HUMAN, names.SHARE_CONTACT, names.WRITE_PRIVATELY}
        self.features = Features(
            text_limit=names.TEXT_LIMIT,
            text_units="utf16",
            buttons=names.BUTTONS,
            button_title=names.TITLE_LIMIT,
            commands=frozenset(menu | begun),
            attachments_in=True,
            attachments_out=True,
            attachment_limit=names.FETCH_LIMIT,
            files_with_text=False,
            burst_seconds=settings.burst_seconds,
            unknown_send="show",
            edits=True,
            unsends=True,
        )

    def text_problems(self, texts: TextsBook) -> Iterator[Problem]:
        """As in the port."""
        for name in self._settings.share_number_at:
            if not texts.has(name):
                what = f"share_number_at names '{name}', and there is no such text"
                yield Problem(WHERE, what, "name texts of nlu/domain/")

    @asynccontextmanager
    async def open(self, inbox: Inbox) -> AsyncIterator[None]:
        """Poll, or look after the webhook, until closed."""
        module = await asyncio.to_thread(import_module, "plugins.telegram.connection")
        settings, endpoint = self._settings, self._endpoint
        async with module.connected(
            settings, inbox, self._pace, self._line, self._base, self._holder, endpoint
        ) as self._connection:
            try:
                yield
            finally:
                self._connection = None

    def routes(self, inbox: Inbox) -> Sequence[Route]:
        """As in the port; none while the channel polls."""
        del inbox
        return self._endpoint.routes() if self._endpoint is not None else ()

    async def send(self, out: Outbound) -> str:
        """As in the port. A chat that must wait longer raises Retry."""
        return await self._connected().send(out)

    async def edit(self, out: Outbound, vendor_id: str) -> None:
        """As in the port."""
        await self._connected().edit(out, vendor_id)

    async def unsend(self, address: Address, vendor_id: str) -> None:
        """As in the port; Telegram refuses it for what is older than 48 hours."""
        await self._connected().unsend(address, vendor_id)

    def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """As in the port."""
        return self._connected().fetch(attachment)

    @asynccontextmanager
    async def typing(self, address: Address) -> AsyncIterator[None]:
        """As in the port."""
        if self._connection is None:
            yield
            return
        task = asyncio.create_task(self._connection.types(address))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def health(self) -> Health:
        """Red when nothing was heard from Telegram for too long, or an operator is needed."""
        return self._line.health()

    def _connected(self) -> Connection:
        if self._connection is None:
            raise Retry(None, "closed")
        return self._connection
