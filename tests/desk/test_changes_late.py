"""What comes late, or twice: reports of what is gone, repetitions of repetitions, less text."""

from __future__ import annotations

from bot.messages import Receipt, State
from bot.ports import Reject, Retry, UnknownOutcome
from bot.testing import MovingClock

from .conftest import Begin, later, shown
from .test_changes import mia_at, states


async def test_a_report_does_not_bring_back_what_was_deleted(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin(unsends=True) as w:
        mia = await mia_at(w)
        await mia.says("Das war für jemand anderen", id="cmd-1")
        await later(w, clock)
        (vendor_id,) = w.channel.shown
        await mia.unsends("cmd-1")
        await later(w, clock)
        await w.core.inbox.receipt(Receipt("fake", vendor_id, State.READ))
        assert await states(w) == [("cancelled", "unsent")]


async def test_that_an_edit_did_not_arrive_stays_true_when_the_line_is_read(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin(edits=True) as w:
        mia = await mia_at(w)
        await mia.says("heute", id="cmd-1")
        await later(w, clock)
        (vendor_id,) = w.channel.shown
        w.channel.faults.append(Reject("nein"))
        await mia.edits("cmd-1", "morgen")
        await later(w, clock)
        await w.core.inbox.receipt(Receipt("fake", vendor_id, State.READ))
        assert await states(w) == [("read", "not_edited")]


async def test_a_line_and_its_repetition_are_sent_again_once_between_them(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin() as w:
        mia = await mia_at(w)
        w.channel.faults += [Reject("nein"), Reject("nein")]
        await mia.says("Guten Tag", id="cmd-1")
        await later(w, clock)
        second = (await mia.sends_again("cmd-1")).line or ""
        await later(w, clock)
        assert (await mia.sends_again("cmd-1")).done
        await later(w, clock)
        assert (await mia.sends_again(second)).reason == "already_again"
        await later(w, clock)
        assert shown(w) == ["Guten Tag"]


async def test_what_arrived_after_all_is_not_sent_again_by_its_repetition(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin() as w:
        mia = await mia_at(w)
        w.channel.faults += [UnknownOutcome(), Reject("nein")]
        first = (await mia.says("Guten Tag")).line or ""
        await later(w, clock)
        second = (await mia.sends_again(first)).line or ""
        await later(w, clock)
        row = first.removeprefix("out:")
        await w.core.inbox.receipt(Receipt("fake", "v-late", State.DELIVERED, row=row))
        assert (await mia.sends_again(second)).reason == "already_again"


async def test_a_correction_that_failed_is_sent_again(begin: Begin, clock: MovingClock) -> None:
    async with begin() as w:
        mia = await mia_at(w)
        await mia.says("heute", id="cmd-1")
        await later(w, clock)
        w.channel.faults.append(Reject("nein"))
        correction = (await mia.edits("cmd-1", "morgen")).line or ""
        await later(w, clock)
        assert (await mia.sends_again(correction)).done
        await later(w, clock)
        assert shown(w) == ["heute", "Korrektur: morgen"]


async def test_parts_that_an_edit_takes_away_do_not_stand_at_the_desk_as_waiting(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin(text_limit=200) as w:
        mia = await mia_at(w)
        await mia.says("Das ist ein Satz. " * 30, id="cmd-1")
        posted = (
            "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE op = 'post' AND state <> 'sent')"
        )
        await w.until(posted)
        lines = [name for name, post in w.desk.lines.items() if post.line.author == "agent"]
        assert len(lines) > 2
        await mia.edits("cmd-1", "Das war zu lang")
        await later(w, clock)
        assert [w.desk.states[line] for line in lines] == [
            State.SENT,
            *[State.CANCELLED] * (len(lines) - 1),
        ]


async def test_a_line_says_that_it_was_sent_again_unless_that_was_taken_back(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin() as w:
        mia = await mia_at(w)
        w.channel.faults += [Reject("nein"), Retry(600)]
        await mia.says("Guten Tag", id="cmd-1")
        await later(w, clock)

        async def repeated() -> list[bool]:
            lines = await w.core.desk_inbox.history(1)
            return [line.repeated for line in lines if line.author == "agent"]

        assert await repeated() == [False]
        await mia.says("davor", id="cmd-2")  # holds up the stream
        again = (await mia.sends_again("cmd-1")).line or ""
        assert await repeated() == [True, False, False]
        assert (await mia.unsends(again)).done
        assert await repeated() == [False, False, False]
        assert (await mia.sends_again("cmd-1")).done
