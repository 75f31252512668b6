"""Deliveries: in order, retried, rejected, not known; and what the vendor reports about them."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from bot.desk import Line, TakeOver
from bot.messages import (
    Answer,
    Features,
    Outbound,
    Outcome,
    Receipt,
    Say,
    State,
)
from bot.ports import Reject, Retry, UnknownOutcome
from bot.store import StoreError
from bot.testing import FakeChannel, FakeDesk, MovingClock, World, world

TEXTS = [Path("nlu/domain")]


class AskingChannel(FakeChannel):
    """Knows, when asked, which sends arrived."""

    def __init__(self) -> None:
        super().__init__(features=Features(burst_seconds=0, unknown_send="ask"))
        self.arrived: dict[str, str] = {}
        self.asked: list[str] = []
        self.broken = False

    async def look_up(self, out: Outbound) -> str | None:
        self.asked.append(out.id)
        if self.broken:
            raise RuntimeError("vendor")
        return self.arrived.get(out.id)


def channel_of(unknown_send: str, **more: Any) -> FakeChannel:
    return FakeChannel(features=Features(burst_seconds=0, unknown_send=unknown_send, **more))


async def passes(w: World, clock: MovingClock, seconds: float = 400) -> None:
    """Let time pass once nothing is being sent."""
    await w.until("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE state = 'sending')")
    clock.move(seconds)
    await w.wake()


def texts(w: World) -> list[str]:
    return [out.text for out in w.channel.sent]


async def taken(w: World) -> None:
    w.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
    await w.says("mensch")
    await w.settled()
    assert (await w.core.desk_inbox.accept(TakeOver("take", 1, "Mia"))).done
    await w.settled()
    w.channel.sent.clear()


async def test_a_retry_holds_what_comes_later_in_its_conversation_only(tmp_path: Path) -> None:
    clock = MovingClock()
    async with world(tmp_path, texts=TEXTS, clock=clock) as w:
        w.channel.faults.append(Retry(100))
        await w.says("eins")
        await w.until("SELECT 1 FROM outbox WHERE attempts = 1")
        await w.says("zwei")
        await w.says("andere", who="c2")
        await w.channel.wait(1)
        await w.until("SELECT 1 FROM turns WHERE text = 'zwei' AND status = 'done'")
        assert texts(w) == ["echo: andere"]
        clock.move(99)
        await w.wake()
        await asyncio.sleep(0.05)
        assert len(texts(w)) == 1
        clock.move(2)
        await w.wake()
        await w.settled()
        assert texts(w) == ["echo: andere", "echo: eins", "echo: zwei"]


async def test_a_reject_ends_the_parts_of_its_message_and_later_ones_go_on(
    tmp_path: Path,
) -> None:
    channel = channel_of("show", text_limit=20)
    async with world(tmp_path, texts=TEXTS, channel=channel) as w:
        w.channel.faults.append(Reject("blocked"))
        w.dialogue.replies["x"] = Answer((Say(text="wort " * 12), Say(text="danach")))
        await w.says("x")
        await w.settled()
        assert texts(w) == ["danach"]
        rows = await w.rows("SELECT * FROM outbox WHERE state = 'failed'")
        assert len(rows) >= 3
        assert {row["reason"] for row in rows} == {"blocked"}


async def test_an_agents_line_that_is_rejected_turns_red_in_all_its_parts(tmp_path: Path) -> None:
    channel = channel_of("show", text_limit=300)
    async with world(tmp_path, texts=TEXTS, channel=channel) as w:
        await taken(w)
        w.channel.faults.append(Reject("blocked"))
        await w.core.desk_inbox.accept(Line("l", 1, "Mia", "Wort. " * 100))
        await w.settled()
        rows = await w.rows("SELECT * FROM outbox WHERE author = 'agent'")
        assert len(rows) == 2
        assert {w.desk.states[f"out:{row['id']}"] for row in rows} == {State.FAILED}


async def test_it_is_given_up_after_many_retries_and_the_stream_goes_on(tmp_path: Path) -> None:
    clock = MovingClock()
    async with world(tmp_path, texts=TEXTS, clock=clock) as w:
        w.channel.faults.extend([Retry()] * 12)
        await w.says("eins")
        await w.until("SELECT 1 FROM outbox")
        await w.says("zwei")
        for number in range(1, 12):
            await w.until("SELECT 1 FROM outbox WHERE attempts = :n", n=number)
            await passes(w, clock)
        await w.settled()
        assert texts(w) == ["echo: zwei"]
        (row,) = await w.rows("SELECT * FROM outbox WHERE state = 'failed'")
        assert row["reason"] == "gave_up"


async def test_dedupe_repeats_with_the_same_id_and_not_at_once(tmp_path: Path) -> None:
    """It was repeated without a pause: twelve times in a moment, then given up."""
    clock = MovingClock()
    async with world(tmp_path, texts=TEXTS, channel=channel_of("dedupe"), clock=clock) as w:
        w.channel.faults.append(UnknownOutcome())
        await w.says("eins")
        (row,) = await w.until("SELECT * FROM outbox WHERE attempts = 1")
        assert texts(w) == []
        await passes(w, clock)
        await w.settled()
        assert [out.id for out in w.channel.sent] == [row["id"]]


@pytest.mark.parametrize("arrived", [True, False])
async def test_ask_looks_it_up(tmp_path: Path, arrived: bool) -> None:
    clock, channel = MovingClock(), AskingChannel()

    async def send(out: Outbound) -> str:
        if not channel.asked:
            if arrived:
                channel.arrived[out.id] = "v-9"
            raise UnknownOutcome
        return await FakeChannel.send(channel, out)

    channel.send = send  # type: ignore[method-assign]
    async with world(tmp_path, texts=TEXTS, channel=channel, clock=clock) as w:
        await w.says("eins")
        await w.until("SELECT 1 FROM outbox WHERE state = 'sent' OR attempts = 1")
        await passes(w, clock)
        await w.settled()
        assert len(channel.asked) == 1
        assert len(texts(w)) == (0 if arrived else 1)
        (row,) = await w.rows("SELECT * FROM outbox")
        assert (row["state"], row["vendor_id"]) == ("sent", "v-9" if arrived else "v-1")


async def test_a_look_up_that_fails_leaves_it_unknown_and_holds_nothing(tmp_path: Path) -> None:
    channel = AskingChannel()
    channel.broken = True
    channel.faults.append(UnknownOutcome())
    async with world(tmp_path, texts=TEXTS, channel=channel) as w:
        await w.says("eins")
        await w.says("zwei")
        await w.settled()
        assert texts(w) == ["echo: zwei"]
        (row,) = await w.rows("SELECT * FROM outbox WHERE state = 'unknown'")
        assert row["text"] == "echo: eins"


async def test_show_repeats_a_bots_text_once_and_an_agents_line_never(tmp_path: Path) -> None:
    clock = MovingClock()
    async with world(tmp_path, texts=TEXTS, channel=channel_of("show"), clock=clock) as w:
        w.channel.faults.extend([UnknownOutcome(), Retry(1), UnknownOutcome()])
        await w.says("eins")
        for number in (1, 2):
            await w.until("SELECT 1 FROM outbox WHERE attempts = :n", n=number)
            await passes(w, clock)
        await w.until("SELECT 1 FROM outbox WHERE state = 'unknown'")
        await taken(w)
        w.channel.faults.append(UnknownOutcome())
        await w.core.desk_inbox.accept(Line("l", 1, "Mia", "Hallo"))
        await w.settled()
        assert texts(w) == []
        (row,) = await w.rows("SELECT * FROM outbox WHERE author = 'agent'")
        assert w.desk.states[f"out:{row['id']}"] == State.UNKNOWN


async def test_a_channels_own_fault_is_an_unknown_outcome(tmp_path: Path) -> None:
    """It was retried twelve times, though the message may have left each time."""
    async with world(tmp_path, texts=TEXTS, channel=channel_of("show")) as w:
        await taken(w)
        w.channel.faults.append(ConnectionError("after it left"))
        await w.core.desk_inbox.accept(Line("l", 1, "Mia", "Hallo"))
        await w.settled()
        (row,) = await w.rows("SELECT * FROM outbox WHERE author = 'agent'")
        assert row["state"] == "unknown"


async def test_what_was_being_sent_at_a_kill_is_repeated_once_and_not_at_every_kill(
    tmp_path: Path,
) -> None:
    """The mark of the repeat was wiped when the row was claimed again."""
    folder = tmp_path
    for kill in range(3):
        channel, entered, gate = channel_of("show"), asyncio.Event(), asyncio.Event()

        async def hang(
            out: Outbound, entered: asyncio.Event = entered, gate: asyncio.Event = gate
        ) -> str:
            entered.set()
            await gate.wait()
            return "v"

        channel.send = hang  # type: ignore[method-assign]
        async with world(folder, texts=TEXTS, channel=channel) as w:
            if kill == 0:
                await w.says("eins")
            if kill < 2:
                await entered.wait()
                image = tmp_path / f"kill{kill}"
                image.mkdir()
                for file in folder.glob("bot.db*"):
                    shutil.copy(file, image / file.name)
            else:
                await w.until("SELECT 1 FROM outbox WHERE state = 'unknown'")
                assert not entered.is_set()
            gate.set()
        folder = image


async def test_a_stop_does_not_leave_an_agents_line_unknown(tmp_path: Path) -> None:
    """Stopped between claiming and sending, it looked as if it might have left."""
    async with world(tmp_path, texts=TEXTS) as w:
        await taken(w)
        claim, claiming, stopping = w.core._deliverer._claim, asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def slow(tx: Any, room: int) -> Any:
            rows = claim(tx, room)
            if any(row["author"] == "agent" for row in rows):
                loop.call_soon_threadsafe(claiming.set)
                asyncio.run_coroutine_threadsafe(stopping.wait(), loop).result(5)
            return rows

        w.core._deliverer._claim = slow  # type: ignore[method-assign]
        line = asyncio.create_task(w.core.desk_inbox.accept(Line("l", 1, "Mia", "Hallo")))
        await claiming.wait()
        loop.call_later(0.1, stopping.set)
        assert (await line).done
    assert texts(w) == ["Hallo"]


async def test_a_full_disk_after_a_send_does_not_hold_the_stream_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row stayed "sending" until the next start, and everything after it waited."""
    monkeypatch.setattr("bot.outbox.PAUSE", 0.02)
    async with world(tmp_path, texts=TEXTS) as w:
        write, full = w.store.write, [True]

        async def refusing(work: Any) -> Any:
            if full and w.channel.sent:
                raise StoreError("full")
            return await write(work)

        w.core._deliverer.store = Refusing(w.store, refusing)
        await w.says("eins")
        await w.channel.wait(1)
        await asyncio.sleep(0.05)
        full.clear()
        await w.says("zwei")
        await w.settled()
        assert texts(w) == ["echo: eins", "echo: zwei"]


