"""No statement on the way of a message or a command reads a table that grows from end to end."""

from __future__ import annotations

import importlib.resources
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiosqlite

from bot.desk import Act
from bot.messages import Answer, Outcome, Receipt, Say, State
from bot.ports import Reject
from bot.store.migrate import Migrations, migrate
from bot.testing import FakeChannel, RecoverableAction, World, call_of, world
from bot.testing.world import SETTLED

TEXTS = [Path("nlu/domain")]
GROW = {  # and what statements call them
    *("cases", "calls", "commands", "c", "k", "conversations", "v", "inbox", "i", "q"),
    *("notes", "outbox", "o", "p", "r", "proposals", "turns", "t"),
}


class Heard:
    """Every statement that a store runs, with its values in it."""

    def __init__(self) -> None:
        self.statements: set[str] = set()

    async def listen(self, w: World) -> None:
        for connection in (w.store._reader, w.store._writer):
            assert isinstance(connection, aiosqlite.Connection)
            await connection.set_trace_callback(self.statements.add)


def planned(folder: Path, statements: set[str]) -> list[str]:
    """The scans of tables that grow, each with its statement."""
    database = sqlite3.connect(folder / "plan.db", isolation_level=None)
    database.row_factory = sqlite3.Row
    migrate(database, [Migrations("core", importlib.resources.files("bot.store") / "migrations")])
    found = []
    for statement in sorted(statements):
        if not statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "INSERT")):
            continue
        for step in database.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall():
            if _reads_all(step["detail"]):
                found.append(f"{step['detail']}: {' '.join(statement.split())}")
    database.close()
    return found


def _reads_all(detail: str) -> bool:
    what, name, *_ = [*detail.split(), ""]
    # A search with no terms is a scan from one end, as for a min() whose index does not fit.
    return name in GROW and (what == "SCAN" or (what == "SEARCH" and "USING" not in detail))


async def a_day(w: World) -> None:
    """Customers, agents, an action, a rejected message, receipts, a digest."""
    replies = w.dialogue.replies
    replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
    replies["do"] = lambda turn: w.core.actions.call("cancel", call_of(turn, order_id="1"), 1)
    replies["ja"] = lambda turn: w.core.actions.call("confirm", call_of(turn), 1)
    for text in ("hallo", "do", "ja", "ja", "mensch", "und?"):
        await w.says(text, wire_id=f"w-{text}")
        await w.settled()
    agent = await w.agent("U1", "Mia Berg")
    await agent.notes("intern")
    await agent.takes_over()
    line = (await agent.says("Guten Tag " * 900)).line or ""
    w.channel.faults.append(Reject("nein"))
    await w.settled()
    await agent.sends_again(line)
    await w.settled()
    await agent.edits(line, "Guten Tag")
    await agent.unsends(line)
    await w.core.inbox.receipt(Receipt(w.channel.name, "v-1", State.READ))
    await agent.snoozes(datetime.now(UTC) + timedelta(hours=1))
    await w.says("noch da?")
    await agent.assigns("U2")
    await agent.sets_language("en")
    inbox = w.core.desk_inbox
    await inbox.act(Act("a1", 1, "U2", "cancel", {"order_id": "1"}))
    await inbox.away("U2")
    for closed in (False, True):
        await inbox.cases(closed=closed)
    await inbox.history(1)
    await inbox.macros(1)
    await (await w.agent("U2")).hands_back("Alles gut")
    await w.says("weg", deletes="w-und?")
    await w.settled()
    now = datetime.now(UTC)
    await inbox.digest(now - timedelta(days=1), now)


async def test_no_statement_reads_a_whole_table(tmp_path: Path) -> None:
    # With 100,000 conversations each look at the outbox took 75 ms, and each card 40.
    heard, channel = Heard(), FakeChannel()
    action = RecoverableAction(proofs=frozenset())
    async with world(tmp_path, texts=TEXTS, channel=channel, actions=[action]) as w:
        await heard.listen(w)
        await a_day(w)
    assert planned(tmp_path, heard.statements - {SETTLED}) == []
    assert len(heard.statements) > 100
