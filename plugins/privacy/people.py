"""Customers, as an operator names them: by number, or by an address on a channel."""

from __future__ import annotations

from typing import Any

from bot.messages import Address
from bot.ports import Tx
from bot.store import conversations, customers


def find(tx: Tx, who: str) -> list[int]:
    """The conversations of the customer that is meant; none when there is no such customer.

    ``who`` is a customer's number as :func:`listed` shows it, or ``channel:address``.
    """
    channel, colon, address = who.partition(":")
    if colon:
        row = conversations.of_address(tx, Address(channel, address))
        return [] if row is None else linked(tx, int(row["id"]))
    return customers.conversations_of(tx, int(who)) if who.isdecimal() and len(who) < 16 else []


def linked(tx: Tx, conversation: int) -> list[int]:
    """The conversations of the customer of one."""
    return customers.conversations_of(tx, customers.of(tx, conversation))


def reached(tx: Tx, conversation: int) -> list[int]:
    """Those of :func:`linked` that a contact point reaches which was proven in each of them.

    What only an agent linked is not among them: a proof in one says nothing about the other.
    """
    rows = tx.rows(
        "WITH RECURSIVE reached (id) AS (SELECT :id UNION SELECT o.conversation FROM reached r "
        "JOIN contacts m ON m.conversation = r.id "
        "JOIN contacts o ON o.kind = m.kind AND o.value = m.value "
        "JOIN conversations v ON v.id = o.conversation WHERE v.customer = :customer) "
        "SELECT id FROM reached ORDER BY id",
        id=conversation,
        customer=customers.of(tx, conversation),
    )
    return [row["id"] for row in rows]


def listed(tx: Tx, limit: int = 1000) -> list[dict[str, Any]]:
    """Customers, each with every identity, who wrote last first."""
    rows = tx.rows(
        "SELECT c.customer AS id, c.id AS conversation, c.channel, c.address, c.name, "
        "c.last_in_at, (SELECT count(*) FROM inbox i WHERE i.conversation = c.id) AS messages, "
        "EXISTS (SELECT 1 FROM cases k WHERE k.conversation = c.id AND k.state <> 'closed') "
        "AS open FROM conversations c WHERE c.customer IS NOT NULL "
        "ORDER BY (SELECT max(o.last_in_at) FROM conversations o WHERE o.customer = c.customer) "
        "DESC, c.customer, c.id LIMIT :limit",
        limit=limit,
    )
    return [dict(row) for row in rows]
