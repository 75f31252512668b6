"""Socket Mode: https://docs.slack.dev/apis/events-api/using-socket-mode.

An envelope is acknowledged on the connection that it came on, after it was taken. A connection that
Slack is about to end is replaced before it ends; one that died is noticed by its heartbeat.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bot.pacing import backoff
from bot.ports import Retry
from plugins.slack.api import Api
from plugins.slack.errors import CREDENTIALS, RATE, SOCKET_MODE_OFF, SlackRefused
from plugins.slack.line import APP_TOKEN, LINK_DISABLED, Line

log = logging.getLogger(__name__)

_HELLO_SECONDS = 10.0
_GRACE = 15.0
"""Seconds that a connection which is replaced may still bring something. Slack: about ten."""
_LONGEST_PAUSE = 30.0
_OPERATOR_PAUSE = 60.0
_LARGEST = 4 * 1024 * 1024  # bytes of a frame
_AT_ONCE = 256  # envelopes; more wait in the socket

Take = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any] | None]]
"""Takes an envelope by its type and payload; what to answer with the acknowledgement."""


class _Ended(Exception):
    """A connection could not be made or is over; says why."""


@dataclass(eq=False)
class _Socket:
    """One WebSocket, from its hello on."""

    ws: aiohttp.ClientWebSocketResponse
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    reason: str = ""


@dataclass(eq=False, kw_only=True)
class Connections:
    """Keeps ``count`` connections until it is cancelled.

    ``missed`` is called when one works again after something may have been missed.
    """

    api: Api
    session: aiohttp.ClientSession
    line: Line
    take: Take
    missed: Callable[[], None]
    count: int
    heartbeat: float
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Connect, and stay connected, forever."""
        keepers = [asyncio.create_task(self._keep()) for _ in range(self.count)]
        try:
            await asyncio.gather(*keepers)
        finally:
            for task in (*keepers, *self._tasks):
                task.cancel()
            await asyncio.gather(*keepers, *self._tasks, return_exceptions=True)

    async def _keep(self) -> None:
        """One connection after the other; the next before the last one's end, if that is told."""
        failures = 0
        gap = True
        served: asyncio.Task[None] | None = None
        while True:
            try:
                socket = await self._connect()
            except Exception as error:  # an edge: whatever keeps us from connecting
                failures += 1
                gap = True
                await asyncio.sleep(self._pause(error, failures))
                continue
            failures = 0
            if gap or (served is not None and served.done()):
                self.missed()  # there was a time without this connection
            served = self._start(self._serve(socket))
            leaving = asyncio.ensure_future(socket.leaving.wait())
            try:
                await asyncio.wait({served, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                leaving.cancel()
            # What is sent into a dead connection is brought again by Slack, or it is not.
            gap = not socket.leaving.is_set()
            if gap:
                log.info("slack connection lost", extra={"why": socket.reason or "closed"})
                await asyncio.sleep(0.1)
            elif socket.reason == "too_many_websockets":
                await asyncio.sleep(_LONGEST_PAUSE)

    async def _connect(self) -> _Socket:
        url = await self.api.connection_url()
        ws = await self.session.ws_connect(url, heartbeat=self.heartbeat, max_msg_size=_LARGEST)
        try:
            async with asyncio.timeout(_HELLO_SECONDS):
                frame = _frame(await ws.receive())
        except BaseException:
            await _closed(ws)
            raise
        if frame.get("type") != "hello":
            await _closed(ws)
            raise _Ended(str(frame.get("reason") or "no hello"))
        self.line.well("link_disabled")
        self.line.well("app_token")
        return _Socket(ws)

    async def _serve(self, socket: _Socket) -> None:
        """Take what comes until the connection ends."""
        self.line.connection(1)
        closing: asyncio.TimerHandle | None = None
        try:
            async for message in socket.ws:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    continue
                frame = _frame(message)
                if frame.get("type") == "disconnect":
                    closing = closing or self._leave(socket, str(frame.get("reason", "")))
                elif "envelope_id" in frame:
                    await self._slots.acquire()
                    taking = self._start(self._envelope(socket, frame))
                    # Not in the task: one that is cancelled before it runs would keep its slot.
                    taking.add_done_callback(lambda _: self._slots.release())
            socket.reason = socket.reason or str(socket.ws.exception() or "")
        finally:
            self.line.connection(-1)
            if closing is not None:
                closing.cancel()
            await _closed(socket.ws)

    def _leave(self, socket: _Socket, reason: str) -> asyncio.TimerHandle:
        socket.reason = reason
        if reason == "link_disabled":
            self.line.trouble("link_disabled", LINK_DISABLED)
        else:
            self.line.unconnected(reason)
        socket.leaving.set()
        loop = asyncio.get_running_loop()
        return loop.call_later(_GRACE, lambda: self._start(_closed(socket.ws)))

    async def _envelope(self, socket: _Socket, frame: Mapping[str, Any]) -> None:
        payload = frame.get("payload")
        try:
            answer = await self.take(
                str(frame.get("type")), payload if isinstance(payload, Mapping) else {}
            )
        except Exception as error:  # an edge: not acknowledged, so Slack brings it again
            log.warning("envelope not taken", extra={"why": type(error).__name__})
            return
        reply: dict[str, Any] = {"envelope_id": frame["envelope_id"]}
        if answer is not None and frame.get("accepts_response_payload"):
            reply["payload"] = answer
        with suppress(ConnectionError, aiohttp.ClientError):  # brought again, and then known
            await socket.ws.send_str(json.dumps(reply))

    def _pause(self, error: Exception, failures: int) -> float:
        """Note why there is no connection; the seconds until the next try."""
        said = error.error if isinstance(error, SlackRefused) else str(error)
        if isinstance(error, SlackRefused | _Ended) and said in SOCKET_MODE_OFF:
            self.line.trouble("link_disabled", LINK_DISABLED)
            return _OPERATOR_PAUSE
        credentials = isinstance(error, Retry) and error.reason == CREDENTIALS
        if credentials or isinstance(error, SlackRefused):
            self.line.trouble("app_token", APP_TOKEN)
            return _OPERATOR_PAUSE
        usual = backoff(failures, base=0.5, cap=_LONGEST_PAUSE).total_seconds()
        if isinstance(error, Retry):
            self.line.unconnected(error.reason)
            return max(error.after or 0.0, usual) if error.reason == RATE else usual
        self.line.unconnected(str(error) if isinstance(error, _Ended) else type(error).__name__)
        return usual

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _frame(message: aiohttp.WSMessage) -> Mapping[str, Any]:
    if message.type is not aiohttp.WSMsgType.TEXT:
        raise _Ended(f"{message.type.name.lower()} instead of a frame")
    try:
        frame = json.loads(message.data)
    except (ValueError, RecursionError):
        return {}
    return frame if isinstance(frame, Mapping) else {}


async def _closed(ws: aiohttp.ClientWebSocketResponse) -> None:
    # Slack does not always answer the closing handshake.
    with suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(2.0):
            await ws.close()
