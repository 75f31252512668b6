"""The chat page over HTTP, against the real core."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

import aiohttp
import pytest

from bot.messages import Address, Button, Outbound
from bot.testing import ScriptedDialogue
from plugins.web.channel import COOKIE, WebChannel
from plugins.web.settings import WebSettings
from plugins.web.testing import ChatClient, DeskClient, Refusal
from plugins.web.testing_bot import WebBot, web_bot

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 200


async def test_a_customer_writes_and_is_answered(chat: ChatClient) -> None:
    answer = await chat.ask("Hallo")
    assert answer.text == "echo: Hallo"
    assert answer.author == "bot"
    assert [(m.direction, m.text) for m in await chat.history()] == [
        ("in", "Hallo"),
        ("out", "echo: Hallo"),
    ]


async def test_a_repeat_is_one_message_and_one_turn(chat: ChatClient, bot: WebBot) -> None:
    first = await chat.post("Hallo", client_id="once-and-only")
    answer = await chat.reply()
    assert await chat.post("Hallo", client_id="once-and-only") == first
    await chat.ask("Noch etwas")
    assert answer.text == "echo: Hallo"
    assert [turn.text for turn in bot.dialogue.asked] == ["Hallo", "Noch etwas"]
    assert sum(m.text == "Hallo" for m in await chat.history()) == 1


async def test_the_same_id_of_two_customers_is_two_messages(bot: WebBot) -> None:
    async with ChatClient(bot.url) as one, ChatClient(bot.url) as two:
        await one.post("von eins", client_id="the-same-id")
        await two.post("von zwei", client_id="the-same-id")
        assert (await one.reply()).text == "echo: von eins"
        assert (await two.reply()).text == "echo: von zwei"
        assert all("zwei" not in m.text for m in await one.history())


async def test_what_is_answered_200_is_on_the_disk(
    chat: ChatClient, bot: WebBot, tmp_path: Path
) -> None:
    number = await chat.post("Hallo", client_id="written-down")
    with sqlite3.connect(tmp_path / "bot.db") as db:
        accepted = db.execute("SELECT count(*) FROM inbox").fetchone()
        shown = db.execute(
            "SELECT id FROM web_messages WHERE client_id = 'written-down'"
        ).fetchone()
    db.close()
    assert (accepted, shown) == ((1,), (number,))
    await chat.reply()


async def test_buttons(chat: ChatClient, bot: WebBot) -> None:
    question = await chat.ask("Stornieren")
    assert question.buttons == (("Ja", "/affirm"), ("Nein", "/deny"))
    await chat.press(question.buttons[0])
    assert (await chat.reply()).text == "Ist storniert."
    assert bot.dialogue.asked[-1].payload == "/affirm"


async def test_a_typed_command_is_only_a_text(chat: ChatClient, bot: WebBot) -> None:
    assert (await chat.ask("/restart")).text == "echo: /restart"
    assert bot.dialogue.asked[-1].payload is None


async def test_short_messages_become_one_turn(tmp_path: Path, script: ScriptedDialogue) -> None:
    async with (
        web_bot(tmp_path, script, web={"burst_seconds": 0.6}) as bot,
        ChatClient(bot.url) as chat,
    ):
        await chat.post("Hallo")
        await chat.post("wo ist mein Paket?")
        await chat.reply()
    assert [turn.text for turn in script.asked] == ["Hallo\nwo ist mein Paket?"]


# --- the session


async def test_the_cookie_is_out_of_reach_and_not_in_the_store(bot: WebBot, tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{bot.url}/chat/history") as answer:
            cookie = answer.cookies[COOKIE]
        data = {"client_id": "client-0001", "text": "Hallo"}
        cookies = {COOKIE: cookie.value}
        async with session.post(f"{bot.url}/chat/messages", json=data, cookies=cookies) as answer:
            assert answer.status == 200
            assert COOKIE not in answer.cookies
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert len(cookie.value) == 43
    stored = b"".join((tmp_path / name).read_bytes() for name in ("bot.db", "bot.db-wal"))
    assert b"client-0001" in stored
    assert cookie.value.encode() not in stored


@pytest.mark.parametrize("cookie", ["", "short", "x" * 42 + "!", "x" * 500])
async def test_a_cookie_that_is_none_of_ours_is_replaced(bot: WebBot, cookie: str) -> None:
    async with aiohttp.ClientSession() as session:
        url, cookies = f"{bot.url}/chat/history", {COOKIE: cookie}
        async with session.get(url, cookies=cookies) as answer:
            assert answer.status == 200
            assert answer.cookies[COOKIE].value != cookie


# --- events


async def test_events_go_on_where_the_browser_was(chat: ChatClient) -> None:
    await chat.ask("eins")
    seen = chat.messages[-1].id
    await chat.ask("zwei")
    again = []
    async for event in chat.stream("/chat/events", str(seen)):
        if event.kind == "message":
            again.append(event.data["text"])
            if len(again) == 2:
                break
    assert again == ["zwei", "echo: zwei"]


async def test_a_restart_loses_nothing(tmp_path: Path, script: ScriptedDialogue) -> None:
    async with web_bot(tmp_path, script) as bot:
        port = int(bot.url.rsplit(":", 1)[1])
        client = ChatClient(bot.url)
        async with client as chat:
            await chat.ask("davor")
            waiting = asyncio.create_task(chat.reply())
            await asyncio.sleep(0.1)
            began = time.monotonic()
            await bot.app.__aexit__(None, None, None)
            stopped = time.monotonic() - began
            sending = asyncio.create_task(chat.post("dazwischen", client_id="over-a-restart"))
            await asyncio.sleep(0.2)
            assert not sending.done()
            async with web_bot(tmp_path, script, port=port):
                await sending
                assert (await waiting).text == "echo: dazwischen"
                texts = [m.text for m in await chat.history()]
    assert stopped < 2.5, "an open event stream must not hold up the end"
    assert texts == ["davor", "echo: davor", "dazwischen", "echo: dazwischen"]


async def test_the_page_learns_who_speaks(chat: ChatClient, desk: DeskClient) -> None:
    await chat.ask("Mensch")
    case = await desk.wait_case()
    await desk.take_over(case["id"])
    async with asyncio.timeout(10):
        async for event in chat.events():
            if event.kind == "speaker" and event.data["owner"] == "agent":
                break
    assert event.data == {"owner": "agent", "name": "Anna"}


async def test_sending_twice_is_one_message(bot: WebBot, chat: ChatClient, tmp_path: Path) -> None:
    await chat.ask("Hallo")
    with sqlite3.connect(tmp_path / "bot.db") as db:
        (session,) = db.execute("SELECT session FROM web_messages").fetchone()
    db.close()
    channel = WebChannel(WebSettings())
    out = Outbound("out-1", Address("web", session), "Zweimal", (Button("Ja", "/affirm"),))
    async with channel.open(bot.app.core.inbox):
        first = await channel.send(out)
        assert await channel.send(out) == first
    assert [m.text for m in await chat.history()].count("Zweimal") == 1


# --- files


async def test_files_both_ways(chat: ChatClient, desk: DeskClient, bot: WebBot) -> None:
    photo = await chat.upload(PNG, "../Böse \n Kanne.png")
    assert (photo.name, photo.content_type, photo.size) == ("Böse  Kanne.png", "image/png", 208)
    await chat.post("Mensch", files=[photo])
    case = await desk.wait_case()
    (line,) = [line for line in await desk.history(case["id"]) if line["author"] == "customer"]
    assert await desk.download(line["attachments"][0]["file"]) == PNG
    await desk.take_over(case["id"])
    label = await desk.upload(b"%PDF-1.4\n%label", "Etikett.pdf")
    await desk.say(case["id"], "Bitte sehr", [label])
    answer = await chat.wait(lambda message: message.author == "agent")
    assert answer.name == "Anna"  # customers learn no surnames
    assert await chat.download(answer.attachments[0]) == b"%PDF-1.4\n%label"


async def test_a_file_is_only_for_those_it_belongs_to(bot: WebBot, chat: ChatClient) -> None:
    photo = await chat.upload(PNG, "kanne.png")
    assert await chat.download(photo) == PNG
    async with ChatClient(bot.url) as stranger:
        with pytest.raises(Refusal) as read:
            await stranger.download(photo)
        with pytest.raises(Refusal) as sent:
            await stranger.post("meins", files=[photo])
    assert (read.value.status, read.value.code) == (404, "not_found")
    assert (sent.value.status, sent.value.code) == (400, "file_unknown")


@pytest.mark.parametrize("name", ["0" * 64, "..%2f..%2fbot.db", "bot.db"])
async def test_a_file_that_is_none(chat: ChatClient, name: str) -> None:
    with pytest.raises(Refusal) as refusal:
        await chat.get_file(f"/chat/files/{name}")
    assert refusal.value.status == 404


async def test_files_never_run_in_the_browser(bot: WebBot, chat: ChatClient) -> None:
    photo = await chat.upload(PNG, 'a"; x=\u202e.png')
    label = await chat.upload(b"%PDF-1.4\n%label", "Etikett.pdf")
    async with chat.session.get(f"{bot.url}/chat/files/{photo.file}") as answer:
        shown = answer.headers
    async with chat.session.get(f"{bot.url}/chat/files/{label.file}") as answer:
        loaded = answer.headers
    for headers in (shown, loaded):
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in headers["Content-Security-Policy"]
    assert shown["Content-Disposition"].startswith('inline; filename="a__ x=')
    assert loaded["Content-Disposition"].startswith('attachment; filename="Etikett.pdf"')


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 400, "file_empty"),
        (b"MZ\x90\x00" + b"\x00" * 200, 415, "file_type"),
        (b"<html><script>alert(1)</script></html>", 415, "file_type"),
        (b"x" * (1024 * 1024 + 1), 413, "file_too_big"),
    ],
)
async def test_files_that_are_refused(
    tmp_path: Path, script: ScriptedDialogue, data: bytes, status: int, code: str
) -> None:
    async with web_bot(tmp_path, script, web={"upload_mb": 1}) as bot, ChatClient(bot.url) as chat:
        with pytest.raises(Refusal) as refusal:
            await chat.upload(data, "datei.png")
    assert (refusal.value.status, refusal.value.code) == (status, code)
    assert refusal.value.message.endswith(".")


async def test_a_file_of_unknown_length_is_cut_off_at_the_limit(
    tmp_path: Path, script: ScriptedDialogue
) -> None:
    async def endless():  # type: ignore[no-untyped-def]
        for _ in range(40):
            yield b"x" * 65536

    async with web_bot(tmp_path, script, web={"upload_mb": 1}) as bot, ChatClient(bot.url) as chat:
        url = f"{bot.url}/chat/files"
        async with chat.session.post(url, data=endless()) as answer:
            assert (answer.status, (await answer.json())["error"]) == (413, "file_too_big")


async def test_a_flood_of_files_is_held_back(tmp_path: Path, script: ScriptedDialogue) -> None:
    async with (
        web_bot(tmp_path, script, web={"uploads_per_hour": 2}) as bot,
        ChatClient(bot.url) as chat,
    ):
        for number in range(2):
            await chat.upload(PNG + bytes([number]), "kanne.png")
        with pytest.raises(Refusal) as refusal:
            await chat.upload(PNG + b"\x09", "kanne.png")
    assert (refusal.value.status, refusal.value.code) == (429, "too_many_files")


async def test_a_picture_without_words_is_a_message(chat: ChatClient) -> None:
    photo = await chat.upload(PNG, "kanne.png")
    await chat.post(files=[photo])
    assert (await chat.reply()).text
    assert [a.name for a in (await chat.history())[0].attachments] == ["kanne.png"]
