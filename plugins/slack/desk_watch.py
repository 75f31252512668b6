"""What time does: cards that look different by themselves, and agents who are not there."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from bot.ports import Retry, Tx
from bot.store import cases
from bot.store.codec import unstamp
from plugins.slack import desk_ledger as ledger
from plugins.slack.desk_cards import Cards
from plugins.slack.desk_people import user_of
from plugins.slack.errors import MEND_SECONDS, MENDABLE, SlackRefused
from plugins.slack.office import Office

log = logging.getLogger(__name__)
JUST_NOW = timedelta(minutes=5)


async def refresh(office: Office) -> None:
    """Show the cards anew that a line or a time limit changed. Raises Retry."""
    store, now = office.commands.store, office.clock()
    for number in await store.read(lambda tx: ledger.due_cards(tx, now)):
        try:
            await _again(office, number)
        except (Retry, SlackRefused) as error:
            if isinstance(error, Retry) and error.reason not in MENDABLE:
                raise
            log.info("slack desk: a card waits", extra={"case": number, "reason": error.reason})
            later = now + timedelta(seconds=MEND_SECONDS)
            await store.write(partial(ledger.refresh_at, case=number, at=later))


async def _again(office: Office, number: int) -> None:
    case = await office.commands.case(number)
    async with office.showing(number):
        known = await office.case(number)
        # What changed while the shop was asked is shown by whoever changed it, or the next time.
        if case is not None and known is not None and case.updated == known.updated:
            await Cards(office).show(case)
            latest = await office.case(number)
            if latest is not None and latest.updated != case.updated:
                now = office.clock()
                await office.commands.store.write(partial(ledger.refresh_at, case=number, at=now))


@dataclass(frozen=True)
class Presence:
    """Looks, sparsely, at those whom a customer waits for."""

    office: Office

    async def look(self) -> None:
        """Ask for each of them once. Raises Retry or SlackRefused."""
        commands = self.office.commands
        listed = await commands.cases(desk="slack")
        waited_for = {case.agent for case in listed if case.waits_since is not None}
        waited_for -= await commands.store.read(self._seen)
        for agent in sorted(filter(None, waited_for)):
            if (user := user_of(agent)) and await self._is_away(user):
                await commands.away(agent)

    def _seen(self, tx: Tx) -> set[str]:
        """Agents who did something a moment ago: many tell Slack for good that they are away."""
        since = self.office.clock() - JUST_NOW
        rows = [cases.get_row(tx, place.case) for place in ledger.open_cases(tx)]
        seen = [row for row in rows if row is not None and row["agent"] and row["agent_seen_at"]]
        return {str(row["agent"]) for row in seen if unstamp(row["agent_seen_at"]) > since}

    async def _is_away(self, user: str) -> bool:
        try:
            answer = await self.office.app.call("users.getPresence", user=user)
        except SlackRefused as refused:
            if refused.reason != "slack_user_gone":
                raise
            return True  # the account is no more
        return bool(answer.get("presence") == "away")
