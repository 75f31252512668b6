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

from bot import codec
from bot.codec import Clock, stamp, utc_now
from bot.messages import (
    ActionCall,
    Address,
    Answer,
    Button,
    Filling,
    Outcome,
    Owner,
    Proof,
    Proposal,
    Say,
)
from bot.ports import Action, Fills, Identify, Recoverable, Row, Store, Tx, Unavailable
from bot.store import cases, conversations, effects

T = TypeVar("T")
log = logging.getLogger(__name__)

PROPOSAL_LIFE = timedelta(minutes=15)
PROOF_LIFE = timedelta(minutes=30)
WRONG_PAIRS = 5  # then a person takes over
YES_NO = (Button("button_yes", "/affirm"), Button("button_no", "/deny"))
"""The choices under every proposal."""
_WRONG_PAIRS_WITHIN = timedelta(hours=24)
_RUN_TIMEOUT = 45.0  # seconds; what became of a longer call is read back


@dataclass(frozen=True, slots=True)
class Standing:
    """What the store knows about a customer when an action is called."""

    address: Address
    owner: Owner
    proofs: tuple[Proof, ...]
    wrong_pairs: int

    def proves(self, action: Action, subject: str) -> bool:
        """Whether a proof suffices for an action on a subject."""
        kinds = action.policy.proofs
        return not kinds or any(p.kind in kinds and p.subject == subject for p in self.proofs)


