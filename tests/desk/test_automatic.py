"""Two machines never talk for ever: a daily limit, machines' answers, and what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.desk import Line
from bot.dispatcher import Patience
from bot.messages import (
    Address,
    Answer,
    Attachment,
    Author,
    Features,
    Inbound,
    Kind,
    Outcome,
    Proposal,
    Receipt,
    Say,
    State,
    Turn,
    Understanding,
)
from bot.ports import Unavailable
from bot.store import conversations, effects, outbox
from bot.store.codec import new_id
from bot.testing import FakeChannel, MovingClock, World, world
from desk.counter import DeskParts
from desk.routing import Routing

TEXTS = [Path("nlu/domain")]
DAY = 24 * 3600.0
LIMIT = 3


@asynccontextmanager
async def limited(
    folder: Path, clock: MovingClock, *, certainty: float = 0.0, **more: Any
) -> AsyncIterator[World]:
    features = Features(burst_seconds=0.0, automatic_per_day=LIMIT, certainty=certainty)
    channel = FakeChannel(features=features)
    async with world(folder, texts=TEXTS, channel=channel, clock=clock, **more) as made:
        yield made


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
async def w(tmp_path: Path, clock: MovingClock) -> AsyncIterator[World]:
    async with limited(tmp_path, clock) as made:
        yield made


async def writes(w: World, *texts: str) -> list[str]:
    """The customer writes; everything that went out so far."""
    for text in texts:
        await w.says(text)
        await w.settled()
    return [out.text for out in w.channel.sent]


async def test_over_the_limit_the_bot_drafts_and_one_case_opens(w: World) -> None:
    sent = await writes(w, *"abcdef")
    assert sent == ["echo: a", "echo: b", "echo: c"]
    rows = await w.rows("SELECT text, reason, case_id FROM outbox WHERE state = 'draft'")
    assert [tuple(row.values()) for row in map(dict, rows)] == [
        (f"echo: {text}", "too_many_automatic", 1) for text in "def"
    ]
    (case,) = await w.rows("SELECT * FROM cases")
    assert (case["reason"], case["state"]) == ("too_many_automatic", "open")
    assert "customer: f" in await w.thread()


async def test_the_day_is_the_last_24_hours(w: World, clock: MovingClock) -> None:
    await writes(w, *"ab")
    clock.move(DAY / 2)
    await writes(w, *"cd")
    clock.move(DAY / 2 + 1)
    assert (await writes(w, *"efg"))[3:] == ["echo: e", "echo: f"]


async def test_each_conversation_has_its_own(w: World) -> None:
    await writes(w, *"abcd")
    await w.says("x", who="c2")
    await w.settled()
    assert w.channel.sent[-1].text == "echo: x"


async def test_half_an_answer_does_not_go_out(w: World) -> None:
    w.dialogue.replies["viel"] = Answer(tuple(Say(text=text) for text in "123"))
    assert await writes(w, "a", "viel") == ["echo: a"]
    assert len(await w.rows("SELECT * FROM outbox WHERE state = 'draft'")) == 3


async def test_receipts_count_and_do_not_go_out_over_the_limit(
    tmp_path: Path, clock: MovingClock
) -> None:
    async with limited(tmp_path, clock, certainty=0.8) as w:
        unsure = Answer((Say(text="?"),), understanding=Understanding("greet", 0.1))
        w.dialogue.replies["unklar"] = unsure
        sent = await writes(w, "unklar")
        assert "angekommen" in sent[0]
        assert len(await writes(w, "a", "b", "c")) == LIMIT
        jana = await w.agent("Jana")
        await jana.closes()
        await w.settled()
        before = len(w.channel.sent)
        assert len(await writes(w, "unklar")) == before
        assert w.desk.cards[2].reason == "uncertain"


async def test_who_asks_for_a_person_over_the_limit_gets_one(w: World) -> None:
    angry = Answer((Say("utter_handoff_complaint"),), Outcome.HANDOFF, "complaint")
    w.dialogue.replies["Frechheit"] = angry
    sent = await writes(w, *"abc", "Frechheit")
    assert len(sent) == LIMIT
    assert (w.desk.cards[1].reason, w.desk.cards[1].priority) == ("complaint", "high")


async def test_what_the_system_says_of_itself_is_not_sent_over_the_limit(
    tmp_path: Path, clock: MovingClock
) -> None:
    """That an answer takes longer is no person's word either."""
    patience = Patience(slow_after=0.01, ask_timeout=0.05, retry_limit=0.05)
    async with limited(tmp_path, clock, patience=patience) as w:
        await writes(w, *"abc")
        w.dialogue.replies["d"] = Unavailable("down")
        await w.says("d")
        await w.until("SELECT 1 FROM turns WHERE status = 'handed' OR attempts > 0")
        clock.move(120)
        await w.wake()
        await w.until("SELECT 1 FROM cases")
        assert len(w.channel.sent) == LIMIT
        rows = await w.rows("SELECT * FROM outbox WHERE author = 'system' AND op = 'send'")
        assert rows
        assert {(row["state"], row["reason"]) for row in rows} == {
            ("cancelled", "too_many_automatic")
        }


