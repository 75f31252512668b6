"""What an agent does with lines and cases on the desk's page, in a real browser."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from bot.messages import Outbound
from bot.ports import Reject
from bot.testing import ScriptedDialogue
from plugins.web.channel import WebChannel
from plugins.web.testing import ChatClient, DeskClient
from plugins.web.testing_bot import WebBot, web_bot

from .conftest import Open
from .test_desk_page import PHONE, sit_down

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PICTURES = os.environ.get("PICTURES")


async def picture(page: Page, name: str) -> None:
    """Keep a picture where somebody asks for them."""
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png")


@pytest.fixture
async def slow(tmp_path: Path, script: ScriptedDialogue) -> AsyncIterator[WebBot]:
    async with web_bot(tmp_path, script, undo_seconds=60) as running:
        yield running


async def taken(opened: Open, bot: WebBot, chat: ChatClient) -> Page:
    await chat.ask("Mensch")
    desk = await sit_down(opened, bot, "Anna Beck")
    await desk.locator(".case").click()
    await desk.locator("#do-take_over").click()
    await expect(desk.locator("#writing")).to_be_visible()
    await chat.wait(lambda m: m.author == "system")
    return desk


async def both_sides(opened: Open, bot: WebBot) -> tuple[Page, Page]:
    """A customer's page, and that of the agent who has taken them over."""
    chat = await opened(f"{bot.url}/chat")
    await says(chat, "Mensch", key="Enter")
    desk = await sit_down(opened, bot, "Anna Beck")
    await desk.locator(".case").click()
    await desk.locator("#do-take_over").click()
    await expect(desk.locator("#writing")).to_be_visible()
    return chat, desk


async def says(page: Page, text: str, key: str = "Control+Enter") -> None:
    await page.locator("#text").fill(text)
    await page.locator("#text").press(key)


async def test_a_line_is_taken_back_while_it_waits(slow: WebBot, opened: Open) -> None:
    async with ChatClient(slow.url) as chat:
        desk = await taken(opened, slow, chat)
        await says(desk, "Falsches Fenster")
        line = desk.locator(".by-agent")
        await expect(line.locator(".foot")).to_contain_text("Wartet")
        await picture(desk, "undo")
        await line.get_by_role("button", name="Zurücknehmen").click()
        await expect(line.locator(".foot")).to_contain_text("Zurückgenommen")
        await expect(line.get_by_role("button")).to_have_count(0)
        await says(desk, "Gutn Tag")
        waiting = desk.locator(".by-agent").last
        await waiting.get_by_role("button", name="Bearbeiten").click()
        await expect(desk.get_by_label("Nachricht", exact=True)).to_have_value("Gutn Tag")
        await picture(desk, "edit")
        await desk.get_by_label("Nachricht", exact=True).fill("Guten Tag")
        await desk.locator("#ask-yes").click()
        await expect(waiting.locator(".text")).to_have_text("Guten Tag")
        await expect(waiting.locator(".head")).to_contain_text("Geändert")
        await desk.locator("#do-hand_back").click()
        await desk.locator("#ask-yes").click()
        assert (await chat.wait(lambda m: m.author == "agent")).text == "Guten Tag"
        assert "Falsches Fenster" not in [message.text for message in await chat.history()]


async def test_sent_lines_are_edited_and_deleted_at_the_customers(
    bot: WebBot, opened: Open
) -> None:
    chat, desk = await both_sides(opened, bot)
    await says(desk, "Ihr Paket ist gestern da")
    await says(desk, "Das war für jemand anderen")
    await expect(chat.locator(".by-agent .bubble")).to_have_count(2)
    first, second = desk.locator(".by-agent").first, desk.locator(".by-agent").last
    await first.hover()
    await picture(desk, "sent")
    await first.get_by_role("button", name="Bearbeiten").click()
    await desk.get_by_label("Nachricht", exact=True).fill("Ihr Paket ist morgen da")
    await desk.locator("#ask-yes").click()
    bubbles = chat.locator(".by-agent .bubble")
    await expect(bubbles.first).to_have_text("Ihr Paket ist morgen da")
    await expect(chat.locator(".by-agent.edited .foot")).to_contain_text("bearbeitet")
    await second.get_by_role("button", name="Löschen").focus()  # by keyboard too
    await desk.keyboard.press("Enter")
    await desk.locator("#ask-yes").click()
    await expect(bubbles).to_have_count(1)
    await picture(chat, "chat")
    await expect(second.locator(".foot")).to_contain_text("Beim Kunden gelöscht")
    await chat.reload()
    await expect(bubbles).to_have_text(["Ihr Paket ist morgen da"])


