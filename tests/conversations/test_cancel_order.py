"""Cancel it: by state, once, and with an offer where it is too late."""

from __future__ import annotations

import pytest

from tests.conversations.conftest import Someone
from tests.live.records import Records
from tests.live.shop import LiveShop

ASKED = {
    "de": "ich brauch das doch nicht mehr, bitte stornieren: {order}, plz {proof}",
    "en": "I want to cancel my order {order}, postcode {proof}",
}
YES = {"de": "ja, bitte stornieren", "en": "yes, go ahead"}


@pytest.mark.parametrize(
    ("like", "proof", "proposal", "done"),
    [
        ("B-100235", "20095", "utter_cancel_order_propose_paid", "utter_cancel_order_done_refund"),
        ("B-100236", "80331", "utter_cancel_order_propose", "utter_cancel_order_done"),
        ("B-100249", "14059", "utter_cancel_order_propose", "utter_cancel_order_done"),
    ],
)
@pytest.mark.parametrize("language", ["de", "en"])
async def test_before_it_leaves(
    someone: Someone,
    shop: LiveShop,
    records: Records,
    like: str,
    proof: str,
    proposal: str,
    done: str,
    language: str,
) -> None:
    order = await shop.like(like)
    async with someone(language) as c:
        await c.says(ASKED[language].format(order=order, proof=proof))
        c.hears(proposal, order)
        assert records.changes(order) == []
        await c.says(YES[language])
        c.hears(done, order)
        await c.says(YES[language])
    assert [change["kind"] for change in records.changes(order)] == ["cancel"]
    assert records.order(order)["cancelled"] is not None


@pytest.mark.parametrize(
    ("like", "proof", "answer"),
    [
        ("B-100234", "50674", "utter_cancel_order_shipped_return"),
        ("B-100241", "24105", "utter_cancel_order_partly_shipped_return"),
        ("B-100237", "70173", "utter_cancel_order_delivered_return"),
        ("B-100238", "04109", "utter_cancel_order_too_late"),
        ("B-100239", "10119", "utter_cancel_order_cancelled"),
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
        await c.says(ASKED[language].format(order=order, proof=proof))
        c.hears(answer, order)
    assert records.changes(order) == []


async def test_the_offered_return_goes_on_from_there(someone: Someone, shop: LiveShop) -> None:
    order = await shop.like("B-100237")
    async with someone("de") as c:
        await c.says(ASKED["de"].format(order=order, proof="70173"))
        c.hears("utter_cancel_order_delivered_return")
        await c.presses("Retourenlabel")
        c.hears("utter_ask_return_reason")
        c.does_not_hear("utter_ask_order_id", "utter_ask_proof")
        await c.presses("Keine Angabe")
        c.hears("utter_return_label_propose")


async def test_no_means_no(someone: Someone, shop: LiveShop, records: Records) -> None:
    order = await shop.like("B-100235")
    async with someone("en") as c:
        await c.says(ASKED["en"].format(order=order, proof="20095"))
        c.hears("utter_cancel_order_propose_paid")
        await c.says("hmm no, keep it")
        c.hears("utter_proposal_dropped")
    assert records.changes(order) == []
