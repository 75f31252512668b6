"""Cases that go from hand to hand: assigned, released, taken from a colleague, closed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.desk import Agent, Release
from bot.messages import Address
from bot.testing import MovingClock, World

from .conftest import UNDO, Begin, later, shown


async def notes(w: World) -> list[str]:
    """What the system tells in the thread."""
    lines = await w.core.desk_inbox.history(1)
    return [line.text for line in lines if line.author == "note" and line.name is None]


async def seen_at(w: World) -> str | None:
    (row,) = await w.rows("SELECT agent_seen_at FROM cases WHERE id = 1")
    at: str | None = row["agent_seen_at"]
    return at


async def test_names_are_for_people_and_customers_learn_the_first(begin: Begin) -> None:
    async with begin() as w:
        mia, tom = await w.agent("U1", "Mia Berg"), await w.agent("U2", "Tom Lau")
        assert (await mia.takes_over()).done
        await mia.says("Guten Tag")
        await mia.notes("kennt sich aus")
        await w.channel.wait(1)
        assert shown(w) == ["Mia vom Team ist jetzt für Sie da."]
        card = await w.desk.wait_card(1, lambda card: card.agent is not None)
        assert (card.agent, card.agent_name) == ("U1", "Mia Berg")
        assert (await tom.takes_over()).reason == "taken_by:Mia Berg"
        names = {line.author: line.name for line in await w.core.desk_inbox.history(1)}
        assert (names["agent"], names["note"]) == ("Mia Berg", "Mia Berg")
        assert (await w.core.inbox.speaker(Address("fake", "c1"))).name == "Mia Berg"
        await mia.hands_back()
        await w.settled()
        assert w.channel.sent[1].name == "Mia Berg"


async def test_who_changes_the_name_has_it_on_the_card(begin: Begin) -> None:
    async with begin() as w:
        mia = await w.agent("U1")
        await mia.takes_over()
        await w.desk.wait_card(1, lambda card: card.agent_name == "U1")
        await w.core.desk_inbox.introduce(Agent("U1", "Mia Berg"))
        await w.desk.wait_card(1, lambda card: card.agent_name == "Mia Berg")


async def test_taking_over_from_a_colleague_is_told_to_both(begin: Begin) -> None:
    async with begin() as w:
        mia, tom = await w.agent("U1", "Mia Berg"), await w.agent("U2", "Tom Lau")
        await mia.takes_over()
        assert (await tom.takes_over()).reason == "taken_by:Mia Berg"
        assert await notes(w) == []
        assert (await tom.takes_over(force=True)).done
        assert await notes(w) == ["Tom Lau hat den Fall von Mia Berg übernommen."]
        await w.settled()
        assert shown(w)[-1].startswith("Tom ")
        assert (await mia.says("noch da")).reason == "taken_by:Tom Lau"


async def test_a_case_is_given_to_a_colleague_who_then_speaks(begin: Begin) -> None:
    async with begin() as w:
        mia, tom, eva = [
            await w.agent(*who) for who in (("U1", "Mia Berg"), ("U2", "Tom Lau"), ("U3", "Eva"))
        ]
        assert (await mia.assigns("U2")).done  # nobody has it: anybody may
        assert await notes(w) == ["Mia Berg hat den Fall an Tom Lau gegeben."]
        await w.settled()
        assert [text.split()[0] for text in shown(w)] == ["Tom"]
        assert (await eva.assigns("U3")).reason == "taken_by:Tom Lau"
        assert (await mia.says("ich?")).reason == "taken_by:Tom Lau"
        assert (await tom.assigns("U2")).done  # as it is
        assert (await tom.assigns(" ")).reason == "no_agent"
        assert (await tom.assigns("U3")).done
        await w.settled()
        assert [text.split()[0] for text in shown(w)] == ["Tom", "Eva"]
        assert (await eva.says("Guten Tag")).done
        assert w.desk.cards[1].agent_name == "Eva"


async def test_to_assign_a_case_to_oneself_is_to_take_it(begin: Begin) -> None:
    async with begin() as w:
        mia = await w.agent("U1", "Mia Berg")
        assert (await mia.assigns("U1")).done
        assert await notes(w) == []
        assert (await mia.says("Guten Tag")).done


async def test_a_released_case_waits_and_the_customer_is_told(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin() as w:
        mia, tom = await w.agent("U1", "Mia Berg"), await w.agent("U2", "Tom Lau")
        await mia.takes_over()
        (before,) = await w.rows("SELECT owner_version FROM conversations")
        await mia.says("Ich muss los")
        assert (await tom.releases()).reason == "taken_by:Mia Berg"
        assert (await mia.releases()).done
        await w.settled()
        assert shown(w)[1] == "Ich muss los"  # it would never have left
        assert shown(w)[2].startswith("Mia kann gerade nicht")
        card = w.desk.cards[1]
        assert (card.state, card.agent, card.owner) == ("open", None, "waiting")
        (after,) = await w.rows("SELECT owner_version FROM conversations")
        assert after["owner_version"] > before["owner_version"]
        assert await notes(w) == [
            "Mia Berg hat den Fall freigegeben. Der Kunde wartet wieder auf jemanden."
        ]
        assert (await mia.releases()).reason == "not_taken"
        assert (await mia.says("noch was")).reason == "not_taken"
        assert (await tom.takes_over()).done


async def test_after_a_release_the_bot_knows_what_was_said(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin() as w:
        mia = await w.agent("U1", "Mia Berg")
        await mia.takes_over()
        await mia.says("Ihr Paket ist morgen da")
        await mia.releases()
        await w.settled()
        await w.says("wo bleibt es?")
        await w.settled()
        turn = w.dialogue.asked[-1]
        assert turn.resumed
        assert "Ihr Paket ist morgen da" in [past.text for past in turn.history]


async def test_the_system_releases_what_an_agent_has(begin: Begin) -> None:
    async with begin() as w:
        mia = await w.agent("U1", "Mia Berg")
        await mia.takes_over()
        assert (await w.core.desk_inbox.accept(Release("expired", 1, ""))).done
        assert await notes(w) == []  # who made it happen says why
        await w.settled()
        assert w.desk.cards[1].agent is None


async def test_the_outcome_of_a_close_stays_on_the_case_and_inside(begin: Begin) -> None:
    async with begin() as w:
        mia = await w.agent("U1", "Mia Berg")
        await mia.takes_over()
        assert (await mia.closes("Gutschrift 20 €", "Kulanz")).done
        await w.settled()
        assert w.desk.cards[1].outcome == "Gutschrift 20 €"
        assert not any("Gutschrift" in text or "Kulanz" in text for text in shown(w))


async def test_what_the_holder_does_counts_as_being_there(begin: Begin, clock: MovingClock) -> None:
    async with begin() as w:
        mia, tom = await w.agent("U1", "Mia Berg"), await w.agent("U2", "Tom Lau")
        await mia.takes_over()
        first = await seen_at(w)
        clock.move(60)
        await tom.notes("ich sehe nur zu")
        await mia.says(" ")  # refused
        assert await seen_at(w) == first
        await mia.notes("ich bin da")
        second = await seen_at(w)
        assert first is not None
        assert second is not None
        assert second > first
        await mia.assigns("U2")
        assert await seen_at(w) is None  # nobody has seen Tom
        await tom.says("Guten Tag")
        assert await seen_at(w) is not None


@pytest.mark.parametrize("way", ["takes_over", "releases", "hands_back", "closes"])
async def test_a_command_that_comes_twice_at_once_is_one(begin: Begin, way: str) -> None:
    """Slack repeats what it got no answer to within three seconds."""
    async with begin() as w:
        mia = await w.agent("U1", "Mia Berg")
        if way != "takes_over":
            await mia.takes_over()
        await w.settled()
        told = len(shown(w))
        commands = {
            "takes_over": lambda: mia.takes_over(),
            "releases": lambda: mia.releases(),
            "hands_back": lambda: mia.hands_back(),
            "closes": lambda: mia.closes(),
        }
        kept = []
        accept = mia.inbox.accept

        async def keep(command: object) -> object:
            kept.append(command)
            return await accept(command)  # type: ignore[arg-type]

        mia.does = keep  # type: ignore[assignment, method-assign]
        await commands[way]()
        again = await asyncio.gather(*(accept(kept[0]) for _ in range(3)))  # type: ignore[arg-type]
        assert all(result.done for result in again)
        await w.settled()
        assert len(shown(w)) == told + 1


async def test_lines_that_wait_leave_before_the_word_that_the_case_is_closed(
    begin: Begin, clock: MovingClock
) -> None:
    async with begin() as w:
        mia = await w.agent("U1", "Mia Berg")
        await mia.takes_over()
        await mia.says("Alles Gute")
        clock.move(UNDO - 1)
        await mia.closes()
        await w.settled()
        assert shown(w)[1] == "Alles Gute"
        assert len(shown(w)) == 3
        await later(w, clock)
        assert len(shown(w)) == 3


async def test_who_had_an_answer_waits_from_the_release_on(
    begin: Begin, clock: MovingClock
) -> None:
    """They are told by when somebody comes, so the card has to say it too."""
    async with begin() as w:
        mia = await w.agent("U1", "Mia Berg")
        await mia.takes_over()
        await mia.says("Da frage ich eine Kollegin")
        clock.move(600)
        await mia.releases()
        case = await w.core.desk_inbox.case(1)
        assert case is not None
        assert (case.waits_since, case.due_at) == (clock.now, clock.now + timedelta(minutes=60))
        clock.move(60)
        await mia.takes_over()
        await mia.says("Hier ist die Antwort")
        case = await w.core.desk_inbox.case(1)
        assert case is not None
        assert case.waits_since is None


async def test_a_release_ends_a_snooze(begin: Begin, clock: MovingClock) -> None:
    async with begin() as w:
        mia = await w.agent("U1", "Mia Berg")
        await mia.takes_over()
        await mia.snoozes(clock.now + timedelta(days=2))
        await mia.releases()
        case = await w.core.desk_inbox.case(1)
        assert case is not None
        assert case.snoozed_until is None
