"""How a turn ends: one transaction for the answer, the owner, and what is told to whom."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.clean import has_words
from bot.counter import Handoff
from bot.messages import (
    Answer,
    Author,
    Kind,
    Outcome,
    Owner,
    Say,
    Turn,
    Understanding,
)
from bot.pacing import PAUSE
from bot.ports import Row, Store, Tx
from bot.rendering import Renderer
from bot.store import codec, conversations, effects, turns
from bot.store.codec import Clock, utc_now
from bot.store.telling import post_line, wake_if_waiting

log = logging.getLogger(__name__)

_TOO_LONG = 10_000  # characters of one turn; nobody's question is longer
_ONLY_NOTED = {Kind.LOCATION: "utter_location_only", Kind.CONTACT: "utter_contact_only"}
_BROKEN_ATTEMPTS = 3
_BROKEN_PAUSE = timedelta(seconds=5)


@dataclass(eq=False, kw_only=True)
class Settler:
    """Ends turns."""

    store: Store
    renderer: Renderer
    handoff: Handoff
    clock: Clock = utc_now

    def __post_init__(self) -> None:
        self._faults: Counter[int] = Counter()  # of conversations, before their turn is frozen

    def answer_without_dialogue(self, turn: Turn) -> Answer | None:
        """The answer to what holds nothing to understand; ``None``: ask the dialogue."""
        if turn.payload is not None:
            return None
        if turn.kind is Kind.UNKNOWN:
            return Answer((Say("utter_unknown_message"),), Outcome.ASK)
        if turn.kind in _ONLY_NOTED:
            return Answer((Say(_ONLY_NOTED[turn.kind]),), Outcome.ASK)
        if not turn.text:
            name = "utter_media_only" if turn.attachments else "utter_empty_message"
            if any(attachment.error for attachment in turn.attachments):
                name = "utter_attachment_failed"
            return Answer((Say(name),), Outcome.ASK)
        if len(turn.text) > _TOO_LONG:
            return Answer((Say("utter_too_long"),), Outcome.ASK)
        if not has_words(turn.text):
            return Answer((Say("utter_no_words"),), Outcome.ASK)
        return None

    def finish(self, tx: Tx, turn: Turn, fence: int, answer: Answer) -> None:
        """Commit an answer: words, owner, state, and when the next turn is due."""
        row = turns.get(tx, turn.key)
        if row is None or not conversations.holds(tx, turn.conversation, fence):
            return
        if row["status"] != "frozen":
            return  # a person took over meanwhile; a finished side effect came as a draft
        conversation = conversations.get(tx, turn.conversation)
        answer = self._complete(turn, answer, conversation)
        self._note(tx, turn, conversation, answer)
        goes_out = self.handoff.say_answer(tx, conversation, row, answer)
        if answer.outcome is Outcome.HANDOFF and goes_out:
            self.handoff.open_case(tx, conversation, answer.reason or "asked")
        wake_if_waiting(tx, turn.conversation, self.clock())
        tx.notify("turn", turn.key)

    def _complete(self, turn: Turn, answer: Answer, conversation: Row) -> Answer:
        """Never silence: an answer without words calls a person."""
        says = tuple(say for say in answer.says if say.response or say.files or _worded(say))
        if any(attachment.error for attachment in turn.attachments) and turn.text:
            says = (Say("utter_attachment_failed"), *says)
        if answer.outcome is Outcome.FAILED:
            answer = replace(answer, outcome=Outcome.HANDOFF, reason=answer.reason or "failed")
        if says:
            return replace(answer, says=says)
        if conversation["owner"] != Owner.BOT:
            return replace(answer, says=(Say("utter_waiting_noted"),))
        says = (Say("utter_action_failed"),)
        return replace(answer, says=says, outcome=Outcome.HANDOFF, reason="no_answer")

    def _note(self, tx: Tx, turn: Turn, conversation: Row, answer: Answer) -> None:
        understood = answer.understanding or Understanding()
        turns.finish(
            tx,
            turn.key,
            "done",
            self.clock(),
            outcome=answer.outcome.value,
            understood=understood,
            missed=answer.reason in ("miss", "misses"),
        )
        misses = conversation["misses"] + 1 if answer.reason == "miss" else 0
        state = None if answer.state is None else codec.encode(answer.state)
        conversations.note_turn(tx, turn.conversation, turn.session, state, misses)

    def tell_delay(self, tx: Tx, turn: Turn) -> None:
        """Tell the customer, once for a turn, that it takes longer; not one who awaits a person."""
        conversation = conversations.get(tx, turn.conversation)
        row = turns.get(tx, turn.key)
        if row is None or row["status"] != "frozen" or conversation["owner"] != Owner.BOT:
            return
        if turns.mark_delayed(tx, turn.key):
            self._notice(tx, conversation, row, Say("utter_delay", courtesy=True), "delay")

    def give_up(self, tx: Tx, turn: Turn, fence: int, error: str) -> None:
        """The dialogue did not answer in time: a person gets the case with every queued message."""
        if not conversations.holds(tx, turn.conversation, fence):
            return
        self._bury(tx, turn.key, "handed", "dialogue_down", "utter_handoff_outage", error)

    async def broken(self, conversation: int) -> None:
        """A fault of our own: try the turn again, then bury it and call a person."""
        try:
            await self.store.write(lambda tx: self._broken(tx, conversation))
        except Exception:  # an edge: without a pause the same fault would come again at once
            log.exception("broken turn not noted", extra={"conversation": conversation})
            await asyncio.sleep(PAUSE)

    def _broken(self, tx: Tx, conversation: int) -> None:
        now = self.clock()
        row = turns.frozen(tx, conversation)
        if row is None:
            self._broken_before_turn(tx, conversation, now)
            return
        if row["attempts"] + 1 >= _BROKEN_ATTEMPTS:
            self._bury(tx, row["key"], "dead", "turn_failed", "utter_action_failed", "broken")
            return
        turns.postpone(tx, row["key"], now, now, "broken")

    def _broken_before_turn(self, tx: Tx, conversation: int, now: datetime) -> None:
        self._faults[conversation] += 1
        if self._faults[conversation] < _BROKEN_ATTEMPTS:
            wake_if_waiting(tx, conversation, now + _BROKEN_PAUSE)
            return
        del self._faults[conversation]
        row = conversations.get(tx, conversation)
        self._call_person(tx, row, None, "turn_failed", "utter_action_failed")

    def _bury(self, tx: Tx, key: str, status: str, reason: str, response: str, error: str) -> None:
        row = turns.get(tx, key)
        if row is None or not turns.finish(tx, key, status, self.clock(), error=error):
            return
        conversation = conversations.get(tx, row["conversation"])
        self._call_person(tx, conversation, row, reason, response)
        effects.lapse(tx, conversation["id"])  # its read-back may never have been said
        self.handoff.tell_effects(tx, row)
        tx.notify("turn", key)

    def _call_person(
        self, tx: Tx, conversation: Row, row: Row | None, reason: str, response: str
    ) -> None:
        if conversation["owner"] == Owner.BOT:
            facts = self.handoff.expected(tx, conversation, reason)
            self._notice(tx, conversation, row, Say(response, facts), "given_up")
        if conversation["owner"] != Owner.AGENT:
            self.handoff.open_case(tx, conversation, reason)
        waiting = [message["id"] for message in turns.pending(tx, conversation["id"])]
        turns.take_messages(tx, waiting, "case", None)
        wake_if_waiting(tx, conversation["id"], self.clock())

    def _notice(self, tx: Tx, conversation: Row, row: Row | None, say: Say, tag: str) -> None:
        ids = self.renderer.queue(
            tx,
            conversation,
            [say],
            now=self.clock(),
            author=Author.SYSTEM,
            turn=row["key"] if row else None,
            language=row["language"] if row else None,
            tag=tag,
        )
        for line in ids:
            post_line(tx, conversation["id"], f"out:{line}", self.clock())


def _worded(say: Say) -> bool:
    return bool(say.text and say.text.strip())
