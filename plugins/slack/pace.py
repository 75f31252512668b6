"""How fast Slack may be called: https://docs.slack.dev/apis/web-api/rate-limits.

The tiers are "20+", "50+", "100+ a minute", by method and workspace, with bursts; a message may be
posted once a second in a channel. What Slack answers (429, Retry-After) counts above all.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from aiolimiter import AsyncLimiter

from bot.ports import Retry
from plugins.slack.errors import RATE

_LONGEST_WAIT = 3.0
"""Seconds that a call waits for its turn; a longer wait is a Retry and holds no place."""
_MARGIN = 1.05  # two that leave a second apart may arrive a little closer
_CHANNELS = 10_000  # that are remembered at most; only those of the last seconds matter
_WINDOW = 15.0  # seconds; a burst of a quarter of a minute's calls goes through at once

POST = "chat.postMessage"
_TIERS = {1: 1, 2: 20, 3: 50, 4: 100}  # calls a minute
_TIER_OF = {
    "apps.connections.open": 1,
    "chat.delete": 3,
    "chat.postEphemeral": 4,
    "chat.update": 3,
    "conversations.history": 3,
    "conversations.info": 3,
    "conversations.list": 2,
    "conversations.members": 4,
    "conversations.open": 3,
    "conversations.replies": 3,
    "files.completeUploadExternal": 4,
    "files.getUploadURLExternal": 4,
    "files.info": 4,
    "reactions.add": 3,
    "reactions.get": 3,
    "reactions.remove": 2,
    "users.getPresence": 3,
    "users.info": 4,
    "views.open": 4,
    "views.publish": 4,
    "views.push": 4,
    "views.update": 4,
}
_USUAL_TIER = 3
_UNPACED = frozenset({"apps.connections.open", "auth.test"})
"""The first has a backoff of its own: a lost connection must not wait a minute for the next."""


class Pace:
    """Lets calls through one by one. ``between`` is in seconds, of two messages in a channel."""

    def __init__(self, between: float) -> None:
        self._between = between
        self._limiters: dict[str, AsyncLimiter] = {}
        self._free_at: OrderedDict[str, float] = OrderedDict()
        self._paused: dict[tuple[str, str], float] = {}

    async def turn(self, method: str, channel: str) -> None:
        """Wait for this call's turn. Raises Retry for a longer wait."""
        rest = self._paused.get(_key(method, channel), 0.0) - self._now()
        if rest > 0:
            raise Retry(rest, RATE)
        if method == POST:
            await self._channels_turn(channel)
        elif method not in _UNPACED:
            await self._methods_turn(method)

    def pause(self, method: str, channel: str, seconds: float) -> None:
        """Slack said so to a call."""
        now = self._now()
        self._paused = {key: until for key, until in self._paused.items() if until > now}
        self._paused[_key(method, channel)] = now + seconds

    async def _channels_turn(self, channel: str) -> None:
        now = self._now()
        at = max(now, self._free_at.get(channel, 0.0))
        if at - now > _LONGEST_WAIT:
            raise Retry(at - now, RATE)
        self._free_at[channel] = at + self._between * _MARGIN
        self._free_at.move_to_end(channel)
        if len(self._free_at) > _CHANNELS:
            self._free_at.popitem(last=False)
        await asyncio.sleep(at - now)
        rest = self._paused.get((POST, channel), 0.0) - self._now()
        if rest > 0:  # told to one that went before, while this one waited
            raise Retry(rest, RATE)

    async def _methods_turn(self, method: str) -> None:
        limiter = self._limiters.get(method)
        if limiter is None:
            minute = _TIERS[_TIER_OF.get(method, _USUAL_TIER)]
            limiter = self._limiters[method] = AsyncLimiter(minute * _WINDOW / 60, _WINDOW)
        try:
            async with asyncio.timeout(_LONGEST_WAIT):
                await limiter.acquire()
        except TimeoutError:
            raise Retry(_LONGEST_WAIT, RATE) from None

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _key(method: str, channel: str) -> tuple[str, str]:
    return method, channel if method == POST else ""
