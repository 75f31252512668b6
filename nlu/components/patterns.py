"""Entities that have a shape: order numbers, e-mail addresses, postcodes, tracking numbers, sums.

`find` is a pure function on a text. The component lets what it finds win over what the tagger
(`components/tagger.py`) has learned, and looks at the tagger's cities to tell a short postcode.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message


class Found(NamedTuple):
    """A piece of a text, `text[start:end]`, and what it means."""

    entity: str
    start: int
    end: int
    value: str


_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_SYMBOL, _WORD = r"[€£$]", r"(?:EUR|Euros?|GBP|USD|CHF|Franken|pounds?|quid|dollars?|francs?)\b"
_NUMBER = r"\d{1,3}(?:[.,' ]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?"
_AMOUNT = re.compile(
    rf"(?:{_SYMBOL}|\b(?:EUR|GBP|USD|CHF))\s?(?:{_NUMBER})(?![\d])"
    rf"|(?<![\w.,-])(?:{_NUMBER})(?:,-+)?\s?(?:{_SYMBOL}|{_WORD})",
    re.IGNORECASE,
)
_TRACKING = re.compile(
    r"\bDEMO[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}\b"  # the demo carrier
    r"|\b1Z[0-9A-Z]{16}\b"  # UPS
    r"|\bJ(?:JD|VGL|D)\d{12,20}\b"  # DHL
    r"|\b[A-Z]{2}\d{9}[A-Z]{2}\b"  # the post's international form (UPU S10)
    r"|(?<![\w-])0034\d(?:[ ]?\d){15}\b"  # DHL with blanks as on the label
    r"|(?<![\w-])\d{11,22}\b",
    re.IGNORECASE,
)
_TRACKING_NAMED = re.compile(
    r"(?:sendungs(?:nummer|nr|id)|paket(?:nummer|nr)|track(?:ing)?[ -]?"
    r"(?:nummer|number|nr|no|id|code)|sendung|shipment|parcel number)"
    r"[\s.:#]*(?:(?:ist|lautet|is|nummer|number|nr|no)[\s.:#]*)?"
    r"(?P<value>[A-Z]{0,4}\d{8,22}[A-Z]{0,2})\b",
    re.IGNORECASE,
)
_SIX_DIGITS = re.compile(
    r"(?<![\w+/.,-])(?:#\s?)?(?:B\s?-?\s?)?(?P<digits>\d{6})(?![\w/-]|[.,]\d)", re.IGNORECASE
)
_SHAPED_ORDER = re.compile(
    r"(?<![\w+/.-])#?(?P<value>[A-Z]{2,4}-\d{4,}(?:-\d+)*|\d{4}-\d{4,6}|\d{8,10})(?![\w/-])",
    re.IGNORECASE,
)
_NAMED_ORDER = re.compile(
    r"\b(?:(?:bestell|auftrags?|order|rechnungs)[ -]?(?:nummer|number|nr|no|id)?"
    r"|bestellung|auftrag|purchase|nummer|number|nr|no)\b"
    r"[\s.:#]*(?:(?:ist|lautet|is|mit|der|die|number|nummer|nr|no)\b[\s.:#]*){0,3}"
    r"(?P<value>[A-Z]{0,4}[-/]?\d{4,10}(?:-\d+)*)(?![\w€£$-]|\s?(?:€|EUR))",
    re.IGNORECASE,
)
_ORDER_BY_NUMBER_ALONE = frozenset({"nummer", "number", "nr", "no"})
_GB = r"(?:GIR ?0AA|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})"
_IE = r"[A-Z]\d[\dW] ?[A-Z0-9]{4}"
_POSTAL = re.compile(
    rf"(?<![\w+/.,-])(?:(?:D|DE|A|AT|CH)-)?(?P<digits>\d{{5}})(?![\w/-]|[.,]\d)"
    rf"|\b(?P<letters>{_GB})\b",
    re.IGNORECASE,
)
_POSTAL_NAMED = re.compile(
    r"\b(?:plz|postleitzahl|post ?code|postal code|zip(?: code)?|eircode)\b"
    r"[\s.:]*(?:(?:ist|lautet|is|my|meine|jetzt|now|die|the)\b[\s.:]*){0,2}"
    rf"(?:(?:D|DE|A|AT|CH)-)?(?P<value>\d{{4,5}}|{_GB}|{_IE})\b",
    re.IGNORECASE,
)
_SHORT_POSTAL = re.compile(r"(?<![\w+/.,-])(?:(?:A|AT|CH)-)?(?P<value>[1-9]\d{3})(?![\w/-]|[.,]\d)")
_PHONE = re.compile(
    r"(?:\+\d{1,3}|\b(?:tel|telefon|phone|mobil|handy|fax)\w*[\s.:]*)[\d\s/()-]*$", re.IGNORECASE
)
SHAPED = frozenset({"order_id", "email", "postal_code", "tracking_number", "amount"})
"""Entities that only this module decides about."""


def normal_order_id(written: str) -> str:
    """The canonical form: six digits are `B-100234`; other shops' numbers stay, in capitals."""
    bare = re.sub(r"[\s#]", "", written).upper()
    digits = re.fullmatch(r"(?:B-?)?(\d{6})", bare)
    return f"B-{digits[1]}" if digits else bare


