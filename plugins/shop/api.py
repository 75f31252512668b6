"""The ports Shop and Carrier: what an action may ask and change, and what it may count on.

Another plugin imports this module and nothing else of the shop. Everything here is typed and
frozen; every method is async and never blocks the event loop. `plugins.shop.testing` holds a
conformance class that any implementation must pass.

**Keys.** Every change carries the caller's key. The same key twice is one change: the second call
gets the first one's result, whatever became of the order since. `change_by_key` reads back what
became of a call whose answer was lost.

**Versions.** A change names the version of the order that it was decided on. When the order has
moved on, nothing is changed and OrderChanged is raised.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from plugins.shop.addresses import InvalidAddress, address_lines, clean_address, one_line
from plugins.shop.errors import (
    KeyReused,
    NotAllowed,
    OrderChanged,
    OrderNotFound,
    ShopError,
    ShopUnavailable,
)
from plugins.shop.forms import (
    PROOFS,
    STOP,
    STRONG_PROOFS,
    About,
    entities,
    fill_pair,
    may_read,
    next_of_pair,
    proven,
    read_order_and_proof,
    requested,
    wishes_else,
)
from plugins.shop.model import (
    LEFT,
    Allocation,
    ChangeDone,
    ChangeKind,
    Customer,
    Exclusion,
    Label,
    Line,
    Order,
    OrderState,
    Parcel,
    ParcelState,
    Payment,
    PaymentState,
    Permission,
    PostalAddress,
    Reason,
    Return,
    ReturnState,
)
from plugins.shop.orders import (
    EMAIL,
    GB_POSTCODE,
    find_order_number,
    normalise_email,
    normalise_order_number,
    normalise_postcode,
    same_email,
    same_secret,
)

__all__ = [
    "EMAIL",
    "GB_POSTCODE",
    "LEFT",
    "PROOFS",
    "STOP",
    "STRONG_PROOFS",
    "About",
    "Allocation",
    "Carrier",
    "ChangeDone",
    "ChangeKind",
    "Customer",
    "Exclusion",
    "InvalidAddress",
    "KeyReused",
    "Label",
    "Line",
    "NotAllowed",
    "Order",
    "OrderChanged",
    "OrderNotFound",
    "OrderState",
    "Parcel",
    "ParcelState",
    "Payment",
    "PaymentState",
    "Permission",
    "PostalAddress",
    "Reason",
    "Return",
    "ReturnState",
    "Shop",
    "ShopError",
    "ShopUnavailable",
    "address_lines",
    "clean_address",
    "entities",
    "fill_pair",
    "find_order_number",
    "may_read",
    "next_of_pair",
    "normalise_email",
    "normalise_order_number",
    "normalise_postcode",
    "one_line",
    "proven",
    "read_order_and_proof",
    "requested",
    "same_email",
    "same_secret",
    "wishes_else",
]


class Shop(Protocol):
    """An online shop's orders. Numbers come in any spelling that `normalise_order_number` reads.

    Every method may raise ShopUnavailable; after that the outcome of a change is unknown until
    `change_by_key` was asked.
    """

    async def order(self, number: str) -> Order:
        """The order as it is now. Raises OrderNotFound."""
        ...

    async def check_pair(self, number: str, secret: str) -> bool:
        """Whether `secret` is a postcode or the e-mail address of that order, in any spelling.

        False for an order that does not exist, after the same work, so that neither the answer nor
        its time tells which of the two was wrong.
        """
        ...

    async def check_phone(self, number: str, phone: str) -> bool:
        """Whether that order carries the phone number, as `+49...`; False for an unknown order."""
        ...

    async def check_email(self, number: str, email: str) -> bool:
        """Whether that order carries the e-mail address, in any spelling of it.

        False for an order that does not exist, after the same work.
        """
        ...

    async def email_of(self, number: str) -> str | None:
        """The e-mail address on that order, which codes go to.

        None for an order that has none or does not exist, after the same work.
        """
        ...

    async def change_address(
        self, number: str, address: PostalAddress, *, version: int, key: str
    ) -> ChangeDone:
        """Send it to `address`. Raises OrderNotFound, OrderChanged, NotAllowed, KeyReused."""
        ...

    async def delivers_to(self, country: str) -> bool:
        """Whether the shop sends parcels to that country (ISO 3166-1 alpha-2)."""
        ...

    async def cancel(self, number: str, *, version: int, key: str) -> ChangeDone:
        """Cancel the order; what was paid goes back. Raises as `change_address`."""
        ...

    async def register_return(
        self,
        number: str,
        lines: Sequence[Allocation],
        *,
        version: int,
        key: str,
        reason: str | None = None,
    ) -> ChangeDone:
        """Announce that `lines` come back; the return's id is `key`. Raises as `change_address`."""
        ...

    async def cancel_return(
        self, number: str, return_id: str, *, version: int, key: str
    ) -> ChangeDone:
        """Take an announced return back while nothing has arrived. Raises as `change_address`."""
        ...

    async def change_by_key(self, key: str) -> ChangeDone | None:
        """The change made under that key, or None: it did not happen, or has not arrived yet."""
        ...


class Carrier(Protocol):
    """Who brings parcels back to the shop."""

    name: str

    async def create_label(self, order: Order, sender: PostalAddress, *, key: str) -> Label:
        """A return label from `sender` to the shop; the same key again is the same label.

        Raises ShopUnavailable.
        """
        ...

    async def label_by_key(self, key: str) -> Label | None:
        """The label made under that key, or None. Raises ShopUnavailable."""
        ...
