"""Where an order is, asked like a customer asks."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from bot.core import Core
from plugins.shop.carrier_demo import DemoCarrier
from plugins.shop.demo import DemoShop
from plugins.track_order.action import TrackOrder


def build(shop: DemoShop, _carrier: DemoCarrier, core: Core) -> TrackOrder:
    return TrackOrder(shop, core.inbox.texts, shop.today)


WHERE = ("Wo ist mein Paket?", "track_order")


async def test_the_number_and_the_proof_are_asked_for_one_by_one(talking: Any) -> None:
    async with talking(build) as talk:
        assert "Bestellnummer" in await talk.says(*WHERE)
        assert "Postleitzahl" in await talk.says("b100234")
        told = await talk.says("50674")
        assert "B-100234" in told
        assert "DEMO100234000017" in told
        assert "voraussichtlich am" in told


async def test_all_in_one_message_is_answered_at_once(talking: Any) -> None:
    async with talking(build) as talk:
        assert "unterwegs" in await talk.says("Wo ist 100234, PLZ 50674?", "track_order")


async def test_a_proven_order_is_not_asked_for_proof_again(talking: Any) -> None:
    async with talking(build) as talk:
        await talk.says("Wo ist 100234, PLZ 50674?", "track_order")
        assert "unterwegs" in await talk.says("und jetzt?", "track_order")
        assert "Postleitzahl" in await talk.says("und B-100235?", "track_order")


@pytest.mark.parametrize(
    ("number", "secret", "told"),
    [
        ("100235", "20095", "wird gerade vorbereitet"),
        ("100236", "80331", "ist verpackt"),
        ("100237", "bjoern.weiss@example.net", "zugestellt"),
        ("100239", "10119", "Wir haben Ihnen 54,80\u00a0€ erstattet"),
        ("100249", "14059", "wartet noch auf Ihre Zahlung von 249,00\u00a0€"),
        ("100250", "76133", "kommt voraussichtlich heute"),
        ("100251", "80331", "verspätet"),
        ("100253", "04109", "zurück zu uns"),
        ("100248", "m34bb", "ist verpackt"),
        ("100247", "1070", "wird gerade vorbereitet"),
    ],
)
async def test_every_state_has_its_words(talking: Any, number: str, secret: str, told: str) -> None:
    async with talking(build) as talk:
        await talk.says(*WHERE)
        await talk.says(number)
        answer = await talk.says(secret)
        assert told in answer
        assert "–" not in answer  # no fact is missing


async def test_a_split_order_tells_each_parcel(talking: Any) -> None:
    async with talking(build) as talk:
        answer = await talk.says("Wo ist 100240, PLZ 60311", "track_order")
        assert "Paket 1 (Gartenschere): zugestellt am" in answer
        assert "Paket 2 (Hochbeet Lärche, 120 × 80 und Pflanzerde 40 l): unterwegs" in answer
        assert "DEMO100240000023" in answer
        assert "–" not in answer


async def test_what_is_not_packed_yet_is_named(talking: Any) -> None:
    async with talking(build) as talk:
        answer = await talk.says("Wo ist 100241, PLZ 24105", "track_order")
        assert "Paket 2 (Bücherregal Eiche, 5 Böden): verpackt" in answer


async def test_a_late_parcel_offers_a_person(talking: Any) -> None:
    async with talking(build) as talk:
        await talk.says("Wo ist 100251, PLZ 80331", "track_order")
        assert talk.buttons == ["Ja, bitte nachfragen"]


async def test_a_parcel_is_late_from_the_next_day_on(talking: Any) -> None:
    async with talking(build) as talk:
        talk.clock.now = datetime(2026, 11, 24, 10, tzinfo=UTC)
        expected = (await talk.shop.order("100234")).parcels[0].expected
        assert expected == date(2026, 11, 26)
        talk.clock.now = datetime(2026, 11, 26, 22, tzinfo=UTC)  # still Thursday in Berlin
        assert "voraussichtlich am" in await talk.says("100234, PLZ 50674", "track_order")
        talk.clock.now = datetime(2026, 11, 27, 10, tzinfo=UTC)
        assert "verspätet" in await talk.says("Wo ist 100234, PLZ 50674", "track_order")


@pytest.mark.parametrize(
    ("first", "second"), [("100234", "99999"), ("999999", "50674"), ("100244", "50674")]
)
async def test_a_wrong_pair_reads_the_same_whether_the_order_exists(
    talking: Any, first: str, second: str
) -> None:
    async with talking(build) as talk:
        await talk.says(*WHERE)
        await talk.says(first)
        answer = await talk.says(second)
    async with talking(build) as talk:
        await talk.says("Paket?", "track_order")
        await talk.says("999998")
        assert await talk.says("99999") == answer


async def test_after_five_wrong_pairs_a_person_takes_over(talking: Any) -> None:
    async with talking(build) as talk:
        await talk.says(*WHERE)
        for digit in range(5):
            await talk.says("100234")
            answer = await talk.says(f"1111{digit}")
        card = await talk.world.desk.wait_card(1, lambda _card: True)
        assert card.reason == "pair_attempts"
        assert "100234" not in answer
        assert "unterwegs" not in await talk.says("100234, PLZ 50674", "track_order")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("B-12345", "sechs Ziffern"),
        ("4711-0815", "sechs Ziffern"),
        ("50674", "sechs Ziffern"),
        ("weiß ich nicht", "Bestellbestätigung"),
        ("wo finde ich die denn", "Bestellbestätigung"),
        ("keine Ahnung", "Bestellbestätigung"),
    ],
)
async def test_a_number_that_is_none_gets_a_hint(talking: Any, text: str, hint: str) -> None:
    async with talking(build) as talk:
        await talk.says(*WHERE)
        answer = await talk.says(text)
        assert hint in answer
        assert "Um welche Bestellung geht es?" in answer


@pytest.mark.parametrize(
    ("text", "hint"),
    [("506", "weder als Postleitzahl"), ("die hab ich nicht", "Eins von beiden genügt")],
)
async def test_a_proof_that_is_none_gets_a_hint(talking: Any, text: str, hint: str) -> None:
    async with talking(build) as talk:
        await talk.says("Wo ist 100234", "track_order")
        assert hint in await talk.says(text)
        assert "unterwegs" in await talk.says("Anna.Schaefer@example.org")


async def test_proof_first_and_number_then(talking: Any) -> None:
    async with talking(build) as talk:
        await talk.says("Paket an PLZ 50674, wo ist das?", "track_order")
        assert "unterwegs" in await talk.says("100234")


async def test_a_side_question_is_answered_and_the_form_goes_on(talking: Any) -> None:
    async with talking(build) as talk:
        await talk.says("Wo ist 100234", "track_order")
        assert "Postleitzahl" in await talk.says("Seid ihr eigentlich nett?", "nlu_fallback")
        assert "unterwegs" in await talk.says("50674")


async def test_never_mind_stops_the_form(talking: Any) -> None:
    async with talking(build) as talk:
        await talk.says(*WHERE)
        assert "dann lassen wir das" in await talk.says("doch nicht")


async def test_du_and_english(talking: Any) -> None:
    async with talking(build, formality="du") as talk:
        assert "Nenn mir" in await talk.says(*WHERE)
    async with talking(build, language="en") as talk:
        answer = await talk.says("Where is 100246? postcode 10119", "track_order")
        assert "on its way" in answer
        assert "DEMO100246000018" in answer
