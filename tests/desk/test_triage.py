"""Priority, cases that are put off, and the language of a conversation."""

from __future__ import annotations

from datetime import timedelta

from bot.desk import Prioritise
from bot.testing import MovingClock, World

from .conftest import Begin, asks_for_person, later, shown

HOUR = 3600.0


async def notes(w: World) -> list[str]:
    lines = await w.core.desk_inbox.history(1)
    return [line.text for line in lines if line.author == "note"]


async def test_anybody_sets_the_priority_and_the_list_follows(begin: Begin) -> None:
    async with begin() as w:
        await w.says("mensch", who="c2")
        await w.says("mensch", who="c3")
        await w.settled()
        mia = await w.agent("U1", case=1)
        await mia.prioritises("low")
        mia.case = 3
        await mia.prioritises("high")
        assert [case.id for case in await w.core.desk_inbox.cases()] == [3, 2, 1]
        await w.settled()
        assert w.desk.cards[1].priority == "low"
        wrong = Prioritise("x", 1, "U1", "urgent")  # type: ignore[arg-type]
        assert (await w.core.desk_inbox.accept(wrong)).reason == "no_such_priority"


async def test_a_case_that_is_put_off_comes_back_in_time(begin: Begin, clock: MovingClock) -> None:
    async with begin() as w:
        mia = await w.agent("U1", "Mia Berg")
        until = clock() + timedelta(seconds=HOUR)
        assert (await mia.snoozes(until)).done
        await w.desk.wait_card(1, lambda card: card.snoozed_until == until)
        await later(w, clock, HOUR - 1)
        assert await notes(w) == []
        await later(w, clock, 1)
        await w.desk.wait_card(1, lambda card: card.snoozed_until is None)
        (note,) = await notes(w)
        assert note.startswith("Der Fall ist wieder da: Die Zeit")


async def test_the_customers_message_wakes_it(begin: Begin, clock: MovingClock) -> None:
    async with begin() as w:
        mia = await w.agent("U1", "Mia Berg")
        await mia.takes_over()
        await mia.snoozes(clock() + timedelta(seconds=HOUR))
        await w.says("noch da?")
        await w.settled()
        assert w.desk.cards[1].snoozed_until is None
        assert await notes(w) == ["Der Fall ist wieder da: Der Kunde hat geschrieben."]
        await later(w, clock, HOUR)
        assert len(await notes(w)) == 1  # the timer is gone
        await w.says("hallo?")
        await w.settled()
        assert len(await notes(w)) == 1


async def test_a_later_snooze_counts_and_none_wakes(begin: Begin, clock: MovingClock) -> None:
    async with begin() as w:
        mia = await w.agent("U1", "Mia Berg")
        await mia.snoozes(clock() + timedelta(seconds=HOUR))
        await mia.snoozes(clock() + timedelta(seconds=2 * HOUR))
        await later(w, clock, HOUR)
        assert w.desk.cards[1].snoozed_until is not None
        assert (await mia.snoozes(None)).done
        await later(w, clock, HOUR)
        assert w.desk.cards[1].snoozed_until is None
        assert await notes(w) == []  # Mia knows


async def test_a_snooze_survives_a_restart(begin: Begin, clock: MovingClock) -> None:
    async with begin() as w:
        mia = await w.agent("U1", "Mia Berg")
        await mia.snoozes(clock() + timedelta(seconds=HOUR))
    clock.move(2 * HOUR)
    async with begin(waits=False) as w:
        await w.desk.wait_card(1, lambda card: card.snoozed_until is None)
        assert len(await notes(w)) == 1


async def test_what_cannot_be_put_off(begin: Begin, clock: MovingClock) -> None:
    async with begin() as w:
        mia, tom = await w.agent("U1", "Mia Berg"), await w.agent("U2", "Tom Lau")
        assert (await mia.snoozes(clock())).reason == "in_the_past"
        await mia.takes_over()
        soon = clock() + timedelta(seconds=HOUR)
        assert (await tom.snoozes(soon)).reason == "taken_by:Mia Berg"
        await mia.snoozes(soon)
        await mia.closes()
        assert (await mia.snoozes(soon)).reason == "case_closed"
        await later(w, clock, HOUR)
        assert await notes(w) == []
        assert w.desk.cards[1].snoozed_until is None


async def test_to_take_a_case_over_wakes_it(begin: Begin, clock: MovingClock) -> None:
    async with begin() as w:
        mia = await w.agent("U1", "Mia Berg")
        await mia.snoozes(clock() + timedelta(seconds=HOUR))
        await mia.takes_over()
        await w.desk.wait_card(1, lambda card: card.snoozed_until is None)
        await later(w, clock, HOUR)
        assert await notes(w) == []


async def test_what_is_put_off_is_last_in_the_list(begin: Begin, clock: MovingClock) -> None:
    async with begin() as w:
        await w.says("mensch", who="c2")
        await w.settled()
        mia = await w.agent("U1")
        await mia.prioritises("high")
        await mia.snoozes(clock() + timedelta(seconds=HOUR))
        assert [case.id for case in await w.core.desk_inbox.cases()] == [2, 1]


async def test_who_has_an_answer_comes_after_who_waits_for_one(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin() as w:
        await w.says("mensch", who="c2")
        await w.settled()
        await later(w, clock, 60)
        await w.says("mensch", who="c3")
        await w.settled()
        mia = await w.agent("U1")
        mia.case = (await w.core.desk_inbox.cases())[0].id
        await mia.takes_over()
        assert (await w.core.desk_inbox.cases())[0].id == mia.case
        await mia.says("Guten Tag")
        assert (await w.core.desk_inbox.cases())[-1].id == mia.case


async def test_the_language_is_set_and_a_word_does_not_undo_it(
    begin: Begin, clock: MovingClock
) -> None:
    """Detection flips on each clear message; what an agent has set stays until the next pause."""
    async with begin() as w:
        w.core._freezer.detect = lambda _text, _current, _first: "de"  # type: ignore[misc]
        mia, tom = await w.agent("U1", "Mia Berg"), await w.agent("U2", "Tom Lau")
        await mia.takes_over()
        assert (await tom.sets_language("en")).reason == "taken_by:Mia Berg"
        assert (await mia.sets_language("fr")).reason == "no_such_language"
        assert (await mia.sets_language("en")).done
        await w.settled()
        assert w.desk.cards[1].language == "en"
        await mia.hands_back()
        await w.settled()
        assert shown(w)[-1].startswith("The team has handed back")
        await w.says("ok danke")
        await w.settled()
        assert w.dialogue.asked[-1].language == "en"
        clock.move(5 * HOUR)  # the dialogue's session has ended
        await w.says("Guten Morgen")
        await w.settled()
        assert w.dialogue.asked[-1].language == "de"


async def test_a_closed_case_takes_no_language(begin: Begin) -> None:
    async with begin() as w:
        mia = await w.agent("U1")
        await mia.closes()
        assert (await mia.sets_language("en")).reason == "case_closed"
        await asks_for_person(w)
        mia.case = 2
        assert (await mia.sets_language("en")).done  # nobody has it: anybody may
