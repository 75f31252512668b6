"""All commands by several agents, in any order, with faults, reports, timers, restarts and kills.

What always holds: only who has the case is heard by the customer, nothing internal leaves, a
command is done once, nothing arrives twice, the bot is silent while an agent speaks, and in the end
each line shows at the desk what became of it.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.desk import (
    Again,
    Assign,
    Close,
    Command,
    CommandResult,
    Edit,
    HandBack,
    Line,
    Prioritise,
    Release,
    SetLanguage,
    Snooze,
    Stop,
    TakeOver,
    Unsend,
)
from bot.messages import Answer, Author, Features, Outcome, Owner, Receipt, Say, State
from bot.ports import Reject, Retry, UnknownOutcome
from bot.testing import FakeChannel, FakeDesk, MovingClock, World, world
from desk.counter import DeskParts
from desk.routing import Routing

T = TypeVar("T")
TEXTS = [Path("nlu/domain")]
AGENTS = st.sampled_from(["mia", "tom", "eva"])
FEATURES = Features(burst_seconds=0.0, text_limit=120, edits=True, unsends=True)
NUMBER = st.integers(0, 10_000)
UNDO, SECRET = 5.0, "intern"
CLAIM, GRACE = timedelta(minutes=20), timedelta(minutes=5)
ENDS = {"sent", "delivered", "read", "failed", "unknown", "cancelled"}
STILL = """
SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM inbox WHERE status = 'pending')
AND NOT EXISTS (SELECT 1 FROM turns WHERE status = 'frozen')
AND NOT EXISTS (SELECT 1 FROM timers WHERE due <= :now)
AND NOT EXISTS (SELECT 1 FROM outbox WHERE state = 'sending')
AND NOT EXISTS (SELECT 1 FROM outbox o WHERE state = 'queued' AND not_before <= :now
  AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.stream = o.stream AND p.seq < o.seq
    AND p.state = 'queued'))
