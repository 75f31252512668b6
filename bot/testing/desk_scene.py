"""A customer at a vendor, agents in a room, and a bot: what the desk suite is told with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.messages import Address, Answer, Inbound, Kind, Outbound, Outcome, Say
from bot.ports import Channel, Retry
from bot.store import conversations, linking
from bot.store.codec import new_id, utc_now
from bot.testing.conformance_scene import PATIENCE, require
from bot.testing.conformance_wire import Harness, Taken, Update, Wire
from bot.testing.desk_wire import DeskHarness, Room, Sitting, ThreadLine
from bot.testing.fakes import ScriptedDialogue
from bot.testing.running import GivenPlugin, RunningBot, running_bot
from bot.testing.world import SETTLED
from host.hooks import hookimpl
from host.ports import Registrar

ASKS = "Mensch"
"""What the customer says to get a person."""
_HELD_UP = 3.0  # seconds in which an agent takes over
_WAITS = "SELECT 1 FROM outbox WHERE op = 'send' AND author = 'bot' AND attempts > 0"


class _ChannelPlugin:
    """Registers the channel under test."""

    def __init__(self, harness: Harness, channel: Channel) -> None:
        self._harness, self._channel = harness, channel

    @hookimpl
    def bot_register(self, bot: Registrar) -> None:
        """Add the channel with its tables."""
        for migrations in self._harness.migrations:
            bot.add_migrations(migrations.folder)
        bot.add_channel(self._channel)


@dataclass
class DeskScene:
    """A customer who writes, and agents. ``bot`` is the one that runs now."""

    desk: DeskHarness
    harness: Harness
    wire: Wire
    room: Room
    folder: Path
    dialogue: ScriptedDialogue = field(default_factory=ScriptedDialogue)
    _bot: RunningBot | None = None

    @property
    def bot(self) -> RunningBot:
        """The bot that runs. Raises RuntimeError when none does."""
        if self._bot is None:
            raise RuntimeError("no bot runs")
        return self._bot

    @property
    def channel(self) -> Channel:
        """The channel that the customer writes on, of the bot that runs."""
        channels: Iterable[Channel] = self.bot.app.plugins.each("channels")
        return next(one for one in channels if one.name == self.name)

    @property
    def name(self) -> str:
        """Its name."""
        return self.harness.channel(self.wire.settings).name

    @asynccontextmanager
    async def running(self, **handoff: Any) -> AsyncIterator[None]:
        """Run a bot with settings of ``[handoff]``; a second time it is a restart."""
        self.dialogue.replies[ASKS] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
        own = self.name in self.desk.brings
        channel = _ChannelPlugin(self.harness, self.harness.channel(self.wire.settings))
        async with running_bot(
            self.folder,
            self.desk.plugins(self.room, self.wire.settings if own else {}),
            self.dialogue,
            environment=self.desk.environment(self.room),
            given=() if own else (GivenPlugin(self.name, channel),),
            handoff=handoff,
        ) as self._bot:
            self.wire.listens_at(self._bot.url)
            self.room.listens_at(self._bot.url)
            async with self.harness.beside(self._bot, self.wire.settings):
                yield
        self._bot = None

    async def says(self, text: str) -> None:
        """The customer writes; return when the bot keeps it."""
        await self.does(self.wire.text(text))

    async def does(self, update: Update) -> None:
        """The vendor brings something until the bot keeps it."""
        async with asyncio.timeout(PATIENCE):
            while (taken := await update.bring()) is Taken.FAILED:  # noqa: ASYNC110 - as vendors do
                await asyncio.sleep(0.05)
        require(taken is Taken.ACCEPTED, f"an update was {taken}: {update.id}")

    async def texts(self) -> list[str]:
        """What the customer has."""
        return [one.text for one in await self.wire.seen()]

    async def sees(self, wanted: Callable[[str], bool] | str) -> str:
        """The first text that the customer has and that is wanted. Raises AssertionError."""
        fits = wanted if callable(wanted) else lambda text: text == wanted
        found: list[str] = []

        async def look() -> bool:
            found[:] = [text for text in await self.texts() if fits(text)]
            return bool(found)

        await eventually(look, f"the customer never saw {wanted!r}")
        return found[0]

    async def hears(self, courtesy: Callable[[str], bool]) -> None:
        """The customer sees what keeps them company, on a channel with courtesies; else nothing."""
        if self.channel.features.courtesies:
            await self.sees(courtesy)
            return
        await self.settled()
        said = [text for text in await self.texts() if courtesy(text)]
        require(not said, f"the customer is bothered with {said}")

    async def asks_for_person(self) -> None:
        """The customer asks for a person, and hears that one was called."""
        before = len(await self.texts())
        await self.says(ASKS)

        async def told() -> bool:
            return len(await self.texts()) > before

        await eventually(told, "the customer was not told that a person was called")

    async def with_agent(self, name: str) -> Sitting:
        """Somebody takes over the case of the customer, who hears of it if that bothers nobody."""
        await self.asks_for_person()
        agent = await self.room.agent(name)
        await shows(agent, lambda lines: any(line.text == ASKS for line in lines), "the case")
        await agent.takes_over()
        await held(agent, name)
        await self.hears(lambda text: name.split()[0] in text)
        return agent

    async def with_draft(self, asks: str) -> Sitting:
        """Somebody takes over before the answer of the bot has left: it is a draft."""
        await self.asks_for_person()
        agent = await self.room.agent("Jana Berg")
        await shows(agent, lambda lines: any(line.text == ASKS for line in lines), "the case")
        async with asyncio.TaskGroup() as group, self.refusing(Retry(_HELD_UP)):
            group.create_task(self.says(asks))  # a terminal waits for what is said to it
            await self.bot.until(_WAITS, PATIENCE)
            await agent.takes_over()
        await held(agent, agent.name)
        await self.hears(lambda text: "Jana" in text)
        return agent

    async def settled(self) -> None:
        """Return when nothing waits any more."""
        await self.bot.until(SETTLED, PATIENCE)

    async def elsewhere(self, name: str, text: str) -> int:
        """Somebody writes on another channel; the number of that conversation."""
        address = Address("elsewhere", name)
        message = Inbound(address, new_id(), Kind.AUTOMATIC, text=text, sender_name=name)
        await self.bot.app.core.inbox.accept(message)
        row = await self.bot.app.store.read(lambda tx: conversations.of_address(tx, address))
        require(row is not None, "the other conversation is not there")
        return 0 if row is None else int(row["id"])

    async def may_be(self, other: int) -> None:
        """Propose a conversation as the customer's, by its number."""
        (own,) = await self.bot.app.store.read(
            lambda tx: tx.rows("SELECT conversation AS id FROM cases")
        )
        now = utc_now()
        await self.bot.app.store.write(
            lambda tx: linking.propose(tx, own["id"], other, "order", now)
        )

    @asynccontextmanager
    async def refusing(self, fault: Exception) -> AsyncIterator[None]:
        """The vendor refuses what is sent."""
        channel = self.channel
        send = channel.send

        async def refuse(out: Outbound) -> str:
            del out
            raise fault

        channel.send = refuse  # type: ignore[method-assign]
        try:
            yield
        finally:
            channel.send = send  # type: ignore[method-assign]


