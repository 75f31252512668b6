"""Send it back: what may go, why (asked once, never required), and a real PDF."""

from __future__ import annotations

import pytest

from tests.conversations.conftest import Someone
from tests.live.records import Records
from tests.live.shop import LiveShop

ASKED = {
    "de": "Ich möchte die Sachen aus {order} zurückschicken, PLZ {proof}",
    "en": "I'd like to send back the things from {order}, postcode {proof}",
}


@pytest.mark.parametrize(
    ("language", "reason", "yes"),
    [
        ("de", "die sind mir leider zu klein", "ja gerne"),
        ("de", "möchte ich nicht sagen", "ja"),
        ("de", "egal", "klar"),
        ("en", "too small for me", "yes please"),
        ("en", "rather not say", "sure"),
        ("en", "skip", "ok"),
    ],
)
async def test_a_label_is_really_there(
    someone: Someone, shop: LiveShop, records: Records, language: str, reason: str, yes: str
) -> None:
    order = await shop.like("B-100237")
    async with someone(language) as c:
        await c.says(ASKED[language].format(order=order, proof="70173"))
        c.hears("utter_ask_return_reason")
        await c.says(reason)
        c.hears("utter_return_label_propose", order)
        assert records.labels(order) == []
        await c.says(yes)
        c.hears("utter_return_label_done", order, "DEMO")
        (pdf,) = (file for file in c.files if file.content_type == "application/pdf")
        data = await c.chat.download(pdf)
    assert data.startswith(b"%PDF")
    (label,) = records.labels(order)
    assert bytes(label["pdf"]) == data
    assert [change["kind"] for change in records.changes(order)] == ["return"]


async def test_the_label_says_that_it_is_none(
    someone: Someone, shop: LiveShop, records: Records
) -> None:
    order = await shop.like("B-100237")
    async with someone("de") as c:
        await c.says(ASKED["de"].format(order=order, proof="70173"))
        await c.presses("Keine Angabe")
        await c.presses("Ja")
        (label,) = records.labels(order)
    assert label["tracking"].startswith("DEMO")
    assert label["carrier"].casefold().startswith("demo")


async def test_the_reason_of_the_first_message_counts(someone: Someone, shop: LiveShop) -> None:
    order = await shop.like("B-100237")
    async with someone("de") as c:
        await c.says(f"Die Schuhe aus {order} sind zu klein, wie kriege ich ein Retourenlabel?")
        c.hears("utter_ask_proof")
        await c.says("70173")
        c.hears("utter_return_label_propose")


async def test_what_is_excluded_stays(someone: Someone, shop: LiveShop) -> None:
    order = await shop.like("B-100242")
    async with someone("de") as c:
        await c.says(ASKED["de"].format(order=order, proof="50678"))
        await c.says("keine Angabe")
        c.hears("utter_return_label_propose_some")


@pytest.mark.parametrize(
    ("like", "proof", "answer"),
    [
        ("B-100238", "04109", "utter_return_label_window_passed"),
        ("B-100243", "01069", "utter_return_label_nothing_returnable"),
        ("B-100235", "20095", "utter_return_label_not_shipped"),
        ("B-100239", "10119", "utter_return_label_cancelled"),
    ],
)
@pytest.mark.parametrize("language", ["de", "en"])
async def test_not_possible(
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
        await c.says(ASKED[language].format(order=order, proof=proof))
        c.hears(answer, order)
        c.does_not_hear("utter_ask_return_reason")
    assert records.labels(order) == []


async def test_asked_again_it_is_the_same_label(
    someone: Someone, shop: LiveShop, records: Records
) -> None:
    order = await shop.like("B-100237")
    async with someone("de") as c:
        await c.says(ASKED["de"].format(order=order, proof="70173"))
        await c.says("gefällt mir nicht")
        await c.says("ja")
        c.hears("utter_return_label_done")
        await c.says("ich brauche das Retourenlabel nochmal")
        c.hears("utter_return_label_again")
        assert any(file.content_type == "application/pdf" for file in c.files)
    assert len(records.labels(order)) == 1


async def test_one_that_was_announced_before(someone: Someone, shop: LiveShop) -> None:
    order = await shop.like("B-100252")
    async with someone("de") as c:
        await c.says(ASKED["de"].format(order=order, proof="20095"))
        c.hears_one_of("utter_return_label_again", "utter_return_label_returned")
