"""What makes an action safe: policy, pair, proposal, one yes, recorded results, and late calls."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.desk import Close, HandBack, TakeOver
from bot.messages import Answer, Entity, Outcome, Say, Turn
from bot.ports import Unavailable
from bot.store import StoreError
from bot.testing import (
    CorrectableAction,
    FakeAction,
    FakePairs,
    MovingClock,
    RecoverableAction,
    ScriptedDialogue,
    World,
    call_of,
    world,
)

TEXTS = [Path("nlu/domain")]
FORM, DO, YES, NO = "order=1 proof=a", "do", "ja", "nein"


class Shop(ScriptedDialogue):
    """Understands the words above; ``core`` is set once there is one."""

    def __init__(self, action: str = "cancel") -> None:
        super().__init__()
        self.action = action
        self.world: World | None = None
        self.slots: dict[str, Any] = {}
        self.started = asyncio.Event()

    async def _answer(self, turn: Turn) -> Answer:
        assert self.world is not None
        self.started.set()
        actions, word = self.world.core.actions, (turn.payload or turn.text).split()[0]
        word, _, named = word.partition("{")
        if word.startswith(("order=", "proof=")):
            filling = await actions.fill(self.action, call_of(turn, **self.slots), 1)
            self.slots.update(filling.slots)
            if filling.ask or filling.says:
                return Answer((*filling.says, Say(text=f"ask {filling.ask}")), Outcome.ASK)
            word = DO
        known = {
            "do": self.action,
            "ja": "confirm",
            "/affirm": "confirm",
            "nein": "deny",
            "/deny": "deny",
        }
        name = known.get(word, word)
        if name in actions.names():
            slots = {key: value for key, value in self.slots.items() if value is not None}
            call = call_of(turn, **slots)
            if named:  # a button's values come as entities
                values = json.loads("{" + (turn.payload or "").partition("{")[2])
                found = tuple(Entity(key, value) for key, value in values.items())
                call = replace(call, understanding=replace(call.understanding, entities=found))
            return await actions.call(name, call, 1)
        return await super()._answer(turn)


@asynccontextmanager
async def shop(
    folder: Path, *actions: FakeAction, clock: MovingClock | None = None, **more: Any
) -> AsyncIterator[World]:
    dialogue = more.pop("dialogue", None) or Shop(actions[0].name)
    pairs = more.pop("identify", None) or FakePairs({"1": "a", "2": "b"})
    clock = clock or MovingClock()
    async with world(
        folder,
        texts=TEXTS,
        actions=actions,
        identify=pairs,
        dialogue=dialogue,
        clock=clock,
        **more,
    ) as w:
        dialogue.world = w
        yield w


async def say(w: World, *texts: str) -> list[str]:
    """Say one after the other and return what the bot said."""
    before = len(w.channel.sent)
    for text in texts:
        await w.says(text)
        await w.settled()
    return [out.text for out in w.channel.sent[before:]]


def crash_image(folder: Path, name: str = "after") -> Path:
    """What lies on the disk now, as a kill -9 would leave it."""
    copy = folder / name
    copy.mkdir()
    for file in folder.glob("bot.db*"):
        shutil.copy(file, copy / file.name)
    return copy


async def take_over(w: World, agent: str = "Mia") -> int:
    """Take the conversation's open case, or one that is opened for it."""

    def work(tx: Any) -> int:
        from bot.store import conversations

        return w.core.handoff.open_case(tx, conversations.get(tx, 1), "asked")

    case = await w.store.write(work)
    assert (await w.core.desk_inbox.accept(TakeOver(f"t{case}", case, agent))).done
    return case


# --- policy and pairs


async def test_a_side_question_does_not_lose_what_waits_for_a_yes(tmp_path: Path) -> None:
    action = FakeAction()
    async with shop(tmp_path, action) as w:
        await say(w, FORM)

        async def thanks(turn: Turn) -> Answer:
            call = call_of(turn, "thank_you")
            return await w.core.actions.call("knowledge", call, 1)

        w.dialogue.replies["perfekt"] = thanks
        said = await say(w, "perfekt")
        assert "Zurück zu vorhin" in said[1]
        await w.says("Ja", payload=w.channel.sent[-1].buttons[0].payload)
        await w.settled()
        assert w.channel.sent[-1].text == "cancel 1 done"
        assert len(await say(w, "perfekt")) == 1


