"""What other plugins may use of the demo's mailbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.ports import Channel, Tx

NAME = "mailbox"
"""The name of the plugin and of its channel."""


@dataclass(frozen=True, slots=True)
class ShownMail:
    """A mail as the mailbox shows it, with its code."""

    to: str
    subject: str
    text: str


class Mailbox(Protocol):
    """The port that tells of the demo's mails (the mailbox plugin provides it)."""

    @property
    def channel(self) -> Channel:
        """The channel that keeps the mails, for a process that opens only some channels."""

    def mails(self, tx: Tx, rows: Sequence[str]) -> list[ShownMail]:
        """The mails that left as these rows of the outbox, in order."""
