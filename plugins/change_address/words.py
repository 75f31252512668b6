"""The words around an address, German and English: what introduces it, ends it, takes it back."""

from __future__ import annotations

import re

HOUSE = r"\d{1,4}\s?[a-zA-Z]?(?!\w)(?:\s?[-/+]\s?\d{1,4}\s?[a-zA-Z]?(?!\w))*"
"""A house number: `4`, `4a`, `12 b`, `7-9`, `3/2`."""

STREET = re.compile(rf"(?P<name>[^\W\d_].*?[^\W_]\.?)\s*,?\s+(?P<house>{HOUSE})$")
"""Name and house number: `Straße des 17. Juni 135`."""

JOINED = re.compile(r"(?P<name>[^\W\d_]+(?:str\.|straße|strasse|weg))(?P<house>\d+\w?)$", re.I)
"""Without the space: `Hauptstr.7`."""

BRITISH = re.compile(rf"(?:flat\s\w+,?\s+)?{HOUSE}\s+[^\W\d_][\w'.-]+(?:\s[\w'.-]+)*$", re.I)
"""Number first: `221 Deansgate`."""

IN_TOWN = re.compile(rf"(?P<street>.+?\s{HOUSE})\s+(?:in|at)\s+(?P<city>[^\d,]+)$")
"""`Goethestraße 18 in Leipzig`."""

HOUSE_ONLY = re.compile(
    rf"\b(?:haus\s?(?:nummer|nr)|hnr|hsnr|nummer|nr|house\s?(?:number|no)|number|no)\b[.:]?\s*"
    rf"(?:(?:ist|lautet|is|muss|soll\w*|sein|should|be|jetzt|richtig|die|doch)\s+)*({HOUSE})",
    re.IGNORECASE,
)
BARE_NUMBER = re.compile(
    rf"(?:(?:nein|ne|nee|nö|no|sorry|doch|aber|nur|die|the)[\s,.!]+)*({HOUSE})[\s.!]*",
    re.IGNORECASE,
)
NONE = re.compile(r"\b(?:ohne|keine?|none|without|no number|no house number)\b", re.IGNORECASE)

POSTCODE = re.compile(r"(?<![\w#-])(?:(DE?|AT?|CH)[\s-]+)?(\d{5}|\d{4})(?!\w)", re.IGNORECASE)
POSTCODE_WORD = re.compile(r"\b(?:plz|postleitzahl|post ?code|zip)\b", re.IGNORECASE)
ORDER_NUMBER = re.compile(r"(?<!\w)(?:b[\s\-\u2010-\u2015]?|#\s?)?\d{6}(?!\w)", re.IGNORECASE)

SINCE = re.compile(r"\b(?:seit|since|ab|vor|jahr|im|in|year)\s*$", re.IGNORECASE)
"""Before four digits that are a year and no postcode."""

PIECES = re.compile(r"[,;\n]|(?<=[a-zäöüß]{4})(?<!str)\.\s+(?=[A-ZÄÖÜ])")
"""A full stop ends a piece only after a real word: not in `Hauptstr. 7` or `17. Juni`."""

NEGATED = re.compile(
    r"\b(?:nicht(?:\s+mehr)?|statt|anstatt|anstelle|not|instead\s+of)\s+"
    r".*?(?=\b(?:sondern|but|bitte|lieber|richtig)\b|[,;\n]|$)",
    re.IGNORECASE,
)
"""`nicht Lindenweg 4 sondern`: what is negated is no address."""