async def test_an_action_with_a_policy_is_not_run_without_its_proof(tmp_path: Path) -> None:
    action = FakeAction()
    async with shop(tmp_path, action) as w:
        w.dialogue.slots = {"order_id": "1"}  # type: ignore[attr-defined]
        said = await say(w, DO, YES)
        assert "zwei Angaben" in said[0]
        assert not action.proposed
        assert not action.runs
        assert "wartet nichts" in said[1]


async def test_a_read_only_action_needs_its_proof_too_and_no_yes(tmp_path: Path) -> None:
    action = FakeAction("track", read_only=True)
    async with shop(tmp_path, action) as w:
        w.dialogue.slots = {"order_id": "1"}  # type: ignore[attr-defined]
        assert "zwei Angaben" in (await say(w, DO))[0]
        assert await say(w, FORM) == ["track 1 done"]
        assert not action.proposed


async def test_a_proof_is_about_one_order_only(tmp_path: Path) -> None:
    action = FakeAction()
    async with shop(tmp_path, action) as w:
        assert await say(w, FORM) == ["cancel 1?"]
        w.dialogue.slots = {"order_id": "2"}  # type: ignore[attr-defined]
        assert "zwei Angaben" in (await say(w, DO))[0]


async def test_the_secret_leaves_the_slots_and_a_proof_ends_after_30_minutes(
    tmp_path: Path,
) -> None:
    action, clock = FakeAction(), MovingClock()
    async with shop(tmp_path, action, clock=clock) as w:
        assert await say(w, FORM) == ["cancel 1?"]
        assert w.dialogue.slots == {"order_id": "1", "proof": None}  # type: ignore[attr-defined]
        clock.move(29 * 60)
        assert await say(w, DO) == ["cancel 1?"]
        clock.move(61)
        assert "zwei Angaben" in (await say(w, DO))[0]


async def test_the_fifth_wrong_pair_calls_a_person_and_even_the_right_one_is_locked(
    tmp_path: Path,
) -> None:
    action = FakeAction()
    async with shop(tmp_path, action) as w:
        for _ in range(4):
            assert (await say(w, "order=1 proof=x"))[-1] == "ask order_id"
        said = await say(w, "order=1 proof=x")
        (case,) = await w.core.desk_inbox.cases()
        assert (case.reason, case.priority, case.owner) == ("pair_attempts", "high", "waiting")
        assert len(said) == 1
        await say(w, FORM)
        assert not action.proposed


async def test_wrong_pairs_are_answered_the_same_whether_or_not_the_order_exists(
    tmp_path: Path,
) -> None:
    async with shop(tmp_path, FakeAction()) as w:
        assert await say(w, "order=1 proof=x") == await say(w, "order=999 proof=x")


async def test_going_back_to_the_bot_gives_no_new_guesses(tmp_path: Path) -> None:
    """Five wrong pairs, "back to the bot", five more: guessing without an end."""
    action = FakeAction()
    async with shop(tmp_path, action) as w:
        for _ in range(5):
            await say(w, "order=1 proof=x")
        await say(w, "back_to_bot")
        (row,) = await w.rows("SELECT owner FROM conversations")
        assert row["owner"] == "bot"
        identify = w.core.identities.identify
        assert isinstance(identify, FakePairs)
        checked = len(identify.checked)
        await say(w, FORM)
        assert len(identify.checked) == checked
        assert not action.proposed
        # An agent who ended the case has looked at the customer: then it counts anew.
        (case,) = await w.core.desk_inbox.cases()
        w.dialogue.slots.clear()  # type: ignore[attr-defined]
        assert (await w.core.desk_inbox.accept(Close("c", case.id, "Mia"))).done
        await w.settled()
        assert await say(w, FORM) == ["cancel 1?"]


async def test_a_pair_check_that_is_down_calls_a_person(tmp_path: Path) -> None:
    pairs = FakePairs({"1": "a"})
    pairs.faults.append(Unavailable("down"))
    async with shop(tmp_path, FakeAction(), identify=pairs) as w:
        said = await say(w, FORM)
        assert "nicht geklappt" in said[-1]
        (case,) = await w.core.desk_inbox.cases()
        assert case.reason == "action_failed"


# --- the one yes


