"""The main job on WhatsApp: `bot run`, the real model, the demo shop, a simulated Twilio."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from plugins.whatsapp.testing import Customer, Shown, TwilioSimulator
from tests.conversations.main_job import (
    BJOERN,
    JOERG,
    Person,
    asks_for_a_label,
    cancels,
    has_all_in_state,
    meets_a_person,
    moves,
    running,
)
from tests.live.process import BotProcess
from tests.live.records import Records
from tests.live.shop import LiveShop

pytestmark = pytest.mark.slow

PUBLIC = "https://bot.shop.example"


@dataclass
class Phone(Person):
    """Somebody with a number."""

    channel = "whatsapp"
    customer: Customer

    async def says(self, text: str) -> object:
        return await self.customer.says(text)

    async def presses(self, title: str) -> object:
        return await self.customer.presses(title)

    async def sends_photo(self, data: bytes, caption: str = "") -> object:
        return await self.customer.sends_file(data, "image/png", caption)

    async def sees(self) -> Shown:
        return await self.customer.receives(30)


@asynccontextmanager
async def shop_on_whatsapp(folder: Path) -> AsyncIterator[tuple[TwilioSimulator, BotProcess]]:
    """A running bot whose only vendor is the simulated one."""
    async with TwilioSimulator() as twilio:
        table = twilio.settings()
        token = {"SCHALTER_WHATSAPP_AUTH_TOKEN": table.pop("auth_token")}
        settings = {"bot": {"public_url": PUBLIC}, "plugins.whatsapp": table}
        bot = BotProcess(folder, settings, token)
        async with running(bot):
            twilio.webhooks_at(bot.url, PUBLIC)
            yield twilio, bot


async def main_job(language: str, twilio: TwilioSimulator, bot: BotProcess, shop: LiveShop) -> None:
    """What customers on WhatsApp go through."""
    records = Records(bot.data)
    bjoern = Phone(language, twilio.customer(BJOERN, "Björn"))
    joerg = Phone(language, twilio.customer(JOERG, "Jörg"))

    # The number on the order is the proof: nobody is asked for a postcode.
    order = await shop.like("B-100237")
    await bjoern.says(bjoern.words["track"].format(order))
    await bjoern.hears("utter_track_order_delivered")
    await moves(joerg, shop, records)
    await cancels(joerg, shop, records)

    await asks_for_a_label(bjoern, order)
    while not (shown := await bjoern.sees()).media:
        pass
    status, content, content_type = await twilio.opens(shown.media[0])
    assert (status, content[:5], content_type) == (200, b"%PDF-", "application/pdf")

    await meets_a_person(joerg, bot, records)
    await has_all_in_state(records, Phone.channel, "delivered")


@pytest.mark.parametrize("language", ["de", "en"])
async def test_the_main_job(tmp_path: Path, language: str) -> None:
    async with shop_on_whatsapp(tmp_path) as (twilio, bot):
        await main_job(language, twilio, bot, LiveShop(bot.data))
