"""Messages that came back, minutes later or days; that never left; or of which nobody knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.messages import Author, State
from bot.ports import Row, Tx
from bot.store import cases, conversations, outbox
from bot.store.codec import unstamp
from bot.store.telling import BOUNCED, UNKNOWN
from desk.claims import Claims
from desk.handoff import CaseBook
from desk.triage import Triage

_QUOTED = 200  # characters of a message that came back


@dataclass(eq=False, kw_only=True)
class Bounces:
    """Tells the agents. The line itself is marked as the report is taken."""

    book: CaseBook
    triage: Triage
    claims: Claims

    def fired(self, tx: Tx, subject: str, payload: Mapping[str, Any]) -> None:
        """A message did not arrive. A :class:`bot.ports.TimerHandler`.

        A notice of the system's that comes back is not worth a case: the end of each case is one.
        """
        del payload
        row = outbox.get(tx, subject)
        if row is None or row["state"] not in (State.FAILED, State.UNKNOWN):
            return
        if (row["author"] == Author.SYSTEM and not row["secret"]) or _told_before(tx, row):
            return
        case = cases.open_case(tx, row["conversation"])
        if case is None:
            conversation = conversations.get(tx, row["conversation"])
            # Nobody waited before they could know that nothing arrived.
            now = self.book.clock()
            reason = UNKNOWN if row["state"] == State.UNKNOWN else BOUNCED
            opened = self.book.open_case(tx, conversation, reason, asked_at=now)
            case = cases.get_row(tx, opened)
        assert case is not None  # noqa: S101 - opened above
        if row["case_id"] != case["id"]:  # it may stand far above, or in another thread
            self._note(tx, case, row)
        self.triage.bounced(tx, case)
        self.claims.watch(tx, case)

    def _note(self, tx: Tx, case: Row, row: Row) -> None:
        words, now = self.book.words, self.book.clock()
        text = " ".join(row["text"].split())
        said = text if len(text) <= _QUOTED else f"{text[: _QUOTED - 1]}…"
        sent = unstamp(row["sent_at"] or row["created_at"])
        since = self.book.expecting.moment("since", sent, now, words.language)
        reason = f"reason_{row['reason']}"
        why = words.say(reason if words.texts.has(reason) else "reason_not_delivered")
        name = "note_unknown" if row["state"] == State.UNKNOWN else "note_bounced"
        self.book.system_note(tx, case, name, {"text": said, "since": since, "why": why})


def _told_before(tx: Tx, row: Row) -> bool:
    """Whether another piece of the same answer came back earlier, or was refused before it."""
    other = tx.row(
        "SELECT 1 FROM outbox WHERE conversation = :conversation AND op = 'send' AND id <> :id "
        "AND state IN ('failed', 'unknown') AND (vendor_id IS NOT NULL OR seq < :seq) "
        "AND (part = :part OR (turn = :turn AND turn IS NOT NULL))",
        conversation=row["conversation"],
        id=row["id"],
        seq=row["seq"],
        part=row["part"],
        turn=row["turn"],
    )
    return other is not None
