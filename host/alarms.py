"""What operators must hear at once, also where no desk tells them: in the log and at /health."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.ports import Row, Tx
from bot.store import SQLiteStore, StoreError, audit
from host.ports import Health

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Alarms:
    """Logs every alarm that is raised while it runs, once, at level error."""

    store: SQLiteStore
    last: int = 0

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch until closed."""
        latest = await self.store.read(audit.latest_alarm)
        self.last = 0 if latest is None else int(latest["id"])
        rung = asyncio.Event()
        unsubscribe = self.store.subscribe(audit.ALARM, lambda _subject: rung.set())
        task = asyncio.create_task(self._watch(rung), name="alarms")
        try:
            yield
        finally:
            unsubscribe()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def health(self) -> Health:
        """The latest alarm. It is no fault of a part: nothing is broken by it."""
        latest = await self.store.read(audit.latest_alarm)
        if latest is None:
            return Health("alarms", True)
        return Health("alarms", True, f"latest: {latest['kind']} at {latest['at']}")

    async def _watch(self, rung: asyncio.Event) -> None:
        while True:
            await rung.wait()
            rung.clear()
            try:
                for row in await self.store.read(self._new):
                    self.last = row["id"]
                    log.error("alarm", extra={"kind": row["kind"], "alarm": row["id"]})
            except StoreError as error:
                log.warning("alarms not read", exc_info=error)

    def _new(self, tx: Tx) -> list[Row]:
        return audit.alarms_after(tx, self.last)
