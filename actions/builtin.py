"""The core's own actions: yes and no, a person, not understood, knowledge, back to the bot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from bot.actions import ActionRunner
from bot.asking import PROPOSAL, yes_no
from bot.counter import Handoff
from bot.messages import ActionCall, Address, Answer, Outcome, Owner, Say, Turn
from bot.ports import Corrects, Middleware, Next, Row, Store, Texts, Tx
from bot.store import codec, conversations, effects, turns
from bot.store.codec import Clock, utc_now

_REPEAT_WITHIN = timedelta(minutes=30)
_LONGEST_CORRECTION = 200  # characters; whoever writes more says more than that
_MISSES = 2  # in a row: then a person


def builtin_actions(
    *, runner: ActionRunner, store: Store, handoff: Handoff, texts: Texts, clock: Clock
) -> Middleware:
    """Register them; the middleware lets a correction of an open proposal go first."""
    made = BuiltinActions(runner=runner, store=store, handoff=handoff, texts=texts, clock=clock)
    return made.correct_first


@dataclass(eq=False, kw_only=True)
class BuiltinActions:
    """Registers itself with the runner."""

    runner: ActionRunner
    store: Store
    handoff: Handoff
    texts: Texts
    clock: Clock = utc_now

    def __post_init__(self) -> None:
        self.runner.add_builtin("correct", self.correct)
        self.runner.add_builtin("confirm", self.confirm)
        self.runner.add_builtin("deny", self.deny)
        self.runner.add_builtin("handoff", self.hand_off)
        self.runner.add_builtin("miss", self.miss)
        self.runner.add_builtin("knowledge", self.knowledge)
        self.runner.add_builtin("back_to_bot", self.back_to_bot)

    async def correct_first(self, turn: Turn, ask: Next) -> Answer:
        """A middleware: what corrects the open proposal is no question to the dialogue.

        "die PLZ ist 53113" could be anything to a model; while an address is read back it is not.
        No form is open then: one that begins ends the proposal.
        """
        if turn.payload is not None or len(turn.text) > _LONGEST_CORRECTION:
            return await ask(turn)
        call = ActionCall(
            key=turn.key,
            turn=turn.key,
            conversation=turn.conversation,
            address=Address("", ""),
            arguments={},
            language=turn.language,
            text=turn.text,
        )
        if not await self._corrects(call):
            return await ask(turn)
        return await self.runner.call("correct", call, 1)

    async def _corrects(self, call: ActionCall) -> bool:
        if await self.store.read(lambda tx: effects.call(tx, call.turn, "correct", 1)):
            return True  # it did when the turn was asked before
        proposal = await self.runner.open_proposal(call.conversation)
        return proposal is not None and bool(await self._changes(proposal, call))

    async def correct(self, call: ActionCall, _number: int) -> Answer:
        """A new proposal, with what the message corrects in the open one."""
        proposal = await self.runner.open_proposal(call.conversation)
        corrected = await self._correct(proposal, call) if proposal is not None else None
        return corrected or Answer((Say("utter_nothing_open"),))

    async def confirm(self, call: ActionCall, number: int) -> Answer:
        """A yes: run the open proposal once; with none open, repeat the result or say so."""
        record = await self.store.read(lambda tx: effects.call(tx, call.turn, "confirm", number))
        if record is not None:  # started, and cut off before its result was written
            return await self.runner.resume(record, call)
        proposal = await self._to_decide(call)
        if proposal is None:
            return await self._nothing_open(call)
        corrected = await self._correct(proposal, call)
        if corrected is not None:
            return corrected
        if await self._about_older(proposal, call):
            return await self.runner.propose_again(proposal, call)
        answer = await self.runner.execute(proposal, call, number)
        return answer if answer is not None else await self._nothing_open(call)

    async def deny(self, call: ActionCall, _number: int) -> Answer:
        """A no: drop the open proposal, or correct it ("nein, Hausnummer 14")."""
        proposal = await self._to_decide(call)
        if proposal is None:
            return Answer((Say("utter_denied_nothing"),))
        corrected = await self._correct(proposal, call)
        if corrected is not None:
            return corrected
        if await self._about_older(proposal, call):
            return await self.runner.propose_again(proposal, call)
        await self.store.write(lambda tx: effects.drop(tx, proposal["id"]))
        return Answer((Say("utter_proposal_dropped"),), slots=self._used(proposal))

    async def hand_off(self, call: ActionCall, _number: int) -> Answer:
        """A person, whenever one is asked for."""
        standing = await self.runner.identities.standing(call.conversation)
        if standing.owner is not Owner.BOT:
            return Answer((Say("utter_already_waiting"),), Outcome.HANDOFF, "asked_again")
        if call.understanding.intent == "complaint":
            return Answer((Say("utter_handoff_complaint"),), Outcome.HANDOFF, "complaint")
        return Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")

    async def miss(self, call: ActionCall, _number: int) -> Answer:
        """Not understood: a correction, a new try, or at the second miss a person."""
        proposal = await self.runner.open_proposal(call.conversation)
        if proposal is not None:
            corrected = await self._correct(proposal, call)
            if corrected is not None:
                return corrected
        row = await self.store.read(lambda tx: conversations.get(tx, call.conversation))
        if row["owner"] != Owner.BOT:
            return Answer((Say("utter_waiting_noted"),))
        if row["misses"] + 1 >= _MISSES:
            return Answer((Say("utter_handoff_misses"),), Outcome.HANDOFF, "misses")
        off_topic = call.understanding.intent == "out_of_scope"
        name = "utter_out_of_scope" if off_topic else "utter_rephrase"
        return Answer((Say(name),), Outcome.ASK, "miss")

    async def knowledge(self, call: ActionCall, number: int) -> Answer:
        """The answer to a question of policy: the text named like the intent."""
        name = f"utter_{call.understanding.intent}"
        if not self.texts.has(name):
            return await self.miss(call, number)
        return Answer((Say(name), *await self._waiting(call)))

    async def _waiting(self, call: ActionCall) -> tuple[Say, ...]:
        """What is still open after a side question, asked again; a goodbye is no question."""
        proposal = await self.runner.open_proposal(call.conversation)
        standing = await self.runner.identities.standing(call.conversation)
        leaves = call.understanding.intent == "goodbye"
        if proposal is None or leaves or standing.owner is not Owner.BOT:
            return ()
        return (Say("utter_proposal_waiting", buttons=yes_no(proposal["id"])),)

    async def back_to_bot(self, call: ActionCall, _number: int) -> Answer:
        """The waiting customer goes on with the bot."""

        def work(tx: Tx) -> bool:
            conversation = conversations.get(tx, call.conversation)
            return self.handoff.back_to_bot(tx, conversation)

        was_waiting = await self.store.write(work)
        return Answer((Say("utter_back_to_bot" if was_waiting else "utter_help"),))

    async def _to_decide(self, call: ActionCall) -> Row | None:
        """What a yes or no is about: what was read back, or a yes before that lacks a proof."""
        waiting = await self.runner.open_proposal(call.conversation)
        return waiting or await self.runner.agreed_proposal(call.conversation)

    async def _correct(self, proposal: Row, call: ActionCall) -> Answer | None:
        """A new proposal when the message corrects the open one; a choice is no correction.

        By its number it would be one: "1" was taken for the new house number.
        """
        if _named(call) is not None:
            return None
        changes = await self._changes(proposal, call)
        return await self.runner.propose_again(proposal, call, changes) if changes else None

    async def _changes(self, proposal: Row, call: ActionCall) -> Mapping[str, Any] | None:
        action = self.runner.get(proposal["action"])
        if not isinstance(action, Corrects):
            return None
        return await action.correct(replace(call, arguments=codec.decode(proposal["arguments"])))

    async def _about_older(self, proposal: Row, call: ActionCall) -> bool:
        """Whether a yes or no was given to something that was read back before the proposal."""
        if _named(call) not in (None, proposal["id"]):
            return True
        return await self.store.read(
            lambda tx: turns.sent_before(tx, call.turn, proposal["created_at"])
        )

    async def _nothing_open(self, call: ActionCall) -> Answer:
        within = self.runner.pause(call.address.channel) or _REPEAT_WITHIN
        since = self.clock() - within
        last = await self.store.read(lambda tx: effects.last_effect(tx, call.conversation, since))
        if last is None:
            return Answer((Say("utter_nothing_open"),))
        done = codec.answer_from_dict(codec.decode(last["result"]))
        return Answer((Say("utter_already_done"), *done.says))

    def _used(self, proposal: Row) -> dict[str, Any]:
        action = self.runner.get(proposal["action"])
        keep = action.policy.subject if action else ""
        return {key: None for key in codec.decode(proposal["arguments"]) if key != keep}


def _named(call: ActionCall) -> str | None:
    """The proposal under which the choice stood that was made."""
    entities = call.understanding.entities
    return next((one.value for one in entities if one.entity == PROPOSAL), None)
