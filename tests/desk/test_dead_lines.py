"""Lines of agents that were given up on, and that an operator tries again."""

from __future__ import annotations

from bot.messages import State
from bot.ports import Reject
from bot.store import dead
from bot.testing import MovingClock

from .conftest import Begin, later, shown
from .test_changes import mia_at


async def test_a_line_that_an_operator_replays_stands_in_the_thread(
    begin: Begin, clock: MovingClock
) -> None:
    """With its template's name too: without it, nothing could leave after the reply window."""
    async with begin() as w:
        mia = await mia_at(w)
        w.channel.faults.append(Reject("nein"))
        first = (await mia.says("Guten Tag", id="cmd-1")).line or ""
        await later(w, clock)
        letter = first.removeprefix("out:")
        assert await w.store.write(lambda tx: dead.replay(tx, letter, clock())) == "done"
        await w.settled()
        assert shown(w) == ["Guten Tag"]
        (row,) = await w.rows("SELECT * FROM outbox WHERE replaces = :id", id=letter)
        assert row["response"] == "agent_line"
        assert w.desk.states[f"out:{row['id']}"] is State.SENT
        assert f"out:{row['id']}" in w.desk.lines
        assert (await mia.sends_again("cmd-1")).reason == "already_again"
