"""What customers hear about when a person answers, and when one is due."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.desk import Close, Line, TakeOver
from bot.messages import Answer, Outcome, Say
from bot.testing import MovingClock, World, world
from desk.counter import DeskParts
from desk.expecting import Expecting
from desk.hours import ALWAYS, WORKDAYS, Hours, Span
from desk.routing import Routing, Rule
from host.texts import TextsBook

TEXTS = [Path("nlu/domain")]
BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


@cache
def book(formality: str) -> TextsBook:
    return TextsBook(TEXTS, formality=formality)


def expecting(hours: Hours = WORKDAYS, formality: str = "Sie") -> Expecting:
    return Expecting(texts=book(formality), hours=hours)


@pytest.mark.parametrize(
    ("now", "priority", "de", "en"),
    [
        (
            "2026-11-26 09:00",
            "normal",
            "Ein Mensch meldet sich hier, meist innerhalb von 60 Minuten.",
            "A person will reply here, usually within 60 minutes.",
        ),
        (
            "2026-11-26 09:00",
            "high",
            "Ein Mensch meldet sich hier, meist innerhalb von 15 Minuten.",
            "A person will reply here, usually within 15 minutes.",
        ),
        (
            "2026-11-26 09:04",
            "low",
            "Ein Mensch meldet sich hier, voraussichtlich heute bis 17:15 Uhr.",
            "A person will reply here, probably by 5:15 pm today.",
        ),
        (
            "2026-11-26 17:30",
            "normal",
            "Ein Mensch meldet sich hier, voraussichtlich morgen bis 8:30 Uhr.",
            "A person will reply here, probably by 8:30 am tomorrow.",
        ),
        (
            "2026-11-27 16:00",
            "low",
            "Ein Mensch meldet sich hier, voraussichtlich bis Montag, 30. November, 14 Uhr.",
            "A person will reply here, probably by 2 pm on Monday 30 November.",
        ),
        (
            "2026-11-26 06:00",
            "normal",
            "Gerade ist niemand aus dem Team da: Ein Mensch meldet sich hier heute ab 8 Uhr.",
            "Nobody from the team is here right now: a person will reply here today from 8 am.",
        ),
        (
            "2026-11-26 22:00",
            "high",
            "Gerade ist niemand aus dem Team da: Ein Mensch meldet sich hier morgen ab 8 Uhr.",
            "Nobody from the team is here right now: a person will reply here tomorrow from 8 am.",
        ),
        (
            "2026-11-27 19:00",
            "normal",
            "Gerade ist niemand aus dem Team da: "
            "Ein Mensch meldet sich hier am Montag, 30. November, ab 8 Uhr.",
            "Nobody from the team is here right now: "
            "a person will reply here on Monday 30 November from 8 am.",
        ),
        (
            "2026-12-31 19:00",
            "normal",
            "Gerade ist niemand aus dem Team da: "
            "Ein Mensch meldet sich hier am Montag, 4. Januar, ab 8 Uhr.",
            "Nobody from the team is here right now: "
            "a person will reply here on Monday 4 January from 8 am.",
        ),
    ],
)
def test_the_sentence(now: str, priority: str, de: str, en: str) -> None:
    for language, words in (("de", de), ("en", en)):
        said = expecting().facts(at(now), priority, language)["person_when"]
        assert said.startswith(words)
        assert ("E-Mail" in said or "e-mail" in said) is not WORKDAYS.is_open(at(now))


def test_both_ways_of_address_ask_for_the_address() -> None:
    night = at("2026-11-26 22:00")
    assert "schreiben Sie mir" in expecting().facts(night, "normal", "de")["person_when"]
    assert "schreib mir" in expecting(formality="du").facts(night, "normal", "de")["person_when"]


def test_midnight_is_a_day_of_its_own() -> None:
    """After midnight "morgen" would be a day too late."""
    said = expecting().facts(at("2026-11-27 00:30"), "normal", "de")["person_when"]
    assert "heute ab 8 Uhr" in said


def test_who_waits_longer_is_told_what_is_left_and_never_a_time_that_is_over() -> None:
    now = at("2026-11-26 10:00")
    since = at("2026-11-26 09:30")
    assert "30 Minuten" in expecting().facts(now, "normal", "de", since=since)["person_when"]
    since = at("2026-11-26 08:05")
    assert "60 Minuten" in expecting().facts(now, "normal", "de", since=since)["person_when"]


def opens(**days: str) -> Hours:
    names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    week = tuple(
        tuple(Span.parse(one) for one in days[name].split()) if name in days else ()
        for name in names
    )
    return Hours(week=week)


@pytest.mark.parametrize(
    ("hours", "de", "en"),
    [
        (WORKDAYS, "Montag bis Freitag, 8 bis 18 Uhr", "Monday to Friday, 8 am to 6 pm"),
        (ALWAYS, "rund um die Uhr, an jedem Tag", "around the clock, every day"),
        (
            opens(mon="8-12 13:30-17", tue="8-12 13:30-17", sat="9-12"),
            "Montag bis Dienstag, 8 bis 12 Uhr und 13:30 bis 17 Uhr; Samstag, 9 bis 12 Uhr",
            "Monday to Tuesday, 8 am to 12 noon and 1:30 pm to 5 pm; Saturday, 9 am to 12 noon",
        ),
        (opens(fri="22-2"), "Freitag, 22 bis 2 Uhr", "Friday, 10 pm to 2 am"),
        (opens(sun="0-24"), "Sonntag, 0 bis 24 Uhr", "Sunday, 12 midnight to 12 midnight"),
    ],
)
def test_the_week_in_words(hours: Hours, de: str, en: str) -> None:
    assert expecting(hours).opening_times("de") == de
    assert expecting(hours).opening_times("en") == en


class Counter:
    """A counter that opens by ``WORKDAYS``, with a customer who waits."""

    def __init__(self, now: str, *rules: Rule) -> None:
        self.clock = MovingClock()
        self.clock.now = at(now)
        self.parts = DeskParts(routing=Routing(desk="desk", rules=rules, hours=WORKDAYS))

    async def asks(self, w: World, response: str = "utter_handoff", reason: str = "asked") -> str:
        w.dialogue.replies["hilfe"] = Answer((Say(response),), Outcome.HANDOFF, reason)
        await w.says("hilfe")
        await w.settled()
        return w.channel.sent[-1].text


RESPONSES = [
    ("utter_handoff", "asked"),
    ("utter_handoff_complaint", "complaint"),
    ("utter_handoff_misses", "misses"),
    ("utter_shop_unavailable", "shop_unavailable"),
    ("utter_action_failed", "action_failed"),
    ("utter_outcome_unknown", "outcome_unknown"),
    ("utter_pair_locked", "pair_attempts"),
]


@pytest.mark.parametrize(("response", "reason"), RESPONSES)
async def test_every_text_that_calls_a_person_says_when_by_night(
    tmp_path: Path, response: str, reason: str
) -> None:
    counter = Counter("2026-11-27 19:00")
    async with world(tmp_path, texts=TEXTS, parts=counter.parts, clock=counter.clock) as w:
        said = await counter.asks(w, response, reason)
        assert "am Montag, 30. November, ab 8 Uhr" in said
        assert "innerhalb" not in said
        assert "–" not in said
        case = await w.core.desk_inbox.case(1)
        assert case is not None
        minutes = 15 if case.priority == "high" else 60
        assert case.due_at == at("2026-11-30 08:00") + timedelta(minutes=minutes)


@pytest.mark.parametrize(("response", "reason"), RESPONSES)
async def test_every_text_that_calls_a_person_says_how_soon_by_day(
    tmp_path: Path, response: str, reason: str
) -> None:
    counter = Counter("2026-11-26 10:00")
    async with world(tmp_path, texts=TEXTS, parts=counter.parts, clock=counter.clock) as w:
        said = await counter.asks(w, response, reason)
        (minutes,) = re.findall(r"innerhalb von (\d+) Minuten", said)
        case = await w.core.desk_inbox.case(1)
        assert case is not None
        assert case.due_at == counter.clock.now + timedelta(minutes=int(minutes))


async def test_what_is_said_follows_the_priority_that_a_rule_gives(tmp_path: Path) -> None:
    """The customer was promised an hour, and the rule gave the case a day."""
    counter = Counter("2026-11-26 09:00", Rule(reasons=frozenset({"asked"}), priority="low"))
    async with world(tmp_path, texts=TEXTS, parts=counter.parts, clock=counter.clock) as w:
        assert "heute bis 17 Uhr" in await counter.asks(w)
        case = await w.core.desk_inbox.case(1)
        assert case is not None
        assert case.due_at == at("2026-11-26 17:00")


async def test_who_asks_again_hears_when_the_one_who_waits_is_due(tmp_path: Path) -> None:
    counter = Counter("2026-11-26 09:00")
    async with world(tmp_path, texts=TEXTS, parts=counter.parts, clock=counter.clock) as w:
        await counter.asks(w)
        counter.clock.move(20 * 60)
        assert "40 Minuten" in await counter.asks(w, "utter_already_waiting", "asked_again")


async def test_a_broken_turn_by_night_says_when(tmp_path: Path) -> None:
    """The notices of the system are not the dialogue's answers, and went out without it."""
    counter = Counter("2026-11-26 22:00")
    async with world(tmp_path, texts=TEXTS, parts=counter.parts, clock=counter.clock) as w:

        def fault(*_: object) -> None:
            raise RuntimeError("of our own")

        w.core._settler.answer_without_dialogue = fault  # type: ignore[assignment]
        await w.says("hallo")
        (sent,) = await w.channel.wait(1)
        assert "morgen ab 8 Uhr" in sent.text


