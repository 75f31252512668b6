"""Cases, commands, notes, and the history that a desk shows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.desk import UNPROVEN, Case, HistoryLine
from bot.messages import (
    Address,
    Attachment,
    Author,
    Kind,
    Owner,
    Past,
    State,
)
from bot.ports import Row, Tx
from bot.store import codec, customers, turns, waiting
from bot.store.codec import new_id, stamp, unstamp

_SAID_LINES = 40
CUSTOMER_BACK = "customer_back"  # how a case ends that the customer ended, not an agent

_CASE = (
    "SELECT c.*, v.channel, v.address, v.name AS customer, v.language, v.owner, v.last_in_at, "
    "v.customer AS person, coalesce(a.name, c.agent) AS agent_name FROM cases c "
    "JOIN conversations v ON v.id = c.conversation LEFT JOIN agents a ON a.id = c.agent "
)


def insert(
    tx: Tx,
    conversation: int,
    *,
    desk: str,
    reason: str,
    priority: str,
    now: datetime,
    place: str = "",
    asked_at: datetime | None = None,
) -> int:
    """Open a case and return its id. ``asked_at``: when the customer wrote what opens it."""
    tx.run(
        "INSERT INTO cases (conversation, desk, place, reason, priority, state, asked_at, "
        "opened_at) VALUES (:conversation, :desk, :place, :reason, :priority, 'open', :asked_at, "
        ":now)",
        conversation=conversation,
        desk=desk,
        place=place,
        reason=reason,
        priority=priority,
        asked_at=stamp(asked_at or now),
        now=stamp(now),
    )
    row = open_case(tx, conversation)
    assert row is not None  # noqa: S101 - just inserted
    return int(row["id"])


def open_case(tx: Tx, conversation: int) -> Row | None:
    """The open case of a conversation: one at most."""
    return tx.row(
        "SELECT * FROM cases WHERE conversation = :id AND state <> 'closed'", id=conversation
    )


def get_row(tx: Tx, case: int) -> Row | None:
    """A case's own row."""
    return tx.row("SELECT * FROM cases WHERE id = :id", id=case)


def take(tx: Tx, case: int, agent: str, at: datetime, *, there: bool = True) -> None:
    """An agent has a case; one who is not ``there`` was given it by a colleague."""
    tx.run(
        "UPDATE cases SET state = 'taken', agent = :agent, taken_at = :at, "
        "agent_seen_at = CASE WHEN :there THEN :at END WHERE id = :id",
        id=case,
        agent=agent,
        there=int(there),
        at=stamp(at),
    )


def close(tx: Tx, case: int, outcome: str, now: datetime) -> None:
    """End a case."""
    tx.run(
        "UPDATE cases SET state = 'closed', outcome = :outcome, closed_at = :now, "
        "snoozed_until = NULL WHERE id = :id",
        id=case,
        outcome=outcome,
        now=stamp(now),
    )


def release(tx: Tx, case: int, asked_at: datetime) -> None:
    """Nobody has a case any more; its customer waits since ``asked_at``."""
    tx.run(
        "UPDATE cases SET state = 'open', agent = NULL, taken_at = NULL, agent_seen_at = NULL, "
        "snoozed_until = NULL, asked_at = :asked_at WHERE id = :id",
        id=case,
        asked_at=stamp(asked_at),
    )


def note_seen(tx: Tx, case: int, agent: str, now: datetime) -> None:
    """Note that the agent who has a case is there; nothing for anybody else."""
    tx.run(
        "UPDATE cases SET agent_seen_at = :now WHERE id = :id AND agent = :agent",
        id=case,
        agent=agent,
        now=stamp(now),
    )


def set_priority(tx: Tx, case: int, priority: str) -> None:
    """Set the priority of a case."""
    tx.run("UPDATE cases SET priority = :priority WHERE id = :id", id=case, priority=priority)


def snooze(tx: Tx, case: int, until: datetime | None) -> bool:
    """Put a case off, or wake it (``None``); False when that is how it was."""
    return bool(
        tx.run(
            "UPDATE cases SET snoozed_until = :until WHERE id = :id "
            "AND snoozed_until IS NOT :until",
            id=case,
            until=None if until is None else stamp(until),
        )
    )


def taken_by(tx: Tx, agent: str) -> list[int]:
    """The cases that an agent has."""
    rows = tx.rows("SELECT id FROM cases WHERE agent = :agent AND state = 'taken'", agent=agent)
    return [row["id"] for row in rows]


def raise_priority(tx: Tx, case: int, reason: str, priority: str) -> None:
    """A second, more urgent reason for an open case."""
    tx.run(
        "UPDATE cases SET priority = :priority, reason = :reason WHERE id = :id",
        id=case,
        reason=reason,
        priority=priority,
    )


