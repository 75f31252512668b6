"""What stands below "Mit freundlichen Grüßen": a name and maybe an address, and nothing asked.

A person reads it as part of the letter, so :func:`quotes.fold` leaves it there. Whoever understands
the text would take the sender's own street for the new address, and "1 / VG Jörg" for no number.
"""

from __future__ import annotations

import re

from plugins.mail.quoting import words

_MOST_LINES = 12
_MOST_WORDS = 7  # of a line of an address; sentences have more
_OPENING = re.compile(
    r"[ \t]*(?:hallo|hi|hey|moin|servus|guten (?:tag|morgen|abend)|grüß gott"
    r"|sehr geehrte\w*|liebe[rs]?|hello|dear|good (?:day|morning|afternoon|evening))\b"
    r"[^.?!]{0,60}[,.!]?[ \t]*$",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"[ \t]*(?:(?:vielen|besten|herzlichen) dank|danke(?: (?:schön|sehr))?|many thanks|thanks)"
    r"(?: (?:im voraus|vorab|in advance))?(?:,| und| and| &)[ \t]+",
    re.IGNORECASE,
)
_SMALL = re.compile(
    r"und|and|&|von|vom|van|der|die|das|de|zur?|zum|i[mn]|am|an|bei|of|the|for|i\.a\.|i\.v\.|geb\."
    r"|c/o|str(?:\.|aße)"
)
_MARKED = re.compile(r"[@/|:+\d]|www\.")
_TOLD = re.compile(
    r"bestell|auftrag|order|rechnung|invoice|kunden|customer|sendung|tracking|[A-Z]{1,4}-\d{4,}",
    re.IGNORECASE,
)
"""Numbers that belong to what is asked, wherever they stand."""
_AFTERWORD = re.compile(r"[ \t]*p\.? ?s\b|.*\?[ \t]*$", re.IGNORECASE)


def split_closing(text: str) -> tuple[str, str]:
    """What is asked, and the closing with what stands below it; the latter may be empty.

    Where something is said below the closing, it is part of what is asked, and nothing is split.
    """
    lines = text.splitlines()
    closings = [index for index, line in enumerate(lines) if _closes(line)]
    for index in closings:
        above, below = lines[:index], lines[index + 1 :]
        if _says_something(above) and _is_signature(below):
            told = [line for line in below if _TOLD.search(line)]
            rest = [line for line in below if line not in told]
            return "\n".join([*above, *told]).strip(), "\n".join([lines[index], *rest]).strip()
    return text, ""


def _closes(line: str) -> bool:
    return words.CLOSING.match(_THANKS.sub("", line)) is not None


def _says_something(lines: list[str]) -> bool:
    return any(line.strip() and not _OPENING.match(line) for line in lines)


def _is_signature(lines: list[str]) -> bool:
    written = [line for line in lines if line.strip()]
    if len(written) > _MOST_LINES or any(_AFTERWORD.match(line) for line in written):
        return False
    # Somebody's first line is a name, also of one who writes all of it small.
    return all(_is_entry(line) for line in written[1:]) and (
        not written or _is_entry(written[0]) or len(written[0].split()) < 3
    )


def _is_entry(line: str) -> bool:
    """A line of an address, a number or a name: no sentence."""
    parts = line.split()
    if _TOLD.search(line) or (len(parts) <= _MOST_WORDS and _MARKED.search(line)):
        return len(parts) <= _MOST_WORDS
    named = all(not part[0].isalpha() or part[0].isupper() or _small(part) for part in parts)
    return named and len(parts) <= _MOST_WORDS and not line.rstrip().endswith(("!", "."))


def _small(part: str) -> bool:
    return _SMALL.fullmatch(part.lower().strip(",;")) is not None
