"""What `bot check` finds out without a look at Slack."""

from __future__ import annotations

from collections.abc import Iterator

from bot.ports import Problem
from plugins.slack.settings import SlackSettings

WHERE = "slack"


def offline_problems(settings: SlackSettings, public_url: str) -> Iterator[Problem]:
    """What cannot work with these settings."""
    customers = settings.customers
    if settings.desk is None and customers is None:
        what = "neither agents nor customers are in Slack"
        yield Problem(WHERE, what, "add [plugins.slack.desk] or [plugins.slack.customers]")
    if customers is not None and not customers.direct_messages and not customers.allowed_channels:
        what = "customers can write nowhere"
        fix = "set customers.direct_messages = true, or name customers.allowed_channels"
        yield Problem(WHERE, what, fix)
    if settings.mode == "socket":
        return
    if not public_url:
        what = "Slack cannot call the bot: its address from outside is not known"
        yield Problem(WHERE, what, "set [bot] public_url = 'https://...', or mode = 'socket'")
    elif not public_url.startswith("https://"):
        what = "Slack calls only https addresses"
        yield Problem(WHERE, what, "set [bot] public_url to one, or mode = 'socket'")
