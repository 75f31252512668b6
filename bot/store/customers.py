"""Customers: which conversations are one person's, and what is known of two conversations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.messages import Address
from bot.ports import Row, Tx
from bot.store import codec
from bot.store.codec import stamp, unstamp
from bot.store.mailboxes import mailbox

OPEN, LINKED, APART = "open", "linked", "apart"
_SHOWN = 20  # related conversations of a case, the latest


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact point: ``kind`` is ``email`` or ``phone``."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class WrittenBy:
    """Who writes in a conversation, by an address that anybody can write in the place of.

    ``proven``: whether the channel vouches for the latest message; ``None``: none has come.
    """

    address: str
    subject: str = ""
    proven: bool | None = None


@dataclass(frozen=True, slots=True)
class Related:
    """Another conversation that is the same customer's, or may be (``proposed``).

    ``reason``: ``channel`` or ``code`` (a contact point was proven in both), ``order``, ``sender``,
    ``thread`` or ``agent``. ``case`` is its open case, if there is one.
    """

    conversation: int
    address: Address
    person: int
    name: str | None
    reason: str
    proposed: bool
    last_in_at: datetime
    case: int | None = None
    agent_name: str | None = None


def contact_of(text: str) -> Contact | None:
    """An address or a number as one contact point is written; ``None`` where it is none."""
    value = "".join(text.split())
    if "@" in value:
        return Contact("email", mailbox(value))
    digits = "".join(sign for sign in value if sign in "0123456789")
    return Contact("phone", f"+{digits}") if value.startswith("+") and digits else None


def new(tx: Tx, now: datetime) -> int:
    """A customer of whom nothing is known."""
    tx.run("INSERT INTO customers (created_at) VALUES (:now)", now=stamp(now))
    row: Any = tx.row("SELECT max(id) AS id FROM customers")
    return int(row["id"])


def of(tx: Tx, conversation: int) -> int:
    """Whose conversation it is. Raises LookupError; so it does for one that was erased."""
    row = tx.row("SELECT customer FROM conversations WHERE id = :id", id=conversation)
    if row is None or row["customer"] is None:
        raise LookupError(f"no conversation {conversation}")
    return int(row["customer"])


def subject(customer: int) -> str:
    """How the audit log names a customer: never like an order."""
    return f"customer:{customer}"


def conversations_of(tx: Tx, customer: int) -> list[int]:
    """The conversations of a customer, oldest first."""
    rows = tx.rows("SELECT id FROM conversations WHERE customer = :id ORDER BY id", id=customer)
    return [row["id"] for row in rows]


def note_contact(tx: Tx, conversation: int, contact: Contact, proof: str, now: datetime) -> bool:
    """Keep that a contact point was proven here; False when it was before."""
    return bool(
        tx.run(
            "INSERT INTO contacts (kind, value, conversation, proof, at) VALUES (:kind, :value, "
            ":conversation, :proof, :now) ON CONFLICT DO NOTHING",
            kind=contact.kind,
            value=contact.value,
            conversation=conversation,
            proof=proof,
            now=stamp(now),
        )
    )


def has_contact(tx: Tx, conversation: int, contact: Contact) -> bool:
    """Whether a contact point was proven in a conversation."""
    row = tx.row(
        "SELECT 1 FROM contacts WHERE kind = :kind AND value = :value AND conversation = :id",
        kind=contact.kind,
        value=contact.value,
        id=conversation,
    )
    return row is not None


def vouched_of_kind(tx: Tx, conversation: int, kind: str) -> list[str]:
    """The contact points of a kind that the channel vouched for in a conversation."""
    rows = tx.rows(
        "SELECT value FROM contacts WHERE conversation = :id AND kind = :kind "
        "AND proof = 'channel'",
        id=conversation,
        kind=kind,
    )
    return [row["value"] for row in rows]


def holders(tx: Tx, contact: Contact, conversation: int) -> list[int]:
    """Conversations of other customers where a contact point was proven, one for each customer."""
    rows = tx.rows(
        "SELECT min(v.id) AS id FROM contacts c JOIN conversations v ON v.id = c.conversation "
        "WHERE c.kind = :kind AND c.value = :value AND v.customer <> :customer "
        "GROUP BY v.customer ORDER BY v.customer",
        kind=contact.kind,
        value=contact.value,
        customer=of(tx, conversation),
    )
    return [row["id"] for row in rows]


def heard_by(tx: Tx, contact: Contact, conversation: int, since: datetime) -> bool:
    """Whether the customer of a conversation wrote since then, where a contact point is proven."""
    row = tx.row(
        "SELECT 1 FROM contacts c JOIN conversations v ON v.id = c.conversation "
        "WHERE c.kind = :kind AND c.value = :value AND v.customer = :customer "
        "AND v.last_in_at > :since LIMIT 1",
        kind=contact.kind,
        value=contact.value,
        customer=of(tx, conversation),
        since=stamp(since),
    )
    return row is not None


def of_order(tx: Tx, subject: str, conversation: int) -> list[int]:
    """Conversations of other customers that proved something about an order, the latest first."""
    rows = tx.rows(
        "SELECT p.conversation AS id FROM proofs p JOIN conversations v ON v.id = p.conversation "
        "WHERE p.subject = :subject AND v.customer <> :customer "
        "GROUP BY v.customer ORDER BY max(p.expires_at) DESC LIMIT 5",
        subject=subject,
        customer=of(tx, conversation),
    )
    return [row["id"] for row in rows]


def between(tx: Tx, one: int, other: int) -> list[Row]:
    """What is known of any two conversations of the two customers."""
    return tx.rows(
        "SELECT l.* FROM links l JOIN conversations a ON a.id = l.one "
        "JOIN conversations b ON b.id = l.other WHERE (a.customer = :one AND b.customer = :other) "
        "OR (a.customer = :other AND b.customer = :one)",
        one=of(tx, one),
        other=of(tx, other),
    )


def say(
    tx: Tx, one: int, other: int, state: str, *, reason: str, actor: str, now: datetime
) -> None:
    """Keep the latest word on two conversations."""
    tx.run(
        "INSERT INTO links (one, other, reason, state, actor, at) VALUES (:one, :other, :reason, "
        ":state, :actor, :now) ON CONFLICT (one, other) DO UPDATE SET reason = :reason, "
        "state = :state, actor = :actor, at = :now",
        one=min(one, other),
        other=max(one, other),
        reason=reason,
        state=state,
        actor=actor,
        now=stamp(now),
    )


def join(tx: Tx, one: int, other: int) -> int:
    """Make two customers one, with all their conversations; the older number stays."""
    first, second = sorted((of(tx, one), of(tx, other)))
    if first != second:
        tx.run("UPDATE conversations SET customer = :to WHERE customer = :id", to=first, id=second)
        tx.run("DELETE FROM customers WHERE id = :id", id=second)
    return first


def separate(tx: Tx, conversation: int, now: datetime) -> int:
    """Give a conversation a customer of its own."""
    customer = new(tx, now)
    tx.run(
        "UPDATE conversations SET customer = :customer WHERE id = :id",
        customer=customer,
        id=conversation,
    )
    return customer


def related(tx: Tx, conversation: int) -> tuple[Related, ...]:
    """The other conversations of a customer, and those that an agent is asked about."""
    me = tx.row("SELECT customer FROM conversations WHERE id = :id", id=conversation)
    if me is None or me["customer"] is None:
        return ()  # erased
    customer = int(me["customer"])
    said = _said(tx, customer, conversation)
    asked = [number for number, row in said.items() if row["state"] == OPEN]
    rows = tx.rows(
        "SELECT v.id, v.channel, v.address, v.name, v.customer, v.last_in_at, c.id AS case_id, "
        "coalesce(a.name, c.agent) AS agent_name FROM conversations v "
        "LEFT JOIN cases c ON c.conversation = v.id AND c.state <> 'closed' "
        "LEFT JOIN agents a ON a.id = c.agent WHERE v.id <> :id "
        "AND (v.customer = :customer OR v.id IN (SELECT value FROM json_each(:asked))) "
        "ORDER BY v.customer = :customer, v.last_in_at DESC LIMIT :limit",
        id=conversation,
        customer=customer,
        asked=codec.encode(asked),
        limit=_SHOWN,
    )
    return tuple(_related(row, customer, said) for row in rows)


def _said(tx: Tx, customer: int, conversation: int) -> dict[int, Row]:
    """What is linked with a customer, or proposed to it; what this one is named in counts most."""
    rows = tx.rows(
        "SELECT l.*, a.customer AS of_one, b.customer AS of_other FROM links l "
        "JOIN conversations a ON a.id = l.one JOIN conversations b ON b.id = l.other "
        "WHERE :customer IN (a.customer, b.customer) AND l.state <> 'apart' "
        "ORDER BY :id IN (l.one, l.other), l.at",
        customer=customer,
        id=conversation,
    )
    found: dict[int, Row] = {}
    for row in rows:
        ends = ((row["one"], row["of_one"]), (row["other"], row["of_other"]))
        for number, owner in ends:
            if (owner == customer) == (row["state"] == LINKED):
                found[number] = row
    return found


def _related(row: Row, customer: int, said: Mapping[int, Row]) -> Related:
    word = said.get(row["id"])
    return Related(
        conversation=row["id"],
        address=Address(row["channel"], row["address"]),
        person=row["customer"],
        name=row["name"],
        reason=word["reason"] if word else "channel",  # joined by way of a third one
        proposed=row["customer"] != customer,
        last_in_at=unstamp(row["last_in_at"]),
        case=row["case_id"],
        agent_name=row["agent_name"],
    )


def carried(tx: Tx, conversation: int) -> str | None:
    """The dialogue's state for a new session: what all conversations know, the latest counts most.

    ``None`` where no other conversation of the customer's has any.
    """
    rows = tx.rows(
        "SELECT v.state, (SELECT max(t.created_at) FROM turns t WHERE t.conversation = v.id) AS at "
        "FROM conversations v WHERE v.state IS NOT NULL "
        "AND v.customer = (SELECT customer FROM conversations WHERE id = :id) ORDER BY at, v.id",
        id=conversation,
    )
    known: Mapping[str, Any] = {}
    for row in rows:
        known = _over(known, codec.decode(row["state"]))
    return codec.encode(known) if rows else None


def _over(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """What is new, over what was known; of what the dialogue keeps the core knows no names."""
    merged = {**old}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            merged[key] = _over(before, value)
        elif value is not None:
            merged[key] = value
    return merged
