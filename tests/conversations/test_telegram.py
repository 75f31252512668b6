"""The main job on Telegram: `bot run`, the real model, the demo shop, a simulated Telegram."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from plugins.telegram.testing import Customer, Shown, TelegramSimulator
from tests.conversations.main_job import (
    BJOERN,
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


@dataclass
class Chat(Person):
    """Somebody on Telegram."""

    channel = "telegram"
    customer: Customer

    async def says(self, text: str) -> object:
        return await self.customer.says(text)

    async def presses(self, title: str) -> object:
        return await self.customer.presses(title)

    async def sends_photo(self, data: bytes, caption: str = "") -> object:
        return await self.customer.sends_photo(data, caption)

    async def sees(self) -> Shown:
        return await self.customer.receives(30)


@asynccontextmanager
async def shop_on_telegram(folder: Path) -> AsyncIterator[tuple[TelegramSimulator, BotProcess]]:
    """A running bot that polls the simulated Telegram."""
    async with TelegramSimulator() as telegram:
        table = telegram.settings()
        token = {"SCHALTER_TELEGRAM_TOKEN": table.pop("token")}
        bot = BotProcess(folder, {"plugins.telegram": table}, token)
        async with running(bot):
            yield telegram, bot


async def main_job(
    language: str, telegram: TelegramSimulator, bot: BotProcess, shop: LiveShop
) -> None:
    """What customers on Telegram go through."""
    records = Records(bot.data)
    bjoern = Chat(language, telegram.customer(1001, "Björn"))
    joerg = Chat(language, telegram.customer(1002, "Jörg"))

    # The own number, shared by the button under the question, is the proof from then on.
    order = await shop.like("B-100237")
    await bjoern.says(bjoern.words["track"].format(order))
    shown = await bjoern.sees()
    assert len(shown.keyboard) == 1, shown
    await bjoern.customer.shares_contact(BJOERN)
    while "B-" not in (shown := await bjoern.sees()).text:
        pass
    assert order in shown.text

    await moves(joerg, shop, records)
    await cancels(joerg, shop, records)

    await asks_for_a_label(bjoern, order)
    while (shown := await bjoern.sees()).kind == "text":
        pass
    assert (shown.kind, (shown.file or b"")[:5]) == ("document", b"%PDF-")
    shown = await bjoern.sees()
    assert (shown.kind, (shown.file or b"")[:4]) == ("photo", b"\x89PNG")

    await meets_a_person(joerg, bot, records)
    await has_all_in_state(records, Chat.channel, "sent")
    assert all(telegram.api.queries.values())


@pytest.mark.parametrize("language", ["de", "en"])
async def test_the_main_job(tmp_path: Path, language: str) -> None:
    async with shop_on_telegram(tmp_path) as (telegram, bot):
        await main_job(language, telegram, bot, LiveShop(bot.data))
