"""The channel's own tables: which of our rows is which message at Twilio, and contents made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from bot.messages import Button
from bot.ports import Row, Tx

_ATTEMPT = """
INSERT INTO whatsapp_sent (row, address, payloads, at) VALUES (:row, :address, :payloads, :at)
ON CONFLICT (row) DO UPDATE SET at = excluded.at
"""


def attempt(tx: Tx, row: str, address: str, buttons: Sequence[Button]) -> str | None:
    """Note that a row is about to leave; Twilio's id when it has left already."""
    known = sent(tx, row)
    if known is not None and known["sid"] is not None:
        return str(known["sid"])
    payloads = json.dumps([[button.title, button.payload] for button in buttons])
    tx.run(_ATTEMPT, row=row, address=address, payloads=payloads, at=_now())
    return None


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


def payload(tx: Tx, address: str, place: int, title: str, under: str | None) -> str | None:
    """What the button at a place meant: of the message it stood under, where that is known.

    Twilio does not name an old message, and a customer may be faster than its answer to our send.
    Then the latest question is taken when it has that title there: places alone are all alike.
    """
    row = tx.row(
        "SELECT payloads FROM whatsapp_sent WHERE address = :address AND sid = :under",
        address=address,
        under=under,
    )
    if row is not None:
        return _payload_at(row, place, None)
    row = tx.row(
        "SELECT payloads FROM whatsapp_sent WHERE address = :address AND payloads <> '[]' "
        "AND (:under IS NULL OR sid IS NULL) ORDER BY at DESC LIMIT 1",
        address=address,
        under=under,
    )
    return None if row is None else _payload_at(row, place, title)


def _payload_at(row: Row, place: int, wanted: str | None) -> str | None:
    buttons = json.loads(row["payloads"])
    if not 1 <= place <= len(buttons):
        return None
    title, found = buttons[place - 1]
    return str(found) if wanted is None or title.strip() == wanted.strip() else None


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
