"""The chat page as a channel: what a browser posts and what it is shown, durable on both ways."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.messages import Address, Attachment, Features, Inbound, Kind, Outbound, Owner, Speaker
from bot.ports import Inbox, Reject, Route, Store, Tx
from plugins.web import events, ledger, serving, wire
from plugins.web.events import HEARTBEAT, Listener, Listeners
from plugins.web.serving import language_of
from plugins.web.settings import WebSettings
from plugins.web.wire import FILE_ID, Fault, Post

COOKIE = "schalter_chat"
SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
COOKIE_DAYS = 180
PAGE = 100
"""Messages of one answer of the history, and of one batch of events."""
OWNER_LOOK = 3.0
"""Seconds between two looks at who speaks, while a person is asked for or speaks."""


@dataclass(frozen=True, slots=True)
class Session:
    """A browser. ``id`` is the hash of the cookie, so that the store cannot open a session."""

    id: str
    secret: str
    new: bool

    @property
    def address(self) -> Address:
        """Its identity on this channel."""
        return Address("web", self.id)


def session_of(request: web.Request) -> Session:
    """The browser's session; a new one where it has none that we could have made."""
    secret = request.cookies.get(COOKIE, "")
    new = SECRET.fullmatch(secret) is None
    if new:
        secret = secrets.token_urlsafe(32)
    return Session(hashlib.sha256(secret.encode()).hexdigest(), secret, new)


class WebChannel:
    """The chat page. A :class:`bot.ports.WebhookChannel`."""

    name = "web"

    def __init__(self, settings: WebSettings, public_url: str = "") -> None:
        self._settings = settings
        self._public_url = public_url
        self._listeners = Listeners()
        self._inbox: Inbox | None = None
        self.features = Features(
            text_limit=4000,
            buttons=6,
            attachments_in=True,
            attachments_out=True,
            attachment_limit=settings.upload_limit,
            burst_seconds=settings.burst_seconds,
            unknown_send="dedupe",
            edits=True,
            unsends=True,
        )

    @asynccontextmanager
    async def open(self, inbox: Inbox) -> AsyncIterator[None]:
        """Serve until closed; then every event stream ends."""
        self._inbox = inbox
        try:
            yield
        finally:
            self._listeners.close()

    async def send(self, out: Outbound) -> str:
        """Note the message for the page and wake it. The same id twice is one message."""
        session = out.address.id

        def note(tx: Tx) -> tuple[int, bool]:
            for attachment in out.attachments:
                if attachment.file is not None:
                    ledger.add_file(tx, session, attachment, uploaded=False)
            return ledger.add_out(tx, session, out.id, out.author, wire.shown_outbound(out))

        number, _ = await self._store.write(note)
        self._listeners.ring(session)
        return str(number)

    async def edit(self, out: Outbound, vendor_id: str) -> None:
        """Change a message on the page. Raises Reject when it is not there."""
        session, number = out.address.id, int(vendor_id)
        if not await self._store.write(lambda tx: ledger.edit(tx, session, number, out.text)):
            raise Reject("not_edited")
        self._listeners.ring(session)

    async def unsend(self, address: Address, vendor_id: str) -> None:
        """Take a message away from the page. Raises Reject when there never was one."""
        number = int(vendor_id)
        if not await self._store.write(lambda tx: ledger.remove(tx, address.id, number)):
            raise Reject("not_unsent")
        self._listeners.ring(address.id)

    @property
    def _store(self) -> Store:
        if self._inbox is None:
            raise RuntimeError("the channel is not open")
        return self._inbox.store

    def routes(self, inbox: Inbox) -> Sequence[Route]:
        """The page's API below ``/chat``."""
        api = ChatApi(self._settings, self._public_url, inbox, self._listeners)
        return [
            *serving.route("POST", "/chat/messages", api.post_message, api.explain),
            *serving.route("POST", "/chat/files", api.post_file, api.explain),
            *serving.route("GET", "/chat/files/{file}", api.get_file, api.explain),
            *serving.route("GET", "/chat/history", api.history, api.explain),
            *serving.route("GET", "/chat/events", api.events, api.explain),
        ]


