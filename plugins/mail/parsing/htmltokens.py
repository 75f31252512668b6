"""HTML as a run of tags and texts, in time proportional to its length.

No tree is built: what a text needs of HTML does not, and the algorithms for trees (HTML 5) take
quadratic time on deep or broken nesting (decision 0019).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape

_NAME = re.compile(r"/?[a-zA-Z][^\s/>]{0,60}")
_ATTRIBUTE = re.compile(r"[\s/]*([^\s=>/][^\s=>/]{0,200})(?:\s*=\s*)?")
_UNQUOTED = re.compile(r"[^\s>]*")
_ENDS = {  # elements whose content is no markup
    name: re.compile(rf"</{name}(?=[\s/>])", re.I)
    for name in ("script", "style", "title", "xmp", "noembed")
}
_WANTED = frozenset(
    (
        "href",
        "src",
        "alt",
        "style",
        "class",
        "width",
        "height",
        "hidden",
        "name",
        "type",
        "start",
        "http-equiv",
    )
)


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag; names are in lower case."""

    name: str
    end: bool = False
    attributes: dict[str, str] = field(default_factory=dict)


class _Finder:
    """``str.find`` that looks for what is not there only once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._none: dict[str, int] = {}

    def find(self, what: str, pos: int) -> int:
        if pos >= self._none.get(what, len(self._text) + 1):
            return -1
        found = self._text.find(what, pos)
        if found < 0:
            self._none[what] = pos
        return found


def tokens(html: str) -> Iterator[Tag | str]:
    """Tags, and the texts between them with their entities decoded. What is no tag is text."""
    finder = _Finder(html)
    pos = 0
    endless: set[str] = set()
    while pos < len(html):
        at = html.find("<", pos)
        if at < 0:
            yield unescape(html[pos:])
            return
        if at > pos:
            yield unescape(html[pos:at])
        pos, token = _markup(html, at, finder)
        if token is None:
            continue
        yield token
        if isinstance(token, Tag) and not token.end and token.name in _ENDS.keys() - endless:
            if match := _ENDS[token.name].search(html, pos):
                pos = match.start()
            else:
                endless.add(token.name)


def _markup(html: str, at: int, finder: _Finder) -> tuple[int, Tag | str | None]:
    """What begins with a ``<`` here, and where it ends."""
    if html.startswith("<!--", at):
        end = finder.find("-->", at + 2)
        return (at + 4, None) if end < 0 else (end + 3, None)
    if html[at + 1 : at + 2] in ("!", "?"):
        end = finder.find(">", at)
        return (at + 2, None) if end < 0 else (end + 1, None)
    name = _NAME.match(html, at + 1)
    if name is None:
        return at + 1, "<"
    attributes: dict[str, str] = {}
    pos = _attributes(html, name.end(), finder, attributes)
    if pos < 0:
        return at + 1, "<"
    low = name[0].lower()
    return pos, Tag(low.lstrip("/"), low.startswith("/"), attributes)


def _attributes(html: str, pos: int, finder: _Finder, into: dict[str, str]) -> int:
    """Reads them up to the end of their tag; -1 if it has none."""
    if finder.find(">", pos) < 0:
        return -1
    while match := _ATTRIBUTE.match(html, pos):
        pos = match.end()
        value = ""
        if match[0].rstrip().endswith("="):
            quote = html[pos : pos + 1]
            close = finder.find(quote, pos + 1) if quote in ("'", '"') else -1
            if close < 0:
                bare = _UNQUOTED.match(html, pos)
                value, pos = (bare[0], bare.end()) if bare else ("", pos)
            else:
                value, pos = html[pos + 1 : close], close + 1
        name = match[1].lower()
        if name in _WANTED:
            into.setdefault(name, unescape(value))
    end = finder.find(">", pos)
    return end + 1 if end >= 0 else -1