async def eventually(holds: Callable[[], Any], problem: str) -> None:
    """Wait until it holds. Raises AssertionError."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not await holds():  # noqa: ASYNC110 - as people look
                await asyncio.sleep(0.03)
    except TimeoutError:
        raise AssertionError(problem) from None


async def held(seen_by: Sitting, holder: str | None) -> None:
    """Wait until the card names who has the case, or nobody. Raises AssertionError."""

    async def named() -> bool:
        return await seen_by.holder() == holder

    await eventually(named, f"the card does not name {holder or 'nobody'} as who has the case")


async def shows(
    agent: Sitting, fits: Callable[[Sequence[ThreadLine]], bool], what: str
) -> Sequence[ThreadLine]:
    """The thread as soon as it is as wanted. Raises AssertionError."""
    lines: Sequence[ThreadLine] = ()

    async def look() -> bool:
        nonlocal lines
        lines = await agent.thread()
        return fits(lines)

    try:
        await eventually(look, what)
    except AssertionError:
        told = [f"{line.by}: {line.text} [{line.state}]" for line in lines]
        raise AssertionError(f"the thread does not show {what}: {told}") from None
    return lines


@asynccontextmanager
async def desk_scene(desk: DeskHarness, harness: Harness, folder: Path) -> AsyncIterator[DeskScene]:
    """A customer and a room, and no bot yet."""
    async with harness.wire() as wire, desk.room() as room:
        yield DeskScene(desk, harness, wire, room, folder)


@asynccontextmanager
async def at_desk(
    desk: DeskHarness, harness: Harness, folder: Path, **handoff: Any
) -> AsyncIterator[DeskScene]:
    """A customer, a room and a bot."""
    async with desk_scene(desk, harness, folder) as made, made.running(**handoff):
        yield made
