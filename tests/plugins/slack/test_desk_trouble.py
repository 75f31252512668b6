"""What goes wrong around the desk: nothing is lost by it, and nothing fails silently."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.messages import Features
from bot.ports import Reject, Retry
from bot.store import dead
from desk.inbox import CoreDeskInbox
from plugins.slack import desk as desk_module
from plugins.slack import desk_ledger as ledger
from plugins.slack import desk_modals, desk_watch
from plugins.slack.desk_ops import digest_time
from plugins.slack.testing import SlackSimulator
from plugins.slack.testing_desk import DeskBench, desk_bot
from plugins.slack.testing_samples import words

pytestmark = pytest.mark.slow


@pytest.fixture
async def bench(slack: SlackSimulator, tmp_path: Path) -> AsyncIterator[DeskBench]:
    async with desk_bot(tmp_path, slack) as running:
        yield running


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    often = desk_module._often
    monkeypatch.setattr(desk_module, "_often", lambda step, _rest: often(step, 0.1))


def office_of(bench: DeskBench) -> Any:
    (desk,) = bench.bot.app.plugins.each("desks")
    return desk._door.office


async def test_an_archived_channel_keeps_its_reactions_for_later(
    bench: DeskBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugins.slack.desk_marks.MEND_SECONDS", 0.2)
    card = await bench.taken()
    await bench.settled()
    bench.slack.faults.errors["reactions.add"].extend(["is_archived"] * 3)
    line = await bench.jana.writes(bench.support, "Guten Tag", thread=card)
    await bench.reaches("Guten Tag")
    await bench.reaction(line, "outbox_tray")


async def test_a_card_that_cannot_be_shown_holds_up_no_other(
    slack: SlackSimulator, tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = Features(burst_seconds=0.0, reply_window=3600 + 4.0)
    async with desk_bot(tmp_path, slack, features=features) as bench:
        await bench.case("anna", "Anna")
        second = await bench.case("berta", "Berta")
        await bench.settled()
        real = desk_watch._again

        async def again(office: Any, number: int) -> None:
            if number == 1:
                raise Retry(60.0, "slack_archived")
            await real(office, number)

        monkeypatch.setattr(desk_watch, "_again", again)
        await bench.sees(second, "🚨 Antwortfenster schließt gleich")


async def test_an_older_state_is_never_shown_over_a_newer_one(
    bench: DeskBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = await bench.case()
    await bench.settled()
    office, asked, go_on = office_of(bench), asyncio.Event(), asyncio.Event()
    real = CoreDeskInbox.case

    async def slow(inbox: CoreDeskInbox, case: int) -> Any:
        found = await real(inbox, case)
        if asyncio.current_task() is task:
            asked.set()
            await go_on.wait()
        return found

    monkeypatch.setattr(CoreDeskInbox, "case", slow)
    task = asyncio.create_task(desk_watch._again(office, 1))
    await asked.wait()
    await bench.jana.presses(card, "Übernehmen")
    await bench.sees(card, "Betreut von Jana Kurz")
    go_on.set()
    await task
    assert "Betreut von Jana Kurz" in card.words


async def test_an_account_that_is_gone_is_away_and_the_others_are_looked_at(
    slack: SlackSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone: list[str] = []

    async def away(_inbox: object, agent: str) -> None:
        gone.append(agent)

    monkeypatch.setattr(CoreDeskInbox, "away", away)
    monkeypatch.setattr(desk_watch, "JUST_NOW", timedelta())
    async with desk_bot(tmp_path, slack, desk={"presence_minutes": 0}) as bench:
        await bench.taken(bench.jana, "anna")
        await bench.taken(bench.jonas, "berta")
        for who in ("anna", "berta"):
            await bench.says("Hallo?", who=who, name=who.title())
        await bench.settled()
        slack.faults.errors["users.getPresence"].append("user_not_found")
        bench.jana.presence = bench.jonas.presence = "away"
        await desk_watch.Presence(office_of(bench)).look()
    assert set(gone) == {f"slack:{bench.jana.id}", f"slack:{bench.jonas.id}"}


async def test_who_just_wrote_is_there_whatever_slack_says(
    slack: SlackSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone: list[str] = []

    async def away(_inbox: object, agent: str) -> None:
        gone.append(agent)

    monkeypatch.setattr(CoreDeskInbox, "away", away)
    async with desk_bot(tmp_path, slack, desk={"presence_minutes": 0}) as bench:
        card = await bench.taken()
        bench.jana.presence = "away"
        await bench.jana.writes(bench.support, "Einen Moment", thread=card)
        await bench.reaches("Einen Moment")
        await bench.says("Gut")
        await bench.settled()
        await desk_watch.Presence(office_of(bench)).look()
        assert gone == []
        monkeypatch.setattr(desk_watch, "JUST_NOW", timedelta())
        await desk_watch.Presence(office_of(bench)).look()
        assert gone == [f"slack:{bench.jana.id}"]


async def test_what_is_settled_a_second_time_takes_the_place_of_the_first(
    bench: DeskBench,
) -> None:
    store, now = bench.bot.app.store, datetime.now(UTC)
    for ts in ("1.1", "2.2"):

        def work(tx: Any, ts: str = ts) -> None:
            ledger.attempt(tx, "ops:dead:x", "C1", "", now)
            ledger.posted(tx, "ops:dead:x", ts, "")
            ledger.rename(tx, "ops:dead:x", "ops:over:x")

        await store.write(work)
    rows = await bench.bot.rows("SELECT ts FROM slack_posts WHERE key = 'ops:over:x'")
    assert [row["ts"] for row in rows] == ["2.2"]


async def test_who_writes_under_a_deleted_card_hears_where_the_case_is(bench: DeskBench) -> None:
    card = await bench.taken()
    await bench.settled()
    kept = bench.support.channel.messages
    await bench.slack.posting.delete(bench.support.channel, kept[card.ts])
    await bench.says("Ist da jemand?")
    again = await bench.slack.wait_message(
        bench.support, lambda one: one != card and "Betreut von Jana Kurz" in one.words
    )
    line = await bench.jana.writes(bench.support, "Guten Tag", thread=card.ts)
    await bench.reaction(line, "lock")
    assert await bench.jana.sees_ephemeral("unter seiner neuen Karte")
    await bench.jana.writes(bench.support, "Guten Abend", thread=again)
    await bench.reaches("Guten Abend")
    assert "Guten Tag" not in bench.customer_saw


async def test_a_file_that_slack_does_not_take_is_said(bench: DeskBench) -> None:
    card = await bench.taken()
    bench.slack.faults.errors["files.getUploadURLExternal"].append("storage_limit_reached")
    await bench.sends_file(b"\x89PNG\r\n\x1a\n" + bytes(60), "Karton.png", "So sieht es aus")
    told = await bench.line(card, "nimmt Slack nicht an")
    assert "Karton.png" in told.words


async def test_a_slow_action_that_breaks_does_not_leave_its_modal_waiting(
    bench: DeskBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_modals, "_IN_TIME", 0.05)
    monkeypatch.setattr(desk_modals, "_SETTLED", 0.0)
    card = await bench.taken()
    await bench.jana.presses(card, "Mehr …")
    view = await bench.jana.sees_view("Nur für Kollegen")

    async def breaks() -> Any:
        await asyncio.sleep(0.2)
        raise RuntimeError("a shop's fault")

    class Submitted:
        view: Any = None

    Submitted.view = {"id": view.id}
    office = office_of(bench)
    bench.slack.faults.too_many["views.update"] = 1
    answer = await desk_modals.soon(office, Submitted, breaks(), {"meanwhile": True})  # type: ignore[arg-type]
    assert answer is not None
    assert answer["view"] == {"meanwhile": True}
    assert await bench.jana.sees_view("Das dauert länger")


async def test_a_card_outside_of_its_rules_channel_is_remembered_where_it_is(
    bench: DeskBench,
) -> None:
    elsewhere = bench.slack.channel("elsewhere", bench.jana, bot=False)
    await bench.case()
    await bench.settled()
    case = await bench.bot.app.core.desk_inbox.case(1)
    assert case is not None
    (desk,) = bench.bot.app.plugins.each("desks")
    await desk.show(replace(case, id=77, place=elsewhere.id))
    # Killed before the place of the card was noted.
    await bench.bot.app.store.write(lambda tx: tx.run("DELETE FROM slack_cases WHERE case_id = 77"))
    await desk.show(replace(case, id=77, place=elsewhere.id))
    place = await bench.bot.app.store.read(lambda tx: ledger.place_of(tx, 77))
    assert place is not None
    assert place.channel == bench.support.id


def test_a_digest_is_due_once_a_day_also_where_clocks_change() -> None:
    known = words()
    for day in (datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)):
        for at in ("00:00", "02:30", "18:00", "23:59"):
            minutes = [day + timedelta(minutes=n) for n in range(0, 3 * 1440, 5)]
            told = {digest_time(now, at, known).date() for now in minutes}
            assert len(told) == (max(told) - min(told)).days + 1
            assert len(told) >= 3


async def test_a_quiet_day_before_the_first_start_is_not_told(
    slack: SlackSimulator, tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "plugins.slack.desk_ops.digest_time", lambda now, *_: now - timedelta(hours=12)
    )
    async with desk_bot(tmp_path, slack, desk={"digest_at": "18:00"}) as bench:
        await asyncio.sleep(0.6)
        assert [one for one in bench.ops.messages if one.by_bot] == []
    monkeypatch.setattr(
        "plugins.slack.desk_ops.digest_time", lambda now, *_: now + timedelta(seconds=30)
    )
    monkeypatch.setattr("plugins.slack.desk_ops._LATE", timedelta(days=-1))
    async with desk_bot(tmp_path, slack, desk={"digest_at": "18:00"}) as bench:
        await bench.says("Hallo")
        assert await bench.slack.wait_message(bench.ops, "Der Tag in Zahlen")


async def test_the_card_says_whether_the_customer_waits(quick: None, bench: DeskBench) -> None:
    card = await bench.taken()
    await bench.sees(card, "Wartet seit")
    line = await bench.jana.writes(bench.support, "Guten Tag", thread=card)
    await bench.reaches("Guten Tag")
    await bench.slack.until(lambda: "Wartet seit" not in card.words)
    await bench.says("Und jetzt?")
    await bench.sees(card, "Wartet seit")
    again = await bench.jana.writes(bench.support, "Das war falsch", thread=card)
    await bench.slack.until(lambda: "Wartet seit" not in card.words)
    await bench.jana.deletes(again)
    await bench.sees(card, "Wartet seit")
    assert line.bot_reactions == ["outbox_tray"]


async def test_a_trigger_that_is_over_is_said(bench: DeskBench) -> None:
    card = await bench.taken()
    bench.slack.faults.errors["views.open"].append("expired_trigger_id")
    await bench.jana.presses(card, "Mehr …")
    assert await bench.jana.sees_ephemeral("drück noch einmal")
    await bench.jana.presses(card, "Mehr …")
    assert await bench.jana.sees_view("Nur für Kollegen")


async def test_a_file_that_is_gone_is_said_and_its_line_is_no_dead_letter(
    bench: DeskBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = await bench.taken()

    async def gone(_upload: object) -> str:
        raise Reject("file_gone")

    monkeypatch.setattr(office_of(bench).app, "store_file", gone)
    await bench.sends_file(b"Hallo", "brief.txt", "Hier bitte")
    assert "brief.txt" in (await bench.line(card, "nimmt Slack nicht an")).words
    await bench.settled()
    assert await bench.bot.app.store.read(dead.listed) == []
