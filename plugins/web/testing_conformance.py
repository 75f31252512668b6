"""The chat page in the conformance suite: a browser is its vendor and its customer."""

from __future__ import annotations

import hashlib
import io
import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any, ClassVar
from urllib.parse import quote

import aiohttp

from bot.ports import Channel
from bot.store.migrate import Migrations
from bot.testing.conformance_wire import Fault, Harness, Seen, Taken, Update
from plugins.web.channel import COOKIE, WebChannel
from plugins.web.settings import WebSettings
from plugins.web.wire import BODY_LIMIT

_JSON = {"Content-Type": "application/json"}


class Browser:
    """A :class:`bot.testing.conformance_wire.Wire`."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.settings: Mapping[str, Any] = {"burst_seconds": 0.05, "upload_mb": 1}
        self._http = session
        self._url = ""
        self._secret = secrets.token_urlsafe(32)
        self._id = hashlib.sha256(self._secret.encode()).hexdigest()
        self._shown: dict[str, str] = {}  # payloads by title

    def listens_at(self, url: str) -> None:
        """As in the protocol."""
        self._url = url

    def text(self, text: str) -> Update:
        """As in the protocol."""
        return self._message({"text": text})

    def press(self, title: str) -> Update:
        """As in the protocol."""
        return self._message({"text": title, "payload": self._shown[title]})

    def file(self, data: bytes, name: str, text: str = "") -> Update:
        """As in the protocol: the upload, and the message that names it."""
        client_id = secrets.token_urlsafe(12)

        async def bring() -> Taken:
            headers = {"X-File-Name": quote(name), "Content-Type": "application/octet-stream"}
            status, answer = await self._post("/chat/files", data, headers)
            if status >= 300:
                return _taken(status)
            named = {"client_id": client_id, "text": text, "attachments": [answer["file"]]}
            return await self._json(named)

        return Update(f"{self._id}/{client_id}", bring)

    def unknown(self) -> Update:
        """As in the protocol: a message without anything that the page could send."""
        return self._message({"sticker": "cat"})

    def malformed(self) -> Sequence[Update]:
        """As in the protocol."""
        bodies = [b"", b"{", b"[]", b"\xff", b'{"text": 3}', b'{"client_id": "x", "text": "a"}']
        return [
            *(self._raw(f"body {body!r}", body, _JSON) for body in bodies),
            self._raw("no JSON", b"text=Hallo", {"Content-Type": "text/plain"}),
            self._raw("foreign", self._body("Hallo"), {**_JSON, "Origin": "https://evil.example"}),
        ]

    def oversized(self) -> Sequence[Update]:
        """As in the protocol."""
        return [
            self._raw("too long", self._body("a" * 20_000), _JSON),
            self._raw("too big", self._body("a" * (BODY_LIMIT + 1)), _JSON),
        ]

    async def seen(self) -> Sequence[Seen]:
        """As in the protocol: what a page that is opened now shows."""
        async with self._http.get(f"{self._url}/chat/history", headers=self._cookie()) as answer:
            messages = (await answer.json())["messages"]
        return [await self._seen(one) for one in messages if one["direction"] == "out"]

    def fail(self, fault: Fault, times: int = 1) -> None:
        """As in the protocol; nothing lies between the page and its bot that could go wrong."""
        raise NotImplementedError(fault, times)

    async def _seen(self, message: Mapping[str, Any]) -> Seen:
        for button in message["buttons"]:
            self._shown[button["title"]] = button["payload"]
        titles = tuple(button["title"] for button in message["buttons"])
        names = [file["file"] for file in message["attachments"]]
        return Seen(message["text"], titles, tuple([await self._get(name) for name in names]))

    async def _get(self, name: str) -> bytes:
        url = f"{self._url}/chat/files/{name}"
        async with self._http.get(url, headers=self._cookie()) as answer:
            answer.raise_for_status()
            return await answer.read()

    def _cookie(self) -> dict[str, str]:
        return {"Cookie": f"{COOKIE}={self._secret}"}

    def _message(self, fields: Mapping[str, Any]) -> Update:
        client_id = secrets.token_urlsafe(12)

        async def bring() -> Taken:
            return await self._json({"client_id": client_id, **fields})

        return Update(f"{self._id}/{client_id}", bring)

    def _raw(self, name: str, body: bytes, headers: Mapping[str, str]) -> Update:
        async def bring() -> Taken:
            return _taken((await self._post("/chat/messages", body, headers))[0])

        return Update(name, bring)

    def _body(self, text: str) -> bytes:
        return json.dumps({"client_id": secrets.token_urlsafe(12), "text": text}).encode()

    async def _json(self, fields: Mapping[str, Any]) -> Taken:
        return _taken((await self._post("/chat/messages", json.dumps(fields).encode(), _JSON))[0])

    async def _post(
        self, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, Any]]:
        sent, stream = {**headers, **self._cookie()}, io.BytesIO(body)
        try:
            async with self._http.post(self._url + path, data=stream, headers=sent) as answer:
                return answer.status, await answer.json()
        except aiohttp.ClientConnectionError:
            return 503, {}


def _taken(status: int) -> Taken:
    if status < 300:
        return Taken.ACCEPTED
    return Taken.REFUSED if status < 500 else Taken.FAILED


class WebHarness(Harness):
    """The chat page."""

    keeps_unknown: ClassVar[bool] = False  # the page is ours: it sends nothing else
    migrations: ClassVar[Sequence[Migrations]] = (
        Migrations("web", files("plugins.web") / "migrations"),
    )

    def channel(self, settings: Mapping[str, Any]) -> Channel:
        """As in the base class."""
        return WebChannel(WebSettings.model_validate(settings))

    @asynccontextmanager
    async def wire(self) -> AsyncIterator[Browser]:
        """As in the base class."""
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            yield Browser(session)
