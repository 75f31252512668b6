"""Durable timers: each fires as one transaction when due, at least once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from bot.pacing import PAUSE, Alarm
from bot.ports import Row, Store, TimerHandler, Tx
from bot.store import timers
from bot.store.codec import Clock, decode, utc_now

log = logging.getLogger(__name__)

_AFTER_A_FAILURE = timedelta(minutes=1)
_WITHOUT_HANDLER = timedelta(hours=1)  # its plugin may be back after the next start


@dataclass(eq=False, kw_only=True)
class Timers:
    """Fires timers. ``handlers`` are the handlers by kind; ring ``alarm`` when one was set."""

    store: Store
    handlers: Mapping[str, TimerHandler]
    clock: Clock = utc_now

    def __post_init__(self) -> None:
        self.alarm = Alarm()

    async def run(self) -> None:
        """Fire what is due, forever."""
        while True:
            try:
                await self.fire()
                due = await self.store.read(timers.next_due)
            except Exception:  # an edge: a full disk, for instance; what is due stays due
                log.exception("timers cannot use the store")
                await asyncio.sleep(PAUSE)
                continue
            await self.alarm.wait(due, self.clock())

    async def fire(self) -> None:
        """Fire what is due now."""
        now = self.clock()
        for timer in await self.store.read(lambda tx: timers.due(tx, now)):
            try:
                await self.store.write(partial(self._fire, timer))
            except Exception:  # an edge: one broken handler must not stop the others
                log.exception("timer failed", extra={"kind": timer["kind"]})
                await self.store.write(partial(self._later, timer, _AFTER_A_FAILURE))

    def _fire(self, timer: Row, tx: Tx) -> None:
        handler = self.handlers.get(timer["kind"])
        if handler is None:
            log.error("no handler for timer", extra={"kind": timer["kind"]})
            self._later(timer, _WITHOUT_HANDLER, tx)
        elif timers.remove(tx, timer["id"], timer["due"]):
            handler(tx, timer["subject"], decode(timer["payload"]))

    def _later(self, timer: Row, wait: timedelta, tx: Tx) -> None:
        timers.postpone(tx, timer["id"], timer["due"], self.clock() + wait)
