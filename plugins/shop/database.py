"""The demo shop's SQLite file: a connection for each piece of work, always in a thread.

A connection is opened and closed within one call (0.2 ms), so there is nothing to close at the end
and `bot shop reset` may run beside a bot. Writers queue at `BEGIN IMMEDIATE`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from plugins.shop.errors import ShopUnavailable

T = TypeVar("T")

BUSY_SECONDS = 10.0

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    number   TEXT PRIMARY KEY,
    version  INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS changes (
    id      INTEGER PRIMARY KEY,
    key     TEXT NOT NULL UNIQUE,
    number  TEXT NOT NULL,
    kind    TEXT NOT NULL,
    at      TEXT NOT NULL,
    request TEXT NOT NULL,
    version INTEGER NOT NULL,
    before  TEXT NOT NULL,
    after   TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS labels (
    id       INTEGER PRIMARY KEY,
    key      TEXT NOT NULL UNIQUE,
    tracking TEXT NOT NULL UNIQUE,
    number   TEXT NOT NULL,
    carrier  TEXT NOT NULL,
    at       TEXT NOT NULL,
    pdf      BLOB NOT NULL,
    qr_png   BLOB NOT NULL
) STRICT;
"""
"""`before` and `after` are whole orders as in schema.py, `version` is the one after the change."""


class Database:
    """Access to one shop.db. `prepare` fills a new file, in the transaction that makes it."""

    def __init__(self, path: Path, prepare: Callable[[sqlite3.Connection], None]) -> None:
        self.path = path
        self._prepare = prepare

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on a connection. Raises ShopUnavailable when the file cannot be read."""
        return await asyncio.to_thread(self._run, work, "BEGIN")

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in a transaction that an exception rolls back. Raises ShopUnavailable."""
        return await asyncio.to_thread(self._run, work, "BEGIN IMMEDIATE")

    def _run(self, work: Callable[[sqlite3.Connection], T], begin: str) -> T:
        try:
            with self._connection() as db, _transaction(db, begin):
                return work(db)
        except (sqlite3.Error, OSError) as error:
            raise ShopUnavailable(type(error).__name__) from error

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        with closing(connection) as db:
            if db.execute("PRAGMA user_version").fetchone()[0] == 0:
                self._create(db)
            db.execute("PRAGMA synchronous=FULL")
            yield db

    def _create(self, db: sqlite3.Connection) -> None:
        db.execute("PRAGMA journal_mode=WAL")
        with _transaction(db, "BEGIN IMMEDIATE"):
            # Another process may have made the tables while this one waited for the lock.
            if db.execute("PRAGMA user_version").fetchone()[0]:
                return
            for statement in SCHEMA.split(";\n"):
                db.execute(statement)
            self._prepare(db)
            db.execute("PRAGMA user_version=1")


@contextmanager
def _transaction(db: sqlite3.Connection, begin: str) -> Iterator[None]:
    db.execute(begin)
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
