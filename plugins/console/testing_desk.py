"""The terminal in the desk suite: what people see who talk at the prompt.

`bot chat` opens no desk; here one is open beside it, as agents must be able to answer everybody.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bot.messages import Outbound
from bot.ports import Channel
from bot.store.codec import new_id
from bot.testing.conformance_wire import Fault, Harness, Seen, Taken, Update
from host.app import App
from plugins.console.channel import ConsoleChannel
from plugins.console.session import Session
from plugins.console.turns import Line, TurnWatch

if TYPE_CHECKING:
    from bot.testing.conformance_wire import AnyBot

_SENDER = "anna"


class Prompt:
    """A :class:`bot.testing.conformance_wire.Wire`: shows what goes out, as it goes out."""

    settings: Mapping[str, Any] = {}

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shown: list[Outbound] = []
        self.session: Session | None = None

    def show(self, out: Outbound) -> None:
        """Show a message."""
        self._shown.append(out)

    def listens_at(self, url: str) -> None:
        """As in the protocol; the prompt is in the bot's own process."""

    def text(self, text: str) -> Update:
        """As in the protocol."""
        return self._says(text)

    def file(self, data: bytes, name: str, text: str = "") -> Update:
        """As in the protocol."""
        path = Path(tempfile.mkdtemp(dir=self._folder)) / name
        path.write_bytes(data)
        return self._says(text, path)

    def press(self, title: str) -> Update:
        """As in the protocol."""
        button = next(one for out in self._shown for one in out.buttons if one.title == title)
        return self._says(title, payload=button.payload)

    def unknown(self) -> Update:
        """As in the protocol; a prompt brings nothing but lines and files."""
        raise NotImplementedError

    def malformed(self) -> Sequence[Update]:
        """As in the protocol."""
        return []

    def oversized(self) -> Sequence[Update]:
        """As in the protocol."""
        return []

    async def seen(self) -> Sequence[Seen]:
        """As in the protocol."""
        return [self._seen(out) for out in self._shown]

    def fail(self, fault: Fault, times: int = 1) -> None:
        """As in the protocol; there is no vendor that could do anything wrong."""
        raise NotImplementedError(fault, times)

    def _says(self, text: str, path: Path | None = None, payload: str | None = None) -> Update:
        line_id = new_id()

        async def bring() -> Taken:
            if self.session is None:
                return Taken.FAILED
            files = () if path is None else (await self.session.attach(path, _SENDER),)
            await self.session.say(Line(_SENDER, line_id, text, payload, files))
            return Taken.ACCEPTED

        return Update(Line(_SENDER, line_id).wire_id, bring)

    def _seen(self, out: Outbound) -> Seen:
        assert self.session is not None
        files = [self.session.path(one.file or "") for one in out.attachments]
        contents = tuple(Path(path).read_bytes() for path in files)
        return Seen(out.text, tuple(button.title for button in out.buttons), contents)


class PromptHarness(Harness):
    """The terminal with its prompt."""

    def __init__(self) -> None:
        self._prompt: Prompt | None = None

    def channel(self, settings: Mapping[str, Any]) -> Channel:
        """As in the base class."""
        del settings
        return ConsoleChannel() if self._prompt is None else ConsoleChannel(self._prompt.show)

    @asynccontextmanager
    async def wire(self) -> AsyncIterator[Prompt]:
        """As in the base class."""
        with tempfile.TemporaryDirectory() as folder:
            self._prompt = Prompt(Path(folder))
            yield self._prompt

    @asynccontextmanager
    async def beside(self, bot: AnyBot, settings: Mapping[str, Any]) -> AsyncIterator[None]:
        """As in the base class: what `bot chat` does with its prompt."""
        del settings
        assert self._prompt is not None
        watch = TurnWatch(bot.store)
        async with watch.watching():
            # A session asks of an app only its core and its files, and every bot has both.
            self._prompt.session = Session(cast(App, bot), watch)
            yield
            self._prompt.session = None
