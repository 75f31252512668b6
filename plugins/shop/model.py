"""What a shop knows about an order, as frozen dataclasses. Import them from `plugins.shop.api`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class OrderState(StrEnum):
    """Where an order stands; a split order is `PARTLY_SHIPPED` until its last parcel has left."""

    OPEN = "open"
    PACKED = "packed"
    PARTLY_SHIPPED = "partly_shipped"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class ParcelState(StrEnum):
    """Where one parcel is; `RETURNED` means that it came back to the sender undelivered."""

    PREPARING = "preparing"
    SHIPPED = "shipped"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERED = "delivered"
    RETURNED = "returned"


LEFT = frozenset({ParcelState.SHIPPED, ParcelState.OUT_FOR_DELIVERY, ParcelState.DELIVERED})
"""States of a parcel whose goods are on the way to the customer or already there."""


class PaymentState(StrEnum):
    """What became of the money. `AWAITED` holds the parcel back, `OPEN` does not (an invoice)."""

    OPEN = "open"
    AWAITED = "awaited"
    PAID = "paid"
    REFUND_PENDING = "refund_pending"
    REFUNDED = "refunded"


class Exclusion(StrEnum):
    """Why a line cannot be sent back (the exceptions of EU directive 2011/83, article 16)."""

    HYGIENE = "hygiene"
    MADE_TO_ORDER = "made_to_order"
    PERISHABLE = "perishable"
    UNSEALED_MEDIA = "unsealed_media"
    VOUCHER = "voucher"


class ChangeKind(StrEnum):
    """What the shop lets us change in an order."""

    ADDRESS = "address"
    CANCEL = "cancel"
    RETURN = "return"
    CANCEL_RETURN = "cancel_return"


class Reason(StrEnum):
    """Why a change is not possible now; each has a text of its own in the actions."""

    SHIPPED = "shipped"
    PARTLY_SHIPPED = "partly_shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    NOT_SHIPPED = "not_shipped"
    WINDOW_PASSED = "window_passed"
    NOTHING_RETURNABLE = "nothing_returnable"
    RETURNED = "returned"
    NO_RETURN = "no_return"
    BAD_ADDRESS = "bad_address"
    NO_DELIVERY = "no_delivery"


class ReturnState(StrEnum):
    """Where a return stands."""

    REGISTERED = "registered"
    RECEIVED = "received"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """Where a parcel goes. `street` holds the house number too, `country` is ISO 3166-1 alpha-2."""

    name: str
    street: str
    postal_code: str
    city: str
    country: str
    extra: str = ""


@dataclass(frozen=True, slots=True)
class Customer:
    """Who ordered. Phone numbers are in E.164 form (`+49221...`)."""

    name: str
    email: str
    phones: tuple[str, ...] = ()
    language: str = "de"


@dataclass(frozen=True, slots=True)
class Line:
    """One position of an order. `price` is for one piece, gross, in the order's currency."""

    id: str
    product: str
    quantity: int
    price: Decimal
    excluded: Exclusion | None = None


@dataclass(frozen=True, slots=True)
class Allocation:
    """How many pieces of a line lie in a parcel."""

    line: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """One parcel. Days are the shop's calendar days; `expected` may move, the other two do not."""

    id: str
    carrier: str
    state: ParcelState
    contents: tuple[Allocation, ...]
    tracking: str | None = None
    tracking_url: str | None = None
    shipped: date | None = None
    expected: date | None = None
    delivered: date | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """How it was paid. `refunded` is the amount given back or on its way back."""

    method: str
    state: PaymentState
    refunded: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Return:
    """Goods that a customer announced to send back. `id` is the key of the change that made it."""

    id: str
    state: ReturnState
    lines: tuple[Allocation, ...]
    registered: date
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether a kind of change is possible now; `reason` says why not, and is None when it is."""

    kind: ChangeKind
    reason: Reason | None = None

    @property
    def allowed(self) -> bool:
        """True when the shop would do it now."""
        return self.reason is None


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the shop read it; a change names its `version` and fails when it has moved on.

    `returnable` are the pieces that could go back now, `returnable_until` the last day for it (None
    while nothing was delivered: the window has not begun).
    """

    number: str
    version: int
    state: OrderState
    placed: datetime
    customer: Customer
    address: PostalAddress
    billing: PostalAddress
    lines: tuple[Line, ...]
    parcels: tuple[Parcel, ...]
    total: Decimal
    currency: str
    payment: Payment
    permissions: tuple[Permission, ...]
    returns: tuple[Return, ...] = ()
    returnable: tuple[Allocation, ...] = ()
    returnable_until: date | None = None

    def may(self, kind: ChangeKind) -> Permission:
        """What the shop says about this kind of change; a kind it does not name raises KeyError."""
        for permission in self.permissions:
            if permission.kind is kind:
                return permission
        raise KeyError(kind)

    def line(self, line_id: str) -> Line:
        """The line with that id; raises KeyError."""
        for line in self.lines:
            if line.id == line_id:
                return line
        raise KeyError(line_id)


@dataclass(frozen=True, slots=True)
class ChangeDone:
    """A change that the shop made, kept under the caller's key.

    `order` is the order right after the change; `previous` the address before an address change.
    """

    key: str
    kind: ChangeKind
    at: datetime
    order: Order
    previous: PostalAddress | None = None
    return_id: str | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """A shipping label: a printable PDF, and a QR code (PNG) from which a parcel shop prints it."""

    key: str
    carrier: str
    tracking: str
    pdf: bytes
    qr_png: bytes
