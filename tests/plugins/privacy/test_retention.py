"""What is older than its class is kept goes; what is needed, or young, stays."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from importlib.resources import files as resources
from pathlib import Path

import pytest

from bot.ports import Retry, Tx
from bot.store import SQLiteStore, audit, erasures, timers
from bot.store.codec import stamp
from bot.store.migrate import Migrations
from bot.store.personal import DataTable
from bot.testing.actions import MovingClock
from bot.testing.running import running_bot
from host.keepers import CORE
from plugins.privacy.erasing import Eraser
from plugins.privacy.retention import Retention
from plugins.privacy.settings import PrivacySettings
from plugins.privacy.work import NIGHTLY, Privacy


class Tracker:
    """Keeps something with an age outside of the database."""

    name, keeps = "rasa", "tracker"
    tables: Sequence[DataTable] = ()

    def __init__(self) -> None:
        self.down = False

    async def count_old(self, _before: object) -> int:
        return 7

    async def drop_old(self, _before: object) -> int:
        if self.down:
            raise Retry(None, "rasa_unavailable")
        return 7


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def tracker() -> Tracker:
    return Tracker()


@pytest.fixture
async def retention(
    tmp_path: Path, clock: MovingClock, tracker: Tracker
) -> AsyncIterator[Retention]:
    migrations = Migrations("core", resources("bot.store") / "migrations")
    async with SQLiteStore(tmp_path / "bot.db", [migrations]) as store:
        eraser = Eraser(store=store, keepers=[*CORE, tracker], clock=clock)
        yield Retention(eraser=eraser, settings=PrivacySettings())


def conversation(tx: Tx, number: int, at: str) -> None:
    tx.run(
        "INSERT INTO conversations (id, channel, address, language, created_at, last_in_at) "
        "VALUES (:id, 'fake', 'who' || :id, 'de', :at, :at)",
        id=number,
        at=at,
    )
    tx.run(
        "INSERT INTO inbox (channel, wire_id, conversation, kind, text, received_at, status) "
        "VALUES ('fake', :id, :id, 'text', 'words', :at, 'turn')",
        id=number,
        at=at,
    )


async def texts(retention: Retention) -> list[int]:
    rows = await retention.eraser.store.read(
        lambda tx: tx.rows("SELECT conversation FROM inbox WHERE text <> '' ORDER BY 1")
    )
    return [row["conversation"] for row in rows]


async def test_silent_conversations_go_and_open_cases_stay(
    retention: Retention, clock: MovingClock
) -> None:
    old, young = stamp(clock() - timedelta(days=731)), stamp(clock() - timedelta(days=729))

    def written(tx: Tx) -> None:
        for number, at in ((1, old), (2, young), (3, old), (4, old), (5, old)):
            conversation(tx, number, at)
        case = (
            "INSERT INTO cases (conversation, desk, reason, priority, state, opened_at, closed_at) "
            "VALUES (:id, 'web', 'asked', 'normal', :state, :old, :closed)"
        )
        tx.run(case, id=3, state="taken", old=old, closed=None)
        tx.run(case, id=4, state="closed", old=old, closed=young)
        tx.run(
            "INSERT INTO outbox (id, target, stream, op, conversation, author, text, state, "
            "not_before, created_at) VALUES ('o', 'channel:fake', 's', 'send', 5, 'agent', 'late', "
            "'sent', :at, :at)",
            at=young,
        )

    await retention.eraser.store.write(written)
    (due,) = [one for one in await retention.due() if one["of"] == "conversations"]
    assert due["number"] == 1
    assert (await retention.run())["conversations"] == 1
    await retention.eraser.work()
    assert await texts(retention) == [2, 3, 4, 5]
    assert (await retention.run())["conversations"] == 0, "what is empty is not emptied again"


async def test_each_class_ends_by_itself(retention: Retention, clock: MovingClock) -> None:
    def written(tx: Tx) -> None:
        for days in (1, 31, 366):
            at = clock() - timedelta(days=days)
            audit.note(tx, "pair", ok=True, now=at)
            tx.run(
                "INSERT INTO attempts (conversation, subject, at) VALUES (1, 's', :at)",
                at=stamp(at),
            )
            tx.run(
                "INSERT INTO receipts VALUES ('fake', :id, 'sent', NULL, :at)",
                id=str(days),
                at=stamp(at),
            )

    await retention.eraser.store.write(written)
    due = {one["of"]: one["number"] for one in await retention.due()}
    assert (due["audit"], due["attempts"], due["receipts"], due["rasa"]) == (1, 2, 2, 7)
    dropped = await retention.run()
    assert (dropped["audit"], dropped["identity"], dropped["receipts"]) == (1, 2, 2)
    assert dropped["tracker"] == 7
    left = await retention.eraser.store.read(lambda tx: tx.rows("SELECT 1 FROM audit"))
    assert len(left) == 2


async def test_zero_keeps_for_ever(retention: Retention, clock: MovingClock) -> None:
    settings = PrivacySettings(conversations=0, audit=0)
    kept = Retention(eraser=retention.eraser, settings=settings)

    def written(tx: Tx) -> None:
        conversation(tx, 1, "2001-01-01T00:00:00.000000+00:00")
        audit.note(tx, "pair", ok=True, now=clock() - timedelta(days=9999))

    await kept.eraser.store.write(written)
    assert {one["class"] for one in await kept.due()} & {"conversations", "audit"} == set()
    dropped = await kept.run()
    assert "conversations" not in dropped
    assert await texts(kept) == [1]


async def test_many_rows_go_in_small_transactions(
    retention: Retention, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One transaction for a year of rows would keep every message waiting behind it."""

    def written(tx: Tx) -> None:
        for _ in range(1700):
            audit.note(tx, "pair", ok=True, now=clock() - timedelta(days=400))

    await retention.eraser.store.write(written)
    changed: list[int] = []
    write = SQLiteStore.write

    async def counted(self: SQLiteStore, work: object) -> object:
        done = await write(self, work)  # type: ignore[arg-type]
        if isinstance(done, int):
            changed.append(done)
        return done

    monkeypatch.setattr(SQLiteStore, "write", counted)
    assert (await retention.run())["audit"] == 1700
    assert max(changed) == 500


