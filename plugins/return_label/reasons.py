"""Why somebody sends something back: asked for, never required."""

from __future__ import annotations

import re

from bot.messages import Understanding
from plugins.shop.api import STOP

SKIPPED = "none"
"""The reason of somebody who gives none; it stands in the slot so that nobody asks again."""

_KNOWN = {
    "too_small": r"zu\s(?:klein|eng|kurz)|too\s(?:small|tight|short)",
    "too_big": r"zu\s(?:gro(?:ß|ss)|weit|lang)|too\s(?:big|large|wide|long)",
    "damaged": r"kaputt|defekt|besch(?:ä|ae)digt|zerbrochen|funktioniert\snicht"
    r"|damaged|broken|defective|faulty|does(?:n't|\snot)\swork",
    "wrong_item": r"falsche[rnms]?\s\w+|wrong\s\w+|nicht\s(?:das\s)?bestellt",
    "not_liked": r"gef(?:ä|ae)llt\s(?:\w+\s)?nicht|passt\s(?:\w+\s)?nicht|do(?:n't|\snot)\slike"
    r"|not\sas\s(?:expected|described)|anders\sals|enttäusch\w*",
    "ordered_too_much": r"zu\sviel|doppelt|mehrere\sgr(?:ö|oe)(?:ß|ss)en|auswahl|too\smany|twice",
}
_PATTERNS = {
    name: re.compile(rf"\b(?:{pattern})", re.IGNORECASE) for name, pattern in _KNOWN.items()
}
_SKIP = re.compile(
    r"\W*(?:egal|kein(?:e|en)?(?:\s(?:angaben?|grund|lust))?|ohne(?:\sgrund|\sangabe)?|nein|nee?|nö|no"
    r"|nichts|weiter|überspringen|sag\sich\snicht|möchte\sich\snicht(?:\ssagen)?|einfach\sso|skip"
    r"|no\sreason|none|(?:das\s)?(?:will|mag|möchte)\sich\s(?:\w+\s)?nicht(?:\ssagen)?"
    r"|(?:i\s)?do(?:n't|\snot)\swant\sto(?:\s(?:say|tell))?(?:\syou)?|(?:i'd\s)?rather\snot(?:\ssay)?"
    r"|(?:i'd\s|i\s)?prefer\snot(?:\sto\ssay)?|nope|doesn't\smatter|-+)"
    r"(?:[\s,]*(?:danke|bitte|thanks|thank\syou))?\W*",
    re.IGNORECASE,
)
_FREE = frozenset(
    {"return_item", "get_return_label", "report_damaged_item", "nlu_fallback", "out_of_scope"}
)
"""Intents that a reason in one's own words is taken for by the model."""
_SURE = 0.7
"""From this confidence on, another intent is believed: a question, or a wish for a person."""
_MOST = 200


def read_reason(text: str, understood: Understanding, *, asked: bool) -> str | None:
    """A reason: one of the known ones, `none` for somebody who gives none, or their own words.

    Without having been asked only a known one counts. None: the text is about something else.
    """
    text = text[: _MOST * 5].strip()
    known = next((name for name, pattern in _PATTERNS.items() if pattern.search(text)), None)
    if known is not None or not asked or STOP.search(text):
        return known
    if _SKIP.fullmatch(text):
        return SKIPPED
    own_words = understood.intent in _FREE or understood.confidence < _SURE
    return text[:_MOST] if text and own_words and "?" not in text else None
