"""What the plugin keeps, and for how long."""

from __future__ import annotations

import time
from importlib.resources import files
from pathlib import Path

from bot.ports import Tx
from bot.store import SQLiteStore
from bot.store.migrate import Migrations
from plugins.slack import ledger
from plugins.slack.events import Event, EventKind

DAY = 86_400.0
TABLES = ("slack_events", "slack_people", "slack_sent", "slack_seen")


def _keep(tx: Tx, name: str, at: float) -> None:
    ts = ledger.ts_of(at)
    event = Event(f"C1/{ts}", EventKind.MESSAGE, "message", channel=name, ts=ts, at=ts)
    ledger.take(tx, [event], at, 0.0)
    if name != "open":
        ledger.settle(tx, event.key, "done")
    ledger.note_person(tx, name, "Jonas Weber", at)
    ledger.attempt(tx, name, "T1/D1", [("Ja", "/affirm")], at)


async def test_each_thing_is_forgotten_in_its_time_and_nothing_that_is_open(tmp_path: Path) -> None:
    now = time.time()
    migrations = Migrations("slack", files("plugins.slack") / "migrations")
    async with SQLiteStore(tmp_path / "bot.db", [migrations]) as store:

        def work(tx: Tx) -> dict[str, int]:
            ages = {"new": 1.0, "old": 8.0, "open": 9.0, "ancient": 91.0}
            for name, days in ages.items():
                _keep(tx, name, now - days * DAY)
            ledger.prune(tx, now, 7 * DAY)
            rows = {name: tx.rows(f"SELECT * FROM {name}") for name in TABLES}
            return {name: len(found) for name, found in rows.items()}

        kept = await store.write(work)
    assert kept == {"slack_events": 2, "slack_people": 1, "slack_sent": 3, "slack_seen": 3}
