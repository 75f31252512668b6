"""Send it somewhere else: in one go, in pieces, with slips, corrected, and only once."""

from __future__ import annotations

import pytest

from tests.conversations.conftest import Someone
from tests.live.customer import Customer
from tests.live.records import Records
from tests.live.shop import LiveShop
from tests.live.waiting import eventually

OLD = "Hauptstraße 5, 20095 Hamburg"


async def proven(c: Customer, shop: LiveShop, like: str = "B-100235", proof: str = "20095") -> str:
    """Bring the conversation to the question for the new address."""
    order = await shop.like(like)
    if c.language == "de":
        await c.says(f"Ich bin umgezogen, Bestellung {order} soll woandershin. PLZ war {proof}")
    else:
        await c.says(f"I need to change the delivery address of order {order}, postcode {proof}")
    c.hears("utter_code_sent", "utter_ask_code")
    await c.enters_code()
    c.hears("utter_code_right", "utter_ask_new_street")
    return order


async def test_in_one_go(someone: Someone, shop: LiveShop, records: Records) -> None:
    order = await shop.like("B-100235")
    async with someone("de") as c:
        await c.says("Hallo, kann ich bei einer Bestellung noch die Lieferadresse ändern?")
        c.hears("utter_ask_order_id")
        await c.says(order)
        c.hears("utter_ask_proof")
        await c.says("20095")
        c.hears("utter_code_sent", "utter_ask_code")
        await c.enters_code()
        c.hears("utter_code_right", "utter_ask_new_street")
        await c.says("Lindenweg 4, 50674 Köln")
        c.hears("utter_change_address_propose", OLD, "Lindenweg 4, 50674 Köln")
        assert records.changes(order) == []
        await c.says("ja passt")
        c.hears("utter_change_address_done", "Lindenweg 4, 50674 Köln")
    assert records.street(order) == "Lindenweg 4, 50674 Köln"
    assert len(records.changes(order, "address")) == 1


async def test_in_one_go_in_english(someone: Someone, shop: LiveShop, records: Records) -> None:
    async with someone("en") as c:
        order = await proven(c, shop)
        await c.says("it should go to Lindenweg 4, 50674 Köln please")
        c.hears("utter_change_address_propose", OLD, "Lindenweg 4, 50674 Köln")
        await c.says("yes that's right")
        c.hears("utter_change_address_done")
    assert records.street(order) == "Lindenweg 4, 50674 Köln"


async def test_in_pieces(someone: Someone, shop: LiveShop, records: Records) -> None:
    async with someone("de") as c:
        order = await proven(c, shop)
        await c.says("Lindenweg 4")
        c.hears("utter_ask_new_postal_code")
        await c.says("50674")
        c.hears("utter_ask_new_city")
        await c.says("Köln")
        c.hears("utter_change_address_propose", "Lindenweg 4, 50674 Köln")
        await c.presses("Ja")
        c.hears("utter_change_address_done")
    assert records.street(order) == "Lindenweg 4, 50674 Köln"


async def test_over_several_lines(someone: Someone, shop: LiveShop) -> None:
    async with someone("de") as c:
        await proven(c, shop)
        await c.says("Jörg Müller\nAn der Alster 5\n20099 Hamburg")
        c.hears("utter_change_address_propose", "An der Alster 5, 20099 Hamburg")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("lindenweg 4 50674 köln", "Lindenweg 4, 50674 Köln"),
        ("neue adresse: Lindenweg 4 in 50674 Köln bitte", "Lindenweg 4, 50674 Köln"),
        ("Königstr. 12a, 70173 Stuttgart", "Königstr. 12a, 70173 Stuttgart"),
        ("an Straße des 17. Juni 135, 10623 Berlin", "Straße des 17. Juni 135, 10623 Berlin"),
        ("schickts lieber an hauptstrasse 7 in 69117 heidelberg", "69117 Heidelberg"),
    ],
)
async def test_as_people_write_it(
    someone: Someone, shop: LiveShop, written: str, meant: str
) -> None:
    async with someone("de") as c:
        await proven(c, shop)
        await c.says(written)
        c.hears("utter_change_address_propose", meant)


