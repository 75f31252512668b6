"""What could not be heard, or not even be read afterwards, is made up for."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from bot.messages import Kind
from plugins.slack.events import EventKind, Watched
from plugins.slack.testing import Person, Room, SlackSimulator

from .apps import Notes, running
from .test_channel import customers, outbound

pytestmark = pytest.mark.slow


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugins.slack.catchup._ATTEMPTS", 1)
    monkeypatch.setattr("plugins.slack.catchup._OPENS_WITHIN", 1)
    monkeypatch.setattr("plugins.slack.catchup._SETTLED", 0.2)
    monkeypatch.setattr("plugins.slack.listening._OWES", 0.5)


@pytest.mark.usefixtures("impatient")
async def test_what_slack_does_not_show_after_an_outage_is_read_later(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    notes = Notes(watches=[Watched(support.id)])
    async with running(slack, tmp_path, notes) as now:
        await jonas.writes(support, "eins")
        await now.settled()
        slack.faults.lose = 1
        slack.faults.html["conversations.history"] = 1
        await jonas.writes(support, "zwei")
        await slack.socket.drop()
        await jonas.writes(support, "drei")  # what is heard now must not hide what is missing
        await now.until(lambda: "drei" in notes.texts())
        await now.until(lambda: "zwei" in notes.texts())


@pytest.mark.usefixtures("impatient")
async def test_what_to_read_is_asked_for_again(
    slack: SlackSimulator, jonas: Person, tmp_path: Path
) -> None:
    async with customers(slack, tmp_path) as now:
        room = await jonas.direct()
        await jonas.writes(room, "eins")
        await now.gets(1)
        slack.faults.lose = 1
        slack.faults.html["conversations.list"] = 2
        await jonas.writes(room, "zwei")
        await slack.socket.drop()
        async with asyncio.timeout(8):
            while len(now.got) < 2:  # noqa: ASYNC110 - a test looks
                await asyncio.sleep(0.02)


@pytest.mark.usefixtures("impatient")
async def test_in_threads_edits_deletions_and_files_are_made_up_for_too(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    async with running(slack, tmp_path, Notes()) as now:
        root = await jonas.writes(support, "Frage")
        edited = await jonas.writes(support, "alt", thread=root)
        gone = await jonas.writes(support, "weg", thread=root)
        parent = await jonas.writes(support, "geht, die Antwort bleibt")
        await jonas.writes(support, "Antwort", thread=parent)
        await now.settled()
        await asyncio.sleep(0.3)
        slack.faults.lose = 100
        await jonas.edits(edited, "neu")
        await jonas.edits(edited, "neuer")
        await jonas.deletes(gone)
        await jonas.deletes(parent)
        await jonas.uploads(support, {"foto.png": b"\x89PNG"}, thread=root)
        slack.faults.lose = 0
        now.notes.watches.append(Watched(support.id))
        now.notes.got.clear()
        await slack.socket.drop()
        await now.until(lambda: len(now.notes.got) >= 4)
        await now.settled()
        found = {(one.kind, one.ts, one.text) for one in now.notes.got if not one.files}
        assert found == {
            (EventKind.EDIT, edited.ts, "neuer"),
            (EventKind.DELETE, gone.ts, ""),
            (EventKind.DELETE, parent.ts, ""),
        }
        (shared,) = (one for one in now.notes.got if one.files)
        assert (shared.thread_ts, shared.files[0]["name"]) == (root.ts, "foto.png")


@pytest.mark.usefixtures("impatient")
async def test_a_gravestone_is_a_deletion_of_who_wrote_the_message_and_of_nobody_else(
    slack: SlackSimulator, jonas: Person, tmp_path: Path
) -> None:
    slack.person("slackbot", "Slackbot").user.id = "USLACKBOT"
    slack.world.users["USLACKBOT"] = slack.person("slackbot").user
    async with customers(slack, tmp_path) as now:
        room = await jonas.direct()
        line = await jonas.writes(room, "Mein Passwort ist geheim")
        await jonas.writes(room, "oh", thread=line)
        first = (await now.gets(2))[0]
        sent = await now.channel.send(outbound(first.address, "Guten Tag"))
        answer = await slack.wait_message(room, "Guten Tag")
        await jonas.writes(room, "im Thread der Antwort", thread=answer)
        await now.gets(3)
        await asyncio.sleep(0.3)
        slack.faults.lose = 100
        await jonas.deletes(line)
        await now.channel.unsend(first.address, sent)
        slack.faults.lose = 0
        await slack.socket.drop()
        async with asyncio.timeout(8):
            while len(now.got) < 4:  # noqa: ASYNC110 - a test looks
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        (gone,) = now.got[3:]
        assert (gone.kind, gone.edits, gone.sender_name) == (Kind.DELETE, first.wire_id, None)


async def test_two_edits_within_a_second_are_two_whichever_comes_first(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    async with running(slack, tmp_path, connections=2, hold_seconds=0.4) as now:
        line = await jonas.writes(support, "eins")
        await now.settled()
        slack.faults.spread = True
        slack.faults.late.extend([0.2, 0.0])
        await jonas.edits(line, "zwei")
        await jonas.edits(line, "drei")
        await slack.unfurls(line)
        await now.until(lambda: len(now.notes.got) == 3)
        await now.settled()
        assert [event.text for event in now.notes.got] == ["eins", "zwei", "drei"]


@pytest.mark.parametrize("seed", range(3))
async def test_threads_keep_their_order_through_lateness_repeats_losses_and_a_restart(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    slack.events.retry_waits = (0.05, 0.2, 0.5)
    slack.faults.spread = True
    wanted: dict[str, list[str]] = {}
    notes = Notes(watches=[Watched(support.id)])
    roots = [await jonas.writes(support, f"Thread {number}") for number in range(3)]
    for part in range(2):  # between them the app is restarted
        async with running(slack, tmp_path, notes, connections=2, hold_seconds=0.6) as now:
            await asyncio.sleep(0.4 if part else 2.3)  # it must have noted that it was connected
            for number in range(12):
                root = chance.choice(roots)
                text = f"{part}/{number}"
                wanted.setdefault(root.ts, []).append(text)
                slack.faults.late.append(chance.choice([0.0, 0.1, 0.3]))
                slack.faults.duplicate = chance.choice([0, 1])
                slack.faults.lose = int(number in (4, 8))
                await jonas.writes(support, text, thread=root)
                if number in (4, 8):
                    await slack.socket.drop()
                    await slack.socket.connected(2)
            if part:
                await now.until(lambda: len(notes.texts()) >= 24, 15.0)
                await now.settled()
    for root in roots:
        heard = [one.text for one in notes.got if one.thread_ts == root.ts]
        assert heard == wanted.get(root.ts, [])
