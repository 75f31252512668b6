"""Reads an address, or a part of one, out of what people write. Pure: no I/O, no order.

"Lindenweg 4, 50674 Köln", the same over several lines or in pieces, "221 Deansgate, Manchester
M3 4BB", "Hausnummer 14", "nicht Lindenweg 4 sondern Lindenweg 14", "PLZ ist 50676".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from plugins.change_address import words
from plugins.shop.api import EMAIL, GB_POSTCODE

NO_NUMBER = "o. Nr."
"""Written in place of a house number that does not exist, as the German post does."""

_MOST = 300
"""Characters that are read; an address is never longer."""
_PREFIXES = {"D": "DE", "DE": "DE", "A": "AT", "AT": "AT", "CH": "CH"}


@dataclass(frozen=True, slots=True)
class Part:
    """What a message said of an address.

    `number` is a house number that came without its street; `others` are postcodes in the message
    that are not the address's.
    """

    street: str | None = None
    postal_code: str | None = None
    city: str | None = None
    country: str | None = None
    number: str | None = None
    others: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any((self.street, self.postal_code, self.city, self.country, self.number))


@dataclass(frozen=True, slots=True)
class _Found:
    """A postcode in a text: what stands beside it, and the text without both.

    `placed`: beside it stands what can be a town.
    """

    code: str
    place: str
    rest: str
    country: str | None = None
    placed: bool = False


def read_address(
    text: str, asked: str | None = None, entities: Iterable[tuple[str, str]] = ()
) -> Part:
    """The parts of an address in a text.

    `asked` is the part that was asked for (`street`, `postal_code`, `city`): an answer without any
    other mark is taken for it. `entities` are (name, value) as the model found them; they decide
    only where the patterns leave it open.
    """
    text = words.ORDER_NUMBER.sub(" ", EMAIL.sub(" ", text[:_MOST]))
    kept = words.WRONG.sub(" ", words.NEGATED.sub(" ", text))
    country, rest = _take_country(kept)
    found, others = _take_postcode(rest, asked)
    part = Part(country=country, others=others)
    if found is not None:
        rest = found.rest
        part = replace(
            part,
            postal_code=found.code,
            city=_city(found.place),
            country=country or found.country,
        )
    part = _with_street(part, rest, asked)
    part = _with_entities(part, {name: value for name, value in entities if value in kept})
    if part and (asked != "street" or part.street or part.number):
        return part
    return _plain_answer(part, rest, asked)


def with_number(street: str, number: str) -> str:
    """The street with another house number; a British one stands in front."""
    behind = words.STREET.match(street)
    if behind is not None:
        return f"{behind['name']} {number}"
    front = re.match(rf"{words.HOUSE}\s+", street, re.IGNORECASE)
    if front is not None:
        return f"{number} {street[front.end() :]}"
    return f"{street.removesuffix(NO_NUMBER).rstrip()} {number}"


def has_number(street: str) -> bool:
    """Whether a house number is there, or said not to exist."""
    return street.endswith(NO_NUMBER) or any(letter.isdigit() for letter in street)


def means_none(text: str) -> bool:
    """Whether somebody says that there is no house number."""
    return words.NONE.search(text) is not None


def _take_country(text: str) -> tuple[str | None, str]:
    match = words.COUNTRY.search(text)
    if match is None:
        return None, text
    return match.lastgroup, f"{text[: match.start()]},{text[match.end() :]}"


def _take_postcode(text: str, asked: str | None) -> tuple[_Found | None, tuple[str, ...]]:
    """The address's postcode (the last one with a place beside it), and the other ones."""
    british = GB_POSTCODE.search(text)
    if british is not None:
        return _british(text, british), ()
    found = [_continental(text, match) for match in words.POSTCODE.finditer(text)]
    told = asked == "postal_code" or words.POSTCODE_WORD.search(text) is not None
    sure = [one for one in found if len(one.code) > 4 or one.country or told or one.placed]
    placed = [one for one in sure if one.placed] or sure
    if not placed:
        return None, ()
    best = placed[-1]
    others = tuple(one.code for one in sure if one is not best)
    for code in others:
        best = replace(best, rest=best.rest.replace(code, ","))
    return best, others


def _british(text: str, match: re.Match[str]) -> _Found:
    """A British town stands before the postcode."""
    before = re.split(r"[,;\n]", text[: match.start()].rstrip(" ,;\n"))
    place = before.pop() if len(before) > 1 else ""
    rest = ",".join([*before, text[match.end() :]])
    return _Found(f"{match[1]} {match[2]}".upper(), place, rest, "GB")


def _continental(text: str, match: re.Match[str]) -> _Found:
    place, _, after = text[match.end() :].lstrip(" ,").partition("\n")
    place, comma, more = place.replace(";", ",").partition(",")
    rest = (
        f"{text[: match.start()]}\n{more}\n{after}"
        if comma
        else f"{text[: match.start()]}\n{after}"
    )
    year = words.SINCE.search(text[: match.start()]) is not None and len(match[2]) == 4
    country = _PREFIXES.get((match[1] or "").upper())
    return _Found(match[2], place, rest, country, placed=bool(_city(place)) and not year)


def _with_street(part: Part, rest: str, asked: str | None) -> Part:
    """The street among the pieces that are left, or a house number alone."""
    for piece in words.PIECES.split(rest):
        clean = words.clean(words.LED_IN.sub("", piece))
        town = words.IN_TOWN.match(clean)
        if town is not None and _street(town["street"]):
            city = part.city or _city(town["city"])
            return replace(part, street=_street(town["street"]), city=city)
        if street := _street(clean):
            return replace(part, street=street)
        if house := words.HOUSE_ONLY.search(piece):
            return replace(part, number=words.dense(house[1]))
        if words.BRITISH.match(clean) and (part.country == "GB" or asked == "street"):
            return replace(part, street=words.capital(clean))
    bare = words.BARE_NUMBER.fullmatch(rest.strip())
    return replace(part, number=words.dense(bare[1])) if bare else part


def _street(clean: str) -> str | None:
    match = words.STREET.match(clean) or words.JOINED.match(clean)
    if match is None or words.HOUSE_ONLY.match(clean):
        return None
    name = words.IN_SENTENCE.sub("", match["name"]).strip(" :-")
    if len(name) < 2 or words.NO_ANSWER.search(name):
        return None
    return f"{words.capital(name)} {words.dense(match['house'])}"


def _city(place: str) -> str | None:
    clean = words.clean(place)
    return words.capital(clean) if words.is_name(clean) else None


def _with_entities(part: Part, found: dict[str, str]) -> Part:
    street, city = found.get("street"), found.get("city")
    if street and part.street is None and part.number is None and has_number(street):
        part = replace(part, street=words.capital(words.dense(street)))
    if city and part.city is None and words.is_name(city):
        part = replace(part, city=words.capital(city))
    return part


def _plain_answer(part: Part, rest: str, asked: str | None) -> Part:
    """A name without any mark, where a name was asked for."""
    clean = words.clean(rest)
    if not words.is_name(clean) or len(clean.split()) > 4 or words.NO_ANSWER.search(rest):
        return part
    if asked == "city":
        return replace(part, city=words.capital(clean))
    return replace(part, street=words.capital(clean)) if asked == "street" else part
