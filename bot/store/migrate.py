"""Numbered migrations: each ``NNNN_name.sql`` of a folder once, in order, in a transaction."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable

_NAME = re.compile(r"(\d{4})_\w+\.sql")


@dataclass(frozen=True, slots=True)
class Migrations:
    """The migrations of one owner: ``core`` or a plugin's name."""

    owner: str
    folder: Traversable

    def files(self) -> Iterator[tuple[int, str]]:
        """Yield number and SQL, lowest number first. Raises ValueError for a number used twice."""
        found = [(m, f) for f in self.folder.iterdir() if (m := _NAME.fullmatch(f.name))]
        if len({match[1] for match, _ in found}) < len(found):
            raise ValueError(f"migrations of {self.owner}: two have the same number")
        for match, file in sorted(found, key=lambda pair: pair[1].name):
            yield int(match[1]), file.read_text("utf-8")


class NewerSchema(Exception):
    """The database was written by a newer version of the bot or of a plugin."""


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migrations]) -> None:
    """Bring the database up to date. Raises NewerSchema and sqlite3.Error."""
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations (owner TEXT, number INTEGER, "
        "at TEXT DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (owner, number))"
    )
    for part in migrations:
        rows = connection.execute("SELECT number FROM migrations WHERE owner = ?", (part.owner,))
        done = {number for (number,) in rows}
        files = dict(part.files())
        if done - files.keys():
            raise NewerSchema(part.owner)
        for number in sorted(files.keys() - done):
            _apply(connection, part.owner, number, files[number])


def _apply(connection: sqlite3.Connection, owner: str, number: int, sql: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _statements(sql):
            connection.execute(statement)
        connection.execute("INSERT INTO migrations (owner, number) VALUES (?, ?)", (owner, number))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back when the disk is full
            connection.execute("ROLLBACK")
        raise


def _statements(sql: str) -> Iterator[str]:
    # executescript() would commit first; a half-applied migration must roll back.
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement
