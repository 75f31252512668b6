"""What the demo's mailbox holds: mails, which end with what they were sent for."""

from __future__ import annotations

from bot.store.personal import DataTable, among
from host.keepers import Tables

KEEPER = Tables(
    "mailbox",
    (
        DataTable(
            "mailbox_mails",
            "the mails that the demo's page shows",
            whose=f"{among('out_id', 'rows')} OR {among('recipient', 'addresses')}",
            old="at < :before",
            keeps="identity",
        ),
    ),
)