async def test_one_yes_runs_it_once_and_a_second_yes_repeats_the_result(tmp_path: Path) -> None:
    action = FakeAction()
    async with shop(tmp_path, action) as w:
        await say(w, FORM)
        assert w.channel.sent[-1].buttons[0].payload.startswith('/affirm{"proposal": "')
        assert await say(w, YES) == ["cancel 1 done"]
        said = await say(w, YES)
        assert "schon erledigt" in said[0]
        assert said[1] == "cancel 1 done"
        assert len(action.runs) == 1
        assert action.runs[0].version == "1"
        assert action.runs[0].address.id == "c1"


async def test_two_yes_at_once_are_one_change(tmp_path: Path) -> None:
    action = FakeAction()
    async with shop(tmp_path, action) as w:
        await say(w, FORM)
        await asyncio.gather(*(w.says(YES) for _ in range(5)))
        await w.settled()
        assert len(action.runs) == len(action.ledger) == 1


async def test_a_yes_that_was_sent_before_the_question_is_not_about_it(tmp_path: Path) -> None:
    """The customer writes "ja" while the bot still thinks: the read-back was not seen yet."""
    action, clock = FakeAction(), MovingClock()
    action.propose_gate = asyncio.Event()
    async with shop(tmp_path, action, clock=clock) as w:
        await w.says(FORM)
        await action.proposing.wait()
        await w.says(YES)
        clock.move(2)
        action.propose_gate.set()
        await w.settled()
        assert [out.text for out in w.channel.sent] == ["cancel 1?", "cancel 1?"]
        assert not action.runs
        clock.move(1)
        assert await say(w, YES) == ["cancel 1 done"]


async def test_a_yes_after_the_end_of_the_proposal_runs_nothing(tmp_path: Path) -> None:
    action, clock = FakeAction(), MovingClock()
    async with shop(tmp_path, action, clock=clock) as w:
        await say(w, FORM)
        clock.move(15 * 60 + 1)
        assert "wartet nichts" in (await say(w, YES))[0]
        assert not action.runs


async def test_a_yes_to_an_expired_proposal_does_not_repeat_an_older_result(tmp_path: Path) -> None:
    """ "Already done" about the first order would be taken for the second one."""
    action, clock = FakeAction(), MovingClock()
    async with shop(tmp_path, action, clock=clock) as w:
        await say(w, FORM, YES)
        clock.move(60)
        await say(w, "order=2 proof=b")
        clock.move(15 * 60 + 1)
        (said,) = await say(w, YES)
        assert "wartet nichts" in said
        assert len(action.runs) == 1


async def test_a_proposal_does_not_outlive_its_proof(tmp_path: Path) -> None:
    action, clock = FakeAction(), MovingClock()
    async with shop(tmp_path, action, clock=clock) as w:
        await say(w, FORM)
        clock.move(29 * 60)
        assert await say(w, DO) == ["cancel 1?"]
        clock.move(2 * 60)
        assert "wartet nichts" in (await say(w, YES))[0]
        assert not action.runs


async def test_a_no_drops_the_proposal(tmp_path: Path) -> None:
    action = FakeAction()
    async with shop(tmp_path, action) as w:
        await say(w, FORM)
        assert "ändere nichts" in (await say(w, NO))[0]
        assert "wartet nichts" in (await say(w, YES))[0]
        assert not action.runs


async def test_a_new_proposal_ends_the_one_before(tmp_path: Path) -> None:
    action = FakeAction()
    async with shop(tmp_path, action) as w:
        await say(w, FORM, "order=2 proof=b", YES)
        assert [run.arguments["order_id"] for run in action.runs] == ["2"]
        states = await w.rows("SELECT state FROM proposals ORDER BY rowid")
        assert [row["state"] for row in states] == ["lapsed", "consumed"]


@pytest.mark.parametrize("word", [YES, NO, "miss"])
async def test_a_correction_is_read_back_anew_and_waits_for_a_yes(
    tmp_path: Path, word: str
) -> None:
    action = CorrectableAction()
    async with shop(tmp_path, action) as w:
        await say(w, FORM)
        assert await say(w, f"{word} detail=14") == ["cancel 1 14?"]
        assert not action.runs
        assert await say(w, YES) == ["cancel 1 done"]
        assert action.runs[0].arguments == {"order_id": "1", "detail": "14"}


