"""German, English, from one to the other; and messages in one breath."""

from __future__ import annotations

import pytest

from tests.conversations.conftest import Someone
from tests.live.records import Records
from tests.live.shop import LiveShop


async def test_switched_in_the_middle(someone: Someone, shop: LiveShop) -> None:
    order = await shop.like("B-100246")
    async with someone("de") as c:
        await c.says("Guten Tag, wo ist meine Bestellung?")
        c.hears("utter_ask_order_id")
        await c.says("sorry, could we speak English please? I do not understand German very well")
        c.language = "en"
        await c.says(f"my order number is {order} and the postcode is 10119")
        c.hears("utter_track_order_shipped", order)
        c.language = "de"
        await c.says("Danke! Und wie lange kann ich etwas zurückgeben?")
        c.hears("utter_check_refund_policy")


async def test_numbers_change_no_language(someone: Someone, shop: LiveShop) -> None:
    order = await shop.like("B-100246")
    async with someone("en") as c:
        await c.says("Where is my order?")
        await c.says(order)
        c.hears("utter_ask_proof")
        await c.says("10119")
        c.hears("utter_track_order_shipped")


async def test_a_burst_is_one_turn(someone: Someone, shop: LiveShop, records: Records) -> None:
    order = await shop.like("B-100234")
    async with someone("de") as c:
        await c.says_at_once("Hallo", "wo ist mein Paket?", order, "PLZ 50674")
        c.hears("utter_track_order_shipped", order)
        assert len(c.heard) == 1
        turns = records.bot(
            "SELECT DISTINCT turn FROM inbox WHERE conversation ="
            " (SELECT conversation FROM inbox WHERE wire_id LIKE :id)",
            id=f"%/{c.client_id}",
        )
        assert len(turns) == 1


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "sag mal, bist du eigentlich ein Roboter?"),
        ("de", "Schreibe ich hier mit einem Menschen oder einer Maschine?"),
        ("en", "am I chatting with a machine?"),
        ("en", "are you a robot or a real person"),
    ],
)
async def test_it_says_that_it_is_a_bot(someone: Someone, language: str, text: str) -> None:
    async with someone(language) as c:
        await c.says(text)
        c.hears("utter_bot_challenge")
        assert c.owner == "bot"
