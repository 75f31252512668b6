"""How the simulated Telegram brings updates: it waits for polls, or calls the webhook."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from plugins.telegram.testing import Faults

Raw = dict[str, Any]

TERMINATED = (
    "Conflict: terminated by other getUpdates request; "
    "make sure that only one bot instance is running"
)
HOOKED = (
    "Conflict: can't use getUpdates method while webhook is active; "
    "use deleteWebhook to delete the webhook first"
)
_BY_HOOK = "Conflict: terminated by setWebhook request"
_DEFAULT = frozenset({"message", "edited_message", "callback_query", "my_chat_member", "poll"})
_KEPT = 24 * 3600.0  # seconds
_REPEAT_AFTER = 0.2  # seconds; the real one waits longer


class Conflict(Exception):
    """A poll that must end: its message says why."""


@dataclass
class Pending:
    """An update that waits until it is confirmed. A ``repeat`` is brought below the offset too."""

    update: Mapping[str, Any]
    repeat: bool = False
    at: float = 0.0
    brought: bool = False
    confirmed: asyncio.Event = field(default_factory=asyncio.Event)


class Updates:
    """The queue of one bot."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._next = itertools.count(1 + secrets.randbelow(10**8))
        self._queue: list[Pending] = []
        self._more = asyncio.Condition()
        self._poll = 0
        self._sending: asyncio.Task[None] | None = None
        self.allowed = _DEFAULT
        self.held = False
        """Nothing is brought while this is set: updates gather."""
        self.session: aiohttp.ClientSession | None = None
        self.local = self.public = self.hook = self.secret = ""
        self.answers: list[int] = []
        """Statuses that the bot gave to our calls."""
        self.last_error = ""
        self.later = 0.0
        """Seconds that Telegram's clock is ahead of ours."""

    def asks_for(self, kinds: list[str] | None) -> None:
        """The kinds of update that the bot wants from now on; an empty list is the default."""
        if kinds is not None:
            self.allowed = frozenset(kinds) or _DEFAULT

    async def hooked(self, url: str, secret: str) -> None:
        """A webhook was set, or removed; a poll that waits ends."""
        async with self._more:
            self.hook, self.secret = url, secret
            self._more.notify_all()

    def number(self, content: Mapping[str, Any]) -> Raw:
        """An update with the next number."""
        return {"update_id": next(self._next), **content}

    async def tell(self, content: Mapping[str, Any]) -> Raw:
        """Something happened; the update."""
        update = self.number(content)
        await self.put(update)
        return update

    async def put(self, update: Mapping[str, Any], *, repeat: bool = False) -> Pending:
        """Let an update wait; as a ``repeat`` it comes again although it was confirmed."""
        await asyncio.sleep(self._faults.delay)
        pending = Pending(update, repeat, self._now())
        kinds = set(update) - {"update_id"}
        if self.allowed & kinds or repeat or not kinds & _DEFAULT:
            async with self._more:
                self._queue.append(pending)
                if self._faults.duplicate > 0:
                    self._faults.duplicate -= 1
                    self._queue.append(Pending(update, True, self._now()))
                self._more.notify_all()
        if self.hook and self._sending is None:
            self._sending = asyncio.create_task(self._calls())
        return pending

    async def poll(self, offset: int | None, timeout: float, limit: int) -> list[Raw]:
        """What ``getUpdates`` answers. Raises :class:`Conflict`."""
        if self.hook:
            raise Conflict(HOOKED)
        self._poll += 1
        mine = self._poll
        async with self._more:
            self._more.notify_all()  # an earlier poll ends
            self._confirm(offset)
            try:
                async with asyncio.timeout(timeout):
                    await self._more.wait_for(
                        lambda: self._poll != mine or self.hook or self._due()
                    )
            except TimeoutError:
                return []
            if self.hook:
                raise Conflict(_BY_HOOK)
            if self._poll != mine:
                raise Conflict(TERMINATED)
            due = self._due()[:limit]
            for pending in due:
                pending.brought = True
            return [dict(pending.update) for pending in due]

    async def call(self, update: Mapping[str, Any] | bytes, secret: str | None = None) -> int:
        """Call the webhook once; the status. Raises aiohttp.ClientError."""
        if self.session is None:
            raise RuntimeError("the simulator is not open")
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.secret if secret is None else secret}
        url = (self.hook or f"{self.public}/telegram/updates").replace(self.public, self.local, 1)
        what: Any = (
            {"data": update, "headers": {**headers, "Content-Type": "application/json"}}
            if isinstance(update, bytes)
            else {"json": dict(update), "headers": headers}
        )
        async with self.session.post(url, **what) as response:
            self.answers.append(response.status)
            return response.status

    def waiting(self) -> int:
        """How many updates are not confirmed."""
        return len(self._queue)

    def release(self) -> None:
        """Bring what has gathered."""
        self.held = False
        asyncio.get_running_loop().create_task(self._wake())

    async def close(self) -> None:
        """Bring nothing any more."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)

    def _now(self) -> float:
        return asyncio.get_running_loop().time() + self.later

    async def _wake(self) -> None:
        async with self._more:
            self._more.notify_all()

    def _due(self) -> list[Pending]:
        self._queue = [one for one in self._queue if one.at > self._now() - _KEPT]
        if self.held:
            return []
        return self._queue[::-1] if self._faults.reorder else self._queue

    def _confirm(self, offset: int | None) -> None:
        """As the API does it: all below the offset are forgotten."""
        if offset is None:
            return
        if offset < 0:  # so many from the end; the others are forgotten
            offset = min((one.update["update_id"] for one in self._queue[offset:]), default=0)
        below = [one for one in self._queue if one.update["update_id"] < offset]
        for pending in below:
            if pending.brought or not pending.repeat:
                pending.confirmed.set()
                self._queue.remove(pending)

    async def _calls(self) -> None:
        """Bring the queue to the webhook, one by one, again and again until each is taken."""
        try:
            while self._queue:
                if self.held:
                    await asyncio.sleep(0.01)
                    continue
                pending = self._due()[0]
                try:
                    status = await self.call(pending.update)
                except aiohttp.ClientError as error:
                    status, self.last_error = 0, type(error).__name__
                if 200 <= status < 300:
                    self._queue.remove(pending)
                    pending.confirmed.set()
                    self.last_error = ""
                else:
                    self.last_error = f"Wrong response from the webhook: {status}"
                    await asyncio.sleep(_REPEAT_AFTER)
        finally:
            self._sending = None
