"""Header blocks, encoded words (RFC 2047) and parameters (RFC 2231), as the world writes them."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from plugins.mail.parsing.charsets import Charsets, cp1252
from plugins.mail.parsing.transfer import from_base64

FIELDS = 5000  # of one block; what follows is skipped
DECODED = 65_536  # bytes of one value that are looked at for encoded words and parameters

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:")
_COMMON = re.compile(
    rb"(?:content-|mime-|x-|received|return-path|from|to|cc|subject|date|message-id|reply-to|sender"
    rb"|in-reply-to|references|delivered-to|dkim|arc-|list-|thread-|user-agent|auth)[\w-]*[ \t]*:",
    re.I,
)
_WORD = re.compile(  # a Q word may hold question marks of its own; a header cut off has no end
    r"=\?([^?\s]{1,64})\?(?:[bB]\?([^?]*)|[qQ]\?((?:[^?]|\?(?!=(?![0-9A-F]{2}))){0,2000}))(?:\?=|\Z)"
)
_PARAM = re.compile(rb";\s*([^=;\s\"]{1,80})\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^;]*))", re.S)
_BARE = re.compile(rb"(?:^|[;\s])(charset|boundary)\s*=\s*\"?([^\s\";]+)", re.I)
_STARRED = re.compile(rb"[\w.:-]{2,40}'[\w-]*'[^\s%]*%[0-9A-Fa-f]{2}[^\s]*")
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")

Fields = list[tuple[bytes, bytes]]


def block(raw: bytes, pos: int, end: int) -> tuple[Fields, int]:
    """The fields from ``pos`` on, unfolded, and where the body begins.

    A line that is no field ends the block, unless a common field follows: then it was folded badly.
    """
    fields: list[tuple[bytes, list[bytes]]] = []
    while pos < end:
        stop = raw.find(b"\n", pos, end)
        following = end if stop < 0 else stop + 1
        line = raw[pos:following].rstrip(b"\r\n")
        if not line.strip():
            if not line or not _COMMON.match(raw[following : following + 200]):
                return _joined(fields), following
        elif line[:1] in b" \t":
            if fields:
                fields[-1][1].append(line.strip())
        elif not line.startswith(b"--") and (match := _FIELD.match(line)):
            fields.append((match[1], [line[match.end() :].strip()]))
        elif not line.startswith((b"From ", b">From ")) or fields:
            if not fields or line.startswith(b"--"):
                return _joined(fields), pos
            if not _COMMON.match(raw[following : following + 200]):
                return _joined(fields), pos
            fields[-1][1].append(line.strip())
        pos = following
    return _joined(fields), min(pos, end)


def _joined(fields: list[tuple[bytes, list[bytes]]]) -> Fields:
    return [(name, b" ".join(pieces).strip()) for name, pieces in fields[:FIELDS]]


def first(fields: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes:
    """The first value of a field, raw, or nothing."""
    return next((value for key, value in fields if key.lower() == name), b"")


def decoded(value: bytes, charsets: Charsets) -> str:
    """A value as a person reads it; no line break or control is left in it."""
    text = words(charsets.header(value[:DECODED]), charsets)
    if len(value) > DECODED:
        text += cp1252(value[DECODED:])
    return line(text)


def line(text: str) -> str:
    """Without breaks, controls and marks of direction."""
    return _BIDI.sub("", _BREAKS.sub(" ", text)).strip()


def words(text: str, charsets: Charsets) -> str:
    """Encoded words decoded, neighbours together: many split a character between two of them."""
    if "=?" not in text:
        return text
    out: list[str] = []
    run: list[bytes] = []
    running = ""
    last = 0
    for match in _WORD.finditer(text):
        between = text[last : match.start()]
        charset = match[1].partition("*")[0].lower()
        if run and (between.strip() or charset != running):
            out.append(charsets.text(b"".join(run), running))
            run = []
        if between.strip() or not last:
            out.append(between)
        run.append(_word(match[2], match[3]))
        running, last = charset, match.end()
    if run:
        out.append(charsets.text(b"".join(run), running))
    out.append(text[last:])
    return "".join(out)


def _word(base64: str | None, quoted: str | None) -> bytes:
    if base64 is None:
        return binascii.a2b_qp((quoted or "").encode().replace(b" ", b"_"), header=True)
    return from_base64(base64.encode())


def parameters(value: bytes, charsets: Charsets) -> tuple[str, dict[str, str]]:
    """The value without its parameters in lower case, and these by their names in lower case."""
    value = value[:DECODED]
    main = value.partition(b";")[0].split()
    raw: dict[str, bytes] = {}
    for match in _PARAM.finditer(value):
        quoted = match[2]
        plain = re.sub(rb"\\(.)", rb"\1", quoted, flags=re.S) if quoted is not None else match[3]
        raw.setdefault(
            match[1].decode("latin-1").lower(), plain.strip(b' \t"' if quoted is None else None)
        )
    for match in _BARE.finditer(value):
        raw.setdefault(match[1].decode().lower(), match[2])
    kind = main[0].decode("latin-1").lower().strip("\"'") if main else ""
    return kind, _assembled(raw, charsets)


def _assembled(raw: dict[str, bytes], charsets: Charsets) -> dict[str, str]:
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bytes, bool]]] = {}
    for key, value in raw.items():
        base, star, rest = key.partition("*")
        if not star:
            if _STARRED.fullmatch(value):
                pieces.setdefault(base, {0: (value, True)})
            else:
                plain[base] = line(words(charsets.header(value), charsets))
            continue
        number = rest.rstrip("*")
        at = int(number) if number.isdecimal() and len(number) < 6 else 0
        pieces.setdefault(base, {})[at] = (value, rest.endswith("*") or not rest)
    for base, parts in pieces.items():
        text = _extended([parts[at] for at in sorted(parts)], charsets)
        if text or base not in plain:
            plain[base] = text
    return plain


def _extended(parts: list[tuple[bytes, bool]], charsets: Charsets) -> str:
    charset = ""
    head, encoded = parts[0]
    if encoded and head.count(b"'") >= 2:
        name, _, head = head.split(b"'", 2)
        charset = name.decode("latin-1")
    data = b"".join(
        unquote_to_bytes(value) if coded else value
        for value, coded in [(head, encoded), *parts[1:]]
    )
    text = charsets.text(data, charset) if charset else charsets.header(data)
    return line(words(text, charsets))
