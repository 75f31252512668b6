"""The ports between the core and its desks."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from bot.desk import (
    Act,
    Acted,
    Agent,
    Case,
    CaseLine,
    Command,
    CommandResult,
    HistoryLine,
    Macro,
    OrderAction,
    Preview,
    Template,
)
from bot.messages import State

if TYPE_CHECKING:
    from bot.ports import Files, Store, Texts
    from bot.store.digest import Digest


class DeskInbox(Protocol):
    """Where a desk puts commands and reads cases."""

    store: Store
    files: Files
    texts: Texts

    @property
    def language(self) -> str:
        """The one that the team reads: of notes, titles and reasons."""

    async def look_again(self) -> None:
        """Give lines that wait their undo time anew, after a time in which a desk heard nothing."""

    async def accept(self, command: Command) -> CommandResult:
        """Apply a command at once, in one transaction; the same id twice is one."""

    async def cases(self, *, closed: bool = False, desk: str | None = None) -> list[Case]:
        """Open (or the latest closed) cases, most urgent first."""

    async def case(self, case: int) -> Case | None:
        """One case with everything its card shows."""

    async def history(self, case: int, *, limit: int = 200) -> list[HistoryLine]:
        """The conversation of the case, oldest first, from before the case too."""

    async def introduce(self, agent: Agent) -> None:
        """Tell the name of who sits at the desk; without it the id is the name."""

    async def macros(self, case: int) -> list[Macro]:
        """The prepared texts that fit a case, filled with the facts of now."""

    async def templates(self, case: int, line: str = "") -> list[Template]:
        """What may be sent at any time, filled with the facts of now, and a failed line's words."""

    def opens(self, after: datetime) -> datetime:
        """When people are there, from that time on: that time itself while they are."""

    async def digest(self, since: datetime, until: datetime) -> Digest:
        """What happened between two times, in figures that add up."""

    async def away(self, agent: str) -> None:
        """An agent went away: a reminder comes at once where a customer waits for them."""

    async def order_actions(self, case: int) -> list[OrderAction]:
        """What an agent may run for a case, with its order filled in."""

    async def preview(self, act: Act) -> Preview:
        """What an order action would do; nothing is changed."""

    async def act(self, act: Act) -> Acted:
        """Run an order action, once for each id. Waits for the shop; what has begun is not cut off.

        Only who has the case may change something; reading is everybody's, and stays inside.
        """


class Desk(Protocol):
    """A place where agents sit."""

    name: str

    def open(self, commands: DeskInbox) -> AbstractAsyncContextManager[None]:
        """Sockets and pollers live inside."""

    async def show(self, case: Case) -> str:
        """Make or update the card in place; idempotent by case."""

    async def post(self, line: CaseLine) -> str:
        """Show a line in the case's thread; idempotent by line id."""

    async def mark(self, line: str, state: State, reason: str | None) -> None:
        """Show what became of a line."""
