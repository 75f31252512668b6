"""The same over loopback, for `bot dead` beside a running bot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps

from aiohttp import web

from bot.ports import Route
from host.folder import opens
from host.ports import Services
from plugins.dead_letters import letters

Handler = Callable[[web.Request], Awaitable[web.Response]]
_STATUS = {"done": 200, "unknown": 404, "busy": 409}


def dead_routes(services: Services) -> list[Route]:
    """Routes that only answer who can read the data folder."""

    def ours(handler: Handler) -> Handler:
        @wraps(handler)
        async def guarded(request: web.Request) -> web.Response:
            if not opens(request, services.data):
                raise web.HTTPUnauthorized
            return await handler(request)

        return guarded

    @ours
    async def listed(_request: web.Request) -> web.Response:
        return web.json_response(await letters.listed(services.store))

    @ours
    async def shown(request: web.Request) -> web.Response:
        letter = await letters.shown(services.store, request.match_info["letter"])
        return web.json_response(letter, status=404 if letter is None else 200)

    @ours
    async def settle(request: web.Request) -> web.Response:
        way, letter = request.match_info["way"], request.match_info["letter"]
        became = await letters.settle(services.store, way, letter)
        return web.json_response(became, status=_STATUS[became])

    ways = "|".join(letters.WAYS)
    return [
        web.get("/admin/dead", listed),
        web.get("/admin/dead/{letter}", shown),
        web.post(f"/admin/dead/{{letter}}/{{way:{ways}}}", settle),
    ]
