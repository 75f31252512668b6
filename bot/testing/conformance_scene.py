"""A customer, a simulated vendor and a bot: what a test of the suite is told with."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from inspect import getfile
from pathlib import Path
from typing import Any

from bot.ports import Row
from bot.testing.conformance_bot import ConformingBot, conforming_bot
from bot.testing.conformance_wire import Harness, Seen, Taken, Update, Wire
from bot.testing.fakes import ScriptedDialogue

PATIENCE = 15.0
"""Seconds that a test waits for what must happen."""
MOMENT = 0.25
"""Seconds in which what must not happen would have happened."""


def require(holds: bool, problem: str) -> None:
    """Say what is wrong with a channel. Raises AssertionError."""
    if not holds:
        raise AssertionError(problem)


@dataclass
class Scene:
    """A customer at a vendor. ``bot`` is the one that runs now."""

    harness: Harness
    wire: Wire
    folder: Path
    _bot: ConformingBot | None = None
    _bringing: list[asyncio.Task[Taken]] = field(default_factory=list)

    @property
    def bot(self) -> ConformingBot:
        """The bot that runs. Raises RuntimeError when none does."""
        if self._bot is None:
            raise RuntimeError("no bot runs")
        return self._bot

    @asynccontextmanager
    async def running(self, dialogue: ScriptedDialogue | None = None) -> AsyncIterator[None]:
        """Run a bot on the scene's folder; a second time it is a restart."""
        running = conforming_bot(self.folder, self.harness, self.wire.settings, dialogue)
        async with running as self._bot:
            self.wire.listens_at(self._bot.url)
            try:
                yield
            finally:
                await self._end_bringing()
        self._bot = None

    async def says(self, text: str) -> Update:
        """The customer writes; return as soon as the bot keeps it."""
        return await self.does(self.wire.text(text))

    async def does(self, update: Update) -> Update:
        """The vendor brings something; return as soon as the bot keeps it."""
        task = self.brings(update)
        async with asyncio.timeout(PATIENCE):
            while not await self.kept(update):
                refused = task.done() and task.result() is not Taken.ACCEPTED
                require(not refused, f"an update was {refused and task.result()}: {update.id}")
                await asyncio.sleep(0.01)
        return update

    def brings(self, update: Update) -> asyncio.Task[Taken]:
        """The vendor begins to bring something."""
        task = asyncio.ensure_future(update.bring())
        self._bringing.append(task)
        return task

    async def brought(self) -> list[Taken]:
        """What became of everything that the vendor began to bring."""
        taken = [await task for task in self._bringing]
        self._bringing.clear()
        return taken

    async def kept(self, update: Update) -> list[Row]:
        """The inbox rows of an update."""
        return await self.bot.rows("SELECT * FROM inbox WHERE wire_id = :id", id=update.id)

    async def sees(self, count: int = 1, seconds: float = PATIENCE) -> Sequence[Seen]:
        """What the customer has, once there are ``count`` messages. Raises AssertionError."""
        try:
            async with asyncio.timeout(seconds):
                while len(seen := await self.wire.seen()) < count:  # noqa: ASYNC110 - as people look
                    await asyncio.sleep(0.02)
        except TimeoutError:
            seen = await self.wire.seen()
            raise AssertionError(f"{count} messages expected, seen: {_told(seen)}") from None
        return seen

    async def all_seen(self) -> list[str]:
        """The texts that the customer has, when nothing waits any more."""
        await self.bot.settled()
        await self.brought()
        return [one.text for one in await self.wire.seen()]

    async def states(self) -> list[str]:
        """What became of the messages to the customer, in order."""
        return [str(row["state"]) for row in await self.bot.sent()]

    async def _end_bringing(self) -> None:
        for task in self._bringing:
            task.cancel()
        await asyncio.gather(*self._bringing, return_exceptions=True)
        self._bringing.clear()


@asynccontextmanager
async def scene(harness: Harness, folder: Path) -> AsyncIterator[Scene]:
    """A vendor with a customer, and no bot yet."""
    async with harness.wire() as wire:
        yield Scene(harness, wire, folder)


@asynccontextmanager
async def playing(harness: Harness, folder: Path) -> AsyncIterator[Scene]:
    """A vendor with a customer, and a bot."""
    async with scene(harness, folder) as made, made.running():
        yield made


class BotProcess:
    """A bot in a process of its own, which can be killed."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self._process = process
        self.url = url

    async def kill(self) -> None:
        """`kill -9`."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def bot_process(
    harness: Harness, folder: Path, settings: Mapping[str, Any], *, silent: bool = False
) -> AsyncIterator[BotProcess]:
    """Run a bot as a child. A ``silent`` one accepts and never answers."""
    task = {
        "module": type(harness).__module__,
        "file": getfile(type(harness)),
        "harness": type(harness).__qualname__,
        "folder": str(folder),
        "settings": dict(settings),
        "silent": silent,
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.testing.conformance_child",
        json.dumps(task),
        stdout=asyncio.subprocess.PIPE,
    )
    process = BotProcess(child, "")
    try:
        async with asyncio.timeout(60):
            assert child.stdout is not None
            line = await child.stdout.readline()
        require(line.startswith(b"http"), f"the bot did not start: {line!r}")
        process.url = line.decode().strip()
        yield process
    finally:
        await process.kill()
        child._transport.close()  # type: ignore[attr-defined] # asyncio leaves the pipe open


def _told(seen: Sequence[Seen]) -> list[str]:
    return [one.text or f"{len(one.files)} file(s)" for one in seen]
