"""Every channel that comes with the bot passes the suite."""

from __future__ import annotations

from bot.testing.conformance import ChannelConformance
from plugins.console.testing_conformance import ConsoleHarness
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
