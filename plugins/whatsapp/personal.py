"""What the channel's tables hold of customers, and what lies with them and with Twilio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.ports import Tx
from bot.store.personal import DataTable, Person, Remains, among

_TABLES = (
    DataTable(
        "whatsapp_sent",
        "the phone number, and what buttons meant",
        whose=among("address", "addresses"),
        old="at < :before",
        keeps="ledgers",
    ),
    DataTable("whatsapp_contents", "forms of questions that are made at Twilio, without words"),
)


@dataclass(frozen=True, slots=True)
class Keeper:
    """``channel``: its name."""

    channel: str = "whatsapp"
    name: str = "whatsapp"
    tables: Sequence[DataTable] = _TABLES

    def remains(self, tx: Tx, person: Person) -> Sequence[Remains]:  # noqa: ARG002
        """The messages on the customer's phone, and in Twilio's log."""
        if not any(one.channel == self.channel for one in person.addresses):
            return ()
        return (Remains("messenger", "WhatsApp, and Twilio's message log"),)
