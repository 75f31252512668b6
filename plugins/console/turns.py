"""What became of a line: its turn is watched in the store, so that nothing is guessed or slept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from bot.messages import Address, Attachment, Inbound, Kind
from bot.ports import Row, Tx
from bot.store import SQLiteStore, outbox
from plugins.console.channel import NAME
from plugins.mailbox.api import NAME as MAILBOX
from plugins.mailbox.api import ShownMail

Mails = Callable[[Tx, Sequence[str]], list[ShownMail]]
"""The mails that left as some rows of the outbox."""
_TOPICS = ("turn", "sent", "owner", "conversation")
_WAITING = ("queued", "sending")
_WENT_OUT = ("sent", "delivered", "read")


@dataclass(frozen=True)
class Line:
    """What somebody types: a turn of its own. ``attachments`` lie in ``Files`` already."""

    sender: str
    id: str
    text: str = ""
    payload: str | None = None
    attachments: tuple[Attachment, ...] = ()

    def inbound(self) -> Inbound:
        """The message of the line. Different senders may use the same ids."""
        kind = Kind.BUTTON if self.payload else Kind.TEXT
        return Inbound(
            Address(NAME, self.sender),
            self.wire_id,
            kind=kind,
            text=self.text,
            payload=self.payload,
            attachments=self.attachments,
        )

    @property
    def wire_id(self) -> str:
        """Unique among all lines of all senders."""
        return json.dumps([self.sender, self.id])


@dataclass(frozen=True)
class Reply:
    """One message that went out for a turn."""

    text: str
    buttons: list[dict[str, str]]
    attachments: list[str]  # names in Files


@dataclass(frozen=True)
class Ended:
    """How a turn ended."""

    owner: str
    replies: list[Reply] = field(default_factory=list)
    intent: str | None = None
    confidence: float = 0.0
    entities: list[dict[str, Any]] = field(default_factory=list)
    mails: list[ShownMail] = field(default_factory=list)


def no_mails(_tx: Tx, _rows: Sequence[str]) -> list[ShownMail]:
    """Where no mailbox is there, no mail was sent."""
    return []


class TurnWatch:
    """Tells when turns are over. Use within ``watching``."""

    def __init__(self, store: SQLiteStore, mails: Mails = no_mails) -> None:
        self._store = store
        self._mails = mails
        self._rung: set[asyncio.Event] = set()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Listen to the store."""
        with ExitStack() as stack:
            for topic in _TOPICS:
                stack.callback(self._store.subscribe(topic, self._ring))
            yield

    def _ring(self, _subject: object) -> None:
        for event in self._rung:
            event.set()

    async def ended(self, line: Line) -> Ended:
        """Wait until the turn of a line is over and everything it says has been shown."""
        event = asyncio.Event()
        self._rung.add(event)
        try:
            while True:
                event.clear()  # before reading: what happens after it rings again
                ended = await self._store.read(lambda tx: _ended(tx, line, self._mails))
                if ended is not None:
                    return ended
                with suppress(TimeoutError):  # a ring that was missed costs a second, no more
                    await asyncio.wait_for(event.wait(), 1)
        finally:
            self._rung.discard(event)


def _ended(tx: Tx, line: Line, mails: Mails) -> Ended | None:
    row = tx.row(
        "SELECT i.status, i.turn, c.owner FROM inbox i JOIN conversations c "
        "ON c.id = i.conversation WHERE i.channel = :channel AND i.wire_id = :wire_id",
        channel=NAME,
        wire_id=line.wire_id,
    )
    if row is None or row["status"] == "pending":
        return None
    turn = tx.row("SELECT * FROM turns WHERE key = :key", key=row["turn"])
    if turn is None:  # an agent reads it
        return Ended(row["owner"])
    said = outbox.of_turn(tx, turn["key"])
    if turn["status"] == "frozen" or any(one["state"] in _WAITING for one in said):
        return None
    codes = _codes(tx, turn["key"])
    if any(code["waits"] for code in codes):
        return None
    return Ended(
        owner=row["owner"],
        mails=mails(tx, [code["row"] for code in codes]),
        replies=[_reply(one) for one in said if one["state"] in _WENT_OUT],
        intent=turn["intent"],
        confidence=turn["confidence"] or 0.0,
        entities=json.loads(turn["entities"]),
    )


def _codes(tx: Tx, turn: str) -> list[Row]:
    """The mails with codes that a turn asked for: their rows, and whether they are still to leave.

    A timer makes the mail a moment after the answer, in the conversation with another address.
    """
    return tx.rows(
        "SELECT 'code.' || c.id AS row, t.id IS NOT NULL OR o.state IN ('queued', 'sending') "
        "AS waits FROM codes c LEFT JOIN timers t ON t.kind = 'code_mail' AND t.subject = c.id "
        "LEFT JOIN outbox o ON o.id = 'code.' || c.id WHERE c.turn = :turn ORDER BY c.rowid",
        turn=turn,
    )


def _reply(row: Row) -> Reply:
    attachments = json.loads(row["attachments"])
    return Reply(
        text=row["text"],
        buttons=json.loads(row["buttons"]),
        attachments=[one["file"] for one in attachments if one.get("file")],
    )


def waiting_elsewhere(tx: Tx) -> bool:
    """Whether the folder holds messages of other channels that this process could not deliver."""
    return (
        tx.row(
            "SELECT 1 FROM outbox WHERE op = 'send' AND state IN ('queued', 'sending') "
            "AND target NOT IN (:target, :mailbox) UNION ALL SELECT 1 FROM inbox i "
            "LEFT JOIN turns t ON t.key = i.turn WHERE i.channel <> :channel "
            "AND (i.status = 'pending' OR t.status = 'frozen') LIMIT 1",
            target=f"channel:{NAME}",
            mailbox=f"channel:{MAILBOX}",
            channel=NAME,
        )
        is not None
    )
