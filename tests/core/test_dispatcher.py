"""How turns run: frozen, asked, retried, given up; and nothing that waits is ever forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.desk import HandBack, TakeOver
from bot.dispatcher import Patience
from bot.messages import (
    Address,
    Answer,
    Attachment,
    Button,
    Features,
    Inbound,
    Kind,
    Outcome,
    Say,
    Turn,
)
from bot.ports import Retry, Unavailable
from bot.store import StoreError, conversations
from bot.testing import FakeChannel, MovingClock, World, world

TEXTS = [Path("nlu/domain")]
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64


class MediaChannel(FakeChannel):
    """Fetches what a gate lets through."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()
        self.fetching = asyncio.Event()
        self.fetch_faults: list[Exception] = []

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        self.fetching.set()
        await self.gate.wait()
        if self.fetch_faults:
            raise self.fetch_faults.pop(0)
        yield PNG


def photo(wire_id: str, text: str = "", who: str = "c1") -> Inbound:
    file = Attachment("a.png", "image/png", ref="r1")
    return Inbound(Address("fake", who), wire_id, Kind.MEDIA, text, attachments=(file,))


async def hand_over(w: World, agent: str = "Mia") -> int:
    case = await w.store.write(
        lambda tx: w.core.handoff.open_case(tx, conversations.get(tx, 1), "asked")
    )
    assert (await w.core.desk_inbox.accept(TakeOver(f"t{case}", case, agent))).done
    return case


async def test_a_burst_is_one_turn_and_a_button_ends_it(tmp_path: Path) -> None:
    """A text after the button put its answer off for another window."""
    clock = MovingClock()
    channel = FakeChannel(features=Features(burst_seconds=2.0))
    async with world(tmp_path, texts=TEXTS, channel=channel, clock=clock) as w:
        w.dialogue.replies["eins\nzwei"] = Answer(
            (Say(text="ok", buttons=(Button("Ja", "/affirm"),)),)
        )
        await w.says("eins")
        clock.move(1)
        await w.says("zwei")
        assert not w.dialogue.asked
        clock.move(2)
        await w.wake()
        await w.settled()
        await w.says("drei")
        await w.says("Ja", payload="/affirm")
        await w.says("vier")
        await w.channel.wait(3)
        clock.move(3)
        await w.wake()
        await w.settled()
        asked = [(turn.text, turn.payload) for turn in w.dialogue.asked]
        assert asked == [("eins\nzwei", None), ("drei", None), ("Ja", "/affirm"), ("vier", None)]


async def test_a_burst_does_not_last_for_ever(tmp_path: Path) -> None:
    clock = MovingClock()
    channel = FakeChannel(features=Features(burst_seconds=1.0))
    async with world(tmp_path, texts=TEXTS, channel=channel, clock=clock) as w:
        for number in range(8):
            await w.says(str(number))
            clock.move(0.9)
        await w.wake()
        await w.channel.wait(1)
        assert w.dialogue.asked[0].text.startswith("0\n1\n2\n3\n4")


@pytest.mark.parametrize("where", ["never", "draft"])
async def test_a_button_that_was_not_offered_is_only_text(tmp_path: Path, where: str) -> None:
    async with world(tmp_path, texts=TEXTS) as w:
        await w.says("hi")
        await w.settled()
        if where == "draft":  # made under a bot that an agent silenced: nobody has seen it
            await w.store.write(
                lambda tx: tx.run(
                    "UPDATE outbox SET state = 'draft', buttons = :b",
                    b='[{"title":"Ja","payload":"/affirm"}]',
                )
            )
        await w.says("Ja", payload="/affirm")
        await w.settled()
        assert (w.dialogue.asked[-1].text, w.dialogue.asked[-1].payload) == ("Ja", None)


async def test_a_typed_slash_is_an_ordinary_text(tmp_path: Path) -> None:
    async with world(tmp_path, texts=TEXTS) as w:
        await w.says("/affirm")
        await w.settled()
        assert (w.dialogue.asked[0].text, w.dialogue.asked[0].payload) == ("/affirm", None)


async def test_a_frozen_turn_is_asked_with_the_same_row_whatever_comes_later(
    tmp_path: Path,
) -> None:
    clock, faults = MovingClock(), [Unavailable("down")]
    async with world(tmp_path, texts=TEXTS, clock=clock) as w:

        async def flaky(turn: Turn) -> Answer:
            if faults:
                raise faults.pop()
            return Answer((Say(text="ok"),))

        w.dialogue.replies["eins"] = flaky
        await w.says("eins", wire_id="m1")
        await w.until("SELECT 1 FROM turns WHERE attempts = 1")
        await w.says("zwei")
        edit = Inbound(Address("fake", "c1"), "e1", Kind.EDIT, "eins!", edits="m1")
        await w.core.inbox.accept(edit)
        clock.move(2)
        await w.wake()
        await w.settled()
        assert [turn.text for turn in w.dialogue.asked] == ["eins", "eins", "zwei", "eins!"]
        assert w.dialogue.asked[0].key == w.dialogue.asked[1].key
        assert w.dialogue.asked[3].kind is Kind.EDIT