async def test_what_cannot_be_reached_tonight_is_told(
    retention: Retention, tracker: Tracker, clock: MovingClock
) -> None:
    tracker.down = True
    privacy = Privacy(settings=PrivacySettings(), clock=clock)
    privacy._retention = retention
    await retention.run()
    assert not (await privacy.health()).ok
    tracker.down = False
    await retention.run()
    assert (await privacy.health()).ok
    await retention.eraser.store.write(lambda tx: conversation(tx, 1, stamp(clock())))
    await retention.eraser.store.write(lambda tx: retention.eraser.ask(tx, [1], "operator"))
    clock.move(3 * 24 * 3600)
    assert not (await privacy.health()).ok, "something waits for days"


async def test_a_night_that_was_missed_is_made_up_for(tmp_path: Path) -> None:
    """The timer is durable: a bot that was off at three drops as it starts."""
    plugins = {"web": {"announce": False}, "privacy": {"audit": 1}}
    async with running_bot(tmp_path, plugins) as bot:
        (timer,) = await bot.rows("SELECT * FROM timers WHERE kind = :kind", kind=NIGHTLY)
        assert timer["due"][11:13] == "03"

        def missed(tx: Tx) -> None:
            at = Privacy(settings=PrivacySettings()).clock() - timedelta(days=3)
            audit.note(tx, "pair", ok=True, now=at)
            timers.schedule(tx, NIGHTLY, "", at)

        await bot.store.write(missed)
    async with running_bot(tmp_path, plugins) as bot:
        await bot.until("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM audit)")
        (timer,) = await bot.rows("SELECT * FROM timers WHERE kind = :kind", kind=NIGHTLY)
        assert timer["due"] > stamp(Privacy(settings=PrivacySettings()).clock())


async def test_that_something_was_erased_is_forgotten_too(
    retention: Retention, clock: MovingClock
) -> None:
    store = retention.eraser.store
    await store.write(lambda tx: conversation(tx, 1, stamp(clock())))
    await store.write(lambda tx: retention.eraser.ask(tx, [1], "operator"))
    await retention.eraser.work()
    assert len(await store.read(erasures.listed)) == 1
    clock.move(1096 * 24 * 3600)
    await retention.run()
    assert await store.read(erasures.listed) == []
