"""One `bot run` whose settings name WhatsApp and Telegram: both main jobs at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from plugins.telegram.testing import TelegramSimulator
from plugins.whatsapp.testing import TwilioSimulator
from tests.conversations import test_telegram, test_whatsapp
from tests.conversations.main_job import running
from tests.live.process import BotProcess
from tests.live.shop import LiveShop

pytestmark = pytest.mark.slow

PUBLIC = "https://bot.shop.example"
Running = tuple[TwilioSimulator, TelegramSimulator, BotProcess]


@asynccontextmanager
async def shop_on_both(folder: Path) -> AsyncIterator[Running]:
    async with TwilioSimulator() as twilio, TelegramSimulator() as telegram:
        whatsapp, polled = twilio.settings(), telegram.settings()
        secrets = {
            "SCHALTER_WHATSAPP_AUTH_TOKEN": whatsapp.pop("auth_token"),
            "SCHALTER_TELEGRAM_TOKEN": polled.pop("token"),
        }
        settings = {
            "bot": {"public_url": PUBLIC},
            "plugins.whatsapp": whatsapp,
            "plugins.telegram": polled,
        }
        bot = BotProcess(folder, settings, secrets)
        async with running(bot):
            twilio.webhooks_at(bot.url, PUBLIC)
            yield twilio, telegram, bot


async def test_both_channels_are_served_by_one_bot(tmp_path: Path) -> None:
    async with shop_on_both(tmp_path) as (twilio, telegram, bot):
        shop = LiveShop(bot.data)
        async with asyncio.TaskGroup() as both:
            both.create_task(test_whatsapp.main_job("de", twilio, bot, shop))
            both.create_task(test_telegram.main_job("en", telegram, bot, shop))
        assert all(bot.health().values()), bot.health()