class ChatApi:
    """What the chat page calls."""

    def __init__(
        self, settings: WebSettings, public_url: str, inbox: Inbox, listeners: Listeners
    ) -> None:
        self._settings = settings
        self._public_url = public_url
        self._inbox = inbox
        self._listeners = listeners
        self.explain = serving.explainer(inbox.texts, settings.upload_mb)

    async def post_message(self, request: web.Request) -> web.Response:
        """Take a message; answer after it is committed. A repeat gets the same answer."""
        serving.check_origin(request, self._public_url)
        body = await serving.read_json(request)
        post = wire.parse_post(body, self._settings.text_limit)
        session = session_of(request)
        number = await self._accept(session, post)
        self._listeners.ring(session.id)
        return self._answer(request, session, {"id": number})

    async def _accept(self, session: Session, post: Post) -> int:
        attachments = await self._attachments(session, post.files)
        shown = wire.shown_post(post, attachments)
        number: list[int] = []

        def note(tx: Tx) -> None:
            number[:] = [ledger.add_in(tx, session.id, post.client_id, shown)]

        await self._inbox.accept(_inbound(session, post, attachments), cursor=note)
        return number[0]

    async def _attachments(self, session: Session, files: Sequence[str]) -> tuple[Attachment, ...]:
        def look(tx: Tx) -> list[Attachment | None]:
            return [ledger.file(tx, session.id, file) for file in files]

        found = await self._inbox.store.read(look) if files else []
        if None in found:
            raise Fault(400, "file_unknown")
        return tuple(attachment for attachment in found if attachment is not None)

    async def post_file(self, request: web.Request) -> web.Response:
        """Stream a file in; answer its id, which a message can then name."""
        serving.check_origin(request, self._public_url)
        limit = self._settings.upload_limit
        serving.check_size(request, limit)
        session = session_of(request)
        count = await self._inbox.store.read(lambda tx: ledger.uploads(tx, session.id))
        if count >= self._settings.uploads_per_hour:
            raise Fault(429, "too_many_files")
        attachment = await self._inbox.files.put(
            serving.upload_chunks(request),
            name=serving.upload_name(request),
            owner=f"web:{session.id}",
            limit=limit,
        )
        await self._inbox.store.write(
            lambda tx: ledger.add_file(tx, session.id, attachment, uploaded=True)
        )
        return self._answer(request, session, wire.shown_attachment(attachment))

    async def get_file(self, request: web.Request) -> web.StreamResponse:
        """Serve a file that this session sent or was sent, and no other."""
        name = request.match_info["file"]
        session = session_of(request)
        if not FILE_ID.fullmatch(name):
            raise Fault(404, "not_found")
        attachment = await self._inbox.store.read(lambda tx: ledger.file(tx, session.id, name))
        if attachment is None:
            raise Fault(404, "not_found")
        return serving.file_response(self._inbox.files.path(name), attachment)

    async def history(self, request: web.Request) -> web.Response:
        """What was said, with what the page needs to begin."""
        session = session_of(request)
        before = _number(request.query.get("before"), ledger.NEWEST)
        messages = await self._inbox.store.read(
            lambda tx: ledger.before(tx, session.id, before, PAGE)
        )
        speaker = await self._inbox.speaker(session.address)
        data = {
            "messages": messages,
            "more": len(messages) == PAGE,
            "speaker": _shown_speaker(speaker),
            "title": self._text(request, "utter_web_title")["text"],
            "intro": self._text(request, "utter_web_intro"),
            "upload_limit": self._settings.upload_limit,
            "text_limit": self._settings.text_limit,
        }
        return self._answer(request, session, data)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Stream what is said, from what the browser saw last; and who speaks."""
        session = session_of(request)
        cookies = self._answer(request, session, {})
        response = await events.start_events(request, cookies)
        seen = request.headers.get("Last-Event-ID") or request.query.get("after")
        try:
            with self._listeners.listen(session.id) as listener:
                await self._stream(response, session, listener, _number(seen, 0))
        except ConnectionError:
            pass  # the browser went away, as browsers do
        return response

    async def _stream(
        self, response: web.StreamResponse, session: Session, listener: Listener, seen: int
    ) -> None:
        speaker: Speaker | None = None
        while not self._listeners.closed:
            listener.take()
            sent = b""
            for message in await self._after(session, seen):
                seen = message["id"]
                kind = "change" if "changes" in message else "message"
                sent += events.event(kind, message, seen)
            now = await self._inbox.speaker(session.address)
            if now != speaker:
                speaker = now
                sent += events.event("speaker", _shown_speaker(now))
            await response.write(sent or events.ALIVE)
            await listener.wait(HEARTBEAT if now.owner is Owner.BOT else OWNER_LOOK)

    async def _after(self, session: Session, seen: int) -> list[dict[str, Any]]:
        def read(tx: Tx) -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = []
            while batch := ledger.after(tx, session.id, found[-1]["id"] if found else seen, PAGE):
                found += batch
            return found

        return await self._inbox.store.read(read)

    def _answer(self, request: web.Request, session: Session, data: object) -> web.Response:
        response = serving.json_response(data)
        if session.new:
            response.set_cookie(
                COOKIE,
                session.secret,
                max_age=COOKIE_DAYS * 24 * 3600,
                path="/",
                httponly=True,
                samesite="Lax",
                secure=request.secure or self._public_url.startswith("https:"),
            )
        return response

    def _text(self, request: web.Request, response: str) -> dict[str, Any]:
        rendered = self._inbox.texts.render(
            response, {}, language=language_of(request), channel="web"
        )
        return {"text": rendered.text, "buttons": [button.title for button in rendered.buttons]}


def _inbound(session: Session, post: Post, attachments: tuple[Attachment, ...]) -> Inbound:
    kind = Kind.BUTTON if post.payload else Kind.TEXT
    if attachments and not wire.visible(post.text):
        kind = Kind.MEDIA
    return Inbound(
        address=session.address,
        wire_id=f"{session.id}/{post.client_id}",
        kind=kind,
        text=post.text,
        payload=post.payload,
        attachments=attachments,
    )


def _shown_speaker(speaker: Speaker) -> dict[str, str | None]:
    return {"owner": speaker.owner, "name": wire.first_name(speaker.name)}


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 18 else default
