"""A customer who waits for a person, and what tests of the agents' side tell with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from bot.messages import Answer, Features, Outcome, Say
from bot.testing import FakeChannel, MovingClock, World, world

TEXTS = [Path("nlu/domain")]
UNDO = 5.0
Begin = Callable[..., AbstractAsyncContextManager[World]]


async def asks_for_person(w: World) -> None:
    """The customer asks for a person; what was said so far does not matter."""
    w.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
    await w.says("mensch")
    await w.settled()
    w.channel.sent.clear()
    w.channel.shown.clear()


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def begin(tmp_path: Path, clock: MovingClock) -> Begin:
    """A world with an undo time and a clock that stands; case 1 waits.

    `async with begin(edits=True) as w`: features of the channel.
    """

    @asynccontextmanager
    async def begun(*, waits: bool = True, **features: object) -> AsyncIterator[World]:
        channel = FakeChannel(features=Features(burst_seconds=0.0, **features))  # type: ignore[arg-type]
        async with world(
            tmp_path, texts=TEXTS, channel=channel, clock=clock, undo_seconds=UNDO
        ) as w:
            if waits:
                await asks_for_person(w)
            yield w

    return begun


def shown(w: World) -> list[str]:
    """What the customer sees now."""
    return list(w.channel.shown.values())


async def later(w: World, clock: MovingClock, seconds: float = UNDO) -> None:
    """Time passes, and what is due leaves."""
    clock.move(seconds)
    await w.wake()
    await w.settled()
