"""`bot chat --json`: one JSON object a line in, for each one line out, in the same order."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.ports import Refused
from bot.store import StoreError
from bot.store.codec import new_id
from plugins.console.session import Session, lines_of
from plugins.console.turns import Ended, Line

LINE_LIMIT = 4 * 1024 * 1024  # bytes
_AT_ONCE = 64  # lines of different senders on their way


class BadLine(Exception):
    """A line that cannot be taken; ``code`` is for machines."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Given(BaseModel):
    """A line as it is given."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sender: Annotated[str, Field(min_length=1, max_length=200)]
    text: str = ""
    id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    payload: str | None = None
    attachments: list[str] = []


class JsonChat:
    """Reads lines, says them, writes what became of them."""

    def __init__(self, session: Session, write: Callable[[dict[str, Any]], None]) -> None:
        self._session = session
        self._write = write
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def run(self, stream: BinaryIO) -> None:
        """Go on until the end of the input, and until everything is answered."""
        queue: asyncio.Queue[asyncio.Task[dict[str, Any]] | None] = asyncio.Queue(_AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write_in_order(queue))
            async for raw in lines_of(stream, LINE_LIMIT):
                if raw is None or raw.strip():
                    await queue.put(tasks.create_task(self._one(raw)))
            await queue.put(None)

    async def _write_in_order(
        self, queue: asyncio.Queue[asyncio.Task[dict[str, Any]] | None]
    ) -> None:
        while (task := await queue.get()) is not None:
            await asyncio.to_thread(self._write, await task)

    async def _one(self, raw: bytes | None) -> dict[str, Any]:
        sender = line_id = None
        try:
            document = _document(raw)
            sender, line_id = _text_of(document, "sender"), _text_of(document, "id")
            given = _given(document)
            # One line of a sender at a time, as people do: the next one is said when the bot
            # has answered. The lock is fair, so that the order stays.
            async with self._turns[given.sender]:
                line = await self._line(given)
                return self._answer(line, await self._session.say(line))
        except BadLine as bad:
            return _bad(sender, line_id, bad)
        except StoreError as error:
            return _bad(sender, line_id, BadLine("store", str(error)))

    async def _line(self, given: _Given) -> Line:
        attachments = [await self._attach(path, given.sender) for path in given.attachments]
        return Line(
            sender=given.sender,
            id=given.id or new_id(),
            text=given.text,
            payload=given.payload,
            attachments=tuple(attachments),
        )

    async def _attach(self, path: str, sender: str) -> Any:
        try:
            return await self._session.attach(Path(path), sender)
        except Refused as refused:
            raise BadLine(refused.reason, f"attachment {path} is not taken: {refused}") from refused
        except OSError as error:
            said = error.strerror or "there is no such file"
            raise BadLine("unknown_path", f"attachment {path} cannot be read: {said}") from error

    def _answer(self, line: Line, ended: Ended) -> dict[str, Any]:
        replies = [
            {
                "text": reply.text,
                "buttons": reply.buttons,
                "attachments": [self._session.path(file) for file in reply.attachments],
            }
            for reply in ended.replies
        ]
        answer = {
            "sender": line.sender,
            "id": line.id,
            "replies": replies,
            "intent": ended.intent,
            "confidence": round(ended.confidence, 4),
            "entities": ended.entities,
            "owner": ended.owner,
        }
        if ended.mails:
            answer["mails"] = [asdict(mail) for mail in ended.mails]
        return answer


def _document(raw: bytes | None) -> dict[str, Any]:
    if raw is None:
        raise BadLine("line_too_long", f"the line is longer than {LINE_LIMIT} bytes")
    try:
        document = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadLine("invalid_utf8", f"the line is not UTF-8 (byte {error.start})") from error
    except (ValueError, RecursionError) as error:
        raise BadLine("invalid_json", f"the line is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadLine("invalid_json", "the line is not a JSON object")
    return document


def _text_of(document: dict[str, Any], key: str) -> str | None:
    value = document.get(key)
    return value if isinstance(value, str) else None


def _given(document: dict[str, Any]) -> _Given:
    try:
        given = _Given.model_validate(document)
    except ValidationError as error:
        detail = error.errors()[0]
        key = ".".join(str(part) for part in detail["loc"])
        if key == "sender":
            raise BadLine("missing_sender", 'the line needs a "sender", a text') from error
        raise BadLine("invalid_line", f'"{key}": {detail["msg"]}') from error
    # A text may be empty or odd: the bot answers it, as it does on every channel.
    for value in (given.sender, given.id or "", given.payload or ""):
        if "\0" in value:
            raise BadLine("nul", "the line holds a NUL character")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise BadLine("invalid_utf8", "the line holds half a surrogate pair")
    if not document.keys() & {"text", "attachments", "payload"}:
        raise BadLine("invalid_line", 'the line needs a "text" or "attachments"')
    return given


def _bad(sender: str | None, line_id: str | None, bad: BadLine) -> dict[str, Any]:
    return {
        "sender": sender,
        "id": line_id,
        "replies": [],
        "intent": None,
        "confidence": 0.0,
        "entities": [],
        "owner": None,
        "error": {"code": bad.code, "message": str(bad)},
    }
