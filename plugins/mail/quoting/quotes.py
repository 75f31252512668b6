"""Quoted text is folded, never deleted: what the sender wrote, and the rest, with nothing lost."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.mail.model import Folded
from plugins.mail.quoting.lines import BORDERS, Line, bare, classify, unquoted
from plugins.mail.quoting.signatures import find_signatures

LINES = 20_000
"""Lines of a text that are looked at, half of them from either end; a longer one is no letter."""
_LOOK = 12  # quoted lines in which an attribution is looked for
_PASSED = BORDERS | {Line.EMPTY, Line.RULER}


def fold(text: str) -> Folded:
    """Take a text apart. Never raises; takes time in proportion to the text.

    Every line that is not blank is in ``reply`` or in ``quoted``. A mail that only forwards another
    one replies with what it forwards; one in which nothing was written replies with nothing.
    What is beyond :data:`LINES` is in ``quoted``.
    """
    lines = text.splitlines()
    looked_at = _looked_at(len(lines))
    seen = [bare(lines[index]) for index in looked_at]
    kinds = classify(seen)
    find_signatures(seen, kinds)
    found, forwarded = _own(seen, kinds)
    own = [looked_at[index] for index in found]
    chosen = set(own)
    rest = [line for index, line in enumerate(lines) if index not in chosen]
    return Folded(
        reply=_joined([lines[index] for index in own]),
        quoted=_joined(rest),
        inline=len({kinds[index] for index in found} & {Line.TEXT, Line.QUOTE}) == 2,
        forwarded=forwarded,
    )


def _looked_at(lines: int) -> Sequence[int]:
    if lines <= LINES:
        return range(lines)
    return [*range(LINES // 2), *range(lines - LINES // 2, lines)]


def _joined(lines: Sequence[str]) -> str:
    """The lines without blank ones at either end."""
    filled = [index for index, line in enumerate(lines) if line.strip()]
    return "\n".join(lines[filled[0] : filled[-1] + 1]) if filled else ""


def _own(seen: Sequence[str], kinds: Sequence[Line]) -> tuple[list[int], bool]:
    """The lines that the sender wrote; or those of somebody else, where they wrote none."""
    quoted_next = _quoted_next(kinds)
    start = 0
    while start < len(kinds):
        border = _hard_border(kinds, quoted_next, start)
        if own := _written(seen, kinds, start, border):
            return own, start > 0
        if border == len(kinds):
            break
        if kinds[border] is Line.WROTE and _signed(kinds, start, border):
            return [], False  # an answer that was sent without a word
        start = border
        while start < len(kinds) and kinds[start] in _PASSED:
            start += 1
    own = _without_own(seen, kinds)
    return own, bool(own)


def _quoted_next(kinds: Sequence[Line]) -> list[bool]:
    """For each line, whether what comes next and is more than a border is a quote."""
    found, ahead = [False] * len(kinds), False
    for index in range(len(kinds) - 1, -1, -1):
        found[index] = ahead
        if kinds[index] not in _PASSED:
            ahead = kinds[index] is Line.QUOTE
    return found


def _hard_border(kinds: Sequence[Line], quoted_next: Sequence[bool], start: int) -> int:
    """The first border below which nothing is the sender's any more; or the end.

    Where the text below is marked as quoted, what is not marked may be an answer.
    """
    for index in range(start, len(kinds)):
        if kinds[index] in BORDERS and not quoted_next[index]:
            return index
    return len(kinds)


def _signed(kinds: Sequence[Line], start: int, end: int) -> bool:
    return not {Line.DEVICE, Line.SIGNATURE}.isdisjoint(kinds[start:end])


def _written(seen: Sequence[str], kinds: Sequence[Line], start: int, end: int) -> list[int]:
    """The sender's lines of a zone, with the quotes that they answer."""
    texts = [index for index in range(start, end) if kinds[index] is Line.TEXT]
    if not texts:
        return []
    first, last = texts[0], texts[-1]
    above = [index for index in range(start, first) if kinds[index] is Line.QUOTE]
    between = Line.QUOTE in kinds[first:last]
    while first > start and kinds[first - 1] is Line.RULER and start == 0:
        first -= 1
    if above and (between or not _attributed(seen, kinds, start, first)):
        first = above[0]
    skipped = BORDERS | {Line.DEVICE, Line.SIGNATURE}
    kept = [index for index in range(first, last + 1) if kinds[index] not in skipped]
    borders = _borders_in_quotes(seen, kinds, kept)
    return [index for index in kept if index not in borders]


def _borders_in_quotes(
    seen: Sequence[str], kinds: Sequence[Line], indexes: Sequence[int]
) -> set[int]:
    """Quoted lines that say who is quoted, and not what."""
    quotes = [index for index in indexes if kinds[index] is Line.QUOTE]
    inside = classify([unquoted(seen[index]) for index in quotes])
    return {index for index, kind in zip(quotes, inside, strict=True) if kind in BORDERS}


def _attributed(seen: Sequence[str], kinds: Sequence[Line], start: int, end: int) -> bool:
    """Whether it is said whose words are quoted: then they are a whole mail, answered below."""
    if not BORDERS.isdisjoint(kinds[start:end]):
        return True
    quoted = [unquoted(seen[i]) for i in range(start, end) if kinds[i] is Line.QUOTE]
    return not BORDERS.isdisjoint(classify(quoted[:_LOOK]))


def _without_own(seen: Sequence[str], kinds: Sequence[Line]) -> list[int]:
    """What a mail says in which nothing stands but quotes: what it forwards, or what it marks."""
    start = 0
    if Line.FORWARD in kinds:
        start = kinds.index(Line.FORWARD)
    elif _attributed(seen, kinds, 0, len(kinds)):
        return []
    quotes = [index for index in range(start, len(kinds)) if kinds[index] is Line.QUOTE]
    inside = classify([unquoted(seen[index]) for index in quotes])
    said = [index for index, kind in zip(quotes, inside, strict=True) if kind not in _PASSED]
    if not said:
        return []
    between = range(said[0], said[-1] + 1)
    return [index for index in between if kinds[index] in (Line.QUOTE, Line.EMPTY)]
