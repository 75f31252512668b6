"""What the mail tables hold of customers, and what their mailboxes still hold.

A thread's key is the address of a conversation. The rows of imports stay, without what names a
person: a mail that still lies in its mailbox must not be taken for a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.ports import Tx
from bot.store.personal import DataTable, Person, Remains, among

_TABLES = (
    DataTable(
        "mail_imports",
        "which mail lay where, and what became of it",
        whose=among("thread", "addresses"),
        erase="message_id = '', thread = NULL, file = NULL",
    ),
    DataTable("mail_folders", "from where on a folder is imported"),
    DataTable("mail_tokens", "tokens of our own mailboxes"),
    DataTable(
        "mail_messages", "Message-IDs of mails, in and out", whose=among("thread", "addresses")
    ),
    DataTable(
        "mail_threads",
        "who writes, with name and subject",
        whose=among("key", "addresses"),
    ),
    DataTable(
        "mail_threads",
        "which thread it may belong to",
        whose=among("proposed", "addresses"),
        erase="proposed = NULL",
        exported=False,
    ),
)


@dataclass(frozen=True, slots=True)
class Keeper:
    """``channel``: its name."""

    channel: str = "mail"
    name: str = "mail"
    tables: Sequence[DataTable] = _TABLES

    def files_of(self, tx: Tx, person: Person) -> Sequence[str]:
        """The originals of the mails; one that came into another thread too is not theirs alone."""
        if not tx.row("SELECT 1 FROM sqlite_master WHERE name = 'mail_imports'"):
            return ()
        mine = among("thread", "addresses")
        rows = tx.rows(
            f"SELECT DISTINCT file FROM mail_imports WHERE file IS NOT NULL AND {mine} "
            f"AND file NOT IN (SELECT file FROM mail_imports WHERE file IS NOT NULL "
            f"AND thread IS NOT NULL AND NOT {mine})",
            **person.values(),
        )
        return [str(row["file"]) for row in rows]

    def remains(self, tx: Tx, person: Person) -> Sequence[Remains]:
        """The mails that still lie in our mailboxes, each by its place; and the customer's own."""
        if not any(one.channel == self.channel for one in person.addresses):
            return ()
        rows = tx.rows(
            "SELECT mailbox, folder, uidvalidity, uid, message_id FROM mail_imports WHERE "
            f"{among('thread', 'addresses')} ORDER BY at",
            **person.values(),
        )
        ours = [
            Remains(
                "mailbox",
                f"{row['mailbox']}/{row['folder']} UID {row['uid']} (UIDVALIDITY "
                f"{row['uidvalidity']})",
                f"Message-ID {row['message_id']}" if row["message_id"] else "",
            )
            for row in rows
        ]
        return (*ours, Remains("messenger", "the customer's mailbox, and Sent of ours"))
