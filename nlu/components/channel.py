"""The input channel `schalter`: how the bot asks Rasa, over HTTP on loopback.

`POST turn` answers one turn, `POST parse` understands texts without a conversation, `POST forget`
erases the trackers of conversations, `POST old` counts or drops old ones, `GET` says which model is
loaded. Every request carries the token. `components/wire.py` has the JSON.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from rasa.core.channels.channel import InputChannel, UserMessage
from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME
from sanic import Blueprint, Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, json

from components import wire
from components.turn import CHANNEL, TurnFailed, TurnProcessor, UnknownIntent

logger = logging.getLogger(__name__)
PARSE_AT_ONCE = 50
"""Texts understood in one go before turns get a chance to run."""


class Queues:
    """One turn at a time for each sender, without the polling of Rasa's own lock."""

    def __init__(self) -> None:
        """No sender is known yet."""
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def turn(self, sender: str) -> AsyncIterator[None]:
        """Wait for the sender's turns before this one."""
        lock, users = self._locks.get(sender, (asyncio.Lock(), 0))
        self._locks[sender] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks.pop(sender)
            if users > 1:
                self._locks[sender] = (lock, users - 1)

    async def ended(self, conversation: int) -> None:
        """Wait until no turn of a conversation runs."""
        for sender in [one for one in self._locks if one.startswith(f"{conversation}.")]:
            async with self.turn(sender):
                pass


class SchalterInput(InputChannel):
    """The channel, as `credentials.yml` names it."""

    def __init__(self, token: str) -> None:
        """`token` is what the bot sends as its bearer token."""
        self._expected = f"Bearer {token}".encode()
        self._queues = Queues()
        self._processor: TurnProcessor | None = None
        self._loaded: object = None

    @classmethod
    def name(cls) -> str:
        """The name in the URL."""
        return CHANNEL

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> SchalterInput:
        """Read the token. Raises RasaException without one: an open channel is never right."""
        token = (credentials or {}).get("token")
        if not token:
            cls.raise_missing_credentials_exception()
        return cls(str(token))

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The routes. `on_new_message` is not used: it swallows what fails inside of a turn."""
        routes = Blueprint("schalter")
        routes.add_route(self._guarded(self._health), "/", methods=["GET"])
        routes.add_route(self._guarded(self._turn), "/turn", methods=["POST"])
        routes.add_route(self._guarded(self._parse), "/parse", methods=["POST"])
        routes.add_route(self._guarded(self._forget), "/forget", methods=["POST"])
        routes.add_route(self._guarded(self._old), "/old", methods=["POST"])
        routes.listener("after_server_stop")(self._close)
        return routes

    def _guarded(
        self, handle: Callable[[Request, TurnProcessor], Awaitable[HTTPResponse]]
    ) -> Callable[[Request], Coroutine[Any, Any, HTTPResponse]]:
        async def handler(request: Request) -> HTTPResponse:
            given = request.headers.get("Authorization", "").encode()
            if not hmac.compare_digest(given, self._expected):
                return _error(401, "the bearer token is missing or wrong")
            processor = self._current(request.app)
            if processor is None:
                return _error(503, "no model is loaded")
            try:
                return await handle(request, processor)
            except wire.BadRequest as error:
                return _error(400, str(error))
            except UnknownIntent:
                return _error(400, "payload: the model has no such intent")
            except TurnFailed as error:
                logger.warning("Turn failed: %s", error)
                return _error(502, str(error))
            except Exception as error:
                # Where it happened, and not its message: that may quote the customer.
                at = traceback.extract_tb(error.__traceback__)[-1]
                logger.error(  # noqa: TRY400
                    "Request failed: %s in %s:%s", type(error).__name__, at.filename, at.lineno
                )
                return _error(500, "the dialogue failed; its log says why")

        # Sanic names a route by its handler, and a name may be there once.
        handler.__name__ = handle.__name__
        return handler

    def _current(self, app: Sanic) -> TurnProcessor | None:
        """The processor of the model that is loaded now; Rasa may have replaced it."""
        agent = getattr(app.ctx, "agent", None)
        processor = agent.processor if agent is not None else None
        if processor is not None and processor is not self._loaded:
            self._loaded = processor
            self._processor = TurnProcessor.of(processor)
        return self._processor if processor is not None else None

    async def _health(self, _: Request, processor: TurnProcessor) -> HTTPResponse:
        return json({"status": "ready", "model": processor.model_filename})

    async def _turn(self, request: Request, processor: TurnProcessor) -> HTTPResponse:
        turn = wire.read_turn(request.body)
        async with self._queues.turn(turn.sender):
            return json(await processor.answer(turn))

    async def _parse(self, request: Request, processor: TurnProcessor) -> HTTPResponse:
        texts = wire.read_texts(request.body)
        results = []
        for first in range(0, len(texts), PARSE_AT_ONCE):
            for parsed in processor.parse(texts[first : first + PARSE_AT_ONCE]):
                results.append(wire.understood(parsed, DEFAULT_NLU_FALLBACK_INTENT_NAME))
            await asyncio.sleep(0)
        return json({"results": results})

    async def _forget(self, request: Request, processor: TurnProcessor) -> HTTPResponse:
        conversations = wire.read_conversations(request.body)
        for conversation in conversations:  # what saves its tracker at its end would bring it back
            await self._queues.ended(conversation)
        processor.trackers.forget(conversations)
        return json({"status": "forgotten"})

    async def _old(self, request: Request, processor: TurnProcessor) -> HTTPResponse:
        before, drop = wire.read_age(request.body)
        return json({"trackers": processor.trackers.old(before, drop=drop)})

    async def _close(self, _: Sanic, __: asyncio.AbstractEventLoop) -> None:
        if self._processor is not None:
            await self._processor.close()


def _error(status: int, message: str) -> HTTPResponse:
    return json({"error": message}, status=status)
