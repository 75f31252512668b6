"""The action `track_order`: reads an order and says where it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from pydantic import BaseModel

from bot.messages import ActionCall, Answer, Filling, Policy, Say
from bot.ports import Texts
from plugins.shop.api import (
    PROOFS,
    Order,
    OrderState,
    Parcel,
    ParcelState,
    PaymentState,
    Shop,
    fill_pair,
)


class Arguments(BaseModel):
    """What is needed to track an order."""

    order_id: str


def today_utc() -> date:
    """The day by which a parcel is late."""
    return datetime.now(UTC).date()


class TrackOrder:
    """Says where an order is. Read-only."""

    name = "track_order"
    policy = Policy(read_only=True, proofs=PROOFS)
    Arguments: type[BaseModel] = Arguments

    def __init__(self, shop: Shop, texts: Texts, today: Callable[[], date] = today_utc) -> None:
        self._shop = shop
        self._texts = texts
        self._today = today

    async def fill(self, call: ActionCall) -> Filling:
        """Ask for the number and the proof."""
        return fill_pair(call, "track_order")

    async def propose(self, call: ActionCall) -> Answer:
        """Nothing changes, so there is nothing to propose."""
        return await self.run(call)

    async def run(self, call: ActionCall) -> Answer:
        """Read the order and tell."""
        order = await self._shop.order(Arguments.model_validate(call.arguments).order_id)
        return Answer((self._say(order, call),))

    def _say(self, order: Order, call: ActionCall) -> Say:
        facts: dict[str, Any] = {"order": order.number, "placed": order.placed.date()}
        if order.state is OrderState.CANCELLED:
            return _cancelled(order, facts)
        if not order.parcels:
            awaited = order.payment.state is PaymentState.AWAITED
            name = "utter_track_order_unpaid" if awaited else "utter_track_order_open"
            return Say(name, {**facts, "total": order.total})
        if len(order.parcels) == 1 and order.state is not OrderState.PARTLY_SHIPPED:
            parcel = order.parcels[0]
            name, more = self._parcel(parcel, call)
            return Say(f"utter_track_order_{name}", {**facts, **more})
        lines = [self._line(number, order, call) for number in range(1, len(order.parcels) + 1)]
        if order.state is OrderState.PARTLY_SHIPPED and _unpacked(order):
            rest = {"items": _unpacked(order)}
            lines.append(self._text("track_order_line_unpacked", rest, call))
        facts |= {"count": len(order.parcels), "parcels": "\n".join(lines)}
        return Say("utter_track_order_split", facts)

    def _parcel(self, parcel: Parcel, call: ActionCall) -> tuple[str, Mapping[str, Any]]:
        """The ending of the text's name for the parcel, and its facts."""
        facts: dict[str, Any] = {
            "carrier": parcel.carrier,
            "tracking": self._tracking(parcel, call),
        }
        if parcel.state is ParcelState.DELIVERED:
            return "delivered", {**facts, "delivered": parcel.delivered}
        if parcel.state in (ParcelState.OUT_FOR_DELIVERY, ParcelState.RETURNED):
            return parcel.state.value, facts
        name = "packed" if parcel.state is ParcelState.PREPARING else "shipped"
        if parcel.expected is None:
            return f"{name}_undated", facts
        late = name == "shipped" and parcel.expected < self._today()
        return "late" if late else name, {**facts, "expected": parcel.expected}

    def _line(self, number: int, order: Order, call: ActionCall) -> str:
        """One parcel of several."""
        parcel = order.parcels[number - 1]
        name, facts = self._parcel(parcel, call)
        items = [order.line(item.line).product for item in parcel.contents]
        facts = {**facts, "number": number, "items": items}
        return self._text(f"track_order_line_{name}", facts, call)

    def _tracking(self, parcel: Parcel, call: ActionCall) -> str:
        """A sentence of its own, or nothing where the carrier gave no number."""
        if parcel.tracking is None:
            return ""
        name = "track_order_number" if parcel.tracking_url is None else "track_order_link"
        facts = {"number": parcel.tracking, "url": parcel.tracking_url or ""}
        return self._text(name, facts, call)

    def _text(self, name: str, facts: Mapping[str, Any], call: ActionCall) -> str:
        return self._texts.render(
            name, facts, language=call.language, channel=call.address.channel, key=call.turn
        ).text


def _cancelled(order: Order, facts: Mapping[str, Any]) -> Say:
    state = order.payment.state
    if state in (PaymentState.REFUNDED, PaymentState.REFUND_PENDING):
        amount = {"amount": order.payment.refunded}
        return Say(f"utter_track_order_cancelled_{state.value}", {**facts, **amount})
    return Say("utter_track_order_cancelled", facts)


def _unpacked(order: Order) -> list[str]:
    """What lies in no parcel yet."""
    packed = {item.line for parcel in order.parcels for item in parcel.contents}
    return [line.product for line in order.lines if line.id not in packed]