async def test_the_customer_hears_once_of_a_delay_and_a_person_comes_within_the_limit(
    tmp_path: Path,
) -> None:
    """The limit was counted from the first failure, so that a hanging dialogue got half as long
    again."""
    patience = Patience(slow_after=0.05, ask_timeout=0.4, retry_limit=1.0)
    async with world(tmp_path, texts=TEXTS, patience=patience) as w:

        async def hang(turn: Turn) -> Answer:
            await asyncio.sleep(60)
            raise AssertionError

        w.dialogue.replies["hm"] = hang
        started = asyncio.get_running_loop().time()
        await w.says("hm")
        await w.until("SELECT 1 FROM cases")
        assert asyncio.get_running_loop().time() - started < 1.35
        await w.settled()
        texts = [out.text for out in w.channel.sent]
        assert len(texts) == 2
        assert "länger" in texts[0]
        (row,) = await w.rows("SELECT * FROM turns")
        assert row["status"] == "handed"


async def test_a_fault_of_our_own_ends_as_a_dead_letter_with_a_person(tmp_path: Path) -> None:
    async with world(tmp_path, texts=TEXTS) as w:
        w.dialogue.replies["x"] = RuntimeError("bug with secret")
        await w.says("x")
        await w.until("SELECT 1 FROM turns WHERE status = 'dead'")
        await w.settled()
        assert len(w.dialogue.asked) == 3
        assert "secret" not in w.channel.sent[0].text
        (case,) = await w.core.desk_inbox.cases()
        assert case.reason == "turn_failed"
        await w.says("weiter")
        assert (await w.channel.wait(2))[1].text == "echo: weiter"


@pytest.mark.parametrize("heals", [True, False])
async def test_a_fault_before_the_freeze_does_not_forget_the_message(
    tmp_path: Path, heals: bool
) -> None:
    """The conversation's due time was cleared, and the customer waited for ever."""
    clock, faults = MovingClock(), [True] * (2 if heals else 9)

    def detect(text: str, current: str, first: bool) -> str:
        if faults:
            faults.pop()
            raise RuntimeError("detector")
        return current

    async with world(tmp_path, texts=TEXTS, clock=clock, detect=detect) as w:
        await w.says("hallo")
        for _ in range(3):
            await w.until("SELECT 1 FROM conversations WHERE lease_until IS NULL")
            await asyncio.sleep(0.05)
            clock.move(6)
            await w.wake()
        await w.settled()
        if heals:
            assert [out.text for out in w.channel.sent] == ["echo: hallo"]
        else:
            (case,) = await w.core.desk_inbox.cases()
            assert case.reason == "turn_failed"
            assert len(w.channel.sent) == 1


async def test_a_dialogue_that_answers_nothing_calls_a_person(tmp_path: Path) -> None:
    async with world(tmp_path, texts=TEXTS) as w:
        w.dialogue.replies["a"] = Answer(())
        w.dialogue.replies["b"] = Answer((Say(text="  "),))
        await w.says("a", who="a")
        await w.says("b", who="b")
        await w.settled()
        assert len(w.channel.sent) == 2
        assert {case.reason for case in await w.core.desk_inbox.cases()} == {"no_answer"}


async def test_two_misses_in_a_row_call_a_person_and_an_answer_between_counts_anew(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, texts=TEXTS) as w:
        from bot.testing import call_of

        async def miss(turn: Turn) -> Answer:
            return await w.core.actions.call("miss", call_of(turn, "nlu_fallback"), 1)

        w.dialogue.replies["?a"] = miss
        for text in ("?a", "hallo", "?a"):
            await w.says(text)
            await w.settled()
        assert not await w.core.desk_inbox.cases()
        await w.says("?a")
        await w.settled()
        (case,) = await w.core.desk_inbox.cases()
        assert case.reason == "misses"


# --- files


async def test_a_file_is_there_before_its_turn_is_asked(tmp_path: Path) -> None:
    channel = MediaChannel()
    async with world(tmp_path, texts=TEXTS, channel=channel) as w:
        await w.core.inbox.accept(photo("p1", "schau"))
        await w.settled()
        (file,) = w.dialogue.asked[0].attachments
        assert file.file
        assert (file.content_type, file.error) == ("image/png", None)


