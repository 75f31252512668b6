"""Where is my order: every state of the demo shop, in both languages."""

from __future__ import annotations

import pytest

from tests.conversations.conftest import Someone
from tests.live.shop import LiveShop

STATES = [
    ("B-100234", "50674", "utter_track_order_shipped", "DEMO100234000017"),
    ("B-100235", "20095", "utter_track_order_open", ""),
    ("B-100236", "80331", "utter_track_order_packed", ""),
    ("B-100237", "70173", "utter_track_order_delivered", ""),
    ("B-100239", "10119", "utter_track_order_cancelled_refunded", ""),
    ("B-100240", "60311", "utter_track_order_split", ""),
    ("B-100241", "24105", "utter_track_order_split", ""),
    ("B-100247", "1070", "utter_track_order_open", ""),
    ("B-100248", "m3 4bb", "utter_track_order_packed", ""),
    ("B-100249", "14059", "utter_track_order_unpaid", ""),
    ("B-100250", "76133", "utter_track_order_out_for_delivery", ""),
    ("B-100251", "80331", "utter_track_order_late", ""),
    ("B-100253", "04109", "utter_track_order_returned", ""),
]


@pytest.mark.parametrize(("like", "proof", "answer", "fact"), STATES)
async def test_every_state_in_german(
    someone: Someone, shop: LiveShop, like: str, proof: str, answer: str, fact: str
) -> None:
    order = await shop.like(like)
    async with someone("de") as c:
        await c.says("wo bleibt denn mein Päckchen?")
        c.hears("utter_ask_order_id")
        await c.says(order)
        c.hears("utter_ask_proof")
        await c.says(proof)
        c.hears(answer, order, fact)


@pytest.mark.parametrize(("like", "proof", "answer", "fact"), STATES)
async def test_every_state_in_english(
    someone: Someone, shop: LiveShop, like: str, proof: str, answer: str, fact: str
) -> None:
    order = await shop.like(like)
    async with someone("en") as c:
        await c.says("hey there, any idea where my parcel is?")
        c.hears("utter_ask_order_id")
        await c.says(f"{order}, postcode {proof}")
        c.hears(answer, order, fact)


async def test_everything_in_one_message(someone: Someone, shop: LiveShop) -> None:
    order = (await shop.like("B-100234")).removeprefix("B-")
    async with someone("de") as c:
        await c.says(
            "Guten Tag, ich warte seit Tagen auf meine Bestellung mit der Nummer "
            f"{order}, bestellt mit anna.schaefer@example.org. Wo ist das Paket gerade? Viele Grüße"
        )
        c.hears("utter_track_order_shipped", f"B-{order}")


async def test_the_number_as_people_write_it(someone: Someone, shop: LiveShop) -> None:
    order = (await shop.like("B-100234")).removeprefix("B-")
    async with someone("de") as c:
        await c.says("paket verfolgen")
        c.hears("utter_ask_order_id")
        await c.says(f"das müsste die b {order} sein")
        c.hears("utter_ask_proof")
        await c.says("Anna.Schaefer@Example.org")
        c.hears("utter_track_order_shipped")


async def test_a_second_question_needs_no_second_proof(someone: Someone, shop: LiveShop) -> None:
    order = await shop.like("B-100235")
    async with someone("de") as c:
        await c.says(f"Wie ist der Stand von Bestellung {order}? PLZ 20095")
        c.hears("utter_track_order_open")
        await c.says("Dann stornieren Sie die Bestellung bitte")
        c.hears("utter_cancel_order_propose_paid", order)
        c.does_not_hear("utter_ask_proof", "utter_ask_order_id")


async def test_somebody_who_does_not_know_the_number(someone: Someone) -> None:
    async with someone("de") as c:
        await c.says("Wo ist mein Paket?")
        c.hears("utter_ask_order_id")
        await c.says("die weiß ich nicht")
        c.hears("utter_where_order_id", "utter_ask_order_id")
    async with someone("en") as c:
        await c.says("where is my parcel")
        await c.says("I don't know the number")
        c.hears("utter_where_order_id", "utter_ask_order_id")
