"""A bot on WhatsApp: the real application and channel, a simulated Twilio, a scripted dialogue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.testing import RunningBot, running_bot
from plugins.whatsapp.testing import Customer, TwilioSimulator

PUBLIC = "https://bot.shop.example"
Start = Callable[..., AbstractAsyncContextManager[RunningBot]]


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioSimulator]:
    async with TwilioSimulator() as simulator:
        yield simulator


@pytest.fixture
def start(twilio: TwilioSimulator, tmp_path: Path) -> Start:
    """Start a bot on the simulator; started again it is a restart on the same data."""

    @asynccontextmanager
    async def started(public_url: str = PUBLIC, **settings: Any) -> AsyncIterator[RunningBot]:
        table = twilio.settings(**settings)
        token = {"SCHALTER_WHATSAPP_AUTH_TOKEN": table.pop("auth_token")}
        plugins = {"knowledge": {}, "web": {"announce": False}, "whatsapp": table}
        async with running_bot(
            tmp_path, plugins, public_url=public_url, environment=token
        ) as running:
            twilio.webhooks_at(running.url, public_url)
            yield running

    return started


@pytest.fixture
async def bot(start: Start) -> AsyncIterator[RunningBot]:
    async with start() as running:
        yield running


@pytest.fixture
def anna(twilio: TwilioSimulator) -> Customer:
    return twilio.customer("+491713920001", "Anna")
