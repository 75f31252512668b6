"""SQLite behind the Store port: one writer with group commit, one reader.

What arrives together shares one transaction (one fsync), each piece of work in a SAVEPOINT of its
own, all in one hop into aiosqlite's thread: 40 times the throughput of a transaction for each (the
figures are in docs/reference/performance.md). A write returns after its commit.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import aiosqlite

from bot.ports import Row, Tx
from bot.store.migrate import Migrations, NewerSchema, migrate

T = TypeVar("T")
Listener = Callable[[Any], None]
log = logging.getLogger(__name__)

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what is deleted is overwritten: no word of it stays in the file
    "PRAGMA busy_timeout = 5000",
)


class StoreError(Exception):
    """The database cannot be used. The text says what is wrong and how to mend it, in one line."""


class _Transaction:
    """The Tx that work gets; collects notifications for after the commit."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.notices: list[tuple[str, Any]] = []

    def rows(self, sql: str, /, **values: Any) -> list[Row]:
        return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, /, **values: Any) -> Row | None:
        row: Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def run(self, sql: str, /, **values: Any) -> int:
        return self._connection.execute(sql, values).rowcount

    def notify(self, topic: str, subject: Any = None) -> None:
        self.notices.append((topic, subject))


class _Write:
    """One queued piece of work and what became of it."""

    __slots__ = ("error", "future", "notices", "result", "work")

    def __init__(self, work: Callable[[Tx], Any], future: asyncio.Future[Any]) -> None:
        self.work = work
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None
        self.notices: list[tuple[str, Any]] = []


