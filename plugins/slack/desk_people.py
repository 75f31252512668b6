"""Who the agents are: their names, whether they belong to the desk, and words to one alone."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

from bot.desk import Agent
from bot.ports import DeskInbox, Retry, UnknownOutcome
from plugins.slack import kit, ledger
from plugins.slack.app import SlackApp
from plugins.slack.blocks import Shown
from plugins.slack.errors import SlackRefused
from plugins.slack.interactions import Interaction
from plugins.slack.kit import one_line

log = logging.getLogger(__name__)
PREFIX = "slack:"
"""Before a user's id in the id of an agent: ids are unique over all desks."""
_NAMES, _MEMBERS = 6 * 3600.0, 60.0  # seconds until they are asked for again


def agent_of(user: str) -> str:
    """The id of an agent."""
    return f"{PREFIX}{user}"


def user_of(agent: str | None) -> str:
    """Slack's id of an agent; empty for one of another desk."""
    return agent.removeprefix(PREFIX) if agent and agent.startswith(PREFIX) else ""


@dataclass(eq=False)
class People:
    """Asks Slack who somebody is, and not too often."""

    app: SlackApp
    _introduced: dict[str, str] = field(default_factory=dict)
    _members: dict[str, tuple[float, frozenset[str]]] = field(default_factory=dict)

    async def agent(self, user: str, commands: DeskInbox) -> str:
        """The agent's id, introduced by name. Raises Retry when that cannot be asked."""
        name = await self.name(user, commands)
        if self._introduced.get(user) != name:
            await commands.introduce(Agent(agent_of(user), name))
            self._introduced[user] = name
        return agent_of(user)

    async def name(self, user: str, commands: DeskInbox) -> str:
        """Somebody's name. Raises Retry."""
        since = time.time() - _NAMES
        known = await commands.store.read(lambda tx: ledger.person(tx, user, since))
        if known is not None:
            return known
        try:
            answer = await self.app.call("users.info", user=user)
        except SlackRefused:
            return user
        told = answer.get("user") or {}
        profile = told.get("profile") or {}
        names = (told.get("real_name"), profile.get("real_name"), told.get("name"))
        name = next((made for one in names if (made := one_line(str(one or "")))), user)
        await commands.store.write(lambda tx: ledger.note_person(tx, user, name, time.time()))
        return name

    async def is_person(self, user: str) -> bool:
        """Whether it is the account of somebody who can answer. Raises Retry."""
        try:
            answer = await self.app.call("users.info", user=user)
        except SlackRefused:
            return False
        told = answer.get("user") or {}
        return bool(told) and not (told.get("is_bot") or told.get("deleted"))

    async def belongs(self, user: str, channel: str) -> bool:
        """Whether somebody is in a channel of the desk. Raises Retry."""
        at, members = self._members.get(channel, (0.0, frozenset()))
        # Who was there a minute ago still is; who was not may just have come.
        if user in members and time.monotonic() - at < _MEMBERS:
            return True
        members = await self._ask(channel)
        self._members[channel] = (time.monotonic(), members)
        return user in members

    async def _ask(self, channel: str) -> frozenset[str]:
        found: set[str] = set()
        cursor: str | None = None
        while True:
            answer = await self.app.call(
                "conversations.members", channel=channel, limit=1000, cursor=cursor
            )
            found.update(answer.get("members", ()))
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return frozenset(found)

    async def tell(self, user: str, channel: str, thread: str, shown: Shown | str) -> None:
        """Say something to one person alone. Raises nothing: it is a courtesy, and never late."""
        if isinstance(shown, str):
            # With blocks, as a plain text would be read for mentions and links.
            shown = Shown(kit.escape(shown), [kit.section(shown)])
        try:
            await self.app.call(
                "chat.postEphemeral",
                user=user,
                channel=channel,
                thread_ts=thread or None,
                text=shown.text,
                blocks=shown.blocks,
            )
        except (Retry, SlackRefused, UnknownOutcome) as error:
            log.info("not told to an agent", extra={"reason": type(error).__name__})

    async def take_back(self, interaction: Interaction) -> None:
        """Take away the message that only its reader sees. Raises nothing."""
        try:
            await self.app.respond(interaction, {"delete_original": True})
        except (Retry, SlackRefused) as error:
            log.info("not taken away", extra={"reason": type(error).__name__})
