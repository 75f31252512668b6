"""The same over loopback, for the commands beside a running bot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot.ports import Route
from host.folder import opens
from host.ports import Services
from plugins.privacy.counter import DataCounter

PATH = "/admin/privacy"
Ask = Callable[[DataCounter, web.Request], Awaitable[Any]]


def privacy_routes(services: Services, counter: Callable[[], DataCounter]) -> list[Route]:
    """Routes that only answer who can read the data folder."""

    def answering(ask: Ask) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handler(request: web.Request) -> web.Response:
            if not opens(request, services.data):
                raise web.HTTPUnauthorized
            found = await ask(counter(), request)
            return web.json_response(found, status=404 if found is None else 200)

        return handler

    asks: dict[str, Ask] = {
        "customers": lambda data, _request: data.listed(),
        "customer": lambda data, request: data.shown(request.query["who"]),
        "export": lambda data, request: data.export(request.query["who"]),
        "erasures": lambda data, _request: data.erasures(),
        "erasure": lambda data, request: data.erasure(request.query["id"]),
        "due": lambda data, _request: data.due(),
    }
    routes: list[Route] = [web.get(f"{PATH}/{name}", answering(ask)) for name, ask in asks.items()]

    async def erase(data: DataCounter, request: web.Request) -> Any:
        return await data.erase(
            request.query["who"], close_cases=request.query.get("close_cases") == "1"
        )

    return [*routes, web.post(f"{PATH}/erase", answering(erase))]
