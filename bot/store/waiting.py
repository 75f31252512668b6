"""Since when a customer waits for a person, and what they left meanwhile."""

from __future__ import annotations

from datetime import datetime

from bot.ports import Row, Tx
from bot.store.codec import unstamp


def asked_at(tx: Tx, conversation: int) -> datetime | None:
    """When the customer wrote what no turn has taken, or else what the latest turn was about."""
    row = tx.row(
        "SELECT min(received_at) AS at FROM inbox WHERE conversation = :id AND (turn = "
        "(SELECT key FROM turns WHERE conversation = :id ORDER BY created_at DESC LIMIT 1) "
        "OR status = 'pending')",
        id=conversation,
    )
    return None if row is None or row["at"] is None else unstamp(row["at"])


def waits_since(tx: Tx, case: Row) -> datetime | None:
    """The earliest message of the customer that no agent's line answers; ``None``: none waits."""
    if case["state"] == "closed":
        return None
    last = tx.row(
        "SELECT max(created_at) AS at FROM outbox WHERE conversation = :conversation "
        "AND case_id = :id AND author = 'agent' AND op = 'send' "
        "AND state NOT IN ('draft', 'cancelled', 'failed') AND created_at >= :asked_at",
        id=case["id"],
        conversation=case["conversation"],
        asked_at=case["asked_at"] or "",
    )
    if last is None or last["at"] is None:
        return unstamp(case["asked_at"] or case["opened_at"])
    row = tx.row(
        "SELECT min(received_at) AS at FROM inbox WHERE conversation = :conversation "
        "AND received_at > :last AND status <> 'merged' "
        "AND kind NOT IN ('delete', 'automatic') "
        "AND NOT EXISTS (SELECT 1 FROM inbox d WHERE d.conversation = :conversation "
        "AND d.kind = 'delete' AND d.edits = inbox.wire_id)",
        conversation=case["conversation"],
        last=last["at"],
    )
    return None if row is None or row["at"] is None else unstamp(row["at"])


def last_sign_of(case: Row) -> datetime:
    """When the agent who has a case got it, or last did anything in it."""
    return unstamp(max(case["taken_at"], case["agent_seen_at"] or ""))


def set_contact(tx: Tx, case: int, contact: str) -> None:
    """Keep the address that the customer left; a later one counts."""
    tx.run("UPDATE cases SET contact = :contact WHERE id = :id", id=case, contact=contact)


def asked_last(tx: Tx, conversation: int) -> str:
    """The name of the text that the bot said last; empty where it was none with a name."""
    row = tx.row(
        "SELECT response FROM outbox WHERE conversation = :id AND op = 'send' AND author = 'bot' "
        "AND state NOT IN ('draft', 'cancelled', 'failed') ORDER BY seq DESC LIMIT 1",
        id=conversation,
    )
    return (row["response"] if row else None) or ""


def latest_intent(tx: Tx, conversation: int) -> str | None:
    """What was understood in the latest turn, if anything."""
    row = tx.row(
        "SELECT intent FROM turns WHERE conversation = :id ORDER BY created_at DESC LIMIT 1",
        id=conversation,
    )
    return None if row is None else row["intent"]


def waiting_cases_of(tx: Tx, agent: str) -> list[Row]:
    """The cases that an agent has and in which the customer waits."""
    rows = tx.rows("SELECT * FROM cases WHERE state = 'taken' AND agent = :agent", agent=agent)
    return [row for row in rows if waits_since(tx, row) is not None]
