"""winmail.dat: the text and the attachments that Outlook wraps up (MS-OXTNEF)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from plugins.mail.parsing.charsets import Charsets
from plugins.mail.parsing.rtf import decompressed, text_of

SIGNATURE = b"\x78\x9f\x3e\x22"
_ATTRIBUTES = 20_000
_FIXED = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 10: 4, 11: 4, 20: 8, 64: 8, 72: 16}

_TITLE, _DATA, _RENDERING = 0x8010, 0x800F, 0x9002
_BODY, _PROPERTIES, _ATTACHMENT, _CODEPAGE = 0x800C, 0x9003, 0x9005, 0x9007
_P_BODY, _P_HTML, _P_RTF = 0x1000, 0x1013, 0x1009
_P_LONG_NAME, _P_NAME, _P_DISPLAY, _P_MIME, _P_DATA, _P_CID = (
    0x3707,
    0x3704,
    0x3001,
    0x370E,
    0x3701,
    0x3712,
)


@dataclass(slots=True)
class Attached:
    """A file of the wrapping; ``name`` as it was given."""

    name: str = ""
    kind: str = ""
    data: bytes = b""
    cid: str = ""


@dataclass(slots=True)
class Tnef:
    """What is in a wrapping. ``html`` says that the text is HTML."""

    text: str = ""
    html: bool = False
    attached: list[Attached] = field(default_factory=list)
    complete: bool = True  # it was read to its end


def read(data: bytes, charsets: Charsets) -> Tnef | None:
    """All that can be read; ``None`` if it is no such wrapping at all."""
    if not data.startswith(SIGNATURE):
        return None
    return _Reader(data, charsets).read()


class _Reader:
    def __init__(self, data: bytes, charsets: Charsets) -> None:
        self._data = data
        self._charsets = charsets
        self._codepage = "cp1252"
        self._found = Tnef()
        self._texts: dict[int, str] = {}

    def read(self) -> Tnef:
        pos, count = 6, 0
        while pos + 9 <= len(self._data) and count < _ATTRIBUTES:
            level, kind, size = struct.unpack_from("<BII", self._data, pos)
            if level not in (1, 2):
                break  # garbage after the end is common
            value = self._data[pos + 9 : pos + 9 + size]
            self._attribute(kind & 0xFFFF, value)
            if len(value) < size:
                self._found.complete = False
            pos, count = pos + 11 + size, count + 1
        self._text()
        return self._found

    def _attribute(self, kind: int, value: bytes) -> None:
        files = self._found.attached
        if kind == _RENDERING or (kind in (_TITLE, _DATA, _ATTACHMENT) and not files):
            files.append(Attached())
        if kind == _CODEPAGE and len(value) >= 4:
            self._codepage = f"cp{struct.unpack_from('<I', value)[0]}"
        elif kind == _TITLE:
            files[-1].name = files[-1].name or self._string(value)
        elif kind == _DATA:
            files[-1].data = value
        elif kind == _BODY:
            self._texts[_BODY] = self._string(value)
        elif kind == _PROPERTIES:
            self._message(value)
        elif kind == _ATTACHMENT:
            self._attachment(files[-1], value)

    def _message(self, value: bytes) -> None:
        for name, kind, content in _properties(value):
            if name in (_P_BODY, _P_HTML):
                self._texts[name] = self._string(content, kind)
            elif name == _P_RTF:
                text, html = text_of(decompressed(content), self._charsets)
                self._texts[_P_HTML if html else _P_RTF] = text

    def _attachment(self, file: Attached, value: bytes) -> None:
        for name, kind, content in _properties(value):
            if name == _P_LONG_NAME:
                file.name = self._string(content, kind) or file.name
            elif name in (_P_NAME, _P_DISPLAY):
                file.name = file.name or self._string(content, kind)
            elif name == _P_MIME:
                file.kind = self._string(content, kind).lower()
            elif name == _P_CID:
                file.cid = self._string(content, kind).strip("<>")
            elif name == _P_DATA and content:
                # An embedded message: a class id, and a wrapping of its own.
                nested = kind == 13 and content[16:20] == SIGNATURE
                file.data = content[16:] if kind == 13 else content
                file.kind = "application/ms-tnef" if nested else file.kind

    def _string(self, value: bytes, kind: int = 30) -> str:
        if kind == 31:
            return self._charsets.text(value, "utf-16-le").rstrip("\0")
        return self._charsets.text(value.rstrip(b"\0"), self._codepage)

    def _text(self) -> None:
        for name in (_P_HTML, _P_BODY, _BODY, _P_RTF):
            if self._texts.get(name, "").strip():
                self._found.text, self._found.html = self._texts[name], name == _P_HTML
                return


def _properties(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Id, type and content; it ends where the list is broken."""
    try:
        yield from _listed(data)
    except struct.error:
        return


def _listed(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    (count,) = struct.unpack_from("<I", data)
    pos = 4
    for _ in range(min(count, _ATTRIBUTES)):
        kind, name = struct.unpack_from("<HH", data, pos)
        pos += 4
        if name >= 0x8000:
            pos = _named(data, pos)
        many, kind = kind & 0x1000, kind & 0xFFF
        values = 1
        if many or kind not in _FIXED:
            (values,) = struct.unpack_from("<I", data, pos)
            pos += 4
        for _ in range(min(values, _ATTRIBUTES)):
            size = _FIXED.get(kind, -1)
            if size < 0:
                (size,) = struct.unpack_from("<I", data, pos)
                pos += 4
            elif pos + size > len(data):
                return
            yield name, kind, data[pos : pos + size]
            pos += (size + 3) & ~3
            if pos > len(data) + 3:
                return


def _named(data: bytes, pos: int) -> int:
    """Behind the long name of a property."""
    if not any(data[pos + 16 : pos + 20]):
        return pos + 24
    size: int = struct.unpack_from("<I", data, pos + 20)[0]
    return pos + 24 + ((size + 3) & ~3)
