"""What each line of a mail is: own text, a quote, or what a mail program put in between."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from plugins.mail.quoting import words

LOOKED_AT = 400
"""Characters of a line that are looked at: what a mail program adds is shorter."""
_ATTRIBUTION = 300
_LINES = 4  # that an attribution may be broken over
_HEADER_GAP = 5  # lines, of a wrapped header and blank, before the next one


class Line(Enum):
    """What a line is."""

    EMPTY = "empty"
    TEXT = "text"
    QUOTE = "quote"
    WROTE = "wrote"  # on such a day, somebody wrote:
    HEADER = "header"  # of a block: from, sent, to, subject
    ORIGINAL = "original"  # ---- original message ----
    FORWARD = "forward"  # ---- forwarded message ----
    DEVICE = "device"  # sent from my phone
    RULER = "ruler"  # signs only
    SIGNATURE = "signature"  # below two dashes, a legal note, a company's lines


BORDERS = frozenset({Line.WROTE, Line.HEADER, Line.ORIGINAL, Line.FORWARD})
"""Below one of these begins what somebody else wrote."""

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"))
_QUOTE = re.compile(r"[ \t\u00a0]{0,8}(?:>|&gt;|»)")
_MARKS = re.compile(
    r"[ \t]{0,4}[A-Za-z|]{0,4}(?:[ \t\u00a0]{0,8}(?:>|&gt;|»|\|)){1,60}[ \t\u00a0]?"
)
_RULER = re.compile(
    r"[ \t]{0,20}(?:[-_=+~#*—–―─━═⎯]{2,}|[ᐧ—–_*-]|(?:[-*_] ){2,}[-*_]?"
    r"|[_*~—–][_*~—– ]{2,})[ \t]{0,20}$"
)
_FRAMED = re.compile(
    r"[ \t]{0,8}[-_=*~—–]{2,60}[ \t]{0,4}([^-_=*~\s—–].{0,78}?)[ \t]{0,4}[-_=*~—–]{2,60}[ \t]*(.*)$"
)
_MAIL = re.compile(r"[^\s<>@\[\]()]{1,64}@[^\s<>@\[\]()]{1,190}")
_FRAMED_MAIL = re.compile(r"[<(\[][ \t]?(?:mailto:)?[^\s<>@]{1,64}@[^\s<>@]{1,190}")
_DATE = re.compile(
    r"\d{1,4}[./-] ?\d{1,2}[./-] ?\d{2,4}|(?<!\d)(?:19|20)\d{2}(?!\d)|\d{1,2}月|\d{1,2}월"
    r"|(?<!\d)\d{1,2}\.?(?:st|nd|rd|th)? (?:de )?[^\W\d_]{3,12}|[^\W\d_]{3,12}\.? \d{1,2}(?!\d|:)"
)
_TIME = re.compile(
    r"(?<!\d)\d{1,2}:\d{2}(?!\d)|(?:kl|klo|um|at|godz|ore|alle)\.? {0,2}\d{1,2}[.:h]\d{2}"
    r"|\d{1,2}h\d{2}|\d{1,2}[时時点시]"
)
_ENDS = re.compile(r"[:：][ \t*_]{0,4}(?:[-_=]{2,60})?[ \t]*$")
_FULL_DATE = re.compile(
    r"[\"“(\[]?(?:\d{1,4}(?:[./-]\d{1,2}[./-]|年)\d{1,4}"
    r"|\d{1,2}\.? [^\W\d_]{3,12}\.? (?:19|20)\d{2})"
)
_ISO_SOMEBODY = re.compile(
    r"\d{4}-\d\d-\d\d,? \d{1,2}:\d\d(?::\d\d)? (?:GMT|UTC)?[+-]\d{2}:?\d{2},? \S.{0,80}$"
)
_DATE_MAIL = re.compile(
    r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\S?(?: .{0,120}?)?<[^\s<>@]{1,64}@[^\s<>@]{1,190}>[:：]?$"
)
_LOTUS = re.compile(
    r"\S.{0,80}? ---\d{1,4}[./-]\d{1,2}[./-]\d{2,4} \d{1,2}:\d\d(?::\d\d)?.{0,10}---"
)
_NEWS_END = re.compile(r"(?:news:|<)\S{3,120}$")
_WROTE_THIS = re.compile(rf"[>)\]] ?(?:{words.WROTE.pattern})[:：][ \t]+\S")
_WHOLE = (_ISO_SOMEBODY, _DATE_MAIL, _LOTUS, words.POSTED)
"""Attributions that need no verb, as whole lines."""
_PIPE = re.compile(r"[ \t]{0,4}\|(?:[^|]*$)")
_COLON = re.compile(r":[ \t]\S")
_INITIALS = re.compile(r"[ \t]{0,4}[A-Za-z]{1,12}>(?:[ \t>]|$)")


def bare(line: str) -> str:
    """A line as it is looked at: its beginning, without what cannot be seen."""
    return line[:LOOKED_AT].translate(_INVISIBLE).replace("\u00a0", " ").rstrip()


def unquoted(line: str) -> str:
    """A quoted line without its marks."""
    return _MARKS.sub("", line, count=1)


def classify(seen: Sequence[str]) -> list[Line]:
    """What each line is, of lines as :func:`bare` makes them.

    Signatures that only their surroundings give away are found later.
    """
    kinds = [_alone(line) for line in seen]
    _find_other_quotes(seen, kinds)
    _find_wrote(seen, kinds)
    _find_headers(seen, kinds)
    _find_framed(seen, kinds)
    return kinds


def _alone(line: str) -> Line:
    if not line.strip():
        return Line.EMPTY
    if _QUOTE.match(line):
        return Line.QUOTE
    if _RULER.match(line):
        return Line.RULER
    if len(line) < LOOKED_AT and is_device(line):
        return Line.DEVICE
    return Line.TEXT


def is_device(line: str) -> bool:
    """Whether a phone or a mail program signed with this line."""
    plain = re.sub(r"<[^<>]{0,300}>|\([^()]{0,300}\)", "", line).strip()
    known = words.DEVICE_LINE.match(line)
    return (
        known is not None
        and len(plain) <= 110
        and words.DEVICE.search(line) is not None
        and words.NO_DEVICE.search(plain) is None
    )


def _find_other_quotes(seen: Sequence[str], kinds: list[Line]) -> None:
    """Rarer marks, a bar or somebody's initials: only several lines of them are a quote.

    One line is enough below another quote, or below "somebody wrote:".
    """
    for mark in (_PIPE, _INITIALS, _COLON):
        marked = [
            kind is Line.TEXT and mark.match(line) is not None
            for line, kind in zip(seen, kinds, strict=True)
        ]
        above = None
        for index in range(len(seen)):
            if marked[index] and (
                marked[index + 1 : index + 2] == [True]
                or (above is not None and _may_be_quoted_below(seen[above], kinds[above]))
            ):
                kinds[index] = Line.QUOTE
            if kinds[index] is not Line.EMPTY:
                above = index


def _may_be_quoted_below(line: str, kind: Line) -> bool:
    return kind is Line.QUOTE or _ends_with(_verb(line), line)


# --- attributions


def is_attribution(text: str, *, quoted_next: bool = False, strict: bool = False) -> bool:
    """Whether a text says who wrote what follows, and when.

    ``quoted_next``: a quote follows, so that less suffices. ``strict``: it must begin like one.
    """
    text = text.replace("&lt;", "<").replace("&gt;", ">").strip(" \t*_-=")
    if not 6 <= len(text) <= _ATTRIBUTION or (strict and not _begins(text)):
        return False
    if any(pattern.match(text) for pattern in _WHOLE):
        return True
    verb = _verb(text)
    mail, date, time = _FRAMED_MAIL.search(text), _DATE.search(text), _TIME.search(text)
    ends = bool(_ENDS.search(text)) or _ends_with(verb, text)
    if ends and words.CITES.match(text):
        return quoted_next or mail is not None
    if verb is not None and words.NEWS.search(text):
        ends = ends or bool(_NEWS_END.search(text))
    if not ends:
        return quoted_next and bool(verb and date and (time or mail)) and _begins(text)
    if verb is None:
        return bool(mail and date and (time or quoted_next)) or bool(quoted_next and date and time)
    if mail is not None:
        return words.SELF.search(text) is None or _begins(text)
    told = words.TELLS.search(text) is not None
    if quoted_next and len(text) <= 160:
        return not told or _begins(text)
    return date is not None and not told and (time is not None or _begins(text))


def _verb(text: str) -> re.Match[str] | None:
    return max(words.WROTE.finditer(text), key=lambda found: found.end(), default=None)


def _ends_with(verb: re.Match[str] | None, text: str) -> bool:
    return verb is not None and verb.end() >= len(text) - 2


def _begins(text: str) -> bool:
    if _FULL_DATE.match(text):
        return True
    lead = words.LEADS.match(text)
    digit = re.search(r"\d", text[:36])
    return digit is not None and (lead is not None or _weekday(text, digit.start()))


def _weekday(text: str, digit: int) -> bool:
    """Whether only a short word or two stands before the first digit: ``Mo., 3. Nov``."""
    before = text[:digit].strip()
    return len(before) <= 14 and len(before.split()) <= 2 and before.endswith((".", ","))


def _fills_a_paragraph(text: str) -> bool:
    """Whether a whole paragraph that does not begin like an attribution is one.

    Many languages name somebody first and the day last.
    """
    if _FRAMED_MAIL.search(text) is None or words.TELLS.search(text) is not None:
        return False
    dated = _DATE.search(text) is not None and _TIME.search(text) is not None
    return dated or words.NEWS.search(text) is not None


def _find_wrote(seen: Sequence[str], kinds: list[Line]) -> None:
    quoted = _quoted_next(kinds)
    for end, line in enumerate(seen):
        if kinds[end] is Line.TEXT and _has_words(line):
            kinds[end] = Line.WROTE
        if kinds[end] not in (Line.TEXT, Line.RULER) or not _may_end(line, quoted[end]):
            continue
        start = _start_of_attribution(seen, kinds, end, quoted[end])
        if start is not None:
            kinds[start : end + 1] = [Line.WROTE] * (end + 1 - start)


def _has_words(line: str) -> bool:
    """Whether a phone has put the first words of the quote into the attribution's line."""
    mail = _FRAMED_MAIL.search(line)
    if mail is None or _WROTE_THIS.match(line, mail.end()) is None:
        return False
    before = line[: mail.start()].strip()
    return _begins(before) and _TIME.search(before) is not None and not words.TELLS.search(before)


