"""What a letter has around what it asks: "Sehr geehrte Damen und Herren", a closing and a name.

A person reads it as part of the letter, so :func:`quotes.fold` leaves it there. Whoever understands
the text would take the sender's own street for the new address, "1 / VG Jörg" for no number, and
two polite lines for most of what is said.
"""

from __future__ import annotations

import re

from plugins.mail.quoting import words

_MOST_LINES = 12
_MOST_WORDS = 7  # of a line of an address; sentences have more
_LONGEST_OPENING = 200  # characters: the time that its pattern takes is the square of them
_OPENING = re.compile(
    r"(?i:hallo|hi|hey|moin|servus|guten (?:tag|morgen|abend)|grüß gott|sehr geehrte\w*"
    r"|liebe[rs]?|hello|dear|good (?:day|morning|afternoon|evening))"
    r"(?:[ \t,]+(?i:und|and|zusammen|team|sir|madam|or|to whom it may concern|all|there|everyone"
    r"|(?-i:[A-ZÄÖÜ])[\w.&-]*)){0,6}[ \t]*[,.!:]?$"
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


def unframed(text: str) -> tuple[str, str]:
    """What is asked, and the salutation and closing around it; the latter may be empty.

    Where something is said below the closing, it is part of what is asked. A text that has nothing
    but a frame is asked as it is.
    """
    opening, rest = _without_opening(text.splitlines())
    asked, closing = _without_closing(rest)
    return "\n".join(asked).strip(), "\n\n".join(part for part in (opening, closing) if part)


def _without_opening(lines: list[str]) -> tuple[str, list[str]]:
    first = next((index for index, line in enumerate(lines) if line.strip()), None)
    if first is None or not _opens(lines[first]) or not _says_something(lines):
        return "", lines
    return lines[first].strip(), lines[first + 1 :]


def _without_closing(lines: list[str]) -> tuple[list[str], str]:
    # Only the last lines can be a closing: each is looked at once, however many say "Regards".
    written, first = 0, len(lines)
    while first and written <= _MOST_LINES:
        first -= 1
        written += bool(lines[first].strip())
    for index in (index for index in range(first, len(lines)) if _closes(lines[index])):
        above, below = lines[:index], lines[index + 1 :]
        if _says_something(above) and _is_signature(below):
            told = [line for line in below if _TOLD.search(line)]
            rest = [line for line in below if line not in told]
            return [*above, *told], "\n".join([lines[index], *rest]).strip()
    return lines, ""


def _closes(line: str) -> bool:
    thanked = _THANKS.match(line)
    return words.CLOSING.match(line, thanked.end() if thanked else 0) is not None


def _says_something(lines: list[str]) -> bool:
    return any(line.strip() and not _opens(line) for line in lines)


def _opens(line: str) -> bool:
    line = line.strip()
    return len(line) <= _LONGEST_OPENING and _OPENING.match(line) is not None


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
