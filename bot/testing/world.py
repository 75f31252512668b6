"""A whole core on a database of its own, with fakes around it and the real texts in it."""

from __future__ import annotations

import asyncio
import importlib.resources
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from actions.builtin import builtin_actions
from bot.core import Core, Parts
from bot.desk import Agent, HistoryLine
from bot.dispatcher import Patience
from bot.messages import Address, Author, Inbound, Kind
from bot.ports import Action, Identify, Middleware, Row, Texts, TimerHandler, Tx
from bot.store import SQLiteStore
from bot.store.codec import Clock, new_id, stamp, utc_now
from bot.store.migrate import Migrations
from bot.testing.fakes import FakeChannel, FakeDesk, FakeMail, ScriptedDialogue
from bot.testing.seat import Seat
from desk.counter import Counter, DeskParts
from desk.routing import Routing
from host.files import DiskFiles
from host.ports import templates_of
from host.settings import FilesOptions
from host.texts import TextsBook
from identity.forms import Forms
from identity.keys import Keyed
from identity.policies import Policies


@dataclass
class World:
    """What a test works with."""

    core: Core
    store: SQLiteStore
    channel: FakeChannel
    desk: FakeDesk
    dialogue: ScriptedDialogue
    mail: FakeMail | None = None

    async def says(
        self,
        text: str,
        *,
        who: str = "c1",
        wire_id: str | None = None,
        payload: str | None = None,
        deletes: str | None = None,
        phone: str | None = None,
        email: str | None = None,
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
            phone=phone,
            email=email,
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

    async def mails(self) -> None:
        """Let the mails with codes leave now, and not a moment after the answer."""

        def work(tx: Tx) -> None:
            tx.run("UPDATE timers SET due = :past WHERE kind = 'code_mail'", past=stamp(_PAST))
            tx.notify("timers")

        await self.store.write(work)
        await self.until(
            "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM timers WHERE kind = 'code_mail')"
        )
        await self.settled()

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
    mail: FakeMail | None = None,
    identity: Mapping[str, Any] | None = None,
) -> AsyncIterator[World]:
    """Run a core in ``folder``; entering it again there is a restart on the same data.

    ``texts`` are a Texts, or the domain folders to read them from; without ``parts`` somebody is
    always there. With ``mail`` codes can be sent; ``identity`` are more fields of ``Forms``.
    """
    channel, desk = channel or FakeChannel(), desk or FakeDesk()
    dialogue = dialogue or ScriptedDialogue()
    book = texts_of(tuple(texts)) if isinstance(texts, Sequence) else texts
    counter = parts or DeskParts(
        routing=Routing(desk=desk.name),
        undo_seconds=undo_seconds,
        offers=templates_of({channel.name: channel}),
    )
    channels: dict[str, FakeChannel] = {one.name: one for one in (channel, mail) if one}
    forms = _forms(identify, mail, book) | dict(identity or {})
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(SQLiteStore(folder / "bot.db", [_migrations()]))
        core = Core(
            Parts(
                store=store,
                files=DiskFiles(folder=folder / "files", store=store, options=FilesOptions()),
                texts=book,
                channels=channels,
                desks={desk.name: desk},
                counter=partial(Counter, counter),
                detect=detect,
                builtins=builtin_actions,
                identities=partial(Forms, **forms),
                middleware=middleware,
                timers=timers or {},
                patience=patience or Patience(),
                clock=clock,
            )
        )
        for action in actions:
            core.actions.add(action)
        for one in channels.values():
            await stack.enter_async_context(one.open(core.inbox))
        await stack.enter_async_context(desk.open(core.desk_inbox))
        await stack.enter_async_context(core.running(dialogue.ask))
        yield World(core, store, channel, desk, dialogue, mail)


def _forms(identify: Identify | None, mail: FakeMail | None, texts: Texts) -> dict[str, Any]:
    return {
        "identify": identify,
        "reaches": mail,
        "texts": texts,
        "policies": Policies(sends_codes=mail is not None),
        "keyed": _KEYED,
    }


def _migrations() -> Migrations:
    return Migrations("core", importlib.resources.files("bot.store") / "migrations")


@cache
def texts_of(folders: tuple[Traversable, ...]) -> TextsBook:
    """The texts of domain folders, with facts of a shop."""
    return TextsBook(folders, facts=_FACTS)  # reading them takes longer than most tests


SETTLED = """
SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM inbox WHERE status = 'pending')
AND NOT EXISTS (SELECT 1 FROM turns WHERE status = 'frozen')
AND NOT EXISTS (SELECT 1 FROM outbox WHERE state IN ('queued', 'sending'))
"""
_KEYED = Keyed(lambda: b"a key of nobody but the tests")  # the same after a restart
_PAST = datetime(2000, 1, 1, tzinfo=UTC)
_FACTS = {
    "shop_name": "Lindenhof",
    "support_email": "hilfe@shop.example",
    "support_hours": "Mo-Fr 9-17",
    "shop_url": "https://shop.example",
}
