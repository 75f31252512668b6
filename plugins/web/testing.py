"""A browser for tests: the chat page's and the desk's HTTP, typed.

``base_url`` is where the bot listens. Both clients are async context managers, and both survive a
restart of the bot: a post is repeated under the same id, an event stream goes on where it was.
"""

from __future__ import annotations

import asyncio
import io
import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp

PATIENCE = 20.0
"""Seconds a test waits for something before it fails."""


class Refusal(Exception):
    """An answer that is not 2xx, with its code and its sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class ChatFile:
    """A file as the page sees it."""

    file: str
    name: str
    content_type: str
    size: int


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A message as the page sees it. ``buttons`` are pairs of title and payload."""

    id: int
    direction: str
    author: str
    text: str
    at: str
    name: str | None = None
    client_id: str | None = None
    edited: bool = False
    buttons: tuple[tuple[str, str], ...] = ()
    attachments: tuple[ChatFile, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> ChatMessage:
        """Read one as the server shows it."""
        return cls(
            id=data["id"],
            direction=data["direction"],
            author=data["author"],
            text=data["text"],
            at=data["at"],
            name=data.get("name"),
            client_id=data.get("client_id"),
            edited=data.get("edited", False),
            buttons=tuple((b["title"], b["payload"]) for b in data.get("buttons", ())),
            attachments=tuple(
                ChatFile(f["file"], f["name"], f["content_type"], f["size"])
                for f in data.get("attachments", ())
            ),
        )


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event."""

    kind: str
    data: Any
    id: str | None = None


class HttpClient:
    """What both clients share: a session with cookies, JSON, uploads, events."""

    def __init__(self, base_url: str, headers: Mapping[str, str]) -> None:
        self.base_url = base_url.rstrip("/")
        self._headers = dict(headers)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # Tests talk to 127.0.0.1, whose cookies a jar refuses unless told.
        jar = aiohttp.CookieJar(unsafe=True)
        self._session = aiohttp.ClientSession(cookie_jar=jar, headers=self._headers)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The HTTP session, for requests that no method here makes."""
        if self._session is None:
            raise RuntimeError("use it as an async context manager")
        return self._session

    async def get(self, path: str) -> Any:
        """Get JSON. Raises Refusal."""
        async with self.session.get(self.base_url + path) as answer:
            return await _read(answer)

    async def post_json(self, path: str, data: object) -> Any:
        """Post JSON. Raises Refusal."""
        async with self.session.post(self.base_url + path, json=data) as answer:
            return await _read(answer)

    async def post_file(self, path: str, data: bytes, name: str) -> ChatFile:
        """Upload a file. Raises Refusal."""
        headers = {"X-File-Name": quote(name), "Content-Type": "application/octet-stream"}
        url, body = self.base_url + path, io.BytesIO(data)
        async with self.session.post(url, data=body, headers=headers) as answer:
            found = await _read(answer)
        return ChatFile(found["file"], found["name"], found["content_type"], found["size"])

    async def get_file(self, path: str) -> bytes:
        """Download a file. Raises Refusal."""
        async with self.session.get(self.base_url + path) as answer:
            if answer.status != 200:
                await _read(answer)
            return await answer.read()

    async def stream(self, path: str, after: str | None = None) -> AsyncIterator[Event]:
        """Yield the events of one connection; it ends with the connection."""
        headers = {"Last-Event-ID": after} if after else {}
        url = self.base_url + path
        timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
        async with self.session.get(url, headers=headers, timeout=timeout) as answer:
            if answer.status != 200:
                await _read(answer)
            fields: dict[str, str] = {}
            async for raw in answer.content:
                line = raw.decode().rstrip("\n")
                if line:
                    key, _, value = line.partition(": ")
                    fields[key] = value
                    continue
                if "data" in fields:
                    kind = fields.get("event", "message")
                    yield Event(kind, json.loads(fields["data"]), fields.get("id"))
                fields = {}


class ChatClient(HttpClient):
    """A customer at the chat page. ``messages`` is all that :meth:`wait` has seen so far.

    ``changes`` are the edits and removals that it has seen, as the server shows them.
    """

    def __init__(self, base_url: str, language: str = "de") -> None:
        super().__init__(base_url, {"Accept-Language": language})
        self.messages: list[ChatMessage] = []
        self.changes: list[Mapping[str, Any]] = []
        self.speaker: Mapping[str, Any] = {"owner": "bot", "name": None}
        self._seen = 0

    async def post(
        self,
        text: str = "",
        *,
        payload: str | None = None,
        files: Sequence[ChatFile] = (),
        client_id: str | None = None,
        patience: float = PATIENCE,
    ) -> int:
        """Send a message; while the bot does not answer, again under the same id. Returns its id.

        Raises Refusal.
        """
        body = {
            "client_id": client_id or secrets.token_urlsafe(12),
            "text": text,
            "payload": payload,
            "attachments": [file.file for file in files],
        }
        async with asyncio.timeout(patience):
            while True:
                try:
                    answer = await self.post_json("/chat/messages", body)
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.1)
                except Refusal as refusal:
                    if refusal.status < 500:
                        raise
                    await asyncio.sleep(0.1)
                else:
                    return int(answer["id"])

    async def press(self, button: tuple[str, str]) -> int:
        """Press a button of a message."""
        title, payload = button
        return await self.post(title, payload=payload)

    async def upload(self, data: bytes, name: str) -> ChatFile:
        """Upload a file, to be named in a post."""
        return await self.post_file("/chat/files", data, name)

    async def download(self, file: ChatFile) -> bytes:
        """Read a file that belongs to this chat. Raises Refusal."""
        return await self.get_file(f"/chat/files/{file.file}")

    async def history(self) -> list[ChatMessage]:
        """What a page that is opened now shows."""
        found = await self.get("/chat/history")
        return [ChatMessage.read(message) for message in found["messages"]]

    async def events(self) -> AsyncIterator[Event]:
        """Yield what happens, without end, over as many connections as it takes."""
        while True:
            try:
                async for event in self.stream("/chat/events", str(self._seen)):
                    if event.id is not None:
                        self._seen = int(event.id)
                    yield event
            except (aiohttp.ClientError, ConnectionError, TimeoutError):
                pass
            await asyncio.sleep(0.05)

    async def wait(
        self, wanted: Callable[[ChatMessage], bool], *, patience: float = PATIENCE
    ) -> ChatMessage:
        """The first message seen from now on that is wanted. Raises TimeoutError."""
        async with asyncio.timeout(patience):
            stream = self.events()
            try:
                async for event in stream:
                    if event.kind == "speaker":
                        self.speaker = event.data
                    if event.kind == "change":
                        self.changes.append(event.data)
                    if event.kind != "message":
                        continue
                    message = ChatMessage.read(event.data)
                    self.messages.append(message)
                    if wanted(message):
                        return message
            finally:
                await stream.aclose()  # type: ignore[attr-defined]
        raise TimeoutError

    async def change(self, *, patience: float = PATIENCE) -> Mapping[str, Any]:
        """The next edit or removal. Raises TimeoutError."""
        async with asyncio.timeout(patience):
            stream = self.events()
            try:
                async for event in stream:
                    if event.kind == "change":
                        self.changes.append(event.data)
                        found: Mapping[str, Any] = event.data
                        return found
            finally:
                await stream.aclose()  # type: ignore[attr-defined]
        raise TimeoutError

    async def reply(self, *, patience: float = PATIENCE) -> ChatMessage:
        """The next message to the customer, whoever wrote it."""
        return await self.wait(lambda message: message.direction == "out", patience=patience)

    async def ask(self, text: str, *, patience: float = PATIENCE) -> ChatMessage:
        """Send a text and wait for the first message that answers it."""
        number = await self.post(text)
        return await self.wait(
            lambda message: message.direction == "out" and message.id > number, patience=patience
        )


