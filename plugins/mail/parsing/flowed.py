"""Plain texts: flowed lines joined again (RFC 3676), the armour of a clear signature taken off."""

from __future__ import annotations

import re

_QUOTES = re.compile(r">*")
_SIGNED = re.compile(
    r"^-----BEGIN PGP SIGNED MESSAGE-----[ \t]*\n(?:[A-Za-z-]+: [^\n]*\n)*\n", re.M
)
_SIGNATURE = re.compile(
    r"^-----BEGIN PGP SIGNATURE-----[ \t]*\n.*?^-----END PGP SIGNATURE-----[ \t]*\n?", re.M | re.S
)
_ENCRYPTED = "-----BEGIN PGP MESSAGE-----"


def unflowed(text: str, delsp: bool = False) -> str:
    """Each paragraph on one line; quoted ones keep their marks, as ``> `` before the line."""
    out: list[str] = []
    pieces: list[str] = []
    depth = 0
    for raw in text.split("\n"):
        marks = _QUOTES.match(raw)
        level = marks.end() if marks else 0
        line = raw[level:]
        line = line[1:] if line.startswith(" ") else line
        if pieces and (level != depth or line == "-- "):
            out.append(_quoted("".join(pieces), depth))
            pieces = []
        depth = level
        if line.endswith(" ") and line != "-- ":
            pieces.append(line[:-1] if delsp else line)
            continue
        out.append(_quoted("".join([*pieces, line]), depth))
        pieces = []
    if pieces:
        out.append(_quoted("".join(pieces), depth))
    return "\n".join(out)


def _quoted(text: str, depth: int) -> str:
    if not depth:
        return text
    return f"{'>' * depth} {text}" if text else ">" * depth


def unarmoured(text: str) -> str:
    """Without the frame of a clear-signed message (RFC 4880, 7), and all of its text."""
    opening = _SIGNED.search(text)
    if opening is None:
        return text
    signature = _SIGNATURE.search(text, opening.end())
    stop = signature.start() if signature else len(text)
    signed = re.sub(r"^- ", "", text[opening.end() : stop], flags=re.M)
    after = text[signature.end() :] if signature else ""
    return text[: opening.start()] + signed + after


def is_encrypted(text: str) -> bool:
    """Whether nothing of it can be read without a key."""
    return text.lstrip().startswith(_ENCRYPTED)
