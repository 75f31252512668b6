"""What the bot would have said: drafts, which an agent sends, changes first, or discards."""

from __future__ import annotations

from collections.abc import Sequence

from bot.messages import State
from bot.ports import Row, Tx

SENT, DROPPED = "draft_sent", "draft_dropped"
"""The reasons of a draft that is none any more."""


def find(tx: Tx, conversation: int, line: str) -> Row | None:
    """The draft of a conversation that its id, or ``out:<id>``, names; ``None``: it is none now."""
    return tx.row(
        "SELECT * FROM outbox WHERE id = :id AND conversation = :conversation AND op = 'send' "
        "AND state = 'draft'",
        id=line.removeprefix("out:"),
        conversation=conversation,
    )


def file(tx: Tx, rows: Sequence[str], case: int, reason: str) -> None:
    """Note the case in which somebody decides about rows, and why they do not go out by themselves.

    What has another reason keeps it.
    """
    for row in rows:
        tx.run(
            "UPDATE outbox SET case_id = :case_id, reason = coalesce(reason, :reason) "
            "WHERE id = :id",
            id=row,
            case_id=case,
            reason=reason,
        )


def settle(tx: Tx, row: Row, agent: str, how: str) -> None:
    """An agent has decided; the row names who."""
    tx.run(
        "UPDATE outbox SET state = :state, reason = :how, name = :agent WHERE id = :id",
        id=row["id"],
        state=State.CANCELLED.value,
        how=how,
        agent=agent,
    )


def reopen(tx: Tx, lines: Sequence[Row]) -> list[Row]:
    """The lines that were to take the place of drafts do not leave: they are drafts again."""
    found = [
        row
        for line in lines
        for row in tx.rows(
            "SELECT * FROM outbox WHERE id = :id AND state = 'cancelled' AND reason = :sent",
            id=line["replaces"],
            sent=SENT,
        )
    ]
    for row in found:
        tx.run(
            "UPDATE outbox SET state = 'draft', reason = NULL, name = NULL WHERE id = :id",
            id=row["id"],
        )
    return found


def has_receipt(tx: Tx, case: int, response: str) -> bool:
    """Whether the customer was told in a case that the message has arrived."""
    row = tx.row(
        "SELECT 1 FROM outbox WHERE case_id = :id AND op = 'send' AND response = :response",
        id=case,
        response=response,
    )
    return row is not None
