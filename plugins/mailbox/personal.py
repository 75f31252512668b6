"""What the demo's mailbox holds of customers: mails, each to one address."""

from __future__ import annotations

from bot.store.personal import DataTable, among
from host.keepers import Tables
from plugins.mailbox.api import NAME

KEEPER = Tables(
    NAME,
    (
        DataTable(
            "mailbox_mails",
            "what the demo's mailbox shows, with its codes",
            whose=f"{among('out_id', 'rows')} OR {among('recipient', 'addresses')}",
            old="at < :before",
            keeps="identity",
        ),
    ),
)
