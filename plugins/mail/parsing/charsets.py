"""From bytes to text, whatever they are declared to be.

What is declared is believed as long as it fits. It often does not: cp1252 called utf-8, utf-8
called iso-8859-1, names that nobody knows. No byte is ever dropped: at worst it is shown as cp1252.
"""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

SAMPLE = 8192  # bytes that are enough to guess by; guessing is slow
GUESSES = 4  # a mail: a thousand broken headers must not cost a thousand guesses

_ALIASES = {
    "ansi": "cp1252",
    "default": "cp1252",
    "default_charset": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "x-gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "iso-2022-jp": "iso2022_jp_ext",
    "iso-8859-1": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-9": "cp1254",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "euc-kr": "cp949",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "tis-620": "cp874",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "unicode": "utf-16",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "ansi_x3.4-1968": "ascii",
    "macintosh": "mac_roman",
    "x-mac-roman": "mac_roman",
    "utf8mb4": "utf-8",
    "utf-8-sig": "utf-8",
    "windows-874": "cp874",
}
# Python knows "codecs" that are none of text, or take quadratic time (punycode).
_TEXT = (
    "ascii",
    "utf",
    "iso",
    "cp",
    "koi8",
    "mac",
    "big5",
    "gb",
    "hz",
    "euc",
    "shift",
    "johab",
    "tis",
)
_LATIN = ("ascii", "iso8859", "cp125", "mac")
_EAST = (
    "gb",
    "big5",
    "euc",
    "shift",
    "cp932",
    "cp949",
    "johab",
    "hz",
    "koi8",
    "cp1251",
    "iso8859_5",
)
_HIGH = re.compile(rb"[\x80-\xff]")
_SEQUENCE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_META = re.compile(rb"<(?:meta|\?xml)[^>]{0,300}?(?:charset|encoding)\s*=\s*[\"']?([\w.:-]+)", re.I)
# The bytes that cp1252 leaves open are taken for what latin-1 has there.
_CP1252 = [bytes([byte]).decode("cp1252", "replace") for byte in range(256)]
_CP1252 = [char if char != "\ufffd" else chr(byte) for byte, char in enumerate(_CP1252)]
_SURROGATES = {0xDC00 + byte: _CP1252[byte] for byte in range(0x80, 0x100)}
_LONE = dict.fromkeys(range(55296, 57344), "�")
_CONTROLS = {code: None for code in range(0x20) if chr(code) not in "\t\n\r"} | {0x7F: None}


def codec(name: str) -> str:
    """What Python calls a charset, or the empty text if there is none for text."""
    low = name.strip().strip("\"'").lower()
    low = _ALIASES.get(low, low)
    match = re.fullmatch(r"(?:x-)?(?:cp|windows|win|ibm)[-_]?(\d{3,5})", low)
    low = f"cp{match[1]}" if match else low
    try:
        found = codecs.lookup(low).name
    except (LookupError, ValueError):
        return ""
    return found if found.startswith(_TEXT) else ""


def cp1252(data: bytes) -> str:
    """As Windows wrote it: every byte is a character."""
    return data.decode("latin-1").translate({code: _CP1252[code] for code in range(0x80, 0xA0)})


def mended_utf8(data: bytes) -> str:
    """UTF-8, and each byte that is none of it as cp1252 has it."""
    return data.decode("utf-8", "surrogateescape").translate(_SURROGATES)


