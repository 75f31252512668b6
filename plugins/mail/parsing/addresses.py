"""Addresses of a header, read as leniently as mailers write them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from plugins.mail.model import Person
from plugins.mail.parsing.charsets import Charsets
from plugins.mail.parsing.headers import line, words

MOST = 1000  # addresses of one header
_LONGEST = 200_000  # characters of one header
_NAME = 300  # characters of a name

_PLAIN = r'<(?P<angle>[^<>]*)>|(?P<mark>[(),;:"<>])|(?P<text>[^(),;:"<>]+)'
_TOKEN = re.compile(rf'"(?P<quoted>(?:[^"\\]|\\.)*)"|{_PLAIN}', re.S)
_UNQUOTED = re.compile(rf"(?P<quoted>(?!))|{_PLAIN}")
_IN_ADDRESS = r"[^\s@<>\"',;:()]"
_ADDRESS = re.compile(rf"(?<!{_IN_ADDRESS}){_IN_ADDRESS}+@{_IN_ADDRESS}+")  # from its beginning on
_SPACE = re.compile(r"[ \t\r\n]+")
_ATOM = re.compile(r"[\w.+-]+")


class _Reader:
    def __init__(self, charsets: Charsets) -> None:
        self.found: list[Person] = []
        self._charsets = charsets
        self._text: list[str] = []
        self._comment: list[str] = []
        self._angle: str | None = None
        self._carried = ""

    def read(self, value: str) -> list[Person]:
        depth = 0
        for match in _tokens(value):
            if len(self.found) >= MOST:
                break
            depth = self._token(match, depth)
        self._flush(last=True)
        return self.found[:MOST]

    def _token(self, match: re.Match[str], depth: int) -> int:
        mark = match["mark"]
        if depth or mark in ("(", ")"):
            depth = max(0, depth + (mark == "(") - (mark == ")"))
            if depth and mark not in ("(", ")"):
                self._comment.append(match[0])
        elif match["angle"] is not None:
            if self._angle is not None:
                self._flush()
            self._angle = match["angle"]
        elif mark in (",", ";"):
            self._flush(last=mark == ";")
        elif mark == ":":
            if self._angle is None and "@" not in "".join(self._text):
                self._text, self._carried = [], ""  # the name of a group
        elif match["quoted"] is not None:
            self._text.append(re.sub(r"\\(.)", r"\1", match["quoted"], flags=re.S))
        elif mark is None:
            self._text.append(match["text"])
        return depth

    def _flush(self, last: bool = False) -> None:
        text = _SPACE.sub(" ", " ".join(self._text)).strip(" ")
        comment = _SPACE.sub(" ", " ".join(self._comment)).strip(" ")
        angle, self._angle, self._text, self._comment = self._angle, None, [], []
        if angle is not None:
            name = self._carried + text
            self._carried = ""
            self.found.append(Person(_bare(angle), self._name(name or comment)))
        elif address := _ADDRESS.search(text):
            self._carried = ""
            name = (text[: address.start()] + text[address.end() :]).strip()
            self.found.append(Person(address[0], self._name(name or comment)))
        elif text and not last:
            self._carried = f"{self._carried}{text}, "[:_NAME]  # Doe, John <john@example.com>
        elif text or comment:
            name = self._carried + text
            self._carried = ""
            if address := _ADDRESS.search(comment):  # only in its remark, as some programs have it
                self.found.append(Person(address[0], self._name(name)))
            elif _ATOM.fullmatch(name):
                self.found.append(Person(name, self._name(comment)))
            else:
                self.found.append(Person("", self._name(name or comment)))

    def _name(self, text: str) -> str:
        text = line(words(text[: _NAME * 10], self._charsets)).strip("\"' \t")
        return _SPACE.sub(" ", text)[:_NAME]


def _tokens(value: str) -> Iterator[re.Match[str]]:
    pattern, pos = _TOKEN, 0
    while match := pattern.match(value, pos):
        yield match
        pos = match.end()
        if match["mark"] == '"':  # it has no end, so that none of the escaped ones behind it has
            pattern = _UNQUOTED


def addresses(value: bytes, charsets: Charsets) -> list[Person]:
    """Of a raw header: names decoded after the addresses are told apart, not before.

    An encoded name may hold commas, brackets and whole addresses; none of them counts. What has no
    address at all is a person with an empty one.
    """
    return _Reader(charsets).read(line(charsets.header(value[:_LONGEST])))


def _bare(angle: str) -> str:
    if found := _ADDRESS.search(angle.rpartition(":")[2]):
        return found[0]
    return line("".join(angle.split()))[:_NAME].strip("\"'")
