"""E-mail addresses: when two are the same mailbox, and what is one at all."""

from __future__ import annotations

import re

from bot.store.mailboxes import mailbox as normal

__all__ = ["domain_of", "is_address", "normal"]

_LONGEST = 254  # RFC 5321 4.5.3.1.3, without the brackets
_LONGEST_LOCAL = 64  # bytes, the same
_ATOM = r"(?:(?!=\?)[^\x00-\x20\x7f\s.\[\]])+"
_BEYOND_ASCII = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")  # RFC 6531 has no other form worth reading
_ADDRESS = re.compile(r"[^\s@<>\"(),:;\\\x00-\x1f\x7f]+@[^\s@<>\"(),:;\\\[\]\x00-\x1f\x7f]+\Z")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")


def domain_of(email: str) -> str:
    """The domain of an address, as in the DNS; empty when it has none."""
    return normal(email).rpartition("@")[2] if "@" in email else ""


def is_address(email: str) -> bool:
    """Whether a mail can be sent to it: one plain address, nothing a header could be made of."""
    if not _ADDRESS.match(email) or len(normal(email)) > _LONGEST:
        return False
    local, _, domain = normal(email).rpartition("@")
    if len(local.encode("utf-8", "replace")) > _LONGEST_LOCAL or not local.isprintable():
        return False
    if not local.isascii() and not _BEYOND_ASCII.fullmatch(local):
        return False
    return all(_LABEL.match(label) for label in domain.split("."))
