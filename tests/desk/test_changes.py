"""Lines that are taken back, edited, deleted at the customer's and sent again."""

from __future__ import annotations

import asyncio

import pytest

from bot.messages import State
from bot.ports import Reject, Retry, UnknownOutcome
from bot.testing import MovingClock, Seat, World

from .conftest import UNDO, Begin, later, shown


async def mia_at(w: World) -> Seat:
    """Mia has the case, and what was said at her coming does not matter."""
    mia = await w.agent("U1", "Mia Berg")
    await mia.takes_over()
    await w.settled()
    w.channel.shown.clear()
    return mia


async def states(w: World) -> list[tuple[str, str | None]]:
    lines = await w.core.desk_inbox.history(1)
    return [(line.state or "", line.reason) for line in lines if line.author == "agent"]


# --- Stop


async def test_a_line_is_taken_back_within_its_undo_time(begin: Begin, clock: MovingClock) -> None:
    async with begin() as w:
        mia = await mia_at(w)
        await mia.says("Falsches Fenster", id="cmd-1")
        assert (await mia.stops("cmd-1")).done
        await later(w, clock)
        assert shown(w) == []
        assert await states(w) == [("cancelled", "stopped")]
        (line,) = [one for one in w.desk.states if w.desk.states[one] is State.CANCELLED]
        assert w.desk.reasons[line] == "stopped"
        assert (await mia.stops("cmd-1")).done  # as it is