async def test_what_an_agent_writes_and_does_still_reaches_the_customer(w: World) -> None:
    await writes(w, *"abcd")
    jana = await w.agent("U1", "Jana Kurz")
    await jana.takes_over()
    await jana.says("Guten Tag")
    await jana.hands_back("Alles geklärt.")
    await w.settled()
    joined, line, outcome = [out.text for out in w.channel.sent[LIMIT:]]
    assert "Jana" in joined
    assert line == "Guten Tag"
    assert "Alles geklärt." in outcome


async def test_two_turns_at_once_do_not_both_slip_through(
    tmp_path: Path, clock: MovingClock
) -> None:
    """Counted where it is queued: two that looked before either wrote would both have sent."""
    async with limited(tmp_path, clock) as w:
        await writes(w, *"ab")
        row = (await w.rows("SELECT * FROM conversations"))[0]
        renderer = w.core.handoff.renderer  # type: ignore[attr-defined]

        async def say(text: str) -> list[str]:
            def work(tx: Any) -> list[str]:
                return renderer.queue(tx, row, [Say(text=text)], now=clock())

            made: list[str] = await w.store.write(work)
            return made

        await asyncio.gather(*(say(text) for text in "vwxyz"))
        await w.settled()
        assert len(w.channel.sent) == LIMIT


async def test_two_robots_end(tmp_path: Path, clock: MovingClock) -> None:
    """A robot that answers each of our messages at once, and gets no answer any more."""
    async with limited(tmp_path, clock) as w:
        await w.says("Hallo")
        for _ in range(20):
            before = len(w.channel.sent)
            await w.settled()
            if len(w.channel.sent) == before and before == LIMIT:
                break
            await w.says(f"Danke für: {w.channel.sent[-1].text}" if w.channel.sent else "Hallo")
        assert len(w.channel.sent) == LIMIT


async def test_a_proposal_that_was_not_read_back_cannot_be_agreed_to(w: World) -> None:
    async def propose(turn: Turn) -> Answer:
        def work(tx: Any) -> None:
            effects.propose(
                tx,
                conversation=turn.conversation,
                turn=turn.key,
                action="cancel",
                proposal=Proposal((), {}),
                expires=w.core.handoff.clock() + timedelta(hours=1),  # type: ignore[attr-defined]
                now=w.core.handoff.clock(),  # type: ignore[attr-defined]
            )

        await w.store.write(work)
        return Answer((Say(text="Wirklich?"),), Outcome.ASK)

    w.dialogue.replies["stornieren"] = propose
    await writes(w, *"abc", "stornieren")
    (row,) = await w.rows("SELECT state FROM proposals")
    assert row["state"] == "lapsed"


# What a machine wrote


def machine(text: str = "Ich bin bis Montag nicht da.", **more: Any) -> Inbound:
    return Inbound(Address("fake", "c1"), new_id(), kind=Kind.AUTOMATIC, text=text, **more)


async def takes(w: World, *messages: Inbound) -> None:
    await w.core.inbox.accept(*messages)
    await w.settled()


