"""Alarms in the operators' channel: each once, in words, with what to do; also after a restart."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.store import audit
from bot.store.codec import utc_now
from plugins.slack import desk as desk_module
from plugins.slack.testing import SlackSimulator
from plugins.slack.testing_desk import DeskBench, desk_bot

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    often = desk_module._often
    monkeypatch.setattr(desk_module, "_often", lambda step, _rest: often(step, 0.1))


async def raises(bench: DeskBench, kind: str, age: timedelta = timedelta()) -> None:
    await bench.bot.app.store.write(
        lambda tx: audit.raise_alarm(tx, kind, {"count": 40}, utc_now() - age, quiet=HOUR)
    )


def alarms(bench: DeskBench) -> list[str]:
    return [one.words for one in bench.ops.messages if "🚨" in one.words]


async def test_an_alarm_is_told_once_in_words_with_what_to_do(
    slack: SlackSimulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with desk_bot(tmp_path, slack) as bench:
        await raises(bench, "identity_burst")
        await slack.wait_message(bench.ops, "Ungewöhnlich viele falsche Nachweise")
        await raises(bench, "identity_burst")
        await asyncio.sleep(0.5)
        (told,) = alarms(bench)
        assert "Weitere Versuche werden gebremst" in told
        (logged,) = [one for one in caplog.records if one.getMessage() == "alarm"]
        assert (logged.levelno, vars(logged)["kind"]) == (logging.ERROR, "identity_burst")


async def test_after_a_restart_only_what_is_new_is_told(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    async with desk_bot(tmp_path, slack) as bench:
        await raises(bench, "identity_burst")
        await slack.wait_message(bench.ops, "Nachweise")
    async with desk_bot(tmp_path, slack) as bench:
        await raises(bench, "something_else")
        await slack.wait_message(bench.ops, "Alarm: something_else")
        await asyncio.sleep(0.3)
        assert len(alarms(bench)) == 2


async def test_an_alarm_of_last_week_is_no_news_for_a_new_channel(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    async with desk_bot(tmp_path, slack, desk={"ops_channel": None}) as bench:
        await raises(bench, "old", timedelta(days=7))
        await raises(bench, "new", timedelta(hours=2))
    async with desk_bot(tmp_path, slack) as bench:
        await slack.wait_message(bench.ops, "Alarm: new")
        assert len(alarms(bench)) == 1


async def test_health_and_figures_name_it_and_nothing_counts_as_broken(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    async with desk_bot(tmp_path, slack) as bench, aiohttp.ClientSession() as http:
        await raises(bench, "identity_burst")
        async with http.get(f"{bench.bot.url}/health") as answer:
            lines = {one["name"]: one for one in (await answer.json())["checks"]}
        assert lines["alarms"]["ok"] is True
        assert "identity_burst" in lines["alarms"]["detail"]
        async with http.get(f"{bench.bot.url}/metrics") as answer:
            assert 'schalter_alarms_total{kind="identity_burst"} 1.0' in await answer.text()
