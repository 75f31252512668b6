"""The desk over HTTP, against the real core."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import aiohttp
import pytest

from bot.messages import Answer, Author, Say
from bot.testing import ScriptedDialogue
from plugins.web.desk import COOKIE
from plugins.web.testing import ChatClient, DeskClient, Refusal
from plugins.web.testing_bot import WebBot, web_bot


async def opened(chat: ChatClient, desk: DeskClient) -> int:
    """Ask for a person; the case that it opened."""
    await chat.ask("Mensch")
    return int((await desk.wait_case())["id"])


async def test_a_case_from_beginning_to_end(
    chat: ChatClient, desk: DeskClient, bot: WebBot
) -> None:
    case = await opened(chat, desk)
    await desk.take_over(case)
    assert "Anna" in (await chat.wait(lambda m: m.author == "system")).text
    await desk.say(case, "Guten Tag, was kann ich tun?")
    assert (await chat.wait(lambda m: m.author == "agent")).text == "Guten Tag, was kann ich tun?"
    await chat.post("Meine Kanne ist kaputt")
    await desk.note(case, "Ersatz ist freigegeben")
    await desk.hand_back(case, outcome="Eine neue Kanne ist unterwegs.", note="erledigt")
    said = await chat.wait(lambda m: "neue Kanne" in m.text)
    assert said.author == "system"
    assert (await chat.ask("Danke")).text == "echo: Danke"
    assert await desk.cases() == []
    (done,) = await desk.cases(closed=True)
    assert (done["id"], done["state"], done["agent"]) == (case, "closed", "Anna Beck")
    assert "Meine Kanne ist kaputt" not in [turn.text for turn in bot.dialogue.asked]


async def test_what_is_internal_stays_inside(chat: ChatClient, desk: DeskClient) -> None:
    case = await opened(chat, desk)
    await desk.note(case, "Geheim-7391")
    await desk.take_over(case)
    await desk.say(case, "Guten Tag")
    await chat.wait(lambda m: m.author == "agent")
    await desk.close_case(case, note="Geheim-7391 auch hier")
    await chat.ask("Noch da?")
    assert all("Geheim" not in message.text for message in await chat.history())
    notes = [line for line in await desk.history(case) if line["author"] == Author.NOTE]
    assert [line["text"] for line in notes] == ["Geheim-7391", "Geheim-7391 auch hier"]


async def test_the_card_and_the_history(chat: ChatClient, desk: DeskClient) -> None:
    await chat.ask("Hallo")
    case = await opened(chat, desk)
    card = await desk.case(case)
    assert card["reason_text"] == "Möchte mit einem Menschen sprechen"
    assert (card["channel"], card["language"], card["owner"]) == ("web", "de", "waiting")
    assert card["intents"][-1] == "contact_human_agent"
    lines = [(line["author"], line["text"]) for line in await desk.history(case)]
    assert lines[:3] == [("customer", "Hallo"), ("bot", "echo: Hallo"), ("customer", "Mensch")]


async def test_the_same_command_twice_is_one(chat: ChatClient, desk: DeskClient) -> None:
    case = await opened(chat, desk)
    await desk.take_over(case)
    name = secrets.token_urlsafe(12)
    first = await desk.command("line", case, text="Einmal", id=name)
    assert await desk.command("line", case, text="Einmal", id=name) == first
    await chat.wait(lambda m: m.text == "Einmal")
    await desk.say(case, "Ende")
    await chat.wait(lambda m: m.text == "Ende")
    assert [m.text for m in await chat.history()].count("Einmal") == 1


async def test_two_agents_collide(chat: ChatClient, desk: DeskClient, bot: WebBot) -> None:
    case = await opened(chat, desk)
    async with DeskClient(bot.url, bot.token, "Jonas Winter", "en") as jonas:
        await desk.take_over(case)
        with pytest.raises(Refusal) as refusal:
            await jonas.take_over(case)
        assert (refusal.value.status, refusal.value.code) == (409, "taken_by")
        assert refusal.value.message == "Anna Beck is looking after this case now."
        with pytest.raises(Refusal):
            await jonas.say(case, "Ich auch")
        await jonas.take_over(case, force=True)
        with pytest.raises(Refusal) as lost:
            await desk.say(case, "Ich bin noch da")
        await jonas.say(case, "Jetzt ich")
    assert lost.value.message == "Jonas Winter betreut diesen Fall inzwischen."
    said = await chat.wait(lambda m: m.author == "agent")
    assert said.text == "Jetzt ich"


async def test_an_answer_needs_a_take_over(chat: ChatClient, desk: DeskClient) -> None:
    case = await opened(chat, desk)
    with pytest.raises(Refusal) as refusal:
        await desk.say(case, "Guten Tag")
    assert (refusal.value.status, refusal.value.code) == (409, "not_taken")
    with pytest.raises(Refusal) as missing:
        await desk.take_over(999)
    assert missing.value.status == 409


async def test_the_page_is_told_what_changes(chat: ChatClient, desk: DeskClient) -> None:
    stream = desk.events()
    async with asyncio.timeout(10):
        assert (await anext(stream)).kind == "hello"
        await chat.post("Mensch")
        async for event in stream:
            if event.kind == "changed" and event.data.get("case") == 1:
                break
    await stream.aclose()  # type: ignore[attr-defined]
    assert event.data == {"case": 1}


async def test_a_stale_answer_is_a_draft(tmp_path: Path, script: ScriptedDialogue) -> None:
    slow, go = asyncio.Event(), asyncio.Event()

    async def answer(_turn: object) -> Answer:
        slow.set()
        await go.wait()
        return Answer((Say(text="zu spät"),))

    script.replies["langsam"] = answer
    async with (
        web_bot(tmp_path, script) as bot,
        ChatClient(bot.url) as chat,
        DeskClient(bot.url, bot.token, "Anna") as desk,
    ):
        case = await opened(chat, desk)
        await chat.post("langsam")
        await slow.wait()
        await desk.take_over(case)
        go.set()
        await desk.say(case, "Ich bin da")
        await chat.wait(lambda m: m.author == "agent")
        assert all(m.text != "zu spät" for m in await chat.history())


# --- the door


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "cases"),
        ("GET", "cases/1"),
        ("GET", "cases/1/history"),
        ("POST", "commands"),
        ("GET", "events"),
        ("POST", "files"),
        ("GET", "files/" + "a" * 64),
    ],
)
async def test_nothing_opens_without_the_token(bot: WebBot, method: str, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": f"{COOKIE}=1.abc"}):
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, f"{bot.url}/desk/api/{path}") as answer,
        ):
            found = await answer.json()
        assert (answer.status, found["error"]) == (401, "no_token")


async def test_login(bot: WebBot) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(bot.url, cookie_jar=jar) as session:
        async with session.post("/desk/api/login", json={"token": "wrong-wrong-wrong"}) as answer:
            assert answer.status == 401
        async with session.post("/desk/api/login", json={"token": bot.token}) as answer:
            assert answer.status == 200
            cookie = answer.cookies[COOKIE]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"
        assert cookie["path"] == "/desk"
        assert bot.token not in cookie.value
        async with session.get("/desk/api/cases") as answer:
            assert await answer.json() == {"cases": []}
        foreign = {"Origin": "https://evil.example"}
        body = {"id": "command-1", "kind": "close", "case": 1, "agent": "A"}
        async with session.post("/desk/api/commands", json=body, headers=foreign) as answer:
            assert answer.status == 403
        async with session.post("/desk/api/logout", json={}) as answer:
            assert answer.status == 200
        async with session.get("/desk/api/cases") as answer:
            assert answer.status == 401


async def test_the_address_is_printed_at_start(
    tmp_path: Path, script: ScriptedDialogue, capsys: pytest.CaptureFixture[str]
) -> None:
    async with web_bot(tmp_path, script, web={"announce": True}) as bot:
        printed = capsys.readouterr().err
    assert bot.desk_url in printed


@pytest.mark.parametrize("case", ["0", "x", "-1", "9" * 40])
async def test_a_case_that_is_none(desk: DeskClient, case: str) -> None:
    with pytest.raises(Refusal) as refusal:
        await desk.get(f"/desk/api/cases/{case}")
    assert (refusal.value.status, refusal.value.code) == (404, "no_case")
