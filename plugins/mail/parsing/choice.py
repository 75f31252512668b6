"""Which of two alternatives of a text a person reads: the plain one or the HTML one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

ENOUGH = 0.8  # of the words of one text that are in the other: then it says the same
_COMPARED = 200_000  # characters of each that are compared

_LINKS = re.compile(r"<?(?:https?|mailto|cid|tel):[^\s>]*>?|www\.\S+")
_WORDS = re.compile(r"\w{2,}")
_MARKUP = re.compile(r"&nbsp;|&[aou]uml;|<br\s*/?>|</(?:p|div|td|span)>", re.I)
_DAMAGED = re.compile(r"\w\?\w|\ufffd")
_DIGITS = 6
_NOTICE = 60  # words: a notice that one should read it elsewhere is shorter


@dataclass(slots=True)
class Block:
    """A text of a mail, and the parts that it was made from."""

    text: str
    html: bool = False
    sources: list[int] = field(default_factory=list)


def words(text: str) -> set[str]:
    """What a text says: without addresses of links, which HTML hides and plain texts show."""
    return set(_WORDS.findall(_LINKS.sub(" ", text[:_COMPARED]).lower()))


def better(first: list[Block], second: list[Block]) -> tuple[list[Block], list[Block]]:
    """Which of two alternatives is read, and what of the other must be kept beside it.

    Plain is preferred where it says as much: what a mailer makes of quotes is clearer there.
    """
    one, two = ("\n".join(block.text for block in blocks) for blocks in (first, second))
    if not two.strip() or one == two:
        return first, []
    if not one.strip():
        return second, []
    if any(block.html for block in first) and not any(block.html for block in second):
        first, second, one, two = second, first, two, one
    plain, rich = words(one), words(two)
    if _plain_is_enough(one, two, plain, rich):
        return first, second if _numbers(rich) - plain else []
    common = len(plain & rich)
    notice = len(plain) < min(_NOTICE, len(rich)) and "html" in one.lower()
    if common >= ENOUGH * len(plain) or (_poor(one, two) and common * 2 >= len(plain)) or notice:
        return second, first if _numbers(plain) - rich else []
    return second, first  # the last alternative is the sender's best (RFC 2046, 5.1.4)


def _plain_is_enough(one: str, two: str, plain: set[str], rich: set[str]) -> bool:
    common = len(plain & rich)
    return common >= ENOUGH * len(rich) and not (_poor(one, two) and common * 2 >= len(plain))


def _numbers(found: set[str]) -> set[str]:
    """Numbers of orders and parcels: one of them in one text only is worth a file."""
    return {word for word in found if sum(map(str.isdigit, word)) >= _DIGITS}


def _poor(plain: str, rich: str) -> bool:
    """Whether a plain text is a bad copy: tags in it, or umlauts that were lost."""
    if _MARKUP.search(plain) and not _MARKUP.search(rich):
        return True
    return len(_DAMAGED.findall(plain)) > 2 + 2 * len(_DAMAGED.findall(rich))
