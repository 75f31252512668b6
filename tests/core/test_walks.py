"""Random walks over a conversation with agents, kills and a dialogue that fails: what always holds.

Every accepted message is answered, or an agent has it; the bot never speaks while an agent does; no
change is made twice, and none without a yes to it.
"""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from bot.desk import Close, HandBack, Line, TakeOver
from bot.messages import Answer, Author, Outcome, Say, Turn
from bot.ports import Unavailable
from bot.testing import (
    FakeChannel,
    MovingClock,
    RecoverableAction,
    ScriptedDialogue,
    World,
    call_of,
    world,
)

TEXTS = [Path("nlu/domain")]


class Walk:
    """One walk; ``folder`` changes at every kill, the shop's ledger and the channel stay."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.root = folder, folder
        self.random = random.Random(seed)
        self.clock, self.channel = MovingClock(), FakeChannel()
        self.ledger: dict[str, Mapping[str, Any]] = {}
        self.runs: list[str] = []
        self.count = 0
        self.agent = False
        self.stack = AsyncExitStack()

    async def start(self) -> None:
        action = RecoverableAction(proofs=frozenset(), ledger=self.ledger)
        dialogue = ScriptedDialogue()
        dialogue._answer = self._answer  # type: ignore[method-assign]
        self.action = action
        self.w: World = await self.stack.enter_async_context(
            world(
                self.folder,
                texts=TEXTS,
                actions=[action],
                channel=self.channel,
                dialogue=dialogue,
                clock=self.clock,
            )
        )

    async def stop(self) -> None:
        self.runs += [call.key for call in self.action.runs]
        await self.stack.aclose()
        self.stack = AsyncExitStack()

    async def _answer(self, turn: Turn) -> Answer:
        word = turn.text.split()[0]
        if self.random.random() < 0.15:
            raise Unavailable("now and then")
        actions = self.w.core.actions
        if word == "do":
            return await actions.call("cancel", call_of(turn, order_id="1"), 1)
        if word == "ja":
            answer = await actions.call("confirm", call_of(turn), 1)
            if self.random.random() < 0.2:
                raise Unavailable("after it was done")
            return answer
        if word == "mensch":
            return Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
        return Answer((Say(text=f"echo {turn.text}"),))

    async def settle(self) -> None:
        for _ in range(60):
            try:
                await self.w.settled(0.1)
            except TimeoutError:
                self.clock.move(20)
                await self.w.wake()
            else:
                return
        raise AssertionError("it never settled: something waits that nobody wakes")

    async def step(self) -> None:
        self.count += 1
        self.clock.move(self.random.choice([0.5, 3, 60]))
        what = self.random.choice(["say"] * 6 + ["take", "line", "back", "close", "kill", "burst"])
        words = ["do", "ja", "ja", "mensch", "hallo"]
        before = len(self.channel.sent)
        if what == "say":
            await self.w.says(f"{self.random.choice(words)} {self.count}")
        elif what == "burst":
            await asyncio.gather(*(self.w.says(f"ja {self.count}.{n}") for n in range(3)))
        elif what == "kill":
            await self.w.says(f"{self.random.choice(words)} {self.count}")
            await asyncio.sleep(self.random.random() / 50)
            await self.kill()
        else:
            await self.command(what)
        if self.random.random() < 0.7 or what != "say":
            spoke_before = self.agent
            await self.settle()
            if spoke_before and what in ("say", "line", "burst"):
                authors = {out.author for out in self.channel.sent[before:]}
                assert Author.BOT not in authors

    async def command(self, what: str) -> None:
        cases = await self.w.core.desk_inbox.cases()
        if not cases:
            return
        case, key = cases[0].id, f"c{self.count}"
        command = {
            "take": TakeOver(key, case, "Mia"),
            "line": Line(key, case, "Mia", f"agent {self.count}"),
            "back": HandBack(key, case, "Mia"),
            "close": Close(key, case, "Mia"),
        }[what]
        if what == "take":
            await self.settle()
        result = await self.w.core.desk_inbox.accept(command)
        assert await self.w.core.desk_inbox.accept(command) == result
        if result.done and what != "line":
            self.agent = what == "take"

    async def kill(self) -> None:
        """Go on with what lay on the disk; what the old process does later counts for the shop."""
        image = self.root / f"kill{self.count}"
        copy_database(self.folder, image)
        # From here on the old process is dead: it neither reaches the shop nor the customer.
        self.w.channel, dead = self.channel, FakeChannel()
        sent = len(self.channel.sent)
        runs = len(self.action.runs)
        known = dict(self.ledger)
        await self.stop()
        assert dead is not self.channel
        del self.channel.sent[sent:]
        del self.runs[len(self.runs) - (len(self.action.runs) - runs) :]
        self.ledger.clear()
        self.ledger.update(known)
        self.folder = image
        await self.start()


def copy_database(folder: Path, image: Path) -> None:
    image.mkdir()
    for file in folder.glob("bot.db*"):
        shutil.copy(file, image / file.name)


@pytest.mark.parametrize("seed", range(12))
async def test_a_walk(tmp_path: Path, seed: int) -> None:
    walk = Walk(tmp_path, seed)
    await walk.start()
    try:
        for _ in range(25):
            await walk.step()
        await walk.settle()
        w = walk.w
        lost = await w.rows(
            "SELECT i.text FROM inbox i LEFT JOIN turns t ON t.key = i.turn "
            "WHERE NOT (i.status IN ('case', 'merged') OR t.status IN ('done', 'handed'))"
        )
        assert lost == []
        silent = await w.rows(
            "SELECT t.text FROM turns t WHERE t.status = 'done' "
            "AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.turn = t.key)"
        )
        assert silent == []
        held = await w.rows(
            "SELECT i.text FROM inbox i LEFT JOIN turns t ON t.key = i.turn "
            "WHERE (i.status = 'case' OR t.status = 'handed') "
            "AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.conversation = i.conversation)"
        )
        assert held == []
        consumed = await w.rows("SELECT id FROM proposals WHERE state = 'consumed'")
        assert set(walk.ledger) <= {row["id"] for row in consumed}
        ids = [out.id for out in walk.channel.sent if out.author is Author.AGENT]
        assert len(ids) == len(set(ids))
    finally:
        await walk.stop()
    assert len(walk.runs) == len(set(walk.runs))
