"""What every Shop and every Carrier must do, as test classes to inherit from.

class TestMyShop(ShopConformance):
    @pytest.fixture
    def shop(self, tmp_path): ...
    @pytest.fixture
    def samples(self): return Samples(changeable=("B-100235", "20095"), ...)
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import pytest

from plugins.shop.api import (
    Carrier,
    ChangeDone,
    ChangeKind,
    KeyReused,
    NotAllowed,
    OrderChanged,
    OrderNotFound,
    OrderState,
    PostalAddress,
    ReturnState,
    Shop,
)

PARALLEL = 50


@dataclass(frozen=True, slots=True)
class Samples:
    """Orders of the shop under test, as (number, postcode).

    `changeable` is paid and may get an address and be cancelled, `shipped` may not, `returnable`
    may come back; `address` is one that the shop delivers to; `unknown` is no order's number.
    """

    changeable: tuple[str, str]
    shipped: tuple[str, str]
    returnable: tuple[str, str]
    address: PostalAddress
    unknown: str


class ShopConformance:
    """Override `shop` (fresh for each test) and `samples`."""

    @pytest.fixture
    def shop(self) -> Shop:
        """The shop under test."""
        raise NotImplementedError

    @pytest.fixture
    def samples(self) -> Samples:
        """The orders to test with."""
        raise NotImplementedError

    async def test_an_order_tells_its_facts(self, shop: Shop, samples: Samples) -> None:
        order = await shop.order(samples.changeable[0])
        assert order.number == samples.changeable[0]
        assert order.placed.tzinfo is not None
        assert order.total >= sum(line.price * line.quantity for line in order.lines) > 0
        assert {permission.kind for permission in order.permissions} == set(ChangeKind)
        packed = [item.line for parcel in order.parcels for item in parcel.contents]
        assert set(packed) <= {line.id for line in order.lines}

    async def test_an_unknown_order_is_not_found(self, shop: Shop, samples: Samples) -> None:
        for number in (samples.unknown, "", "x" * 10_000, "'; DROP TABLE orders; --"):
            with pytest.raises(OrderNotFound):
                await shop.order(number)

    async def test_a_pair_is_right_in_any_spelling(self, shop: Shop, samples: Samples) -> None:
        number, postcode = samples.changeable
        email = (await shop.order(number)).customer.email
        for secret in (postcode, f" {postcode} ", email, email.upper(), f" {email}\u200b"):
            assert await shop.check_pair(number, secret), secret

    async def test_a_wrong_pair_and_an_unknown_order_look_alike(
        self, shop: Shop, samples: Samples
    ) -> None:
        number, _ = samples.changeable
        other = (await shop.order(samples.shipped[0])).customer.email
        for secret in ("", "0", other, "nobody@invalid.example", "99999", "\x00"):
            assert await shop.check_pair(number, secret) is False
            assert await shop.check_pair(samples.unknown, secret) is False

    async def test_a_phone_number_is_on_an_order_or_not(self, shop: Shop, samples: Samples) -> None:
        number, _ = samples.changeable
        phones = (await shop.order(number)).customer.phones
        assert phones, "the sample order must carry a phone number"
        assert await shop.check_phone(number, phones[0])
        for phone in ("", "+490000000000", phones[0][1:], "\x00"):
            assert await shop.check_phone(number, phone) is False
        assert await shop.check_phone(samples.unknown, phones[0]) is False

    async def test_an_email_address_is_on_an_order_or_not(
        self, shop: Shop, samples: Samples
    ) -> None:
        number, postcode = samples.changeable
        email = (await shop.order(number)).customer.email
        other = (await shop.order(samples.shipped[0])).customer.email
        for spelling in (email, email.upper(), f" {email} "):
            assert await shop.check_email(number, spelling), spelling
        for wrong in ("", postcode, other, email[1:], f"{email}.example", "\x00"):
            assert await shop.check_email(number, wrong) is False, wrong
        assert await shop.check_email(samples.unknown, email) is False

    async def test_a_code_goes_to_the_address_on_the_order(
        self, shop: Shop, samples: Samples
    ) -> None:
        number, _ = samples.changeable
        assert await shop.email_of(number) == (await shop.order(number)).customer.email
        for unknown in (samples.unknown, "", "x" * 10_000, "'; DROP TABLE orders; --"):
            assert await shop.email_of(unknown) is None

    async def test_an_address_is_changed_once(self, shop: Shop, samples: Samples) -> None:
        number, _ = samples.changeable
        before = await shop.order(number)
        first = await _move(shop, samples, before.version, "key-1")
        again = await _move(shop, samples, before.version, "key-1")
        assert (again.at, again.order, again.previous) == (first.at, first.order, first.previous)
        after = await shop.order(number)
        assert after.address == samples.address
        assert first.previous == before.address
        assert after.version > before.version
        assert first.order == after

    async def test_a_key_names_one_change_only(self, shop: Shop, samples: Samples) -> None:
        number, _ = samples.changeable
        before = await shop.order(number)
        await _move(shop, samples, before.version, "key-1")
        after = await shop.order(number)
        with pytest.raises(KeyReused):
            await shop.cancel(number, version=after.version, key="key-1")
        assert await shop.order(number) == after

    async def test_a_change_on_an_old_version_changes_nothing(
        self, shop: Shop, samples: Samples
    ) -> None:
        number, _ = samples.changeable
        before = await shop.order(number)
        await _move(shop, samples, before.version, "key-1")
        after = await shop.order(number)
        with pytest.raises(OrderChanged) as caught:
            await shop.cancel(number, version=before.version, key="key-2")
        assert caught.value.current == after.version
        assert await shop.order(number) == after
        assert await shop.change_by_key("key-2") is None

    async def test_many_calls_with_one_key_are_one_change(
        self, shop: Shop, samples: Samples
    ) -> None:
        before = await shop.order(samples.changeable[0])
        done = await asyncio.gather(
            *(_move(shop, samples, before.version, "key-1") for _ in range(PARALLEL))
        )
        assert len({(one.at, one.order.version) for one in done}) == 1
        assert (await shop.order(before.number)).version == done[0].order.version

    async def test_many_keys_on_one_version_are_one_change(
        self, shop: Shop, samples: Samples
    ) -> None:
        before = await shop.order(samples.changeable[0])
        done = await asyncio.gather(
            *(_move(shop, samples, before.version, f"key-{i}") for i in range(PARALLEL)),
            return_exceptions=True,
        )
        assert sum(isinstance(one, ChangeDone) for one in done) == 1
        assert sum(isinstance(one, OrderChanged) for one in done) == PARALLEL - 1

    async def test_a_change_is_found_by_its_key(self, shop: Shop, samples: Samples) -> None:
        before = await shop.order(samples.changeable[0])
        assert await shop.change_by_key("key-1") is None
        done = await _move(shop, samples, before.version, "key-1")
        assert await shop.change_by_key("key-1") == done

    async def test_a_forbidden_change_says_why(self, shop: Shop, samples: Samples) -> None:
        order = await shop.order(samples.shipped[0])
        expected = order.may(ChangeKind.CANCEL).reason
        assert expected is not None
        with pytest.raises(NotAllowed) as caught:
            await shop.cancel(order.number, version=order.version, key="key-1")
        assert caught.value.reason is expected
        assert await shop.change_by_key("key-1") is None

    async def test_an_impossible_address_is_refused(self, shop: Shop, samples: Samples) -> None:
        order = await shop.order(samples.changeable[0])
        for wrong in ({"postal_code": "1"}, {"city": ""}, {"country": "XX"}):
            with pytest.raises(NotAllowed):
                await shop.change_address(
                    order.number,
                    replace(samples.address, **wrong),
                    version=order.version,
                    key="key-1",
                )
        assert await shop.order(order.number) == order

    async def test_the_shop_knows_where_it_delivers_to(self, shop: Shop, samples: Samples) -> None:
        assert await shop.delivers_to(samples.address.country)
        assert not await shop.delivers_to("XX")

    async def test_cancelling_gives_the_money_back(self, shop: Shop, samples: Samples) -> None:
        order = await shop.order(samples.changeable[0])
        done = await shop.cancel(order.number, version=order.version, key="key-1")
        assert done.order.state is OrderState.CANCELLED
        assert done.order.payment.refunded == order.total
        assert not any(one.allowed for one in done.order.permissions)

    async def test_a_return_is_announced_and_taken_back(self, shop: Shop, samples: Samples) -> None:
        order = await shop.order(samples.returnable[0])
        made = await shop.register_return(
            order.number, order.returnable, version=order.version, key="key-1", reason="zu klein"
        )
        assert made.return_id == "key-1"
        assert [one.reason for one in made.order.returns] == ["zu klein"]
        assert made.order.returnable == ()
        undone = await shop.cancel_return(
            order.number, "key-1", version=made.order.version, key="key-2"
        )
        assert [one.state for one in undone.order.returns] == [ReturnState.CANCELLED]
        assert undone.order.returnable == order.returnable

    async def test_pieces_that_were_not_bought_cannot_come_back(
        self, shop: Shop, samples: Samples
    ) -> None:
        order = await shop.order(samples.returnable[0])
        line = order.returnable[0]
        for wrong in (replace(line, quantity=line.quantity + 1), replace(line, line="none")):
            with pytest.raises(NotAllowed):
                await shop.register_return(
                    order.number, [wrong], version=order.version, key="key-1"
                )


class CarrierConformance:
    """Override `carrier` (fresh for each test), `shop` and `samples`."""

    @pytest.fixture
    def carrier(self, shop: Shop) -> Carrier:
        """The carrier under test."""
        raise NotImplementedError

    async def test_a_label_can_be_printed(
        self, carrier: Carrier, shop: Shop, samples: Samples
    ) -> None:
        order = await shop.order(samples.returnable[0])
        label = await carrier.create_label(order, order.address, key="key-1")
        assert label.pdf.startswith(b"%PDF-")
        assert label.qr_png.startswith(b"\x89PNG\r\n")
        assert label.tracking

    async def test_a_key_is_one_label(self, carrier: Carrier, shop: Shop, samples: Samples) -> None:
        order = await shop.order(samples.returnable[0])
        assert await carrier.label_by_key("key-1") is None
        labels = await asyncio.gather(
            *(carrier.create_label(order, order.address, key="key-1") for _ in range(10))
        )
        other = await carrier.create_label(order, order.address, key="key-2")
        assert len(set(labels)) == 1
        assert other.tracking != labels[0].tracking
        assert await carrier.label_by_key("key-1") == labels[0]


async def _move(shop: Shop, samples: Samples, version: int, key: str) -> ChangeDone:
    return await shop.change_address(
        samples.changeable[0], samples.address, version=version, key=key
    )
