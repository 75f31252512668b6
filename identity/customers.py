"""One customer over several channels: what a proof says about whose conversation it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.messages import Proof
from bot.ports import Tx
from bot.store import linking
from bot.store.codec import Clock, utc_now
from bot.store.customers import contact_of

STRONG = frozenset({"channel", "code"})
"""Kinds of proofs that name the owner of a contact point; any other only asks agents."""


class Point(Protocol):
    """A contact point: an e-mail address, or a number (``+49...``)."""

    @property
    def value(self) -> str:
        """As people write it."""


@dataclass(frozen=True, kw_only=True)
class Customers:
    """Hears of every proof, in the transaction that grants it."""

    clock: Clock = utc_now

    def on_proof(self, tx: Tx, conversation: int, proof: Proof, contact: Point | None) -> None:
        """Link what one contact point proves to be one customer's; propose what it may be.

        ``contact`` is what was proven: the address on the order that a code went to, or what the
        channel vouches for; a pair proves none. Proofs are not carried over.
        """
        now = self.clock()
        found = contact_of(contact.value) if contact else None
        if found is not None and proof.kind in STRONG:
            linking.prove(tx, conversation, found, proof.kind, now)
        linking.propose_order(tx, conversation, proof.subject, now)