def _may_end(line: str, quoted_next: bool) -> bool:
    if len(line) > _ATTRIBUTION:
        return False
    if quoted_next or _ENDS.search(line) or any(pattern.match(line) for pattern in _WHOLE):
        return True
    if _NEWS_END.search(line):
        return True
    return _ends_with(_verb(line), line.rstrip(" \t*_-="))


def _start_of_attribution(
    seen: Sequence[str], kinds: Sequence[Line], end: int, quoted_next: bool
) -> int | None:
    found, named, text = None, False, ""
    for start in range(end, max(-1, end - _LINES), -1):
        if kinds[start] not in (Line.TEXT, Line.WROTE):
            break
        text = f"{seen[start].strip()} {text}".strip()
        whole = not named and (start == 0 or kinds[start - 1] is not Line.TEXT)
        strict = start < end and not (whole and _fills_a_paragraph(text))
        if is_attribution(text, quoted_next=quoted_next, strict=strict):
            found, named = start, _FRAMED_MAIL.search(text) is not None
            if _begins(text):
                break
    return found


def _quoted_next(kinds: Sequence[Line]) -> list[bool]:
    """For each line, whether the next one that is not empty is a quote."""
    found, ahead = [False] * len(kinds), False
    for index in range(len(kinds) - 1, -1, -1):
        found[index] = ahead
        if kinds[index] is not Line.EMPTY:
            ahead = kinds[index] is Line.QUOTE
    return found


