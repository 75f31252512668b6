"""The terminal as a channel: what is said to it is shown at once, or nobody looks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bot.desk import Case, CaseLine
from bot.messages import Features, Outbound, State
from bot.ports import DeskInbox, Inbox

NAME = "console"


class ConsoleChannel:
    """Shows each message through ``show``."""

    name = NAME
    features = Features(
        text_limit=100_000,
        buttons=9,
        attachments_in=True,
        attachments_out=True,
        burst_seconds=0,  # a line is a turn
        unknown_send="dedupe",
    )

    def __init__(self, show: Callable[[Outbound], None] = lambda _out: None) -> None:
        self._show = show

    @asynccontextmanager
    async def open(self, inbox: Inbox) -> AsyncIterator[None]:
        """As in the port; there is nothing to open."""
        del inbox
        yield

    async def send(self, out: Outbound) -> str:
        """As in the port."""
        self._show(out)
        return out.id


class AbsentDesk:
    """Stands in for a desk while only the terminal is open: its cases wait in the store."""

    def __init__(self, name: str) -> None:
        self.name = name

    @asynccontextmanager
    async def open(self, commands: DeskInbox) -> AsyncIterator[None]:
        """As in the port."""
        del commands
        yield

    async def show(self, case: Case) -> str:
        """As in the port."""
        return str(case.id)

    async def post(self, line: CaseLine) -> str:
        """As in the port."""
        return line.line.id

    async def mark(self, line: str, state: State, reason: str | None) -> None:
        """As in the port."""
