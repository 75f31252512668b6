"""Who sits at the desks: ids, and names for people."""

from __future__ import annotations

from bot.ports import Tx


def introduce(tx: Tx, agent: str, name: str) -> bool:
    """Keep the name of an agent; False when it was known."""
    return bool(
        tx.run(
            "INSERT INTO agents (id, name) VALUES (:id, :name) "
            "ON CONFLICT (id) DO UPDATE SET name = :name WHERE name <> :name",
            id=agent,
            name=name,
        )
    )


def name_of(tx: Tx, agent: str) -> str:
    """The name of an agent; the id is the name of one whom no desk introduced."""
    row = tx.row("SELECT name FROM agents WHERE id = :id", id=agent)
    return agent if row is None else str(row["name"])
