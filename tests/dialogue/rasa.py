"""Asking Rasa in tests: one conversation, a key for each turn."""

from __future__ import annotations

import itertools
import json
import sqlite3
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp


@dataclass
class Rasa:
    """One conversation with a running Rasa. `tracker` is the file that it keeps trackers in."""

    session: aiohttp.ClientSession
    tracker: Path
    sender: str
    _keys: Any = field(default_factory=itertools.count)

    async def post(self, path: str, body: Any, **options: Any) -> tuple[int, Any]:
        """Status and JSON of a request to the channel; `body` may be raw bytes."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session.post(f"/webhooks/schalter/{path}", data=data, **options) as got:
            return got.status, await got.json()

    async def turn(self, text: str | None = None, **more: Any) -> tuple[int, Any]:
        """Ask a turn; a new key unless one is given."""
        body = {
            "turn": f"turn {next(self._keys)}",
            "sender": self.sender,
            "text": text,
            "language": "de",
            **more,
        }
        return await self.post("turn", body)

    async def say(self, text: str | None = None, **more: Any) -> Any:
        """Ask a turn that has to be answered."""
        status, answer = await self.turn(text, **more)
        assert status == 200, answer
        assert answer["status"] == "done", answer
        return answer

    def note(self, event: dict[str, Any]) -> None:
        """Write an event into the tracker of a conversation that the server has not seen yet."""
        event = {"timestamp": time.time(), **event}
        with sqlite3.connect(self.tracker) as database:
            database.execute(
                "INSERT INTO events (sender_id, type_name, timestamp, data) VALUES (?, ?, ?, ?)",
                (self.sender, event["event"], event["timestamp"], json.dumps(event)),
            )
        database.close()


def names(answer: Any) -> list[str]:
    """The responses of an answer, by name; what an action answered stands for itself."""
    return [reply.get("response") or reply.get("answer") for reply in answer["replies"]]