async def test_a_correction_that_a_model_takes_for_something_else_is_one(tmp_path: Path) -> None:
    """ "die PLZ ist 53113" was taken for another wish, and the next yes ran the old address."""
    action = CorrectableAction()
    async with shop(tmp_path, action) as w:
        await say(w, FORM)
        asked = len(w.dialogue.asked)
        assert await say(w, "detail=14") == ["cancel 1 14?"]
        assert len(w.dialogue.asked) == asked
        await say(w, YES)
        assert action.runs[0].arguments["detail"] == "14"


@pytest.mark.parametrize("choice", [0, 1])
async def test_an_old_button_is_no_answer_to_what_was_read_back_after_it(
    tmp_path: Path, choice: int
) -> None:
    """ "Ja" under the first address confirmed the second one."""
    action = CorrectableAction()
    async with shop(tmp_path, action) as w:
        await say(w, FORM)
        old = w.channel.sent[-1].buttons[choice].payload
        await say(w, "detail=14")
        await w.says("Ja", payload=old)
        await w.settled()
        assert w.channel.sent[-1].text == "cancel 1 14?"
        assert not action.runs
        await w.says("Ja", payload=w.channel.sent[-1].buttons[0].payload)
        await w.settled()
        assert [call.arguments["detail"] for call in action.runs] == ["14"]


async def test_a_number_that_is_chosen_is_no_correction(tmp_path: Path) -> None:
    """ "1. Ja" was answered with "1", and the house number became 1."""
    action = CorrectableAction()
    async with shop(tmp_path, action) as w:
        await say(w, FORM)
        await w.says("detail=1", payload=w.channel.sent[-1].buttons[0].payload)
        await w.settled()
        assert w.channel.sent[-1].text == "cancel 1 done"


async def test_a_refused_correction_leaves_nothing_for_a_yes(tmp_path: Path) -> None:
    class Picky(CorrectableAction):
        async def propose(self, call: Any) -> Any:
            if call.arguments["detail"] == "bad":
                return Answer((Say(text="not there"),), Outcome.REFUSED, "bad")
            return await super().propose(call)

    action = Picky()
    async with shop(tmp_path, action) as w:
        assert await say(w, FORM, "detail=bad") == ["cancel 1?", "not there"]
        assert "wartet nichts" in (await say(w, YES))[0]
        assert not action.runs


async def test_a_form_that_begins_ends_the_proposal(tmp_path: Path) -> None:
    """A yes in the middle of something else is not about what was read back before."""
    action = FakeAction()
    async with shop(tmp_path, action) as w:
        await say(w, FORM)
        assert await say(w, "order=2") == ["ask proof"]
        assert "wartet nichts" in (await say(w, YES))[0]
        assert not action.runs


async def test_a_correction_to_a_strangers_order_reads_nothing_back(tmp_path: Path) -> None:
    """ "Nein, 2": the corrected order was proposed without its proof."""
    action = CorrectableAction()
    async with shop(tmp_path, action) as w:
        await say(w, FORM)
        (said,) = await say(w, f"{NO} order=2")
        assert "zwei Angaben" in said
        assert [call.arguments["order_id"] for call in action.proposed] == ["1"]
        assert "wartet nichts" in (await say(w, YES))[0]


async def test_while_a_person_is_awaited_nothing_is_changed_and_reading_goes_on(
    tmp_path: Path,
) -> None:
    action, track = FakeAction(), FakeAction("track", read_only=True)
    async with shop(tmp_path, action, track) as w:
        await say(w, FORM, "handoff")
        (said,) = await say(w, YES)
        assert not action.runs
        assert "done" not in said
        assert await say(w, "track") == ["track 1 done"]
        await say(w, "back_to_bot")
        assert await say(w, YES) == ["cancel 1 done"]


async def test_a_refused_change_is_not_reported_as_done(tmp_path: Path) -> None:
    class Refusing(FakeAction):
        async def run(self, call: Any) -> Answer:
            self.runs.append(call)
            return Answer((Say(text="refused"),), Outcome.REFUSED, "changed")

    async with shop(tmp_path, Refusing()) as w:
        await say(w, FORM)
        assert await say(w, YES) == ["refused"]
        assert "wartet nichts" in (await say(w, YES))[0]


