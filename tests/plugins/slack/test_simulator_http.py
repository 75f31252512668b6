"""Signed calls in place of Socket Mode, checked with the SDK's own verifier and with Bolt."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from plugins.slack.testing import NotAcknowledged, Person, Room, SlackSimulator

from .conftest import CARD


@dataclass
class Page:
    """The app's address: what was called, and what is answered."""

    verifier: SignatureVerifier
    calls: list[tuple[dict[str, str], str]] = field(default_factory=list)
    bad: int = 0
    answers: list[web.Response] = field(default_factory=list)
    slow: float = 0.0

    async def serve(self, request: web.Request) -> web.Response:
        body = await request.text()
        headers = dict(request.headers)
        self.calls.append((headers, body))
        if not self.verifier.is_valid_request(body, headers):
            self.bad += 1
            return web.Response(status=401)
        await asyncio.sleep(self.slow)
        if body.startswith("{") and json.loads(body)["type"] == "url_verification":
            return web.json_response({"challenge": json.loads(body)["challenge"]})
        return self.answers.pop(0) if self.answers else web.Response()

    def retries(self) -> list[tuple[str | None, str | None]]:
        names = ("X-Slack-Retry-Num", "X-Slack-Retry-Reason")
        return [(headers.get(names[0]), headers.get(names[1])) for headers, _ in self.calls]


@pytest.fixture
async def page(slack: SlackSimulator) -> AsyncIterator[Page]:
    made = Page(SignatureVerifier(slack.signing_secret))
    app = web.Application()
    app.add_routes([web.post("/slack/events", made.serve)])
    async with serving(app) as url:
        slack.listens_at(f"{url}/slack/events")
        yield made


class serving:
    def __init__(self, app: web.Application) -> None:
        # A call that Slack gave up on must not outlive the test.
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)

    async def __aenter__(self) -> str:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def __aexit__(self, *_error: object) -> None:
        await self._runner.cleanup()


async def test_the_challenge(slack: SlackSimulator, page: Page) -> None:
    assert slack.http is not None
    assert await slack.http.verifies_url()
    page.verifier = SignatureVerifier("another secret")
    assert not await slack.http.verifies_url()


async def test_signed_events_and_retries(
    slack: SlackSimulator, page: Page, jonas: Person, support: Room
) -> None:
    page.answers = [web.Response(status=500), web.Response(status=503)]
    await jonas.writes(support, "Grüße")
    await slack.events.settled()
    assert page.bad == 0
    assert page.retries() == [(None, None), ("1", "http_error"), ("2", "http_error")]
    bodies = {json.loads(body)["event_id"] for _, body in page.calls}
    assert len(bodies) == 1
    assert json.loads(page.calls[0][1])["event"]["text"] == "Grüße"


async def test_a_slow_answer_is_none_and_no_retry_is_heeded(
    slack: SlackSimulator, page: Page, jonas: Person, support: Room
) -> None:
    assert slack.http is not None
    page.slow, slack.http.ack_seconds = 3.0, 0.1
    await jonas.writes(support, "Hallo?")
    await slack.events.settled()
    assert page.retries()[1:] == [(str(number), "http_timeout") for number in (1, 2, 3)]
    await asyncio.sleep(page.slow)  # the last answer, which nobody waits for any more
    page.slow, page.calls, slack.http.ack_seconds = 0.0, [], 2.0
    page.answers = [web.Response(status=500, headers={"X-Slack-No-Retry": "1"})]
    await jonas.writes(support, "einmal")
    await slack.events.settled()
    assert len(page.calls) == 1
    assert len(slack.events.given_up) == 2
    page.calls.clear()
    slack.faults.duplicate = 1
    await jonas.writes(support, "zweimal")
    await slack.events.settled()
    assert page.retries() == [(None, None), ("1", "http_timeout")]


async def test_a_wrong_signature_and_an_old_one(slack: SlackSimulator, page: Page) -> None:
    assert slack.http is not None
    assert (await slack.http.call("{}", signed="v0=00"))[0] == 401
    old = str(int(time.time()) - 600)
    assert (await slack.http.call("{}", timestamp=old))[0] == 401
    assert page.bad == 2


async def test_buttons_and_commands_come_as_forms(
    slack: SlackSimulator, page: Page, web_client: AsyncWebClient, jonas: Person, support: Room
) -> None:
    await web_client.chat_postMessage(channel=support.id, text="Fall", blocks=CARD)
    await slack.events.settled()
    page.calls.clear()
    card = await slack.wait_message(support)
    await jonas.presses(card, "Übernehmen")
    headers, body = page.calls.pop()
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    payload: dict[str, Any] = json.loads(parse_qs(body)["payload"][0])
    assert payload["type"] == "block_actions"
    page.answers = [web.json_response({"response_type": "ephemeral", "text": "3 Fälle"})]
    await jonas.slash(support, "/faelle", "offen")
    form = parse_qs(page.calls.pop()[1])
    assert (form["command"], form["text"]) == (["/faelle"], ["offen"])
    assert (await jonas.sees_ephemeral()).text == "3 Fälle"
    page.answers = [web.Response(text="nur Worte")]
    await jonas.slash(support, "/faelle")
    assert (await jonas.sees_ephemeral("Worte")).text == "nur Worte"
    page.answers = [web.Response(status=500)]
    with pytest.raises(NotAcknowledged, match="http_error"):
        await jonas.presses(card, "Übernehmen")


@pytest.fixture
def web_client(slack: SlackSimulator) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)


async def test_bolt_understands_it(
    slack: SlackSimulator, web_client: AsyncWebClient, jonas: Person, support: Room
) -> None:
    bolt = AsyncApp(
        signing_secret=slack.signing_secret, client=web_client, process_before_response=True
    )

    @bolt.event("message")
    async def heard(event: dict[str, Any], say: Any) -> None:
        if "bot_id" not in event:
            await say(text="Fall", blocks=CARD, thread_ts=event["ts"])

    @bolt.action("take")
    async def taken(ack: Any, respond: Any) -> None:
        await ack()
        await respond(text="Übernommen", replace_original=True)

    async def serve(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await bolt.async_dispatch(await to_bolt_request(request)))

    app = web.Application()
    app.add_routes([web.post("/slack/events", serve)])
    async with serving(app) as url:
        slack.listens_at(f"{url}/slack/events")
        line = await jonas.writes(support, "Hallo")
        card = await slack.wait_message(support, "Neuer Fall", thread=line)
        await jonas.presses(card, "Übernehmen")
        await slack.wait_message(support, "Übernommen", thread=line)
        assert card.buttons == ()
        await slack.events.settled()
    assert slack.events.given_up == []