WRONG = re.compile(
    r"(?:^|[,;\n])[^,;\n]*?\b(?:(?:ist|sind|war|waren|is|was|are)\s+(?:\w+\s+)?(?:falsch|wrong)"
    r"|stimm(?:t|en)\s+(?:so\s+)?nicht)\b",
    re.IGNORECASE,
)
NO_ANSWER = re.compile(
    r"""\?|\b(?:ahnung|wei(?:ß|ss)|nicht|hilfe|mensch\w*|mitarbeiter\w*|person|agent|human|know|help
      |wie|wo|was|wann|warum|how|what|when|where|why|which|kostet|cost|hab|habe|haben|have|kann|can
      |seit|since|egal|ändern|change|bestell\w*|order|adresse|address|paket|parcel|ja|nein|yes|no)\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""Words that no street and no town is called: a message with them is about something else."""

_LABEL = (
    r"(?:plz|postleitzahl|post\s?code|zip|ort|stadt|city|town|wohnort|straße|strasse|str|street"
    r"|(?:die\s|meine\s|neue\s|new\s)*(?:liefer|versand)?(?:adresse|anschrift)|address)"
)
_LEAD = re.compile(
    rf"""\W* (?: {_LABEL} \s* (?: : | \b(?:ist|lautet|is|wäre|auf|to)\b:? )
      | \b(?:plz|postleitzahl|post\s?code|zip|ja|nein|nee?|nö|doch|bitte|danke|hallo|hi|hello
      |guten\s\w+|also|sorry|okay?|yes|no|please|and|und|oder|aber|jetzt|now|nur|genauer|sondern|but
      |richtig|korrekt|correct|ist|is|would|be|lautet|heißt|dann|then|ich|wir|i|we|wohnen?|live|bin
      |umgezogen|soll|sollte|should|must|muss|go|das|die|der|the|my|meine?[rnms]?|neue?[rnms]?|new
      |(?:liefer|versand)?(?:adresse|anschrift)|address|paket|parcel|schick\w*|send\w*|liefer\w*
      |ship|deliver|alles|everything|(?:be)?stellung|lieferung|sendung|order|änder\w*|change|es|it|sie|mir|mich|me|von|from)\b
    ) [\s:,.!-]*""",
    re.IGNORECASE | re.VERBOSE,
)
_PREPOSITION = re.compile(
    r"(?:an|nach|auf|in|im|zu|zur|zum|to|at)\s+(?:(?:der|die|das|dem|den|the)\s+)?|"
    r"(?:An|Nach|To|At)\s+(?!der\b|den\b|dem\b|die\b|das\b|the\b)"
)
"""`an Lindenweg 4`; a capital one before an article belongs to the street: `An der Alster 5`."""

IN_SENTENCE = re.compile(r"(?:\S+\s+){2,}(?:an|nach|to)\s+(?=[^\W\d_])", re.IGNORECASE)
"""`Könnten Sie die Lieferung bitte an` Ahornallee 7b: a sentence that leads to the street."""

LED_IN = re.compile(
    r"^.*?(?::|\b(?:geändert|verändert|umgezogen|changed|moved|folgt|follows)\b[\s:–-]*)\s+",
    re.IGNORECASE,
)
"""`Meine Adresse hat sich geändert:` Lindenweg 4: a sentence that announces the address."""

_TAIL = re.compile(
    r"""[\s,.!-]+ (?:
      (?:bitte|danke(?:schön|\sschön)?|vielen\sdank|please|thanks?(?:\syou)?|schicken|senden|liefern
      |ändern|lauten|sein|gehen|wohne\sich|wohnen\swir|geschickt\swerden|werden|instead|lg|vg|mfg
      |ist\srichtig|is\s(?:right|correct)|mit\s(?:freundlichen|besten)
      |(?:viele|liebe|beste|freundliche)\sgrüße)\b[^\d]*
      |(?:in|bei|at|und|and|plz|ort|city|postcode)\s*:?)$""",
    re.IGNORECASE | re.VERBOSE,
)
_COUNTRIES = {
    "DE": "deutschland|germany",
    "AT": "österreich|oesterreich|austria",
    "CH": "schweiz|switzerland|suisse",
    "GB": r"gro(?:ß|ss)britannien|united kingdom|england|schottland|wales|scotland|u\.?k\.?",
}
COUNTRY = re.compile(
    "|".join(rf"(?P<{code}>\b(?:{names})(?!\w))" for code, names in _COUNTRIES.items()),
    re.IGNORECASE,
)
_SMALL = frozenset(
    {"am", "an", "auf", "bei", "dem", "den", "der", "des", "im", "in", "ob", "von", "vor", "zum"}
    | {"zur", "of", "on", "the", "upon"}
)
_NAME = re.compile(r"[^\W\d_][^\d,;:!?@]{1,60}")


def clean(text: str) -> str:
    """The text without what introduces and ends it: `bitte an Lindenweg 4 schicken`."""
    text = _TAIL.sub("", dense(text)).strip(" ,.;:!-")
    while lead := (_LEAD.match(text) or _PREPOSITION.match(text)):
        if not lead.end():
            break
        text = text[lead.end() :]
    return _TAIL.sub("", text).strip(" ,;:!-")


def dense(text: str) -> str:
    """The text with single spaces."""
    return " ".join(text.split())


def is_name(text: str) -> bool:
    """Whether it could be a town's or a street's name: letters first, no digits."""
    return _NAME.fullmatch(text) is not None


def capital(text: str) -> str:
    """Capitals for somebody who writes without any."""
    if text != text.lower():
        return text
    return " ".join(
        word if index and word in _SMALL else word[:1].upper() + word[1:]
        for index, word in enumerate(text.split(" "))
    )