class ActionRunner:
    """The guarded road to the actions. Every call is recorded under (turn, action, number).

    ``on_effect`` runs in the transaction that records a finished side effect.
    """

    def __init__(
        self,
        *,
        store: Store,
        identify: Identify | None = None,
        on_effect: Callable[[Tx, ActionCall, Answer], None] = lambda _tx, _call, _answer: None,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._identify = identify
        self._on_effect = on_effect
        self._clock = clock
        self._actions: dict[str, Action] = {}
        self._builtins: dict[str, Callable[[ActionCall, int], Awaitable[Answer]]] = {}
        self._running: dict[tuple[str, str, int], asyncio.Task[Any]] = {}

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
        while self._running:
            await asyncio.wait(set(self._running.values()))

    async def call(self, action: str, call: ActionCall, number: int) -> Answer:
        """The n-th call of an action in a turn; the recorded answer when it was made before."""
        run = self._builtins.get(action) or self._plain(self._call, action)
        return await self._once(
            action, call, number, run, codec.answer_to_dict, codec.answer_from_dict, _failed
        )

    async def fill(self, action: str, call: ActionCall, number: int) -> Filling:
        """One step of an action's form, with the pair checked as soon as it is complete."""
        return await self._once(
            f"fill:{action}",
            call,
            number,
            self._plain(self._fill, action),
            codec.filling_to_dict,
            codec.filling_from_dict,
            partial(self._form_failed, action),
        )

    @staticmethod
    def _plain(
        run: Callable[[str, ActionCall], Awaitable[T]], action: str
    ) -> Callable[[ActionCall, int], Awaitable[T]]:
        return lambda call, _number: run(action, call)

    async def _once(
        self,
        action: str,
        call: ActionCall,
        number: int,
        run: Callable[[ActionCall, int], Awaitable[T]],
        to_dict: Callable[[T], dict[str, Any]],
        from_dict: Callable[[Mapping[str, Any]], T],
        failed: Callable[[], T],
    ) -> T:
        key = (call.turn, action, number)

        async def work() -> T:
            record = await self._store.read(lambda tx: effects.call(tx, *key))
            if record is not None and record["result"] is not None:
                return from_dict(codec.decode(record["result"]))
            try:
                result = await run(call, number)
            except Exception:  # an edge: an action's fault is a typed failure, for the desk
                log.exception("action failed", extra={"action": action, "turn": call.turn})
                result = failed()
            await self._store.write(
                lambda tx: self._record(tx, action, call, number, to_dict(result))
            )
            return result

        # Rasa may ask again (it was restarted, or the turn is retried) while the call still runs:
        # both then wait for the same one. Nobody who stops waiting cuts it off.
        task = self._running.get(key)
        if task is None:
            task = asyncio.create_task(work(), name=f"action {action}")
            self._running[key] = task
            task.add_done_callback(lambda _task: self._running.pop(key, None))
        result: T = await asyncio.shield(task)
        return result

    def _record(
        self, tx: Tx, action: str, call: ActionCall, number: int, result: Mapping[str, Any]
    ) -> None:
        record = effects.call(tx, call.turn, action, number)
        if record is None:
            plugin = action if action in self._actions else ""
            self._start(tx, action, call, number, name=plugin, key=call.turn, effect=False)
        elif record["result"] is not None:
            return
        effects.end_call(
            tx,
            turn=call.turn,
            action=action,
            number=number,
            status="unknown" if result.get("reason") == "outcome_unknown" else "done",
            outcome=result.get("outcome"),
            result=result,
            now=self._clock(),
        )
        tx.notify("call", call.conversation)
        record = effects.call(tx, call.turn, action, number)
        if record is not None and record["effect"]:
            self._on_effect(tx, call, codec.answer_from_dict(result))

    def _start(
        self,
        tx: Tx,
        action: str,
        call: ActionCall,
        number: int,
        *,
        name: str,
        key: str,
        effect: bool,
    ) -> None:
        plugin = self._actions.get(name)
        subject = str(call.arguments.get(plugin.policy.subject) or "") if plugin else ""
        effects.start_call(
            tx,
            turn=call.turn,
            action=action,
            number=number,
            conversation=call.conversation,
            name=name,
            subject=subject,
            key=key,
            actor=call.actor,
            effect=effect,
            now=self._clock(),
        )

    # --- the form

    async def _fill(self, name: str, call: ActionCall) -> Filling:
        action = self._actions[name]
        if not isinstance(action, Fills):
            return Filling()
        standing = await self.standing(call.conversation)
        call = replace(call, proofs=standing.proofs, address=standing.address)
        if action.policy.proofs and standing.wrong_pairs >= WRONG_PAIRS:
            return _locked(action)
        filling = await action.fill(call)
        return await self._check_pair(action, call, standing, filling)

    def _form_failed(self, name: str) -> Filling:
        action = self._actions.get(name)
        return replace(_locked(action), failed=True) if action else Filling(failed=True)

    async def _check_pair(
        self, action: Action, call: ActionCall, standing: Standing, filling: Filling
    ) -> Filling:
        policy = action.policy
        known = {**call.slots, **filling.slots}
        subject, secret = known.get(policy.subject), known.get(policy.secret)
        if not policy.proofs or not subject or not secret or not filling.slots:
            return filling
        if standing.proves(action, str(subject)):
            return replace(filling, slots={**filling.slots, policy.secret: None})
        if await self._pair_fits(str(subject), str(secret)):
            proof = Proof("pair", str(subject), self._clock() + PROOF_LIFE)
            await self._store.write(lambda tx: effects.grant(tx, call.conversation, proof))
            return replace(filling, slots={**filling.slots, policy.secret: None})
        return await self._wrong_pair(action, call, standing, str(subject), filling)

    async def _pair_fits(self, subject: str, secret: str) -> bool:
        if self._identify is None:
            return False
        return await self._identify.check_pair(subject, secret)

    async def _wrong_pair(
        self, action: Action, call: ActionCall, standing: Standing, subject: str, filling: Filling
    ) -> Filling:
        now = self._clock()
        await self._store.write(
            lambda tx: effects.note_attempt(tx, call.conversation, subject, now)
        )
        if standing.wrong_pairs + 1 >= WRONG_PAIRS:
            return _locked(action)
        empty = {action.policy.subject: None, action.policy.secret: None}
        return Filling(
            slots={**filling.slots, **empty},
            ask=action.policy.subject,
            says=(Say("utter_pair_wrong"),),
        )

    # --- calling a plugin's action

    async def _call(self, name: str, call: ActionCall) -> Answer:
        action = self._actions.get(name)
        if action is None:
            log.error("unknown action", extra={"action": name})
            return _failed()
        refusal, call = await self._guard(action, call)
        if refusal is not None:
            return refusal
        if action.policy.read_only:
            return await self._read(action, call)
        return await self.propose(action, call)

    async def _guard(self, action: Action, call: ActionCall) -> tuple[Answer | None, ActionCall]:
        """What forbids the call, if anything; and the call with what the store knows."""
        standing = await self.standing(call.conversation)
        call = replace(call, proofs=standing.proofs, address=standing.address)
        if await self._store.read(lambda tx: effects.form_failed(tx, call.turn, action.name)):
            return _failed(), call
        if standing.owner is not Owner.BOT and not action.policy.read_only:
            return Answer((Say("utter_waiting_no_changes"),), Outcome.REFUSED, "waiting"), call
        if action.policy.proofs and standing.wrong_pairs >= WRONG_PAIRS:
            says = (Say("utter_pair_locked"),)
            return Answer(says, Outcome.HANDOFF, "pair_attempts"), call
        try:
            arguments = action.Arguments.model_validate(_given(action, call.arguments))
        except ValidationError:
            return Answer((), Outcome.ASK, "form"), call
        call = replace(call, arguments=arguments.model_dump())
        subject = str(call.arguments.get(action.policy.subject) or "")
        if not standing.proves(action, subject):
            says = (Say("utter_proof_needed"),)
            return Answer(says, Outcome.ASK, "form"), call
        return None, call

    async def _read(self, action: Action, call: ActionCall) -> Answer:
        try:
            return await action.run(call)
        except Unavailable:
            return Answer((Say("utter_shop_unavailable"),), Outcome.HANDOFF, "shop_unavailable")

    async def propose(self, action: Action, call: ActionCall) -> Answer:
        """Read back what would happen, and wait for a yes."""
        try:
            proposed = await action.propose(call)
        except Unavailable:
            return Answer((Say("utter_shop_unavailable"),), Outcome.HANDOFF, "shop_unavailable")
        if isinstance(proposed, Answer):
            return proposed
        await self._store.write(lambda tx: self._keep_proposal(tx, action, call, proposed))
        *before, last = proposed.says
        question = replace(last, buttons=last.buttons or YES_NO)
        return Answer((*before, question), Outcome.ASK, slots=proposed.slots)

    def _keep_proposal(self, tx: Tx, action: Action, call: ActionCall, proposal: Proposal) -> None:
        now = self._clock()
        subject = proposal.subject or str(proposal.arguments.get(action.policy.subject) or "")
        effects.propose(
            tx,
            conversation=call.conversation,
            turn=call.turn,
            action=action.name,
            proposal=replace(proposal, subject=subject),
            expires=now + PROPOSAL_LIFE,
            now=now,
        )

    # --- the one yes

    async def execute(self, proposal: Row, call: ActionCall, number: int) -> Answer | None:
        """Consume a proposal and run its action, once. ``None``: somebody else consumed it."""
        action = self._actions.get(proposal["action"])
        if action is None:
            return _failed()
        ready = replace(
            call,
            key=proposal["id"],
            version=proposal["version"],
            arguments=codec.decode(proposal["arguments"]),
        )
        guarded, _ = await self._guard(action, ready)
        if guarded is not None:
            return guarded

        def begin(tx: Tx) -> bool:
            if not effects.consume(tx, proposal["id"]):
                return False
            name, key = action.name, proposal["id"]
            self._start(tx, "confirm", ready, number, name=name, key=key, effect=True)
            return True

        if not await self._store.write(begin):
            return None
        return await self._run(action, ready)

    async def _run(self, action: Action, call: ActionCall) -> Answer:
        try:
            async with asyncio.timeout(_RUN_TIMEOUT):
                answer = await action.run(call)
        except Exception:  # an edge: it was started, so what became of it is read back
            log.exception("started action failed", extra={"action": action.name, "key": call.key})
            return await self.read_back(action, call)
        return _with_cleared_form(action, call, answer)

    async def resume(self, record: Row, call: ActionCall) -> Answer:
        """What became of a call that was started before this process, or failed in it."""
        proposal = await self._store.read(lambda tx: effects.proposal(tx, record["key"]))
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

    async def standing(self, conversation: int) -> Standing:
        """What the store knows about the customer of a conversation."""

        def work(tx: Tx) -> Standing:
            now = self._clock()
            since = max(stamp(now - _WRONG_PAIRS_WITHIN), cases.last_closed_at(tx, conversation))
            row = conversations.get(tx, conversation)
            return Standing(
                address=Address(row["channel"], row["address"]),
                owner=Owner(row["owner"]),
                proofs=effects.proofs(tx, conversation, now),
                wrong_pairs=effects.attempts(tx, conversation, since),
            )

        return await self._store.read(work)

    async def open_proposal(self, conversation: int) -> Row | None:
        """The proposal that waits for a yes."""
        now: datetime = self._clock()
        return await self._store.read(lambda tx: effects.open_proposal(tx, conversation, now))


def _given(action: Action, slots: Mapping[str, Any]) -> dict[str, Any]:
    names = action.Arguments.model_fields
    return {key: value for key, value in slots.items() if key in names and value is not None}


def _locked(action: Action) -> Filling:
    # The form ends with nothing in it; the action is then called, and hands off.
    return Filling(slots={action.policy.subject: None, action.policy.secret: None}, ask=None)


def _with_cleared_form(action: Action, call: ActionCall, answer: Answer) -> Answer:
    """What was entered is used up; the order stays, so that a next question can be about it."""
    used = {key: None for key in call.arguments if key != action.policy.subject}
    effect = answer.outcome is Outcome.DONE
    return replace(answer, slots={**used, **answer.slots}, effect=effect)


def _failed() -> Answer:
    return Answer((Say("utter_action_failed"),), Outcome.HANDOFF, "action_failed")


def _unknown() -> Answer:
    return Answer((Say("utter_outcome_unknown"),), Outcome.HANDOFF, "outcome_unknown")