class DeskClient(HttpClient):
    """An agent at the desk."""

    def __init__(self, base_url: str, token: str, agent: str, language: str = "de") -> None:
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": language}
        super().__init__(base_url, headers)
        self.agent = agent

    async def cases(self, *, closed: bool = False) -> list[Mapping[str, Any]]:
        """The open cases, or the latest closed ones."""
        found = await self.get(f"/desk/api/cases?closed={int(closed)}")
        return list(found["cases"])

    async def case(self, case: int) -> Mapping[str, Any]:
        """One case. Raises Refusal."""
        return dict(await self.get(f"/desk/api/cases/{case}"))

    async def history(self, case: int) -> list[Mapping[str, Any]]:
        """The conversation of a case."""
        found = await self.get(f"/desk/api/cases/{case}/history")
        return list(found["lines"])

    async def command(self, kind: str, case: int, **more: object) -> Mapping[str, Any]:
        """Give a command. Raises Refusal with the reason when it is refused."""
        body = {
            "id": secrets.token_urlsafe(12),
            "kind": kind,
            "case": case,
            "agent": self.agent,
            **more,
        }
        return dict(await self.post_json("/desk/api/commands", body))

    async def take_over(self, case: int, *, force: bool = False) -> Mapping[str, Any]:
        """Take the conversation; with ``force`` from a colleague too."""
        return await self.command("take_over", case, force=force)

    async def say(self, case: int, text: str, files: Sequence[ChatFile] = ()) -> Mapping[str, Any]:
        """Answer the customer."""
        return await self.command("line", case, text=text, attachments=[f.file for f in files])

    async def note(self, case: int, text: str) -> Mapping[str, Any]:
        """Leave a note that stays inside."""
        return await self.command("note", case, text=text)

    async def hand_back(self, case: int, outcome: str = "", note: str = "") -> Mapping[str, Any]:
        """Give the conversation back to the bot; ``outcome`` is said to the customer."""
        return await self.command("hand_back", case, text=outcome, note=note)

    async def close_case(self, case: int, note: str = "", outcome: str = "") -> Mapping[str, Any]:
        """End the case; note and outcome stay inside."""
        return await self.command("close", case, note=note, text=outcome)

    async def stop(self, case: int, line: str) -> Mapping[str, Any]:
        """Take a line back within its undo time."""
        return await self.command("stop", case, line=line)

    async def edit(self, case: int, line: str, text: str) -> Mapping[str, Any]:
        """Change a line."""
        return await self.command("edit", case, line=line, text=text)

    async def unsend(self, case: int, line: str) -> Mapping[str, Any]:
        """Delete a line, or discard a draft."""
        return await self.command("unsend", case, line=line)

    async def send_again(self, case: int, line: str) -> Mapping[str, Any]:
        """Send a line that failed once more."""
        return await self.command("again", case, line=line)

    async def templates(self, case: int, line: str = "") -> list[Mapping[str, Any]]:
        """What may be sent at any time, or in place of a line that failed."""
        found = await self.get(f"/desk/api/cases/{case}/templates?line={quote(line)}")
        return list(found["templates"])

    async def opens(self, after: str) -> str:
        """When people are there, from a time on; both in ISO 8601. Raises Refusal."""
        return str((await self.get(f"/desk/api/opens?after={quote(after)}"))["at"])

    async def upload(self, data: bytes, name: str) -> ChatFile:
        """Upload a file, to be named in a line."""
        return await self.post_file("/desk/api/files", data, name)

    async def download(self, file: str) -> bytes:
        """Read a stored file. Raises Refusal."""
        return await self.get_file(f"/desk/api/files/{file}")

    async def events(self) -> AsyncIterator[Event]:
        """Yield what changes, over one connection."""
        async for event in self.stream("/desk/api/events"):
            yield event

    async def wait_case(
        self,
        wanted: Callable[[Mapping[str, Any]], bool] = lambda _: True,
        *,
        patience: float = PATIENCE,
    ) -> Mapping[str, Any]:
        """The first open case that is wanted. Raises TimeoutError."""
        async with asyncio.timeout(patience):
            while True:
                for case in await self.cases():
                    if wanted(case):
                        return case
                await asyncio.sleep(0.05)


async def _read(answer: aiohttp.ClientResponse) -> Any:
    if answer.status < 300:
        return await answer.json()
    try:
        found = await answer.json()
        raise Refusal(answer.status, str(found["error"]), str(found["message"]))
    except (aiohttp.ContentTypeError, ValueError, KeyError, TypeError):
        raise Refusal(answer.status, "", await answer.text()) from None
