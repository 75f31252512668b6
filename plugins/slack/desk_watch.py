"""What time does: cards that look different by themselves, and agents who are not there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from bot.desk import Case
from plugins.slack import desk_ledger as ledger
from plugins.slack.desk_people import user_of
from plugins.slack.office import Office


class Shows(Protocol):
    """What shows cards."""

    async def show(self, case: Case) -> str:
        """Make or update the card."""


@runtime_checkable
class TakesAbsence(Protocol):
    """A DeskInbox that wants to know whether who has a case is there."""

    async def away(self, agent: str, away: bool) -> None:
        """Tell that an agent is away, or there."""


async def refresh(office: Office, shows: Shows) -> None:
    """Show the cards anew that a time limit changed. Raises Retry or SlackRefused."""
    now = office.clock()
    for number in await office.commands.store.read(lambda tx: ledger.due_cards(tx, now)):
        case = await office.commands.case(number)
        if case is not None:
            await shows.show(case)


@dataclass(frozen=True)
class Presence:
    """Looks, sparsely, at those for whom a customer waits."""

    office: Office

    async def look(self) -> None:
        """Ask for each of them once. Raises Retry or SlackRefused."""
        commands = self.office.commands
        if not isinstance(commands, TakesAbsence):
            return
        cases = await commands.cases(desk="slack")
        waited_for = {case.agent for case in cases if case.waits_since is not None}
        for agent in sorted(filter(None, waited_for)):
            if user := user_of(agent):
                answer = await self.office.app.call("users.getPresence", user=user)
                await commands.away(agent, answer.get("presence") == "away")
