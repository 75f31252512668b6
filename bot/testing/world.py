"""A whole core on a database of its own, with fakes around it and the real texts in it."""

from __future__ import annotations

import asyncio
import importlib.resources
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources.abc import Traversable
from pathlib import Path

from actions.builtin import builtin_actions
from bot.core import Core, Parts
from bot.desk import Agent, HistoryLine
from bot.dispatcher import Patience
from bot.messages import Address, Author, Inbound, Kind
from bot.ports import Action, Identify, Middleware, Row, Texts, TimerHandler, Tx
from bot.store import SQLiteStore
from bot.store.codec import Clock, new_id, utc_now
from bot.store.migrate import Migrations
from bot.testing.fakes import FakeChannel, FakeDesk, ScriptedDialogue
from bot.testing.seat import Seat
from desk.counter import Counter, DeskParts
from desk.routing import Routing
from host.files import DiskFiles
from host.ports import templates_of
from host.settings import FilesOptions
from host.texts import TextsBook
from identity.forms import Forms


@dataclass
class World:
    """What a test works with."""

    core: Core
    store: SQLiteStore
    channel: FakeChannel
    desk: FakeDesk
    dialogue: ScriptedDialogue

    async def says(
        self,
        text: str,
        *,
        who: str = "c1",
        wire_id: str | None = None,
        payload: str | None = None,
        deletes: str | None = None,
    ) -> bool:
        """The customer writes, presses a button or deletes; True when the message was new."""
        kind = Kind.TEXT if payload is None else Kind.BUTTON
        message = Inbound(
            Address(self.channel.name, who),
            wire_id or new_id(),
            kind=kind if deletes is None else Kind.DELETE,
            text=text,
            payload=payload,
            edits=deletes,
        )
        (new,) = await self.core.inbox.accept(message)
        return new

    async def agent(self, id: str, name: str | None = None, case: int = 1) -> Seat:
        """An agent at the desk, introduced if there is a name."""
        if name is not None:
            await self.core.desk_inbox.introduce(Agent(id, name))
        return Seat(self.core.desk_inbox, id, case)

    async def thread(self, case: int = 1) -> list[str]:
        """What a case's thread shows: ``author (name): text [state]``."""
        lines = await self.core.desk_inbox.history(case)
        return [_told(line) for line in lines]

    async def wake(self) -> None:
        """Let all loops look at the clock again."""

        def work(tx: Tx) -> None:
            for topic in ("inbox", "outbox", "timers"):
                tx.notify(topic)

        await self.store.write(work)

    async def until(self, sql: str, seconds: float = 5.0, **values: object) -> list[Row]:
        """Return the rows of a query as soon as there are some. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not (rows := await self.rows(sql, **values)):  # noqa: ASYNC110 - rows have no event
                await asyncio.sleep(0.005)
        return rows

    async def settled(self, seconds: float = 5.0) -> None:
        """Return when no message waits, no turn is open, and nothing is queued that is due."""
        await self.until(SETTLED, seconds)

    async def rows(self, sql: str, **values: object) -> list[Row]:
        """Look into the store."""
        return await self.store.read(lambda tx: tx.rows(sql, **values))


def _told(line: HistoryLine) -> str:
    name = f" ({line.name})" if line.name else ""
    kind = f" <{line.kind}: {line.quote}>" if line.kind is Kind.DELETE else ""
    state = f" [{line.state}]" if line.author is Author.AGENT and line.state else ""
    return f"{line.author}{name}: {line.text}{kind}{state}{' (edited)' if line.edited else ''}"


@asynccontextmanager
async def world(
    folder: Path,
    *,
    texts: Texts | Sequence[Traversable],
    actions: Sequence[Action] = (),
    identify: Identify | None = None,
    channel: FakeChannel | None = None,
    desk: FakeDesk | None = None,
    dialogue: ScriptedDialogue | None = None,
    middleware: Sequence[Middleware] = (),
    timers: Mapping[str, TimerHandler] | None = None,
    patience: Patience | None = None,
    detect: Callable[[str, str, bool], str] = lambda _text, current, _first: current,
    clock: Clock = utc_now,
    parts: DeskParts | None = None,
    undo_seconds: float = 0.0,
) -> AsyncIterator[World]:
    """Run a core in ``folder``; entering it again there is a restart on the same data.

    ``texts`` are a Texts, or the domain folders to read them from; without ``parts`` somebody is
    always there.
    """
    channel = channel or FakeChannel()
    dialogue = dialogue or ScriptedDialogue()
    desk = desk or FakeDesk()
    book = texts_of(tuple(texts)) if isinstance(texts, Sequence) else texts
    migrations = Migrations("core", importlib.resources.files("bot.store") / "migrations")
    counter = parts or DeskParts(
        routing=Routing(desk=desk.name),
        undo_seconds=undo_seconds,
        offers=templates_of({channel.name: channel}),
    )
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(SQLiteStore(folder / "bot.db", [migrations]))
        core = Core(
            Parts(
                store=store,
                files=DiskFiles(folder=folder / "files", store=store, options=FilesOptions()),
                texts=book,
                channels={channel.name: channel},
                desks={desk.name: desk},
                counter=partial(Counter, counter),
                detect=detect,
                builtins=builtin_actions,
                identities=partial(Forms, identify=identify),
                middleware=middleware,
                timers=timers or {},
                patience=patience or Patience(),
                clock=clock,
            )
        )
        for action in actions:
            core.actions.add(action)
        await stack.enter_async_context(channel.open(core.inbox))
        await stack.enter_async_context(desk.open(core.desk_inbox))
        await stack.enter_async_context(core.running(dialogue.ask))
        yield World(core, store, channel, desk, dialogue)


@cache
def texts_of(folders: tuple[Traversable, ...]) -> TextsBook:
    """The texts of domain folders, with facts of a shop."""
    return TextsBook(folders, facts=_FACTS)  # reading them takes longer than most tests


SETTLED = """
SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM inbox WHERE status = 'pending')
AND NOT EXISTS (SELECT 1 FROM turns WHERE status = 'frozen')
AND NOT EXISTS (SELECT 1 FROM outbox WHERE state IN ('queued', 'sending'))
"""
_FACTS = {
    "shop_name": "Lindenhof",
    "support_email": "hilfe@shop.example",
    "support_hours": "Mo-Fr 9-17",
    "shop_url": "https://shop.example",
}
