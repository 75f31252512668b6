"""The demo shop: a real shop in SQLite, with rules, versions and keys, and orders in every state.

docs/reference/demo-shop.md lists the orders.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from plugins.shop.addresses import InvalidAddress, clean_address
from plugins.shop.database import Database
from plugins.shop.errors import KeyReused, NotAllowed, OrderChanged, OrderNotFound
from plugins.shop.facts import order_card
from plugins.shop.model import (
    Allocation,
    ChangeDone,
    ChangeKind,
    Order,
    PaymentState,
    PostalAddress,
    Reason,
    ReturnState,
)
from plugins.shop.orders import normalise_order_number, same_email, same_secret
from plugins.shop.rules import read_order
from plugins.shop.schema import (
    AddressDocument,
    AllocationDocument,
    OrderDocument,
    ReturnDocument,
    ShopFile,
)
from plugins.shop.settings import ShopSettings

SEED = Path(__file__).with_name("demo_orders.json")

Edit = Callable[[OrderDocument], OrderDocument]


def utc_now() -> datetime:
    """The clock of a shop that is not under test."""
    return datetime.now(UTC)


class DemoShop:
    """A Shop in the file `path`; a new file is filled with the demo orders at its first use."""

    def __init__(
        self,
        path: Path,
        settings: ShopSettings | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.settings = settings or ShopSettings()
        self._now = now
        self.database = Database(path, self._seed)

    async def order(self, number: str) -> Order:
        """As in the port."""
        wanted = _canonical(number)
        return await self.database.read(lambda db: self._order(*_load(db, wanted)))

    async def check_pair(self, number: str, secret: str) -> bool:
        """As in the port. An order that does not exist is compared with a decoy."""
        wanted = normalise_order_number(number) or ""

        return await self.database.read(lambda db: self._pair(db, wanted, secret))

    async def check_phone(self, number: str, phone: str) -> bool:
        """As in the port. An order that does not exist is compared with a decoy."""
        document, there = await self._document(number)
        return phone in document.customer.phones and there

    async def check_email(self, number: str, email: str) -> bool:
        """As in the port. An order that does not exist is compared with a decoy."""
        document, there = await self._document(number)
        return same_email(email, document.customer.email) and there

    async def email_of(self, number: str) -> str | None:
        """As in the port. For an order that does not exist a decoy is read."""
        document, there = await self._document(number)
        return document.customer.email if there else None

    async def _document(self, number: str) -> tuple[OrderDocument, bool]:
        wanted = normalise_order_number(number) or ""
        return await self.database.read(lambda db: _or_decoy(db, wanted))

    async def change_address(
        self, number: str, address: PostalAddress, *, version: int, key: str
    ) -> ChangeDone:
        """As in the port; NotAllowed also for an address that its country does not know."""
        request = {"version": version, "address": _plain_address(address)}

        def edit(document: OrderDocument) -> OrderDocument:
            new = self._deliverable(address)
            old = document.billing or document.address
            return document.model_copy(update={"address": new, "billing": old})

        return await self._change(number, ChangeKind.ADDRESS, version, key, request, edit)

    async def delivers_to(self, country: str) -> bool:
        """As in the port."""
        return country in self.settings.countries

    async def cancel(self, number: str, *, version: int, key: str) -> ChangeDone:
        """As in the port."""

        def edit(document: OrderDocument) -> OrderDocument:
            payment = document.payment
            if payment.state is PaymentState.PAID:
                back = {"state": PaymentState.REFUND_PENDING, "refunded": document.total}
                payment = payment.model_copy(update=back)
            update = {"cancelled": self.today(), "payment": payment, "parcels": ()}
            return document.model_copy(update=update)

        request = {"version": version}
        return await self._change(number, ChangeKind.CANCEL, version, key, request, edit)

    async def register_return(
        self,
        number: str,
        lines: Sequence[Allocation],
        *,
        version: int,
        key: str,
        reason: str | None = None,
    ) -> ChangeDone:
        """As in the port; NotAllowed also for pieces that are not returnable."""
        pieces = tuple(AllocationDocument(line=one.line, quantity=one.quantity) for one in lines)
        request = {
            "version": version,
            "lines": [[one.line, one.quantity] for one in lines],
            "reason": reason,
        }

        def edit(document: OrderDocument) -> OrderDocument:
            self._check_pieces(document, lines)
            new = ReturnDocument(id=key, lines=pieces, registered=self.today(), reason=reason)
            return document.model_copy(update={"returns": (*document.returns, new)})

        return await self._change(number, ChangeKind.RETURN, version, key, request, edit)

    async def cancel_return(
        self, number: str, return_id: str, *, version: int, key: str
    ) -> ChangeDone:
        """As in the port."""

        def edit(document: OrderDocument) -> OrderDocument:
            registered = {one.id for one in document.returns if one.state is ReturnState.REGISTERED}
            if return_id not in registered:
                raise NotAllowed(Reason.NO_RETURN)
            returns = tuple(
                one.model_copy(update={"state": ReturnState.CANCELLED})
                if one.id == return_id
                else one
                for one in document.returns
            )
            return document.model_copy(update={"returns": returns})

        request = {"version": version, "return_id": return_id}
        return await self._change(number, ChangeKind.CANCEL_RETURN, version, key, request, edit)

    async def change_by_key(self, key: str) -> ChangeDone | None:
        """As in the port."""
        return await self.database.read(lambda db: self._earlier(db, key))

    async def order_facts(self, subject: str) -> Mapping[str, Any] | None:
        """As in the port `OrderFacts` of the core."""
        try:
            return order_card(await self.order(subject))
        except OrderNotFound:
            return None

    async def records(self, number: str) -> dict[str, list[dict[str, Any]]]:
        """The changes and labels of an order (canonical number), oldest first, as plain data."""

        def work(db: sqlite3.Connection) -> dict[str, list[dict[str, Any]]]:
            return {
                "changes": _rows(db, "key, kind, at, version", "changes", number),
                "labels": _rows(db, "key, tracking, carrier, at", "labels", number),
            }

        return await self.database.read(work)

    async def put(self, orders: Sequence[OrderDocument]) -> None:
        """Write these orders over what is there; an order that exists gets a higher version."""
        await self.database.write(lambda db: _put(db, orders))

    async def reset(self) -> None:
        """Throw everything away and begin with the demo orders, their days relative to today."""

        def work(db: sqlite3.Connection) -> None:
            for table in ("orders", "changes", "labels"):
                db.execute(f"DELETE FROM {table}")  # noqa: S608 (our own names)
            self._seed(db)

        await self.database.write(work)

    def today(self) -> date:
        """The shop's calendar day."""
        return self._now().astimezone(ZoneInfo(self.settings.timezone)).date()

    async def _change(
        self,
        number: str,
        kind: ChangeKind,
        version: int,
        key: str,
        request: dict[str, Any],
        edit: Edit,
    ) -> ChangeDone:
        wanted, asked = _canonical(number), json.dumps(request, sort_keys=True)

        def work(db: sqlite3.Connection) -> ChangeDone:
            if _used(db, key, wanted, kind, asked):
                return self._require(db, key)
            document, current = _load(db, wanted)
            if current != version:
                raise OrderChanged(current)
            if (reason := self._order(document, version).may(kind).reason) is not None:
                raise NotAllowed(reason)
            after = edit(document)
            _record(db, (key, wanted, kind, self._now(), asked), version + 1, (document, after))
            return self._require(db, key)

        return await self.database.write(work)

    @staticmethod
    def _pair(db: sqlite3.Connection, number: str, secret: str) -> bool:
        document, there = _or_decoy(db, number)
        billing = document.billing or document.address
        postcodes = (document.address.postal_code, billing.postal_code)
        return same_secret(secret, postcodes, document.customer.email) and there

    def _order(self, document: OrderDocument, version: int) -> Order:
        return read_order(document, version, self.today(), self.settings.return_days)

    def _earlier(self, db: sqlite3.Connection, key: str) -> ChangeDone | None:
        row = db.execute(
            "SELECT kind, at, version, before, after, request FROM changes WHERE key = ?", (key,)
        ).fetchone()
        if row is None:
            return None
        kind, at, version, before, after, request = row
        kind = ChangeKind(kind)
        old = OrderDocument.model_validate_json(before).address.plain()
        return ChangeDone(
            key=key,
            kind=kind,
            at=datetime.fromisoformat(at),
            order=self._order(OrderDocument.model_validate_json(after), version),
            previous=old if kind is ChangeKind.ADDRESS else None,
            return_id=key if kind is ChangeKind.RETURN else json.loads(request).get("return_id"),
        )

    def _require(self, db: sqlite3.Connection, key: str) -> ChangeDone:
        done = self._earlier(db, key)
        if done is None:  # pragma: no cover - read in the transaction that wrote it
            raise KeyError(key)
        return done

    def _deliverable(self, address: PostalAddress) -> AddressDocument:
        if address.country not in self.settings.countries:
            raise NotAllowed(Reason.NO_DELIVERY)
        try:
            return AddressDocument(**_plain_address(clean_address(address)))
        except (InvalidAddress, ValueError) as error:
            raise NotAllowed(Reason.BAD_ADDRESS) from error

    def _check_pieces(self, document: OrderDocument, lines: Sequence[Allocation]) -> None:
        there = {one.line: one.quantity for one in self._order(document, 0).returnable}
        wanted: dict[str, int] = {}
        for one in lines:
            wanted[one.line] = wanted.get(one.line, 0) + one.quantity
        if not wanted or any(wanted[line] > there.get(line, 0) for line in wanted):
            raise NotAllowed(Reason.NOTHING_RETURNABLE)

    def _seed(self, db: sqlite3.Connection) -> None:
        context = {"today": self.today()}
        text = SEED.read_text(encoding="utf-8")
        _put(db, ShopFile.model_validate_json(text, context=context).orders)


def _canonical(number: str) -> str:
    canonical = normalise_order_number(number)
    if canonical is None:
        raise OrderNotFound
    return canonical


def _or_decoy(db: sqlite3.Connection, number: str) -> tuple[OrderDocument, bool]:
    """An order, or one that nobody has, in the same time; and whether it was there."""
    row = db.execute("SELECT document FROM orders WHERE number = ?", (number,)).fetchone()
    return OrderDocument.model_validate_json(row[0] if row else _DECOY), row is not None


def _load(db: sqlite3.Connection, number: str) -> tuple[OrderDocument, int]:
    row = db.execute("SELECT document, version FROM orders WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise OrderNotFound
    return OrderDocument.model_validate_json(row[0]), row[1]


def _record(
    db: sqlite3.Connection,
    change: tuple[str, str, ChangeKind, datetime, str],
    version: int,
    documents: tuple[OrderDocument, OrderDocument],
) -> None:
    key, number, kind, at, request = change
    before, after = (document.model_dump_json() for document in documents)
    db.execute(
        "UPDATE orders SET version = ?, document = ? WHERE number = ?", (version, after, number)
    )
    db.execute(
        "INSERT INTO changes (key, number, kind, at, request, version, before, after)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (key, number, kind, at.isoformat(), request, version, before, after),
    )


def _rows(db: sqlite3.Connection, columns: str, table: str, number: str) -> list[dict[str, Any]]:
    rows = db.execute(
        f"SELECT {columns} FROM {table} WHERE number = ? ORDER BY id",  # noqa: S608 (our own names)
        (number,),
    )
    return [dict(zip(columns.split(", "), row, strict=True)) for row in rows]


def _used(db: sqlite3.Connection, key: str, number: str, kind: ChangeKind, request: str) -> bool:
    row = db.execute("SELECT number, kind, request FROM changes WHERE key = ?", (key,)).fetchone()
    if row is not None and tuple(row) != (number, kind.value, request):
        raise KeyReused(key)
    return row is not None


def _plain_address(address: PostalAddress) -> dict[str, str]:
    return {name: getattr(address, name) for name in PostalAddress.__slots__}


def _put(db: sqlite3.Connection, orders: Sequence[OrderDocument]) -> None:
    db.executemany(
        "INSERT INTO orders (number, version, document) VALUES (?, 1, ?) ON CONFLICT (number)"
        " DO UPDATE SET version = version + 1, document = excluded.document",
        [(order.number, order.model_dump_json()) for order in orders],
    )


_DECOY = OrderDocument.model_validate(
    {
        "number": "B-000000",
        "placed": "2020-01-01T10:00:00Z",
        "customer": {"name": "Niemand", "email": "niemand@invalid.example"},
        "address": {"name": "Niemand", "street": "Weg 1", "postal_code": "00000", "city": "Ort"},
        "lines": [{"id": "1", "product": "Nichts", "price": 0}],
        "payment": {"method": "-"},
    }
).model_dump_json()
