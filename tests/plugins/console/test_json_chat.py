"""`bot chat --json`: a line out for each line in, in order, whatever the lines hold."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bot.store import SQLiteStore
from host.cli import main
from plugins.console import bot_register
from tests.core.shell import Bot, OneLanguage, entry

Chat = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bot]:
    """The small bot as what is installed, with the terminal's plugin beside it."""
    made = Bot(tmp_path / "data")
    made.dialogue.started.set()
    points = [entry("echo", made.register), entry("console", bot_register)]
    monkeypatch.setattr("host.plugins.entry_points", lambda group: points)
    monkeypatch.setattr("host.app.LanguageDetector", OneLanguage)
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield made
    root.handlers[:], root.level = handlers, level


def run(bot: Bot, given: bytes) -> Result:
    return CliRunner().invoke(main, ["chat", "--json", "--data", str(bot.data)], input=given)


@pytest.fixture
def chat(bot: Bot) -> Chat:
    def say(*lines: object) -> list[dict[str, Any]]:
        given = b"".join(
            (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n"
            for line in lines
        )
        result = run(bot, given)
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    return say


def texts(line: dict[str, Any]) -> list[str]:
    return [reply["text"] for reply in line["replies"]]


def test_each_line_is_a_turn_of_its_own_and_gets_one_line(chat: Chat) -> None:
    out = chat({"sender": "c1", "text": "hi", "id": "a"}, {"sender": "c1", "text": "there"})
    assert out[0] == {
        "sender": "c1",
        "id": "a",
        "replies": [{"text": "echo hi", "buttons": [], "attachments": []}],
        "intent": "echo",
        "confidence": 0.9,
        "entities": [],
        "owner": "bot",
    }
    assert texts(out[1]) == ["echo there"]
    assert out[1]["id"]


def test_slow_lines_of_one_sender_hold_up_no_other_but_the_order_stays(chat: Chat) -> None:
    out = chat(
        {"sender": "slow", "text": "wait 0.4"},
        {"sender": "slow", "text": "after"},
        {"sender": "c2", "text": "quick"},
    )
    assert [line["sender"] for line in out] == ["slow", "slow", "c2"]
    assert [texts(line)[0] for line in out] == ["echo wait 0.4", "echo after", "echo quick"]


def test_the_same_id_twice_is_said_once_and_answered_twice(chat: Chat, bot: Bot) -> None:
    line = {"sender": "c1", "text": "hi", "id": "a"}
    first, second = chat(line, line)
    assert first == second
    (again,) = chat(line)  # also after a restart
    assert again == first
    assert chat({"sender": "c2", "text": "other", "id": "a"})[0]["replies"] != first["replies"]


def test_a_turn_that_is_retried_is_waited_for_with_all_that_went_out(chat: Chat) -> None:
    (line,) = chat({"sender": "c1", "text": "down"})
    assert texts(line)[-1] == "echo down"
    assert len(texts(line)) == 2  # and that it takes longer


def test_the_owner_is_told_when_a_person_is_asked_for(chat: Chat) -> None:
    asked, after = chat({"sender": "c1", "text": "person"}, {"sender": "c1", "text": "and now"})
    assert (texts(asked)[0], asked["owner"]) == ("one moment", "waiting")
    assert after["owner"] == "waiting"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
        (b"[]", "invalid_json"),
        (b'"text"', "invalid_json"),
        (b'{"sender": "c1", "text": "\xff"}', "invalid_utf8"),
        (b'{"sender": "\\ud800", "text": "hi"}', "missing_sender"),
        ({"sender": "c1"}, "invalid_line"),
        ({"sender": "a\0b", "text": "hi"}, "nul"),
        ({"text": "hi"}, "missing_sender"),
        ({"sender": "", "text": "hi"}, "missing_sender"),
        ({"sender": 7, "text": "hi"}, "missing_sender"),
        ({"sender": "c1", "text": ["hi"]}, "invalid_line"),
        ({"sender": "c1", "txt": "hi"}, "invalid_line"),
        ({"sender": "c1", "text": "hi", "attachments": ["/no/such/file.jpg"]}, "unknown_path"),
        ({"sender": "c1", "text": "hi", "attachments": ["/"]}, "unknown_path"),
        (b'{"sender": "c1", "text": "' + b"x" * 5_000_000 + b'"}', "line_too_long"),
    ],
)
def test_a_bad_line_gets_an_error_and_the_next_one_an_answer(
    chat: Chat, line: object, code: str
) -> None:
    bad, good = chat(line, {"sender": "c1", "text": "good"})
    assert bad["error"]["code"] == code
    assert bad["error"]["message"]
    assert bad["replies"] == []
    assert texts(good) == ["echo good"]
    assert "error" not in good