async def test_the_house_number_is_missing(someone: Someone, shop: LiveShop) -> None:
    async with someone("de") as c:
        await proven(c, shop)
        await c.says("Lindenweg, 50674 Köln")
        c.hears("utter_ask_new_house_number")
        await c.says("oh, die 4")
        c.hears("utter_change_address_propose", "Lindenweg 4, 50674 Köln")


async def test_a_postcode_that_does_not_exist(someone: Someone, shop: LiveShop) -> None:
    async with someone("de") as c:
        await proven(c, shop)
        await c.says("Lindenweg 4, 506744 Köln")
        c.does_not_hear("utter_change_address_propose")
        await c.says("50674")
        c.hears("utter_change_address_propose", "Lindenweg 4, 50674 Köln")


async def test_corrected_while_it_asks(someone: Someone, shop: LiveShop) -> None:
    async with someone("de") as c:
        await proven(c, shop)
        await c.says("Lindenweg 4")
        c.hears("utter_ask_new_postal_code")
        await c.says("halt, Hausnummer 14")
        c.hears("utter_ask_new_postal_code")
        await c.says("50674 Köln")
        c.hears("utter_change_address_propose", "Lindenweg 14, 50674 Köln")


@pytest.mark.parametrize(
    ("language", "correction"),
    [
        ("de", "nein, Hausnummer 14"),
        ("de", "stimmt nicht ganz, Nr. 14 ist richtig"),
        ("de", "Lindenweg 14!"),
        ("en", "no, house number 14"),
        ("en", "sorry, it's number 14"),
    ],
)
async def test_corrected_after_it_was_read_back(
    someone: Someone, shop: LiveShop, records: Records, language: str, correction: str
) -> None:
    async with someone(language) as c:
        order = await proven(c, shop)
        await c.says("Lindenweg 4, 50674 Köln")
        c.hears("utter_change_address_propose")
        await c.says(correction)
        c.hears("utter_change_address_propose", "Lindenweg 14, 50674 Köln")
        assert records.changes(order) == []
        await c.says({"de": "ja genau", "en": "yes please"}[language])
        c.hears("utter_change_address_done", "Lindenweg 14, 50674 Köln")
    assert records.street(order) == "Lindenweg 14, 50674 Köln"
    assert len(records.changes(order)) == 1


async def test_two_times_yes_is_one_change(
    someone: Someone, shop: LiveShop, records: Records
) -> None:
    async with someone("de") as c:
        order = await proven(c, shop)
        await c.says("Lindenweg 4, 50674 Köln")
        await c.says("ja")
        c.hears("utter_change_address_done")
        await c.says("ja!")
        c.hears("utter_already_done", "Lindenweg 4, 50674 Köln")
        await c.says_at_once("ja", "ja bitte")
    assert len(records.changes(order)) == 1


async def test_no_means_no(someone: Someone, shop: LiveShop, records: Records) -> None:
    async with someone("de") as c:
        order = await proven(c, shop)
        await c.says("Lindenweg 4, 50674 Köln")
        await c.says("ach nee, lieber doch nicht")
        c.hears("utter_proposal_dropped")
        await c.says("ja")
        c.hears("utter_nothing_open")
    assert records.changes(order) == []
    assert records.street(order) == OLD


async def test_packed_is_still_early_enough(
    someone: Someone, shop: LiveShop, records: Records
) -> None:
    async with someone("de") as c:
        order = await proven(c, shop, "B-100236", "80331")
        await c.says("Rosenstr. 9, 80331 München")
        c.hears("utter_change_address_propose")
        await c.says("jo, mach das")
        c.hears("utter_change_address_done")
    assert records.street(order) == "Rosenstr. 9, 80331 München"


