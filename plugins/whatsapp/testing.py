"""A simulated Twilio on loopback: its API as strict as the real one, and customers on WhatsApp.

    async with TwilioSimulator(sender="+4930901820") as twilio:
        settings = WhatsAppSettings(**twilio.settings())
        ...
        twilio.webhooks_at(bot_url)            # where messages and states are sent to
        anna = twilio.customer("+491713920001", "Anna")
        await anna.says("Wo ist mein Paket?")
        shown = await anna.receives()          # the next message on her phone

Faults are asked for with :class:`Faults`. Everything that the bot asked is in ``requests``.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from aiohttp import web
from twilio.request_validator import RequestValidator

from plugins.whatsapp.testing_api import TwilioApi
from plugins.whatsapp.webhooks import MESSAGES

PATIENCE = 10.0
"""Seconds that a customer looks at the phone."""


def sid(prefix: str) -> str:
    """An id as Twilio makes them."""
    return prefix + secrets.token_hex(16)


@dataclass
class Faults:
    """What goes wrong next. Counts go down by one with each message that the bot sends."""

    too_many: int = 0  # 429 with Retry-After
    retry_after: str = "1"
    broken: int = 0  # 500, the message is not taken
    cut_after: int = 0  # the connection ends after the message was taken
    cut_before: int = 0  # the connection ends before
    slow: float = 0.0  # seconds before each answer
    codes: deque[int] = field(default_factory=deque)  # error codes, answered with status 400
    fails_later: deque[int] = field(default_factory=deque)  # error codes, reported by a state
    states: tuple[str, ...] = ("queued", "sent", "delivered")  # reported, in this order
    states_twice: bool = False
    states_delay: float = 0.0  # seconds before the first one
    hidden: int = 0  # look-ups that do not list the newest message yet
    duplicate: int = 0  # messages of customers that are brought twice
    reorder: int = 0  # messages of customers that are overtaken by the next one
    delay: float = 0.0  # seconds before a message of a customer is brought
    bad_signature: int = 0  # messages of customers with a signature that does not fit


@dataclass(frozen=True)
class Shown:
    """A message as it is on a customer's phone."""

    sid: str
    text: str
    buttons: tuple[str, ...] = ()
    media: tuple[str, ...] = ()  # links
    template: str | None = None  # the content's SID, for one that was approved
    ids: tuple[str, ...] = ()


@dataclass
class Sent:
    """A message in Twilio's books."""

    sid: str
    to: str
    sender: str
    body: str
    media: int
    callback: str | None
    at: datetime
    status: str = "queued"
    error: int | None = None


@dataclass
class Customer:
    """Somebody with a phone. What arrives there is in ``phone``, in order."""

    twilio: TwilioSimulator
    number: str
    name: str = "Anna"
    phone: list[Shown] = field(default_factory=list)
    wrote_at: datetime | None = None
    _seen: int = 0
    _more: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def says(self, text: str, **more: str) -> str:
        """Write; the SID of the message."""
        return await self._sends({"Body": text, "MessageType": "text", **more})

    async def replies_to(self, shown: Shown | str, text: str) -> str:
        """Write and quote an earlier message."""
        quoted = shown if isinstance(shown, str) else shown.sid
        return await self.says(text, OriginalRepliedMessageSid=quoted)

    async def presses(self, title: str, shown: Shown | None = None) -> str:
        """Press a button or choose from the list of the latest message that has it."""
        under = shown or next(one for one in reversed(self.phone) if title in one.buttons)
        chosen = under.ids[under.buttons.index(title)]
        common = {"OriginalRepliedMessageSid": under.sid, "Body": title}
        if len(under.buttons) <= 3:
            more = {"ButtonPayload": chosen, "ButtonText": title, "MessageType": "button"}
        else:
            more = {"ListId": chosen, "ListTitle": title, "MessageType": "interactive"}
        return await self._sends({**common, **more})

    async def sends_file(self, data: bytes, content_type: str, text: str = "") -> str:
        """Send a file, with words under it or without."""
        return await self.sends_files([(data, content_type)], text)

    async def sends_files(self, files: list[tuple[bytes, str]], text: str = "") -> str:
        """Send several files in one message."""
        message = sid("MM")
        form = {"Body": text, "NumMedia": str(len(files))}
        form["MessageType"] = files[0][1].partition("/")[0]
        for index, (data, content_type) in enumerate(files):
            form[f"MediaUrl{index}"] = self.twilio.api.keep_media(message, data, content_type)
            form[f"MediaContentType{index}"] = content_type
        return await self._sends(form, message)

    async def sends_place(self, latitude: str, longitude: str, label: str = "") -> str:
        """Share a place."""
        place = {"Latitude": latitude, "Longitude": longitude, "Label": label, "Address": label}
        return await self._sends({"Body": "", "MessageType": "location", **place})

    async def sends_unknown(self) -> str:
        """Something that has no words: a reaction."""
        return await self._sends({"Body": "", "MessageType": "reaction"})

    async def receives(self, seconds: float = PATIENCE) -> Shown:
        """The next message that arrives. Raises TimeoutError."""
        async with asyncio.timeout(seconds), self._more:
            await self._more.wait_for(lambda: len(self.phone) > self._seen)
        self._seen += 1
        return self.phone[self._seen - 1]

    async def receives_nothing(self, seconds: float = 0.3) -> None:
        """Look at the phone for a while. Raises AssertionError when something arrives."""
        try:
            shown = await self.receives(seconds)
        except TimeoutError:
            return
        raise AssertionError(shown)

    async def shown(self, message: Shown) -> None:
        """A message arrives."""
        async with self._more:
            self.phone.append(message)
            self._more.notify_all()

    async def _sends(self, form: dict[str, str], message: str | None = None) -> str:
        message = message or sid("SM")
        self.wrote_at = self.twilio.now()
        self.twilio.api.inbound.add(message)
        await self.twilio.brings(self.form(message, form))
        return message

    def form(self, message: str, more: Mapping[str, str]) -> dict[str, str]:
        """The webhook's form for a message of this customer."""
        return {
            "SmsMessageSid": message,
            "NumMedia": "0",
            "ProfileName": self.name,
            "WaId": self.number.removeprefix("+"),
            "SmsSid": message,
            "SmsStatus": "received",
            "To": f"whatsapp:{self.twilio.sender}",
            "NumSegments": "1",
            "ReferralNumMedia": "0",
            "MessageSid": message,
            "AccountSid": self.twilio.account_sid,
            "From": f"whatsapp:{self.number}",
            "ApiVersion": "2010-04-01",
            **more,
        }


