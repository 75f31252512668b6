"""The demo shop's rules: what state an order is in, and what may be changed in it today."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from plugins.shop.model import (
    LEFT,
    Allocation,
    ChangeKind,
    Customer,
    Line,
    Order,
    OrderState,
    Parcel,
    ParcelState,
    Payment,
    Permission,
    Reason,
    Return,
    ReturnState,
)
from plugins.shop.schema import AllocationDocument, OrderDocument

_GONE = {
    OrderState.PARTLY_SHIPPED: Reason.PARTLY_SHIPPED,
    OrderState.SHIPPED: Reason.SHIPPED,
    OrderState.DELIVERED: Reason.DELIVERED,
    OrderState.CANCELLED: Reason.CANCELLED,
}


def read_order(document: OrderDocument, version: int, today: date, return_days: int) -> Order:
    """The order as the port knows it, with what is allowed `today`."""
    state, returnable = order_state(document), _returnable(document)
    until = _return_until(document, return_days)
    back = _return_reason(document, state, returnable, until, today)
    return Order(
        number=document.number,
        version=version,
        state=state,
        placed=document.placed,
        customer=Customer(**document.customer.model_dump()),
        address=document.address.plain(),
        billing=(document.billing or document.address).plain(),
        lines=tuple(Line(**line.model_dump()) for line in document.lines),
        parcels=_parcels(document),
        total=document.total,
        currency=document.currency,
        payment=Payment(**document.payment.model_dump()),
        permissions=(
            Permission(ChangeKind.ADDRESS, _GONE.get(state)),
            Permission(ChangeKind.CANCEL, _GONE.get(state)),
            Permission(ChangeKind.RETURN, back),
            Permission(ChangeKind.CANCEL_RETURN, _cancel_return_reason(document)),
        ),
        returns=_returns(document),
        returnable=returnable if back is None else (),
        returnable_until=until,
    )


def order_state(document: OrderDocument) -> OrderState:
    """Follows from the parcels; one that came back has left all the same."""
    if document.cancelled is not None:
        return OrderState.CANCELLED
    if not document.parcels:
        return OrderState.OPEN
    states = [parcel.state for parcel in document.parcels]
    waiting = _unpacked(document) or ParcelState.PREPARING in states
    if all(state is ParcelState.PREPARING for state in states):
        return OrderState.PACKED
    if waiting:
        return OrderState.PARTLY_SHIPPED
    delivered = all(state is ParcelState.DELIVERED for state in states)
    return OrderState.DELIVERED if delivered else OrderState.SHIPPED


def _unpacked(document: OrderDocument) -> bool:
    packed: Counter[str] = Counter()
    for parcel in document.parcels:
        packed.update({item.line: item.quantity for item in parcel.contents})
    return any(packed[line.id] < line.quantity for line in document.lines)


def _returnable(document: OrderDocument) -> tuple[Allocation, ...]:
    left: Counter[str] = Counter()
    for parcel in document.parcels:
        if parcel.state in LEFT:
            left.update({item.line: item.quantity for item in parcel.contents})
    for back in document.returns:
        if back.state is not ReturnState.CANCELLED:
            left.subtract({item.line: item.quantity for item in back.lines})
    return tuple(
        Allocation(line.id, left[line.id])
        for line in document.lines
        if line.excluded is None and left[line.id] > 0
    )


def _return_until(document: OrderDocument, return_days: int) -> date | None:
    """The window begins when the last parcel has arrived (EU directive 2011/83, article 9)."""
    if order_state(document) is not OrderState.DELIVERED:
        return None
    last = max(parcel.delivered for parcel in document.parcels if parcel.delivered)
    return last + timedelta(days=return_days)


def _return_reason(
    document: OrderDocument,
    state: OrderState,
    returnable: tuple[Allocation, ...],
    until: date | None,
    today: date,
) -> Reason | None:
    if state is OrderState.CANCELLED:
        return Reason.CANCELLED
    if state in (OrderState.OPEN, OrderState.PACKED):
        return Reason.NOT_SHIPPED
    if not returnable:
        active = any(back.state is not ReturnState.CANCELLED for back in document.returns)
        return Reason.RETURNED if active else Reason.NOTHING_RETURNABLE
    return Reason.WINDOW_PASSED if until is not None and today > until else None


def _cancel_return_reason(document: OrderDocument) -> Reason | None:
    registered = any(back.state is ReturnState.REGISTERED for back in document.returns)
    return None if registered else Reason.NO_RETURN


def _parcels(document: OrderDocument) -> tuple[Parcel, ...]:
    return tuple(
        Parcel(**{**dict(parcel), "contents": _allocations(parcel.contents)})
        for parcel in document.parcels
    )


def _returns(document: OrderDocument) -> tuple[Return, ...]:
    return tuple(
        Return(**{**dict(back), "lines": _allocations(back.lines)}) for back in document.returns
    )


def _allocations(items: tuple[AllocationDocument, ...]) -> tuple[Allocation, ...]:
    return tuple(Allocation(item.line, item.quantity) for item in items)
