"""A yes that comes after its proof was over: kept, proven by the form, and then done at once."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.conversations.conftest import Live
from tests.live.customer import Customer

PAST = "2000-01-01T00:00:00.000000+00:00"
SORRY = "utter_yes_needs_proof"


def half_an_hour_later(live: Live, order: str) -> None:
    """The proofs of an order are over; what was read back waits, as it does by mail."""
    with closing(sqlite3.connect(live.bot.data / "bot.db", timeout=10)) as database, database:
        done = database.execute("UPDATE proofs SET expires_at = ? WHERE subject = ?", (PAST, order))
        assert done.rowcount > 0


async def read_back(c: Customer, live: Live) -> str:
    """A cancellation is read back, and its proof is over."""
    order = await live.shop.like("B-100235")
    await c.says(f"{order} bitte stornieren, PLZ 20095")
    c.hears("utter_cancel_order_propose_paid")
    half_an_hour_later(live, order)
    return order


async def test_the_pair_is_all_that_is_asked_for(live: Live) -> None:
    async with live.customer("de") as c:
        order = await read_back(c, live)
        await c.says("ja")
        c.hears(SORRY, "utter_ask_proof", order)
        assert live.records.changes(order) == []
        await c.says("20095")
        c.hears("utter_cancel_order_done_refund")
        await c.says("ja")
        c.hears("utter_already_done")
    assert [change["kind"] for change in live.records.changes(order)] == ["cancel"]


async def test_no_is_no_and_what_is_asked_for_again_is_read_back(live: Live) -> None:
    """The dialogue ends a form by itself at a "no": the yes before it must not outlive that."""
    async with live.customer("de") as c:
        order = await read_back(c, live)
        await c.says("ja")
        c.hears(SORRY)
        await c.says("nein")
        await c.says(f"{order} bitte stornieren, PLZ 20095")
        c.hears("utter_cancel_order_propose_paid")
    assert live.records.changes(order) == []


@pytest.mark.parametrize("language", ["de", "en"])
async def test_a_changed_address_takes_a_code_once_more(live: Live, language: str) -> None:
    order = await live.shop.like("B-100235")
    asked = {
        "de": f"Bestellung {order} soll woandershin, PLZ war 20095",
        "en": f"I need to change the delivery address of order {order}, postcode 20095",
    }
    async with live.customer(language) as c:
        await c.says(asked[language])
        await c.enters_code()
        await c.says("Lindenweg 4, 50674 Köln")
        c.hears("utter_change_address_propose")
        half_an_hour_later(live, order)
        await c.says("ja" if language == "de" else "yes")
        c.hears(SORRY, "utter_ask_proof")
        await c.says("20095")
        c.hears("utter_code_sent", "utter_ask_code")
        await c.enters_code()
        c.hears("utter_code_right", "utter_change_address_done")
    assert live.records.street(order) == "Lindenweg 4, 50674 Köln"
