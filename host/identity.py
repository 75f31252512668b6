"""Settings ``[identity]``, and the installation's secret key."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from host.errors import Fatal
from host.options import Options
from identity.limits import Limits
from identity.policies import Policies

KEY_VARIABLE = "SCHALTER_IDENTITY_KEY"
KEY_FILE = "identity.key"
_SHORTEST = 32  # characters: a key that somebody made up is guessed sooner than a code
_LIMITS = Limits()

Proofs = Annotated[frozenset[Literal["pair", "channel", "code"]], Field(min_length=1)]


class IdentityOptions(Options):
    """``[identity]``: which proofs suffice for what, and how much guessing is a burst."""

    proofs: dict[str, Proofs] = Field(
        default_factory=dict,
        description='Proofs by action: {change_address = ["channel", "code"]}',
    )
    without_code: Literal["agent", "pair"] = Field(
        default="agent", description='Where no code can be sent: "agent" or "pair"'
    )
    wrong_per_hour: int = Field(
        default=_LIMITS.wrong_per_hour,
        ge=10,
        description="Wrong details of all customers, 10 or more",
    )
    codes_per_hour: int = Field(
        default=_LIMITS.codes_per_hour, ge=10, description="Codes to all customers, 10 or more"
    )

    def policies(self, *, sends_codes: bool) -> Policies:
        """Which proofs guard which action."""
        proofs = {name: frozenset[str](kinds) for name, kinds in self.proofs.items()}
        return Policies(proofs, self.without_code, sends_codes)

    def limits(self) -> Limits:
        """How often what may happen."""
        return Limits(wrong_per_hour=self.wrong_per_hour, codes_per_hour=self.codes_per_hour)


def key_of(environment: Mapping[str, str], data: Path) -> Callable[[], bytes]:
    """The installation's key: from the environment, or from a file of its own in the data folder.

    The file is made the first time that the key is asked for. Calling it raises Fatal where there
    is a key that cannot be used.
    """

    @cache
    def key() -> bytes:
        if given := environment.get(KEY_VARIABLE):
            if len(given) < _SHORTEST:
                fix = f"use {_SHORTEST} random characters: openssl rand -hex 32"
                raise Fatal(f"{KEY_VARIABLE} is too short", fix)
            return given.encode()
        return _of_file(data / KEY_FILE)

    return key


def _of_file(path: Path) -> bytes:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_suffix(".new")
        made.unlink(missing_ok=True)
        # Whole or not at all: half a key would be the key from then on.
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        made.replace(path)
    key = path.read_text("ascii", "replace").strip()
    if len(key) < _SHORTEST:
        fix = "delete it: a new one is made at the next start, and codes on their way are over"
        raise Fatal(f"{path} holds no key", fix)
    return key.encode()
