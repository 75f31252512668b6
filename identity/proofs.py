"""What a proof of the channel or a code tells: a contact point that is the customer's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from bot.messages import Proof
from bot.ports import Tx

PROOF_LIFE = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Contact:
    """A number (``+49...``) or an address that a customer has proven to be theirs."""

    kind: Literal["phone", "email"]
    value: str


OnProof = Callable[[Tx, int, Proof, Contact | None], None]
"""Called as a conversation gets a proof, in that transaction; a pair proves no contact point."""


def nobody_asks(_tx: Tx, _conversation: int, _proof: Proof, _contact: Contact | None) -> None:
    """What is done about a proof where nothing is."""
