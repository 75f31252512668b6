"""`kill -9` at any moment loses nothing and repeats no side effect: a hundred times, to be sure."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.chaos.load import Load, Shopper, orders_for
from tests.chaos.proof import faults, quiet
from tests.live.process import BotProcess, free_port
from tests.live.rasa import RasaServer
from tests.live.records import Records
from tests.live.shop import LiveShop
from tests.live.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.rasa, pytest.mark.timeout(1500)]

KILLS = int(os.environ.get("KILLS", "100"))  # fewer, to try something out
CUSTOMERS = 24
SHORT, LONG = (0.0, 0.6), (0.6, 4.0)
"""Seconds that a bot lives after it was ready: mostly too short for anything, sometimes long enough
for many side effects to end."""
WHILE_STARTING = 0.1
"""How many are killed before they are ready."""
END_SECONDS = 120.0


@dataclass
class Pair:
    """A bot and the Rasa it asks."""

    bot: BotProcess
    rasa: RasaServer


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """A bot that is told where Rasa is; only Rasa runs so far."""
    port = free_port()
    rasa = RasaServer(tmp_path, f"http://127.0.0.1:{port}")
    rasa.start()
    bot = BotProcess(
        tmp_path,
        {
            "identity": {"codes_per_hour": 10_000},
            "plugins.rasa": {"url": rasa.url},
            "plugins.web": {"burst_seconds": 0.05},
        },
        {"SCHALTER_RASA_TOKEN": rasa.token, "SCHALTER_RASA_ACTIONS_TOKEN": rasa.actions_token},
        port=port,
    )
    try:
        yield Pair(bot, rasa)
    finally:
        bot.kill()
        rasa.stop()


async def test_a_hundred_kills(pair: Pair) -> None:
    seed = secrets.randbelow(1_000_000)
    print(f"seed {seed}")
    bot, records = pair.bot, Records(pair.bot.data)
    orders = await orders_for(LiveShop(bot.data), 800)
    load = Load()
    customers = [
        asyncio.create_task(Shopper(bot.url, load, orders, records, seed + number).run())
        for number in range(CUSTOMERS)
    ]
    starts = await _kill(bot, random.Random(seed), KILLS)
    bot.start()
    await asyncio.to_thread(bot.wait_ready)
    load.stopping = True
    async with asyncio.timeout(END_SECONDS):
        await asyncio.gather(*customers)
    await eventually(lambda: quiet(records), END_SECONDS, look=0.1)
    bot.stop()
    confirmed = sum(wish.confirmed for wish in load.wishes)
    told = sum(wish.told for wish in load.wishes)
    print(
        f"{KILLS} kills, {len(load.accepted)} messages accepted, {load.replies} answered,"
        f" {len(load.wishes)} wishes, {confirmed} confirmed, {told} heard that it is done,"
        f" {len(load.surprises)} surprises,"
        f" start {sorted(starts)[len(starts) // 2]:.2f} s"
    )
    print("\n".join(load.surprises[:20]))
    assert faults(records, load) == []
    assert told > KILLS / 4, "too little happened for a proof"


async def _kill(bot: BotProcess, chance: random.Random, kills: int) -> list[float]:
    """Start and kill; return how long the starts took, in seconds."""
    starts = []
    for _ in range(kills):
        began = time.monotonic()
        bot.start()
        if chance.random() < WHILE_STARTING:
            await asyncio.sleep(chance.uniform(0.0, 1.5))
        else:
            await asyncio.to_thread(bot.wait_ready)
            starts.append(time.monotonic() - began)
            await asyncio.sleep(chance.uniform(*chance.choice((SHORT, SHORT, LONG))))
        await asyncio.to_thread(bot.kill)
    return starts
