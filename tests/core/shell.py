"""A small bot for tests of the shell: a dialogue that echoes, a webhook channel, a quiet desk."""

from __future__ import annotations

import asyncio
import sys
import types
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import EntryPoint
from pathlib import Path

from aiohttp import web

from bot.desk import Case, CaseLine
from bot.messages import (
    Address,
    Answer,
    Features,
    Inbound,
    Outbound,
    Outcome,
    Say,
    State,
    Turn,
    Understanding,
)
from bot.ports import DeskInbox, Inbox, Route, Unavailable
from host.app import App
from host.hooks import GROUP, hookimpl
from host.plugins import Plugins, load
from host.ports import Registrar, Services
from host.settings import BotOptions, Settings


class EchoDialogue:
    """Says what it was told; some words make it slow, broken, unavailable, or call a person."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.never: str | None = None
        self.down = 0

    async def ready(self) -> None:
        await self.started.wait()
        if self.never:
            raise Unavailable(self.never)

    async def ask(self, turn: Turn) -> Answer:
        understood = Understanding("echo", 0.9)
        if turn.text.startswith("wait"):
            await asyncio.sleep(float(turn.text.split()[1]))
        if turn.text == "down" and self.down < 2:
            self.down += 1
            raise Unavailable("down")
        if turn.text == "broken":
            raise RuntimeError("of customer@example.org")
        if turn.text == "person":
            return Answer((Say(text="one moment"),), Outcome.HANDOFF, "asked")
        return Answer((Say(text=f"echo {turn.text}"),), understanding=understood)


class HookChannel:
    """Takes messages at POST /hook and keeps what is sent."""

    name = "hook"
    features = Features(burst_seconds=0, unknown_send="dedupe")

    def __init__(self) -> None:
        self.sent: list[Outbound] = []
        self.arrived = asyncio.Event()
        self.is_open = False

    @asynccontextmanager
    async def open(self, inbox: Inbox) -> AsyncIterator[None]:
        self.is_open = True
        yield
        self.is_open = False

    async def send(self, out: Outbound) -> str:
        assert self.is_open
        self.sent.append(out)
        self.arrived.set()
        return out.id

    def routes(self, inbox: Inbox) -> Sequence[Route]:
        async def take(request: web.Request) -> web.Response:
            body = await request.json()
            message = Inbound(Address("hook", body["from"]), body["id"], text=body["text"])
            return web.json_response(await inbox.accept(message))

        return [web.post("/hook", take)]


class QuietDesk:
    """A desk where nobody sits."""

    name = "quiet"

    @asynccontextmanager
    async def open(self, commands: DeskInbox) -> AsyncIterator[None]:
        yield

    async def show(self, case: Case) -> str:
        return str(case.id)

    async def post(self, line: CaseLine) -> str:
        return line.line.id

    async def mark(self, line: str, state: State, reason: str | None) -> None: ...


class Bot:
    """The parts of the small bot, and the app made of them."""

    def __init__(self, data: Path, *more: EntryPoint) -> None:
        self.data = data
        self.dialogue = EchoDialogue()
        self.channel = HookChannel()
        self.settings = Settings(bot=BotOptions(port=0, data=data))
        self.more = more

    def plugins(self) -> Plugins:
        return load(self.settings, self.data, [entry("echo", self.register), *self.more])

    def register(self, bot: Registrar) -> None:
        def dialogue(_services: Services) -> EchoDialogue:
            return self.dialogue

        bot.add_dialogue(dialogue)
        bot.add_channel(self.channel)
        bot.add_desk(QuietDesk())

    def app(self) -> App:
        return App(self.settings, self.plugins(), self.data)

    async def answers(self, count: int) -> list[str]:
        """Wait until so many messages were sent, and return their texts."""
        async with asyncio.timeout(10):
            while len(self.channel.sent) < count:
                self.channel.arrived.clear()
                await self.channel.arrived.wait()
        return [out.text for out in self.channel.sent]


class OneLanguage:
    """In the place of the detector, whose model takes a second to load."""

    def detect(self, text: str, current: str, *, first: bool = False) -> str:
        return current


def entry(name: str, register: Callable[[Registrar], None]) -> EntryPoint:
    """An entry point of a module that is made here."""

    def bot_register(bot: Registrar) -> None:
        register(bot)

    module = types.ModuleType(f"made_{name}_{id(register)}")
    vars(module)["bot_register"] = hookimpl(bot_register)
    sys.modules[module.__name__] = module
    return EntryPoint(name, module.__name__, GROUP)
