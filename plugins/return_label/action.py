"""The action `return_label`: what may go back is registered after a yes, and a label handed out."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from bot.messages import ActionCall, Answer, Filling, Outcome, Policy, Proposal, Say
from bot.ports import Files
from plugins.return_label.reasons import SKIPPED, read_reason
from plugins.shop.api import (
    PROOFS,
    STOP,
    Carrier,
    ChangeDone,
    ChangeKind,
    Label,
    NotAllowed,
    Order,
    OrderChanged,
    Reason,
    ReturnState,
    Shop,
    entities,
    may_read,
    next_of_pair,
    read_order_and_proof,
    requested,
    wishes_else,
)

REASON = "return_reason"
_TOLD = frozenset(
    {Reason.NOT_SHIPPED, Reason.CANCELLED, Reason.NOTHING_RETURNABLE, Reason.RETURNED}
    | {Reason.WINDOW_PASSED}
)


class Arguments(BaseModel):
    """The order and, where it was told, why it goes back."""

    order_id: str
    return_reason: str | None = None


class ReturnLabel:
    """Registers the return of everything that may go back, with one label for it."""

    name = "return_label"
    policy = Policy(read_only=False, proofs=PROOFS)
    Arguments: type[BaseModel] = Arguments

    def __init__(self, shop: Shop, carrier: Carrier, files: Files) -> None:
        self._shop = shop
        self._carrier = carrier
        self._files = files

    async def fill(self, call: ActionCall) -> Filling:
        """Ask for the order, the proof, and once for the reason where a return is possible."""
        if requested(call) and STOP.search(call.text):
            return Filling()
        if wishes_else(call, "get_return_label", "return_item"):
            return Filling()
        asked = requested(call) == REASON
        about = read_order_and_proof(call)
        slots: dict[str, Any] = dict(about.slots)
        chosen = entities(call, REASON)  # from a button
        reason = chosen[0] if chosen else read_reason(call.text, call.understanding, asked=asked)
        if reason is not None and (asked or not call.slots.get(REASON)):
            slots[REASON] = reason
        missing = next_of_pair(call, slots)
        if missing is not None or {**call.slots, **slots}.get(REASON):
            return Filling(slots, missing, about.says)
        number = may_read(call, slots)
        if number is None:  # the core checks the pair, and fills again where it is right
            return Filling(slots, REASON)
        order = await self._shop.order(number)
        possible = order.may(ChangeKind.RETURN).allowed
        return Filling(slots, REASON if possible else None, about.says)

    async def propose(self, call: ActionCall) -> Proposal | Answer:
        """Read back what would go back, and what cannot."""
        arguments = Arguments.model_validate(call.arguments)
        order = await self._shop.order(arguments.order_id)
        reason = order.may(ChangeKind.RETURN).reason
        if reason is Reason.RETURNED:
            return await self._again(order, call)
        if reason is not None:
            return _refusal(order, reason)
        back = {item.line for item in order.returnable}
        rest = [line.product for line in order.lines if line.id not in back]
        facts = {"order": order.number, "items": _items(order), "excluded": rest}
        name = "utter_return_label_propose_some" if rest else "utter_return_label_propose"
        return Proposal(
            says=(Say(name, facts),),
            arguments={"order_id": order.number, REASON: arguments.return_reason},
            version=str(order.version),
            slots={REASON: None},
        )

    async def run(self, call: ActionCall) -> Answer:
        """Register the return, once, and hand out its label."""
        earlier = await self.outcome(call)  # what is returnable is another set after the first call
        if earlier is not None:
            return earlier
        arguments = Arguments.model_validate(call.arguments)
        order = await self._shop.order(arguments.order_id)
        told = arguments.return_reason
        try:
            done = await self._shop.register_return(
                order.number,
                order.returnable,
                version=int(call.version),
                key=call.key,
                reason=None if told == SKIPPED else told,
            )
        except OrderChanged:
            return Answer((Say("utter_return_label_moved"),), Outcome.REFUSED, "order_changed")
        except NotAllowed as error:
            return _refusal(order, error.reason)
        return await self._hand_out(done, call)

    async def outcome(self, call: ActionCall) -> Answer | None:
        """Ask the shop what became of the return; its label has the same key."""
        done = await self._shop.change_by_key(call.key)
        return None if done is None else await self._hand_out(done, call)

    async def undo(self, call: ActionCall) -> Answer:
        """Take the announced return back; a label that nobody uses does no harm."""
        done = await self._shop.change_by_key(call.key)
        if done is None or done.return_id is None:
            return Answer((Say("utter_return_label_no_undo"),), Outcome.REFUSED, "nothing_done")
        order = await self._shop.order(done.order.number)
        try:
            await self._shop.cancel_return(
                order.number, done.return_id, version=order.version, key=f"{call.key}:undo"
            )
        except (NotAllowed, OrderChanged):
            return Answer((Say("utter_return_label_no_undo"),), Outcome.REFUSED, "order_changed")
        return Answer((Say("utter_return_label_undone", {"order": order.number}),))

    async def _hand_out(self, done: ChangeDone, call: ActionCall) -> Answer:
        label = await self._carrier.create_label(done.order, done.order.address, key=done.key)
        facts = {
            "order": done.order.number,
            "carrier": label.carrier,
            "tracking": label.tracking,
            "until": done.order.returnable_until,
        }
        dated = done.order.returnable_until is not None
        name = "utter_return_label_done" if dated else "utter_return_label_done_undated"
        files = await self._store(label, done.order, call)
        return Answer((Say(name, facts, files=files),))

    async def _again(self, order: Order, call: ActionCall) -> Answer:
        """The label that there is already; a return made elsewhere has none with us."""
        active = [one for one in order.returns if one.state is not ReturnState.CANCELLED]
        label = await self._carrier.label_by_key(active[-1].id)
        if label is None:
            return _refusal(order, Reason.RETURNED)
        facts = {"order": order.number, "carrier": label.carrier, "tracking": label.tracking}
        files = await self._store(label, order, call)
        return Answer((Say("utter_return_label_again", facts, files=files),), slots={REASON: None})

    async def _store(self, label: Label, order: Order, call: ActionCall) -> tuple[str, ...]:
        owner = f"conversation:{call.conversation}"
        name = f"Retoure-{order.number}"
        pdf = await self._files.put_bytes(label.pdf, name=f"{name}.pdf", owner=owner)
        code = await self._files.put_bytes(label.qr_png, name=f"{name}-QR.png", owner=owner)
        return tuple(made.file for made in (pdf, code) if made.file is not None)


def _items(order: Order) -> list[str]:
    return [f"{item.quantity} × {order.line(item.line).product}" for item in order.returnable]


def _refusal(order: Order, reason: Reason) -> Answer:
    facts: dict[str, Any] = {"order": order.number}
    name = reason.value if reason in _TOLD else "not_possible"
    if reason is Reason.WINDOW_PASSED:
        facts["until"] = order.returnable_until
    if reason is Reason.NOTHING_RETURNABLE:
        kinds = {line.excluded for line in order.lines}
        only = kinds.pop() if len(kinds) == 1 else None
        facts["why"] = f"excluded_{only.value}" if only else "excluded"
    if reason is Reason.NOTHING_RETURNABLE and not any(line.excluded for line in order.lines):
        name = "not_possible"
    says = (Say(f"utter_return_label_{name}", facts),)
    return Answer(says, Outcome.REFUSED, reason.value, slots={REASON: None})
