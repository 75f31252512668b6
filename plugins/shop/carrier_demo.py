"""The demo carrier: its labels look and scan like labels, and say that they are none."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from datetime import datetime

from plugins.shop.addresses import address_lines
from plugins.shop.database import Database
from plugins.shop.demo import utc_now
from plugins.shop.model import Label, Order, PostalAddress
from plugins.shop.settings import ShopSettings


class DemoCarrier:
    """A Carrier that keeps its labels in the demo shop's file."""

    name = "Demo-Paket"

    def __init__(
        self,
        database: Database,
        settings: ShopSettings | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._recipient = PostalAddress(**(settings or ShopSettings()).returns_address.model_dump())
        self._now = now

    async def create_label(self, order: Order, sender: PostalAddress, *, key: str) -> Label:
        """As in the port."""

        def work(db: sqlite3.Connection) -> Label:
            return _find(db, key) or self._draw(db, order, sender, key)

        return await self._database.write(work)

    async def label_by_key(self, key: str) -> Label | None:
        """As in the port."""
        return await self._database.read(lambda db: _find(db, key))

    def _draw(self, db: sqlite3.Connection, order: Order, sender: PostalAddress, key: str) -> Label:
        # The drawing libraries take most of a second to import: not at every start of the bot.
        from plugins.shop.label import LabelText, label_pdf, qr_png

        tracking, now = _free_tracking(db, key), self._now()
        abroad = sender.country != self._recipient.country
        home = "" if abroad else self._recipient.country
        text = LabelText(
            carrier=self.name,
            tracking=tracking,
            qr=f"DEMO-RETURN:{tracking}:{order.number}",
            order=order.number,
            day=now.date(),
            sender=address_lines(sender, home),
            recipient=address_lines(self._recipient, home),
        )
        label = Label(key, self.name, tracking, label_pdf(text), qr_png(text.qr))
        db.execute(
            "INSERT INTO labels (key, tracking, number, carrier, at, pdf, qr_png)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (key, tracking, order.number, self.name, now.isoformat(), label.pdf, label.qr_png),
        )
        return label


def _find(db: sqlite3.Connection, key: str) -> Label | None:
    row = db.execute(
        "SELECT key, carrier, tracking, pdf, qr_png FROM labels WHERE key = ?", (key,)
    ).fetchone()
    return None if row is None else Label(*row)


def _free_tracking(db: sqlite3.Connection, key: str) -> str:
    """`DEMO` and twelve digits of the key's digest; a number in use gives way to the next one."""
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])
    while True:
        tracking = f"DEMO{number % 10**12:012d}"
        if db.execute("SELECT 1 FROM labels WHERE tracking = ?", (tracking,)).fetchone() is None:
            return tracking
        number += 1
