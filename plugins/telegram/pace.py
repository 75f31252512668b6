"""How fast the bot may send: over all chats, to one chat, and as Telegram tells it to wait.

https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this: about 30 messages
a second in all, one a second to a chat.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from aiolimiter import AsyncLimiter

from bot.ports import Retry

RATE = "telegram_rate"
_LONGEST_WAIT = 3.0
"""Seconds that a send waits for its turn; a longer wait is a Retry and holds no place."""
_CHATS = 10_000  # that are remembered at most; only those of the last seconds matter


class Pace:
    """Lets sends through one by one."""

    def __init__(self, per_second: float, per_chat_seconds: float) -> None:
        # One by one: a bucket of 30 would let 60 through in its first second.
        self._all = AsyncLimiter(1, 1.0 / per_second)
        self._between = per_chat_seconds
        self._free_at: OrderedDict[str, float] = OrderedDict()
        self._paused: dict[str, float] = {}
        self._all_paused_until = 0.0

    async def turn(self, chat: str) -> None:
        """Wait for this chat's turn. Raises Retry for a longer wait."""
        await self._wait_for(chat)
        try:
            async with asyncio.timeout(_LONGEST_WAIT):
                await self._all.acquire()
        except TimeoutError:
            raise Retry(1.0, RATE) from None
        self._free_at[chat] = self._now() + self._between
        self._free_at.move_to_end(chat)
        if len(self._free_at) > _CHATS:
            self._free_at.popitem(last=False)

    def pause(self, chat: str, seconds: float) -> None:
        """Telegram said so to a send to ``chat``.

        It does not say whether it means this chat or the whole bot. Two chats that are told so at
        the same time mean the bot.
        """
        now = self._now()
        self._paused = {one: until for one, until in self._paused.items() if until > now}
        self._paused[chat] = now + seconds
        if len(self._paused) > 1:
            self._all_paused_until = max(self._paused.values())

    def rest(self, chat: str) -> float:
        """Seconds of a pause that Telegram asked for."""
        return max(self._paused.get(chat, 0.0), self._all_paused_until) - self._now()

    async def _wait_for(self, chat: str) -> None:
        if (told := self.rest(chat)) > 0:
            raise Retry(told, RATE)
        rest = self._free_at.get(chat, 0.0) - self._now()
        if rest > _LONGEST_WAIT:
            raise Retry(rest, RATE)
        if rest > 0:
            await asyncio.sleep(rest)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
