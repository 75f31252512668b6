"""The demo shop and carrier: the ports' conformance, and what is their own."""

import asyncio
import json
import sqlite3
import threading
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from plugins.shop.api import (
    Allocation,
    ChangeKind,
    NotAllowed,
    OrderNotFound,
    OrderState,
    PostalAddress,
    Reason,
    ShopUnavailable,
)
from plugins.shop.carrier_demo import DemoCarrier
from plugins.shop.demo import DemoShop
from plugins.shop.settings import ShopSettings
from plugins.shop.testing import CarrierConformance, Samples, ShopConformance

TUESDAY = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


class Clock:
    def __init__(self, now: datetime = TUESDAY) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(tmp_path: Path, clock: Clock) -> DemoShop:
    return DemoShop(tmp_path / "data" / "shop.db", now=clock)


SAMPLES = Samples(
    changeable=("B-100235", "20095"),
    shipped=("B-100234", "50674"),
    returnable=("B-100237", "70173"),
    address=PostalAddress("Jörg Müller", "Lindenweg 4", "50674", "Köln", "DE"),
    unknown="B-999999",
)


class TestDemoShop(ShopConformance):
    @pytest.fixture
    def shop(self, tmp_path: Path, clock: Clock) -> DemoShop:
        return DemoShop(tmp_path / "shop.db", now=clock)

    @pytest.fixture
    def samples(self) -> Samples:
        return SAMPLES


class TestDemoCarrier(CarrierConformance):
    @pytest.fixture
    def shop(self, tmp_path: Path, clock: Clock) -> DemoShop:
        return DemoShop(tmp_path / "shop.db", now=clock)

    @pytest.fixture
    def carrier(self, shop: DemoShop) -> DemoCarrier:
        return DemoCarrier(shop.database)

    @pytest.fixture
    def samples(self) -> Samples:
        return SAMPLES


STATES = {
    "B-100234": (OrderState.SHIPPED, None),
    "B-100235": (OrderState.OPEN, Reason.NOT_SHIPPED),
    "B-100236": (OrderState.PACKED, Reason.NOT_SHIPPED),
    "B-100237": (OrderState.DELIVERED, None),
    "B-100238": (OrderState.DELIVERED, Reason.WINDOW_PASSED),
    "B-100239": (OrderState.CANCELLED, Reason.CANCELLED),
    "B-100240": (OrderState.SHIPPED, None),
    "B-100241": (OrderState.PARTLY_SHIPPED, None),
    "B-100242": (OrderState.DELIVERED, None),
    "B-100243": (OrderState.DELIVERED, Reason.NOTHING_RETURNABLE),
    "B-100252": (OrderState.DELIVERED, Reason.RETURNED),
    "B-100253": (OrderState.SHIPPED, Reason.NOTHING_RETURNABLE),
}


@pytest.mark.parametrize("number", STATES)
async def test_the_demo_orders_are_in_every_state(shop: DemoShop, number: str) -> None:
    order = await shop.order(number)
    assert (order.state, order.may(ChangeKind.RETURN).reason) == STATES[number]


@pytest.mark.parametrize("day", range(22, 29))
async def test_demo_days_are_true_on_every_weekday(tmp_path: Path, day: int) -> None:
    clock = Clock(datetime(2026, 11, day, 12, 0, tzinfo=UTC))
    shop = DemoShop(tmp_path / "shop.db", now=clock)
    for number in range(100234, 100255):
        order = await shop.order(str(number))
        assert order.placed <= clock.now
        for parcel in order.parcels:
            days = [one for one in (parcel.shipped, parcel.delivered) if one is not None]
            assert days == sorted(days)
            assert all(order.placed.date() <= one <= date(2026, 11, day) for one in days)
            assert parcel.expected is None or parcel.expected.weekday() != 6


async def test_an_order_with_one_excluded_item_sends_back_the_rest(shop: DemoShop) -> None:
    order = await shop.order("100242")
    assert order.returnable == (Allocation("1", 1),)
    with pytest.raises(NotAllowed) as caught:
        await shop.register_return(
            "100242", [Allocation("2", 1)], version=order.version, key="key-1"
        )
    assert caught.value.reason is Reason.NOTHING_RETURNABLE


async def test_the_window_ends_after_its_last_day(shop: DemoShop, clock: Clock) -> None:
    until = (await shop.order("100237")).returnable_until
    assert until == date(2026, 12, 19)  # delivered on the 19th of November, and 30 days
    clock.now = datetime(2026, 12, 19, 22, 59, tzinfo=UTC)  # 23:59 in Berlin
    assert (await shop.order("100237")).may(ChangeKind.RETURN).allowed
    clock.now = datetime(2026, 12, 19, 23, 0, tzinfo=UTC)
    assert (await shop.order("100237")).may(ChangeKind.RETURN).reason is Reason.WINDOW_PASSED


