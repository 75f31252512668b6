"""What the chat page's tables hold of customers. A session is the address of a conversation."""

from __future__ import annotations

from bot.store.personal import DataTable, among
from host.keepers import Tables

KEEPER = Tables(
    "web",
    (
        DataTable("web_messages", "what the chat page shows", whose=among("session", "addresses")),
        DataTable(
            "web_files", "which files a session may read", whose=among("session", "addresses")
        ),
    ),
)
