"""Signatures, legal notes and footers, found in stretches of own text by what stands around."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, MutableSequence, Sequence

from plugins.mail.quoting import words
from plugins.mail.quoting.lines import BORDERS, Line, is_device

_DASHES = re.compile(r"[ \t]{0,3}(?:--|—|––)[ \t]*$")
_LONG_RULER = re.compile(r"[ \t]{0,20}\S{3,}")
_FOOTNOTE = re.compile(r"[ \t]{0,4}\[\d{1,3}\][ \t]{1,4}(?:https?|mailto):\S{1,350}$")
_RULERS = 20  # of a stretch that are looked at, from its end
_MOST_LINES = 25  # of a company's signature
_MOST_LETTERS = 120  # of one of its lines
_NAME_LINES = 3  # below "Best regards"


def find_signatures(seen: Sequence[str], kinds: MutableSequence[Line]) -> None:
    """Mark what belongs to a signature; ``seen`` are the lines as they are looked at."""
    _join_device_lines(seen, kinds)
    written = False
    for start, end in _stretches(kinds):
        stretch = _Stretch(seen, kinds, start, end)
        cut = min(stretch.signatures(after_quote=written), default=None)
        if cut is not None:
            for index in range(cut, end):
                if kinds[index] is not Line.EMPTY:
                    kinds[index] = Line.SIGNATURE
        written = written or Line.TEXT in kinds[start:end]


def _join_device_lines(seen: Sequence[str], kinds: MutableSequence[Line]) -> None:
    """A phone's line may be broken in two."""
    for index in range(len(seen) - 1):
        if kinds[index] is not Line.TEXT or kinds[index + 1] is not Line.TEXT:
            continue
        ends = index + 2 == len(seen) or kinds[index + 2] is not Line.TEXT
        both = f"{seen[index]} {seen[index + 1].strip()}"
        if ends and len(both) < 200 and is_device(both):
            kinds[index] = kinds[index + 1] = Line.DEVICE


def _stretches(kinds: Sequence[Line]) -> Iterator[tuple[int, int]]:
    """Where text stands without a quote or a border in it."""
    start = None
    for index, kind in enumerate(kinds):
        if kind is Line.QUOTE or kind in BORDERS:
            if start is not None:
                yield start, index
            start = None
        elif start is None:
            start = index
    if start is not None:
        yield start, len(kinds)


class _Stretch:
    def __init__(self, seen: Sequence[str], kinds: Sequence[Line], start: int, end: int) -> None:
        self._seen = seen
        self._kinds = kinds
        self._start = start
        self._end = end
        self._texts = [index for index in range(start, end) if kinds[index] is Line.TEXT]

    def signatures(self, *, after_quote: bool) -> Iterator[int]:
        """Where signatures begin. ``after_quote``: something was written before the stretch."""
        yield from self._dashes()
        if not self._texts:
            return
        if self._is_footnotes():
            yield self._texts[0]
        yield from self._rulers(after_quote=after_quote)
        yield from self._legal(after_quote=after_quote)
        yield from self._company()

    def _dashes(self) -> Iterator[int]:
        for index in range(self._start, self._end):
            if self._kinds[index] is Line.RULER and _DASHES.match(self._seen[index]):
                yield index
                return

    def _is_footnotes(self) -> bool:
        """Whether a program has put the addresses of the quote's links below it, and no more."""
        if self._start == 0 or len(self._texts) < 2:
            return False
        title, *rest = self._texts
        return (
            self._seen[title].rstrip().endswith(":")
            and self._kinds[title + 1] is Line.RULER
            and all(_FOOTNOTE.match(self._seen[index]) for index in rest)
        )

    def _rulers(self, *, after_quote: bool) -> Iterator[int]:
        """A ruler above a signature; one that divides what the customer writes is none."""
        rulers = [
            index
            for index in range(self._start, self._end)
            if self._kinds[index] is Line.RULER
            and _LONG_RULER.match(self._seen[index])
            and not self._underlines(index)
        ]
        if not rulers:
            return
        first, closings = self._texts[0], self._closings()
        framing = self._text_after(rulers[0]) < rulers[-1] < self._texts[-1]
        for ruler in rulers[-_RULERS:]:
            below, written = self._text_after(ruler), first < ruler
            if below == self._end or not (written or after_quote):
                continue
            if written and self._last_text_before(ruler).endswith(":"):
                continue
            if framing and not self._signs(below) and not (closings and closings[0] < ruler):
                continue
            if closings and closings[-1] > below:
                continue
            if words.CONCERN.search(self._from(below)):
                continue
            yield ruler
            return

    def _underlines(self, ruler: int) -> bool:
        """Whether the line above is a heading, or the head of a table, and the ruler as long."""
        above = self._seen[ruler - 1].strip() if ruler > self._start else ""
        alone = ruler - 1 == self._start or self._kinds[ruler - 2] is Line.EMPTY
        line = self._seen[ruler].strip()
        return alone and len(line) >= 5 and line[0] in "-=~" and abs(len(line) - len(above)) <= 1

    def _closings(self) -> list[int]:
        return [index for index in self._texts if words.CLOSING.match(self._seen[index])]

    def _text_after(self, index: int) -> int:
        """The next line of text; the end where there is none."""
        position = bisect_right(self._texts, index)
        return self._texts[position] if position < len(self._texts) else self._end

    def _last_text_before(self, index: int) -> str:
        while self._kinds[index] is not Line.TEXT:
            index -= 1
        return self._seen[index].rstrip()

    def _signs(self, start: int) -> bool:
        """Whether a company's or a lawyer's words stand from here on."""
        text = self._from(start)
        return _evidence(text) >= 2 or words.LEGAL.search(text) is not None

    def _from(self, start: int) -> str:
        return "\n".join(self._seen[start : min(self._end, start + _MOST_LINES)])

    def _legal(self, *, after_quote: bool) -> Iterator[int]:
        for index in self._texts:
            if index == self._texts[0] and not after_quote:
                continue  # somebody's first words are no note below them
            if index > self._start and self._kinds[index - 1] is Line.TEXT:
                continue
            found = words.LEGAL.search(" ".join(self._paragraph(index)))
            if found is not None and found.start() < 60:
                yield index
                return

    def _paragraph(self, start: int) -> Iterator[str]:
        """The first lines of one: a sentence may be broken anywhere."""
        for index in range(start, min(self._end, start + 3)):
            if self._kinds[index] is not Line.TEXT:
                return
            yield self._seen[index]

    def _company(self) -> Iterator[int]:
        closings = self._closings()
        if not closings:
            return
        below = [index for index in self._texts if index > closings[-1]]
        start = self._below_the_name(below)
        rest = [self._seen[index] for index in below if start is not None and index >= start]
        short = all(len(line) <= _MOST_LETTERS for line in rest)
        if (
            start is not None
            and short
            and len(rest) <= _MOST_LINES
            and _evidence("\n".join(rest)) >= 2
            and not words.CONCERN.search("\n".join(rest))
        ):
            yield start

    def _below_the_name(self, below: Sequence[int]) -> int | None:
        for position, index in enumerate(below[1:], 1):
            gap = index - below[position - 1] > 1
            if gap or position >= _NAME_LINES or _evidence(self._seen[index]):
                return index
        return None


def _evidence(text: str) -> int:
    return sum(1 for pattern in words.COMPANY if pattern.search(text))