# --- header blocks


def label_of(line: str) -> str | None:
    """The kind of header that a line begins with: a group's name of ``words.LABEL``."""
    found = words.LABEL.match(line)
    return found.lastgroup if found else None


def _find_headers(seen: Sequence[str], kinds: list[Line]) -> None:
    labels = [
        label_of(line) if kind in (Line.TEXT, Line.WROTE) else None
        for line, kind in zip(seen, kinds, strict=True)
    ]
    index = 0
    while index < len(seen):
        if labels[index] is None:
            index += 1
            continue
        if kinds[index] is Line.TEXT and _is_block_in_a_line(seen[index]):
            kinds[index] = Line.HEADER
        end, found = _block(kinds, labels, index)
        if _is_block(found, seen[index : end + 1]):
            for line in range(index, end + 1):
                if kinds[line] is not Line.EMPTY:
                    kinds[line] = Line.HEADER
        index = end + 1


def _block(kinds: Sequence[Line], labels: Sequence[str | None], start: int) -> tuple[int, set[str]]:
    """The last header's line of a block, and which kinds it has."""
    end, found = start, {str(labels[start])}
    index = start + 1
    while index < len(labels) and index - end <= _HEADER_GAP:
        if kinds[index] in (Line.QUOTE, Line.DEVICE, Line.RULER):
            break
        label = labels[index]
        if label is not None:
            end = index
            found.add(label)
        elif kinds[index] is Line.EMPTY and index - end > 1:
            break
        index += 1
    return end, found


