"""One step of an action's form, with what proves the customer on the way.

The form itself reads the message; here it is checked what that proves, and asked for what lacks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from bot.identity import Standing, emptied
from bot.messages import ActionCall, Filling, Policy, Proof, Say
from bot.ports import Action, Fills, IdentifiesEmail, IdentifiesPhone, Row, Tx
from bot.store import audit, cases, effects
from bot.store.codec import unstamp
from identity import reading
from identity.codes import BETWEEN, Entered, Request
from identity.limits import WRONG_PAIR, Who
from identity.means import Impasse, Means
from identity.policies import CHANNEL, CODE, PAIR
from identity.proofs import PROOF_LIFE, Contact

SLOT = "code"
"""The slot that a form asks for; nothing is ever put into it."""
REQUESTED = "requested_slot"
_HINTS = {
    reading.UNREADABLE: "utter_unreadable_code",
    reading.WHERE: "utter_code_where",
    reading.LATER: "utter_code_later",
}


@dataclass(kw_only=True)
class Step:
    """One message in one form. ``policy`` is the one that holds here.

    ``pause``: of the dialogue, in seconds, on a channel whose answers may take days.
    """

    means: Means
    action: Action
    policy: Policy
    call: ActionCall
    standing: Standing
    who: Who
    pause: float | None = None

    async def run(self) -> Filling:
        """What the form knows after the message. Raises what the action or the check raises."""
        if self._asked in (SLOT, self.policy.secret) and (filled := await self._code()) is not None:
            return filled
        return await self._prove(await self._fill(self.call))

    async def renewed(self) -> Standing:
        """The standing, with the channel's proof where it gives one. Raises what a check raises."""
        subject = str(self.call.arguments.get(self.policy.subject) or "")
        if subject and not self.standing.bars(self.policy):
            await self._channel(subject)
        return self.standing

    @property
    def _asked(self) -> str | None:
        return self.call.slots.get(REQUESTED)

    async def _fill(self, call: ActionCall) -> Filling:
        assert isinstance(self.action, Fills)  # noqa: S101 - a form is only filled for one that is
        kinds = self.policy.proofs
        # An action sees what suffices here, so that none asks for less than the policy does.
        proofs = tuple(proof for proof in self.standing.proofs if proof.kind in kinds)
        return await self.action.fill(replace(call, proofs=proofs))

    async def _prove(self, filling: Filling) -> Filling:
        """Check what the customer can prove now, and ask for what lacks."""
        known = {**self.call.slots, **filling.slots}
        subject = str(known.get(self.policy.subject) or "")
        secret = str(known.get(self.policy.secret) or "")
        if not self.policy.proofs or not subject:
            return filling
        if self.standing.proves(self.policy, subject):
            gone = {**filling.slots, self.policy.secret: None}
            return replace(filling, slots=gone) if secret and filling.slots else filling
        if await self._channel(subject):
            return await self._go_on(filling, subject)
        if self._asked == SLOT and not secret and await self._pair_will_do(subject):
            gone = {**filling.slots, self.policy.subject: subject, SLOT: None}
            return Filling(gone, self.policy.secret, filling.says)
        if not filling.slots:
            # A question about something else; what was asked for is still to come.
            return replace(filling, ask=SLOT) if self._asked == SLOT else filling
        if await self._stuck(subject):
            return self._end(filling, subject)
        if secret:
            return await self._pair(filling, subject, secret)
        if self._asked == SLOT and subject == self.call.slots.get(self.policy.subject):
            return replace(filling, slots={**filling.slots, SLOT: None}, ask=SLOT)
        if self.standing.holds(PAIR, subject):
            return await self._after_pair(filling, subject)
        return filling

    async def _after_pair(self, filling: Filling, subject: str) -> Filling:
        """The pair was proven before, and does not suffice: a code, unless one is on its way.

        One that a wrong pair started before is not: it went to nobody.
        """
        last = await self._last(subject)
        if last is not None and last["matched"] and await self._waits(subject):
            return replace(filling, slots={**filling.slots, SLOT: None}, ask=SLOT)
        return await self._start(filling, subject, matched=True)

    async def _pair_will_do(self, subject: str) -> bool:
        """Whether a code was asked for by another action, and for this one the pair suffices.

        The mail may never come, and where a parcel is needs no code.
        """
        if PAIR not in self.policy.proofs or not await self._pair_suffices(subject):
            return False
        last = await self._last(subject)
        return last is not None and last["action"] != self.action.name

    async def _channel(self, subject: str) -> bool:
        """Whether the order carries a number or address that the channel vouches for."""
        if CHANNEL not in self.policy.proofs:
            return False
        identify, standing = self.means.identify, self.standing
        if standing.phone is not None and isinstance(identify, IdentifiesPhone):
            ok = await identify.check_phone(subject, standing.phone)
            if await self._vouched(subject, Contact("phone", standing.phone), ok):
                return True
        if standing.email is not None and isinstance(identify, IdentifiesEmail):
            ok = await identify.check_email(subject, standing.email)
            return await self._vouched(subject, Contact("email", standing.email), ok)
        return False

    async def _vouched(self, subject: str, contact: Contact, ok: bool) -> bool:
        proof = Proof(CHANNEL, subject, self.means.clock() + PROOF_LIFE)

        def work(tx: Tx) -> None:
            self._note(tx, CHANNEL, subject, ok=ok, reason=contact.kind)
            if ok:
                self._grant(tx, proof, contact)

        await self.means.store.write(work)
        if ok:
            self._hold(proof)
        return ok

    async def _pair(self, filling: Filling, subject: str, secret: str) -> Filling:
        """An order's number and what goes with it: a proof, or what starts a code."""
        suffices = PAIR in self.policy.proofs and await self._pair_suffices(subject)
        if not suffices and self.means.policies.takes_code(self.policy):
            return await self._start(filling, subject, secret=secret)
        right = await self._check_pair(subject, secret)
        proof = Proof(PAIR, subject, self.means.clock() + PROOF_LIFE)

        def work(tx: Tx) -> bool:
            self._note(tx, PAIR, subject, ok=right, reason="" if right else "wrong")
            if right:
                self._grant(tx, proof, None)
                return False
            now, settled = self.means.clock(), cases.last_settled_at(tx, self.call.conversation)
            self.means.limits.note(tx, WRONG_PAIR, self.who, subject, now)
            return self.means.limits.locked(tx, self.who, now, settled)

        locked = await self.means.store.write(work)
        if not right:
            return emptied(self.policy) if locked else self._wrong_pair(filling)
        self._hold(proof)
        if self.standing.proves(self.policy, subject):
            return await self._go_on(filling, subject)
        return self._end(filling, subject)

    def _wrong_pair(self, filling: Filling) -> Filling:
        empty = {self.policy.subject: None, self.policy.secret: None}
        slots, says = {**filling.slots, **empty}, (Say("utter_pair_wrong"),)
        return Filling(slots, self.policy.subject, says)

    async def _code(self) -> Filling | None:
        """What a message does while a code is asked for; ``None``: it may be something else."""
        subject = str(self.call.slots.get(self.policy.subject) or "")
        meant = reading.read(self.call.text, self.call.understanding.intent)
        if not subject or meant is None:
            return None
        if self._asked != SLOT and not (meant.isdecimal() and await self._waits(subject)):
            return None
        base = Filling({self.policy.subject: subject, SLOT: None}, SLOT)
        if self.standing.proves(self.policy, subject):
            return await self._go_on(base, subject)
        if meant.isdecimal():
            return await self._enter(base, subject, meant)
        return await self._meant(base, subject, meant)

    async def _meant(self, base: Filling, subject: str, meant: str) -> Filling:
        secret = self.policy.secret
        if meant == reading.NEW_CODE:
            return await self._another(base, subject)
        if meant == reading.OTHER_ORDER:
            return Filling(
                {**base.slots, self.policy.subject: None, secret: None}, self.policy.subject
            )
        if meant == reading.OTHER_SECRET:
            return Filling({**base.slots, secret: None}, secret)
        return replace(base, says=(Say(_HINTS[meant]),))

    async def _enter(self, base: Filling, subject: str, digits: str) -> Filling:
        now = self.means.clock()
        proof = Proof(CODE, subject, now + PROOF_LIFE)
        request, email = self._request(subject), await self._email_of(subject)

        def work(tx: Tx) -> Entered:
            entered = self.means.codes.enter(tx, request, digits, now, email)
            if entered.result == "right":
                self._grant(tx, proof, Contact("email", entered.email))
            return entered

        entered = await self.means.store.write(work)
        if entered.result == "right":
            self._hold(proof)
            right = replace(base, says=(Say("utter_code_right"),))
            return await self._go_on(right, subject, reading.beside(self.call.text, digits))
        if entered.result == "paused":
            return self._end(base, subject)
        if entered.result in ("expired", "none"):
            return await self._late(base, subject)
        facts = {"left": entered.left}
        name = "wrong_last" if entered.left == 1 else entered.result
        return replace(base, says=(Say(f"utter_code_{name}", facts),))

    async def _another(self, base: Filling, subject: str) -> Filling:
        """Another code, unless the last one is too fresh, or too old to know who asked."""
        last = await self._last_code(subject)
        if await self._stuck(subject):
            return self._end(base, subject)
        if last is None:
            return self._pair_again(base)
        fresh = self.means.clock() - unstamp(last["created_at"]) < BETWEEN
        if fresh and last["state"] == "open":
            return replace(base, says=(Say("utter_code_wait"),))
        return await self._start(base, subject, matched=self._matched(last))

    async def _late(self, base: Filling, subject: str) -> Filling:
        """A code that came too late: another is on its way at once, if the pair still counts."""
        last = await self._last_code(subject)
        if await self._stuck(subject):
            return self._end(base, subject)
        if last is None:
            return self._pair_again(replace(base, says=(Say("utter_code_expired"),)))
        matched = self._matched(last)
        return await self._start(base, subject, matched=matched, says="utter_code_renewed")

    def _matched(self, last: Row) -> bool:
        """Whether a pair was right: the one that started a code, or one that was proven since."""
        return bool(last["matched"]) or self.standing.holds(PAIR, last["subject"])

    async def _last_code(self, subject: str) -> Row | None:
        """The latest code, where it is not too old to know who asked for it."""
        life = PROOF_LIFE if self.pause is None else timedelta(seconds=self.pause)
        last = await self._last(subject)
        over = last is not None and self.means.clock() - unstamp(last["created_at"]) > life
        return None if over else last

    async def _start(
        self,
        filling: Filling,
        subject: str,
        *,
        secret: str = "",
        matched: bool = False,
        says: str = "utter_code_sent",
    ) -> Filling:
        """Make a code. What is said, and what is done before it, is the same for every pair."""
        if secret:
            matched = await self._check_pair(subject, secret)
        email = await self._email_of(subject)
        now, request = self.means.clock(), self._request(subject)

        def work(tx: Tx) -> bool:
            if secret:
                self._note(tx, PAIR, subject, ok=matched, reason="" if matched else "wrong")
                self.means.limits.note_wrong(tx, now)
            settled = cases.last_settled_at(tx, self.call.conversation)
            started = self.means.codes.start(
                tx, request, matched=matched, email=email, settled=settled, now=now
            )
            return started == "started"

        if not await self.means.store.write(work):
            return self._end(filling, subject)
        slots = {**filling.slots, self.policy.subject: subject, self.policy.secret: None}
        return Filling({**slots, SLOT: None}, SLOT, (*filling.says, Say(says)))

    def _pair_again(self, base: Filling) -> Filling:
        slots = {**base.slots, self.policy.secret: None}
        return Filling(slots, self.policy.secret, (*base.says, Say("utter_proof_needed")))

    async def _go_on(self, filling: Filling, subject: str, rest: str = "") -> Filling:
        """The next question, now that the customer is known.

        The message itself is used up, but for the ``rest``.
        """
        secret = self.policy.secret
        slots: dict[str, Any] = {**filling.slots, self.policy.subject: subject}
        if {**self.call.slots, **slots}.get(secret):
            slots[secret] = None
        known = {key: value for key, value in {**self.call.slots, **slots}.items() if value}
        known.pop(REQUESTED, None)
        understood = replace(self.call.understanding, entities=())
        call = replace(self.call, text=rest, slots=known, understanding=understood)
        more = await self._fill(call)
        # A form that has nothing to say about no text goes on with what it asked for before.
        before = None if filling.ask in (secret, SLOT) else filling.ask
        ask = more.ask if more.slots or more.ask else before
        return Filling({**slots, **more.slots}, ask, (*filling.says, *more.says))

    def _end(self, filling: Filling, subject: str) -> Filling:
        """The form ends; its action is then called, and says what helps."""
        gone = {self.policy.subject: subject, self.policy.secret: None, SLOT: None}
        return Filling({**filling.slots, **gone}, None)

    async def _stuck(self, subject: str) -> bool:
        impasse = Impasse(means=self.means)
        return (
            await self.means.store.read(
                lambda tx: impasse.reason(tx, self.policy, self.standing, self.who, subject)
            )
            is not None
        )

    async def _last(self, subject: str) -> Row | None:
        conversation, codes = self.call.conversation, self.means.codes
        return await self.means.store.read(lambda tx: codes.last(tx, conversation, subject))

    async def _waits(self, subject: str) -> bool:
        now, conversation, codes = self.means.clock(), self.call.conversation, self.means.codes
        return await self.means.store.read(lambda tx: codes.waits(tx, conversation, subject, now))

    async def _pair_suffices(self, subject: str) -> bool:
        now = self.means.clock()
        return await self.means.store.read(
            lambda tx: self.means.limits.pair_suffices(tx, subject, now)
        )

    async def _check_pair(self, subject: str, secret: str) -> bool:
        identify = self.means.identify
        return identify is not None and await identify.check_pair(subject, secret)

    async def _email_of(self, subject: str) -> str | None:
        identify = self.means.identify
        return await identify.email_of(subject) if isinstance(identify, IdentifiesEmail) else None

    def _request(self, subject: str) -> Request:
        call = self.call
        return Request(self.who, subject, self.action.name, call.language, call.turn)

    def _grant(self, tx: Tx, proof: Proof, contact: Contact | None) -> None:
        # A verified address counts for its own mails: the next of the thread may be anybody's.
        by_mail = contact and contact.kind == "email" and proof.kind == CHANNEL
        of = self.means.codes.keyed.who(contact.value) if contact and by_mail else ""
        effects.grant(tx, self.call.conversation, proof, of)
        self.means.on_proof(tx, self.call.conversation, proof, contact)

    def _hold(self, proof: Proof) -> None:
        self.standing = replace(self.standing, proofs=(*self.standing.proofs, proof))

    def _note(self, tx: Tx, kind: str, subject: str, *, ok: bool, reason: str) -> None:
        now, conversation = self.means.clock(), self.call.conversation
        audit.note(
            tx, kind, ok=ok, now=now, reason=reason, subject=subject, conversation=conversation
        )
