"""Rasa's tracker, which holds messages and slots: erased, and dropped by age.

While Rasa runs it does that itself: a turn that is under way would save its tracker afterwards.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from bot.ports import Retry, Tx, Unavailable
from bot.store.personal import DataTable, Person, Remains
from plugins.rasa.client import post
from plugins.rasa.dialogue import RasaPlugin
from plugins.rasa.settings import RasaSettings

FORGET, OLD = "webhooks/schalter/forget", "webhooks/schalter/old"
_OLD = "SELECT sender_id FROM events GROUP BY sender_id HAVING max(timestamp) < ?"


class TrackerKeeper:
    """The keeper of ``rasa.db``, or of the trackers of a server that runs elsewhere."""

    name = "rasa"
    keeps = "tracker"
    tables: Sequence[DataTable] = ()

    def __init__(self, plugin: RasaPlugin, settings: RasaSettings, data: Path) -> None:
        self._plugin, self._settings = plugin, settings
        self._file = data / "rasa.db"

    def plan(self, tx: Tx, person: Person) -> Mapping[str, Any] | None:  # noqa: ARG002
        """The numbers of the conversations: trackers are named by them."""
        return {"conversations": list(person.conversations)}

    async def forget(self, plan: Mapping[str, Any]) -> Sequence[Remains]:
        """Erase the trackers of these conversations. Raises Retry while Rasa cannot be asked."""
        conversations: list[int] = plan["conversations"]
        if self._is_ours_alone():
            await asyncio.to_thread(_forget, self._file, conversations)
        else:
            await self._ask(FORGET, {"conversations": conversations})
        return ()

    async def count_old(self, before: datetime) -> int:
        """How many trackers had no event since then. Raises Retry."""
        return await self._old(before, drop=False)

    async def drop_old(self, before: datetime) -> int:
        """Forget the trackers that had no event since then. Raises Retry."""
        return await self._old(before, drop=True)

    async def _old(self, before: datetime, *, drop: bool) -> int:
        if self._is_ours_alone():
            return await asyncio.to_thread(_old, self._file, before.timestamp(), drop)
        found = await self._ask(OLD, {"before": before.timestamp(), "drop": drop})
        return int(found["trackers"])

    def _is_ours_alone(self) -> bool:
        """Whether no Rasa has the file open: no bot runs."""
        return self._settings.url is None and not self._plugin.is_built

    async def _ask(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            endpoint = self._plugin.endpoint()
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(60)) as session:
                url = f"{endpoint.url.rstrip('/')}/{path}"
                return await post(session, url, endpoint.token, body)
        except Unavailable as error:
            raise Retry(None, "rasa_unavailable") from error


def _forget(file: Path, conversations: Sequence[int]) -> None:
    if not file.exists():
        return
    with closing(_opened(file)) as database:
        for number in conversations:
            between = (f"{number}.", f"{number}/")
            database.execute("DELETE FROM events WHERE sender_id >= ? AND sender_id < ?", between)
        database.execute("VACUUM")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _old(file: Path, before: float, drop: bool) -> int:
    if not file.exists():
        return 0
    with closing(_opened(file)) as database:
        senders = [row[0] for row in database.execute(_OLD, (before,))]
        if drop:
            database.executemany("DELETE FROM events WHERE sender_id = ?", ((s,) for s in senders))
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return len(senders)


def _opened(file: Path) -> sqlite3.Connection:
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA secure_delete = ON")
    # The table is Rasa's: a file that it has not used yet has none.
    database.execute(
        "CREATE TABLE IF NOT EXISTS events (id INTEGER NOT NULL PRIMARY KEY, sender_id VARCHAR(255)"
        " NOT NULL, type_name VARCHAR(255) NOT NULL, timestamp FLOAT, intent_name VARCHAR(255), "
        "action_name VARCHAR(255), data TEXT)"
    )
    return database
