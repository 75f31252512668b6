"""The plugin in a whole bot, by its entry point."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from bot.testing.running import running_bot
from plugins.slack.names import EVENTS_PATH
from plugins.slack.testing import Person, Room, SlackSimulator
from plugins.slack.testing_installed import install_for
from plugins.slack.wanted import Wanted

SECRETS = ("bot_token", "app_token", "signing_secret")


def environment(slack: SlackSimulator) -> dict[str, str]:
    given = slack.settings()
    return {f"SCHALTER_SLACK_{name.upper()}": given[name] for name in SECRETS}


@pytest.mark.parametrize("mode", ["socket", "http"])
async def test_a_member_is_answered(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path, mode: str
) -> None:
    table = {"mode": mode, "api_url": slack.api_url, "hold_seconds": 0.05, "customers": {}}
    table["desk"] = {"channel": support.id, "digest_at": ""}
    secrets = environment(slack)
    url = "https://bot.shop.example" if mode == "http" else ""
    install_for(slack, Wanted(channels=False, url=url))
    async with running_bot(tmp_path, {"slack": table}, environment=secrets) as bot:
        if mode == "http":
            http = slack.listens_at(f"{bot.url}{EVENTS_PATH}")
            while not await http.verifies_url() or (await http.call("{}"))[0] == 503:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        else:
            await slack.socket.connected()
        room = await jonas.direct()
        await jonas.writes(room, "Hallo")
        answer = await slack.wait_message(room)
        assert answer.text == "echo: Hallo"
        async with aiohttp.ClientSession() as web, web.get(f"{bot.url}/health") as response:
            checks = (await response.json())["checks"]
        assert {"name": "slack", "ok": True, "detail": ""} in checks


async def test_without_its_table_it_is_idle(tmp_path: Path) -> None:
    async with running_bot(tmp_path, {"slack": {}, "web": {}}) as bot:
        async with aiohttp.ClientSession() as web, web.get(f"{bot.url}/health") as response:
            checks = (await response.json())["checks"]
        assert "slack" not in {check["name"] for check in checks}
