"""A bot for tests of the chat page and the desk: the real core, and a dialogue by a script."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from bot.testing.fakes import ScriptedDialogue
from host.app import App
from host.hooks import hookimpl
from host.plugins import load
from host.ports import Registrar
from host.settings import BotOptions, Settings

TOKEN = "a-token-for-tests-only"  # noqa: S105 - opens nothing but a test's own desk


class ScriptedPlugin:
    """Registers a dialogue by a script."""

    def __init__(self, dialogue: ScriptedDialogue) -> None:
        self._dialogue = dialogue

    @hookimpl
    def bot_register(self, bot: Registrar) -> None:
        """Provide the dialogue."""
        bot.add_dialogue(lambda _services: self._dialogue)


class _Given(EntryPoint):
    """An entry point whose object is there already."""

    def __init__(self, name: str, made: object) -> None:
        super().__init__(name, "given", "schalter")
        vars(self)["made"] = made  # an EntryPoint lets nobody set its attributes

    def load(self) -> object:
        return vars(self)["made"]


@dataclass(frozen=True, slots=True)
class WebBot:
    """A running bot."""

    url: str
    token: str
    dialogue: ScriptedDialogue
    app: App

    @property
    def desk_url(self) -> str:
        """The desk with its token."""
        return f"{self.url}/desk#token={self.token}"


@asynccontextmanager
async def web_bot(
    folder: Path,
    dialogue: ScriptedDialogue | None = None,
    *,
    port: int = 0,
    web: Mapping[str, Any] | None = None,
    more: Sequence[str] = (),
) -> AsyncIterator[WebBot]:
    """Run a bot on ``folder``; entered again with the same folder and port it is a restart.

    ``web`` are settings of ``[plugins.web]``, ``more`` other built-in plugins to load.
    """
    dialogue = dialogue or ScriptedDialogue()
    settings = Settings(
        bot=BotOptions(port=port),
        plugins={"web": {"announce": False, "burst_seconds": 0.05, **(web or {})}},
        environment={"SCHALTER_WEB_DESK_TOKEN": TOKEN},
    )
    names = ("knowledge", "web", *more)
    points = [EntryPoint(name, f"plugins.{name}", "schalter") for name in names]
    plugins = load(settings, folder, [*points, _Given("scripted", ScriptedPlugin(dialogue))])
    async with App(settings, plugins, folder) as app:
        yield WebBot(app.url, TOKEN, dialogue, app)
