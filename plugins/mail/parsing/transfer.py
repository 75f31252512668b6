"""Transfer encodings: base64 with junk in it, quoted-printable that is none, uuencode."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_OTHERS = bytes(set(range(256)) - set(_ALPHABET))
_FOREIGN = re.compile(rb"[^A-Za-z0-9+/=\s]")
_ONLY_BASE64 = re.compile(rb"\s*(?:[A-Za-z0-9+/]{60,76}\r?\n){2,}[A-Za-z0-9+/]{0,76}={0,2}\s*")
_SOFT = re.compile(rb"=[ \t]*\r?\n")
_HEX = re.compile(rb"=[0-9A-F]{2}")
_BEGIN = re.compile(rb"^begin(?:-base64)? [0-7]{3,4} ([^\r\n]{1,500})\r?\n", re.M)
_UU_FILES = 200
_PIECE = 16  # characters of code between two blanks; words are shorter
_FEW = 400  # characters that may be words


def decode(data: bytes, encoding: str, text: bool) -> bytes:
    """The content as it was before its transfer; never fails, and never drops readable text.

    ``text`` is true for bodies: there a wrong encoding is seen by what it would make of them.
    """
    kind = encoding.strip().strip("\"'").lower()
    if kind == "base64":
        return _base64(data, text)
    if kind == "quoted-printable":
        return binascii.a2b_qp(data)
    if kind in ("uuencode", "x-uuencode", "x-uue", "uue"):
        rest, files = uu_files(data)
        return files[0].data if files and not rest.strip() else data
    return _undeclared(data) if text else data


def _base64(data: bytes, text: bool) -> bytes:
    if not _FOREIGN.search(data) and not (text and b" " in data.strip()):
        return data if text and _is_words(data) else from_base64(data)
    lines = data.splitlines(keepends=True)
    code = [_is_code(line, 10 if text else 3) for line in lines]
    coded = b"".join(line for line, fits in zip(lines, code, strict=True) if fits)
    if len(coded) * 2 < len(data.strip()):
        return data  # it never was base64
    cut = max(at for at, fits in enumerate(code) if fits) + 1
    # A list's or a virus scanner's lines after the encoded ones are part of what people read.
    after = b"".join(lines[cut:]) if text else b""
    return from_base64(coded) + (b"\n" + after if after.strip() else b"")


def _is_code(line: bytes, odd: int) -> bool:
    """Whether a line is encoded, though one byte of so many may be strange, or a blank."""
    if any(len(piece) < _PIECE for piece in line.split()[:-1]):
        return False
    return len(_FOREIGN.findall(line)) * odd <= len(line)


def _is_words(data: bytes) -> bool:
    """A few words that only look as if they were encoded."""
    lines = data.split()
    if not lines or len(data) > _FEW:
        return False
    uneven = len({len(line) for line in lines[:-1]}) > 1 or len(b"".join(lines)) % 4
    try:
        from_base64(data).decode()
    except UnicodeDecodeError:
        return bool(uneven)
    return False


def from_base64(data: bytes) -> bytes:
    """Decoded leniently: junk is skipped, padding may lack or stand in the middle."""
    clean = data.translate(None, _OTHERS)
    if b"=" in clean.rstrip(b"="):
        return b"".join(map(_whole, re.split(rb"=+", clean)))
    return _whole(clean.rstrip(b"="))


def _whole(clean: bytes) -> bytes:
    if len(clean) % 4 == 1:
        clean = clean[:-1]
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))


def _undeclared(data: bytes) -> bytes:
    """A text whose encoding is not said, though it has one."""
    if _ONLY_BASE64.fullmatch(data):
        plain = from_base64(data)
        if b"\0" not in plain:
            return plain
    codes = len(_HEX.findall(data))
    if codes > 2 and _SOFT.search(data) and codes + len(_SOFT.findall(data)) == data.count(b"="):
        return binascii.a2b_qp(data)
    return data


@dataclass(frozen=True, slots=True)
class Uu:
    """A file that stood in a text."""

    name: bytes
    data: bytes


def uu_files(data: bytes) -> tuple[bytes, list[Uu]]:
    """A text without its uuencoded files, and these."""
    files: list[Uu] = []
    rest: list[bytes] = []
    pos = 0
    while len(files) < _UU_FILES and (match := _BEGIN.search(data, pos)):
        content, end = _uu(data, match.end())
        if end < 0:
            rest.append(data[pos : match.end()])
            pos = match.end()
            continue
        rest.append(data[pos : match.start()])
        files.append(Uu(match[1].strip(), content))
        pos = end
    rest.append(data[pos:])
    return b"".join(rest), files


def _uu(data: bytes, pos: int) -> tuple[bytes, int]:
    """What is encoded from here on and where it ends, or -1 if it is no such thing."""
    out: list[bytes] = []
    while pos < len(data):
        stop = data.find(b"\n", pos)
        following = len(data) if stop < 0 else stop + 1
        line = data[pos:following].rstrip(b"\r\n")
        if line.strip() == b"end":
            return b"".join(out), following
        if line.strip() not in (b"", b"`"):
            chunk = _uu_line(line)
            if chunk is None:
                break
            out.append(chunk)
        pos = following
    # Cut off by a limit of size: what is there is kept, if it is surely a file.
    return (b"".join(out), pos) if len(out) > 2 else (b"", -1)


def _uu_line(line: bytes) -> bytes | None:
    size = (line[0] - 32) & 63
    needed = (size + 2) // 3 * 4
    if not 33 <= line[0] <= 96 or len(line) < 2:
        return None
    # Blanks at the end are zeros: mailers strip them. More than a checksum's letters is no code.
    if len(line.rstrip()) - 1 > needed + 2 or (len(line) - 1 < needed - 3 and size < 45):
        return None
    try:
        return binascii.a2b_uu(line[: needed + 1])
    except binascii.Error:
        return None
