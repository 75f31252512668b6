"""Who has a case: taken over, handed back to the bot, closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.clean import clean_text
from bot.desk import Close, CommandResult, HandBack, TakeOver
from bot.inbox import mark_line, wake_if_waiting
from bot.messages import Owner, Say
from bot.ports import Row, Tx
from bot.store import cases, conversations, effects, outbox, turns
from desk.handoff import CaseBook


@dataclass(eq=False, kw_only=True)
class Ownership:
    """The commands that change who speaks to the customer. Each is one transaction."""

    book: CaseBook

    def take_over(self, tx: Tx, command: TakeOver, case: Row) -> CommandResult:
        """The agent speaks from now on; a colleague's case is taken only with ``force``."""
        now = self.book.clock()
        if case["agent"] == command.agent:
            return CommandResult(True)
        if case["agent"] is not None and not command.force:
            return CommandResult(False, f"taken_by:{case['agent']}")
        conversation = case["conversation"]
        cases.take(tx, case["id"], command.agent, now)
        conversations.change_owner(tx, conversation, Owner.AGENT)
        effects.lapse(tx, conversation)
        for row in outbox.draft_stale(tx, conversation):
            mark_line(tx, row, now)
        self._hand_open_turns(tx, conversation, now)
        first, *_ = command.agent.split() or [""]  # customers learn no surnames
        facts = {"agent": first or command.agent}
        self.book.notice(tx, conversation, [Say("utter_agent_joined", facts)], case["id"], now)
        self.book.show(tx, case["id"], now)
        tx.notify("takeover", conversation)
        tx.notify("owner", conversation)
        return CommandResult(True)

    def hand_back(self, tx: Tx, command: HandBack, case: Row) -> CommandResult:
        """The bot speaks again, and says the outcome."""
        refusal = self._may_end(case, command.agent)
        if refusal is not None:
            return refusal
        if note := clean_text(command.note):
            self.book.keep_note(tx, case, command.agent, note)
        outcome = clean_text(command.outcome)
        say = (
            Say("utter_handed_back_outcome", {"outcome": outcome})
            if outcome
            else Say("utter_handed_back")
        )
        self._end(tx, case, say, outcome or "handed_back")
        return CommandResult(True)

    def close(self, tx: Tx, command: Close, case: Row) -> CommandResult:
        """The case ends, also one that nobody took."""
        refusal = self._may_end(case, command.agent, untaken=True)
        if refusal is not None:
            return refusal
        if note := clean_text(command.note):
            self.book.keep_note(tx, case, command.agent, note)
        self._end(tx, case, Say("utter_case_closed"), "closed")
        return CommandResult(True)

    def _may_end(self, case: Row, agent: str, *, untaken: bool = False) -> CommandResult | None:
        if case["agent"] is None:
            return None if untaken else CommandResult(False, "not_taken")
        return None if case["agent"] == agent else CommandResult(False, f"taken_by:{case['agent']}")

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

    def _end(self, tx: Tx, case: Row, say: Say, outcome: str) -> None:
        now = self.book.clock()
        conversation = case["conversation"]
        outbox.hurry(tx, conversation, now)
        cases.close(tx, case["id"], outcome, now)
        conversations.change_owner(tx, conversation, Owner.BOT)
        conversations.new_session(tx, conversation, resumed=True)
        self.book.notice(tx, conversation, [say], case["id"], now)
        self.book.show(tx, case["id"], now)
        tx.notify("owner", conversation)
