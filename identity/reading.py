"""What a message means while the bot asks for a code."""

from __future__ import annotations

import re

NEW_CODE = "new_code"
"""The intent of the button that asks for another code."""
UNREADABLE = "unreadable"

_ALONE = re.compile(r"[\d\s.\-\u2010-\u2015]*\d[\d\s.\-\u2010-\u2015!]*")
"""Nothing but digits, as somebody copies or types them: `482913`, `482 913`, `48-29-13`."""
_SIX = re.compile(r"(?<![\w#@+/-])(?:\d[\s\-\u2010-\u2015]?){5}\d(?![\w@/-])")
_ORDER = re.compile(
    r"\b(?:B|(?:bestell|auftrags?|order|rechnungs)[ -]?(?:nummer|number|nr|no)?|bestellung|auftrag)"
    r"[\s.:#-]*(?:(?:ist|lautet|is)\s+)?(?=\d)|[#@]",
    re.IGNORECASE,
)
"""What makes six digits an order's number: `B-100234`, `Bestellung 100234`, `#100234`."""
_CODE_WORD = re.compile(
    r"(?<!post\s)(?<!zip\s)\b(?!post|zip|gutschein|rabatt|discount|voucher)\w*code\b", re.IGNORECASE
)
_NEW = re.compile(
    r"""\b(?: neue[nr]?\s+code
      | noch\s*(?:mal|ein\s?mal)\s+(?:(?:einen|den)\s+)?(?:code|senden|schicken)
      | code\s+(?:bitte\s+)?(?:noch\s*mal|neu|erneut) | anderen\s+code
      | (?:kein(?:en)?|keine)\s+(?:code|e-?mail|mail)\b(?!\s*adresse)
      | code\s+(?:ist\s+|kam\s+|kommt\s+)?(?:noch\s+|bisher\s+)?(?:nicht|nie)\b.{0,12}
        (?:da|an|angekommen|erhalten|bekommen|gekommen)
      | nichts\s+(?:angekommen|bekommen|erhalten|gekommen)
      | (?:a\s+)?new\s+code | another\s+code | (?:re)?send\s+(?:it|the\s+code|a\s+code)(?:\s+again)?
      | no\s+(?:code|e-?mail|mail)\b(?!\s*address)
      | code\s+(?:did\s*n[o']?t|has\s*n[o']?t|never|is\s*n[o']?t)
      | (?:did\s*n[o']?t|have\s*n[o']?t|haven't|didn't)\s+(?:get|got|receive[d]?)\b )""",
    re.IGNORECASE | re.VERBOSE,
)
_MOST = 120
"""Characters of a message that can be a code or a wish for one; a longer one is about more."""


def read(text: str, intent: str | None) -> str | None:
    """Six digits, :data:`NEW_CODE`, :data:`UNREADABLE`, or ``None``: it is about something else."""
    if intent == NEW_CODE:
        return NEW_CODE
    text = text.strip()
    if not text or len(text) > _MOST:
        return None
    found = [re.sub(r"\D", "", match.group()) for match in _SIX.finditer(text)]
    about_code = _ALONE.fullmatch(text) is not None or bool(_CODE_WORD.search(text))
    if len(found) == 1 and not _ORDER.search(text) and _only_digits_of(text, found[0]):
        return found[0]
    if _NEW.search(text):
        return NEW_CODE
    if about_code and re.search(r"\d", text) and not _ORDER.search(text):
        return UNREADABLE
    return None


def _only_digits_of(text: str, digits: str) -> bool:
    return re.sub(r"\D", "", text) == digits
