"""Socket Mode: https://docs.slack.dev/apis/events-api/using-socket-mode."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from plugins.slack.testing_events import ACK_SECONDS, Delivery, NotAcknowledged
from plugins.slack.testing_faults import Faults
from plugins.slack.testing_world import Raw, World

MOST_CONNECTIONS = 10
_REFRESH_AFTER = 18_000  # seconds, told in `hello`
_HOST = "applink-sim-1"


@dataclass(eq=False)
class Connection:
    """One WebSocket of the app."""

    number: int
    socket: web.WebSocketResponse
    request: web.Request
    silent: bool = False
    sent: list[Raw] = field(default_factory=list)
    """Every frame that went out on it."""

    async def send(self, frame: Raw) -> None:
        """Send a frame; nothing leaves a silent connection."""
        self.sent.append(frame)
        if not self.silent:
            await self.socket.send_str(json.dumps(frame))


class SocketMode:
    """The connections, and what is on its way through them."""

    def __init__(self, world: World, faults: Faults, seed: int) -> None:
        self._world, self._faults = world, faults
        self._random = random.Random(seed)  # noqa: S311 (which connection, not a secret)
        self._numbers = itertools.count(1)
        self._turns = itertools.count()
        self._tickets: set[str] = set()
        self._pending: dict[str, asyncio.Future[Any]] = {}
        self.url = ""
        self.enabled = True
        self.ack_seconds = ACK_SECONDS
        self.ping_seconds = 10.0
        self.most = MOST_CONNECTIONS
        self.connections: list[Connection] = []
        """Those that are open, oldest first."""
        self.acks: list[Raw] = []
        """Everything that the app sent."""
        self.unknown_acks: list[str] = []
        """Envelope ids that were acknowledged twice, too late, or never existed."""
        self.opened = 0
        """How many connections there have been."""

    @property
    def away(self) -> bool:
        """Whether no connection is open."""
        return not self.connections

    def ticket(self) -> str:
        """An address for one connection, as ``apps.connections.open`` hands it out."""
        ticket = secrets.token_hex(12)
        self._tickets.add(ticket)
        return f"{self.url}/link/?ticket={ticket}&app_id={self._world.app_id}"

    async def bring(self, delivery: Delivery) -> Any:
        """Send an envelope over one of the connections; what the app answers in its ack."""
        connection = self._choose()
        envelope_id = str(uuid.uuid4())
        envelope: Raw = {
            "envelope_id": envelope_id,
            "payload": delivery.payload,
            "type": delivery.kind,
            "accepts_response_payload": delivery.answerable,
        }
        if delivery.kind == "events_api":
            envelope |= {"retry_attempt": delivery.attempt, "retry_reason": delivery.reason}
        answered = self._pending[envelope_id] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self.ack_seconds):
                await connection.send(envelope)
                return await answered
        except (TimeoutError, ConnectionError):
            raise NotAcknowledged("timeout") from None
        finally:
            del self._pending[envelope_id]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection, from hello to its end."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets or not self.enabled:
            raise web.HTTPForbidden
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(autoping=False, max_msg_size=2**22)
        await socket.prepare(request)
        connection = Connection(next(self._numbers), socket, request)
        if len(self.connections) >= self.most:
            await connection.send(self._goodbye("too_many_websockets"))
            await socket.close()
            return socket
        self.connections.append(connection)
        self.opened += 1
        pings = asyncio.create_task(self._pings(connection))
        try:
            await connection.send(self._hello())
            await self._world.changed()
            await self._listen(connection)
        finally:
            pings.cancel()
            await self._gone(connection)
        return socket

    async def connected(self, count: int = 1, seconds: float = 10.0) -> None:
        """Wait until so many connections are open. Raises TimeoutError."""
        await self._world.until(lambda: len(self.connections) >= count, seconds)

    async def drop(self) -> None:
        """End all connections, without a word."""
        for connection in list(self.connections):
            self.connections.remove(connection)
            if connection.request.transport is not None:
                connection.request.transport.abort()
        await self._world.changed()

    def silence(self) -> None:
        """All connections stay open, but nothing comes through any more, in no direction."""
        for connection in self.connections:
            connection.silent = True

    async def disconnect(self, reason: str = "refresh_requested", *, closes: bool = True) -> None:
        """Tell every connection that it ends (``warning``, ``refresh_requested``), and end it.

        A ``warning`` comes about ten seconds before the end: with ``closes=False``.
        ``link_disabled`` means that Socket Mode was switched off in the app's settings.
        """
        if reason == "link_disabled":
            self.enabled = False
        for connection in list(self.connections):
            await connection.send(self._goodbye(reason))
        if not closes:
            return
        for connection in list(self.connections):
            await self._gone(connection)
            await connection.socket.close()

    async def close(self) -> None:
        """End everything."""
        for connection in list(self.connections):
            if connection.silent and connection.request.transport is not None:
                connection.request.transport.abort()
            await connection.socket.close()

    def _choose(self) -> Connection:
        if not self.connections:
            raise NotAcknowledged("connection_failed")
        if self._faults.spread:
            return self.connections[next(self._turns) % len(self.connections)]
        return self._random.choice(self.connections)

    async def _listen(self, connection: Connection) -> None:
        socket = connection.socket
        while not socket.closed:
            message = await socket.receive()
            if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED):
                return
            if message.type == WSMsgType.ERROR:
                return
            if connection.silent:
                continue
            if message.type == WSMsgType.PING:
                await socket.pong(message.data)
            elif message.type == WSMsgType.TEXT:
                self._acknowledged(json.loads(message.data))

    def _acknowledged(self, frame: Raw) -> None:
        self.acks.append(frame)
        envelope_id = str(frame.get("envelope_id"))
        pending = self._pending.get(envelope_id)
        if pending is None or pending.done():
            self.unknown_acks.append(envelope_id)
        else:
            pending.set_result(frame.get("payload"))

    async def _pings(self, connection: Connection) -> None:
        while True:
            await asyncio.sleep(self.ping_seconds)
            if not connection.silent and not connection.socket.closed:
                await connection.socket.ping(f"Ping from {_HOST}".encode())

    async def _gone(self, connection: Connection) -> None:
        if connection in self.connections:
            self.connections.remove(connection)
        await self._world.changed()

    def _hello(self) -> Raw:
        debug = {"host": _HOST, "build_number": 1, "approximate_connection_time": _REFRESH_AFTER}
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": debug,
            "connection_info": {"app_id": self._world.app_id},
        }

    def _goodbye(self, reason: str) -> Raw:
        return {"type": "disconnect", "reason": reason, "debug_info": {"host": _HOST}}
