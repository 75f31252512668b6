"""The bot with the terminal as its only channel."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from bot.messages import Attachment, Outbound
from bot.ports import Channel
from bot.store import StoreError
from host.app import App
from host.cli import Context
from host.errors import Fatal
from host.folder import locked
from host.settings import LogOptions, Settings
from host.wiring import store_of
from plugins.console.channel import NAME, AbsentDesk, ConsoleChannel
from plugins.console.turns import Ended, Line, Mails, TurnWatch, no_mails, waiting_elsewhere
from plugins.mailbox.api import NAME as MAILBOX
from plugins.mailbox.api import Mailbox

_BLOCK = 64 * 1024
_READ_AHEAD = 8  # lines


class Session:
    """An open bot to talk to."""

    def __init__(self, app: App, watch: TurnWatch) -> None:
        self.app = app
        self._watch = watch

    async def say(self, line: Line) -> Ended:
        """Say a line and wait until its turn is over. The same line again is not said twice."""
        await self.app.core.inbox.accept(line.inbound())
        return await self._watch.ended(line)

    async def attach(self, path: Path, sender: str) -> Attachment:
        """Take a file in. Raises OSError and Refused."""
        if not await asyncio.to_thread(path.is_file):
            raise FileNotFoundError(str(path))
        limit = ConsoleChannel.features.attachment_limit
        owner = f"{NAME}:{sender}"
        return await self.app.files.put(_chunks(path), name=path.name, owner=owner, limit=limit)

    def path(self, file: str) -> str:
        """Where a stored file lies."""
        path = self.app.files.path(file)
        return str(path.resolve()) if path is not None else ""


@asynccontextmanager
async def open_session(
    context: Context, show: Callable[[Outbound], None], *, log_level: str
) -> AsyncIterator[Session]:
    """Open the bot on the data folder and wait until it can answer. Raises Fatal."""
    await _refuse_strangers(context)
    context.settings = _without_mail(context, log_level)
    vars(context).pop("plugins", None)
    desks = {desk.name: AbsentDesk(desk.name) for desk in context.plugins.each("desks")}
    channels: dict[str, Channel] = {NAME: ConsoleChannel(show)}
    mails: Mails = no_mails
    with suppress(LookupError):  # it is left out: codes are then for agents
        mailbox = context.plugins.get(Mailbox)
        channels[mailbox.channel.name], mails = mailbox.channel, mailbox.mails
    app = context.app(channels=channels, desks=desks)
    async with app:
        await app.ready()
        watch = TurnWatch(app.store, mails)
        async with watch.watching():
            yield Session(app, watch)


def _without_mail(context: Context, log_level: str) -> Settings:
    """Settings in which the demo's mailbox stands for mail: nothing is sent from here."""
    log = LogOptions.model_validate({"level": log_level})
    plugins = {name: table for name, table in context.settings.plugins.items() if name != "mail"}
    if any(plugin.name == MAILBOX and plugin.state != "off" for plugin in context.plugins.all):
        plugins.setdefault(MAILBOX, {})
    return replace(context.settings.changed(host="127.0.0.1", port=0), plugins=plugins, log=log)


async def _refuse_strangers(context: Context) -> None:
    # Only the terminal is open here: what other channels' customers wait for would be given up.
    if not (context.data / "bot.db").exists():
        return
    with locked(context.data):
        try:
            async with store_of(context.plugins, context.data) as store:
                waiting = await store.read(waiting_elsewhere)
        except StoreError as error:
            raise Fatal(str(error)) from error
    if waiting:
        raise Fatal(
            f"{context.data} holds messages of other channels that wait",
            "run the bot until they are answered, or use a folder of its own: --data",
        )


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    stream = await asyncio.to_thread(path.open, "rb")
    try:
        while block := await asyncio.to_thread(stream.read, _BLOCK):
            yield block
    finally:
        stream.close()


def standard_input() -> BinaryIO:
    """Standard input, unbuffered: a read that still waits holds no lock at the program's end."""
    buffered: Any = sys.stdin.buffer
    raw: BinaryIO = getattr(buffered, "raw", buffered)
    return raw


async def lines_of(stream: BinaryIO, limit: int) -> AsyncIterator[bytes | None]:
    """Yield lines until the end; ``None`` for one that is longer than ``limit`` bytes.

    A thread of its own reads: what may be a terminal or a file cannot be polled, and a read that
    waits must not hold up the end of the program.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes | EOFError | None] = asyncio.Queue()
    room, closed = threading.Semaphore(_READ_AHEAD), threading.Event()

    def read() -> None:
        for item in chain(_lines(stream, limit), [EOFError()]):
            room.acquire()
            if closed.is_set():
                return
            try:
                loop.call_soon_threadsafe(queue.put_nowait, item)
            except RuntimeError:  # the loop has ended
                return

    threading.Thread(target=read, name="input", daemon=True).start()
    try:
        while not isinstance(item := await queue.get(), EOFError):
            room.release()
            yield item
    finally:
        closed.set()
        room.release()


def _lines(stream: BinaryIO, limit: int) -> Iterator[bytes | None]:
    line, too_long = b"", False
    while block := stream.read(_BLOCK):
        *ended, rest = block.split(b"\n")
        for part in ended:
            too_long = too_long or len(line) + len(part) > limit
            yield None if too_long else line + part
            line, too_long = b"", False
        line += rest
        if len(line) > limit:
            line, too_long = b"", True
    if line or too_long:
        yield None if too_long else line
