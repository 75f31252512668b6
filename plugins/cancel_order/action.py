"""The action `cancel_order`: cancels by state, or says what is possible instead.

It is not Undoable: a shop does not take a cancelled order up again; the customer orders anew.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from bot.messages import ActionCall, Answer, Filling, Outcome, Policy, Proposal, Say
from plugins.shop.api import (
    PROOFS,
    ChangeDone,
    ChangeKind,
    NotAllowed,
    Order,
    OrderChanged,
    PaymentState,
    Reason,
    Shop,
    fill_pair,
)

_GONE = frozenset({Reason.SHIPPED, Reason.PARTLY_SHIPPED, Reason.DELIVERED})


class Arguments(BaseModel):
    """What is needed to cancel."""

    order_id: str


class CancelOrder:
    """Cancels an order that has not left."""

    name = "cancel_order"
    policy = Policy(read_only=False, proofs=PROOFS)
    Arguments: type[BaseModel] = Arguments

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def fill(self, call: ActionCall) -> Filling:
        """Ask for the number and the proof."""
        return fill_pair(call, "cancel_order")

    async def propose(self, call: ActionCall) -> Proposal | Answer:
        """Read back what would be cancelled, and what becomes of the money."""
        order = await self._shop.order(Arguments.model_validate(call.arguments).order_id)
        reason = order.may(ChangeKind.CANCEL).reason
        if reason is not None:
            return _refusal(order, reason)
        paid = order.payment.state is PaymentState.PAID
        name = "utter_cancel_order_propose_paid" if paid else "utter_cancel_order_propose"
        return Proposal(
            says=(Say(name, _facts(order)),),
            arguments={"order_id": order.number},
            version=str(order.version),
        )

    async def run(self, call: ActionCall) -> Answer:
        """Cancel, once."""
        number = Arguments.model_validate(call.arguments).order_id
        try:
            done = await self._shop.cancel(number, version=int(call.version), key=call.key)
        except OrderChanged:
            return Answer((Say("utter_cancel_order_moved"),), Outcome.REFUSED, "order_changed")
        except NotAllowed as error:
            return _refusal(await self._shop.order(number), error.reason)
        return _done(done)

    async def outcome(self, call: ActionCall) -> Answer | None:
        """Ask the shop what became of the cancellation."""
        done = await self._shop.change_by_key(call.key)
        return None if done is None else _done(done)


def _facts(order: Order) -> dict[str, Any]:
    items = [f"{line.quantity} × {line.product}" for line in order.lines]
    return {"order": order.number, "items": items, "total": order.total}


def _done(done: ChangeDone) -> Answer:
    pending = done.order.payment.state is PaymentState.REFUND_PENDING
    name = "utter_cancel_order_done_refund" if pending else "utter_cancel_order_done"
    facts = {"order": done.order.number, "amount": done.order.payment.refunded}
    return Answer((Say(name, facts),))


def _refusal(order: Order, reason: Reason) -> Answer:
    """Say why not, and offer the return where there can be one."""
    if reason is Reason.CANCELLED:
        name = "cancelled"
    elif reason in _GONE and order.may(ChangeKind.RETURN).allowed:
        name = f"{reason.value}_return"
    else:
        name = "too_late"
    says = (Say(f"utter_cancel_order_{name}", {"order": order.number}),)
    return Answer(says, Outcome.REFUSED, reason.value)
