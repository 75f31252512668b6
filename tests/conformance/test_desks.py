"""Every desk that comes with the bot passes the suite, with customers on every channel."""

from __future__ import annotations

from bot.testing.desk_suite import DeskSuite
from plugins.slack.testing_desk_suite import SlackDeskHarness
from plugins.telegram.testing_conformance import TelegramHarness
from plugins.web.testing_conformance import WebHarness
from plugins.web.testing_desk import WebDeskHarness
from plugins.whatsapp.testing_conformance import WhatsAppHarness


class TestWebDeskWithWeb(DeskSuite):
    desk = WebDeskHarness
    harness = WebHarness


class TestWebDeskWithTelegram(DeskSuite):
    desk = WebDeskHarness
    harness = TelegramHarness


class TestWebDeskWithWhatsApp(DeskSuite):
    desk = WebDeskHarness
    harness = WhatsAppHarness


class TestSlackDeskWithWeb(DeskSuite):
    desk = SlackDeskHarness
    harness = WebHarness


class TestSlackDeskWithTelegram(DeskSuite):
    desk = SlackDeskHarness
    harness = TelegramHarness


class TestSlackDeskWithWhatsApp(DeskSuite):
    desk = SlackDeskHarness
    harness = WhatsAppHarness