async def test_since_when_a_customer_waits(tmp_path: Path) -> None:
    counter = Counter("2026-11-26 09:00")
    async with world(tmp_path, texts=TEXTS, parts=counter.parts, clock=counter.clock) as w:

        async def waits() -> tuple[datetime | None, datetime | None]:
            case = await w.core.desk_inbox.case(1)
            assert case is not None
            return case.waits_since, case.due_at

        await counter.asks(w)
        began = counter.clock.now
        counter.clock.move(300)
        await w.says("noch etwas")
        await w.settled()
        assert await waits() == (began, began + timedelta(minutes=60))
        await w.core.desk_inbox.accept(TakeOver("t", 1, "Mia"))
        assert (await waits())[0] == began  # a take-over is no answer
        await w.core.desk_inbox.accept(Line("n", 1, "Mia", "nur intern", internal=True))
        assert (await waits())[0] == began
        counter.clock.move(60)
        await w.core.desk_inbox.accept(Line("l", 1, "Mia", "Guten Tag"))
        assert await waits() == (None, None)
        counter.clock.move(60)
        await w.says("eine Frage")
        asked = counter.clock.now
        counter.clock.move(60)
        await w.says("und noch eine")
        await w.settled()
        assert await waits() == (asked, asked + timedelta(minutes=60))
        await w.core.desk_inbox.accept(Close("c", 1, "Mia"))
        assert await waits() == (None, None)


async def test_an_earlier_question_that_the_bot_answered_is_no_waiting(tmp_path: Path) -> None:
    counter = Counter("2026-11-26 09:00")
    async with world(tmp_path, texts=TEXTS, parts=counter.parts, clock=counter.clock) as w:
        await w.says("guten Morgen")
        await w.settled()
        counter.clock.move(900)
        await counter.asks(w)
        case = await w.core.desk_inbox.case(1)
        assert case is not None
        assert case.waits_since == counter.clock.now


async def test_a_second_case_starts_its_own_waiting(tmp_path: Path) -> None:
    """The lines of the case before must not count as its answer."""
    counter = Counter("2026-11-26 09:00")
    async with world(tmp_path, texts=TEXTS, parts=counter.parts, clock=counter.clock) as w:
        await counter.asks(w)
        await w.core.desk_inbox.accept(TakeOver("t", 1, "Mia"))
        await w.core.desk_inbox.accept(Line("l", 1, "Mia", "Guten Tag"))
        await w.core.desk_inbox.accept(Close("c", 1, "Mia"))
        counter.clock.move(600)
        await counter.asks(w)
        case = await w.core.desk_inbox.case(2)
        assert case is not None
        assert case.waits_since == counter.clock.now
