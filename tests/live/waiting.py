"""Waiting for what another process does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

_LOOK = 0.01


async def eventually(check: Callable[[], bool], seconds: float, look: float = _LOOK) -> None:
    """Return as soon as it holds. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            raise TimeoutError
        await asyncio.sleep(look)
