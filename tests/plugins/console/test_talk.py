"""`bot chat` for people."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.messages import Answer, Button, Say, Turn
from host.cli import main
from plugins.console import bot_register
from tests.core.shell import Bot, OneLanguage, entry


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bot]:
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


def talk(bot: Bot, *lines: str) -> str:
    given = "".join(f"{line}\n" for line in lines)
    result = CliRunner().invoke(main, ["chat", "--data", str(bot.data)], input=given)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_what_the_bot_says_is_shown_until_the_input_ends(bot: Bot) -> None:
    said = talk(bot, "hi", "", "[bold]there")
    assert "bot echo hi" in said
    assert "bot echo [bold]there" in said
    assert "echo 0.90, owner: bot" in said


def test_quit_ends(bot: Bot) -> None:
    assert "echo hi" not in talk(bot, "/quit", "hi")


def test_a_number_presses_a_button_and_only_while_it_is_offered(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(turn: Turn) -> Answer:
        if turn.text == "choose":
            return Answer((Say(text="which?", buttons=(Button("Red", "/red"),)),))
        return Answer((Say(text=f"{turn.text} {turn.payload}"),))

    monkeypatch.setattr(bot.dialogue, "ask", ask)
    said = talk(bot, "choose", "2", "choose", "1", "1")
    assert "1 Red" in said
    lines = [line for line in said.splitlines() if " None" in line or "/red" in line]
    assert [line.split("bot ")[-1] for line in lines] == ["2 None", "Red /red", "1 None"]


def test_a_file_goes_with_the_next_line(bot: Bot, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("Grüße")
    said = talk(bot, "/file note.txt", "look", "/file none.txt")
    assert "note.txt goes with your next line." in said
    assert "echo look" in said
    assert "none.txt is not taken" in said
