"""The one HTTP app: the routes of channels and plugins, /health, /ready and /metrics.

Every error is JSON ``{"error", "message"}``: a code for machines, a sentence for people, no trace.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from json import JSONDecodeError
from types import TracebackType

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.typedefs import Handler

from bot.ports import Refused, Route, Unavailable
from bot.store import StoreError
from host.errors import Fatal
from host.metrics import Metrics
from host.ports import Health, HealthCheck

log = logging.getLogger(__name__)
NAME = "schalter"  # which version of what is nobody's business
BODY_LIMIT = 8 * 1024 * 1024  # bytes; Rasa sends domain and tracker along with an action
_HEALTH_SECONDS = 5
_SHUTDOWN_SECONDS = 3  # for requests that still run when everything else has ended
_ROUTE = web.RequestKey("schalter.route", str)
_OWN = frozenset({"/health", "/ready", "/metrics"})
_REFUSED = {"file_too_big": 413, "file_type": 415, "file_empty": 400, "storage_full": 503}
_SAID = {
    400: "The request could not be read.",
    401: "Credentials are missing or wrong.",
    403: "This is not allowed.",
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    413: "The request is too large.",
    415: "This kind of content is not taken.",
    500: "Something went wrong on our side.",
    503: "Not possible at the moment. Please try again later.",
}


def failure(status: int, code: str | None = None, message: str | None = None) -> web.Response:
    """Make the JSON answer of an error."""
    phrase = HTTPStatus(status).phrase
    body = {
        "error": code or phrase.lower().replace(" ", "_"),
        "message": message or _SAID.get(status, f"{phrase}."),
    }
    headers = {"Retry-After": "10"} if status == 503 else None
    return web.json_response(body, status=status, headers=headers)


def bind(host: str, port: int) -> socket.socket:
    """Take the port. Raises Fatal when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))
        taken.listen(1024)
        taken.setblocking(False)
    except OSError as error:
        taken.close()
        what = f"port {port} on {host} cannot be had ({error.strerror})"
        if error.errno == errno.EADDRINUSE:
            what = f"port {port} on {host} is taken by another program"
        raise Fatal(what, "end that program, or choose another: --port, or [bot] port") from error
    return taken


class AccessLog(AbstractAccessLogger):
    """One line per request: method, route and status; no addresses and no ids out of the path."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Write it; what machines poll is only seen at level debug."""
        path = request.get(_ROUTE, "-")
        level = logging.DEBUG if path in _OWN else logging.INFO
        extra = {"method": request.method, "route": path, "status": response.status}
        self.logger.log(level, "request", extra=extra | {"ms": round(time * 1000, 1)})


class _Protocol(web.RequestHandler):
    """aiohttp's own, but what is not HTTP gets our error too: JSON, and no version."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        del message  # it quotes what was sent
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun")
        level = logging.ERROR if status >= 500 else logging.INFO
        log.log(level, "request refused", extra={"status": status}, exc_info=exc)
        answer = failure(status)
        answer.headers["Server"] = NAME
        answer.force_close()
        return answer


class WebServer:
    """Serves on a bound socket while it is open. ``webhooks`` are refused once it drains."""

    def __init__(
        self,
        *,
        bound: socket.socket,
        routes: Sequence[Route],
        webhooks: Sequence[Route] = (),
        health: Sequence[HealthCheck] = (),
        ready: Callable[[], bool] = lambda: True,
        metrics: Metrics,
    ) -> None:
        self.draining = False
        self._bound = bound
        self._health = health
        self._is_ready = ready
        self._metrics = metrics
        app = web.Application(client_max_size=BODY_LIMIT, middlewares=[self._guard])
        app.on_response_prepare.append(_headers)
        app.add_routes(routes)
        self._webhooks = set(app.add_routes(webhooks))
        app.router.add_get("/health", self._get_health)
        app.router.add_get("/ready", self._get_ready)
        app.router.add_get("/metrics", self._get_metrics)
        self._runner = web.AppRunner(app, shutdown_timeout=_SHUTDOWN_SECONDS)
        self._listener: asyncio.Server | None = None

    async def __aenter__(self) -> WebServer:
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._protocol, sock=self._bound)
        return self

    def _protocol(self) -> _Protocol:
        server, loop = self._runner.server, asyncio.get_running_loop()
        assert server is not None  # noqa: S101 - it is set up
        return _Protocol(server, loop=loop, access_log_class=AccessLog, access_log=log)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._listener is not None:
            self._listener.close()
        await self._runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        request[_ROUTE] = "-" if resource is None else resource.canonical
        if self.draining and request.match_info.route in self._webhooks:
            return failure(503, "stopping")
        try:
            return await handler(request)
        except Exception as error:  # the edge: a request
            if request.writer.output_size > 0:
                raise  # the answer has begun; all that is left is to hang up
            return _answer(error)

    async def _get_health(self, _request: web.Request) -> web.Response:
        lines = await asyncio.gather(*(_checked(check) for check in self._health))
        ok = all(line.ok for line in lines)
        checks = [{"name": line.name, "ok": line.ok, "detail": line.detail} for line in lines]
        body = {"status": "ok" if ok else "broken", "checks": checks}
        return web.json_response(body, status=200 if ok else 503)

    async def _get_ready(self, _request: web.Request) -> web.Response:
        ready = self._is_ready() and not self.draining
        return web.json_response({"ready": ready}, status=200 if ready else 503)

    async def _get_metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=await self._metrics.page(), content_type="text/plain")


def _answer(error: Exception) -> web.StreamResponse:
    match error:
        case web.HTTPException() if error.status < 400 or error.content_type == "application/json":
            return _copy(error)
        case web.HTTPException():
            made = failure(error.status)
            if "Allow" in error.headers:
                made.headers["Allow"] = error.headers["Allow"]
            return made
        case Refused():
            return failure(_REFUSED.get(error.reason, 400), error.reason)
        case JSONDecodeError() | UnicodeDecodeError():
            return failure(400, "invalid_json", "The body is not valid JSON in UTF-8.")
        case StoreError() | Unavailable():
            log.error("request failed", exc_info=error)
            return failure(503)
    log.error("request failed", exc_info=error)
    return failure(500)


def _copy(error: web.HTTPException) -> web.Response:
    return web.Response(status=error.status, headers=error.headers, body=error.body)


async def _headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = NAME
    response.headers.setdefault("X-Content-Type-Options", "nosniff")


async def _checked(check: HealthCheck) -> Health:
    name = getattr(check, "__qualname__", type(check).__name__)
    try:
        return await asyncio.wait_for(_run(check), _HEALTH_SECONDS)
    except TimeoutError:
        return Health(name, False, f"no answer within {_HEALTH_SECONDS} s")
    except Exception as error:  # the edge: a plugin's check
        log.warning("health check failed", exc_info=error)
        return Health(name, False, type(error).__name__)


async def _run(check: Callable[[], Awaitable[Health]]) -> Health:
    return await check()
