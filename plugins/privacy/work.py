"""What runs beside the bot: erasing what was asked for, and every night what is too old."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from bot.pacing import PAUSE
from bot.ports import Tx
from bot.store import SQLiteStore, erasures, timers
from bot.store.codec import Clock, stamp, utc_now
from host.ports import Health, Services
from plugins.privacy.erasing import Eraser
from plugins.privacy.retention import Retention
from plugins.privacy.settings import PrivacySettings

log = logging.getLogger(__name__)

NIGHTLY = "privacy_nightly"
"""The kind of the timer, and the topic that wakes the work after its commit."""
_LATE = timedelta(days=2)


@dataclass(eq=False, kw_only=True)
class Privacy:
    """Made once by ``bot_register``; it has its parts while a bot is built."""

    settings: PrivacySettings
    clock: Clock = utc_now

    def __post_init__(self) -> None:
        self._retention: Retention | None = None

    @property
    def retention(self) -> Retention:
        """What drops by age. Raises LookupError before the bot is built."""
        if self._retention is None:
            raise LookupError("the bot is not built")
        return self._retention

    @property
    def eraser(self) -> Eraser:
        """What erases. Raises LookupError before the bot is built."""
        return self.retention.eraser

    def build(self, services: Services) -> Retention:
        """Make the parts, once for each bot that is built."""
        eraser = Eraser(
            store=cast(SQLiteStore, services.store),
            keepers=services.keepers,
            rest=timedelta(seconds=self.settings.goodbye_seconds),
            patience=timedelta(minutes=self.settings.patience_minutes),
            clock=self.clock,
        )
        self._retention = Retention(eraser=eraser, settings=self.settings)
        return self._retention

    def at_night(self, tx: Tx, _subject: str, _payload: Mapping[str, object]) -> None:
        """Handle the timer: set it anew, and wake the work after the commit."""
        timers.schedule(tx, NIGHTLY, "", self.next_night())
        tx.notify(NIGHTLY)

    def next_night(self) -> datetime:
        """When the next night's work begins."""
        now = self.clock()
        tonight = now.replace(hour=self.settings.hour, minute=0, second=0, microsecond=0)
        return tonight if tonight > now else tonight + timedelta(days=1)

    @asynccontextmanager
    async def running(self, services: Services) -> AsyncIterator[None]:
        """Work until closed."""
        retention = self._retention or self.build(services)
        store = retention.eraser.store
        asked, night = asyncio.Event(), asyncio.Event()
        ends = [
            store.subscribe(erasures.ASKED, lambda _subject: asked.set()),
            store.subscribe(NIGHTLY, lambda _subject: night.set()),
        ]
        await store.write(self._begin)
        tasks = [
            asyncio.create_task(self._erasing(retention.eraser, asked), name="erasing"),
            asyncio.create_task(self._nightly(retention, night), name="retention"),
        ]
        try:
            yield
        finally:
            for end in ends:
                end()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, tx: Tx) -> None:
        if timers.find(tx, NIGHTLY, "") is None:
            timers.schedule(tx, NIGHTLY, "", self.next_night())

    async def _erasing(self, eraser: Eraser, asked: asyncio.Event) -> None:
        while True:
            asked.clear()
            due = await _guarded(eraser.work)
            seconds = None if due is None else (due - self.clock()).total_seconds()
            try:
                async with asyncio.timeout(None if seconds is None else max(seconds, 0.0)):
                    await asked.wait()
            except TimeoutError:
                continue

    async def _nightly(self, retention: Retention, night: asyncio.Event) -> None:
        while True:
            await night.wait()
            night.clear()
            await _guarded(retention.run)

    async def health(self) -> Health:
        """Red when something waits for days to be erased, or the latest night did not end well."""
        if self._retention is None:
            return Health("privacy", False, "not started")
        before = stamp(self.clock() - _LATE)
        late, waiting = await self.eraser.store.read(
            lambda tx: (erasures.late(tx, before), erasures.open_count(tx))
        )
        if late:
            return Health("privacy", False, f"{late} erasures are not done: bot privacy erasures")
        if self.retention.last.failed:
            return Health("privacy", False, "the latest night could not drop everything by age")
        return Health("privacy", True, f"{waiting} erasures under way")


async def _guarded(work: Callable[[], Awaitable[object]]) -> datetime | None:
    try:
        found = await work()
    except Exception:  # an edge: a full disk, for instance; what is asked for stays asked for
        log.exception("privacy work failed")
        await asyncio.sleep(PAUSE)
        return utc_now()
    return found if isinstance(found, datetime) else None
