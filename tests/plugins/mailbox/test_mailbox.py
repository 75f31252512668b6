"""The demo's mailbox: what it keeps, who may see it, and that it stands in for no real mail."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.messages import Author
from bot.ports import ReachesEmail, Tx
from bot.store import conversations, outbox
from bot.store.codec import utc_now
from bot.testing.running import RunningBot, running_bot
from host.plugins import load
from host.settings import Settings
from plugins import mailbox
from plugins.mailbox.api import Mailbox, ShownMail
from plugins.mailbox.pages import STATIC
from plugins.web.api import MailDoor
from tests.core.shell import entry

TO = "anna@example.org"


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[RunningBot]:
    plugins = {"web": {"announce": False}, "knowledge": {}, "mailbox": {"keep": 3}}
    async with running_bot(tmp_path, plugins) as running:
        yield running


async def mail(bot: RunningBot, text: str, to: str = TO) -> str:
    """Queue a mail as the core does, and wait until it has left; return its row."""
    reaches = bot.app.plugins.get(ReachesEmail)

    def queue(tx: Tx) -> str:
        address = reaches.address_for(tx, to)
        conversation = conversations.ensure(tx, address, None, "de", utc_now())
        return outbox.insert_send(
            tx, conversation=conversation, author=Author.SYSTEM, text=text, now=utc_now()
        )

    row = await bot.store.write(queue)
    await bot.until("SELECT 1 FROM outbox WHERE id = :row AND state = 'sent'", row=row)
    return row


async def shown(bot: RunningBot) -> list[dict[str, object]]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{bot.url}/mailbox/mails") as answer,
    ):
        assert answer.status == 200
        mails: list[dict[str, object]] = (await answer.json())["mails"]
        return mails


async def test_a_mail_is_shown_newest_first_and_told_by_its_row(bot: RunningBot) -> None:
    await mail(bot, "eins")
    row = await mail(bot, "zwei: 123456", to="Anna@Example.ORG ")
    first, second = await shown(bot)
    assert (first["text"], second["text"]) == ("zwei: 123456", "eins")
    assert first["to"] == second["to"] == TO
    assert first["subject"]
    told_by = bot.app.plugins.get(Mailbox)
    (told,) = await bot.store.read(lambda tx: told_by.mails(tx, [row, "none"]))
    assert told == ShownMail(TO, str(first["subject"]), "zwei: 123456")


async def test_only_the_newest_are_kept(bot: RunningBot) -> None:
    rows = [await mail(bot, f"mail {number}") for number in range(5)]
    assert [one["text"] for one in await shown(bot)] == ["mail 4", "mail 3", "mail 2"]
    told_by = bot.app.plugins.get(Mailbox)
    told = await bot.store.read(lambda tx: told_by.mails(tx, rows))
    assert [one.text for one in told] == ["mail 2", "mail 3", "mail 4"]


async def test_the_subject_is_the_one_that_the_message_has(bot: RunningBot) -> None:
    def queue(tx: Tx) -> None:
        address = bot.app.plugins.get(ReachesEmail).address_for(tx, TO)
        outbox.insert_send(
            tx,
            conversation=conversations.ensure(tx, address, None, "en", utc_now()),
            author=Author.SYSTEM,
            text="your code",
            now=utc_now(),
            response="utter_code_mail",
            facts={"order": "B-100235"},
        )

    await bot.store.write(queue)
    await bot.until("SELECT 1 FROM mailbox_mails")
    (one,) = await shown(bot)
    assert one["subject"] == "Your code for order B-100235"


@pytest.mark.parametrize(
    "headers",
    [{"Host": "shop.evil.example"}, {"X-Forwarded-For": "203.0.113.7"}, {"Via": "1.1 proxy"}],
    ids=["rebound name", "proxy", "via"],
)
@pytest.mark.parametrize(
    "path", ["/mailbox", "/mailbox/mails", "/mailbox/events", "/mailbox/mailbox.js"]
)
async def test_codes_are_shown_to_this_machine_alone(
    bot: RunningBot, path: str, headers: dict[str, str]
) -> None:
    await mail(bot, "Ihr Code: 123456")
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(bot.url + path) as answer,
    ):
        said = await answer.text()
    assert answer.status == 403
    assert "123456" not in said
    assert "only_here" in said


async def test_the_page_is_held_in_and_loads_only_its_own_files(bot: RunningBot) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{bot.url}/mailbox") as answer:
            assert answer.status == 200
            policy = answer.headers["Content-Security-Policy"]
            html = await answer.text()
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        for path in re.findall(r'(?:href|src)="([^"#]+)"', html):
            async with session.get(f"{bot.url}/{path}") as answer:
                assert answer.status == 200, path
        for path in ("none.js", "../settings.py", "%2e%2e/settings.py"):
            async with session.get(f"{bot.url}/mailbox/{path}") as answer:
                assert answer.status == 404


async def test_a_stream_tells_of_a_new_mail_at_once(bot: RunningBot) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{bot.url}/mailbox/events") as answer,
    ):
        assert await _number(answer) == 0
        await mail(bot, "eins")
        assert await _number(answer) == 1


async def _number(answer: aiohttp.ClientResponse) -> int:
    async for line in answer.content:
        if line.startswith(b'data: {"newest'):
            return int(json.loads(line.removeprefix(b"data: "))["newest"])
    raise AssertionError("the stream ended")


async def test_the_shops_page_is_told_where_the_mail_is(tmp_path: Path) -> None:
    web = {"announce": False, "demo": True}
    places = []
    for number, more in enumerate(({"mailbox": {"keep": 3}}, {})):
        folder = tmp_path / str(number)
        async with (
            running_bot(folder, {"web": web, "knowledge": {}, **more}) as running,
            aiohttp.ClientSession() as session,
        ):
            for headers in ({}, {"Host": "shop.evil.example"}):
                async with session.get(f"{running.url}/demo/places", headers=headers) as answer:
                    places.append((await answer.json())["mail"])
    assert places == ["/mailbox", None, None, None]


def test_it_is_only_there_when_it_is_asked_for(tmp_path: Path) -> None:
    def states(plugins: dict[str, dict[str, object]]) -> dict[str, str]:
        loaded = load(Settings(plugins=plugins), tmp_path)
        return {plugin.name: plugin.state for plugin in loaded.all}

    assert states({})["mailbox"] == "idle"
    assert states({"mailbox": {}})["mailbox"] == "active"
    loaded = load(Settings(plugins={"mailbox": {}}), tmp_path)
    assert loaded.get(MailDoor).url("http://127.0.0.1:8080/") == "http://127.0.0.1:8080/mailbox"


def test_where_mail_is_really_sent_the_mailbox_is_left_out(tmp_path: Path) -> None:
    """Two plugins that reach an e-mail address would send codes to the wrong place."""
    real = entry("mail", lambda bot: bot.provide(ReachesEmail, object()))  # type: ignore[arg-type]
    points = [entry("mailbox", mailbox.bot_register), real]
    loaded = load(Settings(plugins={"mailbox": {}}), tmp_path, points)
    states = {plugin.name: plugin.state for plugin in loaded.all}
    assert states == {"mail": "active", "mailbox": "broken"}
    assert "ReachesEmail" in loaded.all[1].reason


def test_both_languages_have_the_same_words_and_all_that_are_asked_for() -> None:
    words = {
        language: json.loads((STATIC / "words" / f"mailbox.{language}.json").read_text("utf-8"))
        for language in ("de", "en")
    }
    assert words["de"].keys() == words["en"].keys()
    script = (STATIC / "mailbox.js").read_text("utf-8")
    html = (STATIC / "mailbox.html").read_text("utf-8")
    asked = set(re.findall(r'\bt\("(\w+)"', script))
    asked |= set(re.findall(r'data-t(?:-\w+)?="(\w+)"', html))
    assert asked - words["de"].keys() == set()
    for unsafe in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert unsafe not in script