@pytest.mark.parametrize(
    ("like", "proof", "answer"),
    [
        ("B-100234", "50674", "utter_change_address_shipped"),
        ("B-100241", "24105", "utter_change_address_partly_shipped"),
        ("B-100237", "70173", "utter_change_address_delivered"),
        ("B-100239", "10119", "utter_change_address_cancelled"),
    ],
)
@pytest.mark.parametrize("language", ["de", "en"])
async def test_too_late(
    someone: Someone,
    shop: LiveShop,
    records: Records,
    like: str,
    proof: str,
    answer: str,
    language: str,
) -> None:
    order = await shop.like(like)
    async with someone(language) as c:
        await c.says(
            {
                "de": f"Lieferadresse ändern bei {order}, PLZ {proof}",
                "en": f"please change the shipping address for {order}, postcode {proof}",
            }[language]
        )
        c.hears("utter_code_sent")
        c.does_not_hear(answer)
        await c.enters_code()
        c.hears(answer, order)
    assert records.changes(order) == []


async def test_austria_and_britain(someone: Someone, shop: LiveShop, records: Records) -> None:
    async with someone("de") as c:
        order = await proven(c, shop, "B-100247", "1070")
        await c.says("Mariahilfer Straße 45, 1060 Wien")
        c.hears("1060 Wien")
        await c.says("ja")
        c.hears("utter_change_address_done")
    assert records.street(order) == "Mariahilfer Straße 45, 1060 Wien"
    async with someone("en") as c:
        order = await proven(c, shop, "B-100248", "M3 4BB")
        await c.says("221 Deansgate, Manchester M3 4NW")
        c.hears("221 Deansgate")
        await c.says("yes")
        c.hears("utter_change_address_done")
    assert records.order(order)["address"]["street"] == "221 Deansgate"


@pytest.mark.parametrize("language", ["de", "en"])
async def test_a_wrong_code_and_a_side_question(
    someone: Someone, shop: LiveShop, records: Records, language: str
) -> None:
    order = await shop.like("B-100235")
    async with someone(language) as c:
        wish = {"de": "Lieferadresse ändern", "en": "change the delivery address"}[language]
        postcode = {"de": "PLZ", "en": "postcode"}[language]
        await c.says(f"{wish}, {order}, {postcode} 20095")
        c.hears("utter_code_sent", "utter_ask_code")
        asked = c.client_id
        await c.says({"de": "Was kostet der Versand?", "en": "How much is shipping?"}[language])
        c.hears("utter_delivery_options", "utter_ask_code")
        await c.says("000000")
        c.hears("utter_code_wrong", "utter_ask_code")
        await c.says("12345")
        c.hears("utter_unreadable_code", "utter_ask_code")
        await c.presses({"de": "Neuer Code", "en": "New code"}[language])
        c.hears("utter_code_wait", "utter_ask_code")
        await eventually(lambda: records.code_of(asked) is not None, 30)
        code = str(records.code_of(asked))
        await c.says(f"{code[:3]} {code[3:]}")
        c.hears("utter_code_right", "utter_ask_new_street")
        assert code not in str(records.bot("SELECT text, facts FROM outbox"))


async def test_a_stranger_who_asks_for_a_code_hears_nothing_else(
    someone: Someone, shop: LiveShop, records: Records
) -> None:
    foreign = await shop.like("B-100235")
    heard = []
    for number in (foreign, "B-999998"):
        async with someone("de") as c:
            await c.says(f"Lieferadresse ändern, {number}, PLZ 99999")
            c.hears("utter_code_sent", "utter_ask_code")
            await c.says("482913")
            c.hears("utter_code_wrong")
            await c.says("doch nicht")
            c.hears("utter_form_stopped")
            heard.append(c.everything.replace(number, "NUMBER"))
    assert heard[0] == heard[1]
    assert (
        records.bot("SELECT 1 FROM codes WHERE mailed AND subject IN (:a, 'B-999998')", a=foreign)
        == []
    )


async def test_an_order_number_is_still_one_while_a_code_is_asked_for(
    someone: Someone, shop: LiveShop
) -> None:
    order = await shop.like("B-100235")
    async with someone("de") as c:
        await c.says("Lieferadresse ändern, B-999998, PLZ 20095")
        c.hears("utter_code_sent")
        await c.says(f"Moment, die Bestellung ist {order}, PLZ 20095")
        c.hears("utter_code_sent", "utter_ask_code")
        await c.enters_code()
        c.hears("utter_code_right", "utter_ask_new_street")