async def test_a_file_that_comes_while_another_is_fetched_is_not_lost(tmp_path: Path) -> None:
    """It was frozen into the turn without having been fetched, and never fetched later."""
    channel = MediaChannel()
    channel.gate.clear()
    async with world(tmp_path, texts=TEXTS, channel=channel) as w:
        channel.features = Features(burst_seconds=0.001)
        w.core._freezer.features["fake"] = channel.features  # type: ignore[index]
        await w.core.inbox.accept(photo("p1", "eins"))
        await channel.fetching.wait()
        await w.core.inbox.accept(photo("p2", "zwei"))
        channel.gate.set()
        await w.settled()
        files = [file for turn in w.dialogue.asked for file in turn.attachments]
        assert len(files) == 2
        assert all(file.file for file in files)


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        ([Retry(0), Retry(0)], None),
        ([Retry(0)] * 3, "fetch_failed"),
        ([ConnectionError("x")] * 3, "fetch_failed"),
    ],
)
async def test_a_failed_fetch_is_tried_again_and_said(
    tmp_path: Path, faults: list[Exception], error: str | None
) -> None:
    channel = MediaChannel()
    channel.fetch_faults = list(faults)
    async with world(tmp_path, texts=TEXTS, channel=channel) as w:
        await w.core.inbox.accept(photo("p1", "schau"))
        await w.settled(8)
        assert w.dialogue.asked[0].attachments[0].error == error
        texts = " ".join(out.text for out in w.channel.sent)
        assert "echo: schau" in texts
        assert (texts != "echo: schau") == (error is not None)


async def test_a_file_for_an_agent_is_shown_when_it_is_there(tmp_path: Path) -> None:
    """Two in a row: the second came during the first one's fetch, and its due time was cleared."""
    channel = MediaChannel()
    async with world(tmp_path, texts=TEXTS, channel=channel) as w:
        await w.says("hi")
        await w.settled()
        await hand_over(w)
        channel.gate.clear()
        await w.core.inbox.accept(photo("p1"))
        await channel.fetching.wait()
        await w.core.inbox.accept(photo("p2"))
        channel.gate.set()
        for number in (2, 3):
            await w.until(
                "SELECT 1 FROM outbox WHERE op = 'post' AND subject = :s AND state = 'sent'",
                s=f"in:{number}",
            )
            (file,) = w.desk.lines[f"in:{number}"].line.attachments
            assert file.file


async def test_a_file_that_was_not_fetched_at_the_take_over_still_comes(tmp_path: Path) -> None:
    channel = MediaChannel()
    channel.gate.clear()
    async with world(tmp_path, texts=TEXTS, channel=channel) as w:
        await w.core.inbox.accept(photo("p1", "schau"))
        await channel.fetching.wait()
        await hand_over(w)
        assert "in:1" not in w.desk.lines
        channel.gate.set()
        await w.until(
            "SELECT 1 FROM outbox WHERE op = 'post' AND state = 'sent' AND subject='in:1'"
        )
        assert w.desk.lines["in:1"].line.attachments[0].file
        assert not w.dialogue.asked


# --- take-over


async def test_a_take_over_between_freeze_and_ask_asks_nothing(tmp_path: Path) -> None:
    """It found nothing to cancel, and a hanging dialogue then held the conversation."""
    async with world(tmp_path, texts=TEXTS) as w:
        await w.says("hi")
        await w.settled()
        freeze = w.core._freezer.freeze

        def and_taken(tx: Any, conversation: int) -> Turn | None:
            turn = freeze(tx, conversation)
            if turn is not None:
                case = w.core.handoff.open_case(tx, conversations.get(tx, 1), "asked")
                w.core.desk_inbox.commands.apply(tx, TakeOver("t", case, "Mia"))
            return turn

        w.core._freezer.freeze = and_taken  # type: ignore[method-assign]
        await w.says("hm")
        await w.settled()
        assert [turn.text for turn in w.dialogue.asked] == ["hi"]


async def test_after_a_hand_back_the_history_does_not_hold_the_message_itself(
    tmp_path: Path,
) -> None:
    """The dialogue heard the question twice: once as history, once as the question."""
    async with world(tmp_path, texts=TEXTS) as w:
        await w.says("hi")
        await w.settled()
        case = await hand_over(w)
        await w.core.desk_inbox.accept(HandBack("h", case, "Mia", note="geheim"))
        await w.settled()
        await w.says("danke")
        await w.settled()
        turn = w.dialogue.asked[-1]
        assert turn.resumed
        assert turn.session == 2
        texts = [past.text for past in turn.history]
        assert texts[0] == "hi"
        assert "danke" not in texts
        assert "geheim" not in texts
        await w.says("noch was")
        await w.settled()
        assert w.dialogue.asked[-1].history == ()


