"""A whole bot for tests: the real application with its plugins, and a dialogue by a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from bot.core import Core
from bot.ports import Row
from bot.store import SQLiteStore
from bot.testing.fakes import ScriptedDialogue
from host.app import App
from host.files import DiskFiles
from host.hooks import hookimpl
from host.plugins import load
from host.ports import Registrar
from host.settings import BotOptions, HandoffOptions, HoursOptions, Settings

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# By day and by night: what a test sees must not depend on when it runs.
_ALWAYS = HoursOptions.model_validate({**dict.fromkeys(_DAYS, "0-24"), "holidays": False})


class ScriptedPlugin:
    """Registers a dialogue by a script."""

    def __init__(self, dialogue: ScriptedDialogue) -> None:
        self._dialogue = dialogue

    @hookimpl
    def bot_register(self, bot: Registrar) -> None:
        """Provide the dialogue."""
        bot.add_dialogue(lambda _services: self._dialogue)


class GivenPlugin(EntryPoint):
    """An entry point whose object is there already."""

    def __init__(self, name: str, made: object) -> None:
        super().__init__(name, "given", "schalter")
        vars(self)["made"] = made  # an EntryPoint lets nobody set its attributes

    def load(self) -> object:
        """The object."""
        return vars(self)["made"]


@dataclass(frozen=True, slots=True)
class RunningBot:
    """A running bot."""

    url: str
    dialogue: ScriptedDialogue
    app: App

    @property
    def core(self) -> Core:
        """Its core."""
        return self.app.core

    @property
    def store(self) -> SQLiteStore:
        """Its store."""
        return self.app.store

    @property
    def files(self) -> DiskFiles:
        """Its files."""
        return self.app.files

    async def rows(self, sql: str, **values: object) -> list[Row]:
        """Look into the store."""
        return await self.app.store.read(lambda tx: tx.rows(sql, **values))

    async def until(self, sql: str, seconds: float = 10.0, **values: object) -> list[Row]:
        """Return the rows of a query as soon as there are some. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not (rows := await self.rows(sql, **values)):  # noqa: ASYNC110 - rows have no event
                await asyncio.sleep(0.01)
        return rows


@asynccontextmanager
async def running_bot(
    folder: Path,
    plugins: Mapping[str, Mapping[str, Any]],
    dialogue: ScriptedDialogue | None = None,
    *,
    port: int = 0,
    public_url: str | None = None,
    environment: Mapping[str, str] | None = None,
    given: Sequence[GivenPlugin] = (),
    handoff: Mapping[str, Any] | None = None,
) -> AsyncIterator[RunningBot]:
    """Run a bot on ``folder``; entered again with the same folder and port it is a restart.

    ``plugins`` are built-in ones by name, each with its settings; ``given`` are others. Of desks
    there must be one: ``web`` brings it. ``handoff`` are settings of ``[handoff]``; lines of agents
    leave at once. Somebody is always there.
    """
    dialogue = dialogue or ScriptedDialogue()
    settings = Settings(
        bot=BotOptions(port=port, public_url=public_url),
        handoff=HandoffOptions(**{"undo_seconds": 0.0, **(handoff or {})}),
        hours=_ALWAYS,
        plugins={name: dict(table) for name, table in plugins.items() if table},
        environment=dict(environment or {}),
    )
    points = [EntryPoint(name, f"plugins.{name}", "schalter") for name in plugins]
    scripted = GivenPlugin("scripted", ScriptedPlugin(dialogue))
    loaded = load(settings, folder, [*points, *given, scripted])
    async with App(settings, loaded, folder) as app:
        yield RunningBot(app.url, dialogue, app)
