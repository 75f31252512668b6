"""The three things that can be done with dead letters, on an open store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.ports import Store
from bot.store import dead
from bot.store.codec import utc_now

WAYS = ("replay", "drop")


async def listed(store: Store) -> list[dict[str, Any]]:
    """All dead letters, oldest first."""
    return [dict(row) for row in await store.read(dead.listed)]


async def shown(store: Store, letter: str) -> Mapping[str, Any] | None:
    """One dead letter, or ``None``."""
    return await store.read(lambda tx: dead.show(tx, letter))


async def settle(store: Store, way: str, letter: str) -> str:
    """Replay or drop; return ``done``, ``unknown`` or ``busy``."""
    if way == "replay":
        return await store.write(lambda tx: dead.replay(tx, letter, utc_now()))
    return await store.write(lambda tx: dead.drop(tx, letter))
