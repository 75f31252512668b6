"""What a message means while the bot asks for a code."""

from __future__ import annotations

import re

NEW_CODE = "new_code"
"""The intent of the button that asks for another code."""
UNREADABLE = "unreadable"
WHERE = "where"
"""Which mailbox it went to, or that it cannot be read any more."""
OTHER_ORDER, OTHER_SECRET = "other_order", "other_secret"
"""That the order's number, or what goes with it, was wrong; without the right one."""
LATER = "later"
"""A word while somebody looks for the mail: "ok", "Moment"."""

_ALONE = re.compile(r"[\d\s.\-\u2010-\u2015]*\d[\d\s.\-\u2010-\u2015!]*")
"""Nothing but digits, as somebody copies or types them: `482913`, `482 913`, `48-29-13`."""
_SIX = re.compile(r"(?<![\w#@+/-])(?:\d[\s\-\u2010-\u2015]?){5}\d(?![\w@/-])")
_ORDER = re.compile(
    r"\b(?:B|(?:bestell|auftrags?|order|rechnungs)[ -]?(?:nummer|number|nr|no)?|bestellung|auftrag)"
    r"[\s.:#-]*(?:(?:ist|lautet|is)\s+)?(?=\d)|[#@]",
    re.IGNORECASE,
)
"""What makes six digits an order's number: `B-100234`, `Bestellung 100234`, `#100234`."""
_PAIR = re.compile(r"\d{6}[\s,;/]+\d{4,5}")
"""An order's number and a postcode."""
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
      | can(?:'t|not|t|\snot)\s+(?:see|find)\s+(?:\w+\s+){0,2}(?:code|e-?mail)\b(?!\s*address)
      | (?:did\s*n[o']?t|have\s*n[o']?t|haven't|didn't)\s+(?:get|got|receive[d]?)\b )""",
    re.IGNORECASE | re.VERBOSE,
)
_WHERE = re.compile(
    r"""\b(?: (?:an\s+)?welche[nrs]?\s+(?:e-?)?mail | wohin\b.{0,30}(?:code|mail|geschickt|gesendet)
      | (?:kein(?:en)?|nicht)\s+(?:\w+\s+){0,2}(?:zugriff|zugang) | komme?\s+nicht\s+(?:\w+\s+){0,3}
        (?:mails?|postfach|adresse)\b
      | (?:e-?mail|postfach)[\w-]*\s+(?:\w+\s+){0,3}(?:nicht|nich)\s+mehr
      | (?:which|what)\s+(?:e-?)?mail | where\s+(?:did|do|was|is)\b.{0,20}(?:sen[dt]|code|mail)
      | (?:no\s+longer|do\s*n[o']?t|don't|can\s*no?t|can't|lost|without)\s+(?:\w+\s+){0,3}access
      | no\s+access )\b""",
    re.IGNORECASE | re.VERBOSE,
)
_NOT_MINE = re.compile(
    r"""\b(?: (?:war|bin|ist)\s+(?:das\s+)?(?:ich\s+)?(?:nicht\s+(?:ich|von\s+mir)|ich\s+nicht)
      | ich\s+war\s+das\s+nicht | nicht\s+von\s+mir
      | (?:nichts?|nie|kein(?:en|e)?)\b.{0,25}\b(?:angefordert|angefragt|beantragt|verlangt)
      | (?:was\s*n[o']?t|wasn’t|was\s+not|isn't|is\s+not|not)\s+me
      | (?:did\s*n[o']?t|didn’t|did\s+not|have\s*n[o']?t|have\s+not|never)\s+
        (?:request|requested|ask|asked)\b )""",
    re.IGNORECASE | re.VERBOSE,
)
_WRONG = r"(?:falsch\w*|verkehrt\w*|wrong|incorrect|stimmt\s+(?:\w+\s+)?nicht)"
_OTHER = re.compile(
    rf"""\b(?: (?:falsche|verkehrte|andere|wrong|another|a\s+different)[nrms]?\s+
        (?:(?P<number>bestell\w*|auftrag\w*|order)|(?P<secret>plz|postleitzahl|post\s?code|zip))
      | (?:(?P<number_too>bestellnummer|auftragsnummer|order\s+number)
        |(?P<secret_too>plz|postleitzahl|post\s?code|zip))\b.{{0,20}}\b{_WRONG} )\b""",
    re.IGNORECASE | re.VERBOSE,
)
_LATER = re.compile(
    r"""(?: ok(?:ay|ey)? | ja | jo | gut | alles\ klar | in\ ordnung | verstanden | mach(?:e)?\ ich
      | (?:einen?\ |kleinen\ |kurzen\ )*(?:moment|augenblick|sekunde|minute)(?:\ (?:mal|bitte))*
      | wart(?:e|en\ sie)?(?:\ (?:mal|kurz|bitte))*
      | ich\ (?:schaue?|gucke?|sehe?|suche?|warte)\b.{0,20}
      | yes | sure | all\ right | alright | fine | got\ it | wait | hold\ on
      | let\ me\ (?:check|look|see) | (?:one|just\ a|a)\ (?:moment|minute|second|sec)
      )(?:[,\ ]+(?:bitte|please|danke|thanks))?""",
    re.IGNORECASE | re.VERBOSE,
)
_DIGIT = {
    **dict.fromkeys(("null", "zero"), "0"),
    **dict.fromkeys(("ein", "eins", "one"), "1"),
    **dict.fromkeys(("zwei", "zwo", "two"), "2"),
    **dict.fromkeys(("drei", "three"), "3"),
    **dict.fromkeys(("vier", "four"), "4"),
    **dict.fromkeys(("fünf", "fuenf", "five"), "5"),
    **dict.fromkeys(("sechs", "six"), "6"),
    **dict.fromkeys(("sieben", "seven"), "7"),
    **dict.fromkeys(("acht", "eight"), "8"),
    **dict.fromkeys(("neun", "nine"), "9"),
}
_AROUND = re.compile(r"der|code|mein|ist|lautet|the|my|is|it's|es|bitte|danke|please|thanks")
_BEFORE = re.compile(r"(?:\A|\bcode\b[\s:]*(?:(?:ist|lautet|is)\b[\s:]*)?)\Z", re.IGNORECASE)
_PLACE = re.compile(r"[^\W\d_]{4}")
_MOST = 120
"""Characters of a message that can be a code or a wish for one; a longer one is about more."""


def read(text: str, intent: str | None) -> str | None:
    """Six digits, one of the words above, or ``None``: it is about something else."""
    if intent == NEW_CODE:
        return NEW_CODE
    text = text.strip()
    if not text or len(text) > _MOST:
        return None
    if (digits := _digits(text)) is not None:
        return digits
    if (other := _OTHER.search(text)) and not re.search(r"\d", text):
        return OTHER_ORDER if other["number"] or other["number_too"] else OTHER_SECRET
    if _WHERE.search(text):
        return WHERE
    if _NEW.search(text):
        return NEW_CODE
    if _LATER.fullmatch(text.rstrip(" .!")):
        return LATER
    if _PAIR.fullmatch(text):
        return None
    about_code = _ALONE.fullmatch(text) is not None or bool(_CODE_WORD.search(text))
    if about_code and re.search(r"\d", text) and not _ORDER.search(text):
        return UNREADABLE
    return None


def beside(text: str, digits: str) -> str:
    """What else a message says that has a code in front: `482913, neue Adresse: Lindenweg 4`."""
    match = _SIX.search(text)
    return (
        "" if match is None or _only_digits_of(text, digits) else text[match.end() :].strip(" ,.")
    )


def _digits(text: str) -> str | None:
    if _ORDER.search(text):
        return None
    found = [*_SIX.finditer(text)]
    if len(found) != 1:
        return _spelled(text)
    digits = re.sub(r"\D", "", found[0].group())
    rest = text[found[0].end() :]
    # With other numbers behind it, it may be an order's, or a postcode with a digit too many.
    leads = _BEFORE.search(text[: found[0].start()]) and _PLACE.search(rest)
    return digits if _only_digits_of(text, digits) or leads else None


def _spelled(text: str) -> str | None:
    """`vier acht zwei neun eins drei`, as a telephone writes down what it hears."""
    words = filter(None, re.split(r"[\s,.:!-]+", text.lower()))
    digits = [_DIGIT.get(word, word) for word in words if not _AROUND.fullmatch(word)]
    told = len(digits) == 6 and all(len(one) == 1 and one in "0123456789" for one in digits)
    return "".join(digits) if told else None


def _only_digits_of(text: str, digits: str) -> bool:
    return re.sub(r"\D", "", text) == digits


def disowns(text: str) -> bool:
    """Whether somebody says that they have not asked for a code."""
    return _NOT_MINE.search(text[:_MOST]) is not None
