"""What went out, and what was said in a thread before: rows of ``mail_messages``."""

from __future__ import annotations

from bot.ports import Row, Tx

_NEWEST = 50


def message_id(tx: Tx, row: str) -> str | None:
    """The Message-ID that a row of the outbox got at its first try."""
    found = tx.row("SELECT message_id FROM mail_messages WHERE row = :row", row=row)
    return None if found is None else str(found["message_id"])


def chain(tx: Tx, thread: str) -> list[Row]:
    """``message_id`` and ``direction`` of a thread, oldest first: its first and its newest."""
    newest = tx.rows(
        "SELECT message_id, direction, at FROM mail_messages WHERE thread = :thread "
        "ORDER BY at DESC, message_id LIMIT :limit",
        thread=thread,
        limit=_NEWEST,
    )
    first = tx.rows(
        "SELECT message_id, direction, at FROM mail_messages WHERE thread = :thread "
        "ORDER BY at, message_id LIMIT 1",
        thread=thread,
    )
    return [*first, *(one for one in reversed(newest) if one not in first)]
