"""The operators' channel: dead letters, broken parts, the digest; and cards that time changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.messages import Features
from bot.ports import Reject
from bot.store import dead
from plugins.slack import desk as desk_module
from plugins.slack.desk_ops import digest_time
from plugins.slack.desk_people import People
from plugins.slack.testing import SlackSimulator
from plugins.slack.testing_desk import DeskBench, desk_bot
from plugins.slack.testing_samples import words


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    often = desk_module._often
    monkeypatch.setattr(desk_module, "_often", lambda step, _rest: often(step, 0.1))


@pytest.fixture
async def bench(slack: SlackSimulator, tmp_path: Path) -> AsyncIterator[DeskBench]:
    async with desk_bot(tmp_path, slack) as running:
        yield running


async def fails(bench: DeskBench, text: str) -> None:
    bench.channel.faults.append(Reject("gave_up"))
    await bench.says(text, who="tom")


async def test_a_dead_letter_is_told_once_without_its_words_and_retried(bench: DeskBench) -> None:
    await fails(bench, "Geheimes Anliegen")
    told = await bench.slack.wait_message(bench.ops, "eine Nachricht, die nicht hinausging")
    assert "Der Kanal hat eine halbe Stunde lang nichts angenommen" in told.words
    await asyncio.sleep(0.5)
    assert len([one for one in bench.ops.messages if one.by_bot]) == 1
    assert "Geheim" not in str(told.raw)
    await bench.jana.presses(told, "Einzelheiten")
    assert "echo: Geheimes Anliegen" in (await bench.jana.sees_view("text: ")).words
    await bench.jana.presses(told, "Noch einmal")
    await bench.reaches("echo: Geheimes Anliegen")
    await bench.slack.until(lambda: "Jana Kurz hat es noch einmal versucht" in told.words)
    assert told.buttons == ()


async def test_a_look_during_a_retry_does_not_say_that_it_was_settled_elsewhere(
    bench: DeskBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fails(bench, "Hallo")
    told = await bench.slack.wait_message(bench.ops, "nicht hinausging")
    name = People.name

    async def slow(self: People, *given: Any) -> str:
        await asyncio.sleep(0.5)
        return await name(self, *given)

    monkeypatch.setattr(People, "name", slow)
    await bench.jana.presses(told, "Noch einmal")
    await bench.slack.until(lambda: "Jana Kurz hat es noch einmal versucht" in told.words)


async def test_what_is_settled_elsewhere_is_settled_there_too(bench: DeskBench) -> None:
    await fails(bench, "Hallo")
    told = await bench.slack.wait_message(bench.ops, "nicht hinausging")
    (letter,) = await bench.bot.app.store.read(dead.listed)
    await bench.bot.app.store.write(lambda tx: dead.drop(tx, letter["id"]))
    await bench.slack.until(lambda: "Erledigt." in told.words)


async def test_only_members_of_the_operators_channel_may_act(bench: DeskBench) -> None:
    await fails(bench, "Hallo")
    told = await bench.slack.wait_message(bench.ops, "nicht hinausging")
    await bench.jonas.presses(told, "Noch einmal")
    await bench.jonas.presses(told, "Einzelheiten")
    await asyncio.sleep(0.3)
    assert bench.jonas.views == []
    assert len(await bench.bot.app.store.read(dead.listed)) == 1


async def test_a_restart_tells_nothing_twice(slack: SlackSimulator, tmp_path: Path) -> None:
    async with desk_bot(tmp_path, slack) as bench:
        await fails(bench, "Hallo")
        await bench.slack.wait_message(bench.ops, "nicht hinausging")
    async with desk_bot(tmp_path, slack) as again:
        await asyncio.sleep(0.5)
        assert len([one for one in again.ops.messages if one.by_bot]) == 1


async def test_many_dead_letters_do_not_flood_the_channel(
    bench: DeskBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugins.slack.desk_ops.MOST", 2)
    for number in range(5):
        bench.channel.faults.append(Reject("gave_up"))
        await bench.says(f"Nummer {number}", who=f"c{number}")
    many = await bench.slack.wait_message(bench.ops, "Und 3 weitere")
    assert len([one for one in bench.ops.messages if one.by_bot]) == 3
    letters = await bench.bot.app.store.read(dead.listed)
    for letter in letters[:3]:
        await bench.bot.app.store.write(lambda tx, one=letter: dead.drop(tx, one["id"]))  # type: ignore[misc]
    await bench.slack.until(lambda: "Erledigt" in many.words)


async def test_a_broken_part_is_told_and_its_mending_too(
    bench: DeskBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken: dict[str, str | None] = {"store": None, "pigeons": "all asleep"}

    async def health(_url: str) -> dict[str, str | None]:
        return broken

    monkeypatch.setattr("plugins.slack.desk_ops._health", health)
    told = await bench.slack.wait_message(bench.ops, "pigeons ist gestört")
    assert "all asleep" in told.words
    await asyncio.sleep(0.4)
    assert len(bench.ops.messages) == 1
    broken["pigeons"] = None
    await bench.slack.until(lambda: "pigeons läuft wieder" in told.words)
    broken["pigeons"] = "asleep again"
    await bench.slack.until(lambda: len(bench.ops.messages) == 2)


async def test_what_is_broken_for_a_moment_is_no_news(
    bench: DeskBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    async def health(_url: str) -> dict[str, str | None]:
        nonlocal looks
        looks += 1
        return {"pigeons": "starting" if looks % 2 else None}

    monkeypatch.setattr("plugins.slack.desk_ops._health", health)
    while looks < 6:  # noqa: ASYNC110 - a count has no event
        await asyncio.sleep(0.05)
    assert [one for one in bench.ops.messages if one.by_bot] == []


async def test_the_health_of_this_process_is_read(bench: DeskBench) -> None:
    from plugins.slack.desk_ops import _health

    lines = await _health(f"{bench.bot.url}/health")
    assert lines is not None
    assert lines["store"] is None
    assert await _health("http://127.0.0.1:9/health") is None


def test_the_digest_is_due_from_its_time_on() -> None:
    known = words()
    day = datetime(2026, 11, 26, tzinfo=UTC)
    due = datetime(2026, 11, 26, 18, 0, tzinfo=known.zone)
    before = digest_time(day + timedelta(hours=16, minutes=59), "18:00", known)
    assert before == due - timedelta(days=1)
    assert digest_time(day + timedelta(hours=17), "18:00", known) == due
    assert digest_time(day + timedelta(hours=20), "18:00", known) == due


async def test_a_card_changes_when_its_time_comes(slack: SlackSimulator, tmp_path: Path) -> None:
    features = Features(burst_seconds=0.0, reply_window=3600 + 2.0)
    async with desk_bot(tmp_path, slack, features=features) as bench:
        card = await bench.case()
        assert "⏱️ Antwortfenster schließt" in card.words
        await bench.slack.until(lambda: "🚨 Antwortfenster schließt gleich" in card.words)


async def test_a_rule_that_names_a_channel_without_the_bot_loses_no_case(
    bench: DeskBench,
) -> None:
    elsewhere = bench.slack.channel("elsewhere", bench.jana, bot=False)
    card = await bench.case()
    await bench.settled()
    (row,) = await bench.bot.rows("SELECT id FROM cases")
    case = await bench.bot.app.core.desk_inbox.case(row["id"])
    assert case is not None
    desk = next(iter(bench.bot.app.plugins.each("desks")))
    ts = await desk.show(replace(case, id=77, place=elsewhere.id))
    assert bench.support.message(ts).words.startswith(card.words.split("\n")[0])


async def test_the_digest_of_a_day_comes_once(
    slack: SlackSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = datetime.now(UTC)
    monkeypatch.setattr("plugins.slack.desk_ops.digest_time", lambda *_: due)
    async with desk_bot(tmp_path, slack, desk={"digest_at": "18:00"}) as bench:
        await bench.says("Hallo")
        await bench.slack.wait_message(bench.ops, "Der Tag in Zahlen")
    async with desk_bot(tmp_path, slack, desk={"digest_at": "18:00"}) as again:
        await asyncio.sleep(0.5)
        assert len([one for one in again.ops.messages if one.by_bot]) == 1
