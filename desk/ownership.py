"""Who has a case: taken over, assigned, released, handed back to the bot, closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.clean import clean_text
from bot.desk import Assign, Close, CommandResult, HandBack, Release, TakeOver
from bot.messages import Owner, Say
from bot.ports import Row, Tx
from bot.store import agents, cases, conversations, effects, outbox, turns, waiting
from bot.store.telling import mark_line, wake_if_waiting
from desk.handoff import SYSTEM, CaseBook


@dataclass(eq=False, kw_only=True)
class Ownership:
    """The commands that change who speaks to the customer. Each is one transaction."""

    book: CaseBook

    def take_over(self, tx: Tx, command: TakeOver, case: Row) -> CommandResult:
        """The agent speaks from now on; a colleague's case is taken only with ``force``."""
        before = case["agent"]
        if before == command.agent:
            return CommandResult(True)
        if before is not None and not command.force:
            return self.book.taken(tx, case)
        if before is not None:
            self._note(tx, case, "note_taken_from", agent=command.agent, before=before)
        self._give(tx, case, command.agent, at=command.at)
        return CommandResult(True)

    def assign(self, tx: Tx, command: Assign, case: Row) -> CommandResult:
        """A colleague speaks from now on: given by who has the case, or by anybody when none has.

        A note in the thread tells the colleague; the customer hears of it as at a take-over.
        """
        if case["agent"] not in (None, command.agent):
            return self.book.taken(tx, case)
        if not command.to.strip():
            return CommandResult(False, "no_agent")
        if case["agent"] == command.to:
            return CommandResult(True)
        if command.to != command.agent:
            self._note(tx, case, "note_assigned", agent=command.agent, to=command.to)
        self._give(tx, case, command.to, there=command.to == command.agent)
        return CommandResult(True)

    def release(self, tx: Tx, command: Release, case: Row) -> CommandResult:
        """The customer waits for a person again; by who has the case, or by the system."""
        if case["agent"] is None:
            return CommandResult(False, "not_taken")
        if command.agent not in (case["agent"], SYSTEM):
            return self.book.taken(tx, case)
        if command.agent != SYSTEM:
            self._note(tx, case, "note_released", agent=command.agent)
        now = self.book.clock()
        conversation = case["conversation"]
        outbox.hurry(tx, conversation, now)
        # Who has an answer waits from now on all the same: they are told by when somebody comes.
        cases.release(tx, case["id"], waiting.waits_since(tx, case) or now)
        conversations.change_owner(tx, conversation, Owner.WAITING)
        conversations.new_session(tx, conversation, resumed=True)
        expected = self.book.expected(tx, conversations.get(tx, conversation), case["reason"])
        name = self.book.first_name(tx, case["agent"])
        left = Say("utter_agent_left", {"agent": name, **expected}, courtesy=True)
        self.book.notice(tx, conversation, [left], case["id"], now)
        self.book.show(tx, case["id"], now)
        tx.notify("owner", conversation)
        return CommandResult(True)

    def hand_back(self, tx: Tx, command: HandBack, case: Row) -> CommandResult:
        """The bot speaks again, and says the outcome."""
        if case["agent"] is None:
            return CommandResult(False, "not_taken")
        if case["agent"] != command.agent:
            return self.book.taken(tx, case)
        outcome = clean_text(command.outcome)
        say = (
            Say("utter_handed_back_outcome", {"outcome": outcome})
            if outcome
            else Say("utter_handed_back", courtesy=True)
        )
        self._end(tx, command, case, say, outcome or "handed_back")
        return CommandResult(True)

    def close(self, tx: Tx, command: Close, case: Row) -> CommandResult:
        """The case ends, also one that nobody took. The outcome stays on the case."""
        if case["agent"] not in (None, command.agent):
            return self.book.taken(tx, case)
        outcome = clean_text(command.outcome)
        self._end(tx, command, case, Say("utter_case_closed", courtesy=True), outcome or "closed")
        return CommandResult(True)

    def _give(
        self, tx: Tx, case: Row, agent: str, *, there: bool = True, at: datetime | None = None
    ) -> None:
        now = self.book.clock()
        conversation = case["conversation"]
        cases.take(tx, case["id"], agent, at or now, there=there)
        cases.snooze(tx, case["id"], None)
        conversations.change_owner(tx, conversation, Owner.AGENT)
        effects.lapse(tx, conversation)
        for row in outbox.draft_stale(tx, conversation):
            mark_line(tx, row, now)
        self._hand_open_turns(tx, conversation, now)
        name = self.book.first_name(tx, agent)
        joined = Say("utter_agent_joined", {"agent": name}, courtesy=True)
        self.book.notice(tx, conversation, [joined], case["id"], now)
        self.book.show(tx, case["id"], now)
        tx.notify("takeover", conversation)
        tx.notify("owner", conversation)

    def _hand_open_turns(self, tx: Tx, conversation: int, now: datetime) -> None:
        frozen = turns.frozen(tx, conversation)
        if frozen is not None:
            turns.finish(tx, frozen["key"], "handed", now)
            self.book.tell_effects(tx, frozen)
        waiting = [row["id"] for row in turns.pending(tx, conversation)]
        turns.take_messages(tx, waiting, "case", None)
        wake_if_waiting(tx, conversation, now)
        if frozen is not None:
            tx.notify("turn", frozen["key"])

    def _end(self, tx: Tx, command: HandBack | Close, case: Row, say: Say, outcome: str) -> None:
        now = self.book.clock()
        conversation = case["conversation"]
        if note := clean_text(command.note):
            self.book.keep_note(tx, case, command.agent, note)
        outbox.hurry(tx, conversation, now)
        cases.close(tx, case["id"], outcome, now)
        conversations.change_owner(tx, conversation, Owner.BOT)
        conversations.new_session(tx, conversation, resumed=True)
        self.book.notice(tx, conversation, [say], case["id"], now)
        self.book.show(tx, case["id"], now)
        tx.notify("owner", conversation)

    def _note(self, tx: Tx, case: Row, response: str, **who: str) -> None:
        names = {fact: agents.name_of(tx, agent) for fact, agent in who.items()}
        self.book.system_note(tx, case, response, names)