async def test_a_proposal_without_words_is_not_left_open(tmp_path: Path) -> None:
    """It was kept before it was found out that there is nothing to read back."""

    class Mute(FakeAction):
        async def propose(self, call: Any) -> Any:
            from dataclasses import replace

            return replace(await super().propose(call), says=())

    async with shop(tmp_path, Mute()) as w:
        await say(w, FORM)
        assert not await w.rows("SELECT 1 FROM proposals WHERE state = 'open'")


# --- faults


async def test_a_shop_that_is_down_calls_a_person_before_anything_was_started(
    tmp_path: Path,
) -> None:
    class Down(FakeAction):
        async def propose(self, call: Any) -> Any:
            raise Unavailable("shop")

    async with shop(tmp_path, Down()) as w:
        await say(w, FORM)
        (case,) = await w.core.desk_inbox.cases()
        assert case.reason == "shop_unavailable"


@pytest.mark.parametrize("kind", [FakeAction, RecoverableAction])
@pytest.mark.parametrize("after", [False, True])
async def test_a_started_call_that_fails_is_read_back_and_never_called_again(
    tmp_path: Path, kind: type[FakeAction], after: bool
) -> None:
    action = kind()
    if after:
        action.fault_after = RuntimeError("connection lost")
    else:
        action.faults.append(RuntimeError("connection lost"))
    async with shop(tmp_path, action) as w:
        await say(w, FORM)
        said = await say(w, YES, YES)
        assert len(action.runs) == 1
        if kind is RecoverableAction and after:
            assert said[0] == "cancel 1 done"
            return
        (case,) = await w.core.desk_inbox.cases()
        assert (case.reason, case.priority) == ("outcome_unknown", "high")
        assert "done" not in said[0]


async def test_a_faulty_action_never_shows_its_exception(tmp_path: Path) -> None:
    action = FakeAction("track", read_only=True)
    action.faults.append(RuntimeError("secret"))
    async with shop(tmp_path, action) as w:
        said = await say(w, FORM)
        assert "secret" not in "".join(said)
        assert (await w.core.desk_inbox.cases())[0].reason == "action_failed"


async def test_an_unknown_action_calls_a_person(tmp_path: Path) -> None:
    async with shop(tmp_path, FakeAction()) as w:

        async def reply(turn: Turn) -> Answer:
            return await w.core.actions.call("nothing", call_of(turn), 1)

        w.dialogue.replies["x"] = reply
        await say(w, "x")
        assert (await w.core.desk_inbox.cases())[0].reason == "action_failed"


async def test_a_repeated_call_returns_what_was_recorded(tmp_path: Path) -> None:
    action = FakeAction("track", read_only=True)
    async with shop(tmp_path, action) as w:
        w.dialogue.slots = {"order_id": "1", "proof": "a"}  # type: ignore[attr-defined]
        answers = []

        async def twice(turn: Turn) -> Answer:
            await w.core.actions.fill("track", call_of(turn, order_id="1", proof="a"), 1)
            for number in (1, 1, 2):
                call = call_of(turn, order_id="1")
                answers.append(await w.core.actions.call("track", call, number))
            return answers[-1]

        w.dialogue.replies["order=1 proof=a!"] = twice
        w.dialogue.replies["twice order=1 proof=a"] = twice
        await say(w, "twice order=1 proof=a")
        assert len(action.runs) == 2
        assert answers[0] == answers[1] == answers[2]


async def test_two_calls_of_the_same_number_wait_for_one_run(tmp_path: Path) -> None:
    action = FakeAction("track", read_only=True, proofs=frozenset())
    action.gate = asyncio.Event()
    async with shop(tmp_path, action) as w:

        async def both(turn: Turn) -> Answer:
            call = call_of(turn, order_id="1")
            first = asyncio.create_task(w.core.actions.call("track", call, 1))
            await action.entered.wait()
            first.cancel()  # Rasa hung up: the call goes on
            assert action.gate is not None
            asyncio.get_running_loop().call_later(0.05, action.gate.set)
            return await w.core.actions.call("track", call, 1)

        w.dialogue.replies["both"] = both
        assert await say(w, "both") == ["track 1 done"]
        assert len(action.runs) == 1


