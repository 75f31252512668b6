"""Every desk that comes with the bot passes the suite, with customers on every channel."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.testing.desk_suite import DeskSuite
from plugins.console.testing_desk import PromptHarness
from plugins.mail.testing_conformance import MailHarness
from plugins.mail.testing_servers import missing
from plugins.slack.testing_conformance import SlackHarness
from plugins.slack.testing_desk_customers import SharedSlackDeskHarness, SharedSlackHarness
from plugins.slack.testing_desk_suite import SlackDeskHarness
from plugins.telegram.testing_conformance import TelegramHarness
from plugins.web.testing_conformance import WebHarness
from plugins.web.testing_desk import WebDeskHarness
from plugins.whatsapp.testing_conformance import WhatsAppHarness
from tests.conformance.left_out import ONLY_SHOW

_MAIL = pytest.mark.skipif(bool(missing()), reason=f"install {', '.join(missing())}")


class TestWebDeskWithWeb(DeskSuite):
    desk = WebDeskHarness
    harness = WebHarness


@pytest.mark.slow
class TestWebDeskWithTelegram(DeskSuite):
    desk = WebDeskHarness
    harness = TelegramHarness


@pytest.mark.slow
class TestWebDeskWithWhatsApp(DeskSuite):
    desk = WebDeskHarness
    harness = WhatsAppHarness


@pytest.mark.slow
class TestSlackDeskWithWeb(DeskSuite):
    desk = SlackDeskHarness
    harness = WebHarness


@pytest.mark.slow
class TestSlackDeskWithTelegram(DeskSuite):
    desk = SlackDeskHarness
    harness = TelegramHarness


@pytest.mark.slow
class TestSlackDeskWithWhatsApp(DeskSuite):
    desk = SlackDeskHarness
    harness = WhatsAppHarness


@pytest.mark.slow
class TestWebDeskWithSlack(DeskSuite):
    desk = WebDeskHarness
    harness = SlackHarness


@pytest.mark.slow
class TestWebDeskWithConsole(DeskSuite):
    desk = WebDeskHarness
    harness = PromptHarness


@pytest.mark.slow
class TestSlackDeskWithSlack(DeskSuite):
    desk = SharedSlackDeskHarness
    harness = SharedSlackHarness


@pytest.mark.slow
class TestSlackDeskWithConsole(DeskSuite):
    desk = SlackDeskHarness
    harness = PromptHarness


@pytest.mark.slow
@_MAIL
class TestWebDeskWithMail(DeskSuite):
    desk = WebDeskHarness
    harness = MailHarness


@pytest.mark.slow
@_MAIL
class TestSlackDeskWithMail(DeskSuite):
    desk = SlackDeskHarness
    harness = MailHarness


def test_no_desk_and_no_channel_that_comes_with_the_bot_is_left_out() -> None:
    """A plugin's folder holds `desk.py` where it brings a desk, `channel.py` for a channel."""
    plugins = Path(__file__).parents[2] / "plugins"
    desks = {file.parent.name for file in plugins.glob("*/desk.py")}
    channels = {file.parent.name for file in plugins.glob("*/channel.py")}
    played = {
        (_plugin(suite.desk), _plugin(suite.harness))
        for suite in DeskSuite.__subclasses__()
        if suite.__module__ == __name__
    }
    assert {"slack", "web"} <= desks
    assert {"console", "mail", "mailbox", "slack", "telegram", "web", "whatsapp"} <= channels
    assert {(desk, channel) for desk in desks for channel in channels - ONLY_SHOW} <= played


def _plugin(harness: type) -> str:
    return harness.__module__.split(".")[1]
