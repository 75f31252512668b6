"""Durable timers: one for each kind and subject."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.ports import Row, Tx
from bot.store import codec
from bot.store.codec import stamp


def schedule(
    tx: Tx, kind: str, subject: str, due: datetime, payload: Mapping[str, Any] | None = None
) -> None:
    """Set a timer; one that exists is moved."""
    tx.run(
        "INSERT INTO timers (kind, subject, due, payload) VALUES (:kind, :subject, :due, "
        ":payload) ON CONFLICT (kind, subject) DO UPDATE SET due = :due, payload = :payload",
        kind=kind,
        subject=subject,
        due=stamp(due),
        payload=codec.encode(payload or {}),
    )
    tx.notify("timers")


def cancel(tx: Tx, kind: str, subject: str) -> None:
    """Take a timer away."""
    tx.run(
        "DELETE FROM timers WHERE kind = :kind AND subject = :subject", kind=kind, subject=subject
    )


def find(tx: Tx, kind: str, subject: str) -> Row | None:
    """The timer of a kind and subject, if one is set."""
    return tx.row(
        "SELECT * FROM timers WHERE kind = :kind AND subject = :subject", kind=kind, subject=subject
    )


def payload(timer: Row) -> Mapping[str, Any]:
    """What a timer carries."""
    found: Mapping[str, Any] = codec.decode(timer["payload"])
    return found


def due(tx: Tx, now: datetime, limit: int = 100) -> list[Row]:
    """Timers that are due, earliest first."""
    return tx.rows(
        "SELECT * FROM timers WHERE due <= :now ORDER BY due LIMIT :limit",
        now=stamp(now),
        limit=limit,
    )


def remove(tx: Tx, timer: int, due_at: str) -> bool:
    """Take away a timer that fires; False when it was moved or cancelled meanwhile."""
    return bool(tx.run("DELETE FROM timers WHERE id = :id AND due = :due", id=timer, due=due_at))


def postpone(tx: Tx, timer: int, due_at: str, until: datetime) -> None:
    """Let a timer fire later, unless it was moved or cancelled meanwhile."""
    tx.run(
        "UPDATE timers SET due = :until WHERE id = :id AND due = :due",
        id=timer,
        due=due_at,
        until=stamp(until),
    )


def next_due(tx: Tx) -> str | None:
    """When the next timer is due, as a stamp."""
    row = tx.row("SELECT min(due) AS at FROM timers")
    return row["at"] if row else None
