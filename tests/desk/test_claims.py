"""Claims that expire: a reminder, then the case goes back and the customer hears of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.desk import Assign, Case, Command, HandBack, Line, Release, Snooze, TakeOver
from bot.messages import Answer, Author, Outcome, Owner, Say
from bot.testing import FakeChannel, MovingClock, World, world
from desk.claims import CLAIM
from desk.counter import DeskParts
from desk.hours import WORKDAYS
from desk.routing import Routing

TEXTS = [Path("nlu/domain")]
BERLIN = ZoneInfo("Europe/Berlin")
REMINDER = "Ohne ein Zeichen geht der Fall in 5 Minuten zurück"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


class Shift:
    """A customer who waits, agents, and a clock that jumps from timer to timer."""

    def __init__(self, folder: Path, *, minutes: float = 20, undo: float = 0) -> None:
        self.folder, self.clock, self.channel = folder, MovingClock(), FakeChannel()
        self.clock.now = at("2026-11-26 09:00")
        self.parts = DeskParts(
            routing=Routing(desk="desk", hours=WORKDAYS),
            claim=timedelta(minutes=minutes),
            undo_seconds=undo,
        )
        self.stack = AsyncExitStack()
        self.w: World

    async def start(self) -> None:
        self.w = await self.stack.enter_async_context(
            world(
                self.folder,
                texts=TEXTS,
                parts=self.parts,
                clock=self.clock,
                channel=self.channel,
            )
        )
        self.w.dialogue.replies["mensch"] = Answer(
            (Say("utter_handoff"),), Outcome.HANDOFF, "asked"
        )

    async def restart(self) -> None:
        await self.stack.aclose()
        await self.start()

    async def waits(self, who: str = "c1") -> None:
        await self.w.says("mensch", who=who)
        await self.w.settled()

    async def does(self, *commands: Command) -> None:
        for command in commands:
            result = await self.w.core.desk_inbox.accept(command)
            assert result.done, result
        await self.w.settled()

    async def to(self, text: str) -> None:
        """Let it be that time, firing every timer when it is due."""
        until = at(text)
        while True:
            due = await self.w.rows("SELECT min(due) AS at FROM timers WHERE kind = :k", k=CLAIM)
            next_at = due[0]["at"] and datetime.fromisoformat(due[0]["at"])
            if not next_at or next_at > until:
                break
            self.clock.now = max(self.clock.now, next_at)
            await self.w.core._timers.fire()
        self.clock.now = until
        await self.w.wake()
        await self.w.settled()

    async def case(self, number: int = 1) -> Case:
        case = await self.w.core.desk_inbox.case(number)
        assert case is not None
        return case

    async def notes(self, number: int = 1) -> list[tuple[str | None, str]]:
        lines = await self.w.core.desk_inbox.history(number)
        return [(line.name, line.text) for line in lines if line.author is Author.NOTE]

    async def reminders(self, number: int = 1) -> int:
        return sum(REMINDER in text for _, text in await self.notes(number))

    def said(self) -> list[str]:
        return [out.text for out in self.channel.sent]


@pytest.fixture
async def s(tmp_path: Path) -> AsyncIterator[Shift]:
    made = Shift(tmp_path)
    await made.start()
    await made.waits()
    try:
        yield made
    finally:
        await made.stack.aclose()


async def test_a_silent_agent_is_reminded_and_then_the_case_goes_back(s: Shift) -> None:
    await s.does(TakeOver("t", 1, "Mia Braun"))
    await s.to("2026-11-26 09:19:59")
    assert await s.notes() == []
    await s.to("2026-11-26 09:20")
    (note,) = await s.notes()
    assert note[0] is None  # nobody wrote it
    assert note[1].startswith("Mia Braun: Der Kunde wartet seit heute 09:00 Uhr auf eine Antwort.")
    assert REMINDER in note[1]
    assert (await s.case()).agent == "Mia Braun"
    told = len(s.said())
    await s.to("2026-11-26 09:24:59")
    assert (await s.case()).agent == "Mia Braun"
    version = (await s.w.rows("SELECT owner_version AS v FROM conversations"))[0]["v"]
    await s.to("2026-11-26 09:25")
    case = await s.case()
    assert (case.agent, case.owner, case.state) == (None, Owner.WAITING, "open")
    assert case.waits_since == at("2026-11-26 09:00")  # the waiting goes on
    assert (await s.w.rows("SELECT owner_version AS v FROM conversations"))[0]["v"] > version
    assert s.w.desk.cards[1].agent is None
    (heard,) = s.said()[told:]
    assert heard.startswith("Mia kann gerade nicht")
    assert "Braun" not in heard
    assert "innerhalb von 35 Minuten" in heard
    assert (await s.notes())[-1][1] == "Von Mia Braun kam kein Zeichen: Der Fall ist wieder offen."


async def test_the_case_can_be_taken_again_and_is_watched_again(s: Shift) -> None:
    await s.does(TakeOver("t", 1, "Mia"))
    await s.to("2026-11-26 09:25")
    await s.does(TakeOver("t2", 1, "Tom"))
    await s.to("2026-11-26 09:44:59")
    assert await s.reminders() == 1
    await s.to("2026-11-26 09:50")
    assert await s.reminders() == 2
    assert (await s.case()).agent is None


@pytest.mark.parametrize(
    "sign",
    [
        Line("l", 1, "Mia", "Guten Tag"),
        Line("n", 1, "Mia", "ich schaue nach", internal=True),
    ],
    ids=["a line", "a note"],
)
async def test_a_sign_in_the_grace_time_keeps_the_case(s: Shift, sign: Command) -> None:
    await s.does(TakeOver("t", 1, "Mia"))
    await s.to("2026-11-26 09:22")
    await s.does(sign)
    await s.to("2026-11-26 09:41")
    assert (await s.case()).agent == "Mia"
    assert await s.reminders() == 1


async def test_a_note_is_a_sign_for_so_long_only(s: Shift) -> None:
    await s.does(TakeOver("t", 1, "Mia"))
    await s.to("2026-11-26 09:10")
    await s.does(Line("n", 1, "Mia", "ich schaue nach", internal=True))
    await s.to("2026-11-26 09:29:59")
    assert await s.reminders() == 0
    await s.to("2026-11-26 09:35")
    assert (await s.case()).agent is None


async def test_a_note_of_a_colleagues_is_no_sign(s: Shift) -> None:
    await s.does(TakeOver("t", 1, "Mia"))
    await s.to("2026-11-26 09:10")
    await s.does(Line("n", 1, "Tom", "wo ist Mia?", internal=True))
    await s.to("2026-11-26 09:25")
    assert (await s.case()).agent is None


async def test_nobody_loses_a_case_in_which_nobody_waits(s: Shift) -> None:
    await s.does(TakeOver("t", 1, "Mia"), Line("l", 1, "Mia", "Guten Tag"))
    await s.to("2026-11-27 17:00")
    assert await s.notes() == []
    assert (await s.case()).agent == "Mia"
    assert await s.w.rows("SELECT 1 FROM timers WHERE kind = :k", k=CLAIM) == []
    await s.w.says("noch eine Frage")
    await s.w.settled()
    await s.to("2026-11-27 17:19:59")
    assert await s.notes() == []
    await s.to("2026-11-27 17:25")
    assert (await s.case()).agent is None


async def test_more_messages_of_the_customers_put_nothing_off(s: Shift) -> None:
    await s.does(TakeOver("t", 1, "Mia"))
    for minute in (5, 12, 19, 21, 24):
        await s.to(f"2026-11-26 09:{minute:02}")
        await s.w.says("hallo?")
        await s.w.settled()
    assert await s.reminders() == 1
    await s.to("2026-11-26 09:25")
    assert (await s.case()).agent is None


async def test_an_answer_ends_the_wait_and_a_new_question_begins_a_new_one(s: Shift) -> None:
    """The reminder of the first wait made the second one expire at once."""
    await s.does(TakeOver("t", 1, "Mia"))
    await s.to("2026-11-26 09:21")
    await s.does(Line("l", 1, "Mia", "Guten Tag"))
    await s.to("2026-11-26 09:23")
    await s.w.says("und dann?")
    await s.w.settled()
    await s.to("2026-11-26 09:42:59")
    assert ((await s.case()).agent, await s.reminders()) == ("Mia", 1)
    await s.to("2026-11-26 09:48")
    assert ((await s.case()).agent, await s.reminders()) == (None, 2)


async def test_nobody_loses_a_case_overnight(s: Shift) -> None:
    await s.to("2026-11-26 17:50")
    await s.w.says("hallo?")
    await s.does(TakeOver("t", 1, "Mia"))
    await s.to("2026-11-27 08:09:59")
    assert await s.notes() == []
    await s.to("2026-11-27 08:10")
    assert await s.reminders() == 1


async def test_a_reminder_of_last_night_is_given_again_in_the_morning(s: Shift) -> None:
    """Reminded at 17:58, the case was gone at 8:03, before anybody had read it."""
    await s.to("2026-11-26 17:38")
    await s.does(TakeOver("t", 1, "Mia"))
    await s.to("2026-11-26 17:58")
    assert await s.reminders() == 1
    await s.to("2026-11-27 08:03")
    assert ((await s.case()).agent, await s.reminders()) == ("Mia", 2)
    await s.to("2026-11-27 08:08")
    assert (await s.case()).agent is None


async def test_a_restart_in_the_middle_changes_nothing(s: Shift) -> None:
    await s.does(TakeOver("t", 1, "Mia"))
    await s.restart()
    await s.to("2026-11-26 09:21")
    assert await s.reminders() == 1
    await s.restart()
    await s.to("2026-11-26 09:24:59")
    assert (await s.case()).agent == "Mia"
    await s.to("2026-11-26 09:25")
    assert (await s.case()).agent is None
    await s.restart()
    await s.to("2026-11-26 10:25")
    assert await s.reminders() == 1
    assert len([text for text in s.said() if "kann gerade nicht" in text]) == 1


async def test_what_went_into_the_undo_time_leaves_when_the_case_goes_back(tmp_path: Path) -> None:
    """Only possible where the undo time is longer than the claim; still no line may get lost."""
    s = Shift(tmp_path, undo=60)
    await s.start()
    await s.waits()
    await s.does(TakeOver("t", 1, "Mia"))
    await s.w.core.desk_inbox.accept(Line("l", 1, "Mia", "ich bin gleich da"))
    await s.w.core.desk_inbox.accept(Release("r", 1, "Mia"))
    await s.w.settled()
    assert "ich bin gleich da" in s.said()
    await s.stack.aclose()


async def test_who_was_given_a_case_is_watched_from_then_on(s: Shift) -> None:
    await s.does(TakeOver("t", 1, "Mia"))
    await s.to("2026-11-26 09:15")
    await s.does(Assign("a", 1, "Mia", "Tom"))
    await s.to("2026-11-26 09:34:59")
    assert await s.reminders() == 0
    await s.to("2026-11-26 09:35")
    assert any(text.startswith("Tom: ") for _, text in await s.notes())
    await s.to("2026-11-26 09:40")
    assert (await s.case()).agent is None


async def test_a_case_that_ended_is_left_alone(s: Shift) -> None:
    await s.does(TakeOver("t", 1, "Mia"), HandBack("h", 1, "Mia"))
    await s.to("2026-11-26 12:00")
    assert await s.notes() == []
    assert (await s.case()).state == "closed"


async def test_zero_means_never(tmp_path: Path) -> None:
    s = Shift(tmp_path, minutes=0)
    await s.start()
    await s.waits()
    await s.does(TakeOver("t", 1, "Mia"))
    await s.w.core.desk_inbox.away("Mia")
    await s.to("2026-12-26 09:00")
    assert await s.notes() == []
    assert (await s.case()).agent == "Mia"
    await s.stack.aclose()


async def test_who_goes_away_is_reminded_at_once_where_a_customer_waits(s: Shift) -> None:
    await s.waits("c2")
    await s.does(TakeOver("t", 1, "Mia"), TakeOver("t2", 2, "Mia"), Line("l", 2, "Mia", "Hallo"))
    await s.to("2026-11-26 09:02")
    await s.w.core.desk_inbox.away("Mia")
    await s.w.core.desk_inbox.away("Mia")
    await s.w.core.desk_inbox.away("Tom")
    assert (await s.reminders(1), await s.reminders(2)) == (1, 0)
    await s.to("2026-11-26 09:07")
    assert (await s.case(1)).agent is None
    assert (await s.case(2)).agent == "Mia"


async def test_who_goes_away_in_the_evening_is_not_reminded(s: Shift) -> None:
    await s.to("2026-11-26 17:55")
    await s.does(TakeOver("t", 1, "Mia"))
    await s.to("2026-11-26 18:05")
    await s.w.core.desk_inbox.away("Mia")
    assert await s.reminders() == 0


async def test_a_case_that_was_put_off_is_left_alone_until_then(s: Shift) -> None:
    await s.does(TakeOver("t", 1, "Mia"), Snooze("z", 1, "Mia", at("2026-11-26 11:00")))
    await s.w.core.desk_inbox.away("Mia")
    await s.to("2026-11-26 11:19")
    assert await s.reminders() == 0
    await s.to("2026-11-26 11:20")
    assert await s.reminders() == 1


async def test_whoever_has_the_case_now_is_watched_also_by_the_timer_of_who_had_it(
    s: Shift,
) -> None:
    """The timer of the agent before ended without a word, and nobody watched the new one."""
    await s.does(TakeOver("t", 1, "Mia"))
    await s.to("2026-11-26 09:04")
    await s.does(Line("l", 1, "Mia", "Guten Tag"))
    await s.to("2026-11-26 09:05")
    await s.does(TakeOver("t2", 1, "Tom", force=True))
    await s.to("2026-11-26 09:06")
    await s.w.says("und jetzt?")
    await s.w.settled()
    await s.to("2026-11-26 09:25:59")
    assert await s.reminders() == 0
    await s.to("2026-11-26 09:26")
    assert any(text.startswith("Tom: ") for _, text in await s.notes())
    await s.to("2026-11-26 09:31")
    assert (await s.case()).agent is None


@pytest.mark.parametrize("by", ["customer", "agent"])
async def test_a_snooze_that_ends_early_is_watched_from_then_on(s: Shift, by: str) -> None:
    await s.waits()
    tomorrow = s.clock.now + timedelta(days=1)
    await s.does(TakeOver("t1", 1, "mia"), Snooze("z1", 1, "mia", tomorrow))
    await s.to("2026-11-26 09:30")  # a timer has looked, and found the case put off
    if by == "customer":
        await s.w.says("Hallo?")
        await s.w.settled()
    else:
        await s.does(Snooze("z2", 1, "mia", None))
    await s.to("2026-11-26 10:00")
    case = await s.w.core.desk_inbox.case(1)
    assert case is not None
    assert case.state == "open"
