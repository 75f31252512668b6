"""Messages that never left: each is told to a person, once, and what nobody misses is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.messages import Answer, Author, Features, Outcome, Say
from bot.ports import Reject, UnknownOutcome
from bot.testing import FakeChannel, MovingClock, World, world

TEXTS = [Path("nlu/domain")]


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
async def w(tmp_path: Path, clock: MovingClock) -> AsyncIterator[World]:
    channel = FakeChannel(features=Features(burst_seconds=0.0))
    async with world(tmp_path, texts=TEXTS, channel=channel, clock=clock) as made:
        yield made


async def told(w: World) -> None:
    await w.settled()
    await w.until("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM timers WHERE kind = 'bounced')")
    await w.settled()


async def notes(w: World, case: int = 1) -> list[str]:
    return [line for line in await w.thread(case) if line.startswith("note")]


async def test_an_answer_that_is_refused_at_once_calls_an_agent(w: World) -> None:
    """A mail server refused the recipient, and only operators could have seen the dead letter."""
    w.channel.faults.append(Reject("mailbox_unknown"))
    await w.says("a")
    await told(w)
    card = w.desk.cards[1]
    assert (card.reason, card.state) == ("bounced", "open")
    (line,) = [one.line for one in w.desk.lines.values() if one.line.author is Author.BOT]
    assert (line.state, line.reason) == ("failed", "mailbox_unknown")
    (note,) = await notes(w)
    assert "echo: a" in note


async def test_all_pieces_of_an_answer_are_one_case_and_one_note(w: World) -> None:
    w.dialogue.replies["viel"] = Answer(tuple(Say(text=text) for text in "123"))
    w.channel.faults.append(Reject("too_big"))
    await w.says("viel")
    await told(w)
    assert len(await w.rows("SELECT * FROM cases")) == 1
    assert len(await notes(w)) == 1


async def test_an_agents_line_turns_red_where_it_stands(w: World) -> None:
    w.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
    await w.says("mensch")
    await w.settled()
    jana = await w.agent("Jana")
    await jana.takes_over()
    await w.settled()
    w.channel.faults.append(Reject("mailbox_full"))
    line = await jana.says("Guten Tag")
    await told(w)
    assert w.desk.reasons[line.line or ""] == "mailbox_full"
    assert await notes(w) == []
    assert len(await w.rows("SELECT * FROM cases")) == 1


async def test_a_notice_that_is_refused_opens_no_case(w: World) -> None:
    """Its end would be the next notice, refused in its turn."""
    w.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
    await w.says("mensch")
    await w.settled()
    jana = await w.agent("Jana")
    await jana.takes_over()
    await w.settled()
    w.channel.faults.append(Reject("blocked"))
    await jana.closes()
    await told(w)
    assert [case["state"] for case in await w.rows("SELECT state FROM cases")] == ["closed"]


async def test_a_message_of_which_nobody_knows_calls_an_agent(w: World, clock: MovingClock) -> None:
    """The line broke at the last word; without a case, only the table said so."""
    w.channel.faults.extend([UnknownOutcome(), UnknownOutcome()])
    await w.says("a")
    await w.until("SELECT 1 FROM outbox WHERE attempts = 1")
    clock.move(60)
    await w.wake()
    await w.until("SELECT 1 FROM outbox WHERE state = 'unknown'")
    await told(w)
    card = w.desk.cards[1]
    assert (card.reason, card.state) == ("unknown", "open")
    (note,) = await notes(w)
    assert "echo: a" in note
    assert "Unklar" in note
    assert "noch einmal senden" in note
    sent = "SELECT * FROM outbox WHERE op = 'send' AND target LIKE 'channel:%'"
    assert len(await w.rows(sent)) == 1  # a word to the customer might be lost like this one


async def test_all_pieces_of_which_nobody_knows_are_one_note(w: World, clock: MovingClock) -> None:
    w.dialogue.replies["viel"] = Answer(tuple(Say(text=text) for text in "123"))
    w.channel.faults.extend([UnknownOutcome()] * 6)
    await w.says("viel")
    for number in (1, 2, 3):
        await w.until("SELECT 1 FROM outbox WHERE seq = :seq AND attempts = 1", seq=number)
        clock.move(60)
        await w.wake()
        await w.until("SELECT 1 FROM outbox WHERE seq = :seq AND state = 'unknown'", seq=number)
    await told(w)
    assert len(await w.rows("SELECT * FROM cases")) == 1
    assert len(await notes(w)) == 1
