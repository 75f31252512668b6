"""A new address, in one message or in pieces; what happened is read from the shop."""

from dataclasses import replace
from typing import Any

import pytest

from bot.core import Core
from bot.messages import ActionCall, Address, Outcome
from plugins.change_address.action import ChangeAddress
from plugins.shop.api import one_line
from plugins.shop.carrier_demo import DemoCarrier
from plugins.shop.demo import DemoShop


def build(shop: DemoShop, _carrier: DemoCarrier, _core: Core) -> ChangeAddress:
    return ChangeAddress(shop)


WISH = "change_shipping_address"


async def where(shop: DemoShop, number: str = "100235") -> str:
    address = (await shop.order(number)).address
    return one_line(address, address.country)


async def changes(shop: DemoShop, number: str = "B-100235") -> int:
    return len((await shop.records(number))["changes"])


async def prove(talk: Any, number: str = "100235", postcode: str = "20095") -> str:
    await talk.says("Adresse ändern", WISH)
    await talk.says(number)
    return await talk.says(postcode)


async def test_old_and_new_are_shown_and_changed_after_a_yes(talking: Any) -> None:
    async with talking(build) as talk:
        assert "neue Lieferadresse" in await prove(talk)
        asked = await talk.says("Lindenweg 4, 50674 Köln")
        assert "Bisher: Hauptstraße 5, 20095 Hamburg" in asked
        assert "Neu: Lindenweg 4, 50674 Köln" in asked
        assert await changes(talk.shop) == 0
        assert "geht jetzt an Lindenweg 4, 50674 Köln" in await talk.says("ja")
        assert await where(talk.shop) == "Lindenweg 4, 50674 Köln"
        await talk.says("ja!")
        assert await changes(talk.shop) == 1


async def test_everything_in_one_message(talking: Any) -> None:
    async with talking(build) as talk:
        asked = await talk.says(
            "B-100235 (PLZ 20095) bitte an Lindenweg 4, 50674 Köln schicken", WISH
        )
        assert "Neu: Lindenweg 4, 50674 Köln" in asked


async def test_piece_by_piece_in_any_order(talking: Any) -> None:
    async with talking(build) as talk:
        await prove(talk)
        assert "Lieferadresse" in await talk.says("50674 Köln")
        assert "Hausnummer" in await talk.says("Am Markt")
        assert "Neu: Am Markt 3, 50674 Köln" in await talk.says("3")


async def test_street_then_postcode_then_town(talking: Any) -> None:
    async with talking(build) as talk:
        await prove(talk)
        assert "Postleitzahl und Ort" in await talk.says("Lindenweg 4")
        assert "In welchem Ort" in await talk.says("50674")
        assert "Neu: Lindenweg 4, 50674 Köln" in await talk.says("Köln")


async def test_the_address_may_come_before_the_order(talking: Any) -> None:
    async with talking(build) as talk:
        assert "Bestellnummer" in await talk.says("neue Adresse: Lindenweg 4, 50674 Köln", WISH)
        await talk.says("100235")
        assert "Neu: Lindenweg 4, 50674 Köln" in await talk.says("20095 Hamburg")


async def test_a_correction_inside_the_form(talking: Any) -> None:
    async with talking(build) as talk:
        await prove(talk)
        await talk.says("Lindenweg 4")
        assert "Postleitzahl und Ort" in await talk.says("nein, Hausnummer 14")
        assert "Neu: Lindenweg 14, 50674 Köln" in await talk.says("50674 Köln")


