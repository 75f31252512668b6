"""What a simulated customer sees, message by message."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds that a customer looks at the screen."""


class Screen(Generic[T]):
    """A customer's screen. ``messages`` is everything that arrived, in order."""

    def __init__(self) -> None:
        self.messages: list[T] = []
        self._seen = 0
        self._more = asyncio.Condition()

    async def arrives(self, message: T) -> None:
        """A message arrives."""
        async with self._more:
            self.messages.append(message)
            self._more.notify_all()

    async def changes(self, message: T, to: T | None) -> None:
        """A message that is on the screen is changed, or taken away (``None``)."""
        place = self.messages.index(message)
        async with self._more:
            if to is not None:
                self.messages[place] = to
            else:
                del self.messages[place]
                self._seen -= place < self._seen
            self._more.notify_all()

    async def sees(self, wanted: Callable[[Sequence[T]], bool], seconds: float = PATIENCE) -> None:
        """Wait until the whole screen is as wanted. Raises TimeoutError."""
        async with asyncio.timeout(seconds), self._more:
            await self._more.wait_for(lambda: wanted(self.messages))

    async def receives(self, seconds: float = PATIENCE) -> T:
        """The next message that nobody has looked at. Raises TimeoutError."""
        async with asyncio.timeout(seconds), self._more:
            await self._more.wait_for(lambda: len(self.messages) > self._seen)
        self._seen += 1
        return self.messages[self._seen - 1]

    async def receives_nothing(self, seconds: float = 0.3) -> None:
        """Look for a while. Raises AssertionError when something arrives."""
        try:
            message = await self.receives(seconds)
        except TimeoutError:
            return
        raise AssertionError(message)