def _is_block(found: set[str], lines: Sequence[str]) -> bool:
    if "from" not in found:
        # Some programs leave the sender out, where it is ourselves.
        return found >= {"sent", "to", "subject"}
    if len(found) >= 3 and "subject" in found:
        return True
    text = " ".join(lines)
    sure = _MAIL.search(text) or _TIME.search(text)
    return sure is not None and (len(found) >= 3 or len(found - {"more"}) == 2)


def _is_block_in_a_line(line: str) -> bool:
    found = {match.lastgroup for match in words.LABELS_INSIDE.finditer(line)}
    return label_of(line) == "from" and found >= {"from", "sent", "subject"}


# --- original and forwarded messages


def _find_framed(seen: Sequence[str], kinds: list[Line]) -> None:
    followed, quoted = _followed(kinds), _quoted_next(kinds)
    for index, line in enumerate(seen):
        if kinds[index] is Line.TEXT:
            kinds[index] = _framed(line, followed[index], quoted[index])


def _framed(line: str, followed: bool, quoted_next: bool) -> Line:
    """Whether a line of text announces somebody else's mail."""
    framed = _FRAMED.match(line)
    if framed is not None and (not framed[2] or label_of(framed[2]) is not None):
        if words.FORWARDED.search(framed[1]):
            return Line.FORWARD
        if words.ORIGINAL.search(framed[1]) or followed:
            return Line.ORIGINAL
    if len(line) > 160:
        return Line.TEXT
    if words.REPLY_ABOVE.match(line):
        return Line.ORIGINAL
    begins = words.BEGINS_FORWARD.match(line) and words.FORWARDED.search(line)
    if begins or (quoted_next and words.FORWARDED.match(line) and _ENDS.search(line)):
        return Line.FORWARD
    return Line.TEXT


def _followed(kinds: Sequence[Line]) -> list[bool]:
    """For each line, whether a header block or an attribution comes next."""
    found, ahead = [False] * len(kinds), False
    for index in range(len(kinds) - 1, -1, -1):
        found[index] = ahead
        if kinds[index] not in (Line.EMPTY, Line.RULER):
            ahead = kinds[index] in (Line.HEADER, Line.WROTE)
    return found
