"""What the installation's secret key is used for: codes, their hashes, and who asks.

Each use has a name of its own in the message, so that no value of one is a value of another.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.store.mailboxes import mailbox

DIGITS = 6


def for_this_process() -> Callable[[], bytes]:
    """A key that nobody else has and that ends with the process: enough for a test."""
    key = secrets.token_bytes(32)
    return lambda: key


@dataclass(frozen=True, slots=True)
class Keyed:
    """``key`` gives the secret, 16 bytes or more, the first time that it is needed."""

    key: Callable[[], bytes] = field(default_factory=for_this_process, repr=False)

    def digits(self, code: str) -> str:
        """The six digits of a code's row."""
        # 128 bits by a million: no digit is likelier than another by more than 10^-32.
        number = int.from_bytes(self._mac("code", code)[:16], "big") % 10**DIGITS
        return f"{number:0{DIGITS}}"

    def hash(self, code: str, digits: str) -> str:
        """What is stored of a code; with no digits, what no code fits."""
        return self._mac("hash", code, digits).hex()

    def fits(self, code: str, stored: str, digits: str) -> bool:
        """Whether these are the digits, in the same time whatever they are."""
        return hmac.compare_digest(self.hash(code, digits), stored)

    def who(self, value: str) -> str:
        """An address as something that only counts together."""
        return self._mac("who", mailbox(value)).hex()[:32]

    def _mac(self, *parts: str) -> bytes:
        return hmac.digest(self.key(), "\0".join(parts).encode(), hashlib.sha256)
