"""The file format of `bot shop import`, which is also how the demo shop keeps an order.

A day is `2026-11-24`, or relative to the day of the import: `today`, `today-3`, `today+2`. The time
of an order is `2026-11-24T09:41:00+01:00` or `today-3T09:41` (UTC). The import turns relative days
into real ones, once; a relative Sunday becomes the Saturday before, or for `expected` the Monday
after, because nothing is delivered on a Sunday.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)

from plugins.shop.addresses import InvalidAddress, clean_address
from plugins.shop.model import Exclusion, ParcelState, PaymentState, PostalAddress, ReturnState
from plugins.shop.orders import EMAIL, normalise_order_number

_RELATIVE = re.compile(r"today([+-]\d{1,4})?(?:T(\d\d:\d\d))?")
_SUNDAY = 6


def _number(text: str) -> str:
    number = normalise_order_number(text)
    if number is None:
        raise ValueError("an order number has six digits, such as B-100234")
    return number


def _email(text: str) -> str:
    if EMAIL.fullmatch(text) is None:
        raise ValueError("not an e-mail address")
    return text


def _day(value: Any, info: ValidationInfo) -> Any:
    match = _RELATIVE.fullmatch(value) if isinstance(value, str) else None
    if match is None or match[2]:
        return value
    day = _today(info) + timedelta(days=int(match[1] or 0))
    if day.weekday() == _SUNDAY:
        day += timedelta(days=1 if info.field_name == "expected" else -1)
    return day


def _moment(value: Any, info: ValidationInfo) -> Any:
    match = _RELATIVE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    day = _today(info) + timedelta(days=int(match[1] or 0))
    return datetime.combine(day, time.fromisoformat(match[2] or "10:00"), tzinfo=UTC)


def _today(info: ValidationInfo) -> date:
    today = (info.context or {}).get("today")
    if not isinstance(today, date):
        raise ValueError("a relative day is only possible in a file that is imported")  # noqa: TRY004
    return today


Day = Annotated[date, BeforeValidator(_day)]
Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
Amount = Annotated[Decimal, Field(ge=0, max_digits=10, decimal_places=2)]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$")]


class Document(BaseModel):
    """The base of all parts: unknown fields are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AddressDocument(Document):
    """A postal address, checked by the rules of its country."""

    name: str = Field(min_length=1, max_length=100)
    street: str = Field(min_length=1, max_length=100)
    postal_code: str
    city: str
    country: Country = "DE"
    extra: str = Field(default="", max_length=100)

    @model_validator(mode="after")
    def _fits_its_country(self) -> Self:
        try:
            clean_address(self.plain())
        except InvalidAddress as error:
            raise ValueError(f"not an address of {self.country}: check {error}") from error
        return self

    def plain(self) -> PostalAddress:
        """The address as the port knows it."""
        return PostalAddress(**self.model_dump())


class CustomerDocument(Document):
    """Who ordered."""

    name: str = Field(min_length=1, max_length=100)
    email: Annotated[str, AfterValidator(_email)]
    phones: tuple[Annotated[str, Field(pattern=r"^\+\d{6,15}$")], ...] = ()
    language: Annotated[str, Field(pattern="^[a-z]{2}$")] = "de"


class LineDocument(Document):
    """A position; `price` is for one piece."""

    id: str = Field(min_length=1, max_length=40)
    product: str = Field(min_length=1, max_length=200)
    quantity: int = Field(default=1, ge=1, le=10_000)
    price: Amount
    excluded: Exclusion | None = None


class AllocationDocument(Document):
    """Pieces of a line, in a parcel or a return."""

    line: str
    quantity: int = Field(default=1, ge=1, le=10_000)


class ParcelDocument(Document):
    """A parcel and what lies in it."""

    id: str = Field(min_length=1, max_length=40)
    carrier: str = "Demo-Paket"
    state: ParcelState
    contents: tuple[AllocationDocument, ...] = Field(min_length=1)
    tracking: str | None = None
    tracking_url: str | None = None
    shipped: Day | None = None
    expected: Day | None = None
    delivered: Day | None = None

    @model_validator(mode="after")
    def _days_fit_the_state(self) -> Self:
        if (self.delivered is None) == (self.state is ParcelState.DELIVERED):
            raise ValueError("`delivered` is set exactly when the state is delivered")
        if (self.shipped is None) != (self.state is ParcelState.PREPARING):
            raise ValueError("`shipped` is set exactly when the parcel has left")
        if self.delivered and self.shipped and self.delivered < self.shipped:
            raise ValueError("delivered before it was shipped")
        return self


class PaymentDocument(Document):
    """How and whether it was paid."""

    method: str = Field(min_length=1, max_length=60)
    state: PaymentState = PaymentState.PAID
    refunded: Amount = Decimal(0)


class ReturnDocument(Document):
    """An announced return."""

    id: str = Field(min_length=1, max_length=100)
    state: ReturnState = ReturnState.REGISTERED
    lines: tuple[AllocationDocument, ...] = Field(min_length=1)
    registered: Day
    reason: str | None = Field(default=None, max_length=500)


class OrderDocument(Document):
    """An order. Its state follows from `cancelled` and the parcels; `billing` may be left out."""

    number: Annotated[str, AfterValidator(_number)]
    placed: Moment
    customer: CustomerDocument
    address: AddressDocument
    billing: AddressDocument | None = None
    lines: tuple[LineDocument, ...] = Field(min_length=1)
    parcels: tuple[ParcelDocument, ...] = ()
    shipping: Amount = Decimal(0)
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "EUR"
    payment: PaymentDocument
    returns: tuple[ReturnDocument, ...] = ()
    cancelled: Day | None = None

    @model_validator(mode="after")
    def _pieces_add_up(self) -> Self:
        ordered = {line.id: line.quantity for line in self.lines}
        if len(ordered) != len(self.lines):
            raise ValueError("two lines have the same id")
        for name, groups in (
            ("parcels", [parcel.contents for parcel in self.parcels]),
            ("returns", [back.lines for back in self.returns]),
        ):
            for line, pieces in _count(groups).items():
                if pieces > ordered.get(line, 0):
                    raise ValueError(f"{name}: more pieces of line {line} than were ordered")
        return self

    @property
    def total(self) -> Decimal:
        """What the customer pays: all lines and the shipping."""
        return sum((line.price * line.quantity for line in self.lines), self.shipping)


class ShopFile(Document):
    """The whole file: `{"orders": [...]}`."""

    orders: tuple[OrderDocument, ...]

    @model_validator(mode="after")
    def _numbers_differ(self) -> Self:
        for number, times in Counter(order.number for order in self.orders).items():
            if times > 1:
                raise ValueError(f"order {number} is in the file {times} times")
        return self


def _count(groups: list[tuple[AllocationDocument, ...]]) -> Counter[str]:
    pieces: Counter[str] = Counter()
    for group in groups:
        for allocation in group:
            pieces[allocation.line] += allocation.quantity
    return pieces
