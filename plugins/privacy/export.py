"""A copy of everything about a customer, for people and for machines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from bot.desk import HistoryLine
from bot.messages import Author
from bot.ports import Row, Tx
from bot.store import cases, personal
from bot.store.codec import stamp
from bot.store.personal import Person
from host.ports import KeepsData

_LINES = 1_000_000  # of a conversation: all


def everything(
    tx: Tx,
    keepers: Iterable[KeepsData],
    person: Person,
    now: datetime,
    *,
    internal: bool,
    about: str = "",
) -> dict[str, Any]:
    """The copy as JSON. ``internal``: with what the team noted. ``about`` says what it is."""
    tables = {}
    for keeper in keepers:
        told = [table for table in keeper.tables if internal or not table.internal]
        if found := personal.export(tx, told, person):
            tables[keeper.name] = found
    return {
        **({"about": about} if about else {}),
        "made_at": stamp(now),
        "conversations": [_conversation(tx, one, internal) for one in person.conversations],
        "files": _files(tx, person),
        "tables": tables,
    }


def _conversation(tx: Tx, conversation: int, internal: bool) -> dict[str, Any]:
    row = tx.row("SELECT * FROM conversations WHERE id = :id", id=conversation)
    known: Mapping[str, Any] = {} if row is None else dict(row)
    names = ("channel", "address", "name", "phone", "email", "language", "created_at", "last_in_at")
    lines = [_line(line) for line in said(tx, conversation, internal=internal)]
    about = {name: known[name] for name in names if known.get(name)}
    return {"number": conversation, **about, "messages": lines}


def said(tx: Tx, conversation: int, *, internal: bool = False) -> list[HistoryLine]:
    """What was written in a conversation, on both sides; ``internal``: notes of the team too."""
    lines = cases.history(tx, conversation, _LINES)
    return [line for line in lines if internal or line.author is not Author.NOTE]


def _line(line: HistoryLine) -> dict[str, Any]:
    files = [one.name for one in line.attachments]
    made = {
        "at": stamp(line.at),
        "by": line.author.value,
        "name": line.name,
        "text": line.text,
        "files": files,
        "state": line.state.value if line.state else None,
    }
    return {key: value for key, value in made.items() if value}


def _files(tx: Tx, person: Person) -> list[dict[str, Any]]:
    rows: list[Row] = tx.rows(
        "SELECT DISTINCT file, name, content_type, size, created_at FROM files WHERE file IN "
        "(SELECT value FROM json_each(:named)) ORDER BY created_at",
        **_named(tx, person),
    )
    return [dict(row) for row in rows]


def _named(tx: Tx, person: Person) -> dict[str, str]:
    """The files of a person for a query, those that others were sent too among them."""
    sql = " UNION ".join(
        f"SELECT a.value ->> '$.file' AS file FROM {table}, json_each(attachments) a "
        f"WHERE {personal.among('conversation', 'conversations')}"
        for table in ("inbox", "outbox", "notes")
    )
    found = {row["file"] for row in tx.rows(sql, **person.values()) if row["file"]}
    return {"named": personal.as_list({*found, *person.files})}