class SQLiteStore:
    """The store on one file. Use as an async context manager.

    ``path`` is the database; its folder must exist. ``migrations`` are applied at opening, the
    core's first. Raises StoreError when the database cannot be opened.
    """

    def __init__(self, path: Path, migrations: Sequence[Migrations]) -> None:
        self._path = path
        self._migrations = migrations
        self._writer: aiosqlite.Connection | None = None
        self._reader: aiosqlite.Connection | None = None
        self._queue: list[_Write] = []
        self._draining: asyncio.Task[None] | None = None
        self._listeners: dict[str, list[Listener]] = defaultdict(list)

    async def __aenter__(self) -> SQLiteStore:
        try:
            self._writer = await self._connect()
            await _hop(self._writer, migrate, self._migrations)
            self._reader = await self._connect("PRAGMA query_only = ON")
        except (sqlite3.Error, NewerSchema, OSError) as error:
            await self._disconnect()
            raise StoreError(explain(error, self._path)) from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._draining is not None:
            await asyncio.wait([self._draining])
        await self._disconnect()

    async def _connect(self, *more: str) -> aiosqlite.Connection:
        opening = aiosqlite.connect(self._path, isolation_level=None)
        try:
            connection = await opening
        except BaseException:
            # aiosqlite does not wait for its thread then, which would call a loop that has ended
            # and print a trace.
            await asyncio.to_thread(opening._thread.join)
            raise
        try:
            connection.row_factory = sqlite3.Row
            for pragma in (*_PRAGMAS, *more):
                await connection.execute(pragma)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _disconnect(self) -> None:
        for connection in (self._reader, self._writer):
            if connection is not None:
                await connection.close()
        self._reader = self._writer = None

    def subscribe(self, topic: str, listener: Listener) -> Callable[[], None]:
        """Call ``listener(subject)`` in the event loop after each commit that notified ``topic``.

        Returns what ends the subscription.
        """
        self._listeners[topic].append(listener)
        return lambda: self._listeners[topic].remove(listener)

    async def write(self, work: Callable[[Tx], T], /) -> T:
        """Run ``work`` in one transaction and return after the commit."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append(_Write(work, future))
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain(), name="store writer")
        return await future

    async def read(self, work: Callable[[Tx], T], /) -> T:
        """Run a reading ``work`` on a snapshot."""
        try:
            return await _hop(self._open(self._reader), _read, work)
        except sqlite3.Error as error:
            if _is_broken(error):  # the disk, not the work: loops go on after a StoreError
                raise StoreError(explain(error, self._path)) from error
            raise

    def size(self) -> int:
        """How large the file is, in bytes."""
        return self._path.stat().st_size

    async def scrub(self, *, vacuum: bool) -> None:
        """Take what was overwritten or deleted out of the log beside the file, too.

        The log keeps old pages until it is used again. ``vacuum`` writes the whole file anew, and
        nobody can write meanwhile: of what SQLite had moved between its pages, ``secure_delete``
        leaves some behind (2 of 700 rows, measured). Raises StoreError.
        """
        try:
            await _hop(self._open(self._writer), _scrub, vacuum)
        except sqlite3.Error as error:
            raise StoreError(explain(error, self._path)) from error

    def _open(self, connection: aiosqlite.Connection | None) -> aiosqlite.Connection:
        if connection is None:
            raise StoreError("the database is closed — start the bot first")
        return connection

    async def _drain(self) -> None:
        try:
            while self._queue:
                batch, self._queue = self._queue, []
                await self._commit(batch)
        finally:
            self._draining = None

    async def _commit(self, batch: list[_Write]) -> None:
        try:
            await _hop(self._open(self._writer), _run_batch, batch)
        except (sqlite3.Error, StoreError) as error:
            problem = StoreError(explain(error, self._path))
            for write in batch:
                write.error = problem
                write.notices = []
        for write in batch:
            self._settle(write)

    def _settle(self, write: _Write) -> None:
        # Notices first: whoever awaits the result may rely on the listeners having heard.
        for topic, subject in write.notices:
            for listener in tuple(self._listeners[topic]):
                try:
                    listener(subject)
                except Exception:  # an edge: the writes of the same batch must still hear of theirs
                    log.exception("listener failed", extra={"topic": topic})
        if write.future.done():
            return
        if write.error is not None:
            write.future.set_exception(write.error)
        else:
            write.future.set_result(write.result)


async def _hop(connection: aiosqlite.Connection, work: Callable[..., T], *arguments: object) -> T:
    """Run ``work(sqlite connection, *arguments)`` as one hop into aiosqlite's thread.

    aiosqlite has no public way to run more than one statement in a hop; its version is pinned.
    """
    result: T = await connection._execute(work, connection._conn, *arguments)  # type: ignore[no-untyped-call]
    return result


def _scrub(connection: sqlite3.Connection, vacuum: bool) -> None:
    if vacuum:
        connection.execute("VACUUM")
    (busy, *_), *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    if busy:
        raise sqlite3.OperationalError("the database is locked")


def _run_batch(connection: sqlite3.Connection, batch: list[_Write]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for write in batch:
            _run_one(connection, write)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _run_one(connection: sqlite3.Connection, write: _Write) -> None:
    tx = _Transaction(connection)
    connection.execute("SAVEPOINT work")
    try:
        write.result = write.work(tx)
    except BaseException as error:
        if isinstance(error, sqlite3.Error) and _is_broken(error):
            raise  # the disk, not the work: the whole batch fails
        connection.execute("ROLLBACK TO work")
        write.error = error
    else:
        write.notices = tx.notices
    connection.execute("RELEASE work")


_BROKEN = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_CANTOPEN,
}


def _is_broken(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _BROKEN


def _read(connection: sqlite3.Connection, work: Callable[[Tx], T]) -> T:
    connection.execute("BEGIN")
    try:
        return work(_Transaction(connection))
    finally:
        connection.execute("ROLLBACK")


def explain(error: BaseException, path: Path) -> str:
    """One line: what is wrong with the database and how to mend it."""
    text = str(error)
    if isinstance(error, StoreError):
        return text
    if isinstance(error, NewerSchema):
        return (
            f"{path} was written by a newer version of '{text}' — install that version again, "
            "or use another data folder (--data)"
        )
    if "full" in text:
        return f"no space left for {path} — free some space on its disk and start again"
    if "locked" in text:
        return f"{path} is locked by another program — end that program, or use --data"
    if "not a database" in text or "malformed" in text:
        return f"{path} is damaged — restore it from a backup, or move it away to start afresh"
    if "readonly" in text or "unable to open" in text:
        return f"{path} cannot be opened for writing — check that folder's owner and permissions"
    return f"{path} cannot be used ({text}) — check the disk and the file's permissions"
