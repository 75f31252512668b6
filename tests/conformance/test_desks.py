"""Every desk that comes with the bot passes the suite, with customers on every channel."""

from __future__ import annotations

from bot.testing.desk_suite import DeskSuite
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
