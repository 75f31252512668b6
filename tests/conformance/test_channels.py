"""Every channel that comes with the bot passes the suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.testing.conformance import ChannelConformance
from plugins.console.testing_conformance import ConsoleHarness
from plugins.mail.testing_conformance import MailHarness
from plugins.mail.testing_servers import missing
from plugins.slack.testing_conformance import SlackHarness, SlackHttpHarness
from plugins.telegram.testing_conformance import TelegramHarness, TelegramWebhookHarness
from plugins.web.testing_conformance import WebHarness
from plugins.whatsapp.testing_conformance import WhatsAppHarness


class TestConsole(ChannelConformance):
    harness = ConsoleHarness


class TestWeb(ChannelConformance):
    harness = WebHarness


class TestWhatsApp(ChannelConformance):
    harness = WhatsAppHarness


class TestTelegram(ChannelConformance):
    harness = TelegramHarness


class TestTelegramWebhook(ChannelConformance):
    harness = TelegramWebhookHarness


class TestSlack(ChannelConformance):
    harness = SlackHarness


class TestSlackHttp(ChannelConformance):
    harness = SlackHttpHarness


@pytest.mark.skipif(bool(missing()), reason=f"install {', '.join(missing())}")
class TestMail(ChannelConformance):
    harness = MailHarness


def test_no_channel_that_comes_with_the_bot_is_left_out() -> None:
    plugins = Path(__file__).parents[2] / "plugins"
    registering = {
        file.parent.name
        for file in plugins.glob("*/__init__.py")
        if "add_channel(" in file.read_text("utf-8")
    }
    played = {
        suite.harness.__module__.split(".")[1]
        for suite in ChannelConformance.__subclasses__()
        if suite.__module__ == __name__
    }
    assert registering
    assert registering <= played
