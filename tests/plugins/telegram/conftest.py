"""A bot on Telegram: the real application and channel, simulated Telegram, scripted dialogue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.testing import RunningBot, running_bot
from plugins.telegram.testing import Customer, TelegramSimulator

PUBLIC = "https://bot.shop.example"
SECRET = "a-secret-of-the-webhook_1"
Start = Callable[..., AbstractAsyncContextManager[RunningBot]]


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramSimulator]:
    async with TelegramSimulator() as simulator:
        yield simulator


@pytest.fixture
def start(telegram: TelegramSimulator, tmp_path: Path) -> Start:
    """Start a bot on the simulator; started again it is a restart on the same data."""

    @asynccontextmanager
    async def started(
        folder: Path = tmp_path, public_url: str = PUBLIC, **settings: Any
    ) -> AsyncIterator[RunningBot]:
        table = telegram.settings(**settings)
        secrets = {"SCHALTER_TELEGRAM_TOKEN": table.pop("token")}
        if table.get("mode") == "webhook":
            secrets["SCHALTER_TELEGRAM_WEBHOOK_SECRET"] = SECRET
        plugins = {"knowledge": {}, "web": {"announce": False}, "telegram": table}
        async with running_bot(
            folder, plugins, public_url=public_url, environment=secrets
        ) as running:
            telegram.listens_at(running.url, public_url)
            yield running

    return started


@pytest.fixture
async def bot(start: Start) -> AsyncIterator[RunningBot]:
    async with start() as running:
        yield running


@pytest.fixture
def anna(telegram: TelegramSimulator) -> Customer:
    return telegram.customer(1001, "Anna")
