"""The running bot: one message through it, and how it starts, stops and refuses to."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.messages import ActionCall, Answer, Policy
from bot.ports import Inbox
from bot.testing import FakeDesk
from host.app import App, serve
from host.errors import Fatal
from host.ports import Registrar, Services
from host.settings import BotOptions, HandoffOptions
from host.wiring import desk_of
from tests.core.shell import Bot, HookChannel, OneLanguage, QuietDesk, entry

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _quick_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("host.app.LanguageDetector", OneLanguage)


@pytest.fixture
async def bot(tmp_path: Path) -> Bot:
    return Bot(tmp_path / "data")


@pytest.fixture
async def web() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def post(web: aiohttp.ClientSession, app: App, text: str, wire_id: str) -> tuple[int, Any]:
    body = {"from": "c1", "id": wire_id, "text": text}
    async with web.post(f"{app.url}/hook", json=body) as answer:
        return answer.status, await answer.json()


async def get(web: aiohttp.ClientSession, app: App, path: str) -> tuple[int, Any]:
    async with web.get(f"{app.url}{path}") as answer:
        return answer.status, await answer.json()


async def test_a_message_is_answered_once(bot: Bot, web: aiohttp.ClientSession) -> None:
    async with bot.app() as app:
        assert await post(web, app, "hi", "1") == (200, [True])
        assert await post(web, app, "hi", "1") == (200, [False])
        assert await bot.answers(1) == ["echo hi"]
        assert (await get(web, app, "/health"))[0] == 200
        async with web.get(f"{app.url}/metrics") as answer:
            figures = await answer.text()
    assert "schalter_messages_accepted_total 1.0" in figures
    assert 'schalter_turn_seconds_count{step="ask"} 1.0' in figures


async def test_messages_are_accepted_while_the_dialogue_starts(
    bot: Bot, web: aiohttp.ClientSession
) -> None:
    async with bot.app() as app:
        assert (await get(web, app, "/ready"))[0] == 503
        assert (await post(web, app, "hi", "1"))[0] == 200
        bot.dialogue.started.set()
        await app.ready()
        assert await get(web, app, "/ready") == (200, {"ready": True})


async def test_stopping_lets_a_running_turn_end_and_sends_its_answer(
    bot: Bot, web: aiohttp.ClientSession
) -> None:
    async with bot.app() as app:
        await post(web, app, "wait 0.5", "1")
        await asyncio.sleep(0.2)
    assert await bot.answers(1) == ["echo wait 0.5"]


async def test_what_was_accepted_is_answered_after_a_restart(
    bot: Bot, web: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.app._DRAIN_SECONDS", 0.05)
    async with bot.app() as app:
        await post(web, app, "wait 1", "1")
        await asyncio.sleep(0.2)
    assert bot.channel.sent == []
    async with bot.app():
        assert await bot.answers(1) == ["echo wait 1"]


async def test_two_bots_on_one_folder(bot: Bot) -> None:
    async with bot.app():
        with pytest.raises(Fatal, match=rf"another bot runs on .* \(pid {os.getpid()}\) — stop it"):
            await bot.app().__aenter__()
    async with bot.app():
        pass


async def test_a_damaged_database(bot: Bot) -> None:
    bot.data.mkdir()
    (bot.data / "bot.db").write_bytes(b"not a database at all" * 300)
    with pytest.raises(Fatal, match=r"bot.db is damaged — restore it"):
        await bot.app().__aenter__()


async def test_a_locked_database(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    async with bot.app():
        pass
    monkeypatch.setattr(
        "bot.store.sqlite._PRAGMAS", ("PRAGMA journal_mode = WAL", "PRAGMA busy_timeout = 50")
    )
    other = sqlite3.connect(bot.data / "bot.db", isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Fatal, match="is locked by another program — end that program"):
            await bot.app().__aenter__()
    finally:
        other.close()


async def test_a_data_folder_that_cannot_be_made(bot: Bot, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    bot.data = tmp_path / "file" / "data"
    with pytest.raises(Fatal, match=r"the data folder .* cannot be used .* — .*--data"):
        await bot.app().__aenter__()


async def test_without_a_dialogue_there_is_no_bot(bot: Bot) -> None:
    def fails(_services: Services) -> Any:
        raise RuntimeError("no model here")

    def register(registrar: Registrar) -> None:
        registrar.add_dialogue(fails)
        registrar.add_desk(QuietDesk())

    bot.settings = replace(bot.settings, bot=BotOptions(port=0, without=("echo",)))
    bot.more = (entry("model", register),)
    with pytest.raises(Fatal, match=r"no plugin provides a dialogue .*no model here"):
        await bot.app().__aenter__()


class Greedy:
    name = "greedy"
    policy = Policy(read_only=True)

    async def run(self, call: ActionCall) -> Answer:
        return Answer()


async def test_a_plugin_that_cannot_be_built_is_left_out_and_the_others_run(
    bot: Bot, web: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    def build(services: Services) -> Any:
        services.get(Greedy)
        return Greedy()

    bot.more = (entry("greedy", lambda registrar: registrar.add_action(build)),)
    async with bot.app() as app:
        assert "greedy" not in app.core.actions.names()
        await post(web, app, "hi", "1")
        assert await bot.answers(1) == ["echo hi"]
    (record,) = [r for r in caplog.records if r.msg == "plugin left out"]
    assert "no plugin provides Greedy" in record.__dict__["why"]


async def test_a_channel_that_cannot_be_opened_is_named_and_the_others_run(
    bot: Bot, web: aiohttp.ClientSession
) -> None:
    class Deaf(HookChannel):
        name = "deaf"

        def open(self, inbox: Inbox) -> Any:
            raise RuntimeError("no token")

        def routes(self, inbox: Inbox) -> list[Any]:
            raise RuntimeError("no token")

    bot.more = (entry("deaf", lambda registrar: registrar.add_channel(Deaf())),)
    async with bot.app() as app:
        await post(web, app, "hi", "1")
        assert await bot.answers(1) == ["echo hi"]
        status, body = await get(web, app, "/health")
    assert status == 503
    (broken,) = [check for check in body["checks"] if not check["ok"]]
    assert broken["name"] == "channel deaf"
    assert "no token" in broken["detail"]


async def test_a_full_disk_is_one_line(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_given: object, **_more: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "admin.json.new")

    monkeypatch.setattr("host.folder.json.dump", full)
    with pytest.raises(Fatal, match=r"\(No space left on device\) — check the disk"):
        await bot.app().__aenter__()


async def test_which_desk_must_be_clear(bot: Bot) -> None:
    bot.settings = replace(bot.settings, handoff=HandoffOptions(desk="quit"))
    with pytest.raises(Fatal, match=r"\[handoff\] desk: no such desk: 'quit' — .*'quiet'"):
        await bot.app().__aenter__()


def test_a_desk_whose_plugin_is_set_up_wrongly_leads_to_the_plugin(bot: Bot) -> None:
    """The fault is there, not in the name of the desk."""
    handoff, plugins = HandoffOptions(desk="slack"), {"slack": {"customers": {}}}
    settings = replace(bot.settings, handoff=handoff, plugins=plugins)
    hint = r"no such desk: 'slack' — mend \[plugins.slack\]: .* brings no desk \(possible: quiet\)"
    with pytest.raises(Fatal, match=hint):
        desk_of(settings, {"quiet": FakeDesk("quiet")})


async def test_a_dialogue_that_gives_up_stops_the_bot(bot: Bot) -> None:
    async def started(app: App) -> None:
        bot.dialogue.never = "no model — train it"
        bot.dialogue.started.set()

    with pytest.raises(Fatal, match="no model — train it"):
        await serve(bot.app(), started)


async def test_the_door_is_for_the_owner_and_closes_with_the_bot(
    bot: Bot, web: aiohttp.ClientSession
) -> None:
    async with bot.app() as app:
        door = bot.data / "admin.json"
        assert door.stat().st_mode & 0o777 == 0o600
        assert json.loads(door.read_text())["url"] == app.url
    assert not door.exists()


PROCESS = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {root!r})
import host.app
from tests.core.shell import Bot, OneLanguage
host.app.LanguageDetector = OneLanguage

async def main():
    made = Bot(Path({data!r}))
    async def started(app):
        print(app.url, flush=True)
    await host.app.serve(made.app(), started)
    print([out.text for out in made.channel.sent], flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_and_ends_with_0(
    tmp_path: Path, web: aiohttp.ClientSession, sign: signal.Signals
) -> None:
    source = PROCESS.format(root=str(ROOT), data=str(tmp_path / "data"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", source, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        url = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
        body = {"from": "c1", "id": "1", "text": "wait 0.5"}
        async with web.post(f"{url}/hook", json=body) as answer:
            assert answer.status == 200
        await asyncio.sleep(0.2)
        began = time.monotonic()
        process.send_signal(sign)
        said = (await asyncio.wait_for(process.stdout.read(), 20)).decode()
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert said.strip() == "['echo wait 0.5']"
    assert time.monotonic() - began < 10
