"""The webhook: Telegram calls, with a secret that it was given."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import Any

from aiogram import Bot
from aiogram.exceptions import AiogramError
from aiogram.methods import GetWebhookInfo, SetWebhook
from aiohttp import web

from bot.ports import Route
from plugins.telegram.api import CREDENTIALS, UPDATES
from plugins.telegram.intake import Intake
from plugins.telegram.line import Line
from plugins.telegram.wire import Malformed, Me, update_id

log = logging.getLogger(__name__)

PATH = "/telegram/updates"
_SECRET = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
_LONGEST = 256 * 1024  # bytes; a text has at most 4,096 characters
_RECENT = timedelta(minutes=5)


class Endpoint:
    """The route. It takes updates as soon as the channel is open and knows who it is."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self.intake: Intake | None = None
        self.me: Me | None = None

    def routes(self) -> Sequence[Route]:
        """As :class:`bot.ports.WebhookChannel` gives them."""
        return [web.post(PATH, self.update)]

    async def update(self, request: web.Request) -> web.Response:
        """Take an update; 204 after it is committed."""
        given = request.headers.get(_SECRET, "").encode("utf-8", "surrogateescape")
        if not compare_digest(given, self._secret):
            log.warning("secret refused", extra={"route": request.path})
            raise web.HTTPForbidden(text="The secret does not fit.")
        raw = await _json(request)
        if self.intake is None or self.me is None:
            raise web.HTTPServiceUnavailable(text="Not open yet.", headers={"Retry-After": "5"})
        try:
            update_id(raw)
            await self.intake.take([raw], self.me)
        except Malformed:
            raise web.HTTPBadRequest(text="This is no update.") from None
        return web.Response(status=204)


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
                trouble = "Telegram refuses the token: check SCHALTER_TELEGRAM_TOKEN"
                self.line.failed(trouble, lasting=True)
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


async def _json(request: web.Request) -> Any:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > _LONGEST:
            raise web.HTTPRequestEntityTooLarge(_LONGEST, len(body))
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest(text="JSON is expected.") from None
