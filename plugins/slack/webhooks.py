"""Mode http: Slack calls, and signs what it says.

https://docs.slack.dev/authentication/verifying-requests-from-slack: v0, a keyed hash over the time
and the body, compared in constant time, and not older than five minutes.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from bot.ports import Route
from plugins.slack.events import Malformed
from plugins.slack.names import COMMANDS_PATH, EVENTS_PATH, INTERACTIONS_PATH

log = logging.getLogger(__name__)

_LONGEST = 4 * 1024 * 1024
"""Bytes. A text has 40,000 characters, of twelve bytes each as JSON; an edit has it four times."""
_NO_RETRY = {"X-Slack-No-Retry": "1"}

Take = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any] | None]]


class Webhooks:
    """The routes. ``take`` is ``None`` until the app is open and knows who it is."""

    def __init__(self, signing_secret: str) -> None:
        self._verifier = SignatureVerifier(signing_secret)
        self.take: Take | None = None

    def routes(self) -> Sequence[Route]:
        """As :class:`bot.ports.WebhookChannel` gives them.

        Each takes whatever Slack sends: an app may have one address for everything.
        """
        return [
            web.post(path, self.called) for path in (EVENTS_PATH, INTERACTIONS_PATH, COMMANDS_PATH)
        ]

    async def called(self, request: web.Request) -> web.Response:
        """Take a call; 200 after it is committed, with the immediate answer if there is one."""
        body = await self._signed(request)
        if request.content_type == "application/x-www-form-urlencoded":
            form = _form(body)
            if "payload" in form:
                return await self._answer("interactive", _json(form["payload"].encode()))
            if form.get("ssl_check") == "1":
                # Of a command's address, now and then:
                # https://docs.slack.dev/interactivity/implementing-slash-commands.
                return web.Response()
            return await self._answer("slash_commands", form)
        event = _json(body)
        if event.get("type") == "url_verification":
            return web.json_response({"challenge": str(event.get("challenge", ""))})
        return await self._answer("events_api", event)

    async def _answer(self, kind: str, payload: Mapping[str, Any]) -> web.Response:
        if self.take is None:
            raise web.HTTPServiceUnavailable(text="Not open yet.", headers={"Retry-After": "5"})
        try:
            answer = await self.take(kind, payload)
        except Malformed:
            raise _malformed() from None
        return web.Response() if answer is None else web.json_response(answer)

    async def _signed(self, request: web.Request) -> bytes:
        """The body, when Slack signed it a moment ago; else 403."""
        body = bytearray()
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > _LONGEST:
                raise web.HTTPRequestEntityTooLarge(_LONGEST, len(body))
        try:
            signed = self._verifier.is_valid_request(bytes(body), dict(request.headers))
        except (ValueError, TypeError):  # a time that is no number, a body that is no text
            signed = False
        if not signed:
            log.warning("signature refused", extra={"route": request.path})
            raise web.HTTPForbidden(text="The signature does not fit.", headers=_NO_RETRY)
        return bytes(body)


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        made = json.loads(body)
    except (ValueError, RecursionError):
        raise _malformed() from None
    if not isinstance(made, Mapping):
        raise _malformed()
    return made


def _form(body: bytes) -> Mapping[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=100))
    except ValueError:
        raise _malformed() from None


def _malformed() -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text="This is nothing that Slack sends.", headers=_NO_RETRY)
