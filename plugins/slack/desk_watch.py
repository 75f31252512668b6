"""What time does: cards that look different by themselves, and agents who are not there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.desk import Case
from plugins.slack import desk_ledger as ledger
from plugins.slack.desk_people import user_of
from plugins.slack.office import Office


class Shows(Protocol):
    """What shows cards."""

    async def show(self, case: Case) -> str:
        """Make or update the card."""


async def refresh(office: Office, shows: Shows) -> None:
    """Show the cards anew that a time limit changed. Raises Retry or SlackRefused."""
    now = office.clock()
    for number in await office.commands.store.read(lambda tx: ledger.due_cards(tx, now)):
        case = await office.commands.case(number)
        if case is not None:
            await shows.show(case)


@dataclass(frozen=True)
class Presence:
    """Looks, sparsely, at those whom a customer waits for."""

    office: Office

    async def look(self) -> None:
        """Ask for each of them once. Raises Retry or SlackRefused."""
        commands = self.office.commands
        cases = await commands.cases(desk="slack")
        waited_for = {case.agent for case in cases if case.waits_since is not None}
        for agent in sorted(filter(None, waited_for)):
            if user := user_of(agent):
                answer = await self.office.app.call("users.getPresence", user=user)
                if answer.get("presence") == "away":
                    await commands.away(agent)
