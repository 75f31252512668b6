"""The steps of an action's form: what is missing, and the pair as soon as it is complete."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.identity import READ_TIMEOUT, Standing, emptied
from bot.messages import ActionCall, Address, Filling, Outbound, Owner, Policy, Proof, Say
from bot.ports import Action, Fills, IdentifiesPhone, Identify, Store, TimerHandler, Tx
from bot.store import cases, conversations, effects
from bot.store.codec import Clock, stamp, utc_now

PROOF_LIFE = timedelta(minutes=30)
WRONG_PAIRS = 5  # then a person takes over
_WRONG_PAIRS_WITHIN = timedelta(hours=24)


@dataclass(eq=False, kw_only=True)
class Forms:
    """Fills forms and keeps proofs. ``identify`` checks a pair; without one none fits."""

    store: Store
    identify: Identify | None = None
    clock: Clock = utc_now
    timers: Mapping[str, TimerHandler] = field(default_factory=dict)

    def policy(self, action: Action) -> Policy:
        """What guards an action here."""
        return action.policy

    def reveal(self, tx: Tx, out: Outbound, secret: str) -> Outbound | None:
        """No row refers to a code yet."""
        del tx, secret
        return out

    async def standing(self, conversation: int) -> Standing:
        """What the store knows about the customer of a conversation."""

        def work(tx: Tx) -> Standing:
            now = self.clock()
            since = max(stamp(now - _WRONG_PAIRS_WITHIN), cases.last_settled_at(tx, conversation))
            row = conversations.get(tx, conversation)
            return Standing(
                address=Address(row["channel"], row["address"]),
                owner=Owner(row["owner"]),
                proofs=effects.proofs(tx, conversation, now),
                locked=effects.attempts(tx, conversation, since) >= WRONG_PAIRS,
                phone=row["phone"],
                email=row["email"],
            )

        return await self.store.read(work)

    async def fill(self, action: Action, call: ActionCall) -> Filling:
        """One step. Raises what the action or the check raises, and TimeoutError."""
        if not isinstance(action, Fills):
            return Filling()
        standing = await self.standing(call.conversation)
        if standing.bars(self.policy(action)):
            return emptied(action.policy)
        # A shared number is a proof, and nothing to read an order or a postcode from.
        text = "" if call.understanding.intent == "share_contact" else call.text
        call = replace(call, address=standing.address, text=text)
        async with asyncio.timeout(READ_TIMEOUT):
            filling = await action.fill(replace(call, proofs=standing.proofs))
            proven = await self._with_phone(action, call, standing, filling)
            if proven is not None:
                standing = proven
                filling = await action.fill(replace(call, proofs=standing.proofs))
                # A shared contact tells no slot; but it was the answer, and no digression.
                subject = {action.policy.subject: standing.proofs[-1].subject}
                filling = replace(filling, slots={**subject, **filling.slots})
            return await self._check_pair(action, call, standing, filling)

    async def _with_phone(
        self, action: Action, call: ActionCall, standing: Standing, filling: Filling
    ) -> Standing | None:
        """The standing with a new proof, when the customer's own phone number is on the order."""
        policy = self.policy(action)
        subject = {**call.slots, **filling.slots}.get(policy.subject)
        phone, identify = standing.phone, self.identify
        if not subject or phone is None or "channel" not in policy.proofs:
            return None
        if standing.proves(policy, str(subject)) or not isinstance(identify, IdentifiesPhone):
            return None
        if not await identify.check_phone(str(subject), phone):
            return None
        proof = Proof("channel", str(subject), self.clock() + PROOF_LIFE)
        await self.store.write(lambda tx: effects.grant(tx, call.conversation, proof))
        return replace(standing, proofs=(*standing.proofs, proof))

    async def _check_pair(
        self, action: Action, call: ActionCall, standing: Standing, filling: Filling
    ) -> Filling:
        policy = self.policy(action)
        known = {**call.slots, **filling.slots}
        subject, secret = known.get(policy.subject), known.get(policy.secret)
        if not policy.proofs or not subject or not secret or not filling.slots:
            return filling
        if standing.proves(policy, str(subject)):
            return replace(filling, slots={**filling.slots, policy.secret: None})
        if self.identify and await self.identify.check_pair(str(subject), str(secret)):
            proof = Proof("pair", str(subject), self.clock() + PROOF_LIFE)
            await self.store.write(lambda tx: effects.grant(tx, call.conversation, proof))
            return replace(filling, slots={**filling.slots, policy.secret: None})
        return await self._wrong_pair(action, call, str(subject), filling)

    async def _wrong_pair(
        self, action: Action, call: ActionCall, subject: str, filling: Filling
    ) -> Filling:
        now, policy = self.clock(), self.policy(action)
        await self.store.write(lambda tx: effects.note_attempt(tx, call.conversation, subject, now))
        if (await self.standing(call.conversation)).locked:
            return emptied(policy)
        empty = {policy.subject: None, policy.secret: None}
        return Filling(
            slots={**filling.slots, **empty},
            ask=policy.subject,
            says=(Say("utter_pair_wrong"),),
        )
