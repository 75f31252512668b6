"""Sets the webhook at Telegram and looks after it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramBadRequest
from aiogram.methods import GetWebhookInfo, SetWebhook

from plugins.telegram.api import CREDENTIALS, UPDATES
from plugins.telegram.endpoint import Endpoint
from plugins.telegram.line import REFUSED, Line
from plugins.telegram.names import Me

_RECENT = timedelta(minutes=5)


@dataclass(eq=False, kw_only=True)
class Hook:
    """Sets the webhook and looks after it until it is cancelled."""

    bot: Bot
    line: Line
    endpoint: Endpoint
    url: str
    secret: str
    connections: int
    look_seconds: float = 60.0
    """Between two looks at what Telegram says of the webhook."""

    async def run(self) -> None:
        """Set it, then look every minute whether Telegram is content."""
        pause = 1.0
        while True:
            try:
                await self._look()
                pause = self.look_seconds
            except CREDENTIALS:
                self.line.failed(REFUSED, lasting=True)
            except TelegramBadRequest as error:
                self.line.failed(f"Telegram refuses {self.url}: {error.message}", lasting=True)
                pause = self.look_seconds
            except AiogramError as error:
                self.line.failed(f"Telegram cannot be reached ({type(error).__name__})")
                pause = min(2 * pause, 30.0)
            await asyncio.sleep(pause)

    async def _look(self) -> None:
        if self.endpoint.me is None:
            user = await self.bot.get_me()
            await self._set()  # each time: the secret may be another one
            self.endpoint.me = Me(user.id, user.username or "")
        info = await self.bot(GetWebhookInfo())
        if info.url != self.url:
            await self._set()
        failed = info.last_error_date
        if failed is not None and datetime.now(UTC) - failed < _RECENT:
            said = info.last_error_message or "no reason"
            self.line.failed(f"Telegram cannot call {self.url}: {said}", lasting=True)
        else:
            self.line.heard()

    async def _set(self) -> None:
        await self.bot(
            SetWebhook(
                url=self.url,
                secret_token=self.secret,
                max_connections=self.connections,
                allowed_updates=UPDATES,
            )
        )