async def test_a_machines_answer_starts_no_turn_and_no_case(w: World, clock: MovingClock) -> None:
    await writes(w, "a")
    (before,) = await w.rows("SELECT last_in_at, email FROM conversations")
    clock.move(60)
    await takes(w, machine(email="someone@shop.example"))
    assert len(w.dialogue.asked) == 1
    assert await w.rows("SELECT * FROM cases") == []
    (after,) = await w.rows("SELECT last_in_at, email FROM conversations")
    assert dict(before) == dict(after)
    assert len(w.channel.sent) == 1


async def test_with_an_open_case_it_is_a_line_in_it_and_nobodys_question(
    w: World, clock: MovingClock
) -> None:
    w.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
    await writes(w, "mensch")
    jana = await w.agent("Jana")
    await jana.takes_over()
    await jana.says("Guten Tag")
    await jana.snoozes(clock() + timedelta(hours=2))
    clock.move(60)
    await takes(w, machine())
    case = await w.core.desk_inbox.case(1)
    assert case is not None
    assert case.waits_since is None
    assert case.snoozed_until is not None
    assert case.state == "taken"
    (line,) = [one.line for one in w.desk.lines.values() if one.line.kind is Kind.AUTOMATIC]
    assert line.text == "Ich bin bis Montag nicht da."
    assert len(w.dialogue.asked) == 1


async def test_it_sets_no_claim(tmp_path: Path, clock: MovingClock) -> None:
    """An agent lost a case as an out-of-office reply had come."""
    parts = DeskParts(routing=Routing(desk="desk"), claim=timedelta(minutes=10))
    async with world(tmp_path, texts=TEXTS, clock=clock, parts=parts) as w:
        w.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
        await writes(w, "mensch")
        jana = await w.agent("Jana")
        await jana.takes_over()
        await jana.says("Guten Tag")
        clock.move(1)
        await takes(w, machine())
        clock.move(3600)
        await w.wake()
        await w.settled()
        assert w.desk.cards[1].agent == "Jana"
        assert "note" not in " ".join(await w.thread())


async def test_the_dialogue_never_learns_of_it(w: World) -> None:
    w.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
    await writes(w, "mensch")
    jana = await w.agent("Jana")
    await jana.takes_over()
    await takes(w, machine("AUTOMATISCH"))
    await jana.hands_back()
    await writes(w, "Danke")
    assert w.dialogue.asked[-1].history
    assert "AUTOMATISCH" not in str(w.dialogue.asked)


async def test_its_files_are_fetched_and_shown_and_no_figure_counts_it_as_a_question(
    w: World, clock: MovingClock
) -> None:
    file = Attachment("logo.png", "image/png", ref="r")
    await takes(w, machine(attachments=(file,)))
    await w.until("SELECT 1 FROM inbox WHERE attachments LIKE '%not_fetchable%'")
    found = await w.core.desk_inbox.digest(clock() - timedelta(days=1), clock() + timedelta(1))
    assert (found.conversations, found.turns) == (0, 0)


async def test_a_burst_is_not_held_up_by_it(tmp_path: Path, clock: MovingClock) -> None:
    features = Features(burst_seconds=5.0)
    async with world(
        tmp_path, texts=TEXTS, channel=FakeChannel(features=features), clock=clock
    ) as w:
        await w.says("eins")
        clock.move(4)
        await w.core.inbox.accept(machine())
        clock.move(1)
        await w.wake()
        await w.settled()
        assert [turn.text for turn in w.dialogue.asked] == ["eins"]


# What came back


async def bounces(w: World, vendor_id: str, reason: str = "mailbox_unknown") -> None:
    await w.core.inbox.receipt(Receipt("fake", vendor_id, State.FAILED, reason))
    await w.until("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM timers WHERE kind = 'bounced')")
    await w.settled()


async def test_a_bounce_opens_a_case_that_names_the_message(w: World, clock: MovingClock) -> None:
    await writes(w, "a")
    clock.move(2 * DAY)
    await bounces(w, "v-1")
    card = w.desk.cards[1]
    assert (card.reason, card.state, card.waits_since) == ("bounced", "open", clock())
    (line,) = [one.line for one in w.desk.lines.values() if one.line.author is Author.BOT]
    assert (line.state, line.reason) == ("failed", "mailbox_unknown")
    (note,) = [one.line.text for one in w.desk.lines.values() if one.line.author is Author.NOTE]
    assert "echo: a" in note
    assert len(w.channel.sent) == 1


