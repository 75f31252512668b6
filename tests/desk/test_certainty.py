"""What the bot is not certain of is a draft for a person, and the customer gets one receipt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.desk import Line, Unsend
from bot.messages import (
    Address,
    Answer,
    Button,
    Features,
    Inbound,
    Kind,
    Outcome,
    Say,
    Turn,
    Understanding,
)
from bot.ports import Reject, UnknownOutcome
from bot.testing import FakeChannel, FakePairs, MovingClock, World, call_of, world
from bot.testing.actions import FakeAction
from bot.testing.seat import Seat
from desk.counter import DeskParts
from desk.hours import WORKDAYS
from desk.routing import Routing

TEXTS = [Path("nlu/domain")]
SURE = Understanding("track_order", 0.95)
UNSURE = Understanding("track_order", 0.6)
RECEIPT = "Ihre Nachricht ist angekommen."


def features(**more: Any) -> Features:
    return Features(burst_seconds=0.0, buttons=0, certainty=0.8, **more)


@asynccontextmanager
async def mailing(
    folder: Path, clock: MovingClock | None = None, **more: Any
) -> AsyncIterator[World]:
    """A customer on a channel that demands certainty, at a desk with opening times."""
    clock = clock or MovingClock()
    async with world(
        folder,
        texts=TEXTS,
        channel=FakeChannel("mail", features()),
        clock=clock,
        parts=DeskParts(routing=Routing(desk="desk", hours=WORKDAYS)),
        **more,
    ) as made:
        yield made


@pytest.fixture
async def w(tmp_path: Path) -> AsyncIterator[World]:
    async with mailing(tmp_path) as made:
        yield made


async def hears(w: World, text: str, answer: Answer) -> list[str]:
    """The customer writes, the dialogue answers so; what went out for it."""
    before = len(w.channel.sent)
    w.dialogue.replies[text] = answer
    await w.says(text)
    await w.settled()
    return [out.text for out in w.channel.sent[before:]]


def said(text: str, understood: Understanding | None = UNSURE, **more: Any) -> Answer:
    return Answer((Say(text=text),), understanding=understood, **more)


async def drafts(w: World) -> list[tuple[str, str | None, int | None]]:
    rows = await w.rows("SELECT * FROM outbox WHERE op = 'send' AND state = 'draft' ORDER BY seq")
    return [(row["text"], row["reason"], row["case_id"]) for row in rows]


async def test_a_certain_answer_goes_out_by_itself(w: World) -> None:
    assert await hears(w, "Wo ist mein Paket?", said("Unterwegs.", SURE)) == ["Unterwegs."]
    assert await w.rows("SELECT * FROM cases") == []


@pytest.mark.parametrize(
    "understood",
    [
        UNSURE,
        Understanding(),
        Understanding("nlu_fallback", 0.93),
        Understanding("out_of_scope", 1),
    ],
    ids=["unsure", "nothing", "fallback", "elsewhere"],
)
async def test_an_uncertain_answer_is_a_draft_and_the_customer_gets_a_receipt(
    w: World, understood: Understanding
) -> None:
    (receipt,) = await hears(w, "Und nun?", said("Ihr Paket ist unterwegs.", understood))
    assert receipt.startswith(RECEIPT)
    assert "Bot" in receipt
    assert await drafts(w) == [("Ihr Paket ist unterwegs.", "uncertain", 1)]
    card = w.desk.cards[1]
    assert (card.reason, card.state, card.owner) == ("uncertain", "open", "waiting")
    assert await w.thread() == [
        "customer: Und nun?",
        "bot: Ihr Paket ist unterwegs.",
        f"system: {receipt}",
    ]
    rows = await w.rows("SELECT id FROM outbox WHERE op = 'send'")
    assert set(w.desk.lines) >= {f"out:{row['id']}" for row in rows}


async def test_what_holds_no_words_was_not_understood(w: World) -> None:
    """An empty mail was answered with a question by a bot that had understood nothing."""
    await w.says("")
    await w.settled()
    assert [out.text[: len(RECEIPT)] for out in w.channel.sent] == [RECEIPT]
    assert len(await drafts(w)) == 1


@pytest.mark.parametrize(
    ("now", "when"),
    [
        (
            "2026-11-26 10:00",
            "Ein Mensch antwortet Ihnen per E-Mail, meist innerhalb von 60 Minuten.",
        ),
        ("2026-11-28 23:00", "antwortet Ihnen am Montag, 30. November, ab 8 Uhr per E-Mail."),
    ],
)
async def test_the_receipt_says_when_a_person_reads_it(tmp_path: Path, now: str, when: str) -> None:
    """By mail nobody is asked to leave an e-mail address."""
    clock = MovingClock()
    clock.now = datetime.fromisoformat(now).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    async with mailing(tmp_path, clock) as w:
        (receipt,) = await hears(w, "Und nun?", said("?"))
        assert when in receipt
        assert "E-Mail-Adresse" not in receipt


async def test_there_is_one_receipt_for_a_concern(w: World) -> None:
    assert len(await hears(w, "eins", said("1"))) == 1
    assert await hears(w, "zwei", said("2")) == []
    assert [text for text, *_ in await drafts(w)] == ["1", "2"]
    jana = await w.agent("Jana")
    await jana.closes()
    await w.settled()
    (again,) = await hears(w, "drei", said("3"))
    assert again.startswith(RECEIPT)


async def test_who_was_told_of_a_person_gets_no_receipt(w: World) -> None:
    answer = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked", understanding=UNSURE)
    assert len(await hears(w, "mensch", answer)) == 1
    assert await hears(w, "noch etwas", said("Was denn?")) == []
    assert [text for text, *_ in await drafts(w)] == ["Was denn?"]


async def test_a_case_of_which_the_customer_heard_nothing_spares_no_receipt(tmp_path: Path) -> None:
    """An agent was called for a message that may be lost; the next one then got no word at all."""
    clock = MovingClock()
    async with mailing(tmp_path, clock) as w:
        w.channel.faults.extend([UnknownOutcome(), UnknownOutcome()])
        w.dialogue.replies["eins"] = said("1", SURE)
        await w.says("eins")
        await w.until("SELECT 1 FROM outbox WHERE attempts = 1")
        clock.move(60)
        await w.wake()
        await w.until("SELECT 1 FROM cases WHERE reason = 'unknown'")
        await w.settled()
        (receipt,) = await hears(w, "zwei", said("2"))
        assert receipt.startswith(RECEIPT)


async def test_a_handoff_needs_no_draft(w: World) -> None:
    answer = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked", understanding=UNSURE)
    (told,) = await hears(w, "mensch", answer)
    assert RECEIPT not in told
    assert await drafts(w) == []
    assert w.desk.cards[1].reason == "asked"


async def test_while_somebody_waits_that_it_was_noted_is_no_draft(w: World) -> None:
    await hears(w, "eins", said("1"))
    await hears(w, "zwei", Answer((Say("utter_waiting_noted"),), understanding=UNSURE))
    assert [text for text, *_ in await drafts(w)] == ["1"]


async def test_a_certain_answer_still_goes_out_while_somebody_waits(w: World) -> None:
    await hears(w, "eins", said("1"))
    assert await hears(w, "zwei", said("2", SURE)) == ["2"]


async def test_other_channels_answer_as_they_did(tmp_path: Path) -> None:
    async with world(tmp_path, texts=TEXTS) as w:
        assert await hears(w, "Und nun?", said("Antwort.", Understanding())) == ["Antwort."]


async def test_the_number_of_a_choice_is_certain(tmp_path: Path) -> None:
    """Where a channel has no buttons, "2" is all that comes back."""
    clock = MovingClock()
    async with mailing(tmp_path, clock) as w:
        choices = (Button("A", "/a"), Button("B", "/b"))
        await hears(w, "Frage", Answer((Say(text="?", buttons=choices),), understanding=SURE))
        w.dialogue.replies["/b"] = said("B gewählt.", Understanding())
        clock.move(1)
        assert await says(w, "2") == ["B gewählt."]


def playing(w: World, understood: Understanding) -> None:
    """A dialogue with the form and the proposal of an action that cancels."""

    async def form(turn: Turn) -> Answer:
        slots = (turn.state or {}).get("slots", {})
        call = replace(call_of(turn, "cancel_order", **slots), understanding=understood)
        filling = await w.core.actions.fill("cancel", call, 1)
        state = {"slots": {**slots, **filling.slots}}
        if filling.ask is not None:
            question = Answer((Say(f"utter_ask_{filling.ask}"),), Outcome.ASK)
            return replace(question, understanding=understood, state=state)
        call = replace(call, arguments=state["slots"])
        made = await w.core.actions.call("cancel", call, 1)
        return replace(made, understanding=understood, state=state)

    async def yes(turn: Turn) -> Answer:
        call = replace(call_of(turn, "affirm"), understanding=understood)
        return replace(await w.core.actions.call("confirm", call, 1), understanding=understood)

    async def no(turn: Turn) -> Answer:
        call = replace(call_of(turn, "deny"), understanding=understood)
        return replace(await w.core.actions.call("deny", call, 1), understanding=understood)

    for text in ("stornieren", "order=1", "proof=53", "stornieren order=1 proof=53"):
        w.dialogue.replies[text] = form
    w.dialogue.replies |= {"ja": yes, "nein": no}


@asynccontextmanager
async def cancelling(folder: Path) -> AsyncIterator[tuple[World, FakeAction]]:
    action = FakeAction()
    async with mailing(folder, actions=[action], identify=FakePairs({"1": "53"})) as w:
        yield w, action


async def says(w: World, text: str) -> list[str]:
    before = len(w.channel.sent)
    await w.says(text)
    await w.settled()
    return [out.text for out in w.channel.sent[before:]]


async def test_what_a_form_asked_for_and_a_yes_are_certain(tmp_path: Path) -> None:
    """A number alone is understood as nothing at all by a model, and was asked for all the same."""
    async with cancelling(tmp_path) as (w, action):
        playing(w, SURE)
        assert len(await says(w, "stornieren")) == 1
        playing(w, Understanding("nlu_fallback", 0.9))
        assert len(await says(w, "order=1")) == 1
        (question,) = await says(w, "proof=53")
        assert question.startswith("cancel 1?")
        assert await says(w, "ja") == ["cancel 1 done"]
        assert len(action.runs) == 1
        assert await drafts(w) == []


async def test_a_no_is_certain_but_not_one_to_nothing(tmp_path: Path) -> None:
    async with cancelling(tmp_path) as (w, _action):
        playing(w, SURE)
        await says(w, "stornieren order=1 proof=53")
        playing(w, UNSURE)
        (dropped,) = await says(w, "nein")
        assert not dropped.startswith(RECEIPT)
        assert await drafts(w) == []
        (receipt,) = await says(w, "nein")
        assert receipt.startswith(RECEIPT)


async def test_numbers_that_no_form_asked_for_prove_nothing(tmp_path: Path) -> None:
    async with cancelling(tmp_path) as (w, _action):
        playing(w, UNSURE)
        (receipt,) = await says(w, "stornieren order=1 proof=53")
        assert receipt.startswith(RECEIPT)


async def test_a_yes_to_a_receipt_runs_nothing(tmp_path: Path) -> None:
    """What a draft reads back the customer has not read: "ja" was about something else."""
    async with cancelling(tmp_path) as (w, action):
        playing(w, UNSURE)
        await says(w, "stornieren order=1 proof=53")
        ((text, *_),) = await drafts(w)
        assert text.startswith("cancel 1?")
        await says(w, "ja")
        assert action.runs == []


async def test_a_question_that_nobody_read_keeps_no_form_open(w: World) -> None:
    """The next mail would be read as the answer to a question in a draft."""
    await hears(w, "eins", said("Welche Bestellung?", outcome=Outcome.ASK))
    await hears(w, "zwei", said("2", SURE))
    turn = w.dialogue.asked[-1]
    assert turn.resumed
    assert turn.history[0].text == "eins"
    assert "Welche Bestellung?" not in str(turn.history)


async def test_a_change_that_was_made_is_told_however_the_yes_was_understood(w: World) -> None:
    assert await hears(w, "ok", said("Storniert.", effect=True)) == ["Storniert."]


async def test_figures_count_what_a_person_got_as_handed(w: World) -> None:
    await hears(w, "eins", said("1"))
    (row,) = await w.rows("SELECT outcome FROM turns")
    assert row["outcome"] == "handoff"


# What an agent does with a draft


@asynccontextmanager
async def drafted(folder: Path, undo: float = 0.0) -> AsyncIterator[tuple[World, Seat, str]]:
    """A case with one draft, taken by Jana."""
    async with world(
        folder, texts=TEXTS, channel=FakeChannel(features=features()), undo_seconds=undo
    ) as w:
        await hears(w, "Und nun?", said("Ihr Paket ist da."))
        (row,) = await w.rows("SELECT id FROM outbox WHERE state = 'draft'")
        jana = await w.agent("U1", "Jana Kurz")
        await jana.takes_over()
        await w.settled()
        w.channel.sent.clear()
        yield w, jana, f"out:{row['id']}"


async def test_a_draft_is_sent_once_as_a_line_of_the_agents(tmp_path: Path) -> None:
    async with drafted(tmp_path) as (w, jana, draft):
        command = Line("a", 1, jana.agent, "Ihr Paket ist da.", draft=draft)
        assert (await jana.does(command)).done
        again = await jana.does(replace(command, id="b"))
        assert (again.done, again.reason) == (False, "no_draft")
        await w.settled()
        assert [(out.text, out.author, out.name) for out in w.channel.sent] == [
            ("Ihr Paket ist da.", "agent", "Jana Kurz")
        ]
        assert (w.desk.states[draft], w.desk.reasons[draft]) == ("cancelled", "draft_sent")
        assert await w.rows("SELECT * FROM outbox WHERE state = 'draft'") == []
        (shown,) = [one for one in await w.core.desk_inbox.history(1) if one.id == draft]
        assert (shown.name, shown.repeated) == ("Jana Kurz", False)
        assert (
            w.desk.cards[1].waits_since is None
            or (await w.core.desk_inbox.case(1)).waits_since is None
        )  # type: ignore[union-attr]


async def test_a_draft_is_sent_in_other_words(tmp_path: Path) -> None:
    async with drafted(tmp_path) as (w, jana, draft):
        await jana.does(Line("a", 1, jana.agent, "Ihr Paket kommt morgen.", draft=draft))
        await w.settled()
        assert [out.text for out in w.channel.sent] == ["Ihr Paket kommt morgen."]
        assert (await jana.does(Unsend("b", 1, jana.agent, draft))).reason == "no_such_line"


async def test_a_draft_is_discarded(tmp_path: Path) -> None:
    async with drafted(tmp_path) as (w, jana, draft):
        assert (await jana.unsends(draft)).done
        assert (await jana.does(Line("b", 1, jana.agent, "x", draft=draft))).reason == "no_draft"
        await w.settled()
        assert w.channel.sent == []
        assert (w.desk.states[draft], w.desk.reasons[draft]) == ("cancelled", "draft_dropped")


async def test_a_draft_is_for_who_has_the_case(tmp_path: Path) -> None:
    async with drafted(tmp_path) as (w, jana, draft):
        tom = await w.agent("Tom")
        assert (
            await tom.does(Line("a", 1, "Tom", "x", draft=draft))
        ).reason == "taken_by:Jana Kurz"
        assert (await tom.unsends(draft)).reason == "taken_by:Jana Kurz"
        await jana.releases()
        assert (await jana.does(Line("b", 1, jana.agent, "x", draft=draft))).reason == "not_taken"
        await w.settled()
        assert len(await drafts(w)) == 1


async def test_a_line_that_is_stopped_is_a_draft_again(tmp_path: Path) -> None:
    async with drafted(tmp_path, undo=60.0) as (w, jana, draft):
        sent = await jana.does(Line("a", 1, jana.agent, "Ihr Paket ist da.", draft=draft))
        assert (await jana.stops(sent.line or "")).done
        await w.settled()
        assert w.desk.states[draft] == "draft"
        assert (await jana.does(Line("b", 1, jana.agent, "Doch.", draft=draft))).done


async def test_a_line_of_a_draft_that_failed_can_go_again(tmp_path: Path) -> None:
    """The draft that it replaces was taken for a repetition that had arrived."""
    async with drafted(tmp_path) as (w, jana, draft):
        w.channel.faults.append(Reject("gave_up"))
        sent = await jana.does(Line("a", 1, jana.agent, "Ihr Paket ist da.", draft=draft))
        await w.settled()
        assert (await jana.sends_again(sent.line or "")).done
        await w.settled()
        assert [out.text for out in w.channel.sent] == ["Ihr Paket ist da."]


async def test_another_conversations_draft_is_none_of_this_case(tmp_path: Path) -> None:
    async with drafted(tmp_path) as (w, jana, _draft):
        await w.says("Und nun?", who="c2")
        await w.settled()
        (row,) = await w.rows("SELECT id FROM outbox WHERE state = 'draft' AND conversation = 2")
        foreign = f"out:{row['id']}"
        assert (await jana.does(Line("a", 1, jana.agent, "x", draft=foreign))).reason == "no_draft"
        assert (await jana.unsends(foreign)).reason == "no_such_line"


async def test_the_next_turn_is_not_told_what_was_folded(w: World) -> None:
    """Quoted text is for people: neither the turn nor a later history has it."""
    message = Inbound(
        Address("mail", "c1"), "m1", kind=Kind.TEXT, text="Danke", folded="> geheimes Zitat"
    )
    await w.core.inbox.accept(message)
    await w.settled()
    jana = await w.agent("Jana")
    await hears(w, "eins", said("1"))
    (line, *_) = await w.core.desk_inbox.history(1)
    assert (line.text, line.folded) == ("Danke", "> geheimes Zitat")
    await jana.closes()
    await hears(w, "zwei", said("2", SURE))
    assert "geheim" not in str(w.dialogue.asked)
    assert "geheim" not in w.desk.cards[1].summary