def touch(tx: Tx, case: int) -> None:
    """Raise the number of changes, so that the card is shown anew."""
    tx.run("UPDATE cases SET updated = updated + 1 WHERE id = :id", id=case)
    tx.notify("case", case)


def last_settled_at(tx: Tx, conversation: int) -> str:
    """When an agent last ended a case of a conversation; the empty text when none did."""
    row = tx.row(
        "SELECT max(closed_at) AS at FROM cases WHERE conversation = :id AND outcome <> :back",
        id=conversation,
        back=CUSTOMER_BACK,
    )
    return (row["at"] if row else None) or ""


def load(tx: Tx, case: int) -> Case | None:
    """A case with everything its card shows."""
    row = tx.row(_CASE + "WHERE c.id = :id", id=case)
    return None if row is None else _case(tx, row)


def listed(tx: Tx, *, closed: bool, desk: str | None, limit: int = 200) -> list[Case]:
    """Open cases, most urgent and then longest waiting first; or the latest closed ones.

    What is put off comes last.
    """
    which, order = "c.closed_at IS NOT NULL", "c.closed_at DESC"
    if not closed:
        which = "c.state IN ('open', 'taken')"
        order = (
            "c.snoozed_until IS NOT NULL, "
            "CASE c.priority WHEN 'high' THEN 0 WHEN 'low' THEN 2 ELSE 1 END, c.opened_at"
        )
    rows = tx.rows(
        f"{_CASE} WHERE {which} AND (:desk IS NULL OR c.desk = :desk) "
        f"ORDER BY {order} LIMIT :limit",
        desk=desk,
        limit=limit,
    )
    return [_case(tx, row) for row in rows]


def _case(tx: Tx, row: Row) -> Case:
    return Case(
        id=row["id"],
        conversation=row["conversation"],
        address=Address(row["channel"], row["address"]),
        reason=row["reason"],
        priority=row["priority"],
        state=row["state"],
        opened_at=unstamp(row["opened_at"]),
        language=row["language"],
        owner=Owner(row["owner"]),
        agent=row["agent"],
        agent_name=row["agent_name"],
        taken_at=_time(row["taken_at"]),
        closed_at=_time(row["closed_at"]),
        outcome=row["outcome"],
        customer=row["customer"],
        intents=turns.last_intents(tx, row["conversation"]),
        tried=_tried(tx, row["conversation"]),
        orders=tuple(
            {"number": number, "proof": proof}
            for number, proof in subjects(tx, row["conversation"]).items()
        ),
        desk=row["desk"],
        place=row["place"],
        contact=row["contact"],
        waits_since=waiting.waits_since(tx, row),
        updated=row["updated"],
        last_in_at=unstamp(row["last_in_at"]),
        snoozed_until=_time(row["snoozed_until"]),
        person=row["person"] or 0,
        related=customers.related(tx, row["conversation"]),
    )


def _time(text: str | None) -> datetime | None:
    return None if text is None else unstamp(text)


def _tried(tx: Tx, conversation: int) -> tuple[str, ...]:
    rows = tx.rows(
        "SELECT name, status, outcome FROM calls WHERE conversation = :id AND name <> '' "
        "ORDER BY started_at DESC LIMIT 8",
        id=conversation,
    )
    return tuple(f"{row['name']}: {row['outcome'] or row['status']}" for row in reversed(rows))


def subjects(tx: Tx, conversation: int) -> dict[str, str]:
    """The orders a conversation was about, latest first, each with its best proof.

    One that was called for may be anybody's: a number is all that it takes. ``agent``: nothing
    was proven, and an agent acted on it.
    """
    rows = tx.rows(
        "SELECT subject, max(at) AS at, coalesce((SELECT p.kind FROM proofs p "
        "WHERE p.conversation = :id AND p.subject = found.subject "
        "ORDER BY p.kind = 'code' DESC, p.kind = 'channel' DESC LIMIT 1), "
        "(SELECT 'agent' FROM calls a WHERE a.conversation = :id AND a.subject = found.subject "
        "AND a.actor <> 'customer' LIMIT 1), :unproven) AS proof FROM ("
        "SELECT subject, started_at AS at FROM calls WHERE conversation = :id AND subject <> '' "
        "UNION ALL SELECT subject, created_at FROM proposals WHERE conversation = :id) AS found "
        "WHERE subject <> '' GROUP BY subject ORDER BY at DESC LIMIT 5",
        id=conversation,
        unproven=UNPROVEN,
    )
    return {row["subject"]: row["proof"] for row in rows}


def insert_note(
    tx: Tx,
    *,
    case: int,
    conversation: int,
    agent: str,
    text: str,
    attachments: tuple[Attachment, ...],
    now: datetime,
) -> str:
    """Keep an internal note; return the id of its line."""
    note = new_id()
    tx.run(
        "INSERT INTO notes (id, case_id, conversation, agent, text, attachments, at) VALUES "
        "(:id, :case_id, :conversation, :agent, :text, :attachments, :now)",
        id=note,
        case_id=case,
        conversation=conversation,
        agent=agent,
        text=text,
        attachments=codec.attachments_to_json(attachments),
        now=stamp(now),
    )
    return f"note:{note}"


