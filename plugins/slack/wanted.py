"""What an app in Slack is wanted for, for its manifest."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the app is for. ``url`` is the bot's address from outside, for mode http."""

    desk: bool = True
    direct: bool = True
    channels: bool = True
    url: str = ""
    language: str = "de"
    name: str = "Schalter"