class TwilioSimulator:
    """Twilio, with one account and one WhatsApp sender. An async context manager."""

    def __init__(self, sender: str = "+4930901820", *, clock: Any = None) -> None:
        self.sender = sender
        self.account_sid = sid("AC")
        self.auth_token = secrets.token_hex(16)
        self.faults = Faults()
        self.customers: dict[str, Customer] = {}
        self.answers: list[int] = []
        """Statuses that the bot gave to our calls."""
        self.clock_shift = timedelta()
        self._clock = clock or (lambda: datetime.now(UTC))
        self._webhooks = ""
        self._public = ""
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._overtaken: list[Mapping[str, str]] = []
        self._validator = RequestValidator(self.auth_token)
        self.api = TwilioApi(self)
        self.url = ""

    def now(self) -> datetime:
        """The time at Twilio."""
        now: datetime = self._clock() + self.clock_shift
        return now

    def settings(self, **more: Any) -> dict[str, Any]:
        """Settings of the channel that fit; the token goes into the environment of a real bot."""
        return {
            "account_sid": self.account_sid,
            "auth_token": self.auth_token,
            "sender": self.sender,
            "api_url": self.url,
            "content_url": self.url,
            "burst_seconds": 0.05,
            **more,
        }

    def webhooks_at(self, url: str, public_url: str = "") -> None:
        """Where the bot listens, and the address it is known by from outside."""
        self._webhooks, self._public = url, public_url or url

    def customer(self, number: str, name: str = "Anna") -> Customer:
        """The customer with a number."""
        return self.customers.setdefault(number, Customer(self, number, name))

    async def __aenter__(self) -> TwilioSimulator:
        self._session = aiohttp.ClientSession()
        self._runner = web.AppRunner(self.api.app(), access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_error: object) -> None:
        for task in set(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        await self._runner.cleanup()

    async def calls(
        self, form: Mapping[str, str], path: str = MESSAGES, *, signature: str | None = None
    ) -> int:
        """Call the bot; the status of its answer. A wrong ``signature`` may be given."""
        if self._session is None:
            raise RuntimeError("the simulator is not open")
        given = self.signature(path, form) if signature is None else signature
        headers = {"X-Twilio-Signature": given}
        address = f"{self._webhooks}{path}"
        async with self._session.post(address, data=dict(form), headers=headers) as response:
            self.answers.append(response.status)
            return response.status

    def signature(self, path: str, form: Mapping[str, str]) -> str:
        """What Twilio signs a call of ours with."""
        signed: str = self._validator.compute_signature(f"{self._public}{path}", dict(form))
        return signed

    async def brings(self, form: Mapping[str, str]) -> None:
        """Bring a customer's message, as the faults want it."""
        faults = self.faults
        await asyncio.sleep(faults.delay)
        if faults.reorder > 0:
            faults.reorder -= 1
            self._overtaken.append(form)
            return
        forms, self._overtaken = [form, *self._overtaken], []
        if faults.duplicate > 0:
            faults.duplicate -= 1
            forms.insert(0, form)
        for one in forms:
            forged = faults.bad_signature > 0
            faults.bad_signature -= forged
            await self.calls(one, signature="Zm9yZ2Vk" if forged else None)

    async def fetches(self, links: Sequence[str]) -> bool:
        """Whether Twilio gets the files that a message names, as it does before it sends."""
        try:
            return all([(await self.opens(link))[0] == 200 for link in links])
        except aiohttp.ClientError:
            return False

    async def opens(self, link: str) -> tuple[int, bytes, str]:
        """Fetch a file of the bot's: status, content and content type."""
        if self._session is None:
            raise RuntimeError("the simulator is not open")
        address = link.replace(self._public, self._webhooks, 1)
        async with self._session.get(address) as response:
            return response.status, await response.read(), response.content_type

    def later(self, work: Any) -> None:
        """Do something beside."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def report(self, message: Sent) -> None:
        """Tell the bot what became of a message, as the faults want it."""
        faults = self.faults
        states = list(faults.states)
        if message.error is not None:
            states = ["queued", "failed"]
        await asyncio.sleep(faults.states_delay)
        for status in [one for one in states for _ in range(1 + faults.states_twice)]:
            message.status = status
            await self.reports(message, status, message.error if status == "failed" else None)

    async def reports(self, message: Sent, status: str, error: int | None = None) -> int:
        """Tell the bot one state; the status of its answer."""
        if message.callback is None:
            return 0
        form = {
            "SmsSid": message.sid,
            "SmsStatus": status,
            "MessageStatus": status,
            "ChannelToAddress": message.to,
            "To": message.to,
            "ChannelPrefix": "whatsapp",
            "MessageSid": message.sid,
            "AccountSid": self.account_sid,
            "From": message.sender,
            "ApiVersion": "2010-04-01",
        }
        if error is not None:
            form["ErrorCode"] = str(error)
        return await self.calls(form, message.callback.removeprefix(self._public))
