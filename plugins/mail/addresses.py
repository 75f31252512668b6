"""E-mail addresses: when two are the same mailbox, and what is one at all."""

from __future__ import annotations

import re

from bot.store.mailboxes import mailbox as normal

__all__ = ["domain_of", "is_address", "normal"]

_LONGEST = 254  # RFC 5321 4.5.3.1.3, without the brackets
_ADDRESS = re.compile(r"[^\s@<>\"(),:;\\\x00-\x1f\x7f]+@[^\s@<>\"(),:;\\\[\]\x00-\x1f\x7f]+\Z")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")


def domain_of(email: str) -> str:
    """The domain of an address, as in the DNS; empty when it has none."""
    return normal(email).rpartition("@")[2] if "@" in email else ""


def is_address(email: str) -> bool:
    """Whether a mail can be sent to it: one plain address, nothing a header could be made of."""
    if not _ADDRESS.match(email) or len(normal(email)) > _LONGEST:
        return False
    labels = normal(email).rpartition("@")[2].split(".")
    return all(_LABEL.match(label) for label in labels)
