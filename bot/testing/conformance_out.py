"""The suite's tests of what goes out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from bot.desk import Line
from bot.messages import Answer, Button, Say
from bot.store.codec import new_id
from bot.testing.conformance_base import Conforming, when
from bot.testing.conformance_bot import HANDOFF
from bot.testing.conformance_in import PICTURE
from bot.testing.conformance_scene import MOMENT, Scene, playing, require, scene
from bot.testing.conformance_wire import Fault

ENDED = {"sent", "delivered", "read", "failed", "unknown"}
ARRIVED = {"sent", "delivered", "read"}
PARTS = [f"Teil {number}" for number in range(1, 6)]


class GoesOut(Conforming):
    """In order, each once, and what did not arrive is seen."""

    async def test_order_is_kept_out(self, tmp_path: Path) -> None:
        """Several messages of one answer, and of answers in a row."""
        async with playing(self.harness(), tmp_path) as now:
            now.bot.dialogue.replies["Hallo"] = _parts()
            await now.says("Hallo")
            parts = _shown(now)
            await now.sees(len(parts))
            await now.says("Danke")
            seen = await now.all_seen()
            require(seen == [*parts, "echo: Danke"], f"the customer sees {seen}")

    @when(lambda harness: Fault.TOO_MANY in harness.faults)
    async def test_order_is_kept_under_too_many_requests(self, tmp_path: Path) -> None:
        """What must wait is not overtaken by what comes after it."""
        async with playing(self.harness(), tmp_path) as now:
            now.bot.dialogue.replies["Hallo"] = _parts()
            now.wire.fail(Fault.TOO_MANY, 3)
            await now.says("Hallo")
            seen = await now.all_seen()
            require(seen == _shown(now), f"the customer sees {seen}")
            require(set(await now.states()) <= ARRIVED, "not noted as sent")

    async def test_a_button_comes_back_as_its_payload(self, tmp_path: Path) -> None:
        """Pressed where the channel shows it, typed as a number where it does not."""
        async with playing(self.harness(), tmp_path) as now:
            ask = Answer((Say(text="Wirklich?", buttons=(Button("button_yes", "/affirm"),)),))
            now.bot.dialogue.replies["Hallo"] = ask
            await now.says("Hallo")
            shown = (await now.sees())[-1]
            title = shown.buttons[0] if shown.buttons else "1"
            await now.does(now.wire.press(title) if shown.buttons else now.wire.text(title))
            await now.all_seen()
            payloads = [turn.payload for turn in now.bot.dialogue.asked]
            require(payloads[-1] == "/affirm", f"the dialogue was asked {payloads}")

    async def test_a_file_goes_out_whole_or_is_refused_in_words(self, tmp_path: Path) -> None:
        """By the channel's declared features; never in silence."""
        async with playing(self.harness(), tmp_path) as now:
            file = await now.bot.files.put_bytes(PICTURE, name="etikett.png", owner="conformance")
            answer = Answer((Say(text="Ihr Etikett", files=(file.file or "",)),))
            now.bot.dialogue.replies["Etikett"] = answer
            await now.says("Etikett")
            await now.all_seen()
            seen = await now.wire.seen()
            texts = " ".join(one.text for one in seen)
            require("Ihr Etikett" in texts, f"the words are missing: {texts!r}")
            files = [content for one in seen for content in one.files]
            if now.bot.channel.features.attachments_out:
                require(files == [PICTURE], f"{len(files)} files arrived")
            else:
                require(not files and len(texts) > 30, f"no word about the file: {texts!r}")

    async def test_every_send_ends_in_a_visible_state(self, tmp_path: Path) -> None:
        """Whatever the vendor does: sent, failed with a reason, or unknown; never stuck."""
        async with playing(self.harness(), tmp_path) as now:
            for number, fault in enumerate(sorted(self.harness.faults)):
                now.wire.fail(fault)
                await now.says(f"Frage {number}")
                await now.bot.settled(30)
            await now.says("Zuletzt")
            await now.bot.settled(30)
            rows = await now.bot.sent()
            stuck = [row["state"] for row in rows if row["state"] not in ENDED]
            require(not stuck, f"still {stuck}")
            mute = [row["text"] for row in rows if row["state"] == "failed" and not row["reason"]]
            require(not mute, f"failed for no reason: {mute}")
            gone = [row["text"] for row in rows if row["state"] in ARRIVED]
            seen, lost = await _unseen(now, gone)
            if Fault.FAILS_LATER not in self.harness.faults:
                require(not lost, f"called sent, and never seen: {lost}")
            require(seen[-1] == "echo: Zuletzt", "what came after the faults was not sent")

    @when(lambda harness: Fault.REJECTED in harness.faults and harness.shows_agents)
    async def test_a_rejected_line_is_shown_to_the_agent(self, tmp_path: Path) -> None:
        """With the reason; the next line goes out."""
        async with playing(self.harness(), tmp_path) as now:
            case = await _with_agent(now)
            now.wire.fail(Fault.REJECTED)
            first, second = await _line(now, case, "Guten Tag"), await _line(now, case, "Hallo?")
            await now.bot.settled(30)
            await _marked(now, first, "failed")
            await _marked(now, second, *ARRIVED)

    @when(lambda harness: Fault.FAILS_LATER in harness.faults and harness.shows_agents)
    async def test_what_fails_later_is_shown_to_the_agent(self, tmp_path: Path) -> None:
        """The vendor took it and reports a failure afterwards."""
        async with playing(self.harness(), tmp_path) as now:
            case = await _with_agent(now)
            now.wire.fail(Fault.FAILS_LATER)
            line = await _line(now, case, "Guten Tag")
            await now.bot.until("SELECT 1 FROM outbox WHERE id = :id AND state = 'failed'", id=line)
            await _marked(now, line, "failed")

    @when(lambda harness: Fault.CUT_AFTER in harness.faults and harness.shows_agents)
    async def test_a_send_of_unknown_outcome_is_treated_as_declared(self, tmp_path: Path) -> None:
        """Taken, and the answer is lost: looked up or deduped, else shown; never sent twice."""
        async with playing(self.harness(), tmp_path) as now:
            case = await _with_agent(now)
            now.wire.fail(Fault.CUT_AFTER)
            line = await _line(now, case, "Guten Tag")
            await now.bot.settled(30)
            seen = [one.text for one in await now.wire.seen()]
            require(seen.count("Guten Tag") == 1, f"the customer sees {seen}")
            unknown = now.bot.channel.features.unknown_send == "show"
            await _marked(now, line, *({"unknown"} if unknown else ARRIVED))

    @when(lambda harness: Fault.CUT_AFTER in harness.faults)
    async def test_a_text_of_unknown_outcome_is_repeated_once_at_most(self, tmp_path: Path) -> None:
        """And only where nothing better is declared, however often its answer is lost."""
        async with playing(self.harness(), tmp_path) as now:
            now.wire.fail(Fault.CUT_AFTER, 3)
            await now.says("Hallo")
            await now.bot.settled(30)
            seen = await now.all_seen()
            most = 2 if now.bot.channel.features.unknown_send == "show" else 1
            require(1 <= len(seen) <= most, f"the customer sees {seen}")
            require(set(await now.states()) <= ARRIVED | {"unknown"}, "neither sent nor unknown")

    @when(lambda harness: Fault.CUT_BEFORE in harness.faults and harness.shows_agents)
    async def test_a_send_that_never_left_is_no_silent_loss(self, tmp_path: Path) -> None:
        """Sent again where that can be told; else shown to the agent, and not called sent."""
        async with playing(self.harness(), tmp_path) as now:
            case = await _with_agent(now)
            now.wire.fail(Fault.CUT_BEFORE)
            line = await _line(now, case, "Guten Tag")
            await now.bot.settled(30)
            seen = [one.text for one in await now.wire.seen()]
            if "Guten Tag" in seen:
                await _marked(now, line, *ARRIVED)
            else:
                await _marked(now, line, "unknown", "failed")

    async def test_a_send_cut_off_by_a_kill_is_treated_as_declared(self, tmp_path: Path) -> None:
        """The vendor has it and the row says "sending", as a killed process leaves it."""
        async with scene(self.harness(), tmp_path) as now:
            async with now.running():
                done = Answer((Say(text="Erledigt"),), effect=True)
                now.bot.dialogue.replies["Hallo"] = done
                await now.says("Hallo")
                require(await now.all_seen() == ["Erledigt"], "not answered")
                await now.bot.store.write(lambda tx: tx.run(_AS_A_KILL_LEAVES_IT))
            async with now.running():
                await now.bot.settled(30)
                seen = [one.text for one in await now.wire.seen()]
                require(seen == ["Erledigt"], f"the customer sees {seen}")
                unknown = now.bot.channel.features.unknown_send == "show"
                (state,) = await now.states()
                wanted = {"unknown"} if unknown else ARRIVED
                require(state in wanted, f"the state is {state}")


