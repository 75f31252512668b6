"""Vendor-free fakes and a core to run them on: used by our tests, and by plugin authors'."""

from bot.testing.fakes import FakeChannel, FakeDesk, ScriptedDialogue
from bot.testing.world import World, world

__all__ = ["FakeChannel", "FakeDesk", "ScriptedDialogue", "World", "world"]
