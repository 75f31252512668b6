"""What makes an action safe: policy, proofs, proposals, and results that are recorded.

A plugin cannot forget any of it: the dialogue only ever reaches an action through here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from pydantic import ValidationError

from bot.asking import yes_no
from bot.identity import READ_TIMEOUT, Identities, emptied
from bot.messages import (
    ActionCall,
    Address,
    Answer,
    Features,
    Filling,
    Outcome,
    Owner,
    Proposal,
    Say,
)
from bot.ports import Action, Recoverable, Row, Store, Tx, Unavailable
from bot.store import codec, effects
from bot.store.codec import Clock, utc_now
from bot.store.recording import Key, Recorded, Recorder, is_open, is_over

T = TypeVar("T")
log = logging.getLogger(__name__)

PROPOSAL_LIFE = timedelta(minutes=15)
_PROOF_NEEDED = Answer((Say("utter_proof_needed"),), Outcome.ASK, "form")
_RUN_TIMEOUT = 45.0  # seconds; what became of a longer call is read back


@dataclass(eq=False, kw_only=True)
class ActionRunner:
    """The guarded road to the actions. Every call is recorded under (turn, action, number).

    ``on_effect`` runs in the transaction that records a finished side effect.
    """

    store: Store
    identities: Identities
    features: Mapping[str, Features]
    on_effect: Callable[[Tx, ActionCall], None] = lambda _tx, _call: None
    clock: Clock = utc_now

    def __post_init__(self) -> None:
        self.recorder = Recorder(
            store=self.store, about=self.about, on_effect=self.on_effect, clock=self.clock
        )
        self._actions: dict[str, Action] = {}
        self._builtins: dict[str, Callable[[ActionCall, int], Awaitable[Answer]]] = {}

    def add(self, action: Action) -> None:
        """Register an action."""
        self._actions[action.name] = action

    def add_builtin(self, name: str, run: Callable[[ActionCall, int], Awaitable[Answer]]) -> None:
        """Register one of the core's own."""
        self._builtins[name] = run

    def names(self) -> Sequence[str]:
        """The registered actions."""
        return [*self._actions, *self._builtins]

    def get(self, name: str) -> Action | None:
        """A plugin's action."""
        return self._actions.get(name)

    async def close(self) -> None:
        """Wait for what has started: a side effect is never cut off by us."""
        await self.recorder.close()

    async def call(self, action: str, call: ActionCall, number: int) -> Answer:
        """The n-th call of an action in a turn; the recorded answer when it was made before."""
        run = self._builtins.get(action) or partial(self._call, action)
        return await self.recorder.once(action, call, number, run, ANSWERS)

    async def fill(self, action: str, call: ActionCall, number: int) -> Filling:
        """One step of an action's form, with the pair checked as soon as it is complete."""
        failed = partial(self._form_failed, action)
        way = Recorded(codec.filling_to_dict, codec.filling_from_dict, failed)
        run = partial(self._fill, action)
        return await self.recorder.once(f"fill:{action}", call, number, run, way)

    async def _fill(self, name: str, call: ActionCall, _number: int) -> Filling:
        if await self.store.read(partial(self._begins, call)):
            # Something else has begun: what is said from here on is not about the proposal.
            await self.store.write(lambda tx: effects.lapse(tx, call.conversation))
        return await self.identities.fill(self._actions[name], call)

    def _begins(self, call: ActionCall, tx: Tx) -> bool:
        """Whether a proposal is over with this step of a form.

        One that was agreed to waits in the form which asks for the proof that its yes lacks.
        """
        now = self.clock()
        if effects.open_proposal(tx, call.conversation, now) is not None:
            return True
        asks = call.slots.get("requested_slot") or "confirm" in effects.actions_of(tx, call.turn)
        return not asks and effects.agreed(tx, call.conversation, now) is not None

    def _form_failed(self, name: str) -> Filling:
        action = self._actions.get(name)
        return emptied(action.policy, failed=True) if action else Filling(failed=True)

    def about(self, action: str, call: ActionCall) -> tuple[str, str]:
        """The plugin's action (or ``""``) and the subject of a call."""
        known = self._actions.get(action)
        if known is None:
            return "", ""
        return action, str(call.arguments.get(known.policy.subject) or "")

    def pause(self, channel: str) -> timedelta | None:
        """How long an answer may take on a channel where that is longer than in a chat."""
        seconds = self.features.get(channel, Features()).session_pause
        return None if seconds is None else timedelta(seconds=seconds)

    async def _call(self, name: str, call: ActionCall, number: int) -> Answer:
        record = await self.store.read(lambda tx: effects.call(tx, call.turn, name, number))
        if record is not None:  # what was agreed to: started, and cut off before its result
            return await self.resume(record, call)
        action = self._actions.get(name)
        if action is None:
            log.error("unknown action", extra={"action": name})
            return _failed()
        refusal, call = await self._guard(action, call)
        if refusal is not None:
            return refusal
        if action.policy.read_only:
            return await self.read(action, call)
        return await self._propose(action, call, (call.turn, name, number))

    async def _guard(
        self, action: Action, call: ActionCall, *, renew: bool = False
    ) -> tuple[Answer | None, ActionCall]:
        """What forbids the call, if anything; and the call with what the store knows.

        ``renew``: a proof that is over is looked for anew, which a form would have done.
        """
        standing = await self.identities.standing(call.conversation)
        call = replace(call, proofs=standing.proofs, address=standing.address)
        if await self.store.read(lambda tx: effects.form_failed(tx, call.turn, action.name)):
            return _failed(), call
        if standing.owner is not Owner.BOT and not action.policy.read_only:
            return Answer((Say("utter_waiting_no_changes"),), Outcome.REFUSED, "waiting"), call
        barred = await self.identities.barred(action, standing, call)
        if barred is not None:
            return barred, call
        try:
            arguments = action.Arguments.model_validate(_given(action, call.arguments))
        except ValidationError:
            return Answer((), Outcome.ASK, "form"), call
        call = replace(call, arguments=arguments.model_dump())
        subject = str(call.arguments.get(action.policy.subject) or "")
        policy = self.identities.policy(action)
        if renew and not standing.proves(policy, subject):
            try:
                standing = await self.identities.renewed(action, call)
            except (Unavailable, TimeoutError):
                return _unavailable(), call
            call = replace(call, proofs=standing.proofs)
        return None if standing.proves(policy, subject) else _PROOF_NEEDED, call

    async def read(self, action: Action, call: ActionCall) -> Answer:
        """Make a call that changes nothing."""
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                return await action.run(call)
        except (Unavailable, TimeoutError):
            return _unavailable()

    async def _propose(self, action: Action, call: ActionCall, key: Key | None = None) -> Answer:
        """Read back what would happen, and wait for a yes.

        With a ``key`` for its record it is done at once, where that yes was given to the very same.
        """
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                proposed = await action.propose(call)
        except (Unavailable, TimeoutError):
            return _unavailable()
        agreed = await self.agreed_proposal(call.conversation)
        if key and agreed and self._counts(agreed, action, proposed, call):
            ready = _ready(call, agreed)
            if await self._begin(agreed, action, ready, key):
                return await self.run(action, ready)
        if isinstance(proposed, Answer):
            # A refusal is what was heard last: no yes may run what was read back before it.
            await self.store.write(lambda tx: effects.lapse(tx, call.conversation))
            return proposed
        *before, last = proposed.says
        made = await self.store.write(lambda tx: self._keep_proposal(tx, action, call, proposed))
        question = replace(last, buttons=last.buttons or yes_no(made))
        return Answer((*before, question), Outcome.ASK, slots=proposed.slots)

    async def propose_again(
        self, proposal: Row, call: ActionCall, changes: Mapping[str, Any] | None = None
    ) -> Answer:
        """Read an open proposal back once more, with what the customer corrected in it."""
        action = self._actions[proposal["action"]]
        arguments = {**codec.decode(proposal["arguments"]), **(changes or {})}
        refusal, call = await self._guard(action, replace(call, arguments=arguments), renew=True)
        if refusal is None:
            return await self._propose(action, call)
        await self.store.write(lambda tx: effects.drop(tx, proposal["id"]))
        return _without_form(refusal)

    def _counts(
        self, agreed: Row, action: Action, proposed: Proposal | Answer, call: ActionCall
    ) -> bool:
        """Whether the yes before was to what is proposed now, by whoever has proven it since.

        Proven is who answered the question for a pair or a code. A channel that vouches for the
        latest message does not for the one with the yes, which somebody else may have sent.
        """
        if isinstance(proposed, Answer) or agreed["action"] != action.name:
            return False
        same = codec.decode(agreed["arguments"]) == dict(proposed.arguments)
        kinds = self.identities.policy(action).proofs - {"channel"}
        proven = any(p.kind in kinds and p.subject == agreed["subject"] for p in call.proofs)
        return same and proven and bool(agreed["version"] == proposed.version)

    def _keep_proposal(self, tx: Tx, action: Action, call: ActionCall, proposal: Proposal) -> str:
        if is_over(tx, call.turn):
            return ""  # its read-back is never said, so that no yes can be about it
        now = self.clock()
        subject = proposal.subject or str(proposal.arguments.get(action.policy.subject) or "")
        # It cannot be run without its proof, so in a chat it does not outlive it.
        kinds = self.identities.policy(action).proofs
        ends = [p.expires for p in call.proofs if p.kind in kinds]
        ends = [max(ends)] if ends else []
        pause = self.pause(call.address.channel)
        return effects.propose(
            tx,
            conversation=call.conversation,
            turn=call.turn,
            action=action.name,
            proposal=replace(proposal, subject=subject),
            expires=min([now + PROPOSAL_LIFE, *ends]) if pause is None else now + pause,
            now=now,
        )

    async def execute(self, proposal: Row, call: ActionCall, number: int) -> Answer | None:
        """Consume a proposal and run its action, once. ``None``: somebody else consumed it."""
        action = self._actions.get(proposal["action"])
        if action is None:
            return _failed()
        ready = _ready(call, proposal)
        guarded, _ = await self._guard(action, ready, renew=True)
        if guarded is _PROOF_NEEDED:
            return await self._agree(proposal, action)
        if guarded is not None:
            return _without_form(guarded)
        if not await self._begin(proposal, action, ready, (call.turn, "confirm", number)):
            return None
        return await self.run(action, ready)

    async def _agree(self, proposal: Row, action: Action) -> Answer:
        """Keep a yes that came after its proof was over, and ask for nothing but the proof."""
        await self.store.write(lambda tx: effects.agree(tx, proposal["id"]))
        says = (Say("utter_yes_needs_proof", {"order": proposal["subject"]}),)
        slots = {**codec.decode(proposal["arguments"]), action.policy.secret: None}
        return Answer(says, Outcome.ASK, f"form:{action.name}", slots=slots)

    async def _begin(self, proposal: Row, action: Action, ready: ActionCall, key: Key) -> bool:
        """Consume a proposal and write its call down as started; False: it is too late."""

        def work(tx: Tx) -> bool:
            if is_over(tx, ready.turn) or not effects.consume(tx, proposal["id"]):
                return False
            self.recorder.start(tx, key, ready, *self.about(action.name, ready), proposal["id"])
            return True

        return await self.store.write(work)

    async def run(self, action: Action, call: ActionCall) -> Answer:
        """Make a call that was written down as started."""
        try:
            async with asyncio.timeout(_RUN_TIMEOUT):
                answer = await action.run(call)
            codec.answer_to_dict(answer)  # one that cannot be recorded says nothing for sure
        except Exception:  # an edge: it was started, so what became of it is read back
            log.exception("started action failed", extra={"action": action.name, "key": call.key})
            return await self.read_back(action, call)
        return _with_cleared_form(action, call, answer)

    async def resume(self, record: Row, call: ActionCall) -> Answer:
        """What became of a call that was started before this process, or failed in it."""
        proposal = await self.store.read(lambda tx: effects.proposal(tx, record["key"]))
        action = self._actions.get(record["name"])
        if proposal is None or action is None:
            return _unknown()
        arguments = codec.decode(proposal["arguments"])
        return await self.read_back(
            action,
            replace(call, key=record["key"], arguments=arguments, version=proposal["version"]),
        )

    async def read_back(self, action: Action, call: ActionCall) -> Answer:
        """Ask the shop what became of a call; the desk where that does not settle it."""
        if not isinstance(action, Recoverable):
            return _unknown()
        try:
            async with asyncio.timeout(_RUN_TIMEOUT):
                answer = await action.outcome(call)
        except Exception:  # an edge: not settled is not settled
            log.exception("outcome not readable", extra={"action": action.name, "key": call.key})
            return _unknown()
        return _unknown() if answer is None else _with_cleared_form(action, call, answer)

    async def recover(self) -> None:
        """Settle what was started and cut off in turns that are not asked again.

        A turn that is still open settles its own when it is asked again.
        """

        def lost(tx: Tx) -> list[Row]:
            return [row for row in effects.cut_off(tx) if not is_open(tx, row["turn"])]

        for record in await self.store.read(lost):
            key = (record["turn"], record["action"], record["number"])
            self.recorder.begin(key, self._settle(key, record))

    async def _settle(self, key: Key, record: Row) -> Answer:
        call = ActionCall(
            key=record["key"],
            turn=record["turn"],
            conversation=record["conversation"],
            address=Address("", ""),
            arguments={},
            language="",
            actor=record["actor"],
        )
        try:
            answer = await self.resume(record, call)
            result = codec.answer_to_dict(answer)
            await self.store.write(lambda tx: self.recorder.record(tx, key, call, result))
        except Exception:  # an edge: it is tried again at the next start
            log.exception("lost call not settled", extra={"turn": key[0]})
            return _unknown()
        return answer  # to who asked for the same call meanwhile

    async def open_proposal(self, conversation: int) -> Row | None:
        """The proposal that waits for a yes."""
        now: datetime = self.clock()
        return await self.store.read(lambda tx: effects.open_proposal(tx, conversation, now))

    async def agreed_proposal(self, conversation: int) -> Row | None:
        """The proposal that was given its yes, and waits for a proof."""
        now: datetime = self.clock()
        return await self.store.read(lambda tx: effects.agreed(tx, conversation, now))


