"""What agents write: lines to the customer, and notes that stay inside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.clean import clean_text
from bot.desk import CommandResult, Line
from bot.inbox import post_line
from bot.messages import AGENT_LINE, Author
from bot.ports import Row, Tx
from bot.rendering import Piece
from bot.store import conversations, outbox
from bot.store.codec import new_id
from desk.handoff import CaseBook


@dataclass(eq=False, kw_only=True)
class Lines:
    """Lines of agents. One to the customer leaves after ``undo``."""

    book: CaseBook
    undo: timedelta = timedelta()

    def send(self, tx: Tx, command: Line, case: Row) -> CommandResult:
        """Queue a line to the customer, by the agent who has the case."""
        if case["agent"] is None:
            return CommandResult(False, "not_taken")
        if case["agent"] != command.agent:
            return CommandResult(False, f"taken_by:{case['agent']}")
        text = clean_text(command.text)
        if not text and not command.attachments:
            return CommandResult(False, "empty")
        channel = conversations.address(tx, case["conversation"]).channel
        if command.attachments and not self.book.renderer.takes_files(channel):
            return CommandResult(False, "files_not_here")
        return CommandResult(True, line=self._queue(tx, command, text, case))

    def note(self, tx: Tx, command: Line, case: Row) -> CommandResult:
        """Keep a line that stays inside, by anybody, also after the end."""
        text = clean_text(command.text)
        if not text and not command.attachments:
            return CommandResult(False, "empty")
        line = self.book.keep_note(tx, case, command.agent, text, command.attachments)
        return CommandResult(True, line=line)

    def _queue(self, tx: Tx, command: Line, text: str, case: Row) -> str:
        now = self.book.clock()
        conversation = conversations.get(tx, case["conversation"])
        whole = Piece(text, attachments=command.attachments)
        part, line = new_id(), ""
        pieces = self.book.renderer.pieces(conversation["channel"], whole, conversation["language"])
        for number, piece in enumerate(pieces):
            row = outbox.insert_send(
                tx,
                conversation=conversation,
                author=Author.AGENT,
                name=command.agent,
                text=piece.text,
                attachments=piece.attachments,
                response=None if number else AGENT_LINE,
                part=part,
                case=case["id"],
                not_before=now + self.undo,
                now=now,
            )
            line = f"out:{row}"
            post_line(tx, conversation["id"], line, now)
        return line
