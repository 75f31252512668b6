"""Rasa forgets a conversation: on the disk, in memory, and after a turn that still ran."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from tests.dialogue.actions import FakeActions
from tests.dialogue.rasa import Rasa
from tests.live.leftovers import left_in


def somebody(rasa: Rasa, sender: str) -> Rasa:
    return replace(rasa, sender=sender)


async def test_what_was_said_is_nowhere_any_more(rasa: Rasa) -> None:
    number = time.time_ns() % 10**9
    first, second = somebody(rasa, f"{number}.1.0"), somebody(rasa, f"{number}.2.0")
    other = somebody(rasa, f"{number}1.1.0")
    for one in (first, second, other):
        await one.say(f"hallo markerword{one.sender}x")
    words = [f"markerword{one.sender}x" for one in (first, second)]
    assert left_in(rasa.tracker.parent, words)
    assert await rasa.post("forget", {"conversations": [number]}) == (200, {"status": "forgotten"})
    left = left_in(rasa.tracker.parent, words)
    assert left == []
    assert left_in(rasa.tracker.parent, [f"markerword{other.sender}x"]), "somebody else's"
    assert (await first.say("danke"))["intent"] == "thank_you", "what is asked later begins anew"
    assert left_in(rasa.tracker.parent, words) == [], "nor was it kept in memory"


async def test_a_turn_that_runs_does_not_bring_it_back(rasa: Rasa, actions: FakeActions) -> None:
    """It saves its tracker at its end, which comes after the wish to forget it."""
    number = time.time_ns() % 10**9
    slow = somebody(rasa, f"{number}.1.0")
    actions.wait = 0.6
    asking = asyncio.create_task(slow.turn("Ich will mit einem Menschen reden markerlate"))
    await asyncio.sleep(0.3)
    started = time.monotonic()
    assert (await rasa.post("forget", {"conversations": [number]}))[0] == 200
    assert asking.done() or time.monotonic() - started > 0.1
    await asking
    assert left_in(rasa.tracker.parent, ["markerlate"]) == []


async def test_old_trackers_are_counted_and_dropped(rasa: Rasa) -> None:
    number = time.time_ns() % 10**9
    old = somebody(rasa, f"{number}.1.0")
    old.note({"event": "action", "name": "action_listen", "timestamp": 5.0})
    young = somebody(rasa, f"{number}.2.0")
    await young.say("hallo markeryoung")
    assert await rasa.post("old", {"before": 6.0, "drop": False}) == (200, {"trackers": 1})
    assert await rasa.post("old", {"before": 6.0, "drop": True}) == (200, {"trackers": 1})
    assert await rasa.post("old", {"before": 6.0, "drop": True}) == (200, {"trackers": 0})
    assert left_in(rasa.tracker.parent, ["markeryoung"])


async def test_bad_bodies_are_refused(rasa: Rasa) -> None:
    for path, body in (
        ("forget", {"conversations": ["1"]}),
        ("forget", {}),
        ("old", {"before": "x", "drop": True}),
        ("old", {"before": 1.0}),
    ):
        assert (await rasa.post(path, body))[0] == 400
