"""Slack for both in the desk suite: agents in their channel, a customer in a direct message.

One simulated Slack, one app, one connection.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from bot.testing.desk_wire import Room
from plugins.slack.testing import SlackSimulator
from plugins.slack.testing_conformance import Member, SlackHarness
from plugins.slack.testing_desk_suite import SlackDeskHarness, SlackRoom
from plugins.slack.testing_installed import install_for
from plugins.slack.wanted import Wanted

_SECRETS = ("bot_token", "app_token", "signing_secret")


class SharedSlackHarness(SlackHarness):
    """A customer in a direct message; the Slack of the wire is the agents' too."""

    slack: ClassVar[SlackSimulator | None] = None

    @asynccontextmanager
    async def wire(self) -> AsyncIterator[Member]:
        """As in the base class."""
        async with super().wire() as member:
            SharedSlackHarness.slack = member.slack
            yield member
            SharedSlackHarness.slack = None


class SharedSlackDeskHarness(SlackDeskHarness):
    """The desk in the Slack in which the customer is, too; use it with the harness above."""

    brings: ClassVar[frozenset[str]] = frozenset({"slack"})

    @asynccontextmanager
    async def room(self) -> AsyncIterator[Room]:
        """As in the base class."""
        slack = SharedSlackHarness.slack
        assert slack is not None, "the customer's wire comes first"
        install_for(slack, Wanted(channels=False))
        yield SlackRoom(slack)

    def plugins(self, room: Room, wire: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """As in the base class; with a table for customers."""
        made = super().plugins(room, {})
        open_ones = {name: value for name, value in wire.items() if name not in _SECRETS}
        return {**made, "slack": {**made["slack"], **open_ones, "customers": {}}}
