"""Slack in the conformance suite, over WebSockets and with HTTP, at the simulated Slack."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

import aiohttp

from bot.ports import Channel
from bot.store import StoreError
from bot.store.migrate import Migrations
from bot.testing.conformance_wire import Fault, Harness, Seen, Taken, Update
from plugins.slack.app import SlackApp
from plugins.slack.channel import SlackChannel
from plugins.slack.dispatch import parse_interaction
from plugins.slack.names import EVENTS_PATH
from plugins.slack.settings import CustomerSettings, SlackSettings
from plugins.slack.testing import Message, NotAcknowledged, Person, Room, SlackSimulator
from plugins.slack.testing_events import Delivery
from plugins.slack.testing_http import HttpMode
from plugins.slack.testing_installed import install_for
from plugins.slack.testing_shown import elements
from plugins.slack.testing_wire import author_of, envelope_of, file_of
from plugins.slack.testing_world import File
from plugins.slack.wanted import Wanted

if TYPE_CHECKING:
    from bot.testing.conformance_wire import AnyBot

Raw = dict[str, Any]
_POSTS = ("chat.postMessage", "files.completeUploadExternal")
_TRIES = 4
_OPEN = "SELECT 1 FROM slack_events WHERE status = 'open'"
_FAST = {"hold_seconds": 0.02, "per_channel_seconds": 0.0, "heartbeat_seconds": 1.0}


class Member:
    """A :class:`bot.testing.conformance_wire.Wire`: one member who writes to the bot directly."""

    def __init__(self, slack: SlackSimulator, anna: Person, room: Room, **settings: Any) -> None:
        self.slack, self.anna, self.room = slack, anna, room
        self.bot: AnyBot | None = None
        self.settings: Mapping[str, Any] = slack.settings(**_FAST, **settings)

    def listens_at(self, url: str) -> None:
        """As in the protocol; over a WebSocket Slack calls nobody."""

    def text(self, text: str) -> Update:
        """As in the protocol."""
        return self._message({"text": text})

    def file(self, data: bytes, name: str, text: str = "") -> Update:
        """As in the protocol."""
        kept: File = self.slack.files.add(name, data, self.anna.user)
        kept.shares[self.room.id] = []
        shown = file_of(kept, self.slack.world, self.slack.url)
        return self._message({"text": text, "files": [shown], "subtype": "file_share"})

    def press(self, title: str) -> Update:
        """As in the protocol."""
        under, action = next(
            (message, element)
            for message in reversed(self.room.messages)
            for _, element in elements(message.raw)
            if element.get("text", {}).get("text") == title
        )
        payload = self._pressed(under, action)
        interaction = parse_interaction(payload)[0]
        wire_id = f"{self.room.id}/pressed/{interaction.id}"
        return self._brings(wire_id, Delivery("interactive", payload))

    def unknown(self) -> Update:
        """As in the protocol: a forwarded message, which has no words of its own."""
        return self._message({"text": "", "attachments": [{"is_share": True, "fallback": "..."}]})

    def malformed(self) -> Sequence[Update]:
        """As in the protocol."""
        no_time = {
            "type": "message",
            "user": self.anna.id,
            "channel": self.room.id,
            "text": "Hallo",
        }
        return [
            self._refused("no event", {}),
            self._refused("no time", no_time),
            self._refused("no channel", {"type": "message", "ts": self.slack.world.new_ts()}),
            self._refused("a list", {"type": ["message"]}),
        ]

    def oversized(self) -> Sequence[Update]:
        """As in the protocol: longer than Slack lets anybody write."""
        return [self._refused("text", self._event({"text": "a" * 200_001}))]

    async def seen(self) -> Sequence[Seen]:
        """As in the protocol."""
        return [_seen(one) for one in self.room.messages if one.by_bot]

    def fail(self, fault: Fault, times: int = 1) -> None:
        """As in the protocol."""
        faults = self.slack.faults
        for method in _POSTS:
            match fault:
                case Fault.TOO_MANY:
                    faults.too_many[method] = times
                case Fault.BROKEN:
                    faults.broken[method] = times
                case Fault.CUT_BEFORE:
                    faults.cut_before[method] = times
                case Fault.CUT_AFTER:
                    faults.cut_after[method] = times
                case Fault.REJECTED:
                    faults.errors[method].extend(["restricted_action"] * times)
                case Fault.FAILS_LATER:
                    raise ValueError("Slack reports nothing later")

    async def brings(self, delivery: Delivery) -> Taken:
        """As Slack does: again, when it is not acknowledged; then until it is handled."""
        for _ in range(_TRIES):
            try:
                async with asyncio.timeout(10):
                    while self.slack.socket.away:  # noqa: ASYNC110 - as Slack tries again
                        await asyncio.sleep(0.02)
                await self.slack.socket.bring(delivery)
            except (NotAcknowledged, TimeoutError):
                continue
            await self.handled()
            return Taken.ACCEPTED
        return Taken.FAILED

    async def handled(self) -> None:
        """Wait until the bot has handed on what it keeps; not where it runs in another process."""
        with suppress(StoreError):
            while self.bot is not None and await self.bot.rows(_OPEN):  # noqa: ASYNC110 - rows have no event
                await asyncio.sleep(0.01)

    def _event(self, content: Raw) -> Raw:
        ts = self.slack.world.new_ts()
        where = {"channel": self.room.id, "channel_type": "im", "event_ts": ts}
        author = author_of(self.anna.user, self.slack.world)
        return {"type": "message", "ts": ts, **author, **content, **where}

    def _message(self, content: Raw) -> Update:
        event = self._event(content)
        kept = {name: event[name] for name in event if name not in ("channel", "channel_type")}
        self.room.channel.messages[event["ts"]] = kept
        delivery = Delivery("events_api", envelope_of(event, self.slack.world, shared=False))
        return self._brings(f"{self.room.id}/{event['ts']}", delivery)

    def _refused(self, name: str, event: Raw) -> Update:
        """What can only be left out: it is acknowledged, and nothing of it is kept."""
        delivery = Delivery("events_api", envelope_of(event, self.slack.world, shared=False))

        async def bring() -> Taken:
            taken = await self.brings(delivery)
            return Taken.REFUSED if taken is Taken.ACCEPTED else taken

        return Update(name, bring)

    def _brings(self, id: str, delivery: Delivery) -> Update:
        return Update(id, lambda: self.brings(delivery))

    def _pressed(self, message: Message, element: Raw) -> Raw:
        """https://docs.slack.dev/reference/interaction-payloads/block_actions-payload."""
        shown = {name: element[name] for name in ("action_id", "text", "value") if name in element}
        where = {"type": "message", "message_ts": message.ts, "channel_id": self.room.id}
        return {
            "type": "block_actions",
            "user": {"id": self.anna.id, "team_id": self.slack.world.team},
            "team": {"id": self.slack.world.team},
            "trigger_id": f"1.2.{secrets.token_hex(16)}",
            "container": where,
            "channel": {"id": self.room.id, "name": "directmessage"},
            "message": dict(message.raw),
            "actions": [{**shown, "type": "button", "action_ts": self.slack.world.new_ts()}],
        }


