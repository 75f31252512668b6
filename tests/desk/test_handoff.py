"""Who speaks: take-over, lines, notes, hand-back, close; from any desk, each command once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.desk import Close, Command, HandBack, Line, TakeOver
from bot.messages import (
    Address,
    Answer,
    Features,
    Outcome,
    Say,
    Turn,
)
from bot.ports import Retry
from bot.testing import FakeChannel, MovingClock, World, call_of, world

TEXTS = [Path("nlu/domain")]


@pytest.fixture
async def w(tmp_path: Path) -> AsyncIterator[World]:
    """A customer who waits for a person, in case 1."""
    async with world(tmp_path, texts=TEXTS, channel=FakeChannel()) as made:
        await waits(made)
        yield made


async def waits(w: World) -> None:
    w.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
    await w.says("mensch")
    await w.settled()
    w.channel.sent.clear()


async def does(w: World, *commands: Command) -> list[tuple[bool, str | None]]:
    results = [await w.core.desk_inbox.accept(command) for command in commands]
    await w.settled()
    return [(result.done, result.reason) for result in results]


def texts(w: World) -> list[str]:
    return [out.text for out in w.channel.sent]


async def test_two_agents_take_one_case_and_the_second_is_told_who_has_it(w: World) -> None:
    first, second = await asyncio.gather(
        w.core.desk_inbox.accept(TakeOver("a", 1, "Mia")),
        w.core.desk_inbox.accept(TakeOver("b", 1, "Tom")),
    )
    assert first.done
    assert (second.done, second.reason) == (False, "taken_by:Mia")
    await w.settled()
    assert len(texts(w)) == 1
    assert await does(w, TakeOver("c", 1, "Tom", force=True)) == [(True, None)]
    assert await does(w, Line("d", 1, "Mia", "noch da")) == [(False, "taken_by:Tom")]
    assert w.desk.cards[1].agent == "Tom"


async def test_the_same_command_twice_is_one(w: World) -> None:
    for command in (TakeOver("a", 1, "Mia"), Line("b", 1, "Mia", "Hallo")):
        first = await w.core.desk_inbox.accept(command)
        assert await w.core.desk_inbox.accept(command) == first
    await does(w, HandBack("c", 1, "Mia"), HandBack("c", 1, "Mia"))
    assert len(texts(w)) == 3
    assert texts(w)[1] == "Hallo"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (TakeOver("x", 99, "Mia"), "no_such_case"),
        (Line("x", 1, "Mia", "hi"), "not_taken"),
        (HandBack("x", 1, "Mia"), "not_taken"),
    ],
)
async def test_a_command_that_cannot_be_done_says_why(
    w: World, command: Command, reason: str
) -> None:
    assert await does(w, command) == [(False, reason)]
    assert texts(w) == []


async def test_nothing_is_said_in_a_closed_case_but_a_note_can_be_kept(w: World) -> None:
    await does(w, Close("a", 1, "Mia", note="nur intern"))
    assert w.desk.cards[1].state == "closed"
    said = texts(w)
    results = await does(
        w,
        TakeOver("b", 1, "Mia"),
        Line("c", 1, "Mia", "hi"),
        Line("d", 1, "Mia", "später gemerkt", internal=True),
    )
    assert results == [(False, "case_closed"), (False, "case_closed"), (True, None)]
    assert texts(w) == said


async def test_a_note_stays_inside_and_with_its_own_case(w: World) -> None:
    """A note on a closed case was shown in the thread of the next one."""
    await does(w, Close("a", 1, "Mia"))
    await waits(w)
    await does(w, Line("b", 1, "Mia", "geheim", internal=True))
    (row,) = await w.rows("SELECT * FROM outbox WHERE op = 'post' AND subject LIKE 'note:%'")
    assert row["case_id"] == 1
    await does(
        w,
        TakeOver("c", 2, "Mia"),
        Line("d", 2, "Mia", "auch geheim", internal=True),
        HandBack("e", 2, "Mia", outcome="Alles gut.", note="ganz geheim"),
    )
    assert "geheim" not in " ".join(texts(w))
    await w.says("danke")
    await w.settled()
    assert "geheim" not in str(w.dialogue.asked[-1].history)
    history = await w.core.desk_inbox.history(2)
    assert [line.text for line in history if line.author == "note"] == [
        "geheim",
        "auch geheim",
        "ganz geheim",
    ]


@pytest.mark.parametrize("text", ["", " \u200b\n", "\x00"])
async def test_an_empty_line_is_refused(w: World, text: str) -> None:
    await does(w, TakeOver("a", 1, "Mia"))
    assert await does(w, Line("b", 1, "Mia", text)) == [(False, "empty")]


async def test_a_long_line_goes_out_in_parts_that_fit(tmp_path: Path) -> None:
    """It went out whole, and the vendor rejected it."""
    channel = FakeChannel(features=Features(burst_seconds=0, text_limit=200))
    async with world(tmp_path, texts=TEXTS, channel=channel) as w:
        await waits(w)
        await does(w, TakeOver("a", 1, "Mia"))
        w.channel.sent.clear()
        long = "Das ist ein Satz. " * 30
        await does(w, Line("b", 1, "Mia", long))
        assert all(len(text) <= 200 for text in texts(w))
        assert " ".join(texts(w)) == long.strip()
        assert {out.name for out in w.channel.sent} == {"Mia"}


async def test_while_an_agent_has_it_the_dialogue_is_silent_and_the_desk_hears_all(
    w: World,
) -> None:
    await does(w, TakeOver("a", 1, "Mia"))
    asked = len(w.dialogue.asked)
    await w.says("hallo?")
    await w.says("")
    await w.settled()
    assert len(w.dialogue.asked) == asked
    assert {"in:2", "in:3"} <= w.desk.lines.keys()
    speaker = await w.core.inbox.speaker(Address("fake", "c1"))
    assert (speaker.owner, speaker.name) == ("agent", "Mia")


async def test_hand_back_says_the_outcome_and_close_ends_an_untaken_case(w: World) -> None:
    await does(w, TakeOver("a", 1, "Mia"), HandBack("b", 1, "Mia", outcome="Es ist ersetzt."))
    assert "Es ist ersetzt." in texts(w)[-1]
    assert texts(w)[-1].endswith("?")
    card = w.desk.cards[1]
    assert (card.state, card.outcome, card.owner) == ("closed", "Es ist ersetzt.", "bot")
    await waits(w)
    assert await does(w, Close("c", 2, "Tom")) == [(True, None)]
    assert len(texts(w)) == 1


async def test_what_waits_for_its_undo_time_leaves_at_the_hand_back_and_before_it(
    tmp_path: Path,
) -> None:
    clock = MovingClock()
    async with world(tmp_path, texts=TEXTS, clock=clock, undo_seconds=30) as w:
        await waits(w)
        await does(w, TakeOver("a", 1, "Mia"))
        w.channel.sent.clear()
        await w.core.desk_inbox.accept(Line("b", 1, "Mia", "Letzte Zeile"))
        await asyncio.sleep(0.05)
        assert texts(w) == []
        await does(w, HandBack("c", 1, "Mia"))
        assert texts(w)[0] == "Letzte Zeile"
        assert len(texts(w)) == 2


async def test_back_to_the_bot_ends_the_waiting_and_only_that(w: World) -> None:
    async def back(turn: Turn) -> Answer:
        return await w.core.actions.call("back_to_bot", call_of(turn, "back_to_bot"), 1)

    w.dialogue.replies["zurück"] = back
    await w.says("zurück")
    await w.settled()
    card = w.desk.cards[1]
    assert (card.state, card.outcome, card.owner) == ("closed", "customer_back", "bot")
    assert not w.dialogue.asked[-1].resumed
    await w.says("zurück")
    await w.settled()
    assert len(texts(w)) == 2
    assert texts(w)[0] != texts(w)[1]


async def test_asking_again_while_waiting_is_the_same_case(w: World) -> None:
    async def again(turn: Turn) -> Answer:
        return await w.core.actions.call("handoff", call_of(turn, "contact_human_agent"), 1)

    w.dialogue.replies["mensch!"] = again
    await w.says("mensch!")
    await w.settled()
    assert len(await w.core.desk_inbox.cases()) == 1
    assert len(texts(w)) == 1


async def test_a_complaint_is_urgent_and_raises_a_case_that_waits(w: World) -> None:
    w.dialogue.replies["mies!"] = Answer((Say(text="oh"),), Outcome.HANDOFF, "complaint")
    await w.says("mies!")
    await w.settled()
    (case,) = await w.core.desk_inbox.cases()
    assert (case.reason, case.priority) == ("complaint", "high")
    assert case.intents[-1] == "contact_human_agent"


async def test_a_bots_message_that_waits_becomes_a_draft_and_the_desk_is_told(w: World) -> None:
    """The desk went on showing it as on its way."""
    w.channel.faults.append(Retry(60))
    await w.says("frage")
    (row,) = await w.until("SELECT * FROM outbox WHERE attempts = 1")
    assert (await w.core.desk_inbox.accept(TakeOver("a", 1, "Mia"))).done
    await w.settled()
    (after,) = await w.rows("SELECT * FROM outbox WHERE id = :id", id=row["id"])
    assert after["state"] == "draft"
    assert w.desk.states[f"out:{row['id']}"] == "draft"
    await does(w, HandBack("b", 1, "Mia"))
    assert "echo: frage" not in texts(w)


async def test_what_was_made_before_a_take_over_stays_unsaid_after_the_hand_back(
    w: World,
) -> None:
    """A send was being retried while an agent came and went."""
    gate = asyncio.Event()
    send = w.channel.send

    async def slow(out: Any) -> str:
        if out.text == "echo: alt":
            await gate.wait()
            raise Retry(0)
        return await send(out)

    w.channel.send = slow  # type: ignore[method-assign]
    await w.says("alt")
    await w.until("SELECT 1 FROM outbox WHERE text = 'echo: alt' AND state = 'sending'")
    for command in (TakeOver("a", 1, "Mia"), HandBack("b", 1, "Mia")):
        assert (await w.core.desk_inbox.accept(command)).done
    gate.set()
    await w.settled()
    (row,) = await w.rows("SELECT * FROM outbox WHERE text = 'echo: alt'")
    assert row["state"] == "draft"
    assert "echo: alt" not in texts(w)


async def test_a_case_that_an_agent_closes_while_a_turn_runs_keeps_its_history_for_the_next(
    w: World,
) -> None:
    """The running turn's end took the mark away that the next session needs its history."""
    asked, gate = asyncio.Event(), asyncio.Event()

    async def slow(turn: Turn) -> Answer:
        asked.set()
        await gate.wait()
        return Answer((Say(text="slow"),))

    w.dialogue.replies["x"] = slow
    await w.says("x")
    await asked.wait()
    assert (await w.core.desk_inbox.accept(Close("c", 1, "Mia"))).done
    gate.set()
    await w.settled()
    await w.says("weiter")
    await w.settled()
    assert w.dialogue.asked[-1].resumed
    assert w.dialogue.asked[-1].history


async def test_the_card_is_shown_though_the_orders_facts_are_broken(tmp_path: Path) -> None:
    class Broken:
        async def order_facts(self, subject: str) -> dict[str, Any]:
            raise RuntimeError("plugin")

    async with world(tmp_path, texts=TEXTS) as w:
        w.core.desk_inbox.order_facts = Broken()  # type: ignore[attr-defined]
        await waits(w)
        await w.store.write(
            lambda tx: tx.run(
                "INSERT INTO proposals VALUES ('p', 1, 't', 'a', '{}', '100234', '', 'open', "
                "'2999', '2000')"
            )
        )
        case = await w.core.desk_inbox.case(1)
        assert case is not None
        assert case.orders == ({"number": "100234", "proof": "none"},)
