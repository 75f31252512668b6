"""Whatever is thrown at it: a clear status, a sentence, never a trace."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from plugins.web.testing import ChatClient
from plugins.web.testing_bot import WebBot

JSON = {"Content-Type": "application/json"}


def message(text: object) -> bytes:
    return json.dumps({"client_id": "client-0001", "text": text}).encode()


async def send(bot: WebBot, method: str, path: str, **more: Any) -> tuple[int, dict[str, Any]]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, bot.url + path, **more) as answer,
    ):
        found = await answer.json()
        assert set(found) == {"error", "message"}, found
        assert "Traceback" not in found["message"]
        assert found["message"][-1] == "."
        return answer.status, found


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (message(""), JSON, 400, "empty"),
        (message("\u200b\u200d"), JSON, 400, "empty"),
        (message("\x00\x00"), JSON, 400, "empty"),
        (message("ä" * 10_001), JSON, 413, "too_long"),
        (message("x" * 100_000), JSON, 413, "too_big"),
        (message(5), JSON, 400, "not_valid"),
        (b'{"text": "\xff\xfe"}', JSON, 400, "not_utf8"),
        (b"{nope", JSON, 400, "not_json"),
        (b"[" * 50_000, JSON, 400, "not_json"),
        (b"", JSON, 400, "not_json"),
        (message("x"), {"Content-Type": "text/plain"}, 415, "not_json"),
        (message("x"), {**JSON, "Origin": "https://evil.example"}, 403, "foreign_origin"),
        (message("x"), {**JSON, "Origin": "null"}, 403, "foreign_origin"),
        (message("x"), {**JSON, "Sec-Fetch-Site": "cross-site"}, 403, "foreign_origin"),
    ],
)
async def test_messages(
    bot: WebBot, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    found = await send(bot, "POST", "/chat/messages", data=body, headers=headers)
    assert (found[0], found[1]["error"]) == (status, code)
    assert bot.dialogue.asked == []


async def test_a_body_without_a_length_is_cut_off(bot: WebBot) -> None:
    async def endless():  # type: ignore[no-untyped-def]
        for _ in range(100):
            yield b"x" * 1024

    status, found = await send(bot, "POST", "/chat/messages", data=endless(), headers=JSON)
    assert (status, found["error"]) == (413, "too_big")


async def test_the_sentence_is_in_the_language_of_the_page(bot: WebBot) -> None:
    said = {}
    for language in ("de-DE,de;q=0.9", "en-GB", "fr-FR"):
        headers = {**JSON, "Accept-Language": language}
        _, found = await send(bot, "POST", "/chat/messages", data=message(""), headers=headers)
        said[language] = found["message"]
    assert said["de-DE,de;q=0.9"].startswith("Die Nachricht ist leer")
    assert said["en-GB"].startswith("The message is empty")
    assert said["fr-FR"] == said["en-GB"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/chat/messages", "POST"),
        ("DELETE", "/chat/history", "GET"),
        ("POST", "/chat/events", "GET"),
        ("PUT", "/chat/files", "POST"),
        ("POST", "/chat", "GET"),
        ("PATCH", "/desk/api/commands", "POST"),
    ],
)
async def test_wrong_methods(bot: WebBot, method: str, path: str, allow: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, bot.url + path) as answer,
    ):
        found = await answer.json()
    assert (answer.status, found["error"], answer.headers["Allow"]) == (405, "wrong_method", allow)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("\u202eabc", "abc"),
        ("a\x00b", "ab"),
        ("x" * 10_000, "x" * 10_000),
    ],
)
async def test_odd_texts_are_taken(chat: ChatClient, bot: WebBot, text: str, seen: str) -> None:
    await chat.post(text)
    await chat.reply()
    assert bot.dialogue.asked[0].text == seen


async def test_only_emoji_is_a_message_and_is_answered(chat: ChatClient) -> None:
    answer = await chat.ask("🎉")
    assert answer.text
    assert (await chat.history())[0].text == "🎉"


@pytest.mark.parametrize("after", ["", "-1", "abc", "9" * 40, "1e3", "٣"])
async def test_an_odd_last_event_begins_at_the_beginning(chat: ChatClient, after: str) -> None:
    await chat.ask("Hallo")
    async for event in chat.stream(f"/chat/events?after={after}"):
        assert event.data["text"] == "Hallo"
        break


async def test_our_own_page_is_let_in(bot: WebBot) -> None:
    headers = {**JSON, "Origin": bot.url, "Sec-Fetch-Site": "same-origin"}
    async with aiohttp.ClientSession() as session:
        url = f"{bot.url}/chat/messages"
        async with session.post(url, data=message("Hallo"), headers=headers) as answer:
            assert answer.status == 200
