"""Durable timers: they fire when due, once, and a broken one does not stop the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import pytest

from bot.ports import Tx
from bot.store import SQLiteStore, StoreError, timers
from bot.store.migrate import Migrations
from bot.testing import MovingClock
from bot.timers import Timers


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    migrations = [Migrations("core", resources("bot.store") / "migrations")]
    async with SQLiteStore(tmp_path / "bot.db", migrations) as opened:
        yield opened


class Bell:
    """Timers with a handler that remembers, and one that fails."""

    def __init__(self, store: SQLiteStore) -> None:
        self.clock = MovingClock()
        self.store = store
        self.rung: list[tuple[str, Mapping[str, Any]]] = []
        handlers = {"ring": self._ring, "fail": self._fail}
        self.timers = Timers(store=store, handlers=handlers, clock=self.clock)

    def _ring(self, tx: Tx, subject: str, payload: Mapping[str, Any]) -> None:
        self.rung.append((subject, payload))
        if payload.get("again"):
            self.set_in(tx, 10, subject=subject)

    def _fail(self, tx: Tx, subject: str, payload: Mapping[str, Any]) -> None:
        timers.schedule(tx, "ring", "half done", self.clock())
        raise RuntimeError("handler")

    def set_in(
        self, tx: Tx, seconds: float, kind: str = "ring", subject: str = "s", **payload: Any
    ) -> None:
        timers.schedule(tx, kind, subject, self.clock() + timedelta(seconds=seconds), payload)

    async def set(self, seconds: float, kind: str = "ring", **more: Any) -> None:
        await self.store.write(lambda tx: self.set_in(tx, seconds, kind, **more))

    async def after(self, seconds: float) -> list[str]:
        """Fire after so long; what rang since the last time."""
        self.clock.move(seconds)
        self.rung.clear()
        await self.timers.fire()
        return [subject for subject, _ in self.rung]


@pytest.fixture
def bell(store: SQLiteStore) -> Bell:
    return Bell(store)


async def test_a_timer_fires_when_it_is_due_and_once(bell: Bell) -> None:
    await bell.set(10, number=1)
    assert await bell.after(9) == []
    assert await bell.after(1) == ["s"]
    assert bell.rung[0][1] == {"number": 1}
    assert await bell.after(100) == []


async def test_setting_it_again_moves_it_and_its_handler_may_set_it_anew(bell: Bell) -> None:
    await bell.set(10)
    await bell.set(20, again=True)
    assert await bell.after(15) == []
    assert await bell.after(5) == ["s"]
    assert await bell.after(9) == []
    assert await bell.after(1) == ["s"]


@pytest.mark.parametrize("change", ["moved", "cancelled"])
async def test_one_that_is_moved_or_cancelled_meanwhile_does_not_fire(
    bell: Bell, change: str
) -> None:
    """It was read as due, cancelled by a command, and fired all the same."""
    await bell.set(10)
    bell.clock.move(10)
    (due,) = await bell.store.read(lambda tx: timers.due(tx, bell.clock()))
    if change == "moved":
        await bell.set(10)
    else:
        await bell.store.write(lambda tx: timers.cancel(tx, "ring", "s"))
    await bell.store.write(lambda tx: bell.timers._fire(due, tx))
    assert bell.rung == []
    assert await bell.after(10) == (["s"] if change == "moved" else [])


async def test_a_broken_handler_is_rolled_back_tried_later_and_stops_no_other(bell: Bell) -> None:
    await bell.set(1, "fail")
    await bell.set(2)
    assert await bell.after(5) == ["s"]
    (row,) = await bell.store.read(lambda tx: tx.rows("SELECT * FROM timers"))
    assert row["kind"] == "fail"
    assert await bell.store.read(lambda tx: timers.due(tx, bell.clock())) == []


async def test_one_whose_plugin_is_left_out_is_kept(bell: Bell) -> None:
    """It was thrown away, and was missing when the plugin came back."""
    await bell.set(1, "unknown")
    await bell.after(2)
    (row,) = await bell.store.read(lambda tx: tx.rows("SELECT * FROM timers"))
    assert row["kind"] == "unknown"


async def test_the_loop_goes_on_after_the_store_failed_it(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk ended it, and no timer fired until the next start."""
    monkeypatch.setattr("bot.timers.PAUSE", 0.01)
    read, faults = bell.store.read, [StoreError("disk"), StoreError("disk")]

    async def failing(work: Any) -> Any:
        if faults:
            raise faults.pop()
        return await read(work)

    monkeypatch.setattr(bell.store, "read", failing)
    await bell.set(0)
    running = asyncio.create_task(bell.timers.run())
    async with asyncio.timeout(2):
        while not bell.rung:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0.005)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert faults == []
