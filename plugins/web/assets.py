"""Files of a page's folder, served with headers that hold them in; and who asks for them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from plugins.web.serving import HEADERS, Handler
from plugins.web.wire import Fault

CSP = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors {ancestors}"
)
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Pages:
    """The files of a folder, read once: nothing else can be asked for."""

    TYPES: Mapping[str, str] = {
        ".html": "text/html",
        ".css": "text/css",
        ".js": "text/javascript",
        ".json": "application/json",
        ".svg": "image/svg+xml",
    }

    def __init__(self, folder: Path) -> None:
        self._files = {
            file.relative_to(folder).as_posix(): file.read_bytes()
            for file in sorted(folder.rglob("*"))
            if file.suffix in self.TYPES
        }

    def page(self, name: str, *, ancestors: str = "'self'") -> Handler:
        """A handler that serves one page; ``ancestors`` may show it in a frame."""

        async def serve(request: web.Request) -> web.StreamResponse:
            return self._serve(request, name, ancestors)

        return serve

    async def asset(self, request: web.Request) -> web.StreamResponse:
        """Serve what ``{name}`` of the path asks for."""
        return self._serve(request, request.match_info["name"], "'self'")

    def _serve(self, request: web.Request, name: str, ancestors: str) -> web.StreamResponse:
        body = self._files.get(name)
        if body is None:
            raise Fault(404, "not_found")
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {
            **HEADERS,
            "Content-Security-Policy": CSP.format(ancestors=ancestors),
            "Cache-Control": "no-cache",
            "ETag": tag,
        }
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
        kind = self.TYPES[Path(name).suffix]
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)


def is_local(request: web.Request) -> bool:
    """Whether a browser on this machine asks, by a name of this machine, through no proxy.

    The name matters: a foreign site can make its own name lead here, and would read the answer.
    """
    host = urlsplit(f"//{request.host}").hostname
    proxied = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "Via"))
    return request.remote in LOOPBACK and host in LOOPBACK and not proxied
