"""Somebody else's order: refused in words that tell nothing, and a person at the fifth attempt."""

from __future__ import annotations

from tests.conversations.conftest import Someone
from tests.live.records import Records
from tests.live.shop import LiveShop

OTHERS = ("Voss", "Max", "50823", "max.voss")


async def test_a_wrong_pair_sounds_like_no_order_at_all(someone: Someone, shop: LiveShop) -> None:
    foreign = await shop.like("B-100244")
    heard = []
    for number in (foreign, "B-999999"):
        async with someone("de") as c:
            await c.says("Wo ist meine Bestellung?")
            await c.says(number)
            c.hears("utter_ask_proof")
            await c.says("50674")
            c.hears("utter_pair_wrong", "utter_ask_order_id")
            c.does_not_hear(*OTHERS)
            heard.append(c.text.replace(number, "NUMBER"))
    assert heard[0] == heard[1]


async def test_the_fifth_wrong_pair_goes_to_a_person(
    someone: Someone, shop: LiveShop, records: Records
) -> None:
    foreign = await shop.like("B-100244")
    async with someone("de") as c:
        await c.says("Bitte stornieren Sie meine Bestellung")
        for number in range(4):
            await c.says(f"{foreign}, PLZ 5067{number}")
            c.hears("utter_pair_wrong")
            c.does_not_hear("utter_pair_locked")
        await c.says(f"{foreign}, PLZ 50679")
        c.hears("utter_pair_locked")
        assert c.owner == "waiting"
        await c.says(f"Wo ist {foreign}? PLZ 50823")
        c.does_not_hear("utter_track_order_open", *OTHERS[:2])
        for secret in OTHERS[:2]:
            assert secret not in c.everything
    assert records.changes(foreign) == []


async def test_a_proof_is_for_one_order_only(someone: Someone, shop: LiveShop) -> None:
    own, foreign = await shop.like("B-100234"), await shop.like("B-100244")
    async with someone("en") as c:
        await c.says(f"Where is {own}? postcode 50674")
        c.hears("utter_track_order_shipped", own)
        await c.says(f"and where is my order {foreign}?")
        c.hears("utter_ask_proof")
        await c.says("anna.schaefer@example.org")
        c.hears("utter_pair_wrong")
        c.does_not_hear(*OTHERS)


async def test_another_customer_has_no_part_in_it(someone: Someone, shop: LiveShop) -> None:
    order = await shop.like("B-100235")
    async with someone("de") as owner, someone("de") as stranger:
        await owner.says(f"{order} stornieren, PLZ 20095")
        owner.hears("utter_cancel_order_propose_paid")
        await stranger.says("ja")
        stranger.hears("utter_nothing_open")
        await stranger.says(f"wo ist {order}?")
        stranger.hears("utter_ask_proof")


async def test_files_are_only_for_whom_they_were_sent(someone: Someone, shop: LiveShop) -> None:
    order = await shop.like("B-100237")
    async with someone("de") as owner, someone("de") as stranger:
        await owner.says(f"Retourenlabel für {order}, PLZ 70173")
        await owner.presses("Keine Angabe")
        await owner.presses("Ja")
        url = f"{owner.chat.base_url}/chat/files/{owner.files[0].file}"
        async with stranger.chat.session.get(url) as answer:
            assert answer.status == 404
