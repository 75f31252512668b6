"""Events of our app: once, in the order of their stream, whatever Slack and the network do."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.ports import Retry
from plugins.slack.events import EventKind, Watched
from plugins.slack.testing import Person, Room, SlackSimulator

from .apps import Notes, running


async def test_a_message_a_reply_an_edit_and_a_deletion(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    async with running(slack, tmp_path) as now:
        root = await jonas.writes(support, "eins")
        reply = await jonas.writes(support, "zwei", thread=root)
        await jonas.edits(reply, "zwei!")
        await jonas.deletes(reply)
        await now.until(lambda: len(now.notes.got) == 4)
        one, two, edit, gone = now.notes.got
        assert [one.kind, two.kind] == [EventKind.MESSAGE] * 2
        assert (one.root, two.root, two.thread_ts) == (root.ts, root.ts, root.ts)
        assert (edit.kind, edit.text, edit.ts) == (EventKind.EDIT, "zwei!", reply.ts)
        assert (gone.kind, gone.text, gone.ts) == (EventKind.DELETE, "zwei!", reply.ts)
        assert len({event.stream for event in now.notes.got}) == 1


async def test_slacks_retries_and_a_mention_beside_its_message_are_one_event(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    async with running(slack, tmp_path) as now:
        slack.faults.duplicate = 2
        await jonas.writes(support, "Hallo @schalter")
        await slack.events.settled()
        slack.events.again(slack.events.told[0], attempt=2)
        await slack.events.settled()
        await now.settled()
        (event,) = now.notes.got
        assert event.mention
        assert len(await now.rows("SELECT key FROM slack_events")) == 1


async def test_two_edits_within_a_second_are_two(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    async with running(slack, tmp_path) as now:
        line = await jonas.writes(support, "eins")
        await jonas.edits(line, "zwei")
        await jonas.edits(line, "drei")
        await now.until(lambda: len(now.notes.got) == 3)
        assert [event.text for event in now.notes.got] == ["eins", "zwei", "drei"]


async def test_the_order_of_a_thread_is_kept_over_two_connections(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    async with running(slack, tmp_path, connections=2, hold_seconds=0.3) as now:
        root = await jonas.writes(support, "0")
        slack.faults.spread = True
        slack.faults.late.extend([0.2, 0.0, 0.15, 0.0, 0.05, 0.0])
        for number in range(1, 7):
            await jonas.writes(support, str(number), thread=root)
        await now.hears(*"0123456")


async def test_what_is_put_off_holds_only_its_own_thread(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    notes = Notes(fails={"eins": [Retry(0.4), Retry(0.4)], "defekt": [ValueError("oops")]})
    async with running(slack, tmp_path, notes) as now:
        first = await jonas.writes(support, "eins")
        await jonas.writes(support, "zwei", thread=first)
        broken = await jonas.writes(support, "defekt")
        await jonas.writes(support, "andere")
        await now.until(lambda: len(notes.got) == 4)
        texts = notes.texts()
        assert texts[0] == "andere"
        assert texts.index("eins") < texts.index("zwei")
        assert "defekt" in texts
        assert broken.ts in {event.ts for event in notes.got}


async def test_a_handler_that_is_broken_for_good_does_not_hold_its_thread_for_ever(
    slack: SlackSimulator,
    jonas: Person,
    support: Room,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("plugins.slack.intake._FAULTS", 2)
    notes = Notes(fails={"eins": [ValueError("oops")] * 5})
    async with running(slack, tmp_path, notes) as now:
        first = await jonas.writes(support, "eins")
        await jonas.writes(support, "zwei", thread=first)
        await now.hears("zwei")
        (row,) = await now.rows("SELECT * FROM slack_events WHERE status = 'failed'")
        assert row["body"] == ""


async def test_a_restart_goes_on_where_it_was(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    busy = Notes(slow={"eins": 30.0})
    async with running(slack, tmp_path, busy) as now:
        first = await jonas.writes(support, "eins")
        await jonas.writes(support, "zwei", thread=first)
        await slack.events.settled()
    assert busy.got == []
    async with running(slack, tmp_path) as now:
        await now.hears("eins", "zwei")
        await now.settled()
        rows = await now.rows("SELECT body FROM slack_events WHERE status = 'done'")
        assert [row["body"] for row in rows] == ["", ""]


async def test_it_never_hears_itself_other_bots_or_notices(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    async with running(slack, tmp_path) as now:
        answer = await now.app.call("chat.postMessage", channel=support.id, text="ich selbst")
        await now.app.call("chat.update", channel=support.id, ts=answer["ts"], text="ich, anders")
        await now.app.call("reactions.add", channel=support.id, timestamp=answer["ts"], name="eyes")
        await now.app.call("chat.delete", channel=support.id, ts=answer["ts"])
        other = slack.other_bot("wetter")
        await other.joins(support)
        await other.writes(support, "Regen @schalter")
        await slack.person("mia", "Mia").joins(support)
        await jonas.writes(support, "zuletzt")
        await now.until(lambda: "zuletzt" in now.notes.texts())
        kinds = [event for event in now.notes.got if event.type == "message"]
        assert [event.text for event in kinds] == ["zuletzt"]
        assert not [event for event in now.notes.got if event.kind is EventKind.REACTION_ADDED]


async def test_what_nobody_wants_is_not_kept(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    async with running(slack, tmp_path, Notes(channels={"C0THERE"})) as now:
        await jonas.writes(support, "unter uns")
        await slack.events.settled()
        assert await now.rows("SELECT * FROM slack_events") == []


async def test_what_was_missed_is_read_from_the_history(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    notes = Notes(watches=[Watched(support.id)])
    async with running(slack, tmp_path, notes) as now:
        root = await jonas.writes(support, "eins")
        kept = await jonas.writes(support, "bleibt", thread=root)
        edited = await jonas.writes(support, "alt")
        gone = await jonas.writes(support, "weg")
        await now.settled()
    slack.faults.lose_when_away = True
    await slack.until(lambda: slack.socket.away or None)
    await jonas.writes(support, "zwei", thread=root)
    await jonas.edits(edited, "neu")
    await jonas.deletes(gone)
    late = await jonas.writes(support, "dr")
    await jonas.edits(late, "drei")  # the history shows it as it is now: one event
    await asyncio.sleep(5.2)  # a message that is five seconds old is in the history, or it is gone
    async with running(slack, tmp_path, Notes(watches=[Watched(support.id)])) as now:
        await now.until(lambda: len(now.notes.got) >= 4)
        await now.settled()
        found = {(str(event.kind), event.text) for event in now.notes.got}
        assert found == {("message", "zwei"), ("message", "drei"), ("edit", "neu"), ("delete", "")}
        assert kept.ts not in {event.ts for event in now.notes.got}


async def test_nothing_is_handled_before_what_was_missed(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    watches = [Watched(support.id)]
    async with running(slack, tmp_path, Notes(watches=watches)) as now:
        root = await jonas.writes(support, "eins")
        await now.settled()
        slack.faults.lose = 1
        slack.faults.slow["conversations.history"] = 0.5
        await jonas.writes(support, "zwei", thread=root)
        await slack.socket.drop()
        await jonas.writes(support, "drei", thread=root)
        await now.hears("eins", "zwei", "drei")


async def test_what_ends_while_the_table_is_read_is_not_handled_again(
    slack: SlackSimulator,
    jonas: Person,
    support: Room,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    notes = Notes(slow={"eins": 0.3})
    async with running(slack, tmp_path, notes, hold_seconds=0.0) as now:
        read = now.store.read

        async def late(work: Any) -> Any:
            found = await read(work)
            await asyncio.sleep(0.1)
            return found

        monkeypatch.setattr(now.store, "read", late)
        await jonas.writes(support, "eins")
        for number in range(6):
            await asyncio.sleep(0.1)
            await jonas.writes(support, str(number))
        await now.until(lambda: len(notes.got) >= 7)
        await now.settled()
        assert sorted(notes.texts()) == sorted(["eins", *"012345"])
