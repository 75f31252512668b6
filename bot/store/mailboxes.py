"""When two e-mail addresses are the same mailbox."""

from __future__ import annotations

import unicodedata

import idna


def mailbox(email: str) -> str:
    """An address as it is compared and stored: small letters, its domain as in the DNS.

    No provider's habits are known here (dots at Gmail, ``+tags``): two spellings are two people.
    Nor is a letter folded: ``straße.example`` and ``strasse.example`` are two owners' domains.
    """
    local, at, domain = unicodedata.normalize("NFC", email.strip()).lower().rpartition("@")
    return f"{local}{at}{_ascii(domain)}" if at else domain


def _ascii(domain: str) -> str:
    domain = domain.rstrip(".")
    if domain.isascii():
        return domain
    try:
        # As of 2008: by the older rules, Python's own, "straße" is another domain: "strasse".
        return idna.encode(domain, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return domain
