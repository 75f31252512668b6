"""An envelope is acknowledged at once, and after its commit, whatever disk and process do."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from bot.store import StoreError
from plugins.slack.connection import Connections
from plugins.slack.line import Line
from plugins.slack.testing import Person, Room, SlackSimulator

from .apps import Notes, running


async def test_a_full_disk_acknowledges_nothing_and_the_retry_is_handled_once(
    slack: SlackSimulator,
    jonas: Person,
    support: Room,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running(slack, tmp_path) as now:
        await now.settled()

        async def full(_work: Any) -> None:
            raise StoreError("disk full")

        with monkeypatch.context() as broken:
            broken.setattr(now.store, "write", full)
            slack.events.retry_waits = (0.5, 0.5)
            await jonas.writes(support, "Hallo")
            await asyncio.sleep(0.2)
            assert slack.socket.acks == []
        await now.hears("Hallo")
        await now.settled()
        assert len(slack.socket.acks) == 1
        assert slack.events.given_up == []


async def test_a_slow_disk_delays_the_acknowledgement(
    slack: SlackSimulator,
    jonas: Person,
    support: Room,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running(slack, tmp_path) as now:
        write, disk = now.store.write, asyncio.Event()

        async def slow(work: Any) -> Any:
            await disk.wait()
            return await write(work)

        monkeypatch.setattr(now.store, "write", slow)
        await jonas.writes(support, "Hallo")
        await asyncio.sleep(0.2)
        assert slack.socket.acks == []
        disk.set()
        await now.hears("Hallo")
        await slack.events.settled()
        assert len(slack.socket.acks) == 1


async def test_a_connection_that_dies_between_commit_and_acknowledgement_costs_nothing(
    slack: SlackSimulator,
    jonas: Person,
    support: Room,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running(slack, tmp_path) as now:
        await now.settled()
        write = now.store.write

        async def dies(work: Any) -> Any:
            made = await write(work)
            monkeypatch.undo()
            await slack.socket.drop()
            return made

        monkeypatch.setattr(now.store, "write", dies)
        slack.events.retry_waits = (0.5, 0.5)
        root = await jonas.writes(support, "eins")
        await jonas.writes(support, "zwei", thread=root)
        await now.hears("eins", "zwei")
        await now.settled()
        assert now.notes.texts() == ["eins", "zwei"]


async def test_handlers_that_are_slow_delay_no_acknowledgement(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    texts = [f"Nummer {number}" for number in range(60)]
    async with running(slack, tmp_path, Notes(slow=dict.fromkeys(texts, 30.0))):
        slack.socket.ack_seconds = 1.0
        for text in texts:
            await jonas.writes(support, text)
        await slack.events.settled()
        assert len(slack.socket.acks) == 60  # each at its first attempt
        assert slack.socket.unknown_acks == []


class Flood:
    """A WebSocket that brings an envelope at every turn of the loop."""

    async def receive(self) -> aiohttp.WSMessage:
        return aiohttp.WSMessage(aiohttp.WSMsgType.TEXT, json.dumps({"type": "hello"}), None)

    def __aiter__(self) -> Flood:
        return self

    async def __anext__(self) -> aiohttp.WSMessage:
        await asyncio.sleep(0)
        frame = {"envelope_id": "1", "type": "events_api", "payload": {}}
        return aiohttp.WSMessage(aiohttp.WSMsgType.TEXT, json.dumps(frame), None)

    async def send_str(self, _text: str) -> None: ...

    async def close(self) -> None: ...


async def test_an_envelope_that_comes_as_the_app_stops_is_ended_like_any_other() -> None:
    async def address() -> str:
        return "wss://slack.example"

    async def connect(_url: str, **_how: Any) -> Flood:
        return Flood()

    async def take(_kind: str, _payload: Any) -> None: ...

    connections = Connections(
        api=SimpleNamespace(connection_url=address),  # type: ignore[arg-type]
        session=SimpleNamespace(ws_connect=connect),  # type: ignore[arg-type]
        line=Line(30.0, listens=True),
        take=take,
        missed=lambda: None,
        count=1,
        heartbeat=1.0,
    )
    runs = asyncio.create_task(connections.run())
    await asyncio.sleep(0.05)
    runs.cancel()
    await asyncio.gather(runs, return_exceptions=True)
    # Warnings are errors here: "coroutine Connections._envelope was never awaited" is one.
