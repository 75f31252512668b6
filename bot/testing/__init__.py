"""Vendor-free fakes and a core to run them on: used by our tests, and by plugin authors'."""

from bot.testing.actions import (
    CorrectableAction,
    FakeAction,
    FakePairs,
    MovingClock,
    RecoverableAction,
    call_of,
)
from bot.testing.fakes import FakeChannel, FakeDesk, FakeMail, ScriptedDialogue
from bot.testing.running import GivenPlugin, RunningBot, running_bot
from bot.testing.seat import Seat
from bot.testing.world import World, world

__all__ = [
    "CorrectableAction",
    "FakeAction",
    "FakeChannel",
    "FakeDesk",
    "FakeMail",
    "FakePairs",
    "GivenPlugin",
    "MovingClock",
    "RecoverableAction",
    "RunningBot",
    "ScriptedDialogue",
    "Seat",
    "World",
    "call_of",
    "running_bot",
    "world",
]
