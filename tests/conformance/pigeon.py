"""A third party's channel: pigeons carry notes both ways. Texts only, no files, no buttons."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from bot.messages import Address, Features, Inbound, Kind, Outbound
from bot.ports import Channel, Inbox, Reject, Retry, Route, UnknownOutcome
from bot.testing.conformance import Fault, Harness, Seen, Taken, Update

LIMIT = 10_000


class PigeonChannel:
    """What a third party writes."""

    name = "pigeon"
    features = Features(buttons=0, burst_seconds=0.05, unknown_send="show")

    def __init__(self, loft: str) -> None:
        self.loft = loft

    @asynccontextmanager
    async def open(self, inbox: Inbox) -> AsyncIterator[None]:
        self.inbox = inbox
        async with aiohttp.ClientSession() as self.session:
            yield

    def routes(self, inbox: Inbox) -> Sequence[Route]:
        return [web.post("/pigeon", self.lands)]

    async def lands(self, request: web.Request) -> web.Response:
        note = await request.json()
        if not isinstance(note, dict) or not {"ring", "text"} <= note.keys():
            raise web.HTTPBadRequest
        if len(note["text"]) > LIMIT:
            raise web.HTTPRequestEntityTooLarge(LIMIT, len(note["text"]))
        kind = Kind.TEXT if note.get("kind", "note") == "note" else Kind.UNKNOWN
        await self.accept(Inbound(Address(self.name, "anna"), note["ring"], kind, note["text"]))
        return web.Response(status=204)

    async def accept(self, message: Inbound) -> None:
        await self.inbox.accept(message)

    async def send(self, out: Outbound) -> str:
        try:
            async with self.session.post(self.loft, json={"text": out.text}) as answer:
                if answer.status == 429:
                    raise Retry(0.05, "no pigeon is free")
                if answer.status == 400:
                    raise Reject("vendor_rejected")
                return await answer.text()
        except aiohttp.ClientConnectionError:
            raise UnknownOutcome from None


class Loft:
    """The simulated vendor."""

    def __init__(self) -> None:
        self.settings: Mapping[str, Any] = {}
        self.notes: list[Seen] = []
        self.faults: list[Fault] = []
        self.url = ""
        self.rings = iter(range(1000))

    async def takes(self, request: web.Request) -> web.Response:
        fault = self.faults.pop(0) if self.faults else None
        if fault is Fault.TOO_MANY:
            return web.Response(status=429)
        if fault is Fault.REJECTED:
            return web.Response(status=400)
        self.notes.append(Seen((await request.json())["text"]))
        if fault is Fault.CUT_AFTER:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(text=f"note-{len(self.notes)}")

    def listens_at(self, url: str) -> None:
        self.url = url

    def note(self, **fields: Any) -> Update:
        note = {"ring": f"ring-{next(self.rings)}", "text": "", **fields}
        return Update(note["ring"], lambda: self.flies(json=note))

    def text(self, text: str) -> Update:
        return self.note(text=text)

    def file(self, data: bytes, name: str, text: str = "") -> Update:
        return self.note(kind="parcel", text=text)

    def press(self, title: str) -> Update:
        raise NotImplementedError

    def unknown(self) -> Update:
        return self.note(kind="feather")

    def malformed(self) -> Sequence[Update]:
        return [
            Update("words", lambda: self.flies(data=b"Hallo")),
            Update("list", lambda: self.flies(json=[])),
            Update("no ring", lambda: self.flies(json={"text": "Hallo"})),
        ]

    def oversized(self) -> Sequence[Update]:
        return [self.note(text="a" * (LIMIT + 1))]

    async def seen(self) -> Sequence[Seen]:
        return list(self.notes)

    def fail(self, fault: Fault, times: int = 1) -> None:
        self.faults += [fault] * times

    async def flies(self, **body: Any) -> Taken:
        async with aiohttp.ClientSession() as session:
            try:
                async with session.post(f"{self.url}/pigeon", **body) as answer:
                    status = answer.status
            except aiohttp.ClientConnectionError:
                return Taken.FAILED
        if status < 300:
            return Taken.ACCEPTED
        return Taken.REFUSED if status < 500 else Taken.FAILED


class PigeonHarness(Harness):
    faults = frozenset({Fault.TOO_MANY, Fault.REJECTED, Fault.CUT_AFTER})
    made: type[PigeonChannel] = PigeonChannel

    def channel(self, settings: Mapping[str, Any]) -> Channel:
        return self.made(settings["loft"])

    @asynccontextmanager
    async def wire(self) -> AsyncIterator[Loft]:
        loft, app = Loft(), web.Application()
        app.router.add_post("/", loft.takes)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        loft.settings = {"loft": f"http://127.0.0.1:{runner.addresses[0][1]}/"}
        try:
            yield loft
        finally:
            await runner.cleanup()
