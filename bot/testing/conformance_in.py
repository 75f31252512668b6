"""The suite's tests of what comes in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from bot.messages import Answer, Say, Turn
from bot.store.codec import attachments_from_json
from bot.testing.conformance_base import Conforming
from bot.testing.conformance_scene import MOMENT, Scene, playing, require, scene
from bot.testing.conformance_wire import Taken, Update

PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0" * 64


class ComesIn(Conforming):
    """Accepted once, after the commit, in order, and never in silence."""

    async def test_a_text_is_answered_once(self, tmp_path: Path) -> None:
        """The road from end to end."""
        async with playing(self.harness(), tmp_path) as now:
            await now.says("Hallo")
            seen = await now.all_seen()
            require(seen == ["echo: Hallo"], f"the customer sees {seen}")
            require(set(await now.states()) <= {"sent", "delivered", "read"}, "not noted as sent")

    async def test_duplicates_are_one_turn(self, tmp_path: Path) -> None:
        """A vendor that repeats itself, also side by side, and after a restart."""
        async with scene(self.harness(), tmp_path) as now:
            update = now.wire.text("Hallo")
            async with now.running():
                for _ in range(3):
                    now.brings(update)
                await now.bot.until("SELECT 1 FROM turns")
                await now.all_seen()
                require(await update.bring() is Taken.ACCEPTED, "a repeat was not accepted")
                await _answered_once(now, update)
            async with now.running():
                require(await update.bring() is Taken.ACCEPTED, "a late repeat was not accepted")
                await _answered_once(now, update)

    async def test_accepted_before_acknowledged(self, tmp_path: Path) -> None:
        """The vendor has its 2xx (or sees its offset move) only after the commit."""
        async with playing(self.harness(), tmp_path) as now:
            now.bot.store.open.clear()  # a slow disk: nothing is committed
            update = now.wire.text("Hallo")
            task = now.brings(update)
            await asyncio.sleep(MOMENT)
            require(not task.done(), "acknowledged before it was committed")
            now.bot.store.open.set()
            require(await task is Taken.ACCEPTED, "not accepted after the commit")
            require(len(await now.kept(update)) == 1, "acknowledged and not kept")
            require(await now.all_seen() == ["echo: Hallo"], "not answered")

    async def test_a_failing_store_gives_no_acknowledgement(self, tmp_path: Path) -> None:
        """What could not be kept is brought again by the vendor, and then it is one turn."""
        async with playing(self.harness(), tmp_path) as now:
            now.bot.store.full = True
            await _brought_again(now)

    async def test_no_offset_moves_without_its_message(self, tmp_path: Path) -> None:
        """The store fails for the message alone: what the channel notes beside it must not stay."""
        async with playing(self.harness(), tmp_path) as now:
            now.bot.store.loses = True
            await _brought_again(now)

    async def test_order_is_kept_in(self, tmp_path: Path) -> None:
        """What is written in a row is asked in that order, nothing of it twice or never."""
        words = ["eins", "zwei", "drei", "vier", "fünf", "sechs"]
        async with playing(self.harness(), tmp_path) as now:
            for word in words:
                await now.says(word)
            await now.all_seen()
            asked = [line for turn in _turns(now) for line in turn.text.split("\n")]
            require(asked == words, f"asked in this order: {asked}")

    async def test_what_comes_while_a_turn_runs_is_the_next_turn(self, tmp_path: Path) -> None:
        """Nothing is dropped because the bot is busy."""
        async with playing(self.harness(), tmp_path) as now:
            busy = asyncio.Event()

            async def slowly(turn: Turn) -> Answer:
                await busy.wait()
                return Answer((Say(text=f"echo: {turn.text}"),))

            now.bot.dialogue.replies["eins"] = slowly
            await now.says("eins")
            await now.bot.until("SELECT 1 FROM turns")
            now.brings(now.wire.text("zwei"))
            await asyncio.sleep(MOMENT)
            busy.set()
            await now.bot.until("SELECT 1 FROM turns WHERE text = 'zwei' AND status = 'done'")
            seen = await now.all_seen()
            require(seen == ["echo: eins", "echo: zwei"], f"the customer sees {seen}")

    async def test_an_unknown_kind_of_update_is_kept_and_answered(self, tmp_path: Path) -> None:
        """Politely; or, by what the harness declares, refused with a word."""
        async with playing(self.harness(), tmp_path) as now:
            update = now.wire.unknown()
            if not self.harness.keeps_unknown:
                await _refused(now, [update])
                return
            await now.does(update)
            (row,) = await now.kept(update)
            require(row["kind"] == "unknown", f"kept as {row['kind']}")
            (said,) = await now.all_seen()
            require("echo" not in said and len(said) > 10, f"not answered politely: {said!r}")
            require(not now.bot.dialogue.asked, "the dialogue was asked about nothing")

    async def test_malformed_input_is_refused(self, tmp_path: Path) -> None:
        """Each is refused, none is kept, and the next good one is answered."""
        async with playing(self.harness(), tmp_path) as now:
            await _refused(now, now.wire.malformed())

    async def test_oversized_input_is_refused(self, tmp_path: Path) -> None:
        """The same for what is too big."""
        async with playing(self.harness(), tmp_path) as now:
            await _refused(now, now.wire.oversized())

    async def test_a_file_comes_in_whole_or_is_refused_in_words(self, tmp_path: Path) -> None:
        """By the channel's declared features; never in silence."""
        async with playing(self.harness(), tmp_path) as now:
            update = now.wire.file(PICTURE, "schaden.png", "So kam es an")
            if not now.bot.channel.features.attachments_in:
                await _refused_in_words(now, update)
                return
            await now.does(update)
            require(await now.all_seen() == ["echo: So kam es an"], "not answered")
            (turn,) = _turns(now)
            files = [now.bot.files.path(one.file or "") for one in turn.attachments]
            contents = [path.read_bytes() for path in files if path is not None]
            require(contents == [PICTURE], f"the turn has {turn.attachments}")

    async def test_a_file_alone_is_answered(self, tmp_path: Path) -> None:
        """Without a word beside it, too."""
        async with playing(self.harness(), tmp_path) as now:
            update = now.wire.file(PICTURE, "schaden.png")
            if not now.bot.channel.features.attachments_in:
                await _refused_in_words(now, update)
                return
            await now.does(update)
            require(len(await now.all_seen()) == 1, "a file alone gets no answer, or several")

    async def test_a_file_that_is_too_big_is_refused_in_words(self, tmp_path: Path) -> None:
        """At the door, or by the bot's answer; what was written beside it is answered anyway."""
        async with playing(self.harness(), tmp_path) as now:
            features = now.bot.channel.features
            big = PICTURE + b"\0" * features.attachment_limit
            await _refused_in_words(now, now.wire.file(big, "film.png", "Sehen Sie"))


