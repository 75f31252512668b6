"""The terminal in the conformance suite: `bot chat --json` with its pipes on a loopback socket."""

from __future__ import annotations

import asyncio
import json
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from bot.ports import Channel
from bot.store.codec import new_id
from bot.testing.conformance_wire import Fault, Harness, Seen, Taken, Update
from host.app import App
from plugins.console.channel import ConsoleChannel
from plugins.console.jsonl import LINE_LIMIT, JsonChat
from plugins.console.session import Session
from plugins.console.turns import TurnWatch

if TYPE_CHECKING:
    from bot.testing.conformance_wire import AnyBot

_SENDER = "anna"


class Terminal:
    """A :class:`bot.testing.conformance_wire.Wire`: writes lines, reads one answer for each."""

    def __init__(self, folder: Path, port: int) -> None:
        self.settings: Mapping[str, Any] = {"port": port}
        self._folder = folder
        self._answers: dict[str, dict[str, Any]] = {}  # by line id, the first answer of each
        self._waiting: list[asyncio.Future[dict[str, Any]]] = []  # one answer a line, in order
        self._writer: asyncio.StreamWriter | None = None
        self._connected = asyncio.Event()
        self._talks: set[asyncio.Task[Any]] = set()
        self._shown: dict[str, str] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk to the bot that came, until it goes."""
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        self._writer = writer
        self._connected.set()
        try:
            while line := await reader.readline():
                answer = json.loads(line)
                if answer["id"] is not None and "error" not in answer:
                    self._answers.setdefault(answer["id"], answer)
                future = self._waiting.pop(0)
                if not future.done():
                    future.set_result(answer)
        except ConnectionError:
            pass  # a bot that was killed
        finally:
            self._connected.clear()
            self._writer = None
            for future in self._waiting:
                future.cancel()
            self._waiting.clear()
            writer.close()
            self._talks.discard(task)

    async def ends(self) -> None:
        """Hang up. One that is cancelled with the loop complains of it in whatever test is next."""
        if self._writer is not None:
            self._writer.close()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def listens_at(self, url: str) -> None:
        """As in the protocol; the bot comes to the terminal by itself."""

    def text(self, text: str) -> Update:
        """As in the protocol."""
        return self._line({"text": text})

    def press(self, title: str) -> Update:
        """As in the protocol."""
        return self._line({"text": title, "payload": self._shown[title]})

    def file(self, data: bytes, name: str, text: str = "") -> Update:
        """As in the protocol."""
        path = Path(tempfile.mkdtemp(dir=self._folder)) / name
        path.write_bytes(data)
        return self._line({"text": text, "attachments": [str(path)]})

    def unknown(self) -> Update:
        """As in the protocol: a key that a line does not have."""
        return self._line({"text": "Hallo", "sticker": "cat"})

    def malformed(self) -> Sequence[Update]:
        """As in the protocol."""
        lines = [
            b"{",
            b"[]",
            b"\xff",
            b'{"text": "Hallo"}',
            b'{"sender": "anna"}',
            b'{"sender": "anna", "text": 3}',
            b'{"sender": "anna\\u0000", "text": "Hallo"}',
        ]
        return [self._raw(f"line {line!r}", line) for line in lines]

    def oversized(self) -> Sequence[Update]:
        """As in the protocol."""
        return [self._raw("too long", b'{"text": "' + b"a" * LINE_LIMIT + b'"}')]

    async def seen(self) -> Sequence[Seen]:
        """As in the protocol: the replies of all answers."""
        return [self._seen(reply) for one in self._answers.values() for reply in one["replies"]]

    def fail(self, fault: Fault, times: int = 1) -> None:
        """As in the protocol; there is no vendor that could do anything wrong."""
        raise NotImplementedError(fault, times)

    def _seen(self, reply: Mapping[str, Any]) -> Seen:
        for button in reply["buttons"]:
            self._shown[button["title"]] = button["payload"]
        titles = tuple(button["title"] for button in reply["buttons"])
        return Seen(
            reply["text"], titles, tuple(Path(p).read_bytes() for p in reply["attachments"])
        )

    def _line(self, fields: Mapping[str, Any]) -> Update:
        line_id = new_id()
        line = json.dumps({"sender": _SENDER, "id": line_id, **fields}).encode()
        return self._raw(json.dumps([_SENDER, line_id]), line)

    def _raw(self, name: str, line: bytes) -> Update:
        return Update(name, lambda: self._bring(line))

    async def _bring(self, line: bytes) -> Taken:
        await self._connected.wait()
        assert self._writer is not None
        answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append(answered)
        self._writer.write(line + b"\n")
        try:
            answer = await answered
        except asyncio.CancelledError:
            if answered.cancelled():
                return Taken.FAILED
            raise
        code = answer.get("error", {}).get("code")
        if code is None:
            return Taken.ACCEPTED
        return Taken.FAILED if code == "store" else Taken.REFUSED


class ConsoleHarness(Harness):
    """The terminal."""

    keeps_unknown: ClassVar[bool] = False
    shows_agents: ClassVar[bool] = False  # a line gets one answer; cases wait for another process

    def channel(self, settings: Mapping[str, Any]) -> Channel:
        """As in the base class."""
        del settings
        return ConsoleChannel()

    @asynccontextmanager
    async def wire(self) -> AsyncIterator[Terminal]:
        """As in the base class."""
        with tempfile.TemporaryDirectory() as folder, socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            terminal = Terminal(Path(folder), bound.getsockname()[1])
            async with await asyncio.start_server(terminal.serve, sock=bound):
                yield terminal
                await terminal.ends()

    @asynccontextmanager
    async def beside(self, bot: AnyBot, settings: Mapping[str, Any]) -> AsyncIterator[None]:
        """As in the base class: what `bot chat --json` does with its pipes."""
        watch = TurnWatch(bot.store)
        # A session asks of an app only its core and its files, and the suite's bot has both.
        session = Session(cast(App, bot), watch)
        with socket.create_connection(("127.0.0.1", settings["port"])) as pipe:
            stream = pipe.makefile("rwb", buffering=0)

            def write(answer: dict[str, Any]) -> None:
                stream.write(json.dumps(answer).encode() + b"\n")

            async with watch.watching():
                chat = asyncio.create_task(JsonChat(session, write).run(cast(Any, stream)))
                try:
                    yield
                finally:
                    pipe.shutdown(socket.SHUT_RDWR)
                    chat.cancel()
                    await asyncio.gather(chat, return_exceptions=True)
                    stream.close()
