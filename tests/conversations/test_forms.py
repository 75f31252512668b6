"""In the middle of something: side questions, another wish, never mind."""

from __future__ import annotations

import pytest

from tests.conversations.conftest import Someone
from tests.live.records import Records
from tests.live.shop import LiveShop

BEGIN = {
    "track_order": {"de": "Wo ist mein Paket?", "en": "Where is my parcel?"},
    "cancel_order": {"de": "Ich will stornieren", "en": "I want to cancel my order"},
    "change_address": {"de": "Lieferadresse ändern", "en": "change my delivery address"},
    "return_label": {"de": "Ich brauche ein Retourenlabel", "en": "I need a return label"},
}
SIDE = {"de": "Was kostet eigentlich Express?", "en": "By the way, what does express cost?"}


@pytest.mark.parametrize("form", BEGIN)
@pytest.mark.parametrize("language", ["de", "en"])
async def test_a_side_question_is_answered_and_it_goes_on(
    someone: Someone, form: str, language: str
) -> None:
    async with someone(language) as c:
        await c.says(BEGIN[form][language])
        c.hears("utter_ask_order_id")
        await c.says(SIDE[language])
        c.hears("utter_delivery_options", "utter_ask_order_id")


async def test_a_side_question_before_the_last_answer(someone: Someone, shop: LiveShop) -> None:
    order = await shop.like("B-100235")
    async with someone("de") as c:
        await c.says(f"Neue Lieferadresse für {order}, PLZ 20095")
        await c.enters_code()
        c.hears("utter_ask_new_street")
        await c.says("Lindenweg 4")
        c.hears("utter_ask_new_postal_code")
        await c.says("wie lange habe ich eigentlich Rückgaberecht?")
        c.hears("utter_check_refund_policy", "utter_ask_new_postal_code")
        await c.says("50674 Köln")
        c.hears("utter_change_address_propose", "Lindenweg 4, 50674 Köln")


async def test_a_side_question_while_a_yes_is_awaited(
    someone: Someone, shop: LiveShop, records: Records
) -> None:
    order = await shop.like("B-100235")
    async with someone("de") as c:
        await c.says(f"{order} stornieren, PLZ 20095")
        c.hears("utter_cancel_order_propose_paid")
        await c.says("kostet mich die Stornierung etwas?")
        c.hears("utter_check_cancellation_fee")
        await c.says("gut, dann ja")
        c.hears("utter_cancel_order_done_refund")
    assert len(records.changes(order)) == 1


@pytest.mark.parametrize("form", BEGIN)
@pytest.mark.parametrize("language", ["de", "en"])
async def test_never_mind_stops_it(someone: Someone, form: str, language: str) -> None:
    async with someone(language) as c:
        await c.says(BEGIN[form][language])
        c.hears("utter_ask_order_id")
        await c.says({"de": "ach, doch nicht", "en": "never mind"}[language])
        c.hears("utter_form_stopped")
        c.does_not_hear("utter_ask_order_id")
        await c.says(SIDE[language])
        c.hears("utter_delivery_options")
        c.does_not_hear("utter_ask_order_id")


async def test_from_one_wish_to_another(someone: Someone, shop: LiveShop) -> None:
    order = await shop.like("B-100235")
    async with someone("de") as c:
        await c.says("Ich möchte meine Bestellung stornieren")
        c.hears("utter_ask_order_id")
        await c.says("nee warte, ich will lieber die Lieferadresse ändern")
        c.hears("utter_ask_order_id")
        await c.says(f"{order}, PLZ 20095")
        await c.enters_code()
        c.hears("utter_ask_new_street")


async def test_another_wish_takes_the_order_along(someone: Someone, shop: LiveShop) -> None:
    order = await shop.like("B-100235")
    async with someone("en") as c:
        await c.says(f"change the address of {order}, postcode 20095")
        await c.enters_code()
        c.hears("utter_ask_new_street")
        await c.says("actually, please cancel the order instead")
        c.hears("utter_cancel_order_propose_paid", order)


async def test_another_wish_with_its_own_order_while_a_code_is_awaited(
    someone: Someone, shop: LiveShop
) -> None:
    open_one, arrived = await shop.like("B-100235"), await shop.like("B-100237")
    async with someone("de") as c:
        await c.says(f"Neue Lieferadresse für {open_one}, PLZ 20095")
        c.hears("utter_ask_code")
        await c.says(f"Ich brauche ein Retourenlabel für {arrived}, 70173")
        c.does_not_hear("utter_ask_code")
        c.hears("utter_ask_return_reason")


async def test_a_person_in_the_middle(someone: Someone) -> None:
    async with someone("de") as c:
        await c.says("Wo ist mein Paket?")
        await c.says("ich will mit einem echten Menschen reden")
        c.hears("utter_handoff")
        c.does_not_hear("utter_ask_order_id")
        assert c.owner == "waiting"


async def test_a_greeting_in_the_middle(someone: Someone) -> None:
    async with someone("de") as c:
        await c.says("Paket verfolgen")
        c.hears("utter_ask_order_id")
        await c.says("hallo?")
        c.hears("utter_ask_order_id")


async def test_a_yes_to_something_else_runs_nothing(
    someone: Someone, shop: LiveShop, records: Records
) -> None:
    order, late = await shop.like("B-100235"), await shop.like("B-100251")
    async with someone("de") as c:
        await c.says(f"{order} stornieren, PLZ 20095")
        c.hears("utter_cancel_order_propose_paid")
        await c.says(f"Moment, wo ist eigentlich {late}? PLZ 80331")
        c.hears("utter_track_order_late")
        await c.says("ja")
        c.does_not_hear("utter_cancel_order_done_refund")
    assert records.changes(order) == []