async def test_a_full_disk_never_records_a_failure_over_a_started_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    action = RecoverableAction()
    async with shop(tmp_path, action) as w:
        await say(w, FORM)
        write, broken = w.store.write, [True]

        async def full(work: Any) -> Any:
            if action.ledger and broken:
                raise StoreError("full")
            return await write(work)

        monkeypatch.setattr(w.core.actions.recorder.store, "write", full)
        await w.says(YES)
        await action.entered.wait()
        await asyncio.sleep(0.1)
        broken.clear()
        monkeypatch.undo()
        await w.wake()
        await w.settled(8)
        assert len(action.runs) == 1
        assert w.channel.sent[-1].text == "cancel 1 done"


# --- kill -9


async def test_killed_between_started_and_done_it_is_read_back_and_not_run_again(
    tmp_path: Path,
) -> None:
    action = RecoverableAction()
    action.gate = asyncio.Event()
    async with shop(tmp_path, action) as w:
        await say(w, FORM)
        await w.says(YES)
        await action.entered.wait()
        image = crash_image(tmp_path)
        before = RecoverableAction(ledger=action.ledger)
        action.gate.set()
        await w.settled()
    assert len(action.ledger) == 1  # the shop has it
    async with shop(image, before) as again:
        await again.channel.wait(1)
        await again.settled()
        assert [out.text for out in again.channel.sent] == ["cancel 1 done"]
        assert not before.runs


async def test_killed_before_the_shop_heard_of_it_nobody_knows_and_a_person_is_told(
    tmp_path: Path,
) -> None:
    action = RecoverableAction()
    action.gate = asyncio.Event()
    async with shop(tmp_path, action) as w:
        await say(w, FORM)
        await w.says(YES)
        await action.entered.wait()
        image = crash_image(tmp_path)
        action.gate.set()
        await w.settled()
    after = RecoverableAction()
    async with shop(image, after) as again:
        await again.channel.wait(1)
        await again.settled()
        (case,) = await again.core.desk_inbox.cases()
        assert case.reason == "outcome_unknown"
        assert not after.runs


async def test_killed_after_done_and_before_the_answer_the_recorded_result_is_said(
    tmp_path: Path,
) -> None:
    action, gate = RecoverableAction(), asyncio.Event()

    class Slow(Shop):
        async def _answer(self, turn: Turn) -> Answer:
            answer = await super()._answer(turn)
            if turn.text == YES:
                self.answered.set()
                await gate.wait()
            return answer

    dialogue = Slow()
    dialogue.answered = asyncio.Event()  # type: ignore[attr-defined]
    async with shop(tmp_path, action, dialogue=dialogue) as w:
        await say(w, FORM)
        await w.says(YES)
        await dialogue.answered.wait()  # type: ignore[attr-defined]
        image = crash_image(tmp_path)
        gate.set()
        await w.settled()
    after = FakeAction()
    async with shop(image, after) as again:
        assert [out.text for out in await again.channel.wait(1)] == ["cancel 1 done"]
        assert not after.runs


async def test_a_lost_call_of_a_turn_that_an_agent_has_is_settled_at_the_start(
    tmp_path: Path,
) -> None:
    """Nobody asks such a turn again: its change stayed "started" for ever."""
    action = RecoverableAction()
    action.gate = asyncio.Event()
    async with shop(tmp_path, action) as w:
        await say(w, FORM)
        await w.says(YES)
        await action.entered.wait()
        await take_over(w)
        image = crash_image(tmp_path)
        action.gate.set()
    async with shop(image, RecoverableAction(ledger=action.ledger)) as again:
        (row,) = await again.until("SELECT * FROM outbox WHERE effect = 1 AND state = 'draft'")
        assert row["text"] == "cancel 1 done"
        (call,) = await again.rows("SELECT * FROM calls WHERE effect = 1")
        assert call["status"] == "done"


# --- take-over and late calls


async def test_a_change_that_ends_after_a_take_over_is_a_marked_draft(tmp_path: Path) -> None:
    action = FakeAction()
    action.gate = asyncio.Event()
    async with shop(tmp_path, action) as w:
        await say(w, FORM)
        await w.says(YES)
        await action.entered.wait()
        await take_over(w)
        action.gate.set()
        (row,) = await w.until("SELECT * FROM outbox WHERE effect = 1")
        assert (row["state"], row["text"]) == ("draft", "cancel 1 done")
        await w.until(
            "SELECT 1 FROM outbox WHERE op = 'post' AND subject = :s", s=f"out:{row['id']}"
        )
        await w.settled()
        assert "cancel 1 done" not in [out.text for out in w.channel.sent]
        assert len(action.ledger) == 1


