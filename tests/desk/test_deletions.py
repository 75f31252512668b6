"""The customer deletes a message."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bot.messages import Features, Kind
from bot.store import turns
from bot.testing import FakeChannel, MovingClock, world

from .conftest import TEXTS, Begin, asks_for_person


async def test_before_the_turn_is_asked_it_leaves_it(tmp_path: Path) -> None:
    clock = MovingClock()
    channel = FakeChannel(features=Features(burst_seconds=5))
    async with world(tmp_path, texts=TEXTS, channel=channel, clock=clock) as w:
        await w.says("Wo ist meine Bestellung", wire_id="m1")
        await w.says("Meine PIN ist 1234", wire_id="m2")
        await w.says("", wire_id="d1", deletes="m2")
        clock.move(30)
        await w.wake()
        await w.settled()
        assert [turn.text for turn in w.dialogue.asked] == ["Wo ist meine Bestellung"]
        assert [out.text for out in channel.sent] == ["echo: Wo ist meine Bestellung"]


async def test_a_turn_that_is_empty_asks_nothing(tmp_path: Path) -> None:
    clock = MovingClock()
    channel = FakeChannel(features=Features(burst_seconds=5))
    async with world(tmp_path, texts=TEXTS, channel=channel, clock=clock) as w:
        await w.says("Hoppla", wire_id="m1")
        await w.says("", wire_id="d1", deletes="m1")
        assert not await w.says("", wire_id="d1", deletes="m1")  # a repeat of the vendor's
        clock.move(30)
        await w.wake()
        await w.settled()
        assert w.dialogue.asked == []
        assert channel.sent == []
        await w.says("Hallo", wire_id="m2")
        clock.move(30)
        await w.wake()
        await w.settled()
        assert [turn.text for turn in w.dialogue.asked] == ["Hallo"]


async def test_of_what_was_answered_nothing_is_said(begin: Begin) -> None:
    async with begin(waits=False) as w:
        await w.says("Hallo", wire_id="m1")
        await w.settled()
        assert await w.says("", wire_id="d1", deletes="m1")
        assert await w.says("", wire_id="d2", deletes="nobody-knows")
        await w.settled()
        assert [turn.text for turn in w.dialogue.asked] == ["Hallo"]
        assert len(w.channel.sent) == 1


async def test_nobody_deletes_in_another_conversation(begin: Begin) -> None:
    async with begin(waits=False) as w:
        w.core.inbox.features = {"fake": Features(burst_seconds=0.2)}
        await w.says("Hallo", wire_id="m1")
        await w.says("", wire_id="d1", deletes="m1", who="c2")
        await w.until("SELECT 1 FROM inbox WHERE wire_id = 'd1' AND status = 'merged'")
        (row,) = await w.rows("SELECT status FROM inbox WHERE wire_id = 'm1'")
        assert row["status"] != "merged"


async def test_an_agent_sees_what_was_deleted(begin: Begin) -> None:
    async with begin() as w:
        mia = await w.agent("U1")
        await w.says("noch eine Frage", wire_id="m1")  # while the customer waits
        await w.settled()
        await w.says("", wire_id="d1", deletes="m1")
        await mia.takes_over()
        await w.says("Meine PIN ist 1234", wire_id="m2")
        await w.says("", wire_id="d2", deletes="m2")
        await w.settled()
        lines = [line for line in await w.core.desk_inbox.history(1) if line.kind is Kind.DELETE]
        assert [line.quote for line in lines] == ["noch eine Frage", "Meine PIN ist 1234"]
        assert all(line.id in w.desk.lines for line in lines)
        assert [turn.text for turn in w.dialogue.asked] == ["mensch", "noch eine Frage"]


async def test_a_deletion_while_waiting_takes_the_question_from_the_bot(begin: Begin) -> None:
    async with begin() as w:
        w.core.inbox.features = {"fake": Features(burst_seconds=30)}
        await w.says("Meine PIN ist 1234", wire_id="m1")
        await w.says("", wire_id="d1", deletes="m1")
        await w.settled()
        assert [turn.text for turn in w.dialogue.asked] == ["mensch"]
        thread = await w.thread()
        assert "customer:  <delete: Meine PIN ist 1234>" in thread
        assert "customer: Meine PIN ist 1234" not in thread


async def test_what_was_deleted_opens_no_case_and_is_counted(begin: Begin) -> None:
    async with begin(waits=False) as w:
        await w.says("Hallo", wire_id="m1")
        await w.settled()
        await w.says("", wire_id="d1", deletes="m1")
        await asks_for_person(w)
        counts = await w.store.read(turns.counts)
        assert counts == {"accepted": 3, "open": 0, "answered": 3, "handed": 0, "dead": 0}


async def test_a_deletion_neither_wakes_a_case_nor_asks_anything(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin() as w:
        mia = await w.agent("U1", "Mia Berg")
        await mia.takes_over()
        await mia.says("Gern geschehen")
        clock.move(60)
        await w.says("Falscher Chat", wire_id="m1")
        clock.move(60)
        await mia.snoozes(clock.now + timedelta(days=2))
        await w.says("", deletes="m1")
        case = await w.core.desk_inbox.case(1)
        assert case is not None
        assert case.snoozed_until is not None
        assert case.waits_since is None
