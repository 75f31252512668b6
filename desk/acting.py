"""Order actions by hand: the same action plugins with an agent's rights, previewed and recorded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pydantic import ValidationError

from bot.actions import ANSWERS, ActionRunner
from bot.clean import clean_text
from bot.desk import UNPROVEN, Act, Acted, ActField, OrderAction, Preview
from bot.identity import READ_TIMEOUT
from bot.messages import ActionCall, Answer, Outcome, Proposal, Say
from bot.ports import Action, OrderFacts, Row, Store, Tx, Unavailable
from bot.store import cases, effects
from desk.handoff import CaseBook
from desk.words import Words

log = logging.getLogger(__name__)


class _Refusal(Exception):
    """An act that is not made; ``reason`` is a code that has a text."""

    def __init__(self, reason: str, **facts: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.facts = facts


@dataclass(eq=False, kw_only=True)
class Acting:
    """Offers, previews and makes order actions. Texts for agents come in the team's language."""

    store: Store
    book: CaseBook
    actions: ActionRunner
    words: Words
    order_facts: OrderFacts | None = None

    async def offered(self, case: int) -> list[OrderAction]:
        """What may be run for a case, with its order filled in."""
        found = await self.store.read(lambda tx: cases.load(tx, case))
        if found is None:
            return []
        # One that was only named is not offered: whose it is, an agent has to find out first.
        proven = (one for one in found.orders if one["proof"] != UNPROVEN)
        order = next((str(one["number"]) for one in proven), "")
        registered = [self.actions.get(name) for name in self.actions.names()]
        return [self._offer(action, order) for action in registered if action is not None]

    def _offer(self, action: Action, order: str) -> OrderAction:
        fields = tuple(
            ActField(
                name,
                self.words.title("field", name),
                order if name == action.policy.subject else "",
                info.is_required(),
            )
            for name, info in action.Arguments.model_fields.items()
        )
        title = self.words.title("action", action.name)
        return OrderAction(action.name, title, fields, action.policy.read_only)

    async def preview(self, act: Act) -> Preview:
        """What an act would do. Reads only."""
        try:
            action, call = await self._call(act)
            if action.policy.read_only:
                facts = {"action": self.words.title("action", action.name)}
                return Preview(True, self.words.say("act_read_only", facts), call.arguments)
            proposed = await self._propose(action, call)
        except _Refusal as refusal:
            return Preview(False, self._refused(refusal).text)
        if isinstance(proposed, Answer):
            return Preview(False, self._for_team(proposed))
        return Preview(
            True, self.words.all(proposed.says), dict(proposed.arguments), proposed.version
        )

    async def act(self, act: Act) -> Acted:
        """Make an act, once for each id; again it tells what became of it."""
        try:
            action, call = await self._call(act)
            if not await self.store.read(lambda tx: _is_recorded(tx, call.turn, action.name)):
                await self.store.read(lambda tx: self._check(tx, act, action))
                call = await self._with_version(action, call)
        except _Refusal as refusal:
            return self._refused(refusal)
        make = partial(self._make, act, action)
        answer = await self.actions.recorder.once(action.name, call, 1, make, ANSWERS)
        if action.policy.read_only:
            await self.store.write(lambda tx: self._keep_result(tx, act, answer))
        return self._acted(answer, call)

    async def _make(self, act: Act, action: Action, call: ActionCall, number: int) -> Answer:
        if action.policy.read_only:
            return await self.actions.read(action, call)
        key = (call.turn, action.name, number)

        def begin(tx: Tx) -> Row | None:
            if (started := effects.call(tx, *key)) is not None:
                return started
            self._check(tx, act, action)  # between the look and now a colleague may have taken it
            name, subject = self.actions.about(action.name, call)
            self.actions.recorder.start(tx, key, call, name, subject, call.key)
            effects.of_case(tx, call.turn, act.case, tell=act.tell)
            cases.note_seen(tx, act.case, act.agent, self.book.clock())
            self._keep_decided(tx, name, subject, call)
            return None

        try:
            started = await self.store.write(begin)
        except _Refusal as refusal:
            said = Say(f"reason_{refusal.reason}", refusal.facts)
            return Answer((said,), Outcome.REFUSED, refusal.reason)
        if started is None:
            return await self.actions.run(action, call)
        return await self.actions.resume(started, call)

    def _keep_decided(self, tx: Tx, action: str, subject: str, call: ActionCall) -> None:
        """As a proposal whose yes was given: a call that is cut off is read back from it."""
        now = self.book.clock()
        effects.propose(
            tx,
            conversation=call.conversation,
            turn=call.turn,
            action=action,
            proposal=Proposal((), call.arguments, subject, call.version),
            expires=now,
            now=now,
            id=call.key,
            state="consumed",
        )

    async def _call(self, act: Act) -> tuple[Action, ActionCall]:
        case = await self.store.read(lambda tx: cases.load(tx, act.case))
        if case is None:
            raise _Refusal("no_such_case")
        action = self.actions.get(act.action)
        if action is None:
            raise _Refusal("no_such_action")
        # What is told to the customer is said in their words; what stays inside in the team's.
        inside = action.policy.read_only or not act.tell
        call = ActionCall(
            key=_key(act),
            turn=_key(act),
            conversation=case.conversation,
            address=case.address,
            arguments=self._arguments(action, act.arguments),
            language=self.words.language if inside else case.language,
            version=act.version,
            actor=act.agent,
        )
        return action, call

    def _arguments(self, action: Action, given: Mapping[str, Any]) -> dict[str, Any]:
        tidy = {key: clean_text(one) if isinstance(one, str) else one for key, one in given.items()}
        tidy = {key: one for key, one in tidy.items() if one not in ("", None)}
        known = action.Arguments.model_fields
        try:
            made = action.Arguments.model_validate({k: v for k, v in tidy.items() if k in known})
        except ValidationError as error:
            wrong = {str(detail["loc"][0]) for detail in error.errors() if detail["loc"]}
            fields = [self.words.title("field", name) for name in known if name in wrong]
            raise _Refusal("act_arguments", fields=fields) from None
        return made.model_dump()

    async def _propose(self, action: Action, call: ActionCall) -> Proposal | Answer:
        order = str(call.arguments.get(action.policy.subject) or "")
        call = replace(call, language=self.words.language)
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                facts = self.order_facts
                if facts is None or not order or await facts.order_facts(order) is not None:
                    return await action.propose(call)
        except (Unavailable, TimeoutError):
            raise _Refusal("shop_unavailable") from None
        except Exception:  # an edge: whatever a plugin does wrong
            log.exception("act not proposed", extra={"action": action.name})
            raise _Refusal("action_failed") from None
        raise _Refusal("no_such_order", order=order)

    async def _with_version(self, action: Action, call: ActionCall) -> ActionCall:
        """What was previewed; who confirmed without a preview gets the order as it is now."""
        if action.policy.read_only or call.version:
            return call
        proposed = await self._propose(action, call)
        if isinstance(proposed, Answer):
            raise _Refusal("act_refused", why=self._for_team(proposed))
        return replace(call, arguments=dict(proposed.arguments), version=proposed.version)

    def _check(self, tx: Tx, act: Act, action: Action) -> None:
        """Only who has the case changes something; the runner looks again when it starts."""
        case: Row | None = cases.get_row(tx, act.case)
        assert case is not None  # noqa: S101 - loaded before
        if action.policy.read_only:
            return
        if case["state"] == "closed":
            raise _Refusal("case_closed")
        refusal = self.book.not_theirs(tx, case, act.agent)
        if refusal is not None:
            reason, _, holder = (refusal.reason or "").partition(":")
            raise _Refusal(reason, agent=holder)

    def _keep_result(self, tx: Tx, act: Act, answer: Answer) -> None:
        """What was read stays inside, as a note: one for each act."""
        if not effects.of_case(tx, _key(act), act.case, tell=False):
            return
        case = cases.get_row(tx, act.case)
        assert case is not None  # noqa: S101 - cases are never deleted
        self.book.keep_note(tx, case, act.agent, self._for_team(answer))

    def _for_team(self, answer: Answer) -> str:
        """What a result says; a text that gives a customer to the team is not for the team."""
        reason = f"reason_{answer.reason}"
        if answer.outcome is Outcome.HANDOFF and self.words.texts.has(reason):
            return self.words.say(reason)
        return self.words.all(answer.says)

    def _acted(self, answer: Answer, call: ActionCall) -> Acted:
        if answer.outcome is not Outcome.DONE:
            return Acted(False, self._for_team(answer), answer.reason)
        text = self.words.all(answer.says, language=call.language, channel=call.address.channel)
        return Acted(True, text)

    def _refused(self, refusal: _Refusal) -> Acted:
        text = self.words.say(f"reason_{refusal.reason}", refusal.facts)
        return Acted(False, text, refusal.reason)


def _key(act: Act) -> str:
    """The turn that an act stands for, and the idempotency key for the shop."""
    return f"agent:{act.id}"


def _is_recorded(tx: Tx, turn: str, action: str) -> bool:
    """Whether an act was made before. Raises when its id stands for another action."""
    made = effects.actions_of(tx, turn)
    if made and action not in made:
        raise _Refusal("act_used")
    return action in made
