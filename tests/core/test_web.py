"""The HTTP app: every error is JSON without a trace, and the operator's pages tell the truth."""

from __future__ import annotations

import asyncio
import io
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.ports import Refused, Unavailable
from bot.store import StoreError
from host.errors import Fatal
from host.metrics import Metrics
from host.ports import Health
from host.web import BODY_LIMIT, WebServer, bind


class NoStore:
    """Answers the figures of an empty store."""

    async def read(self, work: Any) -> Any:
        return {"accepted": 5, "open": 2}

    async def write(self, work: Any) -> Any:
        raise NotImplementedError


class Page:
    """A running server and a client for it."""

    def __init__(self, server: WebServer, client: aiohttp.ClientSession) -> None:
        self.server = server
        self.client = client

    async def get(self, path: str, **more: Any) -> tuple[int, Any, dict[str, str]]:
        return await self.call("GET", path, **more)

    async def call(self, method: str, path: str, **more: Any) -> tuple[int, Any, dict[str, str]]:
        async with self.client.request(method, path, **more) as answer:
            return answer.status, await answer.json(), dict(answer.headers)


async def fails(request: web.Request) -> web.Response:
    raise {
        "bug": RuntimeError("secret of customer@example.org"),
        "full": Refused("storage_full"),
        "type": Refused("file_type"),
        "store": StoreError("disk is full"),
        "dialogue": Unavailable("down"),
        "denied": web.HTTPForbidden(text="details"),
        "own": web.HTTPConflict(text='{"error":"own"}', content_type="application/json"),
    }[request.match_info["how"]]


async def reads(request: web.Request) -> web.Response:
    return web.json_response(await request.json())


async def breaks_off(request: web.Request) -> web.StreamResponse:
    stream = web.StreamResponse()
    await stream.prepare(request)
    await stream.write(b"half")
    raise RuntimeError("too late to say so")


HEALTH: list[Health] = []


async def health() -> Health:
    return HEALTH[0]


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    HEALTH[:] = [Health("rasa", True)]
    bound = bind("127.0.0.1", 0)
    port = bound.getsockname()[1]
    hook = web.post("/hook", reads)
    server = WebServer(
        bound=bound,
        routes=[web.get("/fail/{how}", fails), web.post("/json", reads), web.get("/b", breaks_off)],
        webhooks=[hook],
        health=[health],
        ready=lambda: HEALTH[0].ok,
        metrics=Metrics(NoStore()),
    )
    async with (
        server,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
    ):
        yield Page(server, client)


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("bug", 500, "internal_server_error"),
        ("full", 503, "storage_full"),
        ("type", 415, "file_type"),
        ("store", 503, "service_unavailable"),
        ("dialogue", 503, "service_unavailable"),
        ("denied", 403, "forbidden"),
        ("own", 409, "own"),
    ],
)
async def test_an_error_is_json_without_a_trace(
    page: Page, how: str, status: int, code: str
) -> None:
    got, body, headers = await page.get(f"/fail/{how}")
    assert (got, body["error"]) == (status, code)
    assert "customer@example.org" not in str(body)
    assert "Traceback" not in str(body)
    assert headers["Server"] == "schalter"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert ("Retry-After" in headers) == (status == 503)


async def test_an_unknown_address_and_a_wrong_method(page: Page) -> None:
    assert (await page.get("/nothing"))[:2] == (
        404,
        {"error": "not_found", "message": "There is nothing at this address."},
    )
    status, body, headers = await page.get("/json")
    assert (status, body["error"], headers["Allow"]) == (405, "method_not_allowed", "POST")


@pytest.mark.parametrize("data", [b"{", b"\xff\xfe{}", b""])
async def test_what_is_not_json_is_400(page: Page, data: bytes) -> None:
    status, body, _ = await page.call("POST", "/json", data=data)
    assert (status, body["error"]) == (400, "invalid_json")


async def test_a_body_over_the_limit_is_413(page: Page) -> None:
    status, body, _ = await page.call("POST", "/json", data=io.BytesIO(b" " * (BODY_LIMIT + 1)))
    assert (status, body["error"]) == (413, "request_entity_too_large")


@pytest.mark.parametrize(
    "data",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"\x16\x03\x01\r\n\r\n",
    ],
)
async def test_what_is_not_http_gets_our_error_too(page: Page, data: bytes) -> None:
    host, port = page.client._base_url.host, page.client._base_url.port  # type: ignore[union-attr]
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(data)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b" 400 " in head.splitlines()[0]
    assert b"\r\nServer: schalter" in head
    assert b"aiohttp" not in answer
    assert json.loads(body)["error"] == "bad_request"


async def test_an_answer_that_breaks_off_hangs_up(page: Page) -> None:
    async with page.client.get("/b") as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_health_and_readiness(page: Page) -> None:
    assert (await page.get("/health"))[0] == 200
    assert (await page.get("/ready"))[:2] == (200, {"ready": True})
    HEALTH[:] = [Health("rasa", False, "does not answer")]
    status, body, _ = await page.get("/health")
    assert (status, body["status"]) == (503, "broken")
    assert body["checks"] == [{"name": "rasa", "ok": False, "detail": "does not answer"}]
    assert (await page.get("/ready"))[0] == 503


async def test_a_health_check_that_raises_or_hangs_is_a_broken_one(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    HEALTH.clear()
    status, body, _ = await page.get("/health")
    assert (status, body["checks"][0]["detail"]) == (503, "IndexError")

    async def hangs() -> Health:
        await asyncio.sleep(60)
        return Health("never", True)

    monkeypatch.setattr("host.web._HEALTH_SECONDS", 0.05)
    page.server._health = [hangs]
    status, body, _ = await page.get("/health")
    assert (status, body["checks"][0]["ok"]) == (503, False)


async def test_while_draining_webhooks_are_refused_and_the_rest_answers(page: Page) -> None:
    assert (await page.call("POST", "/hook", json={"a": 1}))[0] == 200
    page.server.draining = True
    status, body, headers = await page.call("POST", "/hook", json={"a": 1})
    assert (status, body["error"], "Retry-After" in headers) == (503, "stopping", True)
    assert (await page.call("POST", "/json", json={"a": 1}))[0] == 200
    assert (await page.get("/ready"))[0] == 503


async def test_metrics_are_read_from_the_store(page: Page) -> None:
    page.server._metrics.observe("ask", 0.2)
    async with page.client.get("/metrics") as answer:
        text = await answer.text()
    assert "schalter_messages_accepted_total 5.0" in text
    assert "schalter_messages_open 2.0" in text
    assert 'schalter_turn_seconds_bucket{le="0.25",step="ask"} 1.0' in text


async def test_the_access_log_holds_neither_address_nor_path(
    page: Page, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "host.web")
    await page.get("/fail/denied?email=customer@example.org")
    (record,) = [r for r in caplog.records if r.msg == "request"]
    assert (record.__dict__["route"], record.__dict__["status"]) == ("/fail/{how}", 403)
    assert "127.0.0.1" not in str(record.__dict__)
    assert "customer" not in str(record.__dict__)


def test_a_port_that_is_taken_says_how_to_mend_it() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Fatal, match=f"port {port} on 127.0.0.1 is taken.* — .*--port"):
            bind("127.0.0.1", port)


def test_an_address_that_is_not_ours() -> None:
    with pytest.raises(Fatal, match="cannot be had"):
        bind("203.0.113.7", 0)