async def test_a_second_report_and_a_second_piece_open_no_case_again(w: World) -> None:
    w.dialogue.replies["viel"] = Answer((Say(text="1"), Say(text="2")))
    await writes(w, "viel")
    await bounces(w, "v-1")
    jana = await w.agent("Jana")
    await jana.closes()
    await w.settled()
    await bounces(w, "v-1")
    await bounces(w, "v-2")
    assert len(await w.rows("SELECT * FROM cases")) == 1
    states = await w.rows("SELECT state FROM outbox WHERE author = 'bot' AND op = 'send'")
    assert {row["state"] for row in states} == {"failed"}


async def test_a_line_of_the_open_case_turns_red_where_it_stands(
    w: World, clock: MovingClock
) -> None:
    w.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
    await writes(w, "mensch")
    jana = await w.agent("Jana")
    await jana.takes_over()
    sent = await jana.says("Guten Tag")
    await w.settled()
    await jana.snoozes(clock() + timedelta(days=3))
    clock.move(60)
    await bounces(w, "v-3")
    assert w.desk.states[sent.line or ""] == "failed"
    assert w.desk.reasons[sent.line or ""] == "mailbox_unknown"
    assert w.desk.cards[1].snoozed_until is None
    assert w.desk.cards[1].waits_since is not None
    notes = [line for line in await w.thread() if line.startswith("note")]
    assert len(notes) == 1  # that the case is back
    assert len(await w.rows("SELECT * FROM cases")) == 1


async def test_a_line_of_a_closed_case_opens_another_one(w: World) -> None:
    w.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
    await writes(w, "mensch")
    jana = await w.agent("Jana")
    await jana.takes_over()
    await jana.does(Line("x", 1, "Jana", "Ihr Etikett"))
    await jana.closes()
    await w.settled()
    await bounces(w, "v-3")
    assert w.desk.cards[2].reason == "bounced"
    assert "Ihr Etikett" in next(line for line in await w.thread(2) if line.startswith("note"))


async def test_a_notice_that_comes_back_opens_no_case(w: World) -> None:
    """To close the case sent the next notice, which came back and opened the next case."""
    await writes(w, "a")
    await bounces(w, "v-1")
    jana = await w.agent("Jana")
    await jana.closes()
    await w.settled()
    await bounces(w, "v-2")
    assert [case["state"] for case in await w.rows("SELECT state FROM cases")] == ["closed"]


async def test_a_code_that_comes_back_is_told_to_agents_alone(w: World, clock: MovingClock) -> None:
    await writes(w, "a")

    def send(tx: Any) -> str:
        there = conversations.ensure(tx, Address("fake", "mail"), None, "de", clock())
        return outbox.insert_send(
            tx, conversation=there, author=Author.SYSTEM, text="Ihr Code: ••••••", now=clock()
        )

    code = await w.store.write(send)
    await w.settled()
    await w.store.write(lambda tx: outbox.refer_to(tx, code, "over-by-now"))
    await bounces(w, "v-2")
    (case,) = await w.rows("SELECT * FROM cases")
    assert case["reason"] == "bounced"
    (there,) = await w.rows("SELECT id FROM conversations WHERE address = 'mail'")
    assert case["conversation"] == there["id"]
    assert [out.address.id for out in w.channel.sent] == ["c1", "mail"]


async def test_a_report_that_comes_before_the_vendors_id_is_noted_counts_too(w: World) -> None:
    await w.core.inbox.receipt(Receipt("fake", "v-1", State.FAILED, "mailbox_full"))
    await writes(w, "a")
    await w.until("SELECT 1 FROM cases WHERE reason = 'bounced'")


async def test_what_was_read_did_not_come_back(w: World) -> None:
    await writes(w, "a")
    await w.core.inbox.receipt(Receipt("fake", "v-1", State.READ))
    await bounces(w, "v-1")
    assert await w.rows("SELECT * FROM cases") == []
