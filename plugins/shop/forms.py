"""What all forms about an order share: reading its number and the proof out of a message.

A form asks for `order_id`, then for `proof` (a postcode or the e-mail address on the order), unless
the customer has proven that order already. Both may come at once, in any order, at any time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.messages import ActionCall, Filling, Say
from plugins.shop.orders import (
    EMAIL,
    GB_POSTCODE,
    NUMBER,
    find_order_number,
    normalise_order_number,
)

ORDER, PROOF = "order_id", "proof"
PROOFS = frozenset({"pair", "channel", "code"})
"""All kinds of proof: what suffices to read an order, to cancel it and to send it back."""

STRONG_PROOFS = frozenset({"channel", "code"})
"""What shows whose order it is: a parcel's label has the pair on it."""

STOP = re.compile(
    r"""\b(?: doch\ (?:lieber\ )?nicht | abbrechen | abbruch | stopp? | vergiss\ es
      | lass(?:en)?\ (?:es|sie|wir\ das)
      | cancel\ that | never\ ?mind | forget\ it | leave\ it )\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""Words that call a form off, whatever it is asking for."""

_WISHES = {
    "track_order": r"\b(?:wo|wann|where|when|track\w*|verfolg\w*|status|lieferstatus)\b",
    "cancel_order": r"stornier|storno|abbestell|\bcancel",
    "change_shipping_address": r"adresse|anschrift|umgezogen|address|\bmoved\b",
    "get_return_label": r"label|etikett|retoure|rücksend",
    "return_item": r"retoure|rücksend|zurück(?:schick|send|geb)|\breturn|send\b.*\bback\b",
}
"""Intents of forms, each with words of its own: an intent alone tells too little while a form asks,
as bare numbers look like a question for a parcel."""
_SURE = 0.9

_POSTCODE = re.compile(r"(?<![\w#-])(?:(?:DE|D|AT|A|CH)[\s-]*)?(\d{4,5})(?!\w)", re.IGNORECASE)
_LONG_POSTCODE = re.compile(r"(?<![\w#-])(?:D(?:E)?[\s-]*)?(\d{5})(?!\w)", re.IGNORECASE)
_POSTCODE_WORD = re.compile(r"\b(?:plz|postleitzahl|post ?code|zip)\b", re.IGNORECASE)
_ATTEMPT = re.compile(r"\d{3,}|#\s?\d")
_UNKNOWN = re.compile(
    r"""\b(?: wei(?:ß|ss)\ (?:ich\ )?(?:\w+\ )?ni(?:cht|ch|x) | keine\ ahnung | woher | verlegt
      | kenn\w*\ (?:ich\ )?(?:\w+\ )?nicht | wo\ (?:steht|finde)
      | (?:finde?|hab\w*)\ (?:ich\ )?(?:\w+\ ){0,3}(?:nicht|keine|nich)
      | (?:do\ not|don't|dont)\ (?:know|have) | no\ idea | can(?:no|')t\ find
      | where\ (?:is|do|can) | lost\ it )\b""",
    re.IGNORECASE | re.VERBOSE,
)
_MOST = 2000
"""Characters that are read at all; the patterns' cost is the square of it."""

_SHORT = 80
"""Characters of a message that can be an attempt at an answer; a longer one is about more."""


@dataclass(frozen=True, slots=True)
class About:
    """What a message told about the order: slots to set, and what to say before the question."""

    slots: Mapping[str, Any] = field(default_factory=dict)
    says: tuple[Say, ...] = ()


def requested(call: ActionCall) -> str | None:
    """The slot that the message answers, if the form has asked for one."""
    asked = call.slots.get("requested_slot")
    return asked if isinstance(asked, str) else None


def wishes_else(call: ActionCall, *own: str) -> bool:
    """Whether a message in a form names an order, and says in so many words another wish for it.

    The number, and a postcode beside it, then belong to the other wish: read here, they would go on
    with what nobody asked for. Without a number a form reads nothing, which ends it as well.
    ``own``: the intents of this form.
    """
    intent = call.understanding.intent
    if requested(call) is None or intent in own or intent not in _WISHES:
        return False
    if call.understanding.confidence < _SURE or _read_number(call) is None:
        return False
    return re.search(_WISHES[intent], call.text[:_MOST], re.IGNORECASE) is not None


def entities(call: ActionCall, *names: str) -> list[str]:
    """The values of these entities, in their order in the message."""
    return [one.value for one in call.understanding.entities if one.entity in names]


def read_order_and_proof(call: ActionCall, *, proof_only_when_asked: bool = False) -> About:
    """Read the order's number and the proof.

    `proof_only_when_asked` is for a form in which another postcode may be meant. An attempt that
    cannot be read, or "I don't know", gets a hint; a message about something else gives no slots.
    """
    asked, slots, says = requested(call), dict[str, Any](), tuple[Say, ...]()
    number = _read_number(call)
    proof = None if proof_only_when_asked and asked != PROOF else _read_proof(call, asked)
    if number is not None:
        slots[ORDER] = number
        if number != call.slots.get(ORDER) and call.slots.get(ORDER):
            slots[PROOF] = None  # it was for another order
    if proof is not None:
        slots[PROOF] = proof
    if not slots and asked in (ORDER, PROOF):
        slots, says = _hint(call, asked)
    if not slots and asked is None:
        # A form that begins sets something, else the dialogue takes it for a digression and asks
        # for the first slot that is empty: for a proof that was given long ago.
        slots = {ORDER: call.slots.get(ORDER)}
    return About(slots, says)


def next_of_pair(call: ActionCall, slots: Mapping[str, Any]) -> str | None:
    """Which of order number and proof is to be asked for, or None when both are there."""
    known = {**call.slots, **slots}
    number = known.get(ORDER)
    if not number:
        return ORDER
    return None if known.get(PROOF) or proven(call, number) else PROOF


def proven(call: ActionCall, number: str) -> bool:
    """Whether the customer has proven this order already, so that nothing more is asked."""
    return any(proof.subject == number and proof.kind in PROOFS for proof in call.proofs)


def may_read(call: ActionCall, slots: Mapping[str, Any]) -> str | None:
    """The number of the order when the customer may see it, given what the form knows now.

    None also for a pair that is complete: the core checks it, and then fills the form again.
    """
    number = {**call.slots, **slots}.get(ORDER)
    return number if isinstance(number, str) and number and proven(call, number) else None


def fill_pair(call: ActionCall, own: str) -> Filling:
    """A step of a form that needs nothing but the order. ``own``: its intent."""
    if wishes_else(call, own):
        return Filling()
    about = read_order_and_proof(call)
    return Filling(about.slots, next_of_pair(call, about.slots), about.says)


def _read_number(call: ActionCall) -> str | None:
    if requested(call) == PROOF and _POSTCODE_WORD.search(call.text[:_MOST]):
        return None  # "PLZ 506744" is a slip in the postcode and no order
    for value in entities(call, ORDER):
        number = normalise_order_number(value)
        if number is not None:
            return number
    return find_order_number(call.text[:_MOST])


def _read_proof(call: ActionCall, asked: str | None) -> str | None:
    text = call.text[:_MOST]
    sure = EMAIL.search(text) or GB_POSTCODE.search(text)
    if sure is not None:
        return sure.group()
    told = asked == PROOF or bool(_POSTCODE_WORD.search(text)) or _beside_number(text)
    if asked == ORDER and not told and _POSTCODE.fullmatch(text.strip()):
        return None  # only digits where a number was asked for: rather a slip in that number
    match = (_POSTCODE if told else _LONG_POSTCODE).search(text)
    if match is not None:
        return match[1]
    return next(iter(entities(call, "email", "postal_code")), None)


def _beside_number(text: str) -> bool:
    """Whether there is nothing but an order number and a postcode: `100247, 1070`."""
    rest, found = NUMBER.subn(" ", text)
    return bool(found) and _POSTCODE.fullmatch(rest.strip(" ,;.:/\n")) is not None


def _hint(call: ActionCall, asked: str) -> tuple[dict[str, Any], tuple[Say, ...]]:
    """The slot is set to nothing, which tells the dialogue that the message was an answer."""
    if len(call.text) > _SHORT:
        return {}, ()
    if _UNKNOWN.search(call.text):
        return {asked: None}, (Say(f"utter_where_{asked}"),)
    if _ATTEMPT.search(call.text) or entities(call, ORDER):
        return {asked: None}, (Say(f"utter_unreadable_{asked}"),)
    return {}, ()