@pytest.mark.parametrize(
    ("text", "intent", "new"),
    [
        ("nein, Hausnummer 14", "deny", "Lindenweg 14, 50674 Köln"),
        ("Hausnummer 14", "nlu_fallback", "Lindenweg 14, 50674 Köln"),
        ("ja, aber Hausnummer 14", "affirm", "Lindenweg 14, 50674 Köln"),
        ("ach nee, Hausnummer 14", WISH, "Lindenweg 14, 50674 Köln"),
        ("nein, PLZ 50676", "deny", "Lindenweg 4, 50676 Köln"),
        ("nein, Rosenweg 1, 53111 Bonn", "deny", "Rosenweg 1, 53111 Bonn"),
    ],
)
async def test_a_correction_of_what_was_read_back(
    talking: Any, text: str, intent: str, new: str
) -> None:
    async with talking(build) as talk:
        await prove(talk)
        await talk.says("Lindenweg 4, 50674 Köln")
        assert f"Neu: {new}" in await talk.says(text, intent)
        assert await changes(talk.shop) == 0
        await talk.says("ja")
        assert await where(talk.shop) == new
        assert await changes(talk.shop) == 1


async def test_what_was_read_back_for_one_order_is_not_meant_for_another(talking: Any) -> None:
    async with talking(build) as talk:
        await prove(talk)
        await talk.says("Lindenweg 4, 50674 Köln")
        await talk.says("Adresse von 100244 ändern", WISH)
        assert "neue Lieferadresse" in await talk.says("50823")


@pytest.mark.parametrize("text", ["nein", "nein, PLZ 1", "nein danke, doch nicht"])
async def test_a_no_drops_what_was_read_back(talking: Any, text: str) -> None:
    async with talking(build) as talk:
        await prove(talk)
        await talk.says("Lindenweg 4, 50674 Köln")
        await talk.says(text, "deny")
        await talk.says("ja")
        assert await changes(talk.shop) == 0


async def test_only_the_house_number_is_wrong(talking: Any) -> None:
    async with talking(build) as talk:
        await talk.says("Die Hausnummer ist falsch bei 100235, PLZ 20095", WISH)
        assert "Neu: Hauptstraße 14, 20095 Hamburg" in await talk.says("Nummer 14")


async def test_a_house_number_before_the_proof_waits_for_it(talking: Any) -> None:
    async with talking(build) as talk:
        await talk.says("Hausnummer ist 14 bei Bestellung 100235", WISH)
        assert "Neu: Hauptstraße 14, 20095 Hamburg" in await talk.says("20095")


async def test_a_street_without_number(talking: Any) -> None:
    async with talking(build) as talk:
        await prove(talk)
        assert "Hausnummer zu „Am Markt“" in await talk.says("Am Markt, 50674 Köln")
        assert "Neu: Am Markt o. Nr., 50674 Köln" in await talk.says("ohne")


@pytest.mark.parametrize("code", ["506", "506744", "00000000"])
async def test_a_postcode_that_cannot_be_is_asked_for_again(talking: Any, code: str) -> None:
    async with talking(build) as talk:
        await prove(talk)
        await talk.says("Lindenweg 4")
        assert f"Die Postleitzahl {code} gibt es so nicht (Deutschland)" in await talk.says(code)
        assert "Neu: Lindenweg 4, 50674 Köln" in await talk.says("50674 Köln")


async def test_four_digits_ask_for_the_country(talking: Any) -> None:
    async with talking(build) as talk:
        await prove(talk)
        assert "Österreich oder in der Schweiz" in await talk.says("Ring 1, 1010 Wien")
        assert talk.buttons == ["Österreich", "Schweiz"]
        assert "Neu: Ring 1, 1010 Wien, Österreich" in await talk.presses("Österreich")
        await talk.says("ja")
        assert (await talk.shop.order("100235")).address.country == "AT"


async def test_a_missing_digit_may_be_added_instead_of_a_country(talking: Any) -> None:
    async with talking(build) as talk:
        await prove(talk)
        await talk.says("Lindenweg 4, 5067 Köln")
        assert "Neu: Lindenweg 4, 50674 Köln" in await talk.says("50674")


async def test_an_austrian_and_a_british_order(talking: Any) -> None:
    async with talking(build) as talk:
        await prove(talk, "100247", "1070")
        assert "Neu: Ring 1, 1010 Wien\n" in await talk.says("Ring 1, 1010 Wien")
    async with talking(build, language="en") as talk:
        await prove(talk, "100248", "M3 4BB")
        asked = await talk.says("5 Rose Lane, Oxford OX1 2AB")
        assert "New: 5 Rose Lane, Oxford, OX1 2AB" in asked