def find(text: str, cities: Iterable[tuple[int, int]] = ()) -> list[Found]:
    """What has a shape in `text`, in order and without overlaps. `cities` are known positions."""
    kept: list[Found] = []
    for found in _candidates(text, tuple(cities)):
        if not any(found.start < other.end and other.start < found.end for other in kept):
            kept.append(found)
    return sorted(kept, key=lambda found: found.start)


def _candidates(text: str, cities: Sequence[tuple[int, int]]) -> Iterable[Found]:
    """Everything that may be something, the surest first."""
    for match in _EMAIL.finditer(text):
        yield Found("email", *match.span(), match[0].lower())
    for match in _AMOUNT.finditer(text):
        yield Found("amount", *match.span(), match[0].strip())
    for match in _POSTAL_NAMED.finditer(text):
        yield _named("postal_code", match)
    for match in _TRACKING_NAMED.finditer(text):
        if not _SIX_DIGITS.fullmatch(match["value"]):
            yield _named("tracking_number", match)
    yield from _orders(text)
    for match in _TRACKING.finditer(text):
        yield Found("tracking_number", *match.span(), re.sub(r"[ -]", "", match[0]).upper())
    yield from _postcodes(text, cities)


def _named(entity: str, match: re.Match[str]) -> Found:
    value = match["value"].upper()
    return Found(entity, match.start("value"), match.end("value"), value)


def _orders(text: str) -> Iterable[Found]:
    for match in _SIX_DIGITS.finditer(text):
        if not _is_phone(text, match.start()):
            yield Found("order_id", *match.span(), normal_order_id(match[0]))
    for match in _NAMED_ORDER.finditer(text):
        # "Nr. 1234" alone may be a house or a flat; from five digits on it is an order.
        word = match[0].split()[0].rstrip(".:#").lower()
        if word not in _ORDER_BY_NUMBER_ALONE or len(match["value"]) > 4:
            yield _order(match)
    for match in _SHAPED_ORDER.finditer(text):
        if not _is_phone(text, match.start()):
            yield _order(match)


def _is_phone(text: str, start: int) -> bool:
    """Whether the digits at `start` go on a telephone number."""
    return _PHONE.search(text[max(0, start - 30) : start]) is not None


def _order(match: re.Match[str]) -> Found:
    value = normal_order_id(match["value"])
    return Found("order_id", match.start("value"), match.end("value"), value)


def _postcodes(text: str, cities: Sequence[tuple[int, int]]) -> Iterable[Found]:
    for match in _POSTAL.finditer(text):
        group = "digits" if match["digits"] else "letters"
        yield Found("postal_code", *match.span(group), match[group].upper())
    for match in _SHORT_POSTAL.finditer(text):
        # Four digits are a postcode (AT, CH) next to a city, or when nothing else was said.
        beside = any(0 < start - match.end() <= 2 for start, _ in cities)
        if beside or match[0] == text.strip(" .!"):
            yield _named("postal_code", match)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class PatternExtractor(GraphComponent):
    """Adds what has a shape, and drops what the tagger guessed in its place."""

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> PatternExtractor:
        """Nothing is configured and nothing is stored."""
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        """Set the entities of each message."""
        for message in messages:
            guessed = [e for e in message.get(ENTITIES, []) if e["entity"] not in SHAPED]
            cities = [(e["start"], e["end"]) for e in guessed if e["entity"] == "city"]
            found = find(message.get(TEXT) or "", cities)
            kept = [
                entity
                for entity in guessed
                if not any(f.start < entity["end"] and entity["start"] < f.end for f in found)
            ]
            kept += [{**f._asdict(), "extractor": type(self).__name__} for f in found]
            message.set(ENTITIES, sorted(kept, key=lambda e: e["start"]), add_to_output=True)
        return messages