async def test_what_is_written_while_a_line_is_sent_is_neither_lost_nor_late(
    bot: WebBot, opened: Open
) -> None:
    """The field was emptied when the server had answered: with it went what was written since."""
    chat, desk = await both_sides(opened, bot)
    held: asyncio.Queue[Route] = asyncio.Queue()
    await desk.route("**/desk/api/commands", held.put)
    await says(desk, "eins")
    await expect(desk.locator("#text")).to_have_value("")
    await says(desk, "zwei")  # sent as soon as the first one is taken
    await expect(desk.locator("#text")).to_have_value("zwei")
    await (await held.get()).continue_()
    await expect(desk.locator("#text")).to_have_value("")
    await desk.locator("#text").fill("drei")
    await (await held.get()).fulfill(status=409, json={"error": "x", "message": "Ging nicht."})
    await expect(desk.locator("#text")).to_have_value("zwei\ndrei")
    await expect(desk.locator("#failure")).to_have_text("Ging nicht.")
    await desk.unroute("**/desk/api/commands")
    await desk.locator("#text").press("Control+Enter")
    said = chat.locator(".by-agent .bubble")
    await expect(said).to_have_text(["eins", "zwei\ndrei"])
    await expect(desk.locator("#failure")).to_be_hidden()


async def test_the_menu_by_mouse_and_by_keyboard(bot: WebBot, opened: Open) -> None:
    async with ChatClient(bot.url) as chat:
        desk = await taken(opened, bot, chat)
        await desk.locator("#do-more").click()
        await expect(desk.locator("#do-release")).to_be_visible()
        await picture(desk, "menu")
        await desk.locator("#do-priority").click()
        await desk.get_by_label("Priorität").select_option("high")
        await desk.locator("#ask-yes").click()
        await expect(desk.locator(".case .urgent")).to_have_text("Dringend")
        await desk.locator("#thread").focus()
        await desk.keyboard.press("m")
        await desk.keyboard.press("ArrowDown")
        await expect(desk.locator("#do-snooze")).to_be_focused()
        await desk.keyboard.press("Enter")
        await picture(desk, "snooze")
        await desk.locator("#ask-yes").click()
        await expect(desk.locator("#case-line")).to_contain_text("Zurückgestellt bis")
        await chat.post("Noch da?")
        await expect(desk.locator(".by-note")).to_contain_text("Der Kunde hat geschrieben")
        await expect(desk.locator("#case-line")).not_to_contain_text("Zurückgestellt")
        await desk.locator("#thread").focus()
        await desk.keyboard.press("m")
        await desk.keyboard.press("Escape")
        await expect(desk.locator("#do-more")).to_be_focused()
        await expect(desk.locator("#do-priority")).to_be_hidden()


async def test_a_case_is_given_away_released_and_closed_with_an_outcome(
    bot: WebBot, opened: Open
) -> None:
    async with (
        ChatClient(bot.url) as chat,
        DeskClient(bot.url, bot.token, "Jonas Winter") as jonas,
    ):
        desk = await taken(opened, bot, chat)
        await desk.locator("#do-more").click()
        await desk.locator("#do-set_language").click()
        await desk.get_by_label("Sprache", exact=True).select_option("en")
        await desk.locator("#ask-yes").click()
        await expect(desk.locator(".case .where")).to_contain_text("EN")
        await desk.locator("#do-more").click()
        await desk.locator("#do-assign").click()
        await desk.get_by_label("Name", exact=True).fill("Jonas Winter")
        await desk.locator("#ask-yes").click()
        await expect(desk.locator("#locked")).to_contain_text("Jonas Winter betreut")
        await expect(desk.locator(".by-note")).to_contain_text("Anna Beck hat den Fall an Jonas")
        await picture(desk, "assigned")
        told = await chat.wait(lambda m: m.author == "system")
        assert told.text == "Jonas from the team is with you now."
        await jonas.command("release", 1)
        await expect(desk.locator("#do-take_over")).to_be_visible()
        await desk.locator("#do-close_case").click()
        await desk.get_by_label("Ergebnis (bleibt im Team)").fill("Gutschrift 20 €")
        await picture(desk, "close")
        await desk.locator("#ask-yes").click()
        await expect(desk.locator("#card")).to_contain_text("Gutschrift 20 €")
        closed = await chat.wait(lambda m: "closed your request" in m.text)
        assert "Gutschrift" not in closed.text