def test_an_error_names_sender_and_id_where_it_can(chat: Chat) -> None:
    (line,) = chat({"sender": "c1", "id": "z"})
    assert (line["sender"], line["id"]) == ("c1", "z")


@pytest.mark.parametrize("text", ["", " \n", "\0", "\u200b"])
def test_an_empty_text_is_answered(chat: Chat, text: str) -> None:
    (line,) = chat({"sender": "c1", "text": text})
    assert "error" not in line
    assert line["replies"]


def test_long_and_odd_texts_are_ordinary_lines(chat: Chat) -> None:
    out = chat(
        {"sender": "c1", "text": "x" * 100_000},
        {"sender": "c1", "text": "\u202eabc\u200b"},
        {"sender": "c1", "text": "<b>hi</b>"},
    )
    assert all(line["replies"] and "error" not in line for line in out)


def test_attachments_are_taken_from_a_path(chat: Chat, tmp_path: Path) -> None:
    picture = tmp_path / "photo.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 64)
    page = tmp_path / "page.html"
    page.write_text("<html>")
    taken, refused = chat(
        {"sender": "c1", "text": "look", "attachments": [str(picture)]},
        {"sender": "c1", "text": "look", "attachments": [str(page)]},
    )
    assert texts(taken) == ["echo look"]
    assert refused["error"]["code"] == "file_type"


def test_no_input_is_no_output(chat: Chat) -> None:
    assert chat() == []
    assert chat(b"", b"   ") == []


def test_a_dialogue_that_never_starts_is_one_line_and_exit_2(bot: Bot) -> None:
    bot.dialogue.never = "no model — train it: bot nlu train"
    result = run(bot, b'{"sender": "c1", "text": "hi"}\n')
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == "bot: no model — train it: bot nlu train"
    assert "Traceback" not in result.output


def test_a_damaged_database_is_one_line_and_exit_2(bot: Bot) -> None:
    bot.data.mkdir()
    (bot.data / "bot.db").write_bytes(b"not a database, really" * 100)
    result = run(bot, b"")
    assert result.exit_code == 2
    assert "bot.db is damaged — " in result.stderr.splitlines()[-1]


async def _hook_message_waits(bot: Bot) -> None:
    bot.settings = bot.settings.changed(port=0)
    async with bot.app() as app:
        store: SQLiteStore = app.store
        await store.write(
            lambda tx: tx.run(
                "INSERT INTO conversations (channel, address, language, created_at, last_in_at) "
                "VALUES ('hook', 'x', 'de', '', '')"
            )
        )
        await store.write(
            lambda tx: tx.run(
                "INSERT INTO inbox (channel, wire_id, conversation, kind, text, received_at, "
                "status) VALUES ('hook', 'w', 1, 'text', 'hi', '', 'pending')"
            )
        )


async def test_a_folder_with_other_channels_messages_is_left_alone(bot: Bot) -> None:
    await _hook_message_waits(bot)
    result = await asyncio.to_thread(run, bot, b"")
    assert result.exit_code == 2
    assert "holds messages of other channels that wait" in result.stderr
