"""The webhook: Telegram calls, with a secret that it was given."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from hmac import compare_digest
from typing import Any, Protocol

from aiohttp import web

from bot.ports import Route
from plugins.telegram.names import PATH, Malformed, Me, update_id

log = logging.getLogger(__name__)

_SECRET = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
_LONGEST = 256 * 1024  # bytes; a text has at most 4,096 characters


class Takes(Protocol):
    """The intake."""

    async def take(self, raws: Sequence[Mapping[str, Any]], me: Me) -> None:
        """Accept updates. Raises Malformed."""


class Endpoint:
    """The route. It takes updates as soon as the channel is open and knows who it is."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self.intake: Takes | None = None
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