async def test_after_a_pause_the_dialogue_starts_anew_with_what_was_said(tmp_path: Path) -> None:
    clock = MovingClock()
    async with world(tmp_path, texts=TEXTS, clock=clock) as w:
        await w.says("hi")
        await w.settled()
        clock.move(3601)
        await w.says("da bin ich")
        await w.settled()
        first, second = w.dialogue.asked
        assert (first.session, second.session, second.resumed) == (1, 2, True)
        assert [past.text for past in second.history] == ["hi", "echo: hi"]


async def test_a_form_is_still_open_when_the_answer_comes_by_mail_two_days_later(
    tmp_path: Path,
) -> None:
    """The dialogue began anew after an hour: a postcode by mail answered nothing any more."""
    clock = MovingClock()
    slow = FakeChannel(features=Features(burst_seconds=0, session_pause=14 * 24 * 3600.0))
    async with world(tmp_path, texts=TEXTS, clock=clock, channel=slow) as w:
        await w.says("hi")
        await w.settled()
        for seconds in (2 * 24 * 3600, 14 * 24 * 3600 - 1, 14 * 24 * 3600):
            clock.move(seconds)
            await w.says("50674")
            await w.settled()
        sessions = [(turn.session, turn.resumed) for turn in w.dialogue.asked]
        assert sessions == [(1, False), (1, False), (1, False), (2, True)]


# --- leases and the disk


async def test_a_turn_whose_lease_was_lost_finishes_nothing(tmp_path: Path) -> None:
    async with world(tmp_path, texts=TEXTS) as w:
        asked, gate = asyncio.Event(), asyncio.Event()

        async def slow(turn: Turn) -> Answer:
            asked.set()
            await gate.wait()
            return Answer((Say(text="slow"),))

        w.dialogue.replies["x"] = slow
        await w.says("x")
        await asked.wait()
        await w.store.write(
            lambda tx: tx.run("UPDATE conversations SET fence = fence + 1, lease_until = NULL")
        )
        gate.set()
        await w.wake()
        await w.settled()
        assert [out.text for out in w.channel.sent] == ["slow"]  # of the new holder, once


async def test_a_full_disk_loses_nothing_and_the_loops_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = MovingClock()
    fired: list[str] = []
    handlers = {"x": lambda tx, subject, payload: fired.append(subject)}
    async with world(tmp_path, texts=TEXTS, clock=clock, timers=handlers) as w:
        from bot.store import timers

        await w.store.write(lambda tx: timers.schedule(tx, "x", "s", clock()))
        await asyncio.sleep(0.05)
        assert fired == ["s"]
        (pages,) = await w.rows("PRAGMA page_count")
        await w.store.write(lambda tx: tx.run(f"PRAGMA max_page_count = {pages['page_count'] + 2}"))
        texts = [w.says("x" * 2000, wire_id=f"big{number}") for number in range(50)]
        refused = await asyncio.gather(*texts, return_exceptions=True)
        assert any(isinstance(e, StoreError) and "no space left" in str(e) for e in refused)
        await asyncio.sleep(0.2)
        await w.store.write(lambda tx: tx.run("PRAGMA max_page_count = 1000000"))
        await w.says("wieder da", who="c2", wire_id="last")
        await w.store.write(lambda tx: timers.schedule(tx, "x", "again", clock()))
        clock.move(200)
        await asyncio.sleep(1.2)
        clock.move(200)
        await w.wake()
        await w.settled(10)
        (open_,) = await w.rows("SELECT count(*) AS n FROM inbox WHERE status <> 'turn'")
        assert open_["n"] == 0
        assert "echo: wieder da" in [out.text for out in w.channel.sent]
        assert fired == ["s", "again"]


async def test_a_stop_waits_for_a_turn_and_leaves_the_rest_for_the_next_start(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, texts=TEXTS) as w:
        asked, gate = asyncio.Event(), asyncio.Event()

        async def slow(turn: Turn) -> Answer:
            asked.set()
            await gate.wait()
            return Answer((Say(text="slow"),))

        w.dialogue.replies["x"] = slow
        await w.says("x")
        await asked.wait()
        asyncio.get_running_loop().call_later(0.1, gate.set)
    assert [turn.text for turn in w.dialogue.asked] == ["x"]
    async with world(tmp_path, texts=TEXTS) as again:
        await again.settled()
        assert not again.dialogue.asked
        assert [o.text for o in (*w.channel.sent, *again.channel.sent)] == ["slow"]


async def test_a_handoff_answer_opens_one_case_and_the_bot_still_answers(tmp_path: Path) -> None:
    async with world(tmp_path, texts=TEXTS) as w:
        w.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
        for _ in range(2):
            await w.says("mensch")
            await w.settled()
        await w.says("frage")
        await w.settled()
        assert len(await w.rows("SELECT * FROM cases")) == 1
        assert w.channel.sent[-1].text == "echo: frage"
        assert "in:3" in w.desk.lines
