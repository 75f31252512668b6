"""A bot with everything real: Rasa behind its sidecar, the store, the demo shop, HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from plugins.web.testing import DeskClient
from tests.live.customer import Customer, customer
from tests.live.process import DESK_TOKEN, BotProcess
from tests.live.records import Records
from tests.live.shop import LiveShop

BURST = 0.08
"""Seconds in which messages are joined: short, so that a test waits little."""


@dataclass(frozen=True)
class Live:
    """The running bot, what it wrote down, and its shop."""

    bot: BotProcess
    records: Records
    shop: LiveShop

    def customer(self, language: str = "de") -> AbstractAsyncContextManager[Customer]:
        """Somebody new at the chat page."""
        return customer(self.bot.url, self.records, language)

    def agent(self, name: str = "Nora Weber") -> DeskClient:
        """Somebody at the desk."""
        return DeskClient(self.bot.url, DESK_TOKEN, name)


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One bot for all conversations; each has a customer and orders of its own."""
    bot = BotProcess(tmp_path_factory.mktemp("live"), {"plugins.web": {"burst_seconds": BURST}})
    bot.start()
    try:
        bot.wait_ready()
        yield Live(bot, Records(bot.data), LiveShop(bot.data))
    finally:
        code = bot.stop()
    assert code == 0, f"the bot ended with {code}:\n{bot.tail()}"


Someone = Callable[..., AbstractAsyncContextManager[Customer]]


@pytest.fixture
def someone(live: Live) -> Someone:
    """Open a conversation: `async with someone("en") as c`."""
    return live.customer


@pytest.fixture
def shop(live: Live) -> LiveShop:
    """Orders like those of the demo shop, new ones for each test."""
    return live.shop


@pytest.fixture
def records(live: Live) -> Records:
    """What the bot and the shop wrote down."""
    return live.records


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The first of these tests waits for the model, which a fresh clone has to train.
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.rasa)
            item.add_marker(pytest.mark.timeout(600))
