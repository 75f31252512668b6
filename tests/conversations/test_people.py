"""A person is one word away: asked for, waited for, there, and gone again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from plugins.web.testing import DeskClient
from tests.conversations.conftest import Live, Someone
from tests.live.customer import Customer
from tests.live.records import Records
from tests.live.shop import LiveShop


async def case_of(c: Customer, agent: DeskClient, records: Records) -> Mapping[str, Any]:
    """The case of this customer, as the desk shows it."""
    (row,) = records.bot(
        "SELECT k.id FROM cases k JOIN inbox i ON i.conversation = k.conversation"
        " WHERE i.wire_id LIKE :id ORDER BY k.id DESC LIMIT 1",
        id=f"%/{c.client_id}",
    )
    return await agent.case(row["id"])


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "kann ich bitte mit einem richtigen menschen schreiben"),
        ("de", "Mitarbeiter!"),
        ("en", "let me speak to a real person please"),
        ("en", "human"),
    ],
)
async def test_asked_for(live: Live, records: Records, language: str, text: str) -> None:
    async with live.customer(language) as c, live.agent() as agent:
        await c.says(text)
        c.hears("utter_handoff")
        assert c.owner == "waiting"
        case = await case_of(c, agent, records)
        assert case["reason"] == "asked"
        assert case["language"] == language


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Das ist eine absolute Frechheit, ich bin stinksauer auf euren Laden!"),
        ("en", "This is outrageous, the worst service ever, I am furious!"),
    ],
)
async def test_a_complaint_is_urgent(
    live: Live, records: Records, language: str, text: str
) -> None:
    async with live.customer(language) as c, live.agent() as agent:
        await c.says(text)
        c.hears("utter_handoff_complaint")
        case = await case_of(c, agent, records)
        assert (case["reason"], case["priority"]) == ("complaint", "high")


async def test_two_misses(live: Live, records: Records) -> None:
    async with live.customer("de") as c, live.agent() as agent:
        await c.says("blubb xqzt fnord wirrwarr")
        c.hears_one_of("utter_rephrase", "utter_out_of_scope")
        assert c.owner == "bot"
        await c.says("krx mpf zzgl brabbel")
        c.hears("utter_handoff_misses")
        assert (await case_of(c, agent, records))["reason"] == "misses"


async def test_an_answer_between_two_misses_forgets_the_first(someone: Someone) -> None:
    async with someone("de") as c:
        await c.says("blubb xqzt fnord wirrwarr")
        await c.says("Was kostet der Versand?")
        c.hears("utter_delivery_options")
        await c.says("krx mpf zzgl brabbel")
        c.hears_one_of("utter_rephrase", "utter_out_of_scope")
        assert c.owner == "bot"


async def test_while_waiting_questions_are_answered_and_changes_refused(
    someone: Someone, shop: LiveShop, records: Records
) -> None:
    order = await shop.like("B-100235")
    async with someone("de") as c:
        await c.says("einen Menschen bitte")
        c.hears("utter_handoff")
        await c.says("welche Zahlungsarten gibt es?")
        c.hears("utter_check_payment_methods")
        await c.says(f"Wie ist der Stand von {order}? PLZ 20095")
        c.hears("utter_track_order_open")
        await c.says("Bestellung stornieren bitte")
        c.hears("utter_waiting_no_changes")
        await c.says("zurück zum Bot")
        c.hears("utter_back_to_bot")
        assert c.owner == "bot"
        await c.says(f"{order} stornieren")
        c.hears("utter_cancel_order_propose_paid")
    assert records.changes(order) == []


async def test_asked_twice_is_one_case(live: Live, records: Records) -> None:
    async with live.customer("en") as c:
        await c.says("I want to talk to a human")
        await c.says("HUMAN PLEASE")
        c.hears("utter_already_waiting")
        rows = records.bot(
            "SELECT count(*) AS n FROM cases k JOIN inbox i ON i.conversation = k.conversation"
            " WHERE i.wire_id LIKE :id",
            id=f"%/{c.client_id}",
        )
        assert rows[0]["n"] == 1


async def test_taken_over_answered_and_handed_back(
    live: Live, shop: LiveShop, records: Records
) -> None:
    order = await shop.like("B-100235")
    async with live.customer("de") as c, live.agent("Nora Weber") as agent:
        await c.says(f"{order} stornieren, PLZ 20095")
        c.hears("utter_cancel_order_propose_paid")
        await c.says("hmm, ich rede lieber mit einem Mitarbeiter darüber")
        c.hears("utter_handoff")
        case = (await case_of(c, agent, records))["id"]
        await agent.take_over(case)
        await c.waits_for("Nora")
        await c.says_to_agent("Kann ich statt stornieren umtauschen?")
        await c.says_to_agent("ja")
        await agent.say(case, "Ja, das geht. Ich habe es notiert.")
        await c.waits_for("Ja, das geht. Ich habe es notiert.")
        await agent.note(case, "Kundin ist verunsichert")
        await agent.hand_back(case, outcome="Der Umtausch ist notiert.", note="bitte beobachten")
        await c.waits_for("utter_handed_back_outcome", "Der Umtausch ist notiert.")
        assert c.owner == "bot"
        await c.says("ja")
        c.hears("utter_nothing_open")
        await c.says("Was kostet der Versand?")
        c.hears("utter_delivery_options")
        for secret in ("verunsichert", "beobachten", "Weber"):
            assert secret not in "\n".join(m.text for m in await c.chat.history())
    assert records.changes(order) == []


async def test_the_agent_sees_the_whole_case(live: Live, shop: LiveShop, records: Records) -> None:
    order = await shop.like("B-100251")
    async with live.customer("en") as c, live.agent("Nora") as agent:
        await c.says(f"Where is {order}? postcode 80331")
        c.hears("utter_track_order_late")
        await c.presses("Yes, please ask")
        c.hears("utter_handoff")
        case = await case_of(c, agent, records)
        assert any(one["number"] == order for one in case["orders"])
        lines = [line["text"] for line in await agent.history(case["id"])]
        assert any(order in line for line in lines)
        await agent.take_over(case["id"])
        await agent.close_case(case["id"], note="called the carrier")
        await c.waits_for("utter_case_closed")
        await c.says("thanks, bye")
        assert c.owner == "bot"
        assert c.heard
