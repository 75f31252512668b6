"""Server-sent events: who is connected, and what each is woken for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from plugins.web.serving import HEADERS

HEARTBEAT = 15.0
"""Seconds of silence after which an event stream shows that it lives (proxies cut at 30 to 60)."""
ALIVE = b"event: alive\ndata: {}\n\n"
"""What a silent stream shows: an event, as comments never reach a page's script."""


class Listener:
    """One connected browser: woken by name, with the news since it last looked."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._news: dict[str, None] = {}

    def ring(self, news: str = "") -> None:
        """Wake it."""
        self._news[news] = None
        self._rung.set()

    def take(self) -> list[str]:
        """What it was woken for; call it before reading the truth, so that nothing is missed."""
        news = list(self._news)
        self._news.clear()
        self._rung.clear()
        return news

    async def wait(self, seconds: float) -> None:
        """Wait for the next ring, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return


class Listeners:
    """Who is connected. Closing lets every event stream end."""

    def __init__(self) -> None:
        self.closed = False
        self._by_key: dict[str, set[Listener]] = {}

    @contextmanager
    def listen(self, key: str) -> Iterator[Listener]:
        """Be woken for a key while inside."""
        listener = Listener()
        self._by_key.setdefault(key, set()).add(listener)
        try:
            yield listener
        finally:
            group = self._by_key[key]
            group.discard(listener)
            if not group:
                del self._by_key[key]

    def ring(self, key: str, news: str = "") -> None:
        """Wake everybody who listens to a key."""
        for listener in self._by_key.get(key, ()):
            listener.ring(news)

    def close(self) -> None:
        """Let every stream end: a server that stops would wait for them."""
        self.closed = True
        for key in list(self._by_key):
            self.ring(key)


async def start_events(
    request: web.Request, cookies: web.Response | None = None
) -> web.StreamResponse:
    """Begin a stream of server-sent events."""
    headers = {
        **HEADERS,
        "Content-Type": "text/event-stream; charset=utf-8",
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
    }
    response = web.StreamResponse(headers=headers)
    if cookies is not None:
        response.cookies.update(cookies.cookies)
    await response.prepare(request)
    await response.write(b"retry: 1500\n\n")
    return response


def event(kind: str, data: object, number: int | None = None) -> bytes:
    """Render one server-sent event."""
    lines = [f"event: {kind}", f"data: {json.dumps(data)}"]
    if number is not None:
        lines.insert(0, f"id: {number}")
    return ("\n".join(lines) + "\n\n").encode()
