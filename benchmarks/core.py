"""The road of a message through the core, side by side with simpler ways to write it down.

    uv run python -m benchmarks.core

Everything runs in this one process on a temporary folder; the disk's fsync is part of it. Ratios
between the lines say more than the lines.
"""

from __future__ import annotations

import asyncio
import importlib.resources
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiosqlite

from bot.messages import Address, Inbound
from bot.ports import Tx
from bot.store import SQLiteStore
from bot.store.migrate import Migrations
from bot.testing import world

MESSAGES = 2_000
IN_FLIGHT = 64
INSERT = "INSERT INTO timers (kind, subject, due) VALUES ('bench', :subject, 'x')"
TEXTS = [Path(__file__).parents[1] / "nlu" / "domain"]


async def spread(count: int, work: Callable[[int], Awaitable[object]]) -> float:
    """Run ``work`` ``count`` times, at most IN_FLIGHT at once; return how many a second."""
    room = asyncio.Semaphore(IN_FLIGHT)

    async def one(number: int) -> None:
        async with room:
            await work(number)

    started = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(count)))
    return count / (time.perf_counter() - started)


async def a_transaction_each(folder: Path) -> float:
    """One commit for each message, each statement awaited."""
    lock = asyncio.Lock()
    async with aiosqlite.connect(folder / "each.db", isolation_level=None) as db:
        await db.execute("PRAGMA journal_mode = WAL")
        await db.execute("PRAGMA synchronous = FULL")
        await db.execute("CREATE TABLE timers (kind TEXT, subject TEXT, due TEXT)")

        async def work(number: int) -> None:
            async with lock:
                await db.execute("BEGIN IMMEDIATE")
                await db.execute(INSERT, {"subject": str(number)})
                await db.execute("COMMIT")

        return await spread(MESSAGES, work)


async def group_commit(folder: Path) -> float:
    """The store as it is."""
    migrations = Migrations("core", importlib.resources.files("bot.store") / "migrations")
    async with SQLiteStore(folder / "group.db", [migrations]) as store:

        def insert(number: int) -> Callable[[Tx], int]:
            return lambda tx: tx.run(INSERT, subject=str(number))

        return await spread(MESSAGES * 5, lambda number: store.write(insert(number)))


async def whole_road(folder: Path) -> float:
    """Accepted, frozen, asked of a dialogue that answers at once, committed, sent."""
    (folder / "road").mkdir()
    async with world(folder / "road", texts=TEXTS) as bot:

        async def work(number: int) -> None:
            await bot.core.inbox.accept(
                Inbound(Address("fake", f"c{number % 500}"), f"m{number}", text="hallo")
            )

        started = time.perf_counter()
        await spread(MESSAGES, work)
        await bot.channel.wait(MESSAGES, seconds=120)
        return MESSAGES / (time.perf_counter() - started)


async def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        each = await a_transaction_each(folder)
        group = await group_commit(folder)
        road = await whole_road(folder)
    print(f"a transaction each      {each:10,.0f} writes/s   1.0")
    print(f"group commit            {group:10,.0f} writes/s   {group / each:.1f}")
    print(f"whole road of a message {road:10,.0f} messages/s {road / each:.2f}")


if __name__ == "__main__":
    asyncio.run(main())
