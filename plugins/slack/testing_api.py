"""The simulated Web API: who may call, what goes wrong, and the routes.

https://docs.slack.dev/apis/web-api.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from plugins.slack.testing_call import METHOD_SCOPES, Call, Handler, Rights
from plugins.slack.testing_errors import ApiError
from plugins.slack.testing_faults import Faults
from plugins.slack.testing_rates import Rates
from plugins.slack.testing_world import Raw, World

OPEN = "apps.connections.open"
PAGE = "<!DOCTYPE html><html><body><h1>{}</h1></body></html>"
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
Route = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebApi:
    """Calls of methods."""

    def __init__(self, world: World, faults: Faults, rights: Rights) -> None:
        self._world, self._faults, self._rights = world, faults, rights
        self._methods: dict[str, Handler] = {}
        self.bot_token = f"xoxb-{secrets.randbelow(10**12)}-{secrets.token_hex(12)}"
        self.app_token = f"xapp-1-{world.app_id}-{secrets.token_hex(16)}"
        self.state = ""
        """The error that the bot's token is answered with: ``token_revoked`` and the like."""
        self.app_state = ""
        """The same for the app's token."""
        self.rates = Rates()
        self.requests: list[tuple[str, Mapping[str, Any]]] = []
        """Method and arguments of everything that was asked, refused calls too."""
        self.done: list[tuple[str, Mapping[str, Any]]] = []
        """The same for what was done."""
        self.unknown: list[str] = []
        """Methods that were asked for and that the simulator does not have."""

    def add(self, methods: Mapping[str, Handler]) -> None:
        """Take these methods in."""
        self._methods |= methods

    def calls(self, method: str) -> list[Mapping[str, Any]]:
        """The arguments of every call of a method."""
        return [arguments for name, arguments in self.requests if name == method]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One call."""
        method = request.match_info["method"]
        try:
            call, token = await _read(request, method)
        except ApiError as error:
            return self._answer({"ok": False, "error": error.error, **error.more})
        self.requests.append((method, call.arguments))

        async def answered(_request: web.Request) -> web.StreamResponse:
            try:
                result = await self._call(call, token)
            except ApiError as error:
                return self._answer({"ok": False, "error": error.error, **error.more}, method)
            self.done.append((method, call.arguments))
            return self._answer({"ok": True, **result}, method)

        channel = call.text("channel")
        return await self.guarded(method, request, answered, channel)

    async def guarded(
        self, name: str, request: web.Request, work: Route, channel: str = ""
    ) -> web.StreamResponse:
        """Do something, with the faults that are asked for under this name."""
        faults = self._faults
        self.rates.asked(name, channel)
        await asyncio.sleep(faults.wait(name))
        if faults.strikes(faults.cut_before, name):
            _cut(request)
        if faults.strikes(faults.html, name):
            return web.Response(
                status=503, text=PAGE.format("Service Unavailable"), content_type="text/html"
            )
        if faults.strikes(faults.broken, name):
            return web.Response(status=500, text="")
        wait = self.rates.wait(name, channel)
        if faults.strikes(faults.too_many, name):
            wait = faults.retry_after
        if wait:
            self.rates.told(name, channel, wait)
            limited = {"ok": False, "error": "ratelimited"}
            return web.json_response(limited, status=429, headers={"Retry-After": str(wait)})
        response = await work(request)
        if faults.strikes(faults.gateway, name):
            return web.Response(
                status=502, text=PAGE.format("Bad Gateway"), content_type="text/html"
            )
        if faults.strikes(faults.cut_after, name):
            _cut(request)
        return response

    def authorized(self, request: web.Request) -> bool:
        """Whether a request carries the bot's token, and the token is good."""
        return bool(self.bot_token == _bearer(request) and not self.state)

    async def _call(self, call: Call, token: str) -> Raw:
        handler = self._methods.get(call.method)
        if handler is None:
            self.unknown.append(call.method)
            raise ApiError("unknown_method", req_method=call.method)
        if call.method != "api.test":
            self._admit(call.method, token)
        if error := self._faults.error(call.method):
            raise ApiError(error)
        if scope := METHOD_SCOPES.get(call.method):
            self._rights.need(scope)
        return await handler(call)

    def _admit(self, method: str, token: str) -> None:
        """Raises ApiError."""
        if not token:
            raise ApiError("not_authed")
        if token not in (self.bot_token, self.app_token):
            raise ApiError("invalid_auth")
        is_app = token == self.app_token
        if error := self.app_state if is_app else self.state:
            raise ApiError(error)
        if is_app != (method == OPEN):
            raise ApiError("not_allowed_token_type")

    def _answer(self, body: Raw, method: str = "") -> web.Response:
        headers = {"X-Slack-Req-Id": secrets.token_hex(16)}
        if method:
            headers["X-OAuth-Scopes"] = ",".join(sorted(self._world.scopes))
            headers["X-Accepted-OAuth-Scopes"] = METHOD_SCOPES.get(method, "")
        return web.json_response(body, headers=headers)


async def _read(request: web.Request, method: str) -> tuple[Call, str]:
    """The call, and the token that came in the header or as an argument. Raises ApiError."""
    arguments: Raw = dict(request.query)
    if request.method == "POST" and request.can_read_body:
        kind = request.content_type
        if kind == "application/json":
            try:
                body = json.loads(await request.text())
            except ValueError:
                raise ApiError("invalid_json") from None
            if not isinstance(body, dict):
                raise ApiError("json_not_object")
            arguments |= body
        elif kind in _FORMS:
            arguments |= {name: str(value) for name, value in (await request.post()).items()}
        else:
            raise ApiError("invalid_post_type")
    given = str(arguments.pop("token", None) or "")
    if given.startswith("xapp-"):
        # In the header alone: https://docs.slack.dev/reference/methods/apps.connections.open.
        raise ApiError("invalid_auth")
    return Call(method, arguments), _bearer(request) or given


def _bearer(request: web.Request) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if kind == "Bearer" else ""


def _cut(request: web.Request) -> None:
    """End the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    raise web.HTTPInternalServerError
