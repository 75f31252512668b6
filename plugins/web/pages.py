"""The pages and what they load, read once from ``static/``."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from bot.ports import Route, Texts
from plugins.web.api import DeskDoor, MailDoor
from plugins.web.assets import Pages, is_local
from plugins.web.serving import HEADERS, Handler, explainer, json_response, route
from plugins.web.settings import WebSettings

STATIC = Path(__file__).with_name("static")


def page_routes(
    settings: WebSettings, door: DeskDoor, texts: Texts, mail: MailDoor | None = None
) -> list[Route]:
    """The pages: the chat, the desk, and in the demo the shop and the ways to desk and mail."""
    pages = Pages(STATIC)
    explain = explainer(texts, settings.upload_mb)
    ancestors = " ".join(("'self'", *settings.frame_ancestors))
    routes = [
        *route("GET", "/chat", pages.page("chat.html", ancestors=ancestors), explain),
        *route("GET", "/desk", pages.page("desk.html", ancestors="'none'"), explain),
        *route("GET", "/web/{name:.+}", pages.asset, explain),
    ]
    if settings.demo:
        routes += route("GET", "/", pages.page("shop.html"), explain)
        routes += route("GET", "/demo/desk", demo_desk(door), explain)
        routes += route("GET", "/demo/places", demo_places(mail), explain)
    return routes


def demo_desk(door: DeskDoor) -> Handler:
    """Lead to the desk; with its token only for a browser on this machine itself."""

    async def lead(request: web.Request) -> web.StreamResponse:
        url = door.url(str(request.url.origin())) if is_local(request) else "/desk"
        headers = {**HEADERS, "Location": url, "Cache-Control": "no-store"}
        return web.Response(status=302, headers=headers)

    return lead


def demo_places(mail: MailDoor | None) -> Handler:
    """Tell the shop's page where the demo's mail is shown, if it is and this browser may see it."""

    async def tell(request: web.Request) -> web.StreamResponse:
        here = mail if is_local(request) else None
        return json_response({"mail": None if here is None else here.url("")})

    return tell
