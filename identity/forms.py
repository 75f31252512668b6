"""Who a customer is, as the core asks it: standing, the steps of forms, codes as they leave."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.identity import READ_TIMEOUT, Standing, emptied
from bot.messages import (
    ActionCall,
    Address,
    Answer,
    Features,
    Filling,
    Outbound,
    Outcome,
    Owner,
    Policy,
    Say,
)
from bot.ports import (
    Action,
    Fills,
    Identify,
    ReachesEmail,
    Row,
    Store,
    Texts,
    TimerHandler,
    Tx,
)
from bot.store import cases, conversations, effects
from bot.store.codec import Clock, utc_now
from identity.codes import TIMER, Codes
from identity.keys import Keyed
from identity.limits import Limits, Who
from identity.means import Impasse, Means
from identity.policies import Policies
from identity.proofs import OnProof, nobody_asks
from identity.step import Step

_PAUSES = frozenset({"code_paused"})


@dataclass(eq=False, kw_only=True)
class Forms:
    """Implements the core's port ``Identities``.

    ``identify`` checks pairs; without one none fits. ``reaches`` and ``texts`` write the mail with
    a code. ``on_proof`` is called in the transaction that grants a proof, with the contact
    point that was proven; a pair proves none. ``features`` are the channels' by name.
    """

    store: Store
    features: Mapping[str, Features] = field(default_factory=dict)
    identify: Identify | None = None
    reaches: ReachesEmail | None = None
    texts: Texts | None = None
    policies: Policies = field(default_factory=Policies)
    limits: Limits = field(default_factory=Limits)
    keyed: Keyed = field(default_factory=Keyed)
    on_proof: OnProof = nobody_asks
    clock: Clock = utc_now

    def __post_init__(self) -> None:
        self._codes = Codes(
            keyed=self.keyed, limits=self.limits, texts=self.texts, reaches=self.reaches
        )

    def policy(self, action: Action) -> Policy:
        """What guards an action here."""
        return self.policies.of(action)

    def reveal(self, tx: Tx, out: Outbound, secret: str) -> Outbound | None:
        """The mail with its code; ``None``: the code is over."""
        return self._codes.reveal(tx, out, secret, self.clock())

    @property
    def timers(self) -> Mapping[str, TimerHandler]:
        """Makes the mails."""
        return {TIMER: self._send}

    def _send(self, tx: Tx, subject: str, payload: Mapping[str, Any]) -> None:
        del payload
        self._codes.send(tx, subject, self.clock())

    async def standing(self, conversation: int) -> Standing:
        """What the store knows about the customer of a conversation."""

        def work(tx: Tx) -> Standing:
            now = self.clock()
            row = conversations.get(tx, conversation)
            settled = cases.last_settled_at(tx, conversation)
            contact = self.keyed.who(row["email"]) if row["email"] else ""
            return Standing(
                address=Address(row["channel"], row["address"]),
                owner=Owner(row["owner"]),
                proofs=effects.proofs(tx, conversation, now, contact),
                locked=self.limits.locked(tx, self._who(row), now, settled),
                phone=row["phone"],
                email=row["email"],
            )

        return await self.store.read(work)

    async def renewed(self, action: Action, call: ActionCall) -> Standing:
        """The standing with what the channel vouches for now."""
        standing = await self.standing(call.conversation)
        step = await self._step(action, call, standing)
        async with asyncio.timeout(READ_TIMEOUT):
            return await step.renewed()

    async def barred(self, action: Action, standing: Standing, call: ActionCall) -> Answer | None:
        """The answer where no form helps: a pause, or a person."""
        policy = self.policy(action)
        if standing.bars(policy):
            return _person("utter_pair_locked", "pair_attempts")
        subject = str(call.arguments.get(policy.subject) or "")
        impasse = Impasse(means=self._means())

        def work(tx: Tx) -> str | None:
            who = self._who(conversations.get(tx, call.conversation))
            return impasse.reason(tx, policy, standing, who, subject)

        reason = await self.store.read(work)
        if reason is None:
            return None
        if reason in _PAUSES:
            return Answer((Say(f"utter_{reason}"),), Outcome.REFUSED, reason)
        return _person(f"utter_{reason}", reason)

    async def fill(self, action: Action, call: ActionCall) -> Filling:
        """One step. Raises what the action or the check raises, and TimeoutError."""
        if not isinstance(action, Fills):
            return Filling()
        standing = await self.standing(call.conversation)
        if standing.bars(self.policy(action)):
            return emptied(self.policy(action))
        # A shared number is a proof, and nothing to read an order or a postcode from.
        text = "" if call.understanding.intent == "share_contact" else call.text
        step = await self._step(action, replace(call, text=text), standing)
        async with asyncio.timeout(READ_TIMEOUT):
            return await step.run()

    async def _step(self, action: Action, call: ActionCall, standing: Standing) -> Step:
        row = await self.store.read(lambda tx: conversations.get(tx, call.conversation))
        return Step(
            means=self._means(),
            action=action,
            policy=self.policy(action),
            call=replace(call, address=standing.address),
            standing=standing,
            who=self._who(row),
            pause=self.features.get(standing.address.channel, Features()).session_pause,
        )

    def _means(self) -> Means:
        return Means(
            store=self.store,
            identify=self.identify,
            codes=self._codes,
            limits=self.limits,
            policies=self.policies,
            on_proof=self.on_proof,
            clock=self.clock,
        )

    def _who(self, row: Row) -> Who:
        # New conversations of one number or one mailbox do not begin to count anew.
        own = row["email"] or row["phone"] or f"{row['channel']}:{row['address']}"
        return Who(row["id"], self.keyed.who(own))


def _person(response: str, reason: str) -> Answer:
    return Answer((Say(response),), Outcome.HANDOFF, reason)
