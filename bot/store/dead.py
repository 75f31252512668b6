"""Dead letters: turns that were given up on, and rows of the outbox that did not arrive."""

from __future__ import annotations

from datetime import datetime

from bot.ports import Row, Tx
from bot.store.codec import new_id, stamp
from bot.store.telling import post_line

_LISTED = (  # kind, id, conversation, created_at, attempts, reason
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


def count(tx: Tx, since: datetime, until: datetime) -> int:
    """How many of what was made between two times were given up on, and still wait."""
    row = tx.row(
        f"SELECT count(*) AS n FROM ({_LISTED}) "  # noqa: S608 - a constant
        "WHERE created_at >= :since AND created_at < :until",
        since=stamp(since),
        until=stamp(until),
    )
    return int(row["n"]) if row else 0


def _find(tx: Tx, letter: str) -> Row | None:
    return tx.row(f"SELECT * FROM ({_LISTED}) WHERE id = :id", id=letter)  # noqa: S608 - a constant


def show(tx: Tx, letter: str) -> Row | None:
    """One dead letter with everything that is kept of it."""
    found = _find(tx, letter)
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
    found = _find(tx, letter)
    if found is None:
        return "unknown"
    if found["kind"] != "turn":
        _send_again(tx, found, now)
        return "done"
    busy = tx.row(
        "SELECT 1 FROM turns WHERE conversation = :conversation AND status = 'frozen'",
        conversation=found["conversation"],
    )
    if busy is not None:
        return "busy"
    _ask_again(tx, letter, found["conversation"], now)
    return "done"


def _send_again(tx: Tx, found: Row, now: datetime) -> None:
    # A new row that names the old one: the vendor's reports of the two stay apart.
    new = new_id()
    tx.run(
        "INSERT INTO outbox (id, target, stream, op, conversation, case_id, author, name, text, "
        "buttons, attachments, subject, language, turn, part, effect, owner_version, state, "
        "replaces, not_before, created_at, response, facts, numbered, secret) "
        "SELECT :new, o.target, o.stream, o.op, o.conversation, o.case_id, o.author, "
        "o.name, o.text, o.buttons, o.attachments, o.subject, o.language, "
        "o.turn, :new, o.effect, c.owner_version, 'queued', o.id, :now, :now, o.response, "
        "o.facts, o.numbered, o.secret FROM outbox o JOIN conversations c ON c.id = o.conversation "
        "WHERE o.id = :id",
        new=new,
        id=found["id"],
        now=stamp(now),
    )
    if found["kind"] == "send":  # a desk shows what becomes of it
        post_line(tx, found["conversation"], f"out:{new}", now)
    tx.notify("outbox")


def _ask_again(tx: Tx, letter: str, conversation: int, now: datetime) -> None:
    # A new turn, as of a message of now: under today's owner and session, its patience before it.
    # What the old one recorded and said stays under the old key.
    new = new_id()
    tx.run(
        "INSERT INTO turns (key, conversation, session, owner_version, text, kind, payload, "
        "attachments, language, state, status, created_at) SELECT :new, t.conversation, "
        "c.session, c.owner_version, t.text, t.kind, t.payload, t.attachments, t.language, "
        "coalesce(c.state, t.state), 'frozen', :now FROM turns t "
        "JOIN conversations c ON c.id = t.conversation WHERE t.key = :id",
        new=new,
        id=letter,
        now=stamp(now),
    )
    tx.run("UPDATE turns SET status = 'replayed' WHERE key = :id", id=letter)
    tx.run("UPDATE inbox SET turn = :new WHERE turn = :id", new=new, id=letter)
    tx.run(
        "UPDATE conversations SET ready_at = :now WHERE id = :id", id=conversation, now=stamp(now)
    )
    tx.notify("inbox")


def drop(tx: Tx, letter: str) -> str:
    """Give it up for good; return ``done`` or ``unknown``."""
    found = _find(tx, letter)
    if found is None:
        return "unknown"
    if found["kind"] == "turn":
        tx.run("UPDATE turns SET status = 'dropped' WHERE key = :id", id=letter)
    else:
        tx.run("UPDATE outbox SET state = 'cancelled' WHERE id = :id", id=letter)
    return "done"