_ALL = (
    "IN (SELECT o.id FROM conversations m JOIN conversations o ON o.customer = m.customer "
    "WHERE m.id = :id)"
)
# One line has the same columns whichever table it is from.
_LINES = """
SELECT 'in:' || id AS id, 'customer' AS author, text, received_at AS at, NULL AS state,
  conversation, NULL AS reason, attachments, NULL AS name, kind, 0 AS effect, id AS seq,
  NULL AS command, 0 AS edited, 0 AS repeated, folded,
  CASE WHEN quotes IS NOT NULL THEN (
    SELECT q.text FROM inbox q WHERE q.channel = inbox.channel AND q.wire_id = inbox.quotes
      AND q.conversation = inbox.conversation
    UNION ALL SELECT o.text FROM outbox o WHERE o.vendor_id = inbox.quotes
      AND o.target = 'channel:' || inbox.channel AND o.conversation = inbox.conversation
    LIMIT 1
  ) END AS quote
  FROM inbox WHERE conversation {of} AND status <> 'merged' {in_where}
UNION ALL
SELECT 'out:' || id, author, text, created_at, state, conversation, reason, attachments,
  coalesce((SELECT a.name FROM agents a WHERE a.id = outbox.name), name), 'text', effect,
  seq, command, edited,
  state <> 'cancelled' AND EXISTS (SELECT 1 FROM outbox r WHERE r.replaces = outbox.id
    AND r.text = outbox.text AND r.state <> 'cancelled'), '', NULL
  FROM outbox WHERE conversation {of} AND op = 'send' {out_where}
UNION ALL
SELECT 'note:' || id, 'note', text, at, NULL, conversation, NULL, attachments,
  coalesce((SELECT a.name FROM agents a WHERE a.id = agent), nullif(agent, '')), 'text', 0, 0,
  (SELECT c.id FROM commands c WHERE c.case_id = notes.case_id
    AND c.result ->> '$.line' = 'note:' || notes.id),
  0, 0, '', NULL FROM notes WHERE conversation {of} {note_where}
"""


def history(tx: Tx, conversation: int, limit: int, *, linked: bool = False) -> list[HistoryLine]:
    """The latest lines of a conversation, oldest first; ``linked``: of all that its customer has.

    Lines of the others tell their ``channel``.
    """
    sql = _LINES.format(of=_ALL if linked else "= :id", in_where="", out_where="", note_where="")
    rows = tx.rows(
        # The customer's line first where two have the same time: the other one answers it.
        "SELECT l.*, CASE WHEN l.conversation <> :id THEN v.channel END AS channel "  # noqa: S608 - a constant
        f"FROM ({sql}) l "
        "JOIN conversations v ON v.id = l.conversation "
        "ORDER BY at DESC, author = 'customer', seq DESC LIMIT :limit",
        id=conversation,
        limit=limit,
    )
    return [_line(row) for row in reversed(rows)]


def said(tx: Tx, conversation: int, unasked: set[str]) -> tuple[Past, ...]:
    """What was said before, for the dialogue: no notes, no machine's words, nothing unsent."""
    unsaid = (State.DRAFT, State.CANCELLED, State.FAILED)
    return tuple(
        Past(line.author, line.text)
        for line in history(tx, conversation, _SAID_LINES, linked=True)
        if line.author is not Author.NOTE
        and line.kind is not Kind.AUTOMATIC
        and line.text
        and line.state not in unsaid
        and line.id not in unasked
    )


def line(tx: Tx, conversation: int, line_id: str) -> HistoryLine | None:
    """One line by its id (``in:5``, ``out:...``, ``note:...``)."""
    sql = _LINES.format(
        of="= :id",
        in_where="AND 'in:' || id = :line",
        out_where="AND 'out:' || id = :line",
        note_where="AND 'note:' || id = :line",
    )
    sql = f"SELECT *, NULL AS channel FROM ({sql})"  # noqa: S608 - a constant
    row = tx.row(sql, id=conversation, line=line_id)
    return None if row is None else _line(row)


def _line(row: Any) -> HistoryLine:
    return HistoryLine(
        id=row["id"],
        author=Author(row["author"]),
        text=row["text"],
        at=unstamp(row["at"]),
        state=None if row["state"] is None else State(row["state"]),
        reason=row["reason"],
        attachments=codec.attachments_from_json(row["attachments"]),
        name=row["name"],
        kind=Kind(row["kind"]),
        effect=bool(row["effect"]),
        quote=row["quote"],
        folded=row["folded"],
        command=row["command"],
        edited=bool(row["edited"]),
        repeated=bool(row["repeated"]),
        channel=row["channel"],
    )
