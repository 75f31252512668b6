"""A customer is erased everywhere the bot keeps something: database, files, and Slack's copies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.ports import Tx
from bot.store import audit
from bot.store.codec import utc_now
from host.folder import ask
from plugins.privacy.routes import PATH
from plugins.slack.testing import SlackSimulator
from plugins.slack.testing_desk import DeskBench, desk_bot
from tests.live.leftovers import left_in

pytestmark = pytest.mark.slow

NAME, WHO, WORDS = "Zaphod Markerson", "markerzaphod", "markerword"
FILE, ANSWER, NOTE = b"%PDF-1.4 markerpdf", "markeranswer", "markernote"
ORDER, MAIL = "markerorder", "marker@example.org"
MARKERS = (NAME, WHO, WORDS, "markerpdf", ANSWER, NOTE, ORDER, MAIL, "markerfile")
SETTINGS = {"privacy": {"goodbye_seconds": 0.0}}


@asynccontextmanager
async def told_everything(folder: Path, slack: SlackSimulator) -> AsyncIterator[DeskBench]:
    """A bot to which somebody has told all their secrets, and whose case is closed."""
    async with desk_bot(folder, slack, more=SETTINGS, undo_seconds=0.0) as bench:
        await bench.says(f"{WORDS} one", who=WHO, name=NAME)
        await bench.sends_file(FILE, "markerfile.pdf", f"{WORDS} two", who=WHO)
        await bench.settled()
        card = await bench.case(WHO, NAME)
        await bench.jana.presses(card, "Übernehmen")
        await bench.sees(card, bench.jana.user.real_name)
        await bench.jana.writes(bench.support, f"{ANSWER} for you", thread=card)
        await bench.reaches(f"{ANSWER} for you")
        await bench.says(f"{WORDS} three " + "long " * 1500, who=WHO, name=NAME)
        await bench.settled()
        await bench.bot.store.write(_fill_the_rest)
        await bench.jana.presses(card, "Erledigt")
        view = await bench.jana.sees_view("zu Ende")
        await bench.jana.submits(view, {"outcome": f"{WORDS} four"})
        await bench.bot.until("SELECT 1 FROM cases WHERE state = 'closed'")
        await bench.settled()
        yield bench


def _fill_the_rest(tx: Tx) -> None:
    """What other channels and actions would have left."""
    now = utc_now()
    audit.note(tx, "pair", ok=True, now=now, subject=ORDER, conversation=1)
    audit.note(tx, "pair", ok=False, now=now, subject="else", conversation=1)
    audit.note(tx, "code", ok=False, now=now, subject=ORDER, conversation=None, actor="agent")
    audit.raise_alarm(tx, "guesses", {"order": ORDER}, now, quiet=now - now)
    tx.run("UPDATE conversations SET phone = '+49markerword', email = :mail", mail=MAIL)
    tx.run("UPDATE cases SET contact = :mail", mail=MAIL)
    tx.run("INSERT INTO notes VALUES ('n1', 1, 1, 'jana', :note, '[]', '2026-11-27')", note=NOTE)
    tx.run(
        "INSERT INTO proofs (conversation, kind, subject, expires_at) "
        "VALUES (1, 'pair', :order, '2026-11-27T00:00:00.000000+00:00')",
        order=ORDER,
    )
    tx.run("INSERT INTO attempts (conversation, subject, at) VALUES (1, :o, '2026')", o=ORDER)
    tx.run(
        "INSERT INTO proposals VALUES ('p1', 1, 't', 'change_address', :words, :order, '1', "
        "'consumed', '2026', '2026')",
        words=WORDS,
        order=ORDER,
    )
    tx.run(
        "INSERT INTO calls (turn, action, number, conversation, name, subject, key, actor, status, "
        "effect, result, started_at) VALUES ('t', 'confirm', 1, 1, 'change_address', :order, 'p1', "
        "'customer', 'done', 1, :words, '2026')",
        words=f'{{"says": "{WORDS}"}}',
        order=ORDER,
    )


async def call(bench: DeskBench, way: str, what: str, **query: str) -> Any:
    status, found = await ask(bench.bot.app._data, way, f"{PATH}/{what}", **query)
    assert status == 200, found
    return found


async def erased(bench: DeskBench, who: str) -> dict[str, Any]:
    begun = await call(bench, "POST", "erase", who=who)
    async with asyncio.timeout(20):
        while True:
            found: dict[str, Any] = await call(bench, "GET", "erasure", id=begun["erasure"])
            if found["state"] == "done":
                return found
            await asyncio.sleep(0.05)


async def test_nothing_is_left_of_somebody_who_was_erased(
    tmp_path: Path, slack: SlackSimulator
) -> None:
    async with told_everything(tmp_path, slack) as bench:
        await bench.says("Bleibt da", who="other", name="Somebody Else")
        await bench.settled()
        assert {line.split(" in ")[0] for line in left_in(tmp_path, MARKERS)} == set(MARKERS)
        before = await bench.bot.rows("SELECT count(*) AS n FROM inbox")
        report = await erased(bench, f"fake:{WHO}")
        assert left_in(tmp_path, MARKERS) == []
        after = await bench.bot.rows("SELECT count(*) AS n FROM inbox")
        assert before == after, "figures count messages, not people"
        kept = await bench.bot.rows("SELECT text FROM inbox WHERE text <> ''")
        assert [row["text"] for row in kept] == ["Bleibt da"]
        lines = await bench.bot.rows("SELECT * FROM audit ORDER BY id")
        assert len([one for one in lines if one["kind"] in ("pair", "code")]) == 3
        assert {one["subject"] for one in lines if one["kind"] == "pair"} == {report["id"]}
        assert all(one["conversation"] is None for one in lines)
        assert [one.words for one in bench.support.messages if one.by_bot] == []
        assert [one["what"] for one in report["remains"]] == ["colleagues"]
        uploaded = [one for one in bench.slack.world.files.values() if not one.deleted]
        assert uploaded == []
    assert left_in(tmp_path, MARKERS) == [], "nor is anything written at the end"


async def test_slack_that_fails_is_asked_again(tmp_path: Path, slack: SlackSimulator) -> None:
    """Half of a thread deleted, and then nothing: the other half would have stayed for ever."""
    async with told_everything(tmp_path, slack) as bench:
        slack.faults.too_many["chat.delete"] = 1
        slack.faults.broken["files.delete"] = 1
        slack.faults.cut_after["chat.delete"] = 2
        report = await erased(bench, f"fake:{WHO}")
        assert [one.words for one in bench.support.messages if one.by_bot] == []
        assert [one for one in slack.world.files.values() if not one.deleted] == []
        assert [one["what"] for one in report["remains"]] == ["colleagues"]


async def test_what_slack_refuses_to_delete_is_told(tmp_path: Path, slack: SlackSimulator) -> None:
    async with told_everything(tmp_path, slack) as bench:
        slack.faults.errors["chat.delete"].append("compliance_exports_prevent_deletion")
        report = await erased(bench, f"fake:{WHO}")
        (refused,) = [one for one in report["remains"] if one["what"] == "refused"]
        assert refused["where"].endswith(": compliance_exports_prevent_deletion")
        assert bench.support.id in refused["where"], "where it is, so that somebody can look"


async def test_a_restart_goes_on_where_slack_was_away(
    tmp_path: Path, slack: SlackSimulator
) -> None:
    async with told_everything(tmp_path, slack) as bench:
        slack.faults.broken["conversations.replies"] = 1000
        await call(bench, "POST", "erase", who=f"fake:{WHO}")
        await bench.bot.until("SELECT 1 FROM erasures WHERE state = 'emptied'")
        await bench.bot.until("SELECT 1 FROM erasure_steps WHERE keeper = 'slack' AND attempts > 0")
        assert left_in(tmp_path, MARKERS) == [], "here it is gone at once"
        await bench.bot.store.write(
            lambda tx: tx.run("UPDATE erasure_steps SET next_at = '2026' WHERE state = 'open'")
        )
    slack.faults.broken.clear()
    async with desk_bot(tmp_path, slack, more=SETTINGS) as bench:
        await bench.bot.until("SELECT 1 FROM erasures WHERE state = 'done'", 20.0)
        assert [one.words for one in bench.support.messages if one.by_bot] == []