async def test_the_postcode_of_the_old_and_the_new_address_both_prove(shop: DemoShop) -> None:
    await shop.change_address("100235", SAMPLES.address, version=1, key="key-1")
    assert await shop.check_pair("100235", "50674")
    assert await shop.check_pair("100235", "20095")


async def test_nothing_goes_to_a_country_that_is_not_delivered_to(tmp_path: Path) -> None:
    shop = DemoShop(tmp_path / "shop.db", ShopSettings(countries=("DE",)))
    vienna = PostalAddress("Jörg Müller", "Ring 1", "1010", "Wien", "AT")
    with pytest.raises(NotAllowed) as caught:
        await shop.change_address("100235", vienna, version=1, key="key-1")
    assert caught.value.reason is Reason.NO_DELIVERY


async def test_an_unpaid_order_is_cancelled_without_a_refund(shop: DemoShop) -> None:
    done = await shop.cancel("100249", version=1, key="key-1")
    assert done.order.payment.refunded == 0


async def test_a_british_order_proves_with_any_spelling_of_its_postcode(shop: DemoShop) -> None:
    for secret in ("M3 4BB", "m34bb", " m3-4bb"):
        assert await shop.check_pair("100248", secret)


async def test_an_unknown_order_costs_a_pair_check_the_same(shop: DemoShop) -> None:
    """A guard against an early return: the two medians are close, and the work is the same."""
    await shop.check_pair("100234", "1")
    medians = []
    for number in ("100234", "999999"):
        times = []
        for _ in range(60):
            start = time.thread_time_ns()
            shop.database._run(lambda db, n=number: shop._pair(db, f"B-{n}", "1"), "BEGIN")
            times.append(time.thread_time_ns() - start)
        medians.append(sorted(times)[30])
    assert 0.5 < medians[0] / medians[1] < 2


async def test_the_event_loop_is_never_blocked(shop: DemoShop) -> None:
    """Another process holds the write lock for half a second; the loop goes on ticking."""
    await shop.order("100235")
    locked, release = threading.Event(), threading.Event()

    def hold() -> None:
        with sqlite3.connect(shop.database.path, isolation_level=None) as db:
            db.execute("BEGIN IMMEDIATE")
            locked.set()
            release.wait(5)
            db.execute("COMMIT")
        db.close()

    holder = threading.Thread(target=hold)
    holder.start()
    locked.wait(5)
    change = asyncio.create_task(shop.cancel("100235", version=1, key="key-1"))
    longest, last = 0.0, time.monotonic()
    for _ in range(25):
        await asyncio.sleep(0.02)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    assert not change.done()
    release.set()
    assert (await change).order.state is OrderState.CANCELLED
    holder.join()
    assert longest < 0.3


async def test_a_damaged_file_is_an_unavailable_shop(tmp_path: Path) -> None:
    (tmp_path / "shop.db").write_bytes(b"no database at all" * 1000)
    with pytest.raises(ShopUnavailable):
        await DemoShop(tmp_path / "shop.db").order("100234")


async def test_a_reset_forgets_changes_and_labels(shop: DemoShop) -> None:
    carrier = DemoCarrier(shop.database)
    done = await shop.cancel("100235", version=1, key="key-1")
    await carrier.create_label(done.order, done.order.address, key="key-1")
    await shop.reset()
    assert (await shop.order("100235")).state is OrderState.OPEN
    assert await shop.change_by_key("key-1") is None
    assert await carrier.label_by_key("key-1") is None


async def test_the_card_of_an_order_is_flat_text(shop: DemoShop) -> None:
    card = await shop.order_facts("100234")
    assert card is not None
    assert json.loads(json.dumps(card)) == card
    assert card["address"] == "Aachener Straße 12, 50674 Köln"
    assert await shop.order_facts("999999") is None


async def test_the_records_name_every_change_of_an_order(shop: DemoShop) -> None:
    await shop.change_address("100235", SAMPLES.address, version=1, key="key-1")
    await shop.cancel("100235", version=2, key="key-2")
    records = await shop.records("B-100235")
    assert [(one["key"], one["kind"]) for one in records["changes"]] == [
        ("key-1", "address"),
        ("key-2", "cancel"),
    ]


async def test_first_use_by_many_at_once_fills_the_shop_once(tmp_path: Path) -> None:
    shops = [DemoShop(tmp_path / "shop.db") for _ in range(8)]
    orders = await asyncio.gather(*(shop.order("100234") for shop in shops))
    assert {order.version for order in orders} == {1}


async def test_a_text_that_is_no_number_is_no_order(shop: DemoShop) -> None:
    with pytest.raises(OrderNotFound):
        await shop.cancel("B-12", version=1, key="key-1")
    assert not await shop.check_pair("B-12", "50674")
