"""How many messages that no person wrote a conversation gets: two machines must not talk for ever.

Everything here is a part of the transaction that queues, so that two turns cannot both be the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.ports import Tx
from bot.store.codec import stamp

TOO_MANY = "too_many_automatic"
"""The reason code of what was not sent, as there were too many."""
_PERIOD = timedelta(hours=24)


def count(tx: Tx, conversation: int, now: datetime) -> int:
    """Messages of the bot and the system that wait, or left within 24 hours before ``now``."""
    row = tx.row(
        "SELECT count(*) AS n FROM outbox WHERE conversation = :id AND op = 'send' "
        "AND author IN ('bot', 'system') AND state NOT IN ('draft', 'cancelled') "
        "AND (state IN ('queued', 'sending') OR sent_at > :since "
        # Nobody knows whether these have arrived; what was refused has not.
        "OR (state = 'unknown' AND created_at > :since))",
        id=conversation,
        since=stamp(now - _PERIOD),
    )
    return int(row["n"]) if row else 0


def hold_back(tx: Tx, conversation: int, rows: Sequence[str], limit: int, now: datetime) -> None:
    """Take back what was just queued where it is too much: all of it, as half an answer is none.

    The bot's become drafts. The system's are cancelled, but for those that tell what an agent did:
    a machine cannot cause them.
    """
    if count(tx, conversation, now) <= limit:
        return
    for row in rows:
        tx.run(
            "UPDATE outbox SET state = CASE author WHEN 'bot' THEN 'draft' ELSE 'cancelled' END, "
            "reason = :reason WHERE id = :id AND state = 'queued' AND attempts = 0 "
            "AND (author = 'bot' OR case_id IS NULL)",
            id=row,
            reason=TOO_MANY,
        )


def held_back(tx: Tx, rows: Sequence[str]) -> bool:
    """Whether rows that were just queued did not stay so."""
    return any(
        tx.row("SELECT 1 FROM outbox WHERE id = :id AND reason = :r", id=row, r=TOO_MANY)
        for row in rows
    )