_AS_A_KILL_LEAVES_IT = """
UPDATE outbox SET state = 'sending', vendor_id = NULL, sent_at = NULL WHERE op = 'send'
"""


def _shown(now: Scene) -> list[str]:
    """The parts as the channel's customer gets them: one by one, or joined."""
    return ["\n\n".join(PARTS)] if now.bot.channel.features.joined else PARTS


def _parts() -> Answer:
    return Answer(tuple(Say(text=part) for part in PARTS))


async def _with_agent(now: Scene) -> int:
    await now.says(HANDOFF)
    case = await now.bot.taken_over()
    await now.bot.settled()
    return case


async def _line(now: Scene, case: int, text: str) -> str:
    result = await now.bot.core.desk_inbox.accept(Line(new_id(), case, "Jana Berg", text))
    require(result.done and result.line is not None, f"the line was refused: {result.reason}")
    return str(result.line).removeprefix("out:")


async def _marked(now: Scene, line: str, *states: str) -> None:
    await now.bot.settled()
    (row,) = await now.bot.rows("SELECT state, reason FROM outbox WHERE id = :id", id=line)
    require(row["state"] in states, f"the line is {row['state']} ({row['reason']})")
    shown = now.bot.desk.states.get(f"out:{line}")
    require(shown in states, f"the desk shows {shown}")


async def _unseen(now: Scene, texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """What the customer sees, and which of the texts is not among it after some moments."""
    for _ in range(8):
        seen = [one.text for one in await now.wire.seen()]
        lost = [text for text in texts if text not in seen]
        if not lost:
            break
        await asyncio.sleep(MOMENT)  # what was handed over may be on its way
    return seen, lost
