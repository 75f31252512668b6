"""A bot with one channel in a process of its own, for the suite to kill.

Run by :func:`bot.testing.conformance_scene.bot_process`; it prints its address when it runs.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from functools import reduce
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from bot.messages import Answer, Turn
from bot.testing.conformance_bot import conforming_bot
from bot.testing.conformance_wire import Harness
from bot.testing.fakes import ScriptedDialogue


class _Silent(ScriptedDialogue):
    """Never answers."""

    async def ask(self, turn: Turn) -> Answer:
        del turn
        await asyncio.Event().wait()
        raise AssertionError


def _module(name: str, file: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError:  # a test module that pytest imported in its own way
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module


async def _run(task: dict[str, Any]) -> None:
    made: Any = reduce(getattr, task["harness"].split("."), _module(task["module"], task["file"]))
    harness: Harness = made()
    dialogue = _Silent() if task["silent"] else ScriptedDialogue()
    running = conforming_bot(Path(task["folder"]), harness, task["settings"], dialogue)
    async with running as bot:
        print(bot.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_run(json.loads(sys.argv[1])))
