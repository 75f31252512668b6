"""What agents write: lines to the customer, notes that stay inside, and what failed once more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.clean import clean_text
from bot.desk import Again, CommandResult, Line
from bot.messages import AGENT_LINE, Author, State
from bot.ports import Row, Tx
from bot.rendering import Piece
from bot.store import codec, conversations, drafts, lines, outbox
from bot.store.codec import new_id
from bot.store.telling import mark_line, post_line
from desk.handoff import CaseBook

NO_SUCH_LINE = CommandResult(False, "no_such_line")
NO_DRAFT = CommandResult(False, "no_draft")


@dataclass(eq=False, kw_only=True)
class Lines:
    """Lines of agents. One to the customer leaves after ``undo``."""

    book: CaseBook
    undo: timedelta = timedelta()

    def send(self, tx: Tx, command: Line, case: Row) -> CommandResult:
        """Queue a line to the customer, by the agent who has the case."""
        refusal = self.book.not_theirs(tx, case, command.agent)
        if refusal is not None:
            return refusal
        if command.at is not None and codec.stamp(command.at) < case["taken_at"]:
            return CommandResult(False, "written_before")
        text = clean_text(command.text)
        if not text and not command.attachments:
            return CommandResult(False, "empty")
        channel = conversations.address(tx, case["conversation"]).channel
        if command.attachments and not self.book.renderer.takes_files(channel):
            return CommandResult(False, "files_not_here")
        whole, replaces = Piece(text, attachments=command.attachments), None
        if command.draft:
            draft = drafts.find(tx, case["conversation"], command.draft)
            if draft is None:
                return NO_DRAFT
            self.settle(tx, draft, command.agent, drafts.SENT)
            replaces = draft["id"]
        line = self.queue(tx, case, command.id, command.agent, whole, replaces=replaces)
        return CommandResult(True, line=line)

    def settle(self, tx: Tx, draft: Row, agent: str, how: str) -> None:
        """An agent has decided what becomes of a draft."""
        drafts.settle(tx, draft, agent, how)
        mark_line(tx, draft, self.book.clock())

    def note(self, tx: Tx, command: Line, case: Row) -> CommandResult:
        """Keep a line that stays inside, by anybody, also after the end."""
        text = clean_text(command.text)
        if not text and not command.attachments:
            return CommandResult(False, "empty")
        line = self.book.keep_note(tx, case, command.agent, text, command.attachments)
        return CommandResult(True, line=line)

    def again(self, tx: Tx, command: Again, case: Row) -> CommandResult:
        """Send what failed, or whose outcome is unknown, once more, at once: the agent waits."""
        refusal = self.book.not_theirs(tx, case, command.agent)
        if refusal is not None:
            return refusal
        rows = lines.rows_of(tx, case["id"], command.line)
        wrong = [row for row in rows if row["state"] in (State.FAILED, State.UNKNOWN)]
        if not rows:
            return NO_SUCH_LINE
        if not wrong:
            return CommandResult(False, "not_failed")
        if any(lines.sent_again(tx, row) for row in wrong):
            return CommandResult(False, "already_again")
        now, part, line = self.book.clock(), new_id(), ""
        conversation = conversations.get(tx, case["conversation"])
        for row in wrong:
            again = outbox.insert_send(
                tx,
                conversation=conversation,
                author=Author.AGENT,
                name=command.agent,
                text=row["text"],
                attachments=codec.attachments_from_json(row["attachments"]),
                response=row["response"],
                template=row["template"],
                facts=codec.unpack(codec.decode(row["facts"])),
                language=row["language"],
                part=part,
                case=case["id"],
                replaces=row["id"],
                command=command.id,
                now=now,
            )
            line = f"out:{again}"
            post_line(tx, conversation["id"], line, now)
        return CommandResult(True, line=line)

    def queue(
        self,
        tx: Tx,
        case: Row,
        command: str,
        agent: str,
        whole: Piece,
        *,
        replaces: str | None = None,
    ) -> str:
        """Queue a line in pieces that fit the channel; return the last one's id."""
        now = self.book.clock()
        conversation = conversations.get(tx, case["conversation"])
        part, line = new_id(), ""
        pieces = self.book.renderer.pieces(conversation["channel"], whole, conversation["language"])
        for number, piece in enumerate(pieces):
            row = outbox.insert_send(
                tx,
                conversation=conversation,
                author=Author.AGENT,
                name=agent,
                text=piece.text,
                attachments=piece.attachments,
                response=None if number else AGENT_LINE,
                part=part,
                case=case["id"],
                not_before=now + self.undo,
                replaces=replaces,
                command=command,
                now=now,
            )
            line = f"out:{row}"
            post_line(tx, conversation["id"], line, now)
        return line
