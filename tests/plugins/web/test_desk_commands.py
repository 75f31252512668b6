"""The desk's API: lines that change, cases that go from hand to hand, what the page is shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.desk import ActField, Template
from bot.messages import Outbound
from bot.ports import Reject
from bot.testing import ScriptedDialogue
from host import wiring
from plugins.web.channel import WebChannel
from plugins.web.testing import ChatClient, DeskClient, Refusal
from plugins.web.testing_bot import WebBot, web_bot


@pytest.fixture
async def slow(tmp_path: Path, script: ScriptedDialogue) -> AsyncIterator[WebBot]:
    """A bot with an undo time that no test waits for."""
    async with web_bot(tmp_path, script, undo_seconds=60) as running:
        yield running


async def taken(chat: ChatClient, desk: DeskClient) -> None:
    await chat.ask("Mensch")
    await desk.take_over(1)
    await chat.wait(lambda message: message.author == "system")


async def last_line(desk: DeskClient) -> dict[str, Any]:
    lines = [line for line in await desk.history(1) if line["author"] == "agent"]
    return dict(lines[-1])


async def becomes(desk: DeskClient, **wanted: object) -> None:
    """Wait until the last line is so: the page knows of a change before the core has noted it."""
    async with asyncio.timeout(20):
        while {**(line := await last_line(desk)), **wanted} != line:  # noqa: ASYNC110 - over HTTP
            await asyncio.sleep(0.02)


async def test_a_message_is_edited_on_the_customers_page(
    chat: ChatClient, desk: DeskClient
) -> None:
    await taken(chat, desk)
    line = (await desk.say(1, "Ihr Paket ist gestern da"))["line"]
    first = await chat.reply()
    answer = await desk.edit(1, line, "Ihr Paket ist morgen da")
    assert (answer["done"], answer["reason"]) == (True, None)
    change = await chat.change()
    assert (change["changes"], change["text"]) == (first.id, "Ihr Paket ist morgen da")
    shown = (await chat.history())[-1]
    assert (shown.id, shown.text, shown.edited) == (first.id, "Ihr Paket ist morgen da", True)
    await becomes(desk, text="Ihr Paket ist morgen da", edited=True)


async def test_a_page_that_was_away_learns_of_the_change(
    bot: WebBot, chat: ChatClient, desk: DeskClient
) -> None:
    await taken(chat, desk)
    line = (await desk.say(1, "alt"))["line"]
    first = await chat.reply()
    await desk.edit(1, line, "neu")
    await desk.say(1, "danach")
    after = await chat.wait(lambda message: message.text == "danach")
    assert [change["changes"] for change in chat.changes] == [first.id]
    assert [message.text for message in await chat.history()][-2:] == ["neu", "danach"]
    assert after.id > chat.changes[0]["id"]


async def test_a_message_disappears_with_its_file(chat: ChatClient, desk: DeskClient) -> None:
    await taken(chat, desk)
    file = await desk.upload(b"%PDF-1.4\n%fremd", "Rechnung.pdf")
    line = (await desk.say(1, "für jemand anderen", files=[file]))["line"]
    first = await chat.reply()
    assert (await desk.unsend(1, line))["done"]
    change = await chat.change()
    assert (change["changes"], change["removed"]) == (first.id, True)
    assert "für jemand anderen" not in [message.text for message in await chat.history()]
    with pytest.raises(Refusal) as refused:
        await chat.download(first.attachments[0])
    assert refused.value.status == 404
    # The team still knows what it was.
    await becomes(desk, state="cancelled", reason="unsent", text="für jemand anderen")


async def test_a_file_that_went_out_twice_stays_with_the_other_message(
    chat: ChatClient, desk: DeskClient
) -> None:
    await taken(chat, desk)
    file = await desk.upload(b"%PDF-1.4\n%zweimal", "Rechnung.pdf")
    line = (await desk.say(1, "eins", files=[file]))["line"]
    await chat.reply()
    await desk.say(1, "zwei", files=[file])
    second = await chat.reply()
    await desk.unsend(1, line)
    await chat.change()
    assert await chat.download(second.attachments[0]) == b"%PDF-1.4\n%zweimal"


async def test_nobody_else_sees_the_change(bot: WebBot, chat: ChatClient, desk: DeskClient) -> None:
    async with ChatClient(bot.url) as other:
        await other.ask("Hallo")
        await taken(chat, desk)
        line = (await desk.say(1, "alt"))["line"]
        await chat.reply()
        await desk.edit(1, line, "neu")
        await chat.change()
        await other.ask("Noch da?")
        assert other.changes == []


async def test_a_line_is_taken_back(slow: WebBot) -> None:
    async with ChatClient(slow.url) as chat, DeskClient(slow.url, slow.token, "Anna") as desk:
        await taken(chat, desk)
        line = (await desk.say(1, "falsches Fenster"))["line"]
        shown = await last_line(desk)
        assert (shown["state"], shown["command"] is not None) == ("queued", True)
        assert (await desk.stop(1, line))["done"]
        shown = await last_line(desk)
        assert (shown["state"], shown["reason"]) == ("cancelled", "stopped")
        assert shown["reason_text"] == "Zurückgenommen, bevor es hinausging"
        await desk.hand_back(1)
        await chat.wait(lambda message: message.author == "system")
        assert "falsches Fenster" not in [message.text for message in chat.messages]


async def test_too_late_is_said_in_words(chat: ChatClient, desk: DeskClient) -> None:
    await taken(chat, desk)
    line = (await desk.say(1, "unterwegs"))["line"]
    await chat.reply()
    with pytest.raises(Refusal) as refused:
        await desk.stop(1, line)
    assert (refused.value.code, refused.value.status) == ("too_late", 409)
    assert refused.value.message == "Zu spät: Die Nachricht ist schon unterwegs."


async def test_what_failed_goes_again_once(
    chat: ChatClient, desk: DeskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(self: WebChannel, out: Outbound) -> str:
        raise Reject("file_gone")

    await taken(chat, desk)
    with monkeypatch.context() as patch:
        patch.setattr(WebChannel, "send", refuse)
        line = (await desk.say(1, "Guten Tag"))["line"]
        await becomes(desk, state="failed")
    assert (await desk.send_again(1, line))["done"]
    assert (await chat.reply()).text == "Guten Tag"
    with pytest.raises(Refusal) as refused:
        await desk.send_again(1, line)
    assert refused.value.code == "already_again"


async def test_a_case_goes_from_hand_to_hand(
    bot: WebBot, chat: ChatClient, desk: DeskClient
) -> None:
    await taken(chat, desk)
    await desk.command("assign", 1, to="Jonas Winter")
    case = await desk.case(1)
    assert (case["agent"], case["agent_name"]) == ("Jonas Winter", "Jonas Winter")
    with pytest.raises(Refusal) as refused:
        await desk.command("release", 1)
    assert refused.value.message == "Jonas Winter betreut diesen Fall inzwischen."
    async with DeskClient(bot.url, bot.token, "Jonas Winter") as jonas:
        await jonas.command("release", 1)
        case = await jonas.case(1)
        assert (case["state"], case["agent"], case["owner"]) == ("open", None, "waiting")
        notes = [line["text"] for line in await jonas.history(1) if line["author"] == "note"]
        assert notes[0] == "Anna Beck hat den Fall an Jonas Winter gegeben."


async def test_priority_later_language_and_outcome(chat: ChatClient, desk: DeskClient) -> None:
    await taken(chat, desk)
    await desk.command("prioritise", 1, priority="low")
    await desk.command("snooze", 1, until="2040-01-02T08:00:00+00:00")
    await desk.command("language", 1, language="en")
    case = await desk.case(1)
    assert (case["priority"], case["language"]) == ("low", "en")
    assert case["snoozed_until"] == "2040-01-02T08:00:00+00:00"
    await desk.command("snooze", 1, until=None)
    assert (await desk.case(1))["snoozed_until"] is None
    await desk.close_case(1, outcome="Gutschrift")
    assert (await desk.case(1))["outcome"] == "Gutschrift"


@pytest.mark.parametrize(
    ("kind", "more", "status"),
    [
        ("snooze", {"until": "morgen"}, 400),
        ("snooze", {"until": "2040-01-02T08:00:00"}, 400),  # of which place?
        ("snooze", {"until": "2001-01-02T08:00:00+00:00"}, 409),
        ("prioritise", {"priority": "urgent"}, 409),
        ("prioritise", {"priority": 3}, 400),
        ("language", {"language": "fr"}, 409),
        ("assign", {"to": ""}, 400),
        ("edit", {"line": "x", "text": " "}, 400),
        ("edit", {"line": "x", "text": "neu"}, 409),
        ("stop", {"line": ["x"]}, 400),
        ("unsend", {}, 409),
        ("again", {"line": "note:1"}, 409),
        ("dance", {}, 400),
        (None, {}, 400),
    ],
)
async def test_what_makes_no_sense_is_refused_in_words(
    chat: ChatClient, desk: DeskClient, kind: str, more: dict[str, object], status: int
) -> None:
    await taken(chat, desk)
    with pytest.raises(Refusal) as refused:
        await desk.command(kind, 1, **more)
    assert refused.value.status == status
    assert " " in refused.value.message


async def test_the_page_asks_when_people_are_there(desk: DeskClient) -> None:
    """The bot of these tests is open by night and on holidays: no test depends on the clock."""
    for night in ("2040-12-25T03:00:00+01:00", "2040-12-30T23:59:59+01:00"):
        assert await desk.opens(night) == night
    for wrong in ("", "morgen", "2040-01-02T08:00:00"):
        with pytest.raises(Refusal) as refusal:
            await desk.opens(wrong)
        assert refusal.value.status == 400


# --- templates


ASK = Template(
    "ask_back",
    "Bitte um Antwort",
    "Es schreibt {{who}}: {{1}} Ihre Nummer: {{2}}",
    (ActField("who", "", "{agent}"), ActField("1", "", "{text}"), ActField("2", "", "{number}")),
)


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[Outbound]:
    """Only templates go out on the web channel; what went."""
    sent: list[Outbound] = []
    send = WebChannel.send

    async def only_templates(self: WebChannel, out: Outbound) -> str:
        if out.author == "agent" and out.template is None:
            raise Reject("window_closed")
        sent.append(out)
        return await send(self, out)

    monkeypatch.setattr(WebChannel, "send", only_templates)
    monkeypatch.setattr(wiring, "templates_of", lambda _: {"web": lambda _: [ASK]})
    return sent


async def test_a_line_that_could_not_go_out_is_sent_as_a_template(
    tmp_path: Path, script: ScriptedDialogue, closed: list[Outbound]
) -> None:
    async with (
        web_bot(tmp_path, script) as bot,
        ChatClient(bot.url) as chat,
        DeskClient(bot.url, bot.token, "Mia Berg") as desk,
    ):
        await taken(chat, desk)
        line = (await desk.say(1, "Passt Dienstag?"))["line"]
        await becomes(desk, state="failed", reason="window_closed", templates=True)
        (offered,) = await desk.templates(1, line)
        assert offered["text"] == "Es schreibt Mia: Passt Dienstag? Ihre Nummer: [number]"
        values = {one["name"]: one["value"] for one in offered["fields"]}
        given = {"line": line, "template": "ask_back"}
        with pytest.raises(Refusal) as refusal:
            await desk.command("template", 1, **given, values=values)
        assert (refusal.value.status, refusal.value.code) == (409, "template_incomplete")
        done = await desk.command("template", 1, **given, values={**values, "2": "B-17"})
        assert done["done"]
        said = "Es schreibt Mia: Passt Dienstag? Ihre Nummer: B-17"
        assert (await chat.wait(lambda message: message.author == "agent")).text == said
        assert closed[-1].template == "ask_back"
        await becomes(desk, text=said, state="sent", templates=False)


@pytest.mark.parametrize("values", [[], {"1": 2}, "x", {"1": "a" * 8001}])
async def test_values_that_are_none_are_refused(
    chat: ChatClient, desk: DeskClient, values: object
) -> None:
    await taken(chat, desk)
    with pytest.raises(Refusal) as refusal:
        await desk.command("template", 1, template="ask_back", values=values)
    assert refusal.value.status in (400, 413)
