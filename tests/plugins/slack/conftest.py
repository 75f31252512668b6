"""A simulated Slack, and an app on the official SDK that talks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from plugins.slack.testing import Person, Room, SlackSimulator

Answer = Callable[[SocketModeRequest], Awaitable[dict[str, Any] | None]]


def button(text: str = "Übernehmen", action: str = "take", value: str = "case-1") -> dict[str, Any]:
    words = {"type": "plain_text", "text": text}
    return {"type": "button", "text": words, "action_id": action, "value": value}


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


CARD = [section("*Neuer Fall*"), {"type": "actions", "elements": [button()]}]


@dataclass
class App:
    """What the SDK's Socket Mode client got; it acknowledges when `acks` is set."""

    client: SocketModeClient
    got: list[SocketModeRequest] = field(default_factory=list)
    acks: bool = True
    answer: dict[str, Any] | None = None

    async def heard(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        self.got.append(request)
        if self.acks:
            response = SocketModeResponse(request.envelope_id, self.answer)
            await client.send_socket_mode_response(response)

    async def settled(self) -> None:
        """Wait until the client is not connecting: closed meanwhile, it leaks the connection."""
        async with self.client.connect_operation_lock:
            return

    @property
    def events(self) -> list[dict[str, Any]]:
        return [one.payload["event"] for one in self.got if one.type == "events_api"]

    @property
    def interactions(self) -> list[dict[str, Any]]:
        return [one.payload for one in self.got if one.type == "interactive"]

    def texts(self) -> list[str]:
        return [one["text"] for one in self.events if "text" in one]


@pytest.fixture
async def slack() -> AsyncIterator[SlackSimulator]:
    async with SlackSimulator(retry_waits=(0.0, 0.1, 0.2), ack_seconds=2.0) as simulator:
        yield simulator


@pytest.fixture
async def web(slack: SlackSimulator) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)


@pytest.fixture
def jonas(slack: SlackSimulator) -> Person:
    return slack.person("jonas", "Jonas Weber")


@pytest.fixture
def support(slack: SlackSimulator, jonas: Person) -> Room:
    return slack.channel("support", jonas)


@pytest.fixture
async def connect(slack: SlackSimulator) -> AsyncIterator[Callable[[], Awaitable[App]]]:
    """Open one more connection with the SDK's aiohttp client."""
    apps: list[App] = []

    async def connected() -> App:
        web = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        client = SocketModeClient(slack.app_token, web_client=web, ping_interval=0.2)
        app = App(client)
        apps.append(app)
        client.socket_mode_request_listeners.append(app.heard)
        count = len(slack.socket.connections)
        await client.connect()
        await slack.socket.connected(count + 1)
        return app

    yield connected
    for app in apps:
        await app.settled()
        await app.client.close()


@pytest.fixture
async def app(connect: Callable[[], Awaitable[App]]) -> App:
    return await connect()