async def test_the_menu_on_a_phone(bot: WebBot, opened: Open) -> None:
    async with ChatClient(bot.url) as chat:
        await chat.ask("Mensch")
        desk = await sit_down(opened, bot, "Anna Beck", **PHONE)
        await desk.locator(".case").click()
        await desk.locator("#do-more").click()
        await expect(desk.locator("#do-assign")).to_be_in_viewport(ratio=1)
        await picture(desk, "phone")
        assert await desk.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


async def test_who_works_by_keyboard_stays_where_they_are(slow: WebBot, opened: Open) -> None:
    """A line that was drawn anew took the focus with it, to nowhere."""
    async with ChatClient(slow.url) as chat:
        desk = await taken(opened, slow, chat)
        await says(desk, "Falsches Fenster")
        undo = desk.get_by_role("button", name="Zurücknehmen")
        await undo.focus()
        await desk.keyboard.press("Enter")
        await expect(desk.locator(".by-agent.gone")).to_be_focused()
        await expect(desk.locator(".by-agent .foot")).to_have_text(
            "Zurückgenommen, bevor es hinausging"
        )
        await desk.keyboard.press("m")
        await desk.keyboard.press("ArrowDown")
        await desk.keyboard.press("Enter")
        await desk.locator("#ask-yes").press("Enter")  # put off: the menu is made anew
        await expect(desk.locator("#case-line")).to_contain_text("Zurückgestellt")
        await expect(desk.locator("#do-more")).to_be_focused()
        await desk.keyboard.press("Enter")
        await expect(desk.locator("#do-wake")).to_be_visible()


async def test_what_was_sent_again_is_not_offered_again(
    bot: WebBot, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, faults = WebChannel.send, [Reject("window_closed")]

    async def send_or_fail(self: WebChannel, out: Outbound) -> str:
        if out.author == "agent" and faults:
            raise faults.pop()
        return await send(self, out)

    monkeypatch.setattr(WebChannel, "send", send_or_fail)
    async with ChatClient(bot.url) as chat:
        desk = await taken(opened, bot, chat)
        await says(desk, "Guten Tag")
        failed = desk.locator(".by-agent.wrong")
        await failed.get_by_role("button", name="Noch einmal senden").click()
        await expect(failed.locator(".foot")).to_contain_text("(noch einmal gesendet)")
        await expect(failed.get_by_role("button")).to_have_count(0)
        assert (await chat.wait(lambda m: m.author == "agent")).text == "Guten Tag"


async def test_a_case_is_late_when_its_answer_is_due(bot: WebBot, opened: Open) -> None:
    async with ChatClient(bot.url) as chat:
        await chat.ask("Mensch")
        await bot.app.core.desk_inbox.store.write(
            lambda tx: tx.run("UPDATE cases SET asked_at = '2026-01-05T09:00:00.000000+00:00'")
        )
        desk = await sit_down(opened, bot, "Anna Beck")
        await expect(desk.locator(".case time.late")).to_have_text(re.compile(r"\d+ T\."))
        await desk.locator(".case").click()
        await desk.locator("#do-take_over").click()
        await expect(desk.locator(".case time.late")).to_have_count(1)  # nobody has answered yet
        await says(desk, "Guten Tag")
        await expect(desk.locator(".case time.late")).to_have_count(0)
