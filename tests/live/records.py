"""What the bot and the shop wrote down: the proof of what happened, read beside the running bot."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

Row = dict[str, Any]


class Records:
    """The tables of a data folder, only for reading."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def bot(self, sql: str, **values: Any) -> list[Row]:
        """Rows of the bot's store."""
        return self._rows("bot.db", sql, values)

    def shop(self, sql: str, **values: Any) -> list[Row]:
        """Rows of the demo shop."""
        return self._rows("shop.db", sql, values)

    def over(self, client_id: str) -> bool:
        """Whether a message from the chat page is answered, or with an agent, and nothing waits."""
        found = self.bot(
            "SELECT i.status, i.turn, t.status AS ended FROM inbox i LEFT JOIN turns t"
            " ON t.key = i.turn WHERE i.channel = 'web' AND i.wire_id LIKE :id",
            id=f"%/{client_id}",
        )
        if not found or found[0]["status"] == "pending" or found[0]["ended"] == "frozen":
            return False
        waiting = self.bot(
            "SELECT 1 FROM outbox WHERE turn = :turn AND op = 'send'"
            " AND state IN ('queued', 'sending')",
            turn=found[0]["turn"],
        )
        return not waiting

    def turn_of(self, client_id: str) -> Row:
        """The turn of a message from the chat page."""
        (row,) = self.bot(
            "SELECT t.* FROM inbox i JOIN turns t ON t.key = i.turn WHERE i.wire_id LIKE :id",
            id=f"%/{client_id}",
        )
        return row

    def code_of(self, client_id: str) -> str | None:
        """The code that a message from the chat page had sent, as the mailbox shows it."""
        turn = "SELECT turn FROM inbox WHERE channel = 'web' AND wire_id LIKE :id"
        return self._code(f"c.turn = ({turn})", id=f"%/{client_id}")

    def code_for(self, order: str) -> str | None:
        """The latest code for an order."""
        return self._code("c.subject = :order", order=order)

    def _code(self, where: str, **values: Any) -> str | None:
        mails = self.bot(
            "SELECT m.text FROM codes c JOIN mailbox_mails m ON m.out_id = 'code.' || c.id "
            f"WHERE {where} AND c.state = 'open' ORDER BY m.id DESC LIMIT 1",
            **values,
        )
        found = re.search(r"(?:lautet|code is): (\d{6})", mails[0]["text"]) if mails else None
        return found[1] if found else None

    def changes(self, number: str, kind: str | None = None) -> list[Row]:
        """What was changed about an order, oldest first."""
        rows = self.shop("SELECT * FROM changes WHERE number = :number ORDER BY id", number=number)
        return [row for row in rows if kind in (None, row["kind"])]

    def labels(self, number: str) -> list[Row]:
        """The labels of an order."""
        return self.shop("SELECT * FROM labels WHERE number = :number ORDER BY id", number=number)

    def order(self, number: str) -> Row:
        """The order as the shop keeps it."""
        sql = "SELECT document FROM orders WHERE number = :number"
        (row,) = self.shop(sql, number=number)
        found: Row = json.loads(row["document"])
        return found

    def street(self, number: str) -> str:
        """Where an order goes: street, postcode and town in one line."""
        address = self.order(number)["address"]
        return f"{address['street']}, {address['postal_code']} {address['city']}"

    def _rows(self, file: str, sql: str, values: Row) -> list[Row]:
        with self._open(file) as database:
            return [dict(row) for row in database.execute(sql, values)]

    @contextmanager
    def _open(self, file: str) -> Iterator[sqlite3.Connection]:
        uri = f"file:{self._data / file}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=10)) as database:
            database.row_factory = sqlite3.Row
            yield database