async def test_a_change_that_ended_before_a_take_over_and_was_not_said_is_a_marked_draft(
    tmp_path: Path,
) -> None:
    """Recorded, but its turn was still open: the take-over threw its answer away."""
    action, told = FakeAction(), asyncio.Event()

    class Hanging(Shop):
        async def _answer(self, turn: Turn) -> Answer:
            answer = await super()._answer(turn)
            if turn.text == YES:
                told.set()
                await asyncio.sleep(60)
            return answer

    async with shop(tmp_path, action, dialogue=Hanging()) as w:
        await say(w, FORM)
        await w.says(YES)
        await told.wait()
        await take_over(w)
        (row,) = await w.until("SELECT * FROM outbox WHERE effect = 1")
        assert (row["state"], row["text"]) == ("draft", "cancel 1 done")


async def test_a_yes_after_take_over_and_hand_back_finds_no_proposal(tmp_path: Path) -> None:
    action = FakeAction()
    async with shop(tmp_path, action) as w:
        await say(w, FORM)
        case = await take_over(w)
        assert (await w.core.desk_inbox.accept(HandBack("h", case, "Mia"))).done
        await w.settled()
        assert "wartet nichts" in (await say(w, YES))[0]
        assert not action.runs


async def test_a_late_confirm_of_a_turn_that_was_handed_over_runs_nothing(tmp_path: Path) -> None:
    """Rasa goes on after we hung up: its "yes" came after the hand-back, to a newer proposal."""
    action = FakeAction()
    async with shop(tmp_path, action) as w:
        old: list[Turn] = []
        asked = asyncio.Event()

        async def hang(turn: Turn) -> Answer:
            old.append(turn)
            asked.set()
            await asyncio.sleep(60)
            raise AssertionError

        w.dialogue.replies["hm"] = hang
        await say(w, FORM)
        await w.says("hm")
        await asked.wait()
        case = await take_over(w)
        await w.core.desk_inbox.accept(HandBack("h", case, "Mia"))
        await w.settled()
        assert await say(w, DO) == ["cancel 1?"]
        await w.core.actions.call("confirm", call_of(old[0]), 1)
        assert not action.runs
        assert await say(w, YES) == ["cancel 1 done"]


async def test_a_proposal_that_is_ready_after_a_take_over_is_never_open(tmp_path: Path) -> None:
    """It was never read back: after the hand-back a "ja" to the agent's words ran it."""
    action = FakeAction()
    action.propose_gate = asyncio.Event()
    async with shop(tmp_path, action) as w:
        await w.says(FORM)
        await action.proposing.wait()
        case = await take_over(w)
        await w.core.desk_inbox.accept(HandBack("h", case, "Mia"))
        action.propose_gate.set()
        await w.until("SELECT 1 FROM calls WHERE action = 'cancel' AND result IS NOT NULL")
        await w.settled()
        assert not await w.rows("SELECT 1 FROM proposals")
        await say(w, YES)
        assert not action.runs


async def test_a_proposal_of_a_turn_that_was_given_up_lapses(tmp_path: Path) -> None:
    """The dialogue died after it: the customer never saw it, and "ja" would have run it."""
    action, clock = FakeAction(), MovingClock()

    class Dying(Shop):
        async def _answer(self, turn: Turn) -> Answer:
            answer = await super()._answer(turn)
            if turn.text == FORM:
                raise Unavailable("died")
            return answer

    async with shop(tmp_path, action, dialogue=Dying(), clock=clock) as w:
        await w.says(FORM)
        for _ in range(30):
            await w.until("SELECT 1 FROM conversations WHERE lease_until IS NULL")
            clock.move(10)
            await w.wake()
            if await w.rows("SELECT 1 FROM turns WHERE status = 'handed'"):
                break
        await w.settled()
        (proposal,) = await w.rows("SELECT * FROM proposals")
        assert proposal["state"] == "lapsed"
        await say(w, "back_to_bot")
        assert "wartet nichts" in (await say(w, YES))[0]
        assert not action.runs
