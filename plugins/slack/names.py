"""Names and limits of Slack's that several modules go by."""

from __future__ import annotations

from dataclasses import dataclass

CHANNEL = "slack"

EVENTS_PATH = "/slack/events"
INTERACTIONS_PATH = "/slack/interactions"
COMMANDS_PATH = "/slack/commands"

ROW_EVENT = "schalter_row"
"""The ``event_type`` of the metadata that names a row of the outbox in a message of ours."""


@dataclass(frozen=True, slots=True)
class Me:
    """Who the bot is, as ``auth.test`` says."""

    team: str
    user: str  # U...
    bot: str  # B...
    name: str = ""
    url: str = ""  # https://<workspace>.slack.com/
    app: str = ""  # A..., where Slack tells it
