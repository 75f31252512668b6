"""`bot customer` and `bot privacy`, on the data of a bot that is stopped."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from host.cli import main
from plugins.rasa.personal import _opened
from plugins.web.testing import ChatClient
from plugins.web.testing_bot import web_bot
from tests.live.leftovers import left_in

MARKERS = ("markerword", "markerpdf", "markerfile", "markerslot")
Run = Callable[..., Result]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Somebody wrote and sent a file; somebody else wrote too."""
    folder = tmp_path / "data"
    folder.mkdir()
    asyncio.run(_talk(folder))
    return folder


async def _talk(folder: Path) -> None:
    async with web_bot(folder) as bot, ChatClient(bot.url) as chat, ChatClient(bot.url) as other:
        await chat.ask("markerword eins")
        file = await chat.upload(b"%PDF-1.4 markerpdf", "markerfile.pdf")
        await chat.post("markerword zwei", files=[file])
        await chat.reply()
        await other.ask("das bleibt")


@pytest.fixture
def run(data: Path) -> Run:
    def invoke(*arguments: str, typed: str | None = None) -> Result:
        result = CliRunner().invoke(main, ["--data", str(data), *arguments], input=typed)
        assert result.exception is None or isinstance(result.exception, SystemExit), result
        return result

    return invoke


def tracker(data: Path, *senders: str) -> None:
    with closing(_opened(data / "rasa.db")) as database:
        for sender in senders:
            database.execute(
                "INSERT INTO events (sender_id, type_name, timestamp, data) VALUES (?, 'user', ?, "
                "?)",
                (sender, 1.0, f"markerslot of {sender}"),
            )


def test_a_copy_has_everything_and_the_files(run: Run, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    assert run("customer", "export", "1", "--out", str(out)).exit_code == 0
    made = json.loads((out / "data.json").read_text("utf-8"))
    (conversation,) = made["conversations"]
    said = [one["text"] for one in conversation["messages"] if one["by"] == "customer"]
    assert said == ["markerword eins", "markerword zwei"]
    assert {"inbox", "outbox", "turns", "conversations", "files"} <= set(made["tables"]["core"])
    assert "web_messages" in made["tables"]["web"]
    (file,) = made["files"]
    assert (out / file["copy"]).read_bytes() == b"%PDF-1.4 markerpdf"
    assert (out / "data.json").stat().st_mode & 0o077 == 0, "only for who asked"
    assert "das bleibt" not in (out / "data.json").read_text("utf-8")
    assert run("customer", "export", "1", "--out", str(out)).exit_code == 2, (
        "nothing is written over"
    )
    with closing(sqlite3.connect(data / "bot.db")) as database:
        (line,) = database.execute("SELECT kind, actor, conversation FROM audit").fetchall()
    assert line == ("export", "operator", 1)


def test_what_would_go_is_said_and_nothing_goes(run: Run, data: Path) -> None:
    before = left_in(data, MARKERS)
    told = run("customer", "erase", "1", "--dry-run")
    assert told.exit_code == 0
    assert "web_messages: " in told.output
    assert "files: 1" in told.output
    assert left_in(data, MARKERS) == before
    assert run("customer", "erase", "1", typed="n\n").exit_code == 1
    assert left_in(data, MARKERS) == before
    assert run("customer", "erase", "77", "--yes").exit_code == 2


def test_erased_beside_no_bot_everything_is_gone_at_once(run: Run, data: Path) -> None:
    tracker(data, "1.1.0", "1.2.0", "11.1.0", "2.1.0")
    assert {one.split(" in ")[0] for one in left_in(data, MARKERS)} == set(MARKERS)
    done = run("customer", "erase", "1", "--yes")
    assert done.exit_code == 0, done.output
    assert "erased" in done.output
    with closing(sqlite3.connect(data / "rasa.db")) as database:
        senders = [row[0] for row in database.execute("SELECT sender_id FROM events")]
    assert senders == ["11.1.0", "2.1.0"], "conversation 11 is somebody else's"
    (data / "rasa.db").unlink()
    assert left_in(data, MARKERS) == []
    listed = json.loads(run("customer", "list", "--json").output)
    assert [row["id"] for row in listed] == [2]
    (erasure,) = json.loads(run("privacy", "erasures", "--json").output)
    assert (erasure["state"], erasure["reason"]) == ("done", "operator")
    assert run("customer", "erase", "1", "--yes").exit_code == 2, "there is nobody any more"


def test_a_case_that_people_work_on_is_no_casualty(run: Run, data: Path) -> None:
    with closing(sqlite3.connect(data / "bot.db")) as database, database:
        database.execute(
            "INSERT INTO cases (conversation, desk, reason, priority, state, opened_at) "
            "VALUES (1, 'web', 'asked', 'normal', 'open', '2026-11-27')"
        )
    held = run("customer", "erase", "1", "--yes")
    assert held.exit_code == 2
    assert "case 1 at web" in held.output
    assert left_in(data, ("markerword",))
    assert run("customer", "erase", "1", "--yes", "--close-cases").exit_code == 0
    assert left_in(data, ("markerword",)) == []


def test_a_customer_of_several_channels_is_one(run: Run, data: Path) -> None:
    with closing(sqlite3.connect(data / "bot.db")) as database, database:
        database.execute("UPDATE conversations SET customer = 1")
        database.execute("DELETE FROM customers WHERE id = 2")
        database.execute(
            "INSERT INTO contacts VALUES ('email', 'markerslot@example.org', 2, 'code', '2026')"
        )
        database.execute("INSERT INTO links VALUES (1, 2, 'code', 'linked', 'customer', '2026')")
    listed = json.loads(run("customer", "list", "--json").output)
    assert {(row["id"], row["conversation"]) for row in listed} == {(1, 1), (1, 2)}
    assert json.loads(run("customer", "show", "1").output)["conversations"] == [1, 2]
    done = run("customer", "erase", "1", "--yes")
    assert "erased" in done.output
    assert left_in(data, (*MARKERS, "das bleibt")) == []
    with closing(sqlite3.connect(data / "bot.db")) as database:
        for table in ("customers", "contacts", "links"):
            assert database.execute(f"SELECT * FROM {table}").fetchall() == []


def test_an_address_names_a_customer_too(run: Run) -> None:
    (first, *_) = json.loads(run("customer", "list", "--json").output)[::-1]
    shown = run("customer", "show", f"{first['channel']}:{first['address']}")
    assert json.loads(shown.output)["conversations"] == [1]


def test_tables_that_nobody_answers_for_are_named(run: Run, data: Path) -> None:
    with closing(sqlite3.connect(data / "bot.db")) as database, database:
        database.execute("CREATE TABLE loyalty_points (customer TEXT)")
    told = run("customer", "erase", "1", "--dry-run")
    assert "Not erased: no active plugin answers for the table loyalty_points" in told.output


def test_what_a_night_would_drop_is_listed(run: Run, data: Path) -> None:
    with closing(sqlite3.connect(data / "bot.db")) as database, database:
        database.execute("UPDATE conversations SET last_in_at = '2020' WHERE id = 1")
        database.execute("UPDATE outbox SET created_at = '2020' WHERE conversation = 1")
    tracker(data, "1.1.0")
    found = {one["of"]: one["number"] for one in json.loads(run("privacy", "due", "--json").output)}
    assert (found["conversations"], found["rasa"], found["audit"]) == (1, 1, 0)
    assert left_in(data, ("markerword",)), "a look changes nothing"
