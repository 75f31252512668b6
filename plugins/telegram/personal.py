"""What the channel's tables hold of customers, and what lies with them and with Telegram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.ports import Tx
from bot.store.personal import DataTable, Person, Remains, among

_TABLES = (
    DataTable(
        "telegram_buttons",
        "the chat's number, titles and meanings of buttons",
        whose=among("address", "addresses"),
    ),
    DataTable("telegram_poller", "where polling goes on"),
)


@dataclass(frozen=True, slots=True)
class Keeper:
    """``channel``: its name."""

    channel: str = "telegram"
    name: str = "telegram"
    tables: Sequence[DataTable] = _TABLES

    def remains(self, tx: Tx, person: Person) -> Sequence[Remains]:  # noqa: ARG002
        """The messages in the customer's chat."""
        if not any(one.channel == self.channel for one in person.addresses):
            return ()
        return (Remains("messenger", "Telegram"),)
