"""The chat page's own tables: what was said, in order, and whose files are whose."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.messages import Attachment
from bot.ports import Row, Tx

_INSERT_IN = """
INSERT INTO web_messages (session, direction, client_id, author, payload, at)
VALUES (:session, 'in', :client_id, 'customer', :payload, :at)
ON CONFLICT (session, client_id) DO NOTHING
"""
_INSERT_OUT = """
INSERT INTO web_messages (session, direction, out_id, author, payload, at)
VALUES (:session, 'out', :out_id, :author, :payload, :at)
ON CONFLICT (out_id) DO NOTHING
"""
_INSERT_FILE = """
INSERT INTO web_files (session, file, name, content_type, size, uploaded, at)
VALUES (:session, :file, :name, :content_type, :size, :uploaded, :at)
ON CONFLICT (session, file) DO UPDATE SET name = excluded.name, at = excluded.at
"""
_AFTER = """
SELECT * FROM web_messages WHERE session = :session AND id > :after AND removed = 0
ORDER BY id LIMIT :limit
"""
_BEFORE = """
SELECT * FROM web_messages WHERE session = :session AND id < :before AND removed = 0
AND changes IS NULL ORDER BY id DESC LIMIT :limit
"""
_SHOWN = """
SELECT * FROM web_messages WHERE session = :session AND id = :id AND direction = 'out'
AND changes IS NULL
"""
_INSERT_CHANGE = """
INSERT INTO web_messages (session, direction, author, payload, at, changes)
VALUES (:session, 'out', :author, :payload, :at, :changes)
"""
_DROP_FILES = """
DELETE FROM web_files WHERE session = :session AND file = :file AND uploaded = 0
AND NOT EXISTS (SELECT 1 FROM web_messages m WHERE m.session = :session AND m.removed = 0
AND m.payload LIKE '%' || :file || '%')
"""
_FILE = "SELECT * FROM web_files WHERE session = :session AND file = :file"
_UPLOADS = """
SELECT count(*) AS uploads FROM web_files
WHERE session = :session AND uploaded = 1 AND at > :since
"""
NEWEST = 2**62


def add_in(tx: Tx, session: str, client_id: str, shown: Mapping[str, Any]) -> int:
    """Note a customer's message; return its row id, also of the one noted before."""
    values = {"session": session, "client_id": client_id}
    tx.run(_INSERT_IN, payload=json.dumps(shown), at=_now(), **values)
    row = tx.row(
        "SELECT id FROM web_messages WHERE session = :session AND client_id = :client_id", **values
    )
    return _id(row)


def add_out(
    tx: Tx, session: str, out_id: str, author: str, shown: Mapping[str, Any]
) -> tuple[int, bool]:
    """Note a message to the customer; return its row id and whether it is new."""
    new = tx.run(
        _INSERT_OUT,
        session=session,
        out_id=out_id,
        author=author,
        payload=json.dumps(shown),
        at=_now(),
    )
    row = tx.row("SELECT id FROM web_messages WHERE out_id = :out_id", out_id=out_id)
    return _id(row), new > 0


def edit(tx: Tx, session: str, number: int, text: str) -> bool:
    """Change the text of a message, and note that; False when it is not there (any more)."""
    row = tx.row(_SHOWN, session=session, id=number)
    if row is None or row["removed"]:
        return False
    payload = json.loads(row["payload"])
    if payload["text"] != text:
        changed = json.dumps({**payload, "text": text, "edited": True})
        tx.run("UPDATE web_messages SET payload = :new WHERE id = :id", id=number, new=changed)
        _note_change(tx, row, {"text": text, "edited": True})
    return True


def remove(tx: Tx, session: str, number: int) -> bool:
    """Take a message and its files away, and note that; False when there is none."""
    row = tx.row(_SHOWN, session=session, id=number)
    if row is None:
        return False
    if not row["removed"]:
        tx.run(
            "UPDATE web_messages SET payload = '{}', removed = 1 WHERE id = :id",
            id=number,
        )
        for one in json.loads(row["payload"])["attachments"]:
            tx.run(_DROP_FILES, session=session, file=one["file"])
        _note_change(tx, row, {"removed": True})
    return True


def _note_change(tx: Tx, row: Row, shown: Mapping[str, Any]) -> None:
    tx.run(
        _INSERT_CHANGE,
        session=row["session"],
        author=row["author"],
        payload=json.dumps(shown),
        at=_now(),
        changes=row["id"],
    )


def add_file(tx: Tx, session: str, attachment: Attachment, *, uploaded: bool) -> None:
    """Let a session read a file; ``uploaded`` when the customer sent it."""
    tx.run(
        _INSERT_FILE,
        session=session,
        file=attachment.file,
        name=attachment.name,
        content_type=attachment.content_type,
        size=attachment.size or 0,
        uploaded=int(uploaded),
        at=_now(),
    )


def uploads(tx: Tx, session: str) -> int:
    """How many files a session sent within the last hour."""
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    row = tx.row(_UPLOADS, session=session, since=since)
    return int(row["uploads"]) if row else 0


def file(tx: Tx, session: str, name: str) -> Attachment | None:
    """A file that this session sent or was sent, else ``None``."""
    row = tx.row(_FILE, session=session, file=name)
    if row is None:
        return None
    return Attachment(row["name"], row["content_type"], row["size"], file=row["file"])


def after(tx: Tx, session: str, number: int, limit: int) -> list[dict[str, Any]]:
    """What was said and changed after a row, oldest first."""
    return [shown(row) for row in tx.rows(_AFTER, session=session, after=number, limit=limit)]


def before(tx: Tx, session: str, number: int, limit: int) -> list[dict[str, Any]]:
    """What was said before a row, oldest first; the latest where ``number`` is ``NEWEST``."""
    rows: Sequence[Row] = tx.rows(_BEFORE, session=session, before=number, limit=limit)
    return [shown(row) for row in reversed(rows)]


def shown(row: Row) -> dict[str, Any]:
    """Render a row for the page."""
    if row["changes"] is not None:
        return {"id": row["id"], "changes": row["changes"], **json.loads(row["payload"])}
    return {
        "id": row["id"],
        "direction": row["direction"],
        "client_id": row["client_id"],
        "author": row["author"],
        "at": row["at"],
        **json.loads(row["payload"]),
    }


def _id(row: Row | None) -> int:
    if row is None:
        raise LookupError("the message was not noted")
    return int(row["id"])


def _now() -> str:
    return datetime.now(UTC).isoformat()
