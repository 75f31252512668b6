"""What an opaque S/MIME signature holds (RFC 5652): the mail itself, readable by anybody.

Only looked through, never verified: a signature proves nothing here.
"""

from __future__ import annotations

_SIGNED = bytes.fromhex("2a864886f70d010702")
_COMPRESSED = bytes.fromhex("2a864886f70d0109100109")
_DEEPEST = 40


def is_signed_only(data: bytes) -> bool:
    """Whether it is signed data, which needs no key to be read."""
    return _SIGNED in data[:64]


def content(data: bytes) -> bytes | None:
    """The bytes that were signed, or ``None`` if that is not what it is."""
    if not is_signed_only(data):
        return None
    pos = data.index(_SIGNED) + len(_SIGNED)
    # [0], SignedData, its version and algorithms, then the content's type and [0], the octets.
    try:
        for tag in (0xA0, 0x30):
            pos, _ = _enter(data, pos, tag)
        for _ in range(2):
            pos = _after(data, pos)
        pos, _ = _enter(data, pos, 0x30)
        pos = _after(data, pos)
        pos, _ = _enter(data, pos, 0xA0)
        return b"".join(_octets(data, pos))
    except (ValueError, IndexError):
        return None


def _header(data: bytes, pos: int) -> tuple[int, int, int]:
    """Tag, where the content begins, and its length; -1 if it ends at a mark."""
    tag, size = data[pos], data[pos + 1]
    pos += 2
    if size == 0x80:
        return tag, pos, -1
    if size & 0x80:
        count = size & 0x7F
        if count > 8:
            raise ValueError("length")
        size = int.from_bytes(data[pos : pos + count], "big")
        pos += count
    return tag, pos, size


def _enter(data: bytes, pos: int, expected: int) -> tuple[int, int]:
    tag, start, size = _header(data, pos)
    if tag != expected:
        raise ValueError("structure")
    return start, size


def _after(data: bytes, pos: int, depth: int = 0) -> int:
    """Behind the value at this place."""
    _, start, size = _header(data, pos)
    if size >= 0:
        return start + size
    if depth > _DEEPEST:
        raise ValueError("depth")
    while data[start : start + 2] != b"\0\0":
        start = _after(data, start, depth + 1)
    return start + 2


def _octets(data: bytes, pos: int) -> list[bytes]:
    """Of a string in one piece or, as streams have it, in several."""
    tag, start, size = _header(data, pos)
    if tag == 0x04 and size >= 0:
        return [data[start : start + size]]
    if tag != 0x24:
        raise ValueError("structure")
    end = len(data) if size < 0 else start + size
    pieces: list[bytes] = []
    while start < end and data[start : start + 2] != b"\0\0":
        tag, begin, length = _header(data, start)
        if tag != 0x04 or length < 0:
            raise ValueError("structure")
        pieces.append(data[begin : begin + length])
        start = begin + length
    return pieces
