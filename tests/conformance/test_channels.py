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
from tests.conformance.left_out import ONLY_SHOW, has_way_in

_PLUGINS = Path(__file__).parents[2] / "plugins"


class TestConsole(ChannelConformance):
    harness = ConsoleHarness


class TestWeb(ChannelConformance):
    harness = WebHarness


class TestWhatsApp(ChannelConformance):
    harness = WhatsAppHarness


@pytest.mark.slow
class TestTelegram(ChannelConformance):
    harness = TelegramHarness


@pytest.mark.slow
class TestTelegramWebhook(ChannelConformance):
    harness = TelegramWebhookHarness


@pytest.mark.slow
class TestSlack(ChannelConformance):
    harness = SlackHarness


@pytest.mark.slow
class TestSlackHttp(ChannelConformance):
    harness = SlackHttpHarness


@pytest.mark.slow
@pytest.mark.skipif(bool(missing()), reason=f"install {', '.join(missing())}")
class TestMail(ChannelConformance):
    harness = MailHarness


def _registering() -> set[str]:
    return {
        file.parent.name
        for file in _PLUGINS.glob("*/__init__.py")
        if "add_channel(" in file.read_text("utf-8")
    }


def test_no_channel_that_comes_with_the_bot_is_left_out() -> None:
    played = {
        suite.harness.__module__.split(".")[1]
        for suite in ChannelConformance.__subclasses__()
        if suite.__module__ == __name__
    }
    assert {"mail", "mailbox", "web"} <= _registering()
    assert _registering() - ONLY_SHOW <= played


def test_what_is_left_out_has_no_way_in() -> None:
    """A channel that begins to take messages must be played; by the same sign all others do."""
    closed = {name for name in _registering() if not has_way_in(_PLUGINS / name)}
    assert closed == ONLY_SHOW
