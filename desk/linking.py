"""Agents say which conversations are one customer's, and which are not."""

from __future__ import annotations

from dataclasses import dataclass

from bot.desk import CommandResult, Link, Unlink
from bot.ports import Row, Tx
from bot.store import agents, conversations, linking
from desk.handoff import CaseBook


@dataclass(eq=False, kw_only=True)
class Linking:
    """Anybody may link and part, also when the case is over: a wrong link shows later."""

    book: CaseBook

    def link(self, tx: Tx, command: Link, case: Row) -> CommandResult:
        """Two conversations are one customer's from now on."""
        now, here = self.book.clock(), case["conversation"]
        refusal = linking.link(tx, here, command.other, command.agent, now)
        return self._said(tx, case, command, refusal, "note_linked")

    def part(self, tx: Tx, command: Unlink, case: Row) -> CommandResult:
        """They are not: a link ends, or a proposal is declined."""
        now, here = self.book.clock(), case["conversation"]
        refusal = linking.part(tx, here, command.other, command.agent, now)
        return self._said(tx, case, command, refusal, "note_parted")

    def _said(
        self, tx: Tx, case: Row, command: Link | Unlink, refusal: str | None, note: str
    ) -> CommandResult:
        if refusal is not None:
            return CommandResult(False, refusal)
        other = conversations.get(tx, command.other)
        words = self.book.words
        channel = words.title("channel", other["channel"])
        facts = {"agent": agents.name_of(tx, command.agent), "channel": channel}
        self.book.system_note(tx, case, note, facts)
        self.book.show(tx, case["id"], self.book.clock())
        return CommandResult(True)
