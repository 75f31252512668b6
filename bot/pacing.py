"""Waiting: backoff with jitter, and an alarm that rings early."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from datetime import datetime, timedelta

from bot.store.codec import unstamp

PAUSE = 1.0  # seconds a loop waits after the store failed it
_LONGEST_WAIT = 5.0  # seconds; a lost ring costs no more than this


def backoff(attempt: int, *, base: float = 1.0, cap: float = 300.0) -> timedelta:
    """How long to wait after the n-th failure (from 1): doubling, its upper half at random."""
    longest = min(cap, base * 2 ** min(attempt - 1, 20))
    return timedelta(seconds=random.uniform(longest / 2, longest))  # noqa: S311 - not a secret


class Alarm:
    """Wakes a loop when rung, or when something is due."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self, _subject: object = None) -> None:
        """Wake the loop; a ring while it is awake counts for its next wait."""
        self._event.set()

    async def wait(self, due: str | None, now: datetime) -> None:
        """Return at a ring, or at the stamp ``due``, or after a few seconds."""
        seconds = _LONGEST_WAIT
        if due is not None:
            seconds = min(seconds, max(0.0, (unstamp(due) - now).total_seconds()))
        if seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._event.wait()
        self._event.clear()
