"""Socket Mode with the SDK's own client: retries, several connections, and what breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from plugins.slack.testing import Person, Room, SlackSimulator

from .conftest import App

Connect = Callable[[], Awaitable[App]]


async def test_hello_and_a_ticket_for_one_connection(
    slack: SlackSimulator, web: AsyncWebClient
) -> None:
    opened = await web.apps_connections_open(app_token=slack.app_token)
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(opened["url"]) as socket:
            hello = await socket.receive_json()
            assert (hello["type"], hello["num_connections"]) == ("hello", 1)
            assert hello["debug_info"]["approximate_connection_time"] == 18_000
            assert hello["connection_info"] == {"app_id": slack.world.app_id}
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(opened["url"])


async def test_an_event_without_an_ack_comes_again_with_counters(
    slack: SlackSimulator, app: App, jonas: Person, support: Room
) -> None:
    app.acks, slack.socket.ack_seconds = False, 0.2
    await jonas.writes(support, "Hallo?")
    await slack.events.settled()
    assert [one.retry_attempt for one in app.got] == [0, 1, 2, 3]
    assert [one.retry_reason for one in app.got] == ["", "timeout", "timeout", "timeout"]
    assert len({one.payload["event_id"] for one in app.got}) == 1
    assert len({one.envelope_id for one in app.got}) == 4
    assert slack.events.given_up == slack.events.told
    app.acks, slack.socket.ack_seconds = True, 2.0
    await jonas.writes(support, "Jetzt?")
    await slack.events.settled()
    assert len(app.got) == 5


async def test_an_ack_is_counted_once(
    slack: SlackSimulator, app: App, jonas: Person, support: Room
) -> None:
    await jonas.writes(support, "Hallo?")
    await slack.events.settled()
    await app.client.send_message(f'{{"envelope_id": "{app.got[0].envelope_id}"}}')
    for _ in range(100):
        if slack.socket.unknown_acks:
            break
        await asyncio.sleep(0.01)
    assert slack.socket.unknown_acks == [app.got[0].envelope_id]


async def test_each_envelope_goes_to_one_of_several_connections(
    slack: SlackSimulator, connect: Connect, jonas: Person, support: Room
) -> None:
    first, second = await connect(), await connect()
    slack.faults.spread = True
    for number in range(6):
        await jonas.writes(support, str(number))
        await slack.events.settled()
    assert first.texts() == ["0", "2", "4"]
    assert second.texts() == ["1", "3", "5"]
    slack.faults.spread = False
    for number in range(30):
        await jonas.writes(support, str(number))
    await slack.events.settled()
    assert len(first.got) > 3 < len(second.got)
    assert len(first.got) + len(second.got) == 36


async def test_an_eleventh_connection_is_sent_away(
    slack: SlackSimulator, web: AsyncWebClient
) -> None:
    slack.socket.most = 1
    async with aiohttp.ClientSession() as session:
        url = (await web.apps_connections_open(app_token=slack.app_token))["url"]
        async with session.ws_connect(url) as socket:
            await socket.receive_json()
            url = (await web.apps_connections_open(app_token=slack.app_token))["url"]
            async with session.ws_connect(url) as another:
                goodbye = await another.receive_json()
                assert goodbye["reason"] == "too_many_websockets"
                assert (await another.receive()).type == aiohttp.WSMsgType.CLOSE


async def test_a_refresh_makes_the_client_connect_again(
    slack: SlackSimulator, app: App, jonas: Person, support: Room
) -> None:
    await slack.socket.disconnect("warning", closes=False)
    await slack.until(lambda: slack.socket.opened == 2 and len(slack.socket.connections) == 1)
    await slack.socket.disconnect("refresh_requested")
    await slack.until(lambda: slack.socket.opened == 3 and not slack.socket.away)
    await app.settled()
    await jonas.writes(support, "noch da?")
    await slack.events.settled()
    assert app.texts() == ["noch da?"]


async def test_a_dropped_connection_and_what_was_lost_meanwhile(
    slack: SlackSimulator, app: App, web: AsyncWebClient, jonas: Person, support: Room
) -> None:
    slack.faults.lose_when_away = True
    await slack.socket.drop()
    await jonas.writes(support, "ins Leere")
    await slack.socket.connected()
    await jonas.writes(support, "wieder da")
    await slack.events.settled()
    assert app.texts() == ["wieder da"]
    history = await web.conversations_history(channel=support.id)
    assert [one["text"] for one in history["messages"]] == ["wieder da", "ins Leere"]


async def test_without_the_fault_a_retry_reaches_the_next_connection(
    slack: SlackSimulator, app: App, jonas: Person, support: Room
) -> None:
    slack.events.retry_waits = (0.0, 0.5, 0.5, 0.5)
    await slack.socket.drop()
    await jonas.writes(support, "warte")
    await slack.events.settled()
    assert app.texts() == ["warte"]
    assert app.got[0].retry_attempt > 0


async def test_a_silent_connection_is_noticed_by_the_client(
    slack: SlackSimulator, app: App, jonas: Person, support: Room
) -> None:
    slack.events.retry_waits, slack.socket.ack_seconds = (0.0, 0.5, 1.0, 1.0), 0.3
    slack.socket.silence()
    await jonas.writes(support, "hört mich jemand?")
    await asyncio.sleep(0.1)
    assert app.got == []
    assert not slack.socket.away
    await slack.until(lambda: slack.socket.opened >= 2)
    await slack.events.settled()
    assert app.texts() == ["hört mich jemand?"]


async def test_a_switched_off_link(slack: SlackSimulator, web: AsyncWebClient) -> None:
    url = (await web.apps_connections_open(app_token=slack.app_token))["url"]
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        await socket.receive_json()
        await slack.socket.disconnect("link_disabled")
        assert (await socket.receive_json())["reason"] == "link_disabled"
        assert (await socket.receive()).type == aiohttp.WSMsgType.CLOSE
    with pytest.raises(SlackApiError, match="forbidden_team"):
        await web.apps_connections_open(app_token=slack.app_token)


async def test_pings_come_from_the_server_too(slack: SlackSimulator, web: AsyncWebClient) -> None:
    slack.socket.ping_seconds = 0.05
    url = (await web.apps_connections_open(app_token=slack.app_token))["url"]
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, autoping=False) as socket,
    ):
        await socket.receive_json()
        assert (await socket.receive()).type == aiohttp.WSMsgType.PING
        await socket.ping(b"sdk-ping-pong:1")
        pong = await socket.receive()
        while pong.type == aiohttp.WSMsgType.PING:
            pong = await socket.receive()
        assert (pong.type, pong.data) == (aiohttp.WSMsgType.PONG, b"sdk-ping-pong:1")


async def test_duplicates_reorder_late_and_lost(
    slack: SlackSimulator, app: App, jonas: Person, support: Room
) -> None:
    slack.faults.duplicate = 1
    await jonas.writes(support, "zweimal")
    await slack.events.settled()
    once, again = app.got
    assert once.payload["event_id"] == again.payload["event_id"]
    assert (again.retry_attempt, again.retry_reason) == (1, "timeout")
    app.got.clear()
    slack.faults.reorder = 3
    for word in ("eins", "zwei", "drei", "vier"):
        await jonas.writes(support, word)
    await slack.events.settled()
    assert app.texts() == ["drei", "zwei", "eins", "vier"]
    app.got.clear()
    slack.faults.late.extend((0.2, 0.0))
    slack.faults.lose = 0
    await jonas.writes(support, "spät")
    await jonas.writes(support, "früh")
    await slack.events.settled()
    assert app.texts() == ["früh", "spät"]
    slack.faults.lose = 1
    await jonas.writes(support, "verloren")
    await jonas.writes(support, "da")
    await slack.events.settled()
    assert app.texts() == ["früh", "spät", "da"]
    slack.faults.delay = 0.1
    await jonas.writes(support, "verzögert")
    await asyncio.sleep(0.03)
    assert "verzögert" not in app.texts()
    await slack.events.settled()
    assert "verzögert" in app.texts()


async def test_held_events_come_when_they_are_released(
    slack: SlackSimulator, app: App, jonas: Person, support: Room
) -> None:
    slack.events.held = True
    await jonas.writes(support, "eins")
    await jonas.writes(support, "zwei")
    await slack.events.settled()
    assert app.got == []
    slack.events.release()
    await slack.events.settled()
    assert app.texts() == ["eins", "zwei"]
