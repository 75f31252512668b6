"""Conversations and their leases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot.messages import Address, Inbound, Owner
from bot.ports import Row, Tx
from bot.store import customers
from bot.store.codec import stamp


def get(tx: Tx, conversation: int) -> Row:
    """One conversation. Raises LookupError."""
    row = tx.row("SELECT * FROM conversations WHERE id = :id", id=conversation)
    if row is None:
        raise LookupError(f"no conversation {conversation}")
    return row


def of_address(tx: Tx, address: Address) -> Row | None:
    """The conversation with one identity on one channel."""
    return tx.row(
        "SELECT * FROM conversations WHERE channel = :channel AND address = :address",
        channel=address.channel,
        address=address.id,
    )


def ensure(tx: Tx, address: Address, name: str | None, language: str, now: datetime) -> Row:
    """The conversation with an identity, made when it is new: with a customer of its own."""
    if (row := of_address(tx, address)) is None:
        tx.run(
            "INSERT INTO conversations (channel, address, name, language, customer, created_at, "
            "last_in_at) VALUES (:channel, :address, :name, :language, :customer, :now, :now)",
            channel=address.channel,
            address=address.id,
            name=name,
            language=language,
            customer=customers.new(tx, now),
            now=stamp(now),
        )
        row = of_address(tx, address)
        assert row is not None  # noqa: S101 - just inserted
    elif name is not None and name != row["name"]:
        tx.run("UPDATE conversations SET name = :name WHERE id = :id", name=name, id=row["id"])
        row = get(tx, row["id"])
    return row


def address(tx: Tx, conversation: int) -> Address:
    """Whom a conversation is with."""
    row = get(tx, conversation)
    return Address(row["channel"], row["address"])


def note_message(tx: Tx, conversation: int, message: Inbound, now: datetime) -> None:
    """Note that the customer wrote, and the number and address that the channel vouches for.

    An address counts for its own message: where another one waits, or is being answered, that
    nobody or another address vouches for, it counts for neither.
    """
    tx.run(
        "UPDATE conversations SET last_in_at = :now, phone = coalesce(:phone, phone), "
        "email = CASE WHEN email IS NOT :email AND ("
        "EXISTS (SELECT 1 FROM inbox WHERE conversation = :id AND status = 'pending' "
        "AND wire_id <> :wire_id) "
        "OR EXISTS (SELECT 1 FROM turns WHERE conversation = :id AND status = 'frozen')) "
        "THEN NULL ELSE :email END WHERE id = :id",
        id=conversation,
        phone=message.phone,
        email=message.email,
        wire_id=message.wire_id,
        now=stamp(now),
    )


def change_owner(tx: Tx, conversation: int, owner: Owner) -> int:
    """Set the owner, raise its version, and return that."""
    tx.run(
        "UPDATE conversations SET owner = :owner, owner_version = owner_version + 1, "
        "agent_version = CASE WHEN :owner = 'agent' OR owner = 'agent' THEN owner_version + 1 "
        "ELSE agent_version END WHERE id = :id",
        id=conversation,
        owner=owner.value,
    )
    return int(get(tx, conversation)["owner_version"])


def new_session(tx: Tx, conversation: int, *, resumed: bool) -> None:
    """Let the dialogue start with a clean tracker at the next turn.

    ``resumed``: it is told what was said, and what counts from the customer's other conversations.
    """
    tx.run(
        "UPDATE conversations SET session = session + 1, resumed = :resumed, misses = 0, "
        "state = coalesce(:state, state) WHERE id = :id",
        id=conversation,
        resumed=int(resumed),
        state=customers.carried(tx, conversation) if resumed else None,
    )


def forget_state(tx: Tx, conversation: int) -> None:
    """Let the dialogue start without anything that it knew; what was said is told to it."""
    tx.run(
        "UPDATE conversations SET session = session + 1, resumed = 1, misses = 0, state = NULL "
        "WHERE id = :id",
        id=conversation,
    )


def is_new(tx: Tx, conversation: int) -> bool:
    """Whether the dialogue has not been asked in it yet."""
    return tx.row("SELECT 1 FROM turns WHERE conversation = :id", id=conversation) is None


def is_asked(tx: Tx, conversation: int) -> bool:
    """Whether the dialogue is being asked now."""
    row = tx.row(
        "SELECT 1 FROM turns WHERE conversation = :id AND status = 'frozen'", id=conversation
    )
    return row is not None


def note_turn(tx: Tx, conversation: int, session: int, state: str | None, misses: int) -> None:
    """Keep what a finished turn leaves behind; ``state`` None keeps the old one."""
    tx.run(
        # A session that began while the turn ran has not been given its history yet, nor has one
        # whose first turn was no question to the dialogue: a photo, a shared contact.
        "UPDATE conversations SET state = coalesce(:state, state), misses = :misses, "
        "resumed = CASE WHEN session = :session AND :state IS NOT NULL THEN 0 ELSE resumed END "
        "WHERE id = :id",
        id=conversation,
        session=session,
        state=state,
        misses=misses,
    )


def set_language(tx: Tx, conversation: int, language: str) -> None:
    """Keep the language of the latest message that showed one."""
    tx.run(
        "UPDATE conversations SET language = :language WHERE id = :id AND language <> :language",
        id=conversation,
        language=language,
    )


def fix_language(tx: Tx, conversation: int, language: str) -> None:
    """Set the language, which detection leaves alone until :func:`free_language`."""
    tx.run(
        "UPDATE conversations SET language = :language, language_set = 1 WHERE id = :id",
        id=conversation,
        language=language,
    )


def free_language(tx: Tx, conversation: int) -> None:
    """Let detection set the language again."""
    tx.run(
        "UPDATE conversations SET language_set = 0 WHERE id = :id AND language_set",
        id=conversation,
    )


def due_at(tx: Tx, conversation: int, at: datetime | None) -> None:
    """Set when the next turn is due; ``None``: nothing waits."""
    tx.run(
        "UPDATE conversations SET ready_at = :at WHERE id = :id",
        id=conversation,
        at=None if at is None else stamp(at),
    )


def lease(tx: Tx, now: datetime, seconds: float, limit: int) -> list[tuple[int, int]]:
    """Lease conversations whose turn is due; returns pairs of id and fencing number."""
    rows = tx.rows(
        "SELECT id, fence FROM conversations WHERE ready_at <= :now "
        "AND (lease_until IS NULL OR lease_until < :now) ORDER BY ready_at LIMIT :limit",
        now=stamp(now),
        limit=limit,
    )
    until = stamp(now + timedelta(seconds=seconds))
    for row in rows:
        tx.run(
            "UPDATE conversations SET lease_until = :until, fence = fence + 1 WHERE id = :id",
            id=row["id"],
            until=until,
        )
    return [(row["id"], row["fence"] + 1) for row in rows]


def extend_lease(tx: Tx, conversation: int, fence: int, now: datetime, seconds: float) -> bool:
    """Keep a lease longer; False when it was lost."""
    return bool(
        tx.run(
            "UPDATE conversations SET lease_until = :until WHERE id = :id AND fence = :fence",
            id=conversation,
            fence=fence,
            until=stamp(now + timedelta(seconds=seconds)),
        )
    )


def holds(tx: Tx, conversation: int, fence: int) -> bool:
    """Whether the fencing number is still the latest."""
    return bool(get(tx, conversation)["fence"] == fence)


def release(tx: Tx, conversation: int, fence: int) -> None:
    """Give a lease back, unless somebody else holds it by now."""
    tx.run(
        "UPDATE conversations SET lease_until = NULL WHERE id = :id AND fence = :fence",
        id=conversation,
        fence=fence,
    )


def release_all(tx: Tx) -> None:
    """Drop every lease: at a start, when this process is the only writer."""
    tx.run("UPDATE conversations SET lease_until = NULL, fence = fence + 1")


def next_due(tx: Tx) -> str | None:
    """When the next turn is due, as a stamp."""
    row: Any = tx.row(
        "SELECT min(ready_at) AS at FROM conversations "
        "WHERE lease_until IS NULL AND ready_at IS NOT NULL"  # as the index has it
    )
    return row["at"] if row else None
