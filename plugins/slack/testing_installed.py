"""The app in the simulated Slack, with what `bot slack manifest` asks for and no more."""

from __future__ import annotations

from host.texts import TextsBook
from host.wiring import OUR_DIALOGUE
from plugins.slack.manifest import manifest
from plugins.slack.testing import SlackSimulator
from plugins.slack.wanted import Wanted


def install_for(slack: SlackSimulator, wanted: Wanted) -> None:
    """Install the app for this. Raises ValueError for a manifest that Slack would not take."""
    slack.installs(dict(manifest(wanted, TextsBook([OUR_DIALOGUE / "domain"]))))
