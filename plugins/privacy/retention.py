"""What is older than its class is kept goes every night, in small transactions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from bot.ports import Retry
from bot.store import personal
from bot.store.codec import stamp
from bot.store.personal import DataTable
from host.ports import AgesElsewhere
from plugins.privacy.erasing import AGE, Eraser
from plugins.privacy.settings import PrivacySettings

log = logging.getLogger(__name__)

_BATCH = 500  # rows of one transaction: some milliseconds
_CONVERSATIONS = 50  # looked for at once; each is a transaction of its own
_BREATH = 0.01  # seconds between two of them


@dataclass
class Last:
    """What the latest night did, for /health and the figures."""

    at: datetime | None = None
    failed: bool = False
    dropped: dict[str, int] = field(default_factory=dict)


@dataclass(eq=False, kw_only=True)
class Retention:
    """Finds and drops what is too old."""

    eraser: Eraser
    settings: PrivacySettings
    last: Last = field(default_factory=Last)

    def before(self, keeps: str) -> datetime | None:
        """What is older than this goes; ``None``: it is kept for ever."""
        days = self.settings.days(keeps)
        return self.eraser.clock() - timedelta(days=days) if days else None

    async def due(self) -> list[dict[str, object]]:
        """What would go now, by class: nothing is changed."""
        found: list[dict[str, object]] = []
        before = self.before("conversations")
        if before is not None:
            limit = before
            ids = await self.eraser.store.read(
                lambda tx: personal.silent_since(tx, limit, 0, 1_000_000)
            )
            found.append(_due("conversations", "conversations", len(ids), before))
        for table, limit in await self._tables():
            number = await self.eraser.store.read(
                partial(personal.count_old, table=table, before=limit)
            )
            found.append(_due(table.keeps, table.name, number, limit))
        for keeper, limit in self._elsewhere():
            try:
                number = await keeper.count_old(limit)
            except Retry:
                continue
            found.append(_due(keeper.keeps, getattr(keeper, "name", ""), number, limit))
        return found

    async def run(self) -> dict[str, int]:
        """Drop what is too old; how much, by class."""
        dropped: dict[str, int] = {}
        before = self.before("conversations")
        if before is not None:
            dropped["conversations"] = await self._conversations(before)
        for table, limit in await self._tables():
            number = await self._rows(table, limit)
            dropped[table.keeps] = dropped.get(table.keeps, 0) + number
        failed = False
        for keeper, limit in self._elsewhere():
            try:
                number = await keeper.drop_old(limit)
            except Retry as retry:
                log.warning("not dropped by age", extra={"reason": retry.reason})
                failed = True
                continue
            dropped[keeper.keeps] = dropped.get(keeper.keeps, 0) + number
        await self.eraser.work()
        await self.eraser.finish(at_night=True)
        self.last = Last(self.eraser.clock(), failed, dropped)
        log.info("dropped by age", extra={"rows": sum(dropped.values())})
        return dropped

    async def _conversations(self, before: datetime) -> int:
        store, number, after = self.eraser.store, 0, 0
        while ids := await store.read(
            partial(personal.silent_since, before=before, after=after, limit=_CONVERSATIONS)
        ):
            for conversation in ids:
                await store.write(partial(self.eraser.ask, ids=[conversation], reason=AGE))
                await asyncio.sleep(_BREATH)
            number, after = number + len(ids), ids[-1]
        return number

    async def _rows(self, table: DataTable, limit: datetime) -> int:
        total = 0
        while number := await self.eraser.store.write(
            lambda tx: personal.drop_old(tx, table, limit, _BATCH)
        ):
            total += number
            await asyncio.sleep(_BREATH)
        return total

    async def _tables(self) -> list[tuple[DataTable, datetime]]:
        every = [table for keeper in self.eraser.keepers for table in keeper.tables]
        there = await self.eraser.store.read(lambda tx: personal.existing(tx, every))
        limits = ((table, self.before(table.keeps)) for table in personal.ageing(there))
        return [(table, limit) for table, limit in limits if limit is not None]

    def _elsewhere(self) -> Iterator[tuple[AgesElsewhere, datetime]]:
        for keeper in self.eraser.keepers:
            limit = self.before(keeper.keeps) if isinstance(keeper, AgesElsewhere) else None
            if isinstance(keeper, AgesElsewhere) and limit is not None:
                yield keeper, limit


def _due(keeps: str, table: str, number: int, before: datetime) -> dict[str, object]:
    return {"class": keeps, "of": table, "number": number, "older_than": stamp(before)}