async def _brought_again(now: Scene) -> None:
    """Bring a message to a store that fails, and again to one that has recovered."""
    update = now.wire.text("Hallo")
    task = now.brings(update)
    await asyncio.wait([task], timeout=MOMENT)
    if task.done():
        require(task.result() is Taken.FAILED, f"{task.result()} and not kept")
    now.bot.store.full = now.bot.store.loses = False
    if await task is not Taken.ACCEPTED:  # by now; a poller tries again by itself
        now.brings(update)
    await now.bot.until("SELECT 1 FROM turns")
    await _answered_once(now, update)


def _turns(now: Scene) -> list[Turn]:
    """What was asked, each turn once."""
    return list({turn.key: turn for turn in now.bot.dialogue.asked}.values())


async def _answered_once(now: Scene, update: Update) -> None:
    seen = await now.all_seen()
    require(seen == ["echo: Hallo"], f"the customer sees {seen}")
    require(len(await now.kept(update)) == 1, "kept otherwise than once")
    turns = await now.bot.rows("SELECT key FROM turns")
    require(len(turns) == 1, f"{len(turns)} turns")


async def _refused(now: Scene, updates: Sequence[Update]) -> None:
    require(len(updates) > 0, "the harness brings nothing to refuse")
    for place, update in enumerate(updates, 1):
        taken = await update.bring()
        require(taken is Taken.REFUSED, f"number {place} ({update.id}) was {taken}")
    kept = await now.bot.rows("SELECT wire_id FROM inbox")
    require(kept == [], f"refused and yet kept: {[row['wire_id'] for row in kept]}")
    await now.says("Hallo")
    require(await now.all_seen() == ["echo: Hallo"], "the next good one was not answered")


async def _refused_in_words(now: Scene, update: Update) -> None:
    if await now.brings(update) is Taken.REFUSED:
        require(not await now.kept(update), "refused and yet kept")
        return
    seen = await now.all_seen()
    (row,) = await now.kept(update)
    files = attachments_from_json(row["attachments"])
    require(all(one.error for one in files), f"taken, though it should not be: {files}")
    words = [line for text in seen for line in text.split("\n") if "echo" not in line]
    require(any(words), f"the customer hears only {seen}")
