"""The command `bot`: help for everybody, one line and exit 2 for what stops it."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import aiohttp
import click
import pytest
from click.testing import CliRunner, Result

from bot.messages import ActionCall, Answer, Policy
from bot.ports import Problem, Tx
from bot.store.codec import stamp
from host.app import App
from host.cli import Context, data_option, main
from host.folder import locked
from host.ports import Registrar
from plugins.dead_letters import bot_register as dead_letters
from tests.core.shell import Bot, OneLanguage, entry

ROOT = Path(__file__).parents[2]
Run = Callable[..., Result]


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bot]:
    """The small bot as what is installed, in a folder without settings."""
    made = Bot(tmp_path / "data")
    made.dialogue.started.set()
    made.more = (entry("dead_letters", dead_letters),)
    monkeypatch.setattr(
        "host.plugins.entry_points", lambda group: [entry("echo", made.register), *made.more]
    )
    monkeypatch.setattr("host.app.LanguageDetector", OneLanguage)
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield made
    root.handlers[:], root.level = handlers, level


@pytest.fixture
def run(bot: Bot) -> Run:
    def invoke(*arguments: str) -> Result:
        result = CliRunner().invoke(main, arguments)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return invoke


def settings(folder: Path, text: str) -> None:
    (folder / "schalter.toml").write_text(text)


def test_help_shows_our_commands_and_the_plugins(run: Run) -> None:
    result = run("--help")
    assert result.exit_code == 0
    for name in ("run", "check", "plugins", "dead"):
        assert f" {name} " in result.output


def test_help_works_with_wrong_settings_too(run: Run, tmp_path: Path) -> None:
    settings(tmp_path, "[bot\n")
    result = run("--help")
    assert result.exit_code == 0
    assert " dead " in result.output


def test_wrong_settings_are_one_line_and_exit_2(run: Run, tmp_path: Path) -> None:
    settings(tmp_path, "[bot]\nprot = 8081\n")
    for command in (["run"], ["plugins"], ["dead", "list"]):
        result = run(*command)
        assert result.exit_code == 2
        assert result.stderr == (
            "bot: schalter.toml:2 [bot] prot: unknown key — did you mean 'port'?\n"
        )


def test_a_settings_file_that_is_not_there(run: Run) -> None:
    result = run("--config", "no.toml", "check")
    assert result.exit_code == 2
    assert "no.toml: cannot be read" in result.output


def test_a_port_that_is_taken_is_one_line_and_exit_2(run: Run, bot: Bot) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = run("--data", str(bot.data), "run", "--port", str(port))
    assert result.exit_code == 2
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("bot: ")]
    assert line.startswith(f"bot: port {port} on 127.0.0.1 is taken by another program — ")


def test_check_finds_nothing_in_a_good_installation(run: Run) -> None:
    result = run("check")
    assert (result.exit_code, result.output) == (0, "Everything is in order.\n")
    assert json.loads(run("check", "--json").output) == []


def test_check_says_everything_as_json(run: Run, bot: Bot, tmp_path: Path) -> None:
    class Reckless:
        name = "reckless"
        policy = Policy(read_only=False)

        async def run(self, call: ActionCall) -> Answer:
            return Answer()

    def register(registrar: Registrar) -> None:
        registrar.add_action(lambda _services: Reckless())  # type: ignore[arg-type,return-value]
        registrar.add_check(lambda: [Problem("here", "is odd", "look", fatal=False)])

    def breaks(registrar: Registrar) -> None:
        raise RuntimeError("no")

    bot.more = (entry("reckless", register), entry("breaks", breaks))
    result = run("check", "--json")
    assert result.exit_code == 2
    found = {(line["where"], line["fatal"]) for line in json.loads(result.output)}
    assert found == {("action reckless", True), ("plugin breaks", True), ("here", False)}
    listed = run("check").output.splitlines()
    assert listed[-1] == "note  here: is odd — look"


def test_check_online_asks_the_running_bot(run: Run, bot: Bot) -> None:
    result = run("check", "--online", "--data", str(bot.data))
    assert result.exit_code == 0
    assert "no bot runs on" in result.output


def test_plugins_are_listed_with_what_they_registered_or_why_not(run: Run, bot: Bot) -> None:
    def breaks(registrar: Registrar) -> None:
        raise RuntimeError("out of tea")

    bot.more = (entry("breaks", breaks),)
    report = {line["name"]: line for line in json.loads(run("plugins", "--json").output)}
    assert report["echo"]["registered"] == ["channel hook", "desk quiet", "dialogue"]
    assert report["breaks"]["state"] == "broken"
    assert "out of tea" in report["breaks"]["reason"]
    assert "out of tea" in " ".join(run("plugins").output.split())


def test_the_data_folder_may_stand_before_or_after_the_command(run: Run, bot: Bot) -> None:
    seen: list[Path] = []

    @click.command("where")
    @data_option
    @click.pass_obj
    def where(context: Context) -> None:
        seen.append(context.plugins.all[0].registered.ports[Path])
        seen.append(context.data)

    def register(registrar: Registrar) -> None:
        registrar.provide(Path, registrar.data)
        registrar.add_command(where)

    bot.more = (entry("a", register),)
    for arguments in (["--data", "x", "where"], ["where", "--data", "x"]):
        seen.clear()
        assert run(*arguments).exit_code == 0
        assert seen == [Path("x"), Path("x")]  # also for the plugins


def _run(statement: str, tx: Tx) -> None:
    first, second = (stamp(datetime(2030, 1, day, tzinfo=UTC)) for day in (1, 2))
    tx.run(statement, at=first, later=second)


async def _with_dead_letters(bot: Bot) -> App:
    """Make a turn dead and a message undeliverable, as a crash of ours would."""
    async with bot.app() as app:
        for statement in (
            "INSERT INTO conversations (id, channel, address, language, created_at, last_in_at) "
            "VALUES (1, 'hook', 'c1', 'de', :at, :at)",
            "INSERT INTO turns (key, conversation, session, owner_version, text, kind, language, "
            "status, error, attempts, created_at) VALUES ('t1', 1, 1, 0, 'hello again', 'text', "
            "'de', 'dead', 'broken', 3, :at)",
            "INSERT INTO inbox (channel, wire_id, conversation, kind, text, received_at, status, "
            "turn) VALUES ('hook', 'w1', 1, 'text', 'hello again', :at, 'turn', 't1')",
            "INSERT INTO outbox (id, target, stream, op, conversation, author, text, state, "
            "reason, not_before, created_at) VALUES ('s1', 'channel:hook', 'conversation:1', "
            "'send', 1, 'bot', 'lost words', 'failed', 'blocked', :at, :later)",
        ):
            await app.store.write(partial(_run, statement))
    return app


def test_dead_letters_are_listed_shown_dropped_and_replayed(run: Run, bot: Bot) -> None:
    data = ["--data", str(bot.data)]
    assert run("dead", "list", *data).output == "There are no dead letters.\n"
    asyncio.run(_with_dead_letters(bot))
    listed = json.loads(run("dead", "list", "--json", *data).output)
    assert [(one["kind"], one["id"], one["reason"]) for one in listed] == [
        ("turn", "t1", "broken"),
        ("send", "s1", "failed: blocked"),
    ]
    assert "hello" not in json.dumps(listed)
    assert "s1" in run("dead", "list", *data).output
    assert json.loads(run("dead", "show", "t1", *data).output)["text"] == "hello again"
    assert run("dead", "drop", "t1", *data).exit_code == 0
    assert run("dead", "replay", "s1", *data).exit_code == 0
    assert run("dead", "list", *data).output == "There are no dead letters.\n"
    unknown = run("dead", "replay", "s1", *data)
    assert unknown.exit_code == 2
    assert unknown.stderr == "bot: there is no dead letter s1 — bot dead list shows all\n"


async def test_beside_a_running_bot_dead_letters_go_through_it(run: Run, bot: Bot) -> None:
    await _with_dead_letters(bot)
    data = ["--data", str(bot.data)]

    async def beside(*arguments: str) -> Result:
        return await asyncio.to_thread(run, *arguments, *data)

    async with bot.app() as app:
        listed = json.loads((await beside("dead", "list", "--json")).output)
        assert [one["id"] for one in listed] == ["t1", "s1"]
        assert json.loads((await beside("dead", "show", "s1")).output)["reason"] == "blocked"
        assert (await beside("dead", "show", "nope")).exit_code == 2
        assert (await beside("dead", "replay", "s1", "t1")).exit_code == 0
        assert await bot.answers(2) == ["lost words", "echo hello again"]
        rows = await app.store.read(
            lambda tx: tx.rows("SELECT replaces FROM outbox WHERE replaces IS NOT NULL")
        )
        assert [row["replaces"] for row in rows] == ["s1"]
        assert (await beside("check", "--online")).output == "Everything is in order.\n"
    assert (await beside("dead", "list")).output == "There are no dead letters.\n"


async def test_the_loopback_door_is_shut_for_others(bot: Bot) -> None:
    async with bot.app() as app, aiohttp.ClientSession(app.url) as web:
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer "}):
            async with web.get("/admin/dead", headers=headers) as answer:
                assert answer.status == 401
            async with web.post("/admin/dead/t1/drop", headers=headers) as answer:
                assert answer.status == 401


def test_a_bot_that_does_not_answer_is_named(run: Run, bot: Bot) -> None:
    with locked(bot.data):
        result = run("dead", "list", "--data", str(bot.data))
    assert result.exit_code == 2
    assert "does not answer" in result.stderr


def test_help_does_not_wait_for_what_only_a_running_bot_needs() -> None:
    source = (
        "import sys\nfrom pathlib import Path\nimport host.cli\n"
        "from host import plugins, settings\n"
        "plugins.load(settings.Settings(), Path('data'))\nprint(list(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, cwd=ROOT, check=True
    )
    for heavy in (
        "host.app",
        "host.web",
        "host.wiring",
        "py3langid",
        "prometheus_client",
        "reportlab",
    ):
        assert f"'{heavy}'" not in done.stdout


@pytest.mark.parametrize("value", ["", "x", "70000"])
def test_a_wrong_option_is_exit_2(run: Run, value: str) -> None:
    result = run("run", "--port", value)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
