"""Order actions by agents: previewed, made once, recorded, told; and what a crash leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.desk import Act, Close, HandBack, TakeOver
from bot.messages import ActionCall, Answer, Author, Outcome, Say, State
from bot.ports import Unavailable
from bot.testing import FakeAction, FakeChannel, RecoverableAction, World, call_of, world
from desk.counter import DeskParts
from desk.routing import Routing

TEXTS = [Path("nlu/domain")]
ACT = Act("a1", 1, "Mia", "cancel", {"order_id": "B-1"}, version="1")


class Orders:
    """Knows the orders of a shop."""

    def __init__(self) -> None:
        self.fault: Exception | None = None

    async def order_facts(self, subject: str) -> Mapping[str, Any] | None:
        if self.fault:
            raise self.fault
        return {"number": subject, "state": "open"} if subject.startswith("B-") else None


class Desk:
    """A world with a case that Mia has, and the parts that tests look at."""

    def __init__(self, w: World, cancel: RecoverableAction, track: FakeAction) -> None:
        self.w, self.cancel, self.track = w, cancel, track
        self.inbox = w.core.desk_inbox

    def said(self) -> list[str]:
        return [out.text for out in self.w.channel.sent]

    async def notes(self) -> list[str]:
        lines = await self.inbox.history(1)
        return [line.text for line in lines if line.author is Author.NOTE]


def parts() -> DeskParts:
    return DeskParts(routing=Routing(desk="desk"), order_facts=Orders())


@pytest.fixture
async def d(tmp_path: Path) -> AsyncIterator[Desk]:
    cancel, track = RecoverableAction(), FakeAction("track", read_only=True)
    async with world(tmp_path, texts=TEXTS, actions=[cancel, track], parts=parts()) as w:
        await opened(w)
        yield Desk(w, cancel, track)


async def opened(w: World) -> None:
    w.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
    await w.says("mensch")
    await w.settled()
    await w.core.desk_inbox.accept(TakeOver("t", 1, "Mia"))
    await w.settled()
    w.channel.sent.clear()


async def test_what_is_offered_has_the_case_s_order_filled_in(d: Desk) -> None:
    assert {action.name: action.read_only for action in await d.inbox.order_actions(1)} == {
        "cancel": False,
        "track": True,
    }
    assert await d.inbox.order_actions(99) == []
    await d.inbox.act(ACT)
    (cancel, _) = await d.inbox.order_actions(1)
    first, second = cancel.fields
    assert (first.name, first.title, first.value, first.required) == (
        "order_id",
        "Bestellnummer",
        "B-1",
        True,
    )
    assert (second.name, second.value, second.required) == ("detail", "", False)


async def test_a_preview_changes_nothing_and_gives_what_to_confirm(d: Desk) -> None:
    act = replace(ACT, version="", arguments={"order_id": " B-1 ", "detail": "", "other": "x"})
    preview = await d.inbox.preview(act)
    assert (preview.possible, preview.text, preview.version) == (True, "cancel B-1?", "1")
    assert preview.arguments == {"order_id": "B-1", "detail": ""}
    (proposed,) = d.cancel.proposed
    assert (proposed.actor, proposed.proofs) == ("Mia", ())
    assert d.cancel.runs == []
    assert await d.w.rows("SELECT 1 FROM calls UNION ALL SELECT 1 FROM proposals") == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"arguments": {}}, "fehlen oder stimmen nicht: Bestellnummer"),
        ({"arguments": {"order_id": "X-9"}}, "Eine Bestellung X-9 gibt es nicht"),
        ({"action": "dance"}, "Diese Aktion gibt es nicht"),
        ({"case": 99}, "gibt es nicht"),
    ],
)
async def test_what_cannot_be_says_why_and_is_not_made(
    d: Desk, change: dict[str, Any], words: str
) -> None:
    act = replace(ACT, version="", **change)
    preview = await d.inbox.preview(act)
    assert not preview.possible
    assert words in preview.text
    acted = await d.inbox.act(act)
    assert not acted.done
    assert words in acted.text
    assert d.cancel.runs == []


async def test_a_shop_that_is_down_says_so(d: Desk) -> None:
    async def down(_: ActionCall) -> Answer:
        raise Unavailable("down")

    d.cancel.propose = down  # type: ignore[method-assign]
    preview = await d.inbox.preview(ACT)
    assert (preview.possible, preview.text) == (False, "Shop nicht erreichbar")


async def test_a_refusal_of_the_action_is_shown(d: Desk) -> None:
    async def refuse(_: ActionCall) -> Answer:
        return Answer((Say(text="zu spät"),), Outcome.REFUSED, "shipped")

    d.cancel.propose = refuse  # type: ignore[method-assign]
    preview = await d.inbox.preview(ACT)
    assert (preview.possible, preview.text) == (False, "zu spät")
    acted = await d.inbox.act(replace(ACT, version=""))
    assert (acted.done, acted.reason) == (False, "act_refused")
    assert d.cancel.runs == []


async def test_an_act_is_made_recorded_and_told(d: Desk) -> None:
    acted = await d.inbox.act(ACT)
    await d.w.settled()
    assert (acted.done, acted.text, acted.reason) == (True, "cancel B-1 done", None)
    (run,) = d.cancel.runs
    assert (run.key, run.actor, run.version) == ("agent:a1", "Mia", "1")
    assert run.arguments == {"order_id": "B-1", "detail": ""}
    (record,) = await d.w.rows("SELECT * FROM calls")
    assert (record["turn"], record["name"], record["actor"]) == ("agent:a1", "cancel", "Mia")
    assert (record["status"], record["outcome"], record["subject"]) == ("done", "done", "B-1")
    assert record["case_id"] == 1
    assert d.said() == ["cancel B-1 done"]
    assert d.w.channel.sent[0].author is Author.SYSTEM
    (line,) = [one for one in await d.inbox.history(1) if one.effect]
    assert (line.text, line.author) == ("cancel B-1 done", Author.SYSTEM)
    assert line.id in d.w.desk.lines
    assert await d.notes() == ["cancel B-1: ausgeführt. cancel B-1 done"]


async def test_the_same_id_again_is_one_act_even_when_the_case_is_over(d: Desk) -> None:
    first, again = await asyncio.gather(d.inbox.act(ACT), d.inbox.act(ACT))
    await d.inbox.accept(Close("c", 1, "Mia"))
    third = await d.inbox.act(ACT)
    await d.w.settled()
    assert first == again == third
    assert len(d.cancel.runs) == 1
    assert d.said().count("cancel B-1 done") == 1
    assert len(await d.notes()) == 1


async def test_what_is_not_told_stays_inside(d: Desk) -> None:
    acted = await d.inbox.act(replace(ACT, tell=False))
    await d.w.settled()
    assert acted.done
    assert d.said() == []
    assert await d.notes() == ["cancel B-1: ausgeführt. cancel B-1 done"]


async def test_only_who_has_the_case_may_change_something(d: Desk) -> None:
    acted = await d.inbox.act(replace(ACT, agent="Tom"))
    assert (acted.done, acted.reason) == (False, "taken_by")
    assert "Mia" in acted.text
    await d.inbox.accept(HandBack("h", 1, "Mia"))
    acted = await d.inbox.act(ACT)
    assert (acted.done, acted.reason) == (False, "case_closed")
    assert d.cancel.runs == []


async def test_nobody_acts_in_a_case_that_nobody_has(tmp_path: Path) -> None:
    cancel = RecoverableAction()
    async with world(tmp_path, texts=TEXTS, actions=[cancel], parts=parts()) as w:
        w.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
        await w.says("mensch")
        await w.settled()
        acted = await w.core.desk_inbox.act(ACT)
        assert (acted.done, acted.reason) == (False, "not_taken")
        assert cancel.runs == []


async def test_a_colleague_who_takes_the_case_between_look_and_start_stops_it(d: Desk) -> None:
    """The version is asked of the shop in between, and that can take long."""
    d.cancel.propose_gate = asyncio.Event()
    acting = asyncio.create_task(d.inbox.act(replace(ACT, version="")))
    await d.cancel.proposing.wait()
    await d.inbox.accept(TakeOver("t2", 1, "Tom", force=True))
    d.cancel.propose_gate.set()
    acted = await acting
    assert (acted.done, acted.reason) == (False, "taken_by")
    assert "Tom" in acted.text
    assert d.cancel.runs == []
    await d.w.settled()
    assert not any("cancel" in note for note in await d.notes())


async def test_reading_is_everybodys_and_stays_inside(d: Desk) -> None:
    act = Act("r1", 1, "Tom", "track", {"order_id": "B-2"})
    preview = await d.inbox.preview(act)
    assert preview.possible
    assert "liest nur" in preview.text
    assert d.track.runs == []
    for _ in range(2):
        acted = await d.inbox.act(act)
        assert (acted.done, acted.text) == (True, "track B-2 done")
    await d.w.settled()
    assert len(d.track.runs) == 1
    assert d.said() == []
    assert await d.notes() == ["track B-2 done"]
    (record,) = await d.w.rows("SELECT * FROM calls")
    assert (record["actor"], record["effect"]) == ("Tom", 0)


async def test_a_lost_result_is_read_back_and_never_called_again(d: Desk) -> None:
    d.cancel.fault_after = ConnectionError("cut")
    acted = await d.inbox.act(ACT)
    await d.w.settled()
    assert (acted.done, acted.text) == (True, "cancel B-1 done")
    assert len(d.cancel.runs) == 1
    assert d.said() == ["cancel B-1 done"]


async def test_an_unknown_outcome_is_shown_to_the_team_and_not_to_the_customer(d: Desk) -> None:
    d.cancel.faults.append(ConnectionError("cut"))  # and the shop knows nothing of it
    acted = await d.inbox.act(ACT)
    again = await d.inbox.act(ACT)
    await d.w.settled()
    assert acted == again
    assert (acted.done, acted.reason) == (False, "outcome_unknown")
    assert acted.text == "Ausgang unbekannt: bitte im Shop prüfen"
    assert len(d.cancel.runs) == 1
    assert d.said() == []
    (note,) = await d.notes()
    assert "Ausgang unbekannt" in note
    (record,) = await d.w.rows("SELECT * FROM calls")
    assert record["status"] == "unknown"


async def test_a_kill_in_the_middle_is_settled_at_the_next_start_and_told_once(
    tmp_path: Path,
) -> None:
    ledger: dict[str, Mapping[str, Any]] = {}
    cancel = RecoverableAction(ledger=ledger)
    async with world(tmp_path, texts=TEXTS, actions=[cancel], parts=parts()) as w:
        await opened(w)
        await w.core.desk_inbox.act(ACT)
        await w.settled()
        # As the disk is left by a kill after the shop has acted and before its result is written.
        await w.store.write(
            lambda tx: (
                tx.run("UPDATE calls SET status = 'started', result = NULL, outcome = NULL"),
                tx.run("DELETE FROM notes"),
                tx.run("DELETE FROM outbox WHERE effect = 1"),
            )
        )
    channel = FakeChannel()
    again = RecoverableAction(ledger=ledger)
    async with world(tmp_path, texts=TEXTS, actions=[again], parts=parts(), channel=channel) as w:
        await w.until("SELECT 1 FROM calls WHERE status = 'done'")
        await w.settled()
        acted = await w.core.desk_inbox.act(ACT)
        assert (acted.done, acted.text) == (True, "cancel B-1 done")
        assert again.runs == []
        assert [out.text for out in channel.sent] == ["cancel B-1 done"]
        assert len(await w.rows("SELECT 1 FROM notes")) == 1


async def test_a_yes_of_the_customers_later_runs_nothing_again(d: Desk) -> None:
    await d.inbox.act(ACT)
    await d.inbox.accept(HandBack("h", 1, "Mia"))
    await d.w.settled()

    async def yes(turn: Any) -> Answer:
        return await d.w.core.actions.call("confirm", call_of(turn), 1)

    d.w.dialogue.replies["ja"] = yes
    await d.w.says("ja")
    await d.w.settled()
    assert len(d.cancel.runs) == 1
    assert d.said()[-1] == "cancel B-1 done"  # it says again what was done


async def test_the_line_to_the_customer_has_its_files_and_its_state(d: Desk) -> None:
    stored = await d.inbox.files.put_bytes(b"%PDF-1.4 label", name="label.pdf", owner="desk")
    assert stored.file is not None

    def done(_: ActionCall) -> Answer:
        return Answer((Say(text="Etikett", files=(str(stored.file),)),))

    d.cancel.done = done  # type: ignore[method-assign]
    await d.inbox.act(ACT)
    await d.w.settled()
    (line,) = [one for one in await d.inbox.history(1) if one.effect]
    assert line.state is State.SENT
    sent = [out for out in d.w.channel.sent if out.attachments or "Dateien" in out.text]
    assert len(sent) == 1


async def test_one_id_is_never_two_actions(d: Desk) -> None:
    await d.inbox.act(ACT)
    acted = await d.inbox.act(replace(ACT, action="track"))
    assert (acted.done, acted.reason) == (False, "act_used")
    assert d.track.runs == []


async def test_what_fails_is_not_said_in_a_customers_words(
    d: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """Their words promise a person and say when, which nobody tells an agent."""
    d.track.faults.append(ConnectionError("cut"))
    acted = await d.inbox.act(replace(ACT, id="a2", action="track"))
    assert not acted.done
    (note,) = await d.notes()
    assert note == acted.text == "Aktion fehlgeschlagen"
    assert "fact missing" not in caplog.text
