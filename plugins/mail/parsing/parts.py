"""The texts and files of a mail, out of the tree of its parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from plugins.mail.parsing import cms, ics, tnef
from plugins.mail.parsing.charsets import Charsets, declared_in_html
from plugins.mail.parsing.choice import Block, better
from plugins.mail.parsing.flowed import is_encrypted, unarmoured, unflowed
from plugins.mail.parsing.headers import Fields, decoded, first
from plugins.mail.parsing.headers import block as header_block
from plugins.mail.parsing.htmltext import is_html, text_of, without_tags
from plugins.mail.parsing.mime import Node, Splitter
from plugins.mail.parsing.names import safe
from plugins.mail.parsing.transfer import decode, uu_files

DEEPEST = 5  # originals that had to be decoded before they could be taken apart
RECIPIENTS = 500  # groups of a report
HTML = 1_000_000  # characters of all HTML of a mail that are read: the worst takes seconds each

_PLAIN = ("text/plain", "text/markdown", "text/x-markdown")
_BODIES = frozenset(
    (*_PLAIN, "text/html", "text/enriched", "text/richtext", "text/x-amp-html", "text/watch-html")
)
_SIGNATURES = frozenset(
    f"application/{kind}"
    for kind in ("pgp-signature", "pkcs7-signature", "x-pkcs7-signature", "pgp-encrypted")
)
_REPORTS = frozenset(
    f"message/{kind}{what}"
    for kind in ("", "global-")
    for what in ("delivery-status", "disposition-notification")
)
_SMIME = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_TNEF = ("application/ms-tnef", "application/vnd.ms-tnef")
_MESSAGES = ("message/rfc822", "message/global", "message/news")
_HEADERS = ("text/rfc822-headers", "message/rfc822-headers")
_CID = re.compile(r"cid:([^\"'>\s)]{1,300})", re.I)
_HTML_START = re.compile(r"\s*(?:<!doctype html|<html[\s>]|<\?xml)", re.I)


@dataclass(slots=True)
class File:
    """An attachment; ``load`` brings its bytes."""

    name: str
    kind: str
    load: Callable[[], bytes]
    cid: str = ""
    inline: bool = False


@dataclass(slots=True)
class Found:
    """What a mail, or an original within it, is made of."""

    blocks: list[Block] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    reports: list[Mapping[str, str]] = field(default_factory=list)
    returned: Mapping[str, str] | None = None
    encrypted: bool = False
    calendar: str = ""


@dataclass(slots=True)
class Room:
    """What may still be read of a mail and the originals within it."""

    html: int = HTML


class Assembly:
    """Reads one original. ``root`` is its tree, ``found`` what is in it."""

    def __init__(
        self, raw: bytes, charsets: Charsets, depth: int = 0, room: Room | None = None
    ) -> None:
        self.raw = raw
        self.found = Found()
        self._charsets = charsets
        self._depth = depth
        self._room = room or Room()
        splitter = Splitter(raw, charsets)
        self.root = splitter.split()
        self.defects = splitter.defects
        self._nodes = splitter.nodes
        self._number = {id(node): number for number, node in enumerate(self._nodes)}
        self._blocks: dict[int, list[Block]] = {}
        self._files: dict[int, list[File]] = {}
        self._wrapped: list[Block] = []
        self._cids: set[str] = set()
        self._besides: set[int] = set()
        self._assemble()

    @property
    def subject(self) -> str:
        """Of this original, decoded."""
        return decoded(self.root.value(b"subject"), self._charsets)

    def _assemble(self) -> None:
        nested: set[int] = set()  # parts of a mail within this one: its texts are not ours
        for number, node in enumerate(self._nodes):
            parent = node.parent
            if parent is not None and (parent.embedded or self._number[id(parent)] in nested):
                nested.add(number)
            self._part(number, node, number in nested)
        for number in range(len(self._nodes) - 1, -1, -1):
            self._join(number)
        blocks, beside = better(self._blocks.get(0, []), self._wrapped)
        self.found.blocks = blocks + beside
        self.found.files = [file for number in sorted(self._files) for file in self._files[number]]
        for file in self.found.files:
            file.inline = bool(file.cid) and file.cid in self._cids

    def _part(self, number: int, node: Node, nested: bool) -> None:
        """Takes what a part holds itself."""
        if node.embedded:
            self._embedded(number, node)
        elif node.multipart:
            self._container(number, node, nested)
        elif node.kind in _SIGNATURES:
            return
        elif node.kind in _BODIES and _is_body(node):
            if not nested:
                self._body(number, node)
        elif not self._opened(number, node, nested):
            self._attached(number, node, nested)

    def _container(self, number: int, node: Node, nested: bool) -> None:
        if node.kind == "multipart/encrypted" and not nested:
            self.found.encrypted = True
        if node.children:
            return
        data = self._content(node)
        if data != self.raw[node.start : node.end] and self._depth < DEEPEST:
            # Encoded as a whole, which is forbidden.
            head = b"Content-Type: " + node.value(b"content-type") + b"\n\n"
            self._within(number, head + data, nested)
        elif data.strip() and not nested:
            node.kind = "text/plain"
            self._body(number, node)

    def _content(self, node: Node, text: bool = False) -> bytes:
        return decode(self.raw[node.start : node.end], node.encoding, text)

    def _body(self, number: int, node: Node) -> None:
        data = self._content(node, text=True)
        declared = node.params.get("charset", "")
        if node.kind not in _PLAIN:
            text = self._charsets.text(data, declared or declared_in_html(data))
            self._blocks[number] = [self._html(text, number)]
            return
        data, files = uu_files(data) if b"begin" in data else (data, [])
        for file in files:
            name = decoded(file.name, self._charsets)
            self._file(number, name, "application/octet-stream", partial(bytes, file.data))
        text = unarmoured(self._charsets.text(data, declared))
        if is_encrypted(text):
            self.found.encrypted = True
            self._file(number, "message.asc", "application/pgp-encrypted", partial(bytes, data))
        elif _HTML_START.match(text):
            self._blocks[number] = [self._html(text, number)]
        else:
            if node.params.get("format", "").lower() == "flowed":
                text = unflowed(text, node.params.get("delsp", "").lower() == "yes")
            self._blocks[number] = [Block(text, sources=[number])]

    def _html(self, text: str, number: int) -> Block:
        if len(text) > self._room.html:  # all of it is there as a file
            self._beside(number)
            text = text[: self._room.html]
        self._room.html -= len(text)
        self._cids.update(match.lower() for match in _CID.findall(text))
        shown = text_of(text) if is_html(text) else without_tags(text)
        return Block(shown, html=True, sources=[number])

    def _join(self, number: int) -> None:
        """The text of a part out of those of its parts, which were joined before it."""
        node = self._nodes[number]
        if not node.multipart or not node.children:
            return
        lists = [self._blocks.pop(self._number[id(child)], []) for child in node.children]
        if node.kind == "multipart/alternative":
            blocks = self._chosen(lists)
        else:
            blocks = lists[0]
            for more in lists[1:]:
                blocks.extend(more)
        before, after = self._stray(*node.preamble), self._stray(*node.epilogue)
        if before:
            blocks.insert(0, Block(before))
        if after:
            blocks.append(Block(after))
        self._blocks[number] = blocks

    def _stray(self, start: int, end: int) -> str:
        """Text before the first or after the last part, unless it is the notice for old mailers."""
        data = self.raw[start:end].strip()
        if not data.strip(b"-") or (len(data) < 1000 and b"mime" in data.lower()):
            return ""
        fields, body = header_block(data, 0, len(data))
        mime = first(fields, b"content-type") or first(fields, b"content-transfer-encoding")
        return self._charsets.text(data[body:] if mime else data).strip("\n")

    def _chosen(self, lists: list[list[Block]]) -> list[Block]:
        best: list[Block] = []
        for blocks in lists:
            best, beside = better(best, blocks)
            for number in (source for block in beside for source in block.sources):
                self._beside(number)  # says something else
        return best

    def _beside(self, number: int) -> None:
        """Keeps a text as a file, too."""
        if number not in self._besides:
            self._besides.add(number)
            self._attached(number, self._nodes[number], True, text=True)

    def _attached(self, number: int, node: Node, nested: bool, text: bool = False) -> None:
        load = partial(self._content, node, text)
        if not nested:
            self._noted(node, load)
        cid = node.value(b"content-id").decode("latin-1").strip(" <>").lower()
        name = node.filename or decoded(node.value(b"content-location"), self._charsets)
        self._file(number, name, node.kind, load, cid if node.disposition != "attachment" else "")

    def _noted(self, node: Node, load: Callable[[], bytes]) -> None:
        """What a file tells beside being one."""
        if node.kind in ("text/calendar", "application/ics"):
            text = self._charsets.text(load(), node.params.get("charset", "") or "utf-8")
            known = self.found.events
            known += [event for event in ics.events(text) if event not in known]
            self.found.calendar = self.found.calendar or ics.method(text)
        elif node.kind in _REPORTS:
            self._report(load())
        elif node.kind in _HEADERS and self.found.returned is None:
            data = load()
            self.found.returned = self._mapping(header_block(data, 0, len(data))[0])

    def _report(self, data: bytes) -> None:
        pos = 0
        while pos < len(data) and len(self.found.reports) < RECIPIENTS:
            fields, following = header_block(data, pos, len(data))
            if fields:
                self.found.reports.append(self._mapping(fields))
            pos = following if following > pos else pos + 1 + data[pos:].find(b"\n") % len(data)

    def _mapping(self, fields: Fields) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for name, value in fields:
            found.setdefault(name.decode("latin-1").lower(), decoded(value, self._charsets))
        return found

    def _file(
        self, number: int, name: str, kind: str, load: Callable[[], bytes], cid: str = ""
    ) -> None:
        self._files.setdefault(number, []).append(File(safe(name, kind), kind, load, cid))

    def _embedded(self, number: int, node: Node) -> None:
        """A mail in this one: a file, named as its subject; what is attached to it follows."""
        fields = node.children[0].fields if node.children else []
        if self.found.returned is None:
            self.found.returned = self._mapping(fields)
        self._mail_file(number, node, decoded(first(fields, b"subject"), self._charsets))

    def _mail_file(self, number: int, node: Node, subject: str) -> None:
        name = node.filename or (f"{_flat(subject)}.eml" if subject else "")
        self._file(number, name, node.kind, partial(self._content, node))

    def _opened(self, number: int, node: Node, nested: bool) -> bool:
        """Whether a file was one only around others, and was taken apart."""
        if self._depth >= DEEPEST:
            return False
        wrapping = node.kind in _TNEF or node.filename.lower() in ("winmail.dat", "win.dat")
        if node.kind in _MESSAGES:
            inner = Assembly(self._content(node), self._charsets, self._depth + 1, self._room)
            self._mail_file(number, node, inner.subject)
            self._files[number] += inner.found.files
            return True
        if wrapping:
            return self._unwrapped(number, self._content(node), nested, self._depth)
        if node.kind in _SMIME:
            data = self._content(node)
            signed = cms.content(data)
            if signed is not None:
                self._within(number, signed, nested)
                return True
            if not cms.is_signed_only(data) and not nested:
                self.found.encrypted = True
        return False

    def _within(self, number: int, data: bytes, nested: bool) -> None:
        """An original in a wrapping of which nobody needs to know."""
        inner = Assembly(data, self._charsets, self._depth + 1, self._room)
        if not nested:
            self._blocks[number] = [Block(block.text, block.html) for block in inner.found.blocks]
            self.found.encrypted = self.found.encrypted or inner.found.encrypted
            self.found.events += inner.found.events
            self.found.calendar = self.found.calendar or inner.found.calendar
        self._files.setdefault(number, []).extend(inner.found.files)

    def _unwrapped(self, number: int, data: bytes, nested: bool, depth: int) -> bool:
        found = tnef.read(data, self._charsets)
        if found is None or not (found.text.strip() or found.attached):
            return False
        if found.text.strip() and not nested:
            block = self._html(found.text, number) if found.html else Block(found.text)
            self._wrapped.append(Block(block.text, block.html))
        for file in found.attached:
            deeper = file.kind == "application/ms-tnef" and depth < DEEPEST
            if deeper and self._unwrapped(number, file.data, True, depth + 1):
                name = f"{file.name}.tnef"
                self._file(number, name, file.kind, partial(bytes, file.data))
                continue
            kind = file.kind or "application/octet-stream"
            self._file(number, file.name, kind, partial(bytes, file.data), file.cid.lower())
        return True


def _is_body(node: Node) -> bool:
    """Whether a text is to be read, not kept as a file."""
    if node.parent is None or node.parent.embedded:
        return not (node.disposition == "attachment" and node.filename)
    return node.disposition != "attachment" and not node.filename


def _flat(subject: str) -> str:
    """A subject as a name: it has no folders."""
    return re.sub(r"[\\/]+", "_", subject)
