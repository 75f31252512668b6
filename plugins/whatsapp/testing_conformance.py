"""WhatsApp in the conformance suite, at the simulated Twilio."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.resources import files
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

import aiohttp

from bot.ports import Channel
from bot.store.migrate import Migrations
from bot.testing.conformance_wire import Fault, Harness, Seen, Taken, Update
from plugins.whatsapp.channel import WhatsAppChannel
from plugins.whatsapp.settings import WhatsAppSettings
from plugins.whatsapp.testing import Shown, TwilioSimulator, sid
from plugins.whatsapp.webhooks import MESSAGES, STATUS

PUBLIC = "https://bot.shop.example"


class Phone:
    """A :class:`bot.testing.conformance_wire.Wire`: one customer at the simulated Twilio."""

    def __init__(self, twilio: TwilioSimulator) -> None:
        self.twilio = twilio
        self._url = ""
        self.customer = twilio.customer("+491713920001", "Anna")
        self.settings: Mapping[str, Any] = twilio.settings(media_mb=1)
        twilio.faults.retry_after = "0.1"

    def listens_at(self, url: str) -> None:
        """As in the protocol."""
        self._url = url
        self.twilio.webhooks_at(url, PUBLIC)

    def text(self, text: str) -> Update:
        """As in the protocol."""
        return self.message({"Body": text, "MessageType": "text"})

    def file(self, data: bytes, name: str, text: str = "") -> Update:
        """As in the protocol."""
        message = sid("MM")
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        link = self.twilio.api.keep_media(message, data, kind)
        media = {"NumMedia": "1", "MediaUrl0": link, "MediaContentType0": kind}
        return self.message({"Body": text, "MessageType": kind.partition("/")[0], **media}, message)

    def press(self, title: str) -> Update:
        """As in the protocol."""
        under = next(one for one in reversed(self.customer.phone) if title in one.buttons)
        chosen = {"ButtonPayload": under.ids[under.buttons.index(title)], "ButtonText": title}
        quoted = {"OriginalRepliedMessageSid": under.sid, "Body": title, "MessageType": "button"}
        return self.message({**chosen, **quoted})

    def unknown(self) -> Update:
        """As in the protocol."""
        return self.message({"Body": "", "MessageType": "reaction"})

    def malformed(self) -> Sequence[Update]:
        """As in the protocol: what Twilio did not sign, and what is signed and no message."""
        good = self.customer.form(sid("SM"), {"Body": "Hallo"})
        return [
            self._posts("no signature", good, signature=""),
            self._posts("wrong signature", good, signature="AAAA"),
            self._posts("no sid", {**good, "MessageSid": ""}),
            self._posts("no sender", {**good, "From": "somebody"}),
            self._posts("no number of media", {**good, "NumMedia": "many"}),
            self._posts("no media", {**good, "NumMedia": "1"}),
            self._posts("no status", {"MessageSid": sid("SM")}, path=STATUS),
            self._posts("unsigned status", {"MessageSid": sid("SM")}, path=STATUS, signature="A"),
        ]

    def oversized(self) -> Sequence[Update]:
        """As in the protocol."""
        too_big = "a" * (8 * 1024 * 1024 + 1)
        many = {f"MediaUrl{place}": f"{self.twilio.url}/{place}" for place in range(11)}
        return [
            Update("body", lambda: self._floods(self.customer.form(sid("SM"), {"Body": too_big}))),
            self._posts("media", self.customer.form(sid("MM"), {"NumMedia": "11", **many})),
        ]

    async def seen(self) -> Sequence[Seen]:
        """As in the protocol; WhatsApp fetches what a link names."""
        return [await self._seen(shown) for shown in list(self.customer.phone)]

    def fail(self, fault: Fault, times: int = 1) -> None:
        """As in the protocol."""
        faults = self.twilio.faults
        match fault:
            case Fault.TOO_MANY:
                faults.too_many = times
            case Fault.BROKEN:
                faults.broken = times
            case Fault.CUT_BEFORE:
                faults.cut_before = times
            case Fault.CUT_AFTER:
                faults.cut_after = times
                faults.states = ()  # a state would tell of it before it is looked up
            case Fault.REJECTED:
                faults.codes.extend([21610] * times)
            case Fault.FAILS_LATER:
                faults.fails_later.extend([63024] * times)

    def message(self, fields: Mapping[str, str], message: str | None = None) -> Update:
        """A signed message with these fields of the form."""
        message = message or sid("SM")
        form = self.customer.form(message, fields)

        async def bring() -> Taken:
            self.customer.wrote_at = self.twilio.now()
            return await self._calls(form)

        return Update(message, bring)

    def _posts(
        self,
        name: str,
        form: Mapping[str, str],
        *,
        path: str = MESSAGES,
        signature: str | None = None,
    ) -> Update:
        return Update(name, lambda: self._calls(form, path, signature))

    async def _calls(
        self, form: Mapping[str, str], path: str = MESSAGES, signature: str | None = None
    ) -> Taken:
        try:
            status = await self.twilio.calls(form, path, signature=signature)
        except aiohttp.ClientConnectionError:
            return Taken.FAILED
        return _taken(status)

    async def _floods(self, form: Mapping[str, str]) -> Taken:
        """Send the whole body whatever is answered meanwhile, which an HTTP client would not."""
        body = urlencode(form).encode()
        head = f"POST {MESSAGES} HTTP/1.1\r\nHost: bot\r\nContent-Length: {len(body)}\r\n"
        head += "Content-Type: application/x-www-form-urlencoded\r\n"
        signature = self.twilio.signature(MESSAGES, form)
        head += f"X-Twilio-Signature: {signature}\r\n\r\n"
        address = urlsplit(self._url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            writer.write(head.encode() + body)
            await writer.drain()
            status = int((await reader.readline()).split()[1])
        finally:
            writer.close()
            await writer.wait_closed()
        return _taken(status)

    async def _seen(self, shown: Shown) -> Seen:
        contents = [(await self.twilio.opens(link))[1] for link in shown.media]
        return Seen(shown.text, shown.buttons, tuple(contents))


def _taken(status: int) -> Taken:
    if status < 300:
        return Taken.ACCEPTED
    return Taken.REFUSED if status < 500 else Taken.FAILED


class WhatsAppHarness(Harness):
    """WhatsApp through Twilio."""

    faults: ClassVar[frozenset[Fault]] = frozenset(Fault)
    migrations: ClassVar[Sequence[Migrations]] = (
        Migrations("whatsapp", files("plugins.whatsapp") / "migrations"),
    )

    def channel(self, settings: Mapping[str, Any]) -> Channel:
        """As in the base class."""
        channel = WhatsAppChannel(WhatsAppSettings.model_validate(settings), PUBLIC)
        channel.settles_after = timedelta(seconds=0.5)  # the simulated list is up to date
        return channel

    @asynccontextmanager
    async def wire(self) -> AsyncIterator[Phone]:
        """As in the base class."""
        async with TwilioSimulator() as twilio:
            yield Phone(twilio)
