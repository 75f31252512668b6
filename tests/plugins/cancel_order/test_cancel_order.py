"""Cancelling, asked like a customer asks; what happened is read from the shop."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.core import Core
from bot.store.codec import utc_now
from plugins.cancel_order.action import CancelOrder
from plugins.shop.api import OrderState, ShopUnavailable
from plugins.shop.carrier_demo import DemoCarrier
from plugins.shop.demo import DemoShop


def build(shop: DemoShop, _carrier: DemoCarrier, _core: Core) -> CancelOrder:
    return CancelOrder(shop)


CANCEL = ("100235, PLZ 20095 bitte stornieren", "cancel_order")


async def changes(shop: DemoShop, number: str = "B-100235") -> list[str]:
    return [one["kind"] for one in (await shop.records(number))["changes"]]


async def test_it_is_read_back_and_done_after_a_yes(talking: Any) -> None:
    async with talking(build) as talk:
        asked = await talk.says(*CANCEL)
        assert "Soll ich das tun?" in asked
        assert "1 × Wanderrucksack 30 l, oliv und 2 × Trinkflasche 1 l" in asked
        assert "110,30\u00a0€" in asked
        assert await changes(talk.shop) == []
        done = await talk.presses("Ja")
        assert "ist storniert" in done
        assert "110,30\u00a0€" in done
        assert await changes(talk.shop) == ["cancel"]
        assert (await talk.shop.order("100235")).state is OrderState.CANCELLED


async def test_two_times_yes_is_one_cancellation(talking: Any) -> None:
    async with talking(build) as talk:
        await talk.says(*CANCEL)
        await talk.says("ja")
        again = await talk.says("ja!")
        assert "ist storniert" in again
        assert await changes(talk.shop) == ["cancel"]


async def test_a_no_changes_nothing(talking: Any) -> None:
    async with talking(build) as talk:
        await talk.says(*CANCEL)
        await talk.says("nein")
        await talk.says("ja")
        assert await changes(talk.shop) == []


async def test_without_the_pair_nothing_is_offered(talking: Any) -> None:
    async with talking(build) as talk:
        answer = await talk.says("100235, PLZ 50674 stornieren", "cancel_order")
        assert "Soll ich" not in answer
        await talk.says("ja")
        assert await changes(talk.shop) == []


@pytest.mark.parametrize(
    ("number", "postcode", "told", "button"),
    [
        ("100234", "50674", "schon unterwegs", "Retourenlabel"),
        ("100237", "70173", "schon zugestellt", "Retourenlabel"),
        ("100241", "24105", "Ein Teil Ihrer Bestellung", "Retourenlabel"),
        ("100238", "04109", "nicht mehr stornieren", "Ja, bitte"),
        ("100253", "04109", "nicht mehr stornieren", "Ja, bitte"),
        ("100239", "10119", "schon storniert", None),
    ],
)
async def test_what_cannot_be_cancelled_gets_another_way(
    talking: Any, number: str, postcode: str, told: str, button: str | None
) -> None:
    async with talking(build) as talk:
        answer = await talk.says(f"{number} PLZ {postcode} stornieren", "cancel_order")
        assert told in answer
        assert "–" not in answer
        assert button is None or button in talk.buttons
        assert await changes(talk.shop, f"B-{number}") == []


async def test_an_unpaid_order_has_nothing_to_give_back(talking: Any) -> None:
    async with talking(build, language="en") as talk:
        asked = await talk.says("cancel 100249, postcode 14059", "cancel_order")
        assert "You won't have to pay anything" in asked
        assert "There is nothing to pay" in await talk.says("yes")


async def test_an_order_that_moved_on_is_not_cancelled(talking: Any) -> None:
    async with talking(build) as talk:
        await talk.says(*CANCEL)
        order = await talk.shop.order("100235")
        await talk.shop.change_address(
            "100235", order.billing, version=order.version, key="somebody else"
        )
        assert "noch nichts storniert" in await talk.says("ja")
        assert await changes(talk.shop) == ["address"]
        assert "Soll ich das tun?" in await talk.presses("Noch einmal versuchen")
        assert "ist storniert" in await talk.says("ja")


async def test_an_answer_that_got_lost_is_read_back_and_not_repeated(talking: Any) -> None:
    class Lossy(DemoShop):
        calls = 0

        async def cancel(self, number: str, *, version: int, key: str) -> Any:
            self.calls += 1
            await super().cancel(number, version=version, key=key)
            raise ShopUnavailable

    async with talking(build) as talk:
        lossy = Lossy(talk.shop.database.path)
        talk.world.core.actions.add(CancelOrder(lossy))
        await talk.says(*CANCEL)
        assert "ist storniert" in await talk.says("ja")
        assert lossy.calls == 1
        assert await changes(talk.shop) == ["cancel"]


async def test_a_cancellation_nobody_knows_about_goes_to_the_desk(talking: Any) -> None:
    class Gone(DemoShop):
        async def cancel(self, number: str, *, version: int, key: str) -> Any:
            raise ShopUnavailable

    async with talking(build) as talk:
        talk.world.core.actions.add(CancelOrder(Gone(talk.shop.database.path)))
        await talk.says(*CANCEL)
        await talk.says("ja")
        await asyncio.wait_for(talk.world.desk.wait_card(1, lambda card: True), 5)
        assert talk.world.desk.cards[1].reason == "outcome_unknown"
        assert await changes(talk.shop) == []


async def test_a_proposal_lapses(talking: Any) -> None:
    async with talking(build) as talk:
        await talk.says(*CANCEL)
        talk.clock.now = utc_now() + timedelta(minutes=16)
        await talk.says("ja")
        assert await changes(talk.shop) == []
