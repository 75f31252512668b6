"""The form of `change_address`: order, proof, then the new address, whole or in pieces."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.messages import ActionCall, Filling, Say
from plugins.change_address.parse import (
    NO_NUMBER,
    Part,
    has_number,
    means_none,
    read_address,
    with_number,
)
from plugins.shop.api import (
    EMAIL,
    GB_POSTCODE,
    STOP,
    About,
    ChangeKind,
    InvalidAddress,
    Order,
    PostalAddress,
    Shop,
    clean_address,
    entities,
    may_read,
    next_of_pair,
    proven,
    read_order_and_proof,
    requested,
    wishes_else,
)

STREET, CODE, CITY, COUNTRY = "new_street", "new_postal_code", "new_city", "new_country"
HOUSE = "new_house_number"
"""Only ever asked for: the answer becomes a part of the street."""

ORDER, PROOF = "order_id", "proof"
_ASKED = {STREET: "street", HOUSE: "street", CODE: "postal_code", CITY: "city"}
_BARE = re.compile(r"\d{1,4}\s?\w?(?:[-/]\d+\w?)?")


_DIGITS = re.compile(r"\s*\d{1,9}[\s.]*")

_ONE_NUMBER = re.compile(r"[^\d?]{0,20}?(\d{1,4}\s?[a-z]?)\b[^\d?]{0,20}", re.IGNORECASE)
"""`oh, die 4`, `it is 12a`: one number among few words."""
_SLIP = re.compile(r"(?<![\w#-])\d{6}\s+[^\W\d_]{2,}")
"""Six digits before a town."""


class AddressForm:
    """Decides what a message means for the form, and what to ask next."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def fill(self, call: ActionCall) -> Filling:
        """As in the port Fills."""
        if requested(call) and STOP.search(call.text):
            return Filling()
        if wishes_else(call, "change_shipping_address"):
            return Filling()
        about, part = _read(call)
        slots = {**about.slots, **_entered(call, part, about.slots.get(ORDER))}
        missing = next_of_pair(call, slots)
        if missing is not None:
            return Filling(slots, missing, about.says)
        number = may_read(call, slots)
        if number is None:  # the core checks the pair, and fills again where it is right
            return Filling(slots, STREET)
        order = await self._shop.order(number)
        if not order.may(ChangeKind.ADDRESS).allowed:
            return Filling(slots)  # nothing more to ask: the action says why not
        return _next(call, slots, about.says, order)


def merge(part: Part, known: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of the address after a message; a house number alone changes the street.

    Where no street is known yet, the bare number is kept in its place.
    """
    new = {name: known.get(name) for name in (STREET, CODE, CITY, COUNTRY)}
    if part.street:
        new[STREET] = part.street
    elif part.number:
        street = str(new[STREET] or "")
        alone = not street or _BARE.fullmatch(street)
        new[STREET] = part.number if alone else with_number(street, part.number)
    if part.postal_code:
        new[CODE], new[COUNTRY] = part.postal_code, None
    new[CITY] = part.city or new[CITY]
    new[COUNTRY] = part.country or new[COUNTRY]
    return new


def country_of(known: Mapping[str, Any], home: str) -> str | None:
    """The country: as told, else by the postcode's form. None where two have the same form."""
    told, code = known.get(COUNTRY), str(known.get(CODE) or "")
    if told:
        return str(told)
    if GB_POSTCODE.fullmatch(code):
        return "GB"
    if len(code) == 4:
        return home if home in ("AT", "CH") else None
    return "DE" if home in ("AT", "CH", "GB") else home


def _read(call: ActionCall) -> tuple[About, Part]:
    """A postcode is the proof or a part of the new address; the question and its company decide."""
    asked = requested(call)
    found = [(name, value) for name in ("street", "city") for value in entities(call, name)]
    if asked == CODE and _DIGITS.fullmatch(call.text):
        return About(), Part(postal_code=call.text.strip(" ."))  # six of them are no order here
    part = read_address(call.text, _ASKED.get(asked or ""), found)
    if asked == HOUSE and not part and (only := _ONE_NUMBER.fullmatch(call.text)):
        part = Part(number=only[1].strip())
    if asked == PROOF and not part.street:
        return read_order_and_proof(call), Part()
    about = read_order_and_proof(call, proof_only_when_asked=True)
    if asked in _ASKED and part.street and _SLIP.search(call.text):
        about = About()  # a postcode with a digit too many, and no other order
    slots, known = dict(about.slots), {**call.slots, **about.slots}
    open_proof = not proven(call, str(known.get(ORDER))) and not known.get(PROOF)
    if asked not in _ASKED and open_proof and not part.street and not part.city:
        return read_order_and_proof(call), replace(part, postal_code=None, country=None)
    proof = next(iter(part.others), None)
    if email := EMAIL.search(call.text[:2000]):
        proof = email.group()
    return (replace(about, slots={**slots, PROOF: proof}) if proof else about), part


def _entered(call: ActionCall, part: Part, number: str | None) -> dict[str, Any]:
    """The slots that the message changes.

    An address that is still known when the form begins was read back a moment ago: "Hausnummer 14"
    then corrects it. For another order it means nothing.
    """
    other = number is not None and number != call.slots.get(ORDER)
    afresh = other and requested(call) is None
    known = {name: call.slots.get(name) for name in (STREET, CODE, CITY, COUNTRY)}
    new = merge(part, dict.fromkeys(known) if afresh else known)
    chosen = entities(call, COUNTRY)  # from a button
    new[COUNTRY] = chosen[0] if chosen else new[COUNTRY]
    if requested(call) == HOUSE and not part.number and means_none(call.text):
        new[STREET] = f"{known[STREET]} {NO_NUMBER}"
    return {name: value for name, value in new.items() if value != known[name]}


def _next(call: ActionCall, slots: dict[str, Any], says: tuple[Say, ...], order: Order) -> Filling:
    """What to ask of somebody who may change this order."""
    known = {**call.slots, **slots}
    if known.get(STREET) and _BARE.fullmatch(known[STREET]):
        slots |= _same_but_number(known, order)
        known |= slots
    country = country_of(known, order.address.country)
    street, code, city = known.get(STREET), known.get(CODE), known.get(CITY)
    if code and country is not None and (bad := _unfit(code, country)):
        return Filling({**slots, CODE: None, COUNTRY: None}, CODE, (*says, bad))
    if not street:
        return Filling(slots, STREET, says)
    if not has_number(street) and country != "GB":
        return Filling(slots, HOUSE, says)
    if not code:
        return Filling(slots, CODE, says)
    if country is None:
        return Filling(slots, COUNTRY, says)
    return Filling(slots, None if city else CITY, says)


def _same_but_number(known: Mapping[str, Any], order: Order) -> dict[str, Any]:
    """Only the house number was given: everything else stays as it is on the order."""
    old = order.address
    return {
        STREET: with_number(old.street, known[STREET]),
        CODE: known.get(CODE) or old.postal_code,
        CITY: known.get(CITY) or old.city,
        COUNTRY: known.get(COUNTRY) or old.country,
    }


def _unfit(code: str, country: str) -> Say | None:
    """A sentence about a postcode that the country does not know."""
    try:
        clean_address(PostalAddress("-", "- 1", code, "-", country))
    except InvalidAddress as error:
        if "postal_code" in error.fields:
            facts = {"postal_code": code, "country": f"country_{country}"}
            return Say("utter_change_address_bad_postal_code", facts)
    return None