def _given(action: Action, slots: Mapping[str, Any]) -> dict[str, Any]:
    names = action.Arguments.model_fields
    return {key: value for key, value in slots.items() if key in names and value is not None}


def _ready(call: ActionCall, proposal: Row) -> ActionCall:
    arguments = codec.decode(proposal["arguments"])
    return replace(call, key=proposal["id"], version=proposal["version"], arguments=arguments)


def _without_form(refusal: Answer) -> Answer:
    # Yes and no have no form of their own that the dialogue could start again.
    return replace(refusal, reason=None) if refusal.reason == "form" else refusal


def _with_cleared_form(action: Action, call: ActionCall, answer: Answer) -> Answer:
    """What was entered is used up; the order stays, so that a next question can be about it."""
    used = {key: None for key in call.arguments if key != action.policy.subject}
    effect = answer.outcome is Outcome.DONE
    return replace(answer, slots={**used, **answer.slots}, effect=effect)


def _unavailable() -> Answer:
    return Answer((Say("utter_shop_unavailable"),), Outcome.HANDOFF, "shop_unavailable")


def _failed() -> Answer:
    return Answer((Say("utter_action_failed"),), Outcome.HANDOFF, "action_failed")


def _unknown() -> Answer:
    return Answer((Say("utter_outcome_unknown"),), Outcome.HANDOFF, "outcome_unknown")


ANSWERS = Recorded(codec.answer_to_dict, codec.answer_from_dict, _failed)
"""How answers are recorded."""