@pytest.mark.parametrize(
    ("number", "postcode", "told"),
    [
        ("100234", "50674", "schon unterwegs"),
        ("100237", "70173", "schon zugestellt"),
        ("100239", "10119", "storniert"),
        ("100241", "24105", "Ein Teil Ihrer Bestellung"),
    ],
)
async def test_too_late_is_said_before_an_address_is_asked_for(
    talking: Any, number: str, postcode: str, told: str
) -> None:
    async with talking(build) as talk:
        assert told in await prove(talk, number, postcode)
        assert await changes(talk.shop, f"B-{number}") == 0


async def test_a_stranger_learns_nothing(talking: Any) -> None:
    async with talking(build) as talk:
        known = await prove(talk, "100235", "50674")
    async with talking(build) as talk:
        assert await prove(talk, "999999", "50674") == known
        assert "Hauptstraße" not in known


async def test_the_same_address_is_no_change(talking: Any) -> None:
    async with talking(build) as talk:
        await prove(talk)
        assert "geht schon an" in await talk.says("Hauptstraße 5, 20095 Hamburg")
        await talk.says("ja")
        assert await changes(talk.shop) == 0


async def test_a_side_question_and_stopping(talking: Any) -> None:
    async with talking(build) as talk:
        await prove(talk)
        await talk.says("Lindenweg 4")
        assert "Postleitzahl" in await talk.says("Seid ihr eigentlich nett?", "nlu_fallback")
        assert "dann lassen wir das" in await talk.says("doch nicht")


async def test_an_order_that_leaves_in_between_is_not_changed(talking: Any) -> None:
    async with talking(build) as talk:
        await prove(talk)
        await talk.says("Lindenweg 4, 50674 Köln")
        order = await talk.shop.order("100235")
        await talk.shop.cancel("100235", version=order.version, key="somebody else")
        assert "noch nicht geändert" in await talk.says("ja")
        assert await where(talk.shop) == "Hauptstraße 5, 20095 Hamburg"


def call(action_key: str, **arguments: Any) -> ActionCall:
    return ActionCall(
        key=action_key,
        turn="t",
        conversation=1,
        address=Address("fake", "c1"),
        arguments=arguments,
        language="de",
    )


NEW = {
    "order_id": "B-100235",
    "new_street": "Weg 1",
    "new_postal_code": "50674",
    "new_city": "Köln",
}


async def test_it_can_be_taken_back_once(tmp_path: Any) -> None:
    shop = DemoShop(tmp_path / "shop.db")
    action = ChangeAddress(shop)
    await action.run(replace(call("key-1", **NEW), version="1"))
    assert await where(shop) == "Weg 1, 50674 Köln"
    first = await action.undo(call("key-1"))
    assert await action.undo(call("key-1")) == first
    assert await where(shop) == "Hauptstraße 5, 20095 Hamburg"
    assert await changes(shop) == 2


async def test_it_is_not_taken_back_over_a_later_change(tmp_path: Any) -> None:
    shop = DemoShop(tmp_path / "shop.db")
    action = ChangeAddress(shop)
    await action.run(replace(call("key-1", **NEW), version="1"))
    await action.run(replace(call("key-2", **{**NEW, "new_street": "Weg 2"}), version="2"))
    assert (await action.undo(call("key-1"))).outcome is Outcome.REFUSED
    assert (await action.undo(call("key-3"))).outcome is Outcome.REFUSED
    assert await where(shop) == "Weg 2, 50674 Köln"


async def test_an_address_the_shop_does_not_take_is_refused_with_words(tmp_path: Any) -> None:
    shop = DemoShop(tmp_path / "shop.db")
    action = ChangeAddress(shop)
    for wrong, reason in (
        ({"new_postal_code": "1"}, "bad_address"),
        ({"new_country": "FR"}, "no_delivery"),
    ):
        answer = await action.propose(call("key-1", **{**NEW, **wrong}))
        assert getattr(answer, "reason", None) == reason