class CalledMember(Member):
    """The same, where Slack calls the bot."""

    http: HttpMode | None = None

    def listens_at(self, url: str) -> None:
        """As in the protocol."""
        self.http = self.slack.listens_at(f"{url}{EVENTS_PATH}")

    async def brings(self, delivery: Delivery) -> Taken:
        """An attempt: a call."""
        form = delivery.kind == "interactive"
        payload = json.dumps(delivery.payload)
        return await self._calls(_form(payload) if form else payload, form=form)

    def malformed(self) -> Sequence[Update]:
        """As in the protocol: what Slack did not sign now, and what it never says."""
        good = json.dumps(envelope_of(self._event({"text": "Hallo"}), self.slack.world, False))
        old = str(int(time.time()) - 301)
        calls: Mapping[str, Callable[[], Awaitable[Taken]]] = {
            "no signature": lambda: self._calls(good, signed=""),
            "a wrong signature": lambda: self._calls(good, signed="v0=" + "0" * 64),
            "an old call": lambda: self._calls(good, timestamp=old),
            "a time that is none": lambda: self._calls(good, timestamp="now"),
            "no JSON": lambda: self._calls("Hallo"),
            "a list": lambda: self._calls("[]"),
            "no interaction": lambda: self._calls(_form("{}"), form=True),
        }
        return [*super().malformed(), *(Update(name, call) for name, call in calls.items())]

    def oversized(self) -> Sequence[Update]:
        """As in the protocol."""
        huge = json.dumps({"type": "event_callback", "event": {"text": "a" * 2**22}})
        return [*super().oversized(), Update("body", lambda: self._calls(huge))]

    async def _calls(self, body: str, **how: Any) -> Taken:
        assert self.http is not None
        status = 503
        try:
            while status == 503:  # it has just started, and is called again
                status = (await self.http.call(body, **how))[0]
                await asyncio.sleep(0.02)
        except aiohttp.ClientError:
            return Taken.FAILED
        if status < 300:
            await self.handled()
            return Taken.ACCEPTED
        return Taken.REFUSED if status < 500 else Taken.FAILED

    def _refused(self, name: str, event: Raw) -> Update:
        return self._brings(
            name, Delivery("events_api", {"type": "event_callback", "event": event})
        )