class Refusing:
    """A store with another way to write."""

    def __init__(self, store: Any, write: Any) -> None:
        self.read, self.write = store.read, write


# --- reports


async def test_reports_early_late_double_and_never_back(tmp_path: Path) -> None:
    async with world(tmp_path, texts=TEXTS) as w:
        inbox = w.core.inbox
        await inbox.receipt(Receipt("fake", "v-1", State.DELIVERED))
        await inbox.receipt(Receipt("fake", "v-1", State.DELIVERED))
        await w.says("eins")
        await w.settled()

        async def state() -> str:
            (row,) = await w.rows("SELECT state FROM outbox")
            return str(row["state"])

        assert await state() == "delivered"
        for reported, is_now in [
            (State.SENT, "delivered"),
            (State.READ, "read"),
            (State.DELIVERED, "read"),
            (State.FAILED, "read"),
        ]:
            await inbox.receipt(Receipt("fake", "v-1", reported))
            assert await state() == is_now
        assert not await w.rows("SELECT * FROM receipts")


async def test_a_failure_that_is_reported_later_turns_the_agents_line_red(tmp_path: Path) -> None:
    async with world(tmp_path, texts=TEXTS) as w:
        await taken(w)
        await w.core.desk_inbox.accept(Line("l", 1, "Mia", "Hallo"))
        await w.settled()
        (row,) = await w.rows("SELECT * FROM outbox WHERE author = 'agent'")
        await w.core.inbox.receipt(Receipt("fake", row["vendor_id"], State.FAILED, "expired"))
        await w.settled()
        assert w.desk.states[f"out:{row['id']}"] == State.FAILED


async def test_a_receipt_of_another_channel_with_the_same_id_changes_nothing(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, texts=TEXTS) as w:
        await w.says("eins")
        await w.settled()
        await w.core.inbox.receipt(Receipt("other", "v-1", State.READ))
        (row,) = await w.rows("SELECT state FROM outbox")
        assert row["state"] == "sent"


async def test_a_desk_that_is_down_gets_it_later_in_order(tmp_path: Path) -> None:
    clock, seen = MovingClock(), []

    class Down(FakeDesk):
        broken = True

        async def show(self, case: Any) -> str:
            if self.broken:
                raise ConnectionError
            seen.append("card")
            return await super().show(case)

        async def post(self, line: Any) -> str:
            seen.append(line.line.id)
            return await super().post(line)

    async with world(tmp_path, texts=TEXTS, clock=clock, desk=Down()) as w:
        w.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
        await w.says("mensch")
        await w.until("SELECT 1 FROM outbox WHERE op = 'show' AND attempts = 1")
        assert seen == []
        Down.broken = False
        clock.move(5)
        await w.wake()
        await w.settled()
        assert seen[:2] == ["card", "in:1"]
