"""The tree of a mail's parts, found in one pass over its bytes.

Nothing here recurses or looks at a line twice, so that a thousand nested parts, ten thousand of
them side by side or a header of megabytes take time in proportion to their bytes. Parts are ranges
of the original: what is attached comes back byte by byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from plugins.mail.parsing.charsets import Charsets
from plugins.mail.parsing.headers import Fields, block, first, parameters

PARTS = 20_000  # of one mail; what follows belongs to the last one
_REPAIRS = 64

_DELIMITER = re.compile(rb"^--([^\r\n]{1,2000})", re.M)
_GUESS = re.compile(
    rb"^--([^\s-][^\r\n]{0,200}|-[^\r\n]{1,200})\r?\n(?=content-[a-z-]+[ \t]*:)", re.M | re.I
)
_GUESS_WITHIN = 65_536
_MESSAGES = ("message/rfc822", "message/global", "message/news")


@dataclass(slots=True)
class Node:
    """A part: its fields, and where its content lies in the original."""

    fields: Fields
    start: int
    end: int
    kind: str = "text/plain"
    params: dict[str, str] = field(default_factory=dict)
    disposition: str = ""
    filename: str = ""
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)
    embedded: bool = False  # its only child is a mail, not one of several parts
    preamble: tuple[int, int] = (0, 0)
    epilogue: tuple[int, int] = (0, 0)
    boundary: bytes = b""

    @property
    def multipart(self) -> bool:
        """It is taken apart: its own bytes are no content."""
        return self.kind.startswith("multipart/")

    def value(self, name: bytes) -> bytes:
        """The raw value of a field."""
        return first(self.fields, name)

    @property
    def encoding(self) -> str:
        """Of the transfer, as it is declared."""
        return self.value(b"content-transfer-encoding").decode("latin-1").strip().lower()


class Splitter:
    """Takes one original apart. ``nodes`` are in their order: parents stand before their parts."""

    def __init__(self, raw: bytes, charsets: Charsets) -> None:
        self.raw = raw
        self.nodes: list[Node] = []
        self.defects: set[str] = set()
        self._charsets = charsets
        self._stack: list[Node] = []
        self._open: dict[bytes, list[int]] = {}
        self._closed: dict[bytes, int] = {}
        self._repairs = _REPAIRS

    def split(self) -> Node:
        """The root of the tree."""
        self._entity(0, len(self.raw), None)
        root = self.nodes[0]  # not the mail in it, where all of it is one: anybody can write that
        self._scan(self._stack[-1].start, len(self.raw))
        self._repair()
        self.nodes.sort(key=lambda node: node.start)  # stable: parents stay before their parts
        return root

    def _entity(self, pos: int, end: int, parent: Node | None) -> None:
        """Opens a part at its header block; and the mail in it, if that is what it is."""
        while True:
            fields, start = block(self.raw, pos, end)
            node = self._described(Node(fields, start, end, parent=parent), parent)
            self.nodes.append(node)
            if parent is not None:
                parent.children.append(node)
            self._stack.append(node)
            if node.multipart and node.boundary:
                self._open.setdefault(node.boundary, []).append(len(self._stack) - 1)
            identity = node.encoding in ("", "7bit", "8bit", "binary")
            if node.kind not in _MESSAGES or not identity or len(self.nodes) >= PARTS:
                return
            node.embedded, parent, pos = True, node, start

    def _described(self, node: Node, parent: Node | None) -> Node:
        value = node.value(b"content-type")
        kind, node.params = parameters(value, self._charsets)
        if "/" in kind and " " not in kind:
            node.kind = kind
        elif parent is not None and parent.kind == "multipart/digest" and not kind:
            node.kind = "message/rfc822"
        elif kind == "text" or not kind:
            node.kind = "text/plain"
        else:
            node.kind = "application/octet-stream"
        disposition, extra = parameters(node.value(b"content-disposition"), self._charsets)
        node.disposition = disposition
        node.filename = extra.get("filename") or node.params.get("name", "")
        if charset := node.params.get("charset"):
            self._charsets.hint(charset)
        if node.multipart:
            node.boundary = node.params.get("boundary", "").encode("utf-8", "replace").rstrip()
            node.preamble = (node.start, node.start)
        return node

    def _scan(self, pos: int, end: int) -> None:
        """Goes from delimiter to delimiter until the end of what was opened."""
        while match := _DELIMITER.search(self.raw, pos, end):
            pos = match.end()
            token = match[1].rstrip()
            at, closing = self._which(token)
            if at is None:
                continue
            if len(self.nodes) >= PARTS:
                self.defects.add("too_many_parts")
                break
            stop = _before(self.raw, match.start())
            line = self.raw.find(b"\n", match.end(), end)
            following = end if line < 0 else line + 1
            self._leave(at, stop)
            node = self._stack[at]
            if not node.children:
                node.preamble = (node.start, max(node.start, stop))
            elif node.epilogue[1] and not closing:
                self._between(node, stop)
            if closing:
                self._close(at, following, end)
                pos = following
            else:
                self._entity(following, end, node)
                pos = self._stack[-1].start
        self._leave(-1, end)

    def _which(self, token: bytes) -> tuple[int | None, bool]:
        """The part that a delimiter belongs to, innermost first, and whether it ends it."""
        if levels := self._open.get(token):
            return levels[-1], False
        ends = token[:-2] if token.endswith(b"--") else None
        if ends is not None and (levels := self._open.get(ends)):
            return levels[-1], True
        at = self._closed.get(token)
        if at is not None and at < len(self._stack) and self._stack[at].boundary == token:
            return at, False
        return None, False

    def _leave(self, at: int, stop: int) -> None:
        """Ends all parts within the one at this level."""
        while len(self._stack) - 1 > at:
            node = self._stack.pop()
            node.end = max(node.start, stop)
            levels = self._open.get(node.boundary) if node.boundary else None
            if levels and levels[-1] == len(self._stack):
                levels.pop()
                self.defects.add("unclosed_part")
            if node.epilogue[1]:
                node.epilogue = (node.epilogue[0], max(node.epilogue[0], stop))

    def _between(self, node: Node, stop: int) -> None:
        """A part goes on after its end: what stood in between is kept as a text of its own."""
        start = node.epilogue[0]
        node.epilogue = (0, 0)
        if self.raw[start:stop].strip():
            stray = Node([], start, stop, parent=node)
            self.nodes.append(stray)
            node.children.append(stray)

    def _close(self, at: int, following: int, end: int) -> None:
        node = self._stack[at]
        levels = self._open.get(node.boundary)
        if levels and levels[-1] == at:
            levels.pop()
        self._closed[node.boundary] = at
        node.epilogue = (following, end)

    def _repair(self) -> None:
        """Parts that are said to have parts, and seem to have none: their boundary is wrong."""
        done = 0
        while done < len(self.nodes) and self._repairs:
            node = self.nodes[done]
            done += 1
            bare = (
                node.parent is None
                and not node.value(b"content-type")
                and node.kind == "text/plain"
            )
            if not (bare or (node.multipart and not node.children)):
                continue
            match = _GUESS.search(
                self.raw, max(0, node.start - 1), min(node.end, node.start + _GUESS_WITHIN)
            )
            if match is None or (bare and match.start() - node.start > 2000):
                continue
            self._repairs -= 1
            self.defects.add("boundary_guessed")
            self._again(node, match[1].rstrip())

    def _again(self, node: Node, boundary: bytes) -> None:
        start, end = node.start, node.end
        node.kind = node.kind if node.multipart else "multipart/mixed"
        node.boundary, node.preamble, node.epilogue = boundary, (start, start), (0, 0)
        self._stack, self._closed = [node], {}
        self._open = {boundary: [0]}
        self._scan(start, end)


def _before(raw: bytes, at: int) -> int:
    """Where the line before ends: its break belongs to the delimiter."""
    if raw[at - 1 : at] == b"\n":
        at -= 1
        if raw[at - 1 : at] == b"\r":
            at -= 1
    return at