class SlackHarness(Harness):
    """Slack over WebSockets."""

    faults: ClassVar[frozenset[Fault]] = frozenset(Fault) - {Fault.FAILS_LATER}
    migrations: ClassVar[Sequence[Migrations]] = (
        Migrations("slack", files("plugins.slack") / "migrations"),
    )

    _member: Member | None = None

    @asynccontextmanager
    async def beside(self, bot: AnyBot, settings: Mapping[str, Any]) -> AsyncIterator[None]:
        """Nothing runs; but what is acknowledged can be followed until it is handled."""
        del settings
        if self._member is not None:
            self._member.bot = bot
        try:
            yield
        finally:
            if self._member is not None:
                self._member.bot = None

    def channel(self, settings: Mapping[str, Any]) -> Channel:
        """As in the base class."""
        app = SlackApp(SlackSettings.model_validate(settings))
        channel = SlackChannel(app, CustomerSettings.model_validate({}))
        channel.settles_after = 0.5
        return channel

    @asynccontextmanager
    async def wire(self) -> AsyncIterator[Member]:
        """As in the base class."""
        async with _simulated() as (slack, anna, room):
            self._member = Member(slack, anna, room)
            yield self._member


class SlackHttpHarness(SlackHarness):
    """Slack with HTTP."""

    @asynccontextmanager
    async def wire(self) -> AsyncIterator[CalledMember]:
        """As in the base class."""
        async with _simulated("https://bot.shop.example") as (slack, anna, room):
            self._member = member = CalledMember(slack, anna, room, mode="http")
            yield member


@asynccontextmanager
async def _simulated(url: str = "") -> AsyncIterator[tuple[SlackSimulator, Person, Room]]:
    # What is told while no bot runs (that the two may talk) is given up at once.
    async with SlackSimulator(ack_seconds=1.0, retry_waits=()) as slack:
        install_for(slack, Wanted(desk=False, channels=False, url=url))
        anna = slack.person("anna", "Anna Arndt")
        yield slack, anna, await anna.direct()


def _seen(message: Message) -> Seen:
    contents = tuple(content for _, content in message.files)
    return Seen(message.text, message.buttons, contents)


def _form(payload: str) -> str:
    return urlencode({"payload": payload})
