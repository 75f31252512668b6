"""What tables hold of persons: how it is told, copied out, emptied for one person, and by age.

A part that keeps such data says so by :class:`DataTable`; everything else is done here, the same
way for the core and for every plugin. Whoever keeps something outside of the database too is an
``ErasesElsewhere`` (``host/ports.py``).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.messages import Address
from bot.ports import Row, Tx
from bot.store.codec import stamp

DELETE = ""
"""``DataTable.erase``: the rows go. Otherwise it is what they are set to."""


@dataclass(frozen=True, slots=True)
class DataTable:
    """A table, and what is to be done with what it holds of a person.

    ``whose`` is an SQL condition that finds the rows of a :class:`Person`: it may use the lists
    ``:conversations``, ``:addresses``, ``:cases``, ``:turns``, ``:rows``, ``:files`` and
    ``:subjects`` by :func:`among`. Empty: no person is in it, and ``holds`` says what is.

    ``erase`` is what the rows are set to; a row that is needed for figures, or whose number must
    not be given away again, stays, without the person. ``limits`` is what they are set to where
    the customer asked for it: who is erased must not begin to guess anew.

    ``old`` finds rows that are too old, by ``:before`` (a stamp) or ``:before_seconds`` (since
    1970); ``keeps`` names the class of retention. A table without ``old`` ends with its
    conversation.
    """

    name: str
    holds: str
    whose: str = ""
    erase: str = DELETE
    limits: str = ""
    old: str = ""
    keeps: str = ""
    exported: bool = True
    internal: bool = False  # of the team: not in the copy that a customer gets in the chat


@dataclass(frozen=True, slots=True)
class Person:
    """Everything that names one customer in the tables, gathered before any of it goes."""

    conversations: tuple[int, ...]
    addresses: tuple[Address, ...]
    cases: tuple[int, ...] = ()
    turns: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()  # of the outbox
    messages: tuple[int, ...] = ()  # of the inbox
    files: tuple[str, ...] = ()  # that nobody else has
    subjects: tuple[str, ...] = ()  # orders that were proven
    pseudonym: str = ""
    own_wish: bool = False  # the customer asked for it

    def values(self) -> dict[str, Any]:
        """The parameters of a condition."""
        return {
            "conversations": json.dumps(self.conversations),
            "addresses": json.dumps([one.id for one in self.addresses]),
            "cases": json.dumps(self.cases),
            "turns": json.dumps(self.turns),
            "rows": json.dumps(self.rows),
            "messages": json.dumps(self.messages),
            "files": json.dumps(self.files),
            "subjects": json.dumps(self.subjects),
            "pseudonym": self.pseudonym,
        }


@dataclass(frozen=True, slots=True)
class Remains:
    """What an erasure leaves where the bot cannot erase. ``what`` is a short code.

    ``where`` is kept with the erasure and names no person; ``note`` is told once, and not kept.
    """

    what: str
    where: str = ""
    note: str = ""


def among(column: str, values: str) -> str:
    """The condition that a column has one of the values of a list."""
    return f"{column} IN (SELECT value FROM json_each(:{values}))"


def as_list(values: Iterable[Any]) -> str:
    """A list as a condition takes it."""
    return json.dumps(sorted(values))


def gather(
    tx: Tx, conversations: Iterable[int], pseudonym: str = "", *, own_wish: bool = False
) -> Person:
    """Everything that names the customer of these conversations."""
    ids = tuple(sorted(set(conversations)))
    values = {"ids": json.dumps(ids)}
    mine = "IN (SELECT value FROM json_each(:ids))"

    def column(sql: str) -> tuple[Any, ...]:
        return tuple(row["found"] for row in tx.rows(sql.format(mine=mine), **values))

    found = tx.rows(f"SELECT * FROM conversations WHERE id {mine}", **values)
    return Person(
        conversations=tuple(row["id"] for row in found),
        addresses=tuple(Address(row["channel"], row["address"]) for row in found),
        cases=column("SELECT id AS found FROM cases WHERE conversation {mine}"),
        turns=column("SELECT key AS found FROM turns WHERE conversation {mine}"),
        rows=column("SELECT id AS found FROM outbox WHERE conversation {mine}"),
        messages=column("SELECT id AS found FROM inbox WHERE conversation {mine}"),
        files=column(_FILES),
        subjects=column(_SUBJECTS),
        pseudonym=pseudonym,
        own_wish=own_wish,
    )


_SENT = (
    "SELECT a.value ->> '$.file' AS file, conversation FROM {table}, json_each(attachments) a "
    "WHERE attachments <> '[]'"
)
_NAMED = " UNION ALL ".join(_SENT.format(table=table) for table in ("inbox", "outbox", "notes"))
# A file is named by its content: one that others were sent too is not this customer's.
_FILES = (
    f"WITH named AS ({_NAMED}) SELECT DISTINCT file AS found FROM ("
    "SELECT file FROM named WHERE conversation {mine} UNION SELECT file FROM files WHERE owner IN ("
    "SELECT 'conversation:' || value FROM json_each(:ids) "
    "UNION SELECT 'case:' || id FROM cases WHERE conversation {mine} "
    "UNION SELECT channel || ':' || address FROM conversations WHERE id {mine})) "
    "WHERE file IS NOT NULL AND file NOT IN "
    "(SELECT file FROM named WHERE file IS NOT NULL AND NOT conversation {mine})"
)
_SUBJECTS = (
    "SELECT subject AS found FROM proofs WHERE conversation {mine} "
    "UNION SELECT subject FROM audit WHERE conversation {mine} AND ok AND subject <> '' "
    "UNION SELECT subject FROM calls WHERE conversation {mine} AND effect AND subject <> ''"
)


def existing(tx: Tx, tables: Iterable[DataTable]) -> list[DataTable]:
    """Those that this database has: a plugin that is not set up has made none."""
    names = {row["name"] for row in tx.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return [table for table in tables if table.name in names]


def count(tx: Tx, tables: Iterable[DataTable], person: Person) -> dict[str, int]:
    """How many rows are about a person, by table."""
    values, found = person.values(), Counter[str]()
    for table in existing(tx, tables):
        if table.whose:
            sql = f"SELECT count(*) AS n FROM {table.name} WHERE {table.whose}"
            row = tx.row(sql, **values)
            found[table.name] += int(row["n"]) if row else 0
    return {name: number for name, number in found.items() if number}


def export(tx: Tx, tables: Iterable[DataTable], person: Person) -> dict[str, list[dict[str, Any]]]:
    """The rows about a person, by table; what is JSON in a column is unpacked."""
    values = person.values()
    found: dict[str, list[dict[str, Any]]] = {}
    for table in existing(tx, tables):
        if table.whose and table.exported:
            sql = f"SELECT * FROM {table.name} WHERE {table.whose}"
            found[table.name] = [_unpacked(row) for row in tx.rows(sql, **values)]
    return {name: rows for name, rows in found.items() if rows}


def _unpacked(row: Row) -> dict[str, Any]:
    return {name: _value(row[name]) for name in dict(row)}


def _value(value: Any) -> Any:
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def erase(tx: Tx, tables: Iterable[DataTable], person: Person) -> dict[str, int]:
    """Empty or delete everything about a person; rows by table. Twice does no harm."""
    values, done = person.values(), Counter[str]()
    for table in existing(tx, tables):
        if table.whose:
            change = table.limits if person.own_wish and table.limits else table.erase
            begin = f"UPDATE {table.name} SET {change}" if change else f"DELETE FROM {table.name}"
            done[table.name] += tx.run(f"{begin} WHERE {table.whose}", **values)
    return {name: number for name, number in done.items() if number}


def ageing(tables: Iterable[DataTable]) -> list[DataTable]:
    """Those that lose rows by age alone."""
    return [table for table in tables if table.old]


def count_old(tx: Tx, table: DataTable, before: datetime) -> int:
    """How many rows of a table are older than that."""
    sql = f"SELECT count(*) AS n FROM {table.name} WHERE {table.old}"
    row = tx.row(sql, **_ages(before))
    return int(row["n"]) if row else 0


def drop_old(tx: Tx, table: DataTable, before: datetime, limit: int) -> int:
    """Delete some rows that are older than that; how many. Call again until it is none."""
    return tx.run(
        f"DELETE FROM {table.name} WHERE rowid IN "
        f"(SELECT rowid FROM {table.name} WHERE {table.old} LIMIT :limit)",
        limit=limit,
        **_ages(before),
    )


def _ages(before: datetime) -> dict[str, Any]:
    return {"before": stamp(before), "before_seconds": before.timestamp()}


def quiet(tx: Tx, person: Person, since: datetime) -> bool:
    """Whether nothing about a person is on its way, and nothing was said since then."""
    row = tx.row(
        "SELECT 1 FROM turns WHERE status = 'frozen' AND {c} "
        "UNION ALL SELECT 1 FROM inbox WHERE status = 'pending' AND {c} "
        "UNION ALL SELECT 1 FROM calls WHERE status = 'started' AND {c} "
        "UNION ALL SELECT 1 FROM outbox WHERE {c} AND (state = 'sending' "
        "OR state = 'queued' AND op = 'send' OR sent_at > :since AND op = 'send') LIMIT 1".format(
            c=among("conversation", "conversations")
        ),
        conversations=json.dumps(person.conversations),
        since=stamp(since),
    )
    return row is None


def open_cases(tx: Tx, conversations: Sequence[int]) -> list[Row]:
    """Cases that people still work on."""
    return tx.rows(
        "SELECT id, desk, conversation, agent FROM cases WHERE state <> 'closed' AND "
        + among("conversation", "conversations"),
        conversations=json.dumps(tuple(conversations)),
    )


def silent_since(tx: Tx, before: datetime, after: int, limit: int) -> list[int]:
    """Conversations in which nothing was said since then and no case is open, by number.

    ``after``: the number of the last one that was looked at.
    """
    rows = tx.rows(
        "SELECT c.id FROM conversations c WHERE c.id > :after AND c.last_in_at < :before "
        "AND c.address NOT LIKE 'erased:%' "
        "AND NOT EXISTS (SELECT 1 FROM cases k WHERE k.conversation = c.id AND (k.state <> "
        "'closed' OR k.closed_at >= :before)) "
        "AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.conversation = c.id AND op = 'send' AND "
        "(o.created_at >= :before OR o.state IN ('queued', 'sending'))) "
        "AND NOT EXISTS (SELECT 1 FROM turns t WHERE t.conversation = c.id "
        "AND t.status = 'frozen') ORDER BY c.id LIMIT :limit",
        after=after,
        before=stamp(before),
        limit=limit,
    )
    return [int(row["id"]) for row in rows]


def wrote_since(tx: Tx, conversations: Sequence[int], at: str) -> bool:
    """Whether a customer wrote again after a stamp."""
    row = tx.row(
        "SELECT 1 FROM conversations WHERE last_in_at > :at AND " + among("id", "conversations"),
        at=at,
        conversations=json.dumps(tuple(conversations)),
    )
    return row is not None
