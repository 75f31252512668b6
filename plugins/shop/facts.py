"""An order as plain data: for `bot shop show` and for an agent's case card."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

from plugins.shop.addresses import one_line
from plugins.shop.model import Order


def order_json(order: Order) -> dict[str, Any]:
    """The whole order in types that JSON has: amounts as strings, days as ISO dates."""
    plain = asdict(order)
    plain["permissions"] = {
        one.kind.value: {"allowed": one.allowed, "reason": one.reason} for one in order.permissions
    }
    simple = _simple(plain)
    assert isinstance(simple, dict)  # noqa: S101 (asdict of a dataclass)
    return simple


def order_card(order: Order) -> dict[str, str]:
    """The few flat facts that an agent wants to see first."""
    facts = {
        "number": order.number,
        "state": order.state.value,
        "placed": order.placed.date().isoformat(),
        "customer": order.customer.name,
        "email": order.customer.email,
        "address": one_line(order.address, "DE"),
        "lines": "; ".join(f"{line.quantity} × {line.product}" for line in order.lines),
        "total": f"{order.total} {order.currency}",
        "payment": f"{order.payment.method}, {order.payment.state.value}",
        "parcels": "; ".join(
            " ".join(filter(None, (parcel.tracking, parcel.state.value)))
            for parcel in order.parcels
        ),
        "returns": "; ".join(f"{back.registered} {back.state.value}" for back in order.returns),
    }
    return {name: value for name, value in facts.items() if value}


def _simple(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _simple(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_simple(part) for part in value]
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value
