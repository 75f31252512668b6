"""Rich text of Outlook: decompressed (MS-OXRTFCP), and the text or the HTML in it (MS-OXRTFEX)."""

from __future__ import annotations

import re
import struct

from plugins.mail.parsing.charsets import Charsets

LARGEST = 20_000_000  # bytes, decompressed

_PRESET = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript "
    rb"\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_TOKEN = re.compile(
    r"\\'([0-9a-fA-F]{2})|\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\([^a-zA-Z])|([{}])|[\r\n]+"
    r"|([^\\{}\r\n]+)",
    re.S,
)


def _named(names: str) -> frozenset[str]:
    return frozenset(names.split())


_SKIPPED = _named(
    "fonttbl colortbl stylesheet info pict object themedata listtable listoverridetable "
    "rsidtbl generator xmlnstbl header footer headerl headerr footerl footerr fldinst "
    "datastore colorschememapping latentstyles mmathPr pntext"
)
_CHARACTERS = {
    "par": "\n", "line": "\n", "row": "\n", "page": "\n", "sect": "\n", "cell": " | ", "tab": "\t",
    "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”", "bullet": "•", "endash": "–",
    "emdash": "—", "emspace": " ", "enspace": " ",
}  # fmt: skip


def decompressed(data: bytes) -> bytes:
    """Rich text as it was; what is cut off or false ends it, and nothing is lost before that."""
    if len(data) < 16:
        return b""
    size, kind = struct.unpack_from("<I4s", data, 4)
    if kind != b"LZFu":
        return data[16 : 16 + size] if kind == b"MELA" else b""
    ring = bytearray(_PRESET.ljust(4096, b" "))
    at, pos = len(_PRESET), 16
    out = bytearray()
    size = min(size, LARGEST)
    while pos < len(data) and len(out) < size:
        control, pos = data[pos], pos + 1
        for bit in range(8):
            if pos >= len(data):
                break
            if not control >> bit & 1:
                piece, pos = data[pos : pos + 1], pos + 1
            else:
                token = int.from_bytes(data[pos : pos + 2], "big")
                pos += 2
                offset, length = token >> 4, (token & 15) + 2
                if offset == at:
                    return bytes(out[:size])
                piece = _copied(ring, offset, length, at)
            for byte in piece:
                ring[at] = byte
                at = (at + 1) & 4095
            out += piece
    return bytes(out[:size])


def _copied(ring: bytearray, offset: int, length: int, at: int) -> bytes:
    """A piece of what came before; it may reach into itself."""
    piece = bytearray()
    reach = (at - offset) & 4095 or 4096
    for step in range(length):
        piece.append(piece[step - reach] if step >= reach else ring[(offset + step) & 4095])
    return bytes(piece)


class _Reader:
    def __init__(self, html: bool) -> None:
        self.html = html
        self.out: list[bytes | str] = []
        self.codepage = "cp1252"
        self._groups: list[tuple[bool, bool, int]] = []
        self._skip = False  # a group that is not shown
        self._tag = False  # HTML that Outlook kept
        self._hidden = False  # rich text that stands for HTML kept elsewhere
        self._unicode = 1  # characters that follow a Unicode one for old readers
        self._pending = 0
        self._star = False

    def read(self, rtf: str) -> None:
        for match in _TOKEN.finditer(rtf):
            code, word, number, symbol, brace, text = match.groups()
            if brace:
                self._brace(brace)
            elif word:
                self._word(word, number)
            elif code:
                self._put(bytes([int(code, 16)]))
            elif symbol:
                self._symbol(symbol)
            elif text:
                self._put(text.encode("latin-1", "replace"))

    def _brace(self, brace: str) -> None:
        self._pending, self._star = 0, False
        if brace == "{":
            self._groups.append((self._skip, self._tag, self._unicode))
        elif self._groups:
            self._skip, self._tag, self._unicode = self._groups.pop()

    def _symbol(self, symbol: str) -> None:
        if symbol == "*":
            self._star = True
        elif symbol in "\\{}":
            self._put(symbol.encode())
        elif symbol == "~":
            self._put(b" ")
        elif symbol in "\r\n":
            self._put(b"\n")

    def _word(self, word: str, number: str | None) -> None:
        if word == "htmltag":
            self._tag, self._skip = True, not self.html
        elif self._star or word in _SKIPPED:
            self._skip = True
        elif word == "htmlrtf":
            self._hidden = number != "0" and self.html
        elif word == "ansicpg" and number:
            self.codepage = f"cp{number}"
        elif word == "uc" and number:
            self._unicode = max(0, min(int(number), 8))
        elif word == "u" and number:
            self._put(chr(int(number) & 0xFFFF))
            self._pending = self._unicode
        elif word in _CHARACTERS:
            self._put(_CHARACTERS[word])
        self._star = False

    def _put(self, piece: bytes | str) -> None:
        self._star = False
        if self._pending and isinstance(piece, bytes):
            cut = min(self._pending, len(piece))
            self._pending -= cut
            piece = piece[cut:]
        if not (self._skip or self._hidden):
            self.out.append(piece)


def text_of(rtf: bytes, charsets: Charsets) -> tuple[str, bool]:
    """The text of it, and whether that is HTML."""
    source = rtf.decode("latin-1")
    html = "\\fromhtml" in source[:2000]
    reader = _Reader(html)
    reader.read(source)
    out: list[str] = []
    run: list[bytes] = []
    for piece in reader.out:
        if isinstance(piece, bytes):
            run.append(piece)
            continue
        out.append(charsets.text(b"".join(run), reader.codepage))
        out.append(piece)
        run = []
    out.append(charsets.text(b"".join(run), reader.codepage))
    text = "".join(out).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text, html
