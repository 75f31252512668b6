"""The channel's own tables: which of our rows is which message at Twilio, and contents made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from bot.ports import Row, Tx

_ATTEMPT = """
INSERT INTO whatsapp_sent (row, address, payloads, at) VALUES (:row, :address, :payloads, :at)
ON CONFLICT (row) DO UPDATE SET at = excluded.at
"""


def attempt(tx: Tx, row: str, address: str, payloads: Sequence[str]) -> None:
    """Note that a row is about to leave."""
    tx.run(_ATTEMPT, row=row, address=address, payloads=json.dumps(payloads), at=_now())


def note_sid(tx: Tx, row: str, sid: str) -> None:
    """Note Twilio's id of a row; the first one stays."""
    tx.run(
        "UPDATE OR IGNORE whatsapp_sent SET sid = :sid WHERE row = :row AND sid IS NULL",
        row=row,
        sid=sid,
    )


def sent(tx: Tx, row: str) -> Row | None:
    """What is known of a row."""
    return tx.row("SELECT * FROM whatsapp_sent WHERE row = :row", row=row)


def known(tx: Tx, address: str) -> set[str]:
    """Twilio's ids of all rows to an address."""
    rows = tx.rows(
        "SELECT sid FROM whatsapp_sent WHERE address = :address AND sid IS NOT NULL",
        address=address,
    )
    return {row["sid"] for row in rows}


def payload(tx: Tx, address: str, place: int, under: str | None) -> str | None:
    """What a button meant: under a message, or under the latest one that had buttons.

    A customer may be faster than Twilio's answer to our send: a row without an id may be the one.
    """
    row = tx.row(
        "SELECT payloads FROM whatsapp_sent WHERE address = :address AND payloads <> '[]' "
        "AND (:under IS NULL OR sid = :under OR sid IS NULL) "
        "ORDER BY (sid IS NOT NULL AND sid = :under) DESC, at DESC LIMIT 1",
        address=address,
        under=under,
    )
    payloads = json.loads(row["payloads"]) if row else []
    return str(payloads[place - 1]) if 1 <= place <= len(payloads) else None


def content(tx: Tx, shape: str) -> str | None:
    """The content that was made for a shape."""
    row = tx.row("SELECT sid FROM whatsapp_contents WHERE shape = :shape", shape=shape)
    return row["sid"] if row else None


def keep_content(tx: Tx, shape: str, sid: str) -> None:
    """Note the content of a shape."""
    tx.run(
        "INSERT INTO whatsapp_contents (shape, sid) VALUES (:shape, :sid) "
        "ON CONFLICT (shape) DO UPDATE SET sid = :sid",
        shape=shape,
        sid=sid,
    )


def forget_content(tx: Tx, shape: str) -> None:
    """A content that Twilio no longer has: the next send makes it anew."""
    tx.run("DELETE FROM whatsapp_contents WHERE shape = :shape", shape=shape)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
