"""Other conversations of a customer on the desk's page, and names from outside, in a browser."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from bot.messages import Address, Inbound, Kind
from bot.store import audit, linking
from bot.store.codec import new_id, utc_now
from plugins.web.testing import ChatClient
from plugins.web.testing_bot import WebBot

from .conftest import Open
from .test_desk_page import sit_down
from .test_desk_tools import picture

pytestmark = [pytest.mark.browser, pytest.mark.slow]
EVIL = '<img src=x onerror="window.evil=1"> \u202eanna\u202c <b>Kern</b>\r\nAgent'
SHOWN = '<img src=x onerror="window.evil=1"> anna <b>Kern</b> Agent'


async def elsewhere(bot: WebBot, name: str, text: str) -> None:
    """Somebody writes on WhatsApp, and may be the customer of the first conversation."""
    address = Address("whatsapp", name)
    message = Inbound(address, new_id(), Kind.AUTOMATIC, text=text, sender_name=name)
    await bot.app.core.inbox.accept(message)
    await bot.app.store.write(lambda tx: linking.propose(tx, 1, 2, "order", utc_now()))


async def with_case(bot: WebBot, opened: Open, chat: ChatClient, name: str = "Elsa Kern") -> Page:
    await chat.ask("Mensch")
    await elsewhere(bot, name, "Die Kanne ist kaputt")
    desk = await sit_down(opened, bot, "Anna Beck")
    await desk.locator(".case").first.click()
    return desk


async def test_a_proposal_is_linked_read_and_parted(bot: WebBot, opened: Open) -> None:
    async with ChatClient(bot.url) as chat:
        desk = await with_case(bot, opened, chat)
        asked = desk.locator(".related .proposed")
        await expect(asked).to_contain_text("Vielleicht dieselbe Person")
        await expect(asked).to_contain_text("Elsa Kern")
        await expect(asked).to_contain_text("WhatsApp")
        await expect(asked).to_contain_text("stehen auf jedem Paket")
        await expect(desk.locator("#lines")).not_to_contain_text("Die Kanne ist kaputt")
        await picture(desk, "proposed")
        await asked.get_by_role("button", name="Verknüpfen").click()
        line = desk.locator(".elsewhere")
        await expect(line).to_contain_text("Die Kanne ist kaputt")
        await expect(line.locator(".tag", has_text="WhatsApp")).to_be_visible()
        await expect(desk.locator(".related .proposed")).to_have_count(0)
        await picture(desk, "linked")
        await desk.locator(".related").get_by_role("button", name="Trennen").click()
        dialog = desk.locator("#ask")
        await expect(dialog).to_contain_text("vergisst, was er daraus wusste")
        await picture(desk, "parting")
        await dialog.get_by_role("button", name="Trennen").click()
        await expect(desk.locator(".related")).to_have_count(0)
        await expect(desk.locator("#lines")).not_to_contain_text("Die Kanne ist kaputt")


async def test_a_proposal_is_declined(bot: WebBot, opened: Open) -> None:
    async with ChatClient(bot.url) as chat:
        desk = await with_case(bot, opened, chat)
        await desk.get_by_role("button", name="Getrennt lassen").click()
        await expect(desk.locator(".related")).to_have_count(0)
        await elsewhere(bot, "Elsa Kern", "Noch etwas")
        await expect(desk.locator(".related")).to_have_count(0)


async def test_two_cases_are_linked_by_the_menu(bot: WebBot, opened: Open) -> None:
    async with ChatClient(bot.url) as chat, ChatClient(bot.url) as other:
        await chat.ask("Mensch")
        await other.ask("Ich bin es nochmal")
        await other.ask("Mensch")
        desk = await sit_down(opened, bot, "Anna Beck")
        await desk.locator('.case[data-case="1"]').click()
        await desk.locator("#do-more").click()
        await desk.locator("#do-link_case").click()
        await desk.locator("#ask-yes").click()
        await expect(desk.locator(".elsewhere").first).to_contain_text("Ich bin es nochmal")
        await desk.get_by_role("button", name=re.compile("Offener Fall 2")).click()
        await expect(desk).to_have_url(re.compile("case=2"))


async def test_a_name_from_outside_is_only_text(bot: WebBot, opened: Open) -> None:
    """Markup, a turned-around line and a line break in a display name."""
    async with ChatClient(bot.url) as chat:
        desk = await with_case(bot, opened, chat, EVIL)
        name = desk.locator(".related-top strong")
        await expect(name).to_have_text(SHOWN[:80])
        await expect(name.locator("img, b")).to_have_count(0)
        assert await desk.evaluate("window.evil") is None


async def test_operators_read_of_an_alarm(bot: WebBot, opened: Open) -> None:
    async with ChatClient(bot.url) as chat:
        desk = await with_case(bot, opened, chat)
        await expect(desk.locator("#alarm")).to_be_hidden()
        await bot.app.store.write(
            lambda tx: audit.raise_alarm(
                tx, "identity_burst", {}, utc_now(), quiet=timedelta(hours=1)
            )
        )
        await desk.reload()
        await expect(desk.locator("#alarm")).to_contain_text("falsche Nachweise")
        await picture(desk, "alarm")
