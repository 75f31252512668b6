"""Dead letters: turns that were given up on, and rows of the outbox that did not arrive."""

from __future__ import annotations

from datetime import datetime

from bot.codec import new_id, stamp
from bot.ports import Row, Tx

_LISTED = (
    "SELECT 'turn' AS kind, t.key AS id, t.conversation, t.created_at, t.attempts, "
    "coalesce(t.error, '') AS reason FROM turns t WHERE t.status = 'dead' "
    "UNION ALL "
    "SELECT o.op, o.id, o.conversation, o.created_at, o.attempts, "
    "o.state || coalesce(': ' || o.reason, '') FROM outbox o "
    "WHERE o.state IN ('failed', 'unknown') "
    "AND NOT EXISTS (SELECT 1 FROM outbox r WHERE r.replaces = o.id)"
)


def listed(tx: Tx, limit: int = 1000) -> list[Row]:
    """What was given up on, oldest first: ids and reasons, no customer and no text."""
    return tx.rows(f"{_LISTED} ORDER BY 4 LIMIT :limit", limit=limit)


def show(tx: Tx, letter: str) -> Row | None:
    """One dead letter with everything that is kept of it."""
    found = tx.row(f"SELECT * FROM ({_LISTED}) WHERE id = :id", id=letter)
    if found is None:
        return None
    table, key = ("turns", "key") if found["kind"] == "turn" else ("outbox", "id")
    row = tx.row(
        f"SELECT c.channel, c.address, l.* FROM {table} l "  # noqa: S608 - two fixed names
        f"JOIN conversations c ON c.id = l.conversation WHERE l.{key} = :id",
        id=letter,
    )
    return None if row is None else {**dict(found), **dict(row)}


def replay(tx: Tx, letter: str, now: datetime) -> str:
    """Try again; return ``done``, ``unknown`` (no such letter) or ``busy`` (try later)."""
    found = tx.row(f"SELECT kind, conversation FROM ({_LISTED}) WHERE id = :id", id=letter)
    if found is None:
        return "unknown"
    if found["kind"] != "turn":
        _send_again(tx, letter, now)
        return "done"
    busy = tx.row(
        "SELECT 1 FROM turns WHERE conversation = :conversation AND status = 'frozen'",
        conversation=found["conversation"],
    )
    if busy is not None:
        return "busy"
    _ask_again(tx, letter, found["conversation"], now)
    return "done"


def _send_again(tx: Tx, letter: str, now: datetime) -> None:
    # A new row that names the old one: the vendor's reports of the two stay apart.
    tx.run(
        "INSERT INTO outbox (id, target, stream, op, conversation, case_id, author, name, text, "
        "buttons, attachments, subject, language, turn, part, effect, owner_version, state, "
        "replaces, not_before, created_at) SELECT :new, o.target, o.stream, o.op, o.conversation, "
        "o.case_id, o.author, o.name, o.text, o.buttons, o.attachments, o.subject, o.language, "
        "o.turn, :new, o.effect, c.owner_version, 'queued', o.id, :now, :now FROM outbox o "
        "JOIN conversations c ON c.id = o.conversation WHERE o.id = :id",
        new=new_id(),
        id=letter,
        now=stamp(now),
    )
    tx.notify("outbox")


def _ask_again(tx: Tx, letter: str, conversation: int, now: datetime) -> None:
    # As a message of now: under today's owner, in today's session, with its patience ahead of it.
    tx.run(
        "UPDATE turns SET status = 'frozen', attempts = 0, next_at = NULL, delayed = 0, "
        "error = NULL, done_at = NULL, created_at = :now, "
        "session = c.session, owner_version = c.owner_version, state = coalesce(c.state, turns.state) "
        "FROM conversations c WHERE c.id = turns.conversation AND turns.key = :id",
        id=letter,
        now=stamp(now),
    )
    tx.run(
        "UPDATE conversations SET ready_at = :now WHERE id = :id", id=conversation, now=stamp(now)
    )
    tx.notify("inbox")


def drop(tx: Tx, letter: str) -> str:
    """Give it up for good; return ``done`` or ``unknown``."""
    found = tx.row(f"SELECT kind FROM ({_LISTED}) WHERE id = :id", id=letter)
    if found is None:
        return "unknown"
    if found["kind"] == "turn":
        tx.run("UPDATE turns SET status = 'dropped' WHERE key = :id", id=letter)
    else:
        tx.run("UPDATE outbox SET state = 'cancelled' WHERE id = :id", id=letter)
    return "done"
