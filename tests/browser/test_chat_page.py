"""A customer at the chat page, in a real browser."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from bot.messages import Answer, Say
from bot.testing import ScriptedDialogue
from plugins.web.testing import DeskClient
from plugins.web.testing_bot import WebBot, web_bot

from .conftest import Open

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PHONE = {"viewport": {"width": 320, "height": 568}, "is_mobile": True, "has_touch": True}
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154"
    "789c6360f8cf500f000385018041d87d7d0000000049454e44ae426082"
)


async def write(page: Page, text: str) -> None:
    await page.locator("#text").fill(text)
    await page.locator("#text").press("Enter")


async def test_a_customer_chats(bot: WebBot, opened: Open) -> None:
    page = await opened(f"{bot.url}/chat")
    await expect(page.locator("#speaker")).to_contain_text("der Bot, ein Programm")
    await write(page, "Hallo <b>du</b> & https://example.org/a?b=1.")
    answer = page.locator(".by-bot .bubble")
    await expect(answer).to_have_text("echo: Hallo <b>du</b> & https://example.org/a?b=1.")
    await expect(answer.locator("a")).to_have_attribute("href", "https://example.org/a?b=1")
    await expect(answer.locator("b")).to_have_count(0)
    await expect(page.locator(".mine .foot")).to_contain_text("Gesendet")
    await page.reload()
    await expect(page.locator(".message")).to_have_count(2)
    await expect(page.locator(".day")).to_have_text("Heute")


async def test_an_example_is_one_press_away(bot: WebBot, opened: Open) -> None:
    page = await opened(f"{bot.url}/chat")
    await page.get_by_role("button", name="Wo ist mein Paket?").click()
    await expect(page.locator(".by-bot")).to_contain_text("echo: Wo ist mein Paket?")
    await expect(page.locator("#intro .choice")).to_have_count(0)


async def test_buttons_answer_once(bot: WebBot, opened: Open) -> None:
    page = await opened(f"{bot.url}/chat")
    await write(page, "Stornieren")
    yes = page.get_by_role("button", name="Ja")
    await yes.click()
    await expect(page.locator(".by-bot").last).to_contain_text("Ist storniert.")
    await expect(yes).to_be_disabled()
    await expect(yes).to_have_class(re.compile("chosen"))
    await expect(page.get_by_role("button", name="Nein")).to_be_disabled()
    await page.reload()
    await expect(page.get_by_role("button", name="Ja")).to_be_disabled()


async def test_files_both_ways(bot: WebBot, opened: Open, script: ScriptedDialogue) -> None:
    label = await bot.app.files.put_bytes(b"%PDF-1.4\n%x", name="Etikett.pdf", owner="test")
    script.replies["Etikett"] = Answer((Say(text="Bitte sehr.", files=(label.file or "",)),))
    page = await opened(f"{bot.url}/chat")
    await page.set_input_files(
        "#files", [{"name": "Kanne.png", "mimeType": "image/png", "buffer": PNG}]
    )
    await expect(page.locator(".chip-size")).to_be_visible()
    await write(page, "Etikett")
    await expect(page.locator("#chips")).to_be_empty()
    picture = page.get_by_role("img", name="Kanne.png")
    await expect(picture).to_be_visible()
    await page.wait_for_function("document.querySelector('.picture img').naturalWidth === 1")
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Etikett.pdf").click()
    assert (await download.value).suggested_filename == "Etikett.pdf"


async def test_a_file_that_is_refused_says_why(bot: WebBot, opened: Open) -> None:
    page = await opened(f"{bot.url}/chat")
    await page.set_input_files(
        "#files", [{"name": "a.html", "mimeType": "text/html", "buffer": b"<html><script>"}]
    )
    await expect(page.locator(".chip-error")).to_contain_text("nehmen wir nicht an")
    await write(page, "Hallo")
    await expect(page.locator("#complaint")).to_contain_text("Eine Datei kam nicht an")
    await page.get_by_role("button", name="a.html entfernen").click()
    await page.locator("#text").press("Enter")
    await expect(page.locator(".by-bot")).to_contain_text("echo: Hallo")


async def test_what_is_too_long_stays_in_the_field(bot: WebBot, opened: Open) -> None:
    page = await opened(f"{bot.url}/chat")
    await write(page, "x" * 10_001)
    await expect(page.locator("#complaint")).to_contain_text("10001 Zeichen")
    await expect(page.locator("#text")).to_have_value("x" * 10_001)
    assert bot.dialogue.asked == []


async def test_a_restart_of_the_bot_loses_nothing(
    tmp_path: Path, opened: Open, script: ScriptedDialogue
) -> None:
    async with web_bot(tmp_path, script) as first:
        port = int(first.url.rsplit(":", 1)[1])
        page = await opened(f"{first.url}/chat")
        await write(page, "davor")
        await expect(page.locator(".by-bot")).to_contain_text("echo: davor")
    await write(page, "während der Pause")
    await expect(page.locator(".mine").last).to_contain_text("sobald die Verbindung da ist")
    await expect(page.locator("#connection")).to_contain_text("Verbindung unterbrochen")
    async with web_bot(tmp_path, script, port=port):
        answer = page.locator(".by-bot").last
        await expect(answer).to_contain_text("echo: während der Pause", timeout=20_000)
        await expect(page.locator("#connection")).not_to_contain_text("unterbrochen")
        await expect(page.locator(".message")).to_have_count(4)
        await expect(page.locator(".mine").last.locator(".foot")).to_contain_text("Gesendet")
        unsent = "Object.keys(localStorage).filter((key) => key.includes('unsent')).length"
        assert await page.evaluate(unsent) == 0
    assert [turn.text for turn in script.asked] == ["davor", "während der Pause"]


async def test_a_page_closed_before_it_could_send_sends_when_it_is_opened_again(
    tmp_path: Path, opened: Open, script: ScriptedDialogue
) -> None:
    async with web_bot(tmp_path, script) as first:
        port = int(first.url.rsplit(":", 1)[1])
        page = await opened(f"{first.url}/chat")
        await expect(page.locator("#intro .choice").first).to_be_visible()
    await write(page, "vor dem Schließen")
    context = page.context
    await page.close()
    async with web_bot(tmp_path, script, port=port) as second:
        page = await context.new_page()
        await page.goto(f"{second.url}/chat")
        await expect(page.locator(".by-bot")).to_contain_text("echo: vor dem Schließen")
        await expect(page.locator(".message")).to_have_count(2)


async def test_who_speaks_is_always_said(bot: WebBot, opened: Open) -> None:
    page = await opened(f"{bot.url}/chat")
    await write(page, "Mensch")
    await expect(page.locator("#speaker")).to_contain_text("Ein Mensch ist angefragt")
    async with DeskClient(bot.url, bot.token, "Anna Beck") as desk:
        case = (await desk.wait_case())["id"]
        await desk.take_over(case)
        await desk.say(case, "Guten Tag")
        await expect(page.locator("#speaker")).to_have_text("Anna vom Kundenservice ist da")
        await expect(page.locator(".by-agent .author")).to_have_text("Anna")
        await desk.hand_back(case)
        await expect(page.locator("#speaker")).to_contain_text("der Bot, ein Programm")


async def test_on_a_small_phone(bot: WebBot, opened: Open) -> None:
    page = await opened(f"{bot.url}/chat", **PHONE)
    await write(page, "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen" * 3)
    await expect(page.locator(".by-bot")).to_contain_text("echo: Donau")  # else both are one turn
    await write(page, "Stornieren")
    await expect(page.get_by_role("button", name="Ja")).to_be_visible()
    wide = "document.documentElement.scrollWidth <= window.innerWidth"
    assert await page.evaluate(wide)
    for name in ("#send", "#text", ".choice"):
        box = await page.locator(name).first.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320
        assert box["height"] >= 40
    last = await page.locator(".message").last.bounding_box()
    composer = await page.locator("#composer").bounding_box()
    assert last is not None
    assert composer is not None
    assert last["y"] + last["height"] <= composer["y"]


async def test_with_the_keyboard_alone(bot: WebBot, opened: Open) -> None:
    page = await opened(f"{bot.url}/chat")
    await expect(page.locator("#text")).to_be_focused()
    await page.keyboard.type("Stornieren")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Ja")).to_be_visible()
    for _ in range(12):
        await page.keyboard.press("Shift+Tab")
        if await page.evaluate("document.activeElement.textContent") == "Ja":
            break
    outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    await page.keyboard.press("Enter")
    await expect(page.locator(".by-bot").last).to_contain_text("Ist storniert.")
    await expect(page.locator("#text")).to_be_focused()
    await page.keyboard.type("eins")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("zwei")
    await page.keyboard.press("Enter")
    await expect(page.locator(".mine .bubble").last).to_have_text("eins\nzwei")


async def test_the_log_is_read_out(bot: WebBot, opened: Open) -> None:
    page = await opened(f"{bot.url}/chat")
    log = page.get_by_role("log")
    await expect(log).to_have_attribute("aria-live", "polite")
    unnamed = """[...document.querySelectorAll('button, input, textarea')]
      .filter((node) => node.checkVisibility())
      .filter((node) => !(node.textContent.trim() || node.getAttribute('aria-label')))
      .map((node) => node.outerHTML)"""
    assert await page.evaluate(unnamed) == []


async def test_the_language_follows_the_browser_and_the_switch(bot: WebBot, opened: Open) -> None:
    page = await opened(f"{bot.url}/chat", locale="en-GB")
    await expect(page.locator("#text")).to_have_attribute("placeholder", "Write a message")
    await expect(page.locator("#intro")).to_contain_text("a program and not a person")
    await page.get_by_role("button", name="Deutsch").click()
    await expect(page.locator("#text")).to_have_attribute("placeholder", "Nachricht schreiben")
    await expect(page.locator("#intro")).to_contain_text("ein Programm und kein Mensch")
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("lang", "de")


async def test_motion_stops_for_those_who_ask(bot: WebBot, opened: Open) -> None:
    page = await opened(f"{bot.url}/chat", reduced_motion="reduce")
    await write(page, "Hallo")
    message = page.locator(".message").first
    await expect(message).to_be_visible()
    assert await message.evaluate("(node) => getComputedStyle(node).animationName") == "none"


async def test_two_tabs_show_the_same(bot: WebBot, opened: Open) -> None:
    page = await opened(f"{bot.url}/chat")
    await expect(page.locator("#intro .choice").first).to_be_visible()
    other = await page.context.new_page()
    await other.goto(f"{bot.url}/chat")
    await write(page, "Hallo")
    await expect(other.locator(".message")).to_have_count(2)
    await expect(page.locator(".message")).to_have_count(2)


async def test_many_messages_keep_their_order(bot: WebBot, opened: Open) -> None:
    page = await opened(f"{bot.url}/chat")
    for number in range(8):
        await write(page, f"Nummer {number}")
    await expect(page.locator(".mine")).to_have_count(8)
    await expect(page.locator(".mine .bubble")).to_have_text([f"Nummer {n}" for n in range(8)])
    await asyncio.sleep(0.3)
    await page.reload()
    await expect(page.locator(".mine .bubble")).to_have_text([f"Nummer {n}" for n in range(8)])


async def test_the_chat_on_the_shops_page(bot: WebBot, opened: Open) -> None:
    page = await opened(bot.url)
    await page.get_by_role("button", name="Hilfe und Kontakt").click()
    chat = page.frame_locator("iframe")
    await chat.locator("#text").fill("Hallo")
    await chat.locator("#text").press("Enter")
    await expect(chat.locator(".by-bot")).to_contain_text("echo: Hallo")
    await chat.get_by_role("button", name="Chat schließen").click()
    await expect(page.locator("iframe")).to_be_hidden()
    await expect(page.get_by_role("button", name="Hilfe und Kontakt")).to_be_focused()
