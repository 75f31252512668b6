"""A real core with a real channel in it, over SQLite and HTTP, with faults in the store."""

from __future__ import annotations

import asyncio
import importlib.resources
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from actions.builtin import builtin_actions
from bot.core import Core, Parts
from bot.desk import TakeOver
from bot.messages import Answer, Outcome, Say
from bot.ports import Channel, Files, Row, Store, Tx, WebhookChannel
from bot.store import SQLiteStore, StoreError
from bot.store.codec import new_id
from bot.store.migrate import Migrations
from bot.testing.conformance_wire import Harness
from bot.testing.fakes import FakeDesk, ScriptedDialogue
from bot.testing.world import SETTLED, texts_of
from desk.counter import Counter, DeskParts
from desk.routing import Routing
from host.files import DiskFiles
from host.metrics import Metrics
from host.ports import templates_of
from host.settings import FilesOptions
from host.typing_hint import TypingHint
from host.web import WebServer, bind
from host.wiring import OUR_DIALOGUE
from identity.forms import Forms

T = TypeVar("T")
HANDOFF = "Mensch bitte"
"""What a customer of the suite writes to get a person."""


class FaultyStore(SQLiteStore):
    """A store whose disk may be slow (``open`` is cleared) or full.

    ``full`` refuses everything; ``loses`` only what would bring a message into the inbox.
    """

    def __init__(self, path: Path, migrations: Sequence[Migrations]) -> None:
        super().__init__(path, migrations)
        self.open = asyncio.Event()
        self.open.set()
        self.full = self.loses = False

    async def write(self, work: Callable[[Tx], T], /) -> T:
        """As in the port."""
        await self.open.wait()
        if self.full:
            raise StoreError("the disk is full, as the test wants it")
        return await super().write(_without_messages(work) if self.loses else work)


@dataclass
class ConformingBot:
    """A running bot."""

    url: str
    core: Core
    store: FaultyStore
    files: DiskFiles
    channel: Channel
    desk: FakeDesk
    dialogue: ScriptedDialogue

    async def rows(self, sql: str, **values: object) -> list[Row]:
        """Look into the store."""
        return await self.store.read(lambda tx: tx.rows(sql, **values))

    async def until(self, sql: str, seconds: float = 15.0, **values: object) -> list[Row]:
        """Return the rows of a query as soon as there are some. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not (rows := await self.rows(sql, **values)):  # noqa: ASYNC110 - rows have no event
                await asyncio.sleep(0.01)
        return rows

    async def settled(self, seconds: float = 20.0) -> None:
        """Return when nothing waits any more. Raises AssertionError."""
        try:
            await self.until(SETTLED, seconds)
        except TimeoutError:
            open_rows = await self.rows(
                "SELECT op, state, reason, attempts FROM outbox WHERE state IN ('queued','sending')"
            )
            stuck = [dict(row) for row in open_rows]
            raise AssertionError(f"still not settled after {seconds} s: {stuck}") from None

    async def sent(self) -> list[Row]:
        """The messages to the customer, in order, with what became of them."""
        return await self.rows("SELECT * FROM outbox WHERE op = 'send' ORDER BY seq")

    async def taken_over(self) -> int:
        """An agent takes over the case that waits; its number."""
        (case,) = await self.until("SELECT id FROM cases WHERE state = 'open'")
        command = TakeOver(new_id(), case["id"], "Jana Berg")
        done = await self.core.desk_inbox.accept(command)
        assert done.done, f"the case could not be taken over: {done.reason}"
        return int(case["id"])


@asynccontextmanager
async def conforming_bot(
    folder: Path,
    harness: Harness,
    settings: Mapping[str, Any],
    dialogue: ScriptedDialogue | None = None,
) -> AsyncIterator[ConformingBot]:
    """Run a bot on ``folder``; entered again there it is a restart on the same data."""
    dialogue, desk = dialogue or ScriptedDialogue(), FakeDesk()
    handoff = Answer((Say("utter_handoff"),), Outcome.HANDOFF, reason="asked")
    dialogue.replies.setdefault(HANDOFF, handoff)
    channel = harness.channel(settings)
    core_tables = Migrations("core", importlib.resources.files("bot.store") / "migrations")
    async with AsyncExitStack() as stack:
        opening = FaultyStore(folder / "bot.db", [core_tables, *harness.migrations])
        store = opening
        await stack.enter_async_context(opening)
        files = DiskFiles(folder=folder / "files", store=store, options=FilesOptions())
        core = Core(_parts(store, files, channel, desk))
        bound = bind("127.0.0.1", 0)
        stack.callback(bound.close)
        webhooks = channel.routes(core.inbox) if isinstance(channel, WebhookChannel) else ()
        server = WebServer(bound=bound, routes=[], webhooks=webhooks, metrics=Metrics(store))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        await stack.enter_async_context(server)
        await stack.enter_async_context(channel.open(core.inbox))
        await stack.enter_async_context(desk.open(core.desk_inbox))
        await stack.enter_async_context(core.running(dialogue.ask, drain_seconds=0.5))
        bot = ConformingBot(url, core, store, files, channel, desk, dialogue)
        await stack.enter_async_context(harness.beside(bot, settings))
        try:
            yield bot
        finally:
            store.open.set()  # a test that failed meanwhile must end too
            store.full = store.loses = False


def _without_messages(work: Callable[[Tx], T]) -> Callable[[Tx], T]:
    def guarded(tx: Tx) -> T:
        before = tx.row("SELECT count(*) AS n FROM inbox")
        done = work(tx)
        if tx.row("SELECT count(*) AS n FROM inbox") != before:
            raise StoreError("the disk is full when it comes to messages, as the test wants it")
        return done

    return guarded


def _parts(store: FaultyStore, files: Files, channel: Channel, desk: FakeDesk) -> Parts:
    typed: Store = store
    channels = {channel.name: channel}
    return Parts(
        store=store,
        files=files,
        texts=texts_of((OUR_DIALOGUE / "domain",)),
        channels=channels,
        desks={desk.name: desk},
        counter=partial(
            Counter, DeskParts(routing=Routing(desk=desk.name), offers=templates_of(channels))
        ),
        builtins=builtin_actions,
        identities=Forms,
        detect=lambda _text, current, _first: current,
        middleware=[TypingHint(store=typed, channels=channels)],
    )
