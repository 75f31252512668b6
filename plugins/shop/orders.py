"""How order numbers, postcodes and e-mail addresses get into one form before they are compared."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable

from bot.store.mailboxes import mailbox

NUMBER = re.compile(r"(?<![A-Za-z0-9])(?:[Bb][\s\-\u2010-\u2015]?|#\s?)?(\d{6})(?![A-Za-z0-9])")
"""An order number inside a text: `B-100234`, `b100234`, `B 100234`, `#100234`, `100234`."""

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
"""An e-mail address inside a text; good enough to find one, the comparison decides."""

GB_POSTCODE = re.compile(r"\b([A-Z]{1,2}\d[A-Z\d]?)\s*(\d[A-Z]{2})\b", re.IGNORECASE)
"""A British postcode with or without its space (the pattern of BS 7666, slightly widened)."""

_COUNTRY_PREFIX = re.compile(r"^(?:DE|D|AT|A|CH)-?(?=\d{4,5}$)")
_SPACES_AND_DASHES = re.compile(r"[\s\-\u2010-\u2015]+")
_INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufeff]")


def find_order_number(text: str) -> str | None:
    """The first order number in a text in canonical form (`B-100234`), or None."""
    match = NUMBER.search(_plain(text))
    return f"B-{match.group(1)}" if match else None


def normalise_order_number(text: str) -> str | None:
    """The canonical form of a text that is an order number and nothing else, or None."""
    match = NUMBER.fullmatch(_plain(text).strip())
    return f"B-{match.group(1)}" if match else None


def normalise_email(text: str) -> str:
    """As somebody types it: without case and spaces; no shop tells `Anna@` from `anna@`."""
    return mailbox(_plain(text))


def normalise_postcode(text: str) -> str:
    """Upper case without spaces, dashes and a country's prefix: `50674` for `D-50674`."""
    dense = _SPACES_AND_DASHES.sub("", _plain(text)).upper()
    return _COUNTRY_PREFIX.sub("", dense)


def same_secret(secret: str, postcodes: Iterable[str], email: str) -> bool:
    """Whether `secret` is one of the postcodes or the e-mail address, whatever way it is written.

    Every candidate is compared, on digests of equal length, so that the time tells nothing about
    which one was right or how much of it.
    """
    as_postcode, as_email = _digest(normalise_postcode(secret)), _digest(normalise_email(secret))
    address = normalise_email(email)
    right = hmac.compare_digest(as_email, _digest(address)) and bool(address)
    for postcode in postcodes:
        right |= hmac.compare_digest(as_postcode, _digest(normalise_postcode(postcode)))
    return right


def same_email(one: str, other: str) -> bool:
    """Whether two addresses are the same mailbox, whatever way a domain is written.

    None is not the same as none: an order may carry no address.
    """
    same = hmac.compare_digest(_digest(mailbox(one)), _digest(mailbox(other)))
    return same and bool(one.strip())


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _plain(text: str) -> str:
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
