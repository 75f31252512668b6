"""The bot with the terminal as its only channel."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from bot.app import App
from bot.cli import Context
from bot.errors import Fatal
from bot.messages import Attachment, Outbound
from bot.settings import LogOptions
from bot.store import StoreError
from bot.store.folder import locked
from bot.wiring import store_of
from plugins.console.channel import NAME, AbsentDesk, ConsoleChannel
from plugins.console.turns import Ended, Line, TurnWatch, waiting_elsewhere

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
    log = LogOptions.model_validate({"level": log_level})
    settings = replace(context.settings.changed(host="127.0.0.1", port=0), log=log)
    desks = {desk.name: AbsentDesk(desk.name) for desk in context.plugins.each("desks")}
    app = context.app(settings, channels={NAME: ConsoleChannel(show)}, desks=desks)
    async with app:
        await app.ready()
        watch = TurnWatch(app.store)
        async with watch.watching():
            yield Session(app, watch)


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


async def lines_of(stream: BinaryIO, limit: int) -> AsyncIterator[bytes | None]:
    """Yield lines until the end; ``None`` for one that is longer than ``limit`` bytes.

    A thread of its own reads: a terminal cannot be polled with what may also be a file, and a
    read that waits must not hold up the end of the program.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes | EOFError | None] = asyncio.Queue()
    room, closed = threading.Semaphore(_READ_AHEAD), threading.Event()

    def put(item: bytes | EOFError | None) -> bool:
        room.acquire()
        try:
            loop.call_soon_threadsafe(queue.put_nowait, item)
        except RuntimeError:  # the loop has ended
            return False
        return not closed.is_set()

    def read() -> None:
        while line := stream.readline(limit + 1):
            whole = len(line) <= limit
            while not whole and line and not line.endswith(b"\n"):
                line = stream.readline(limit + 1)
            if not put(line if whole else None):
                return
        put(EOFError())

    threading.Thread(target=read, name="input", daemon=True).start()
    try:
        while not isinstance(item := await queue.get(), EOFError):
            room.release()
            yield item
    finally:
        closed.set()
        room.release()
