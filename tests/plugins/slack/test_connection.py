"""The connections: noticed when they die, replaced before they end, and red when there is none."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from plugins.slack.line import LINK_DISABLED
from plugins.slack.testing import Person, Room, SlackSimulator

from .apps import Notes, running

pytestmark = pytest.mark.slow


async def test_a_dead_socket_is_noticed_and_what_it_swallowed_comes(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    async with running(slack, tmp_path) as now:
        slack.socket.silence()
        await jonas.writes(support, "in das tote Ohr")
        await now.hears("in das tote Ohr")
        assert slack.socket.opened >= 2


async def test_a_refresh_opens_the_new_connection_first(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    async with running(slack, tmp_path) as now:
        await jonas.writes(support, "eins")
        await now.hears("eins")
        reads = len(slack.api.requests)
        await slack.socket.disconnect("warning", closes=False)
        await slack.socket.connected(2)  # the old one is still there
        for text in ("zwei", "drei"):
            await jonas.writes(support, text)
        await now.until(lambda: len(now.notes.got) == 3)
        later = {method for method, _ in slack.api.requests[reads:]}
        assert later == {"apps.connections.open"}  # nothing was missed, nothing is read again
        assert (await now.app.health()).ok


async def test_no_envelope_is_lost_or_handled_twice_while_connections_come_and_go(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    async with running(slack, tmp_path, connections=2) as now:
        root = await jonas.writes(support, "0")
        for number in range(1, 13):
            await jonas.writes(support, str(number), thread=root)
            if number % 4 == 0:
                await slack.socket.disconnect("refresh_requested")
                await slack.socket.connected(1)
            if number == 6:
                await slack.socket.drop()
                await slack.socket.connected(1)
        await now.until(lambda: len(now.notes.got) == 13)
        assert sorted(int(text) for text in now.notes.texts()) == list(range(13))


async def test_health_is_red_without_a_connection_and_it_is_said_once(
    slack: SlackSimulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(slack, tmp_path) as now:
        assert (await now.app.health()).ok
        slack.faults.html["apps.connections.open"] = 1000
        await slack.socket.drop()
        await asyncio.sleep(1.2)
        health = await now.app.health()
        assert not health.ok
        assert "no connection to Slack" in health.detail
        said = [one for one in caplog.records if "no connection" in one.getMessage()]
        assert len(said) == 1
        slack.faults.html.clear()
        async with asyncio.timeout(30):
            while not (await now.app.health()).ok:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_socket_mode_that_is_switched_off_is_named(
    slack: SlackSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugins.slack.connection._OPERATOR_PAUSE", 0.5)
    async with running(slack, tmp_path) as now:
        await slack.socket.disconnect("link_disabled")
        await asyncio.sleep(0.3)
        health = await now.app.health()
        assert not health.ok
        assert health.detail == LINK_DISABLED  # and nothing of tokens, which are good
        slack.socket.enabled = True
        await slack.socket.connected()
        await now.until(lambda: now.app.line.health().ok)


@pytest.mark.parametrize("most", [0, 1])
async def test_too_many_connections_of_the_app_are_waited_for(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path, most: int
) -> None:
    slack.socket.most = most
    async with running(slack, tmp_path, connected=False, connections=2) as now:
        await asyncio.sleep(1.2)
        asked = len(slack.api.calls("apps.connections.open"))
        assert asked < 8  # it waits longer each time
        health = await now.app.health()
        assert health.ok is bool(most)
        if not most:
            assert "too_many_websockets" in health.detail
        slack.socket.most = 10
        await slack.socket.connected(2, 20.0)
        await jonas.writes(support, "Hallo")
        await now.hears("Hallo")


async def test_a_connection_outlives_the_time_of_a_request(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    async with running(slack, tmp_path, timeout=0.6) as now:
        await asyncio.sleep(1.5)
        assert slack.socket.opened == 1
        await jonas.writes(support, "Hallo")
        await now.hears("Hallo")


async def test_an_envelope_is_acknowledged_after_the_commit_and_not_before(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    async with running(slack, tmp_path, Notes(slow={"eins": 5.0})) as now:
        slack.socket.acks.clear()
        await jonas.writes(support, "eins")
        await slack.events.settled()
        kept = await now.rows("SELECT status FROM slack_events")
        assert [row["status"] for row in kept] == ["open"]  # its handler is still at work
        assert len(slack.socket.acks) == 1
        assert slack.socket.unknown_acks == []


async def test_two_parts_share_one_connection(slack: SlackSimulator, tmp_path: Path) -> None:
    async with running(slack, tmp_path) as now, now.app.running(now.store):
        await asyncio.sleep(0.1)
        assert slack.socket.opened == 1
    assert not (await now.app.health()).ok