class Charsets:
    """Decodes the texts and headers of one mail, and learns from one for the others."""

    def __init__(self) -> None:
        self._hints: list[str] = []
        self._guesses = GUESSES

    def hint(self, name: str) -> None:
        """A charset that the mail declares somewhere: its raw headers are most often in it, too."""
        found = codec(name)
        if found and not found.startswith(("ascii", "utf")) and found not in self._hints[:4]:
            self._hints.append(found)

    def text(self, data: bytes, declared: str = "") -> str:
        """Of a body. Line ends are ``\\n``, and there are no controls but tabs in it."""
        text = self._decode(data, declared)
        return clean(text)

    def header(self, data: bytes) -> str:
        """Of a raw header, of which nobody says what it is in."""
        if b"\x1b$" in data:
            return self._decode(data, "iso-2022-jp")
        return data.decode("ascii") if data.isascii() else self._guess(data)

    def _decode(self, data: bytes, declared: str) -> str:
        name = codec(declared)
        if name.startswith(("utf-16", "utf-32")) or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            wide = _wide(data, name)
            if wide is not None:
                return wide
        if name.startswith(_LATIN) and _is_utf8(data):
            return data.decode("utf-8")  # nobody writes "Ã¤" on purpose
        if name == "utf-8":
            return _mostly_utf8(data) or self._guess(data)
        if not name or name == "ascii" or name.startswith(("utf-16", "utf-32")):
            return (
                data.decode("ascii")
                if data.isascii() and b"\x1b" not in data
                else self._guess(data)
            )
        try:
            return data.decode(name)
        except (UnicodeError, ValueError):
            pass
        if name.startswith("cp125") or name.startswith("iso8859") or name.startswith("utf"):
            return cp1252(data) if name.startswith("cp1252") else _replaced(data, name)
        return data.decode("utf-8") if _is_utf8(data) else _replaced(data, name)

    def _guess(self, data: bytes) -> str:
        if text := _mostly_utf8(data):
            return text
        high = len(_HIGH.findall(data[:SAMPLE]))
        dense = high > 7 and high * 3 > min(len(data), SAMPLE) - data.count(b" ", 0, SAMPLE)
        if not dense:
            return self._hinted(data, _LATIN) or cp1252(data)
        if text := self._hinted(data, _EAST):
            return text
        if self._guesses:
            self._guesses -= 1
            best = from_bytes(data[:SAMPLE]).best()
            if name := codec(best.encoding) if best else "":
                self._hints.insert(0, name)
                return _replaced(data, name)
        return self._hinted(data, _TEXT) or cp1252(data)

    def _hinted(self, data: bytes, kinds: tuple[str, ...]) -> str:
        """As another part of the mail is said to be written, if that fits."""
        for name in self._hints:
            if name.startswith(kinds):
                try:
                    return data.decode(name)
                except (UnicodeError, ValueError):
                    continue
        return ""


def declared_in_html(data: bytes) -> str:
    """The charset that an HTML text names in its head, or the empty text."""
    match = _META.search(data[:2048])
    return match[1].decode("ascii", "replace") if match else ""


def clean(text: str) -> str:
    """Line ends as ``\\n``; no controls, half characters or byte order marks."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isprintable():
        text = text.translate(_CONTROLS)
    if text.isascii():
        return text
    return text.replace("\ufeff", "").translate(_LONE)


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _mostly_utf8(data: bytes) -> str:
    """UTF-8 with some bytes broken, or the empty text if it is something else."""
    high = len(_HIGH.findall(data))
    within = sum(map(len, _SEQUENCE.findall(data)))
    if data and within * 2 >= high:
        return mended_utf8(data)
    return ""


def _wide(data: bytes, name: str) -> str | None:
    """UTF-16 and -32: also without a mark, and not if it is only said to be."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode(name if name.startswith("utf-32") else "utf-16", "replace")
    zeros = data[:SAMPLE].count(0)
    if zeros * 8 < min(len(data), SAMPLE) and _plausible(data):
        return None  # eight-bit text
    if name in ("utf-16", "utf-32"):
        name += "-be" if data[:1] == b"\0" else "-le"
    return data.decode(name, "replace")


def _plausible(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _replaced(data: bytes, name: str) -> str:
    """Decoded, and what does not fit taken for cp1252 where the codec allows that."""
    try:
        return data.decode(name, "surrogateescape").translate(_SURROGATES)
    except (UnicodeError, ValueError):
        return data.decode(name, "replace")
