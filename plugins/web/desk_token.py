"""What opens the desk: a token of the operator's, or one made once and kept in the data folder."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from pathlib import Path

from plugins.web.settings import TOKEN_CHARACTERS

FILE = "web_desk_token"
COOKIE_SECONDS = 7 * 24 * 3600


class DeskToken:
    """The token and the cookies made from it.

    A cookie is ``<time>.<hmac of it under the token>``: it ends by itself, it ends when the token
    changes, and it does not hold the token.
    """

    def __init__(self, data: Path, configured: str | None) -> None:
        self._data = data
        self._token = configured

    @property
    def value(self) -> str:
        """The token; read from the data folder, or made there, when it is first asked for."""
        if self._token is None:
            self._token = _kept(self._data / FILE)
        return self._token

    def matches(self, offered: str) -> bool:
        """Whether this is the token; takes as long for a wrong one."""
        return hmac.compare_digest(_digest(offered), _digest(self.value))

    def cookie(self) -> str:
        """A new cookie value for somebody who showed the token."""
        begun = str(int(time.time()))
        return f"{begun}.{self._sign(begun)}"

    def opens(self, cookie: str) -> bool:
        """Whether a cookie is ours and not too old."""
        begun, _, signature = cookie.partition(".")
        if not (begun.isascii() and begun.isdigit() and len(begun) < 12):
            return False
        if not hmac.compare_digest(signature.encode(), self._sign(begun).encode()):
            return False
        return 0 <= time.time() - int(begun) + 60 <= COOKIE_SECONDS

    def _sign(self, begun: str) -> str:
        message = f"schalter desk {begun}".encode()
        return hmac.new(self.value.encode(), message, hashlib.sha256).hexdigest()


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def _kept(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = secrets.token_urlsafe(32)
    try:
        # Only the owner may read it, from its first byte on; never over an older one.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        kept = path.read_text("utf-8").strip()
        if len(kept) >= TOKEN_CHARACTERS:
            return kept
        path.unlink()  # a crash between making the file and writing it
        return _kept(path)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(made)
    return made
