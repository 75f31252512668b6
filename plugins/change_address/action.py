"""The action `change_address`: reads back old and new, and changes after a yes, once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from bot.messages import ActionCall, Answer, Filling, Outcome, Policy, Proposal, Say
from plugins.change_address.form import CITY, CODE, COUNTRY, STREET, AddressForm, country_of, merge
from plugins.change_address.parse import read_address
from plugins.change_address.words import NEGATED
from plugins.shop.api import (
    STOP,
    STRONG_PROOFS,
    ChangeDone,
    ChangeKind,
    InvalidAddress,
    NotAllowed,
    Order,
    OrderChanged,
    PostalAddress,
    Reason,
    Shop,
    clean_address,
    entities,
    find_order_number,
    one_line,
)

EMPTY: Mapping[str, None] = dict.fromkeys((STREET, CODE, CITY, COUNTRY))
"""Slots of a form that ended without a proposal."""


class Arguments(BaseModel):
    """The order and its new address; the country follows from the postcode when left out.

    Without an address the action can only say why none can be taken: the form then asked for none.
    """

    order_id: str
    new_street: str = ""
    new_postal_code: str = ""
    new_city: str = ""
    new_country: str | None = None


class ChangeAddress:
    """Sends an order somewhere else while it has not left."""

    name = "change_address"
    policy = Policy(read_only=False, proofs=STRONG_PROOFS)
    Arguments: type[BaseModel] = Arguments

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._form = AddressForm(shop)

    async def fill(self, call: ActionCall) -> Filling:
        """Read the order and the new address, in one message or in pieces."""
        return await self._form.fill(call)

    async def propose(self, call: ActionCall) -> Proposal | Answer:
        """Read back the old and the new address."""
        arguments = Arguments.model_validate(call.arguments)
        order = await self._shop.order(arguments.order_id)
        reason = order.may(ChangeKind.ADDRESS).reason
        if reason is not None:
            return _refusal(order, reason)
        try:
            new = clean_address(_address(arguments, order))
        except InvalidAddress:
            return _refusal(order, Reason.BAD_ADDRESS)
        if not await self._shop.delivers_to(new.country):
            return _refusal(order, Reason.NO_DELIVERY)
        if _place(new) == _place(order.address):
            facts = {"order": order.number, "new": _line(new)}
            return Answer((Say("utter_change_address_same", facts),), slots=EMPTY)
        entered = {
            STREET: new.street,
            CODE: new.postal_code,
            CITY: new.city,
            COUNTRY: new.country,
        }
        # The slots stay: "nein, Hausnummer 14" may begin the form anew, and means this address.
        return Proposal(
            says=(_question(order, new),),
            arguments={"order_id": order.number, **entered},
            version=str(order.version),
            slots=entered,
        )

    async def correct(self, call: ActionCall) -> Mapping[str, Any] | None:
        """Another address, or one part of it, in an answer to the proposal.

        None also when it is none that could be sent to: the proposal then is dropped.
        """
        found = [(name, value) for name in ("street", "city") for value in entities(call, name)]
        part = read_address(call.text, entities=found)
        if not part or STOP.search(call.text) or _about_another(call):
            return None
        old = {name: call.arguments.get(name) for name in EMPTY}
        new = merge(part, old)
        new[COUNTRY] = country_of(new, str(old[COUNTRY]))
        changes = {name: value for name, value in new.items() if value != old.get(name)}
        return changes if changes and _possible(new) else None

    async def run(self, call: ActionCall) -> Answer:
        """Change it, once."""
        arguments = Arguments.model_validate(call.arguments)
        order = await self._shop.order(arguments.order_id)
        try:
            done = await self._shop.change_address(
                arguments.order_id,
                _address(arguments, order),
                version=int(call.version),
                key=call.key,
            )
        except OrderChanged:
            return Answer((Say("utter_change_address_moved"),), Outcome.REFUSED, "order_changed")
        except NotAllowed as error:
            return _refusal(order, error.reason)
        return _done(done)

    async def outcome(self, call: ActionCall) -> Answer | None:
        """Ask the shop what became of the change."""
        done = await self._shop.change_by_key(call.key)
        return None if done is None else _done(done)

    async def undo(self, call: ActionCall) -> Answer:
        """Back to the address before, where nobody has changed it since and it has not left."""
        done = await self._shop.change_by_key(call.key)
        if done is None or done.previous is None:
            return Answer((Say("utter_change_address_no_undo"),), Outcome.REFUSED, "nothing_done")
        order = await self._shop.order(done.order.number)
        try:
            # The version right after our change: whatever came later is not ours to take back.
            undone = await self._shop.change_address(
                order.number, done.previous, version=done.order.version, key=f"{call.key}:undo"
            )
        except OrderChanged:
            return Answer((Say("utter_change_address_no_undo"),), Outcome.REFUSED, "order_changed")
        except NotAllowed as error:
            return _refusal(order, error.reason)
        return _done(undone)


def _address(arguments: Arguments, order: Order) -> PostalAddress:
    old = order.address
    country = country_of(arguments.model_dump(), old.country) or old.country
    return PostalAddress(
        old.name, arguments.new_street, arguments.new_postal_code, arguments.new_city, country
    )


def _about_another(call: ActionCall) -> bool:
    """Whether a message asks something, or names another order: then it corrects nothing."""
    number = find_order_number(call.text)
    another = number is not None and number != call.arguments.get("order_id")
    return another or (call.text.rstrip().endswith("?") and not NEGATED.search(call.text))


def _possible(new: Mapping[str, Any]) -> bool:
    if not all(new.get(name) for name in EMPTY):
        return False
    try:
        clean_address(PostalAddress("", new[STREET], new[CODE], new[CITY], new[COUNTRY]))
    except InvalidAddress:
        return False
    return True


def _place(address: PostalAddress) -> tuple[str, ...]:
    parts = (address.street, address.extra, address.postal_code, address.city, address.country)
    return tuple(part.casefold() for part in parts)


def _line(address: PostalAddress) -> str:
    return one_line(address, address.country)


def _question(order: Order, new: PostalAddress) -> Say:
    facts = {"order": order.number, "old": _line(order.address), "new": _line(new)}
    if new.country == order.address.country:
        return Say("utter_change_address_propose", facts)
    facts["country"] = f"country_{new.country}"
    return Say("utter_change_address_propose_abroad", facts)


def _done(done: ChangeDone) -> Answer:
    facts = {"order": done.order.number, "new": _line(done.order.address)}
    return Answer((Say("utter_change_address_done", facts),))


_TOLD = frozenset(
    {Reason.SHIPPED, Reason.PARTLY_SHIPPED, Reason.DELIVERED, Reason.CANCELLED}
    | {Reason.BAD_ADDRESS, Reason.NO_DELIVERY}
)


def _refusal(order: Order, reason: Reason) -> Answer:
    name = reason.value if reason in _TOLD else "too_late"
    says = (Say(f"utter_change_address_{name}", {"order": order.number}),)
    return Answer(says, Outcome.REFUSED, reason.value, slots=EMPTY)
