"""Where the core meets who a customer is, which the package ``identity`` implements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.messages import (
    ActionCall,
    Address,
    Answer,
    Features,
    Filling,
    Outbound,
    Owner,
    Policy,
    Proof,
)
from bot.ports import Action, Store, TimerHandler, Tx
from bot.store.codec import Clock

READ_TIMEOUT = 20.0  # seconds; a shop that reads longer is not there


@dataclass(frozen=True, slots=True)
class Standing:
    """What the store knows about a customer when an action is called.

    ``locked``: too many wrong checks; an action that needs a proof goes to a person.
    """

    address: Address
    owner: Owner
    proofs: tuple[Proof, ...]
    locked: bool = False
    phone: str | None = None  # that the channel vouches for
    email: str | None = None  # that the channel vouches for, for the latest message

    def proves(self, policy: Policy, subject: str) -> bool:
        """Whether a proof suffices for a policy on a subject."""
        return not policy.proofs or bool(self.fitting(policy, subject))

    def fitting(self, policy: Policy, subject: str) -> list[Proof]:
        """The proofs that suffice for a policy on a subject."""
        kinds = policy.proofs
        return [proof for proof in self.proofs if proof.kind in kinds and proof.subject == subject]

    def holds(self, kind: str, subject: str) -> bool:
        """Whether there is a proof of a kind on a subject, whether it suffices or not."""
        return any(proof.kind == kind and proof.subject == subject for proof in self.proofs)

    def bars(self, policy: Policy) -> bool:
        """Whether there were too many wrong checks for an action that needs a proof."""
        return bool(policy.proofs) and self.locked


class Identities(Protocol):
    """Who a customer is: standing, forms and proofs."""

    def policy(self, action: Action) -> Policy:
        """What guards an action here: as it declares, changed by settings."""

    async def standing(self, conversation: int) -> Standing:
        """What the store knows about the customer of a conversation."""

    async def renewed(self, action: Action, call: ActionCall) -> Standing:
        """The standing with what the channel vouches for now, for a proof that is over.

        Raises what the check raises, and TimeoutError.
        """

    async def barred(self, action: Action, standing: Standing, call: ActionCall) -> Answer | None:
        """The answer where no form helps to prove it: too many tries, or no way but a person."""

    async def fill(self, action: Action, call: ActionCall) -> Filling:
        """One step of an action's form, with what proves the customer checked on the way.

        Raises what the action or the check raises, and TimeoutError.
        """

    def reveal(self, tx: Tx, out: Outbound, secret: str) -> Outbound | None:
        """The message with the code that its row only refers to; ``None``: it is not valid now."""

    @property
    def timers(self) -> Mapping[str, TimerHandler]:
        """Handlers of its timers, by kind."""


class BuildsIdentities(Protocol):
    """Makes it of what it needs of the core."""

    def __call__(
        self, *, store: Store, features: Mapping[str, Features], clock: Clock
    ) -> Identities:
        """Make it; nothing is opened. ``features`` are the channels' by name."""


def emptied(policy: Policy, *, failed: bool = False) -> Filling:
    """A form that ends with nothing in it: its action is then called, and calls a person."""
    return Filling(slots={policy.subject: None, policy.secret: None}, ask=None, failed=failed)
