"""A bot for tests of the chat page and the desk: the real core, and a dialogue by a script."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.testing.fakes import ScriptedDialogue
from bot.testing.running import running_bot
from host.app import App

TOKEN = "a-token-for-tests-only"  # noqa: S105 - opens nothing but a test's own desk


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
    undo_seconds: float = 0.0,
) -> AsyncIterator[WebBot]:
    """Run a bot on ``folder``; entered again with the same folder and port it is a restart.

    ``web`` are settings of ``[plugins.web]``, ``more`` other built-in plugins to load.
    """
    table = {"announce": False, "burst_seconds": 0.05, **(web or {})}
    plugins = {"knowledge": {}, "web": table, **{name: {} for name in more}}
    environment = {"SCHALTER_WEB_DESK_TOKEN": TOKEN}
    async with running_bot(
        folder,
        plugins,
        dialogue,
        port=port,
        environment=environment,
        handoff={"undo_seconds": undo_seconds},
    ) as bot:
        yield WebBot(bot.url, TOKEN, bot.dialogue, bot.app)
