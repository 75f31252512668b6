"""How the simulated Slack brings events and interactions to the app, and brings them again.

https://docs.slack.dev/apis/events-api/#retries: what is not acknowledged within three seconds is
brought again almost at once, after a minute and after five minutes, and then never.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from plugins.slack.testing_faults import Faults
from plugins.slack.testing_wire import envelope_of
from plugins.slack.testing_world import Raw, World

RETRY_WAITS = (0.0, 60.0, 300.0)
"""Seconds before each retry, as Slack documents them."""
ACK_SECONDS = 3.0
"""Within which the app must answer."""

EVENT_SCOPES = {
    "app_mention": "app_mentions:read",
    "channel_archive": "channels:read",
    "channel_deleted": "channels:read",
    "channel_left": "channels:read",
    "channel_rename": "channels:read",
    "channel_unarchive": "channels:read",
    "file_shared": "files:read",
    "group_archive": "groups:read",
    "group_deleted": "groups:read",
    "group_left": "groups:read",
    "group_rename": "groups:read",
    "group_unarchive": "groups:read",
    "im_created": "im:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
}
"""The scope without which an event does not come: https://docs.slack.dev/reference/events."""
_PLURAL = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}


class NotAcknowledged(Exception):
    """The app did not answer in time: a person sees a warning sign in Slack."""


@dataclass
class Delivery:
    """Something to bring. ``kind`` is an envelope's: events_api, interactive, slash_commands."""

    kind: str
    payload: Raw
    attempt: int = 0
    reason: str = ""
    answerable: bool = False
    """Whether the acknowledgement may carry an answer."""


class Transport(Protocol):
    """Socket Mode, or calls of the app's address."""

    async def bring(self, delivery: Delivery) -> Any:
        """Bring it once; the app's answer.

        Raises NotAcknowledged, whose message is the reason for the retry.
        """

    @property
    def away(self) -> bool:
        """Whether nobody is there to be brought anything."""


class Events:
    """What happened, on its way to the app."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world, self._faults = world, faults
        self._tasks: set[asyncio.Task[Any]] = set()
        self._gathered: list[Delivery] = []
        self._to_gather = 0
        self.transport: Transport | None = None
        self.retry_waits: Sequence[float] = RETRY_WAITS
        self.held = False
        """Nothing is brought while this is set: events gather until :meth:`release`."""
        self.told: list[Raw] = []
        """Every event that was meant for the app, with its envelope, lost ones too."""
        self.given_up: list[Raw] = []
        """Events that no retry brought to the app."""

    def tell(self, event: Raw, *, subscription: str = "", shared: bool = False) -> Raw | None:
        """Something happened; the envelope, or nothing when the app does not hear of it."""
        name = subscription or event["type"]
        if name == "message":
            name = f"message.{_PLURAL[event['channel_type']]}"
        needed = EVENT_SCOPES.get(name)
        if name not in self._world.subscriptions or (needed and needed not in self._world.scopes):
            return None
        envelope = envelope_of(event, self._world, shared)
        self.told.append(envelope)
        self._put(Delivery("events_api", envelope))
        return envelope

    def again(self, envelope: Raw, attempt: int = 1) -> None:
        """Bring an event again, as a retry."""
        self._start(Delivery("events_api", envelope, attempt, "timeout"))

    async def ask(self, kind: str, payload: Raw, *, answerable: bool = False) -> Any:
        """Bring what a person did; the app's answer. There is no second try.

        Raises NotAcknowledged.
        """
        if self.transport is None:
            raise NotAcknowledged("the app is not there")
        return await self.transport.bring(Delivery(kind, payload, answerable=answerable))

    def release(self) -> None:
        """Bring what has gathered."""
        self.held = False
        gathered, self._gathered = self._gathered, []
        for delivery in gathered:
            self._start(delivery)

    async def settled(self, seconds: float = 10.0) -> None:
        """Wait until everything is brought and acknowledged, or given up. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while self._tasks:
                await asyncio.wait(set(self._tasks))

    async def close(self) -> None:
        """Bring nothing any more."""
        for task in set(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def later(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Do something beside; it ends with the simulator."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _put(self, delivery: Delivery) -> None:
        faults = self._faults
        if faults.lose > 0:
            faults.lose -= 1
            return
        if faults.lose_when_away and (self.transport is None or self.transport.away):
            return
        if self.held:
            self._gathered.append(delivery)
            return
        if faults.reorder > 0:
            faults.reorder -= 1
            self._gathered.append(delivery)
            if faults.reorder == 0:
                self._gathered.reverse()
                self.release()
            return
        self._start(delivery)

    def _start(self, delivery: Delivery) -> None:
        wait = self._faults.delay
        if self._faults.late:
            wait += self._faults.late.popleft()
        twice = self._faults.duplicate > 0 and delivery.attempt == 0
        self._faults.duplicate -= twice
        self.later(self._bring(delivery, wait, twice))

    async def _bring(self, delivery: Delivery, wait: float, twice: bool) -> None:
        """Bring it until it is acknowledged."""
        if wait:
            await asyncio.sleep(wait)
        first = delivery.attempt
        for pause in (None, *self.retry_waits[first:]):
            if pause is not None:
                await asyncio.sleep(pause)
                delivery.attempt += 1
            try:
                if self.transport is None or self.transport.away:
                    raise NotAcknowledged("connection_failed")  # noqa: TRY301
                await self.transport.bring(delivery)
            except NotAcknowledged as reason:
                delivery.reason = str(reason)
                if delivery.reason == "no_retry":
                    break
                continue
            if twice:
                self.again(delivery.payload)
            return
        self.given_up.append(delivery.payload)