"""


class Agents(RuleBasedStateMachine):
    """One customer, three agents. ``holder`` is who has the case, by what the commands said."""

    @initialize()
    def begin(self) -> None:
        self.root = Path(tempfile.mkdtemp())
        self.folder = self.root / "0"
        self.folder.mkdir()
        self.loop = asyncio.Runner()
        self.clock, self.desk = MovingClock(), FakeDesk()
        self.channel = FakeChannel(features=FEATURES)
        self.count = 0
        self.case = 0
        self.holder: str | None = None
        self.given: dict[str, tuple[Command, CommandResult]] = {}
        self.lines: list[str] = []
        self.signs: dict[str, datetime] = {}  # when an agent last did something
        self.stopped: set[str] = set()
        self.lost: set[str] = set()  # texts that the vendor took, and then did not deliver
        self.wires: list[str] = []
        self.does(self.start())
        self.writes(person=True)

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            try:
                self.does(self.end())
            finally:
                self.does(self.stack.aclose())
                self.loop.close()
                shutil.rmtree(self.root)

    def does(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run(work)

    async def start(self) -> None:
        self.stack = AsyncExitStack()
        parts = DeskParts(
            routing=Routing(desk="desk"), undo_seconds=UNDO, claim=CLAIM, claim_grace=GRACE
        )
        self.w: World = await self.stack.enter_async_context(
            world(
                self.folder,
                texts=TEXTS,
                channel=self.channel,
                desk=self.desk,
                clock=self.clock,
                parts=parts,
            )
        )
        person = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
        self.w.dialogue.replies["mensch"] = person

    async def still(self) -> None:
        await self.w.wake()
        await self.w.until(STILL, 20, now=self.clock.now.isoformat(timespec="microseconds"))

    def name(self) -> str:
        self.count += 1
        self.clock.move(0.001)  # nothing happens at the same time as something else
        return f"n{self.count}"

    async def commands(self, command: Command) -> CommandResult:
        result = await self.w.core.desk_inbox.accept(command)
        if result.reason != "no_such_case":
            self.given[command.id] = command, result
        if result.done:
            self.signs[command.agent] = self.clock.now
        return result

    # --- the customer

    @rule(person=st.booleans())
    def writes(self, person: bool) -> None:
        async def work() -> None:
            wire = self.name()
            self.wires.append(wire)
            before, held = len(self.channel.sent), self.holder
            await self.w.says("mensch" if person else f"hallo {wire}", wire_id=wire)
            await self.still()
            new = self.channel.sent[before:]
            assert not (held and any(out.author is Author.BOT for out in new))
            await self.look()

        self.does(work())

    @rule(number=NUMBER)
    @precondition(lambda self: self.wires)
    def deletes(self, number: int) -> None:
        wire = self.wires[number % len(self.wires)]
        self.does(self.w.says("", deletes=wire))

    # --- agents

    async def look(self) -> None:
        """Which case is open, and whose it is; and that all tables say the same."""
        (conversation,) = await self.w.rows("SELECT * FROM conversations")
        found = await self.w.core.desk_inbox.cases()
        assert len(found) <= 1
        self.case = found[0].id if found else self.case
        self.holder = found[0].agent if found else None
        owner = Owner.BOT if not found else Owner.AGENT if self.holder else Owner.WAITING
        assert conversation["owner"] == owner
        for case in found:
            assert (case.state == "taken") is (case.agent is not None)
            assert case.agent or (case.waits_since and case.due_at)

    @rule(agent=AGENTS, force=st.booleans())
    @precondition(lambda self: self.case)
    def takes(self, agent: str, force: bool) -> None:
        async def work() -> None:
            before = self.holder
            result = await self.commands(TakeOver(self.name(), self.case, agent, force))
            await self.look()
            free = before in (None, agent) or force
            assert result.done is (free and result.reason != "case_closed")
            assert not result.done or self.holder == agent

        self.does(work())

    @rule(agent=AGENTS, words=st.sampled_from([1, 60]))
    @precondition(lambda self: self.case)
    def writes_to_customer(self, agent: str, words: int) -> None:
        async def work() -> None:
            name = self.name()
            text = " ".join(f"{name}w{number}" for number in range(words))
            result = await self.commands(Line(name, self.case, agent, text))
            assert result.done is (self.holder == agent)
            if result.done:
                self.lines.append(name)

        self.does(work())

    @rule(agent=AGENTS)
    @precondition(lambda self: self.case)
    def notes(self, agent: str) -> None:
        text = f"{SECRET} {self.name()}"
        line = Line(self.name(), self.case, agent, text, internal=True)
        assert self.does(self.commands(line)).done

    @rule(agent=AGENTS, number=NUMBER, what=st.sampled_from(["stop", "edit", "unsend", "again"]))
    @precondition(lambda self: self.lines)
    def changes(self, agent: str, number: int, what: str) -> None:
        line, name = self.lines[number % len(self.lines)], self.name()
        case = self.given[line][0].case
        command: Command = {
            "stop": Stop(name, case, agent, line),
            "edit": Edit(name, case, agent, line, f"{name}w0"),
            "unsend": Unsend(name, case, agent, line),
            "again": Again(name, case, agent, line),
        }[what]
        result = self.does(self.commands(command))
        assert not result.done or self.holder == agent or what in ("stop", "unsend")
        if result.done and what == "again":
            self.lines.append(name)
        if result.done and what == "stop":
            self.stopped.add(line)

    @rule(agent=AGENTS, to=AGENTS, what=st.sampled_from(["assign", "release", "back", "close"]))
    @precondition(lambda self: self.case)
    def passes_on(self, agent: str, to: str, what: str) -> None:
        async def work() -> None:
            before, name = self.holder, self.name()
            command: Command = {
                "assign": Assign(name, self.case, agent, to),
                "release": Release(name, self.case, agent),
                "back": HandBack(name, self.case, agent, "Alles gut", f"{SECRET} {name}"),
                "close": Close(name, self.case, agent, f"{SECRET} {name}", f"{SECRET} x"),
            }[what]
            result = await self.commands(command)
            assert not result.done or before in (None, agent)
            await self.look()

        self.does(work())

    @rule(agent=AGENTS, what=st.sampled_from(["high", "low", "snooze", "wake", "en", "de"]))
    @precondition(lambda self: self.case)
    def sorts(self, agent: str, what: str) -> None:
        name, until = self.name(), self.clock.now + timedelta(minutes=30)
        command: Command = {
            "high": Prioritise(name, self.case, agent, "high"),
            "low": Prioritise(name, self.case, agent, "low"),
            "snooze": Snooze(name, self.case, agent, until),
            "wake": Snooze(name, self.case, agent, None),
            "en": SetLanguage(name, self.case, agent, "en"),
            "de": SetLanguage(name, self.case, agent, "de"),
        }[what]
        self.does(self.commands(command))

    @rule(number=NUMBER)
    @precondition(lambda self: self.given)
    def comes_again(self, number: int) -> None:
        async def work() -> None:
            command, result = list(self.given.values())[number % len(self.given)]
            before = await self.w.rows("SELECT max(seq) AS n FROM outbox WHERE op = 'send'")
            assert await self.w.core.desk_inbox.accept(command) == result
            after = await self.w.rows("SELECT max(seq) AS n FROM outbox WHERE op = 'send'")
            assert before[0]["n"] == after[0]["n"]

        self.does(work())

    # --- the world

    @rule(what=st.sampled_from([Reject("nein"), Retry(3), UnknownOutcome()]))
    def breaks(self, what: Exception) -> None:
        self.channel.faults.append(what)

    @rule(number=NUMBER, state=st.sampled_from([State.DELIVERED, State.READ, State.FAILED]))
    @precondition(lambda self: self.channel.sent)
    def reports(self, number: int, state: State) -> None:
        async def work() -> None:
            vendor_id = f"v-{1 + number % len(self.channel.sent)}"
            await self.w.core.inbox.receipt(Receipt(self.channel.name, vendor_id, state))
            if state is State.FAILED:
                rows = await self.w.rows(
                    "SELECT id FROM outbox WHERE vendor_id = :id", id=vendor_id
                )
                ids = {row["id"] for row in rows}
                self.lost |= {out.text for out in self.channel.sent if out.id in ids}

        self.does(work())

    @rule(seconds=st.sampled_from([1, 6, 300, 1500]))
    def passes(self, seconds: float) -> None:
        async def work() -> None:
            before = self.holder
            self.clock.move(seconds)
            await self.still()
            await self.look()
            if before and not self.holder:  # nobody loses a case who was there a moment ago
                sign = self.signs.get(before, datetime.min.replace(tzinfo=UTC))
                assert self.clock.now - sign >= CLAIM + GRACE

        self.does(work())

    @rule(killed=st.booleans())
    def restarts(self, killed: bool) -> None:
        async def work() -> None:
            sent, shown = len(self.channel.sent), dict(self.channel.shown)
            if killed:
                image = self.root / f"k{self.name()}"
                image.mkdir()
                for file in self.folder.glob("bot.db*"):
                    shutil.copy(file, image / file.name)
                self.folder = image
            await self.stack.aclose()
            if killed:  # what the old process did later never happened
                del self.channel.sent[sent:]
                self.channel.shown = shown
            await self.start()
            await self.look()

        self.does(work())

    # --- what always holds

    @invariant()
    def nothing_internal_leaves(self) -> None:
        for out in getattr(self, "channel", FakeChannel()).sent:
            assert SECRET not in out.text

    @invariant()
    def nothing_arrives_twice(self) -> None:
        sent = getattr(self, "channel", FakeChannel()).sent
        texts = Counter(out.text for out in sent if out.author is Author.AGENT)
        twice = {text for text, count in texts.items() if count > 1}
        assert twice <= getattr(self, "lost", set())

    @invariant()
    def what_was_stopped_stays(self) -> None:
        sent = getattr(self, "channel", FakeChannel()).sent
        for line in getattr(self, "stopped", ()):
            assert not any(out.text.startswith(f"{line}w0") for out in sent)

    async def end(self) -> None:
        self.channel.faults.clear()
        for _ in range(12):
            self.clock.move(60)
            await self.still()
        rows = await self.w.rows(
            "SELECT * FROM outbox WHERE author = 'agent' AND op IN ('send', 'edit', 'unsend')"
        )
        assert [row["state"] for row in rows if row["state"] not in ENDS] == []
        asked = await self.w.rows("SELECT text FROM turns UNION SELECT history FROM turns")
        assert not any(SECRET in row["text"] for row in asked)
        known = {f"out:{row['id']}": row["state"] for row in rows if row["op"] == "send"}
        for line, post in self.desk.lines.items():
            if post.line.author is Author.AGENT:
                shown = self.desk.states.get(line, post.line.state)
                assert shown == known.get(line, State.CANCELLED)


Agents.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestAgents = Agents.TestCase