async def test_all_parts_of_a_line_are_taken_back_by_the_name_of_one(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin(text_limit=200) as w:
        mia = await mia_at(w)
        last = (await mia.says("Das ist ein Satz. " * 30)).line
        assert last is not None
        assert (await mia.stops(last)).done
        await mia.says("Guten Tag")
        await later(w, clock)
        assert shown(w) == ["Guten Tag"]


async def test_what_stood_behind_a_line_taken_back_is_not_held_up(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin() as w:
        mia = await mia_at(w)
        first = await mia.says("eins")
        clock.move(UNDO - 1)
        await mia.says("zwei")
        await mia.stops(first.line or "")
        await later(w, clock)
        assert shown(w) == ["zwei"]


async def test_after_the_undo_time_it_is_too_late_though_it_has_not_left(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin() as w:
        mia = await mia_at(w)
        w.channel.faults.append(Retry(600))
        await mia.says("Guten Tag", id="cmd-1")
        clock.move(UNDO)
        await w.wake()
        await w.until("SELECT 1 FROM outbox WHERE attempts = 1")
        result = await mia.stops("cmd-1")
        assert (result.done, result.reason) == (False, "too_late")
        await later(w, clock, 600)
        assert shown(w) == ["Guten Tag"]
        assert (await mia.stops("cmd-1")).reason == "too_late"


async def test_only_who_wrote_a_line_or_has_the_case_takes_it_back(begin: Begin) -> None:
    async with begin() as w:
        mia, tom, eva = await mia_at(w), await w.agent("U2", "Tom Lau"), await w.agent("U3")
        await mia.says("von Mia", id="cmd-1")
        assert (await tom.stops("cmd-1")).reason == "taken_by:Mia Berg"
        await tom.takes_over(force=True)
        assert (await eva.stops("cmd-1")).reason == "taken_by:Tom Lau"
        assert (await mia.stops("cmd-1")).done


@pytest.mark.parametrize("line", ["", "out:", "no-such-command", "note:1"])
async def test_a_line_that_there_is_not(begin: Begin, line: str) -> None:
    async with begin() as w:
        mia = await mia_at(w)
        await mia.says("Guten Tag")
        await mia.notes("intern")
        results = [
            await mia.stops(line),
            await mia.edits(line, "x"),
            await mia.unsends(line),
            await mia.sends_again(line),
        ]
        assert {(result.done, result.reason) for result in results} == {(False, "no_such_line")}


async def test_a_line_of_another_case_is_not_there(begin: Begin, clock: MovingClock) -> None:
    """A command that names a case must not reach into the one before."""
    async with begin() as w:
        mia = await mia_at(w)
        await mia.says("alt", id="cmd-1")
        await mia.hands_back()
        await w.says("mensch")
        await w.settled()
        mia.case = 2
        await mia.takes_over()
        assert (await mia.edits("cmd-1", "neu")).reason == "no_such_line"
        await later(w, clock)
        assert "alt" in shown(w)


# --- Edit


async def test_an_edit_within_the_undo_time_goes_out_in_place_of_the_first_text(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin() as w:
        mia = await mia_at(w)
        await mia.says("Gruß", id="cmd-1")
        clock.move(UNDO - 1)
        assert (await mia.edits("cmd-1", " Grüße ")).reason is None
        clock.move(1)
        await w.wake()
        await asyncio.sleep(0.05)
        assert shown(w) == []  # a new text, a new second look
        await later(w, clock, UNDO - 1)
        assert shown(w) == ["Grüße"]
        assert (await w.thread())[-1] == "agent (Mia Berg): Grüße [sent] (edited)"


async def test_an_edit_is_cut_anew_and_keeps_the_lines_place(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin(text_limit=200) as w:
        mia = await mia_at(w)
        await mia.says("kurz", id="cmd-1")
        await mia.says("danach", id="cmd-2")
        await mia.says("zuletzt", id="cmd-3")
        long = "Das ist ein Satz. " * 30
        assert (await mia.edits("cmd-1", long)).done
        await later(w, clock)
        assert " ".join(shown(w)) == f"{long.strip()} danach zuletzt"
        assert all(len(text) <= 200 for text in shown(w))
        lines = [line for line in await w.core.desk_inbox.history(1) if line.author == "agent"]
        assert [line.command for line in lines] == ["cmd-1"] * 3 + ["cmd-2", "cmd-3"]
        assert {line.edited for line in lines if line.command == "cmd-1"} == {True}


async def test_an_edit_to_less_leaves_no_rest(begin: Begin, clock: MovingClock) -> None:
    async with begin(text_limit=200) as w:
        mia = await mia_at(w)
        await mia.says("Das ist ein Satz. " * 30, id="cmd-1")
        result = await mia.edits("cmd-1", "kurz")
        await later(w, clock)
        assert shown(w) == ["kurz"]
        lines = [line for line in await w.core.desk_inbox.history(1) if line.author == "agent"]
        assert [(line.text, line.id) for line in lines] == [("kurz", result.line)]


async def test_a_later_edit_changes_what_the_customer_sees(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin(edits=True) as w:
        mia = await mia_at(w)
        await mia.says("Gruß", id="cmd-1")
        await mia.says("Bis bald")
        await later(w, clock)
        result = await mia.edits("cmd-1", "Grüße")
        assert (result.done, result.reason) == (True, None)
        await w.settled()
        assert shown(w) == ["Grüße", "Bis bald"]
        assert "agent (Mia Berg): Grüße [sent] (edited)" in await w.thread()
        await mia.edits("cmd-1", "Viele Grüße")
        await w.settled()
        assert shown(w) == ["Viele Grüße", "Bis bald"]


async def test_an_edit_waits_for_what_it_edits(begin: Begin, clock: MovingClock) -> None:
    async with begin(edits=True) as w:
        mia = await mia_at(w)
        w.channel.faults.append(Retry(60))
        await mia.says("Gruß", id="cmd-1")
        clock.move(UNDO)
        await w.wake()
        await w.until("SELECT 1 FROM outbox WHERE attempts = 1")
        assert (await mia.edits("cmd-1", "Grüße")).done
        assert shown(w) == []
        await later(w, clock, 60)
        assert shown(w) == ["Grüße"]


async def test_an_edit_of_what_then_fails_ends_with_it(begin: Begin, clock: MovingClock) -> None:
    async with begin(edits=True) as w:
        mia = await mia_at(w)
        w.channel.faults.extend([Retry(60), Reject("blocked")])
        await mia.says("Gruß", id="cmd-1")
        clock.move(UNDO)
        await w.wake()
        await w.until("SELECT 1 FROM outbox WHERE attempts = 1")
        await mia.edits("cmd-1", "Grüße")
        await later(w, clock, 60)
        assert shown(w) == []
        assert await states(w) == [("failed", "blocked")]
        (change,) = await w.rows("SELECT state, reason FROM outbox WHERE op = 'edit'")
        assert tuple(change) == ("failed", "not_edited")


async def test_an_edit_that_the_vendor_refuses_is_shown_at_the_line(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin(edits=True) as w:
        mia = await mia_at(w)
        line = (await mia.says("Gruß", id="cmd-1")).line or ""
        await later(w, clock)
        w.channel.faults.append(Reject("blocked"))
        await mia.edits("cmd-1", "Grüße")
        await w.settled()
        assert shown(w) == ["Gruß"]
        assert await states(w) == [("sent", "not_edited")]
        assert (w.desk.states[line], w.desk.reasons[line]) == (State.SENT, "not_edited")
        await mia.edits("cmd-1", "Grüße")
        await w.settled()
        assert await states(w) == [("sent", None)]


async def test_an_edit_of_unknown_outcome_is_made_again(begin: Begin, clock: MovingClock) -> None:
    async with begin(edits=True) as w:
        mia = await mia_at(w)
        await mia.says("Gruß", id="cmd-1")
        await later(w, clock)
        w.channel.faults.append(UnknownOutcome())
        await mia.edits("cmd-1", "Grüße")
        await w.until("SELECT 1 FROM outbox WHERE op = 'edit' AND attempts = 1")
        await later(w, clock, 60)
        assert shown(w) == ["Grüße"]


async def test_an_edit_that_was_cut_off_by_the_end_of_the_process_is_made_again(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin(edits=True) as w:
        mia = await mia_at(w)
        await mia.says("Gruß", id="cmd-1")
        await later(w, clock)
        await mia.edits("cmd-1", "Grüße")
        await w.settled()
        await w.store.write(
            lambda tx: tx.run("UPDATE outbox SET state = 'sending' WHERE op = 'edit'")
        )
    async with begin(edits=True, waits=False) as w:
        await w.until("SELECT 1 FROM outbox WHERE op = 'edit' AND state = 'queued'")
        await later(w, clock, 60)
        assert shown(w) == ["Grüße"]


async def test_where_nothing_can_be_edited_a_correction_goes_out(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin() as w:
        mia = await mia_at(w)
        first = (await mia.says("Gruß", id="cmd-1")).line
        await later(w, clock)
        result = await mia.edits("cmd-1", "Grüße")
        assert (result.done, result.reason) == (True, "corrected")
        await later(w, clock)
        assert shown(w) == ["Gruß", "Korrektur: Grüße"]
        (row,) = await w.rows("SELECT * FROM outbox WHERE text LIKE 'Korrektur%'")
        assert (f"out:{row['replaces']}", row["response"]) == (first, "agent_line")
        assert f"out:{row['id']}" == result.line


async def test_what_went_out_in_several_messages_is_corrected(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin(edits=True, text_limit=200) as w:
        mia = await mia_at(w)
        await mia.says("Das ist ein Satz. " * 30, id="cmd-1")
        await later(w, clock)
        assert (await mia.edits("cmd-1", "Kurz gesagt: ja")).reason == "corrected"
        await later(w, clock)
        assert shown(w)[-1] == "Korrektur: Kurz gesagt: ja"


async def test_an_edit_to_what_fits_no_single_message_is_a_correction(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin(edits=True, text_limit=200) as w:
        mia = await mia_at(w)
        await mia.says("Ja", id="cmd-1")
        await later(w, clock)
        assert (await mia.edits("cmd-1", "Das ist ein Satz. " * 30)).reason == "corrected"


async def test_what_failed_or_was_taken_back_cannot_be_edited(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin(edits=True) as w:
        mia = await mia_at(w)
        w.channel.faults.append(Reject("blocked"))
        await mia.says("kommt nicht an", id="cmd-1")
        await later(w, clock)
        await mia.says("zurück", id="cmd-2")
        await mia.stops("cmd-2")
        assert (await mia.edits("cmd-1", "neu")).reason == "line_failed"
        assert (await mia.unsends("cmd-1")).reason == "line_failed"
        assert (await mia.edits("cmd-2", "neu")).reason == "line_stopped"
        assert (await mia.edits("cmd-2", " \n")).reason == "empty"
        await later(w, clock)
        assert shown(w) == []


async def test_only_who_has_the_case_edits_deletes_and_sends_again(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin(edits=True, unsends=True) as w:
        mia, tom = await mia_at(w), await w.agent("U2", "Tom Lau")
        await mia.says("von Mia", id="cmd-1")
        await later(w, clock)
        results = [
            await tom.edits("cmd-1", "von Tom"),
            await tom.unsends("cmd-1"),
            await tom.sends_again("cmd-1"),
        ]
        assert {result.reason for result in results} == {"taken_by:Mia Berg"}
        await tom.takes_over(force=True)
        assert (await mia.edits("cmd-1", "doch")).reason == "taken_by:Tom Lau"
        assert (await tom.edits("cmd-1", "von Tom")).done
        await w.settled()
        assert shown(w)[0] == "von Tom"


# --- Unsend


async def test_an_unsend_of_what_has_not_left_is_a_stop(begin: Begin, clock: MovingClock) -> None:
    async with begin() as w:
        mia = await mia_at(w)
        await mia.says("nein", id="cmd-1")
        assert (await mia.unsends("cmd-1")).done
        await later(w, clock)
        assert shown(w) == []
        assert await states(w) == [("cancelled", "stopped")]


async def test_a_line_is_deleted_at_the_customers_in_all_its_parts(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin(unsends=True, text_limit=200) as w:
        mia = await mia_at(w)
        line = (await mia.says("Das ist ein Satz. " * 30, id="cmd-1")).line or ""
        await mia.says("bleibt")
        await later(w, clock)
        assert (await mia.unsends("cmd-1")).done
        await w.settled()
        assert shown(w) == ["bleibt"]
        assert set((await states(w))[:-1]) == {("cancelled", "unsent")}
        assert w.desk.reasons[line] == "unsent"
        assert (await mia.unsends("cmd-1")).done  # as it is
        assert (await mia.edits("cmd-1", "neu")).reason == "line_stopped"
        assert len(await w.rows("SELECT 1 FROM outbox WHERE op = 'unsend'")) == 3


async def test_what_cannot_be_deleted_says_so(begin: Begin, clock: MovingClock) -> None:
    async with begin() as w:
        mia = await mia_at(w)
        await mia.says("bleibt", id="cmd-1")
        await later(w, clock)
        result = await mia.unsends("cmd-1")
        assert (result.done, result.reason) == (False, "cannot_unsend")
        assert await states(w) == [("sent", None)]


async def test_a_deletion_that_the_vendor_refuses_is_shown_at_the_line(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin(unsends=True) as w:
        mia = await mia_at(w)
        await mia.says("bleibt", id="cmd-1")
        await later(w, clock)
        w.channel.faults.append(Reject("not_unsent_old"))
        await mia.unsends("cmd-1")
        await w.settled()
        assert await states(w) == [("sent", "not_unsent_old")]


async def test_a_line_that_is_being_deleted_is_not_edited(begin: Begin, clock: MovingClock) -> None:
    async with begin(unsends=True, edits=True) as w:
        mia = await mia_at(w)
        await mia.says("weg", id="cmd-1")
        await later(w, clock)
        w.channel.faults.append(Retry(60))
        await mia.unsends("cmd-1")
        await w.until("SELECT 1 FROM outbox WHERE op = 'unsend' AND attempts = 1")
        assert (await mia.edits("cmd-1", "doch")).reason == "line_stopped"
        assert (await mia.unsends("cmd-1")).done
        await later(w, clock, 60)
        assert shown(w) == []
        assert len(await w.rows("SELECT 1 FROM outbox WHERE op = 'unsend'")) == 1


# --- Again


@pytest.mark.parametrize("fault", [Reject("blocked"), UnknownOutcome()])
async def test_what_failed_is_sent_again_once(
    begin: Begin, clock: MovingClock, fault: Exception
) -> None:
    async with begin() as w:
        mia = await mia_at(w)
        w.channel.faults.append(fault)
        first = (await mia.says("Guten Tag", id="cmd-1")).line
        await later(w, clock)
        assert shown(w) == []
        both = await asyncio.gather(mia.sends_again("cmd-1"), mia.sends_again("cmd-1"))
        assert sorted((one.done, one.reason or "") for one in both) == [
            (False, "already_again"),
            (True, ""),
        ]
        await w.settled()
        assert shown(w) == ["Guten Tag"]  # at once: the agent waits
        (row,) = await w.rows("SELECT * FROM outbox WHERE replaces IS NOT NULL")
        assert f"out:{row['replaces']}" == first
        assert (await mia.sends_again("cmd-1")).reason == "already_again"
        assert (await mia.sends_again(f"out:{row['id']}")).reason == "not_failed"


async def test_what_failed_again_can_be_sent_again(begin: Begin, clock: MovingClock) -> None:
    async with begin() as w:
        mia = await mia_at(w)
        w.channel.faults.extend([Reject("blocked"), Reject("blocked")])
        await mia.says("Guten Tag", id="cmd-1")
        await later(w, clock)
        await mia.sends_again("cmd-1")
        await w.settled()
        assert (await mia.sends_again("cmd-1")).done
        await w.settled()
        assert shown(w) == ["Guten Tag"]


async def test_of_a_line_in_parts_only_what_failed_is_sent_again(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin(text_limit=200) as w:
        mia = await mia_at(w)
        long = "Das ist ein Satz. " * 30
        send = w.channel.send

        async def second_fails(out: object) -> str:
            if len(w.channel.shown) == 1:
                w.channel.send = send  # type: ignore[method-assign]
                raise Reject("blocked")
            return await send(out)  # type: ignore[arg-type]

        w.channel.send = second_fails  # type: ignore[method-assign]
        await mia.says(long, id="cmd-1")
        await later(w, clock)
        assert len(shown(w)) == 1
        assert (await mia.sends_again("cmd-1")).done
        await w.settled()
        assert " ".join(shown(w)) == long.strip()
