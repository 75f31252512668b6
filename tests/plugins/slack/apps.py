"""An app of ours at the simulated Slack, with a handler that notes what it gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from bot.ports import Row
from bot.store import SQLiteStore
from bot.store.migrate import Migrations
from plugins.slack.app import SlackApp
from plugins.slack.events import Event, EventKind, Watched
from plugins.slack.settings import SlackSettings
from plugins.slack.testing import SlackSimulator

QUICK = {
    "hold_seconds": 0.05,
    "per_channel_seconds": 0.0,
    "heartbeat_seconds": 0.4,
    "quiet_seconds": 0.5,
    "connections": 1,
    "sweep_minutes": 0.0,
}


@dataclass
class Notes:
    """An EventHandler. ``fails`` are raised, in order, before an event with that text is noted."""

    channels: set[str] = field(default_factory=set)
    watches: list[Watched] = field(default_factory=list)
    got: list[Event] = field(default_factory=list)
    fails: dict[str, list[Exception]] = field(default_factory=dict)
    slow: dict[str, float] = field(default_factory=dict)

    def wants(self, event: Event) -> bool:
        return not self.channels or event.channel in self.channels

    async def handle(self, event: Event) -> None:
        await asyncio.sleep(self.slow.get(event.text, 0.0))
        if self.fails.get(event.text):
            raise self.fails[event.text].pop(0)
        self.got.append(event)

    async def watched(self) -> Sequence[Watched]:
        return self.watches

    def texts(self) -> list[str]:
        return [event.text for event in self.got if event.kind is EventKind.MESSAGE]

    def kinds(self) -> list[str]:
        return [str(event.kind) for event in self.got]


@dataclass
class Running:
    app: SlackApp
    notes: Notes
    store: SQLiteStore
    slack: SlackSimulator

    async def rows(self, sql: str, **values: Any) -> list[Row]:
        return await self.store.read(lambda tx: tx.rows(sql, **values))

    async def until(self, holds: Callable[[], Any], seconds: float = 8.0) -> None:
        async with asyncio.timeout(seconds):
            while not holds():  # noqa: ASYNC110 - a test looks
                await asyncio.sleep(0.01)

    async def hears(self, *texts: str, seconds: float = 8.0) -> None:
        """Wait until so many messages were handled, and see that they are these, in order."""
        with suppress(TimeoutError):
            await self.until(lambda: len(self.notes.texts()) >= len(texts), seconds)
        assert self.notes.texts() == list(texts)

    async def settled(self) -> None:
        """Wait until nothing that was taken is still to be handled."""
        await self.slack.events.settled()
        async with asyncio.timeout(8):
            while await self.rows("SELECT 1 FROM slack_events WHERE status = 'open'"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@asynccontextmanager
async def running(
    slack: SlackSimulator,
    folder: Path,
    notes: Notes | None = None,
    prepare: Callable[[SlackApp], None] = lambda _app: None,
    connected: bool = True,
    **settings: Any,
) -> AsyncIterator[Running]:
    """Run an app; entered again with the same folder it is a restart."""
    notes = notes or Notes()
    app = SlackApp(SlackSettings.model_validate(slack.settings(**{**QUICK, **settings})))
    app.add_handler(notes)
    prepare(app)
    migrations = Migrations("slack", files("plugins.slack") / "migrations")
    async with SQLiteStore(folder / "bot.db", [migrations]) as store, app.running(store):
        if connected and app.settings.mode == "socket":
            await slack.socket.connected(app.settings.connections)
        yield Running(app, notes, store, slack)
