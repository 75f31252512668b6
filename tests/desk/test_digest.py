"""The figures of a day: each turn is counted once, and nothing tells who wrote it."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.desk import Close, HandBack, Line, TakeOver
from bot.messages import Answer, Features, Outcome, Say, Turn, Understanding
from bot.ports import Reject
from bot.store.digest import Digest, masked_text
from bot.testing import FakeChannel, MovingClock, World, world

TEXTS = [Path("nlu/domain")]
HOUR = timedelta(hours=1)


def answer(intent: str, outcome: Outcome = Outcome.DONE, reason: str | None = None) -> Answer:
    understood = Understanding(intent, 1.0)
    response = "utter_handoff" if outcome is Outcome.HANDOFF else "utter_rephrase"
    return Answer((Say(response),), outcome, reason, understanding=understood)


REPLIES: dict[str, Answer] = {
    "wo": answer("track_order"),
    "zurück": answer("return_item", Outcome.REFUSED, "shipped"),
    "nummer?": answer("track_order", Outcome.ASK),
    "blubb 4711 an anna@example.org": answer("nlu_fallback", Outcome.ASK, "miss"),
    "krx": answer("nlu_fallback", Outcome.HANDOFF, "misses"),
    "mensch": answer("contact_human_agent", Outcome.HANDOFF, "asked"),
    "wut": answer("complaint", Outcome.HANDOFF, "complaint"),
}


class Day:
    """A day at the counter, with a clock of its own."""

    def __init__(self, w: World, clock: MovingClock) -> None:
        self.w, self.clock = w, clock
        w.dialogue.replies.update(REPLIES)

    async def says(self, *texts: str, who: str = "c1") -> None:
        for text in texts:
            self.clock.move(1)
            await self.w.says(text, who=who)
            await self.w.settled()

    async def does(self, *commands: Any) -> None:
        for command in commands:
            assert (await self.w.core.desk_inbox.accept(command)).done
        await self.w.settled()

    async def digest(self, since: datetime | None = None) -> Digest:
        now = self.clock.now
        digest = await self.w.core.desk_inbox.digest(since or now - 24 * HOUR, now + HOUR)
        parts = (digest.asked, digest.missed, digest.handed, digest.beside, digest.failed)
        assert digest.turns == sum(digest.solved.values()) + sum(parts) + digest.unfinished
        return digest


async def test_a_day(tmp_path: Path) -> None:
    clock = MovingClock()
    async with world(tmp_path, texts=TEXTS, clock=clock) as w:
        day = Day(w, clock)
        await day.says("wo", "wo", "zurück", "nummer?", "blubb 4711 an anna@example.org")
        await day.says("wo", "mensch", "wo", "mensch", who="c2")
        await day.says("blubb 4711 an anna@example.org", "krx", who="c3")
        await day.says("wut", who="c4")
        clock.move(300)
        await day.does(TakeOver("t1", 1, "Mia"), Line("l1", 1, "Mia", "Hallo"))
        clock.move(300)
        await day.does(HandBack("h1", 1, "Mia", outcome="Das Paket kommt morgen."))
        await day.does(TakeOver("t3", 3, "Tom"), Line("l3", 3, "Tom", "Guten Tag"))
        digest = await day.digest()
        assert digest.conversations == 4
        assert digest.turns == 12
        assert dict(digest.solved) == {"track_order": 3, "return_item": 1}
        assert (digest.asked, digest.missed, digest.handed, digest.beside) == (1, 3, 2, 2)
        assert (digest.failed, digest.unfinished, digest.dead_letters) == (0, 0, 0)
        assert digest.missed_examples == ("krx", "blubb #### an …@…")
        assert dict(digest.cases) == {
            ("asked", "handed_back"): 1,
            ("misses", "open"): 1,
            ("complaint", "taken"): 1,
        }
        assert digest.first_answer is not None
        assert timedelta(minutes=5) < digest.first_answer < timedelta(minutes=11)
        assert digest.to_close is not None
        assert timedelta(minutes=10) < digest.to_close < timedelta(minutes=11)
        assert dict(digest.failed_sends) == {}


async def test_how_cases_end(tmp_path: Path) -> None:
    async with world(tmp_path, texts=TEXTS, clock=(clock := MovingClock())) as w:
        day = Day(w, clock)

        async def back(turn: Turn) -> Answer:
            def work(tx: Any) -> None:
                conversation = tx.row("SELECT * FROM conversations WHERE id = :id", id=1)
                w.core.handoff.back_to_bot(tx, conversation)

            await w.store.write(work)
            return answer("back_to_bot")

        w.dialogue.replies["zurück zum Bot"] = back
        await day.says("mensch", "zurück zum Bot")
        await day.says("mensch", who="c2")
        await day.does(Close("c", 2, "Mia", outcome="gelöst"))
        assert dict((await day.digest()).cases) == {
            ("asked", "customer_back"): 1,
            ("asked", "closed"): 1,
        }


async def test_only_what_lies_in_between_is_counted(tmp_path: Path) -> None:
    async with world(tmp_path, texts=TEXTS, clock=(clock := MovingClock())) as w:
        day = Day(w, clock)
        await day.says("wo", "krx")
        clock.move(3600)
        digest = await day.digest(since=clock.now)
        empty = {"since", "until", "solved", "missed_examples", "cases", "failed_sends"}
        empty |= {"first_answer", "to_close"}
        assert [getattr(digest, f.name) for f in fields(digest) if f.name not in empty] == [0] * 9
        assert (digest.solved, digest.cases, digest.first_answer) == ({}, {}, None)
        assert (await day.digest()).turns == 2


async def test_what_did_not_arrive_by_channel_and_reason(tmp_path: Path) -> None:
    channel = FakeChannel("phone", Features(burst_seconds=0))
    clock = MovingClock()
    async with world(tmp_path, texts=TEXTS, clock=clock, channel=channel) as w:
        day = Day(w, clock)
        channel.faults.extend([Reject("blocked"), Reject("blocked"), Reject("window_closed")])
        for who in ("c1", "c2", "c3", "c4"):  # what is said beside a case is not the bot's alone
            await day.says("wo", who=who)
        digest = await day.digest()
        assert dict(digest.failed_sends) == {("phone", "blocked"): 2, ("phone", "window_closed"): 1}
        assert digest.dead_letters == 3
        assert sum(digest.solved.values()) == 4


async def test_a_turn_that_was_given_up_and_one_that_still_runs_count_too(tmp_path: Path) -> None:
    async with world(tmp_path, texts=TEXTS, clock=(clock := MovingClock())) as w:
        day = Day(w, clock)

        def fault(*_: object) -> None:
            raise RuntimeError("of our own")

        w.core._settler.answer_without_dialogue = fault  # type: ignore[assignment]
        await w.says("kaputt")
        await w.until("SELECT 1 FROM turns WHERE status = 'dead'")
        await w.settled()
        assert ((await day.digest()).failed, (await day.digest()).dead_letters) == (1, 1)
        await w.store.write(lambda tx: tx.run("UPDATE turns SET status = 'frozen'"))
        assert (await day.digest()).unfinished == 1
        await w.store.write(lambda tx: tx.run("UPDATE turns SET status = 'replayed'"))
        assert (await day.digest()).turns == 0


def test_examples_tell_nothing_about_who_wrote_them() -> None:
    text = "Bestellung B-100234,\nTel. +49 221 123, Anna.Weiss+x@mail.example.org!"
    assert masked_text(text) == "Bestellung B-######, Tel. +## ### ###, …@…!"
    assert len(masked_text("wort " * 100)) == 120
    assert masked_text("x" * 119 + "12").endswith("x…")


async def test_ten_examples_at_most_and_each_once(tmp_path: Path) -> None:
    async with world(tmp_path, texts=TEXTS, clock=(clock := MovingClock())) as w:
        day = Day(w, clock)
        for number in range(24):
            word = f"wort{'abcdefghijkl'[number // 2]}"
            w.dialogue.replies[word] = answer("nlu_fallback", Outcome.ASK, "miss")
            await day.says(word)
        digest = await day.digest()
        assert (digest.missed, len(digest.missed_examples)) == (24, 10)
        assert digest.missed_examples[0] == "wortl"
