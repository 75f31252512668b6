"""Mode http: only what Slack signed a moment ago is taken, and it is answered after the commit."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from plugins.slack.names import EVENTS_PATH
from plugins.slack.testing import Person, Room, SlackSimulator
from plugins.slack.testing_http import HttpMode, signature

from .apps import Running, running


@asynccontextmanager
async def called(slack: SlackSimulator, folder: Path) -> AsyncIterator[tuple[Running, HttpMode]]:
    async with running(slack, folder, mode="http") as now:
        served = web.Application()
        served.add_routes(now.app.routes())
        runner = web.AppRunner(served, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}{EVENTS_PATH}"
        http = slack.listens_at(url)
        try:
            while (await http.call("{}"))[0] == 503:
                pass
            yield now, http
        finally:
            await runner.cleanup()


async def test_a_message_comes_by_a_call(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    async with called(slack, tmp_path) as (now, http):
        assert await http.verifies_url()
        slack.faults.duplicate = 1
        await jonas.writes(support, "Hallo")
        await now.hears("Hallo")
        await slack.events.settled()
        assert len(await now.rows("SELECT key FROM slack_events")) == 1
        assert (await now.app.health()).ok
        assert slack.socket.opened == 0


async def test_what_slack_did_not_sign_now_is_refused(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    async with called(slack, tmp_path) as (now, http):
        body = json.dumps({"type": "url_verification", "challenge": "geheim"})
        old, ahead = str(int(time.time()) - 301), str(int(time.time()) + 301)
        for how in (
            {"signed": ""},
            {"signed": "v0=" + "0" * 64},
            {"timestamp": old},
            {"timestamp": ahead},
            {"timestamp": "bald"},
        ):
            status, answer, headers = await http.call(body, **how)
            assert (status, headers["X-Slack-No-Retry"]) == (403, "1"), how
            assert "geheim" not in answer
        assert await now.rows("SELECT 1 FROM slack_events") == []


async def test_what_cannot_be_read_is_not_brought_again(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    async with called(slack, tmp_path) as (_, http):
        for body, form in (("Hallo", False), ("[]", False), ("{}", False), ("payload=x", True)):
            status, _, headers = await http.call(body, form=form)
            assert (status, headers.get("X-Slack-No-Retry")) == (400, "1"), body
        assert (await http.call("a" * (4 * 1024 * 1024 + 1)))[0] == 413


async def test_the_longest_message_is_taken(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    async with called(slack, tmp_path) as (now, _):
        line = await jonas.writes(support, "kurz")
        await jonas.edits(line, "𝔸" * 40_000)
        await now.until(lambda: len(now.notes.got) == 2)
        assert now.notes.got[1].text == "𝔸" * 40_000


async def test_each_of_slacks_calls_is_read_as_what_it_says_it_is(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    async with called(slack, tmp_path) as (now, http):
        line = await jonas.writes(support, "Hallo")
        await slack.events.settled()
        told = json.dumps(slack.events.told[0])
        assert (await http.call(told))[0] == 200  # what was recorded and is replayed
        assert (await http.call(told, form=True))[0] == 400
        asked = json.dumps({"type": "url_verification", "challenge": "wort"})
        assert (await http.call(asked, form=True))[0] == 400
        assert (await http.call("ssl_check=1&token=alt", form=True))[:2] == (200, "")
        assert (await http.call(told, signed=signature("", str(int(time.time())), told)))[0] == 403
        await now.settled()
        assert [event.ts for event in now.notes.got] == [line.ts]
