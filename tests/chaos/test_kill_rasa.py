"""Rasa dies under the running bot: it is started again, and nobody's message is lost."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.chaos.load import Load, Shopper, orders_for
from tests.chaos.proof import faults, quiet
from tests.live.process import BotProcess
from tests.live.records import Records
from tests.live.shop import LiveShop
from tests.live.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.rasa, pytest.mark.timeout(900)]

KILLS = 5
CUSTOMERS = 12
BACK_SECONDS = 90.0
END_SECONDS = 120.0


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[BotProcess]:
    """A bot that runs Rasa itself."""
    settings = {"identity": {"codes_per_hour": 10_000}, "plugins.web": {"burst_seconds": 0.05}}
    bot = BotProcess(tmp_path, settings)
    bot.start()
    try:
        bot.wait_ready()
        yield bot
    finally:
        bot.stop()


async def test_five_kills(bot: BotProcess) -> None:
    seed = secrets.randbelow(1_000_000)
    print(f"seed {seed}")
    chance, records = random.Random(seed), Records(bot.data)
    orders = await orders_for(LiveShop(bot.data), 400)
    load = Load()
    customers = [
        asyncio.create_task(Shopper(bot.url, load, orders, records, seed + number).run())
        for number in range(CUSTOMERS)
    ]
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(1.0, 3.0))
        (rasa,) = bot.children()
        os.kill(rasa, signal.SIGKILL)
        await eventually(partial(_back, bot, rasa), BACK_SECONDS, look=0.1)
    load.stopping = True
    async with asyncio.timeout(END_SECONDS):
        await asyncio.gather(*customers)
    await eventually(lambda: quiet(records), END_SECONDS, look=0.1)
    confirmed = sum(wish.confirmed for wish in load.wishes)
    print(
        f"{KILLS} kills, {len(load.accepted)} messages accepted, {load.replies} answered,"
        f" {confirmed} confirmed, {len(load.surprises)} surprises"
    )
    print("\n".join(load.surprises[:20]))
    assert faults(records, load) == []
    assert confirmed > KILLS, "too little happened for a proof"


def _back(bot: BotProcess, gone: int) -> bool:
    return gone not in bot.children() and bot.health()["rasa"]
