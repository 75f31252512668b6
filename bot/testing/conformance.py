"""The conformance suite: what every channel must do, as tests that a plugin's author inherits.

    from bot.testing.conformance import ChannelConformance

    class TestPigeon(ChannelConformance):
        harness = PigeonHarness

``PigeonHarness`` is a :class:`bot.testing.conformance_wire.Harness`: it makes the channel and a
simulated vendor. Needs pytest and pytest-asyncio.
"""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from bot.testing.conformance_base import Conforming
from bot.testing.conformance_in import ComesIn
from bot.testing.conformance_out import GoesOut
from bot.testing.conformance_scene import PATIENCE, bot_process, require, scene
from bot.testing.conformance_wire import Fault, Harness, Seen, Taken, Update, Wire

__all__ = ["ChannelConformance", "Fault", "Harness", "Seen", "Taken", "Update", "Wire"]


class Survives(Conforming):
    """A bot that is killed."""

    async def test_a_kill_between_accept_and_answer_loses_nothing(self, tmp_path: Path) -> None:
        """SIGKILL while the dialogue thinks; the next process answers, once."""
        harness = self.harness()
        async with scene(harness, tmp_path) as now:
            update, settings = now.wire.text("Hallo"), now.wire.settings
            async with bot_process(harness, tmp_path, settings, silent=True) as bot:
                now.wire.listens_at(bot.url)
                bringing = asyncio.ensure_future(update.bring())
                await _turn_begins(tmp_path)
                acknowledged = bringing.done() and bringing.result() is Taken.ACCEPTED
                await bot.kill()
            taken = (await asyncio.gather(bringing, return_exceptions=True))[0]
            async with bot_process(harness, tmp_path, settings) as bot:
                now.wire.listens_at(bot.url)
                if not acknowledged and taken is not Taken.ACCEPTED:
                    await update.bring()  # a vendor that got no answer brings it again
                await now.sees()
                await asyncio.sleep(0.5)
                seen = [one.text for one in await now.wire.seen()]
                require(seen == ["echo: Hallo"], f"the customer sees {seen}")


class ChannelConformance(ComesIn, GoesOut, Survives):
    """Set ``harness``; every test that the harness can play is collected."""


async def _turn_begins(folder: Path) -> None:
    """Look from outside until the message is a turn."""
    async with asyncio.timeout(PATIENCE):
        while not _frozen(folder / "bot.db"):  # noqa: ASYNC110 - another process tells no event
            await asyncio.sleep(0.02)


def _frozen(database: Path) -> bool:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return bool(connection.execute("SELECT count(*) FROM turns").fetchone()[0])
    finally:
        connection.close()
