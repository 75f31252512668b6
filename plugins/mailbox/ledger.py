"""The mails that were sent to nobody but the demo's page, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.messages import Outbound
from bot.ports import Row, Tx
from bot.store.codec import stamp
from plugins.mailbox.api import ShownMail


def add(tx: Tx, out: Outbound, subject: str, now: datetime, keep: int) -> int:
    """Note a mail, once, and drop what is older than the newest ``keep``; return its number."""
    tx.run(
        "INSERT INTO mailbox_mails (out_id, recipient, subject, text, at) "
        "VALUES (:out_id, :recipient, :subject, :text, :at) ON CONFLICT (out_id) DO NOTHING",
        out_id=out.id,
        recipient=out.address.id,
        subject=subject,
        text=out.text,
        at=stamp(now),
    )
    tx.run(
        "DELETE FROM mailbox_mails WHERE id <= "
        "(SELECT id FROM mailbox_mails ORDER BY id DESC LIMIT 1 OFFSET :keep)",
        keep=keep,
    )
    row = tx.row("SELECT id FROM mailbox_mails WHERE out_id = :out_id", out_id=out.id)
    assert row is not None  # noqa: S101 - it is the newest, or is among those that are kept
    number: int = row["id"]
    return number


def newest(tx: Tx) -> list[Row]:
    """All mails, newest first."""
    return tx.rows("SELECT id, recipient, subject, text, at FROM mailbox_mails ORDER BY id DESC")


def of_rows(tx: Tx, rows: Sequence[str]) -> list[ShownMail]:
    """The mails of some rows of the outbox, in that order; dropped ones are left out."""
    found = [
        tx.row("SELECT recipient, subject, text FROM mailbox_mails WHERE out_id = :row", row=row)
        for row in rows
    ]
    return [ShownMail(one["recipient"], one["subject"], one["text"]) for one in found if one]
