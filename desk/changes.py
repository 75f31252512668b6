"""What agents change of their lines: taken back, edited, deleted at the customer's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.clean import clean_text
from bot.desk import CommandResult, Edit, Stop, Unsend
from bot.messages import Attachment, Author, Features, State
from bot.ports import Row, Tx
from bot.rendering import Piece
from bot.store import codec, conversations, drafts, lines, outbox
from bot.store.codec import unstamp
from bot.store.telling import mark_line, post_line
from desk.handoff import CaseBook
from desk.lines import NO_SUCH_LINE, Lines


@dataclass(eq=False, kw_only=True)
class Changes:
    """Changes of lines that were accepted. Each is one transaction, and means all of a line."""

    book: CaseBook
    lines: Lines
    features: Mapping[str, Features]

    def stop(self, tx: Tx, command: Stop, case: Row) -> CommandResult:
        """Take a line back within its undo time, by who wrote it or has the case."""
        rows = lines.rows_of(tx, case["id"], command.line)
        if not rows:
            return NO_SUCH_LINE
        if command.agent not in (case["agent"], rows[0]["name"]):
            return self.book.taken(tx, case)
        if all(row["state"] == State.CANCELLED for row in rows):
            return CommandResult(True)
        now = self.book.clock()
        if not all(lines.waits(row) and now < unstamp(row["not_before"]) for row in rows):
            return CommandResult(False, "too_late")
        self._cancel(tx, rows)
        return CommandResult(True)

    def edit(self, tx: Tx, command: Edit, case: Row) -> CommandResult:
        """Change what goes out while nothing has; later at the customer's, or by a correction."""
        refusal = self.book.not_theirs(tx, case, command.agent)
        if refusal is not None:
            return refusal
        text = clean_text(command.text)
        if not text:
            return CommandResult(False, "empty")
        rows = lines.rows_of(tx, case["id"], command.line)
        worded = [row for row in rows if row["text"]]
        over = _over(tx, worded or rows)
        if over is not None:
            return over
        if any(row["template"] for row in rows if lines.waits(row)):
            return CommandResult(False, "template_fixed")
        if all(lines.waits(row) for row in rows):
            return CommandResult(True, line=self._recut(tx, case, rows, text))
        if len(worded) == 1 and self._edits_in_place(worded[0], text):
            now = self.book.clock()
            lines.insert_change(tx, "edit", worded[0], command=command.id, text=text, now=now)
            return CommandResult(True, line=f"out:{worded[0]['id']}")
        return self._correct(tx, command, case, rows, text)

    def unsend(self, tx: Tx, command: Unsend, case: Row) -> CommandResult:
        """Take a line back while nothing of it has left; later delete it at the customer's."""
        rows = lines.rows_of(tx, case["id"], command.line)
        if not rows:
            return self._discard(tx, command, case)
        waiting = [row for row in rows if lines.waits(row)]
        if len(waiting) == len(rows) and command.agent == rows[0]["name"]:
            self._cancel(tx, rows)
            return CommandResult(True)
        refusal = self.book.not_theirs(tx, case, command.agent)
        if refusal is not None:
            return refusal
        rest = [row for row in rows if row not in waiting and row["state"] != State.CANCELLED]
        left = [row for row in rest if row["state"] != State.FAILED]
        if rest and not left:
            return CommandResult(False, "line_failed")
        if any(row["state"] == State.UNKNOWN or not self._features(row).unsends for row in left):
            return CommandResult(False, "cannot_unsend")
        self._cancel(tx, waiting)
        for row in left:
            if not lines.is_being_unsent(tx, row):
                now = self.book.clock()
                lines.insert_change(tx, "unsend", row, command=command.id, text="", now=now)
        return CommandResult(True)

    def _discard(self, tx: Tx, command: Unsend, case: Row) -> CommandResult:
        """A draft of the bot's is not wanted; by who has the case."""
        draft = drafts.find(tx, case["conversation"], command.line)
        if draft is None:
            return NO_SUCH_LINE
        refusal = self.book.not_theirs(tx, case, command.agent)
        if refusal is not None:
            return refusal
        self.lines.settle(tx, draft, command.agent, drafts.DROPPED)
        return CommandResult(True)

    def _cancel(self, tx: Tx, rows: Sequence[Row]) -> None:
        for row in rows:
            outbox.set_state(tx, row["id"], State.CANCELLED, "stopped")
            mark_line(tx, row, self.book.clock())
        for draft in drafts.reopen(tx, rows):
            mark_line(tx, draft, self.book.clock())
        tx.notify("outbox")  # what stood behind them may be due

    def _recut(self, tx: Tx, case: Row, rows: Sequence[Row], text: str) -> str:
        """Cut the new text into pieces again.

        They keep the line's place among the others: later lines may build on it. The undo time
        starts again: a new text deserves the same second look as the first.
        """
        now = self.book.clock()
        conversation = conversations.get(tx, case["conversation"])
        whole = Piece(text, attachments=_attachments(rows))
        pieces = self.book.renderer.pieces(conversation["channel"], whole, conversation["language"])
        due = now + self.lines.undo
        for row in rows[len(pieces) :]:  # first: a desk may show all of a line at one place
            lines.drop(tx, row["id"])
            mark_line(tx, row, now)
        for row, piece in zip(rows, pieces, strict=False):
            lines.retext(tx, row["id"], piece.text, piece.attachments, due)
            mark_line(tx, row, now)
        more = pieces[len(rows) :]
        last = rows[min(len(rows), len(pieces)) - 1]["id"]
        for piece in more:
            last = outbox.insert_send(
                tx,
                conversation=conversation,
                author=Author.AGENT,
                name=rows[0]["name"],
                text=piece.text,
                attachments=piece.attachments,
                part=rows[0]["part"],
                case=case["id"],
                not_before=due,
                command=rows[0]["command"],
                edited=True,
                now=now,
            )
            post_line(tx, conversation["id"], f"out:{last}", now)
        if more:
            lines.move_behind(tx, rows[-1])
        tx.notify("outbox")
        return f"out:{last}"

    def _edits_in_place(self, row: Row, text: str) -> bool:
        channel = row["target"].removeprefix("channel:")
        whole = Piece(text, attachments=codec.attachments_from_json(row["attachments"]))
        fits = len(self.book.renderer.pieces(channel, whole, row["language"])) == 1
        return fits and row["state"] != State.UNKNOWN and self._features(row).edits

    def _correct(
        self, tx: Tx, command: Edit, case: Row, rows: Sequence[Row], text: str
    ) -> CommandResult:
        """Say it again, as a correction: a line of its own, which names the one it is about."""
        conversation = conversations.get(tx, case["conversation"])
        said = self.book.renderer.texts.render(
            "agent_correction",
            {"text": text},
            language=conversation["language"],
            channel=conversation["channel"],
        )
        line = self.lines.queue(
            tx, case, command.id, command.agent, Piece(said.text), replaces=rows[0]["id"]
        )
        return CommandResult(True, "corrected", line)

    def _features(self, row: Row) -> Features:
        return self.features.get(row["target"].removeprefix("channel:"), Features())


def _over(tx: Tx, rows: Sequence[Row]) -> CommandResult | None:
    """Why there is nothing to change any more; ``None``: there is."""
    states = {row["state"] for row in rows}
    if not rows:
        return NO_SUCH_LINE
    if State.CANCELLED in states or any(lines.is_being_unsent(tx, row) for row in rows):
        return CommandResult(False, "line_stopped")
    if State.FAILED in states:
        return CommandResult(False, "line_failed")
    return None


def _attachments(rows: Sequence[Row]) -> tuple[Attachment, ...]:
    found: tuple[Attachment, ...] = ()
    for row in rows:
        found += codec.attachments_from_json(row["attachments"])
    return found
