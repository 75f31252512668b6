"""A mail out of a real mailbox at the desk: its subject, its sender, and whether that is known."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from bot.messages import Answer, Say, Turn, Understanding
from bot.testing.fakes import ScriptedDialogue
from bot.testing.running import running_bot
from plugins.mail.testing_servers import PASSWORD, MailServers
from plugins.web.testing_bot import TOKEN, WebBot
from tests.plugins.mail.inbox import box, raw_mail, watched

from .conftest import Open
from .test_desk_page import PHONE, sit_down

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ME = "desk@shop.test"
PASS = "dmarc=pass header.from=example.net"
ANSWER = "Ihre Sendung ist unterwegs und kommt voraussichtlich morgen."


class Unsure(ScriptedDialogue):
    """Has an answer, and had better not give it by itself."""

    async def _answer(self, turn: Turn) -> Answer:
        del turn
        return Answer((Say(text=ANSWER),), understanding=Understanding("track_order", 0.55))


class Office:
    """A bot that reads a mailbox, and people who write to it."""

    def __init__(self, servers: MailServers, bot: WebBot) -> None:
        self.bot = bot
        self._servers = servers
        self._count = 0

    async def gets(
        self, text: str, sender: str = "Erika Muster <erika@example.net>", **more: str
    ) -> None:
        self._count += 1
        given = {"subject": "Wo bleibt die Kanne?", "message_id": f"<{self._count}@desk>", **more}
        self._servers.put(ME, raw_mail(text, sender=sender, to=ME, **given))


@pytest.fixture
async def office(servers: MailServers, tmp_path: Path) -> AsyncIterator[Office]:
    for mail in servers.maildir(ME).rglob("*"):
        if mail.is_file():
            mail.unlink()
    async with running_bot(
        tmp_path,
        {
            "knowledge": {},
            "web": {"announce": False},
            "mail": {"mailboxes": [box(servers, "desk")], "burst_seconds": 0, "poll_seconds": 1},
        },
        Unsure(),
        environment={"SCHALTER_WEB_DESK_TOKEN": TOKEN, "SCHALTER_MAIL_DESK_PASSWORD": PASSWORD},
    ) as made:
        await watched(made)
        yield Office(servers, WebBot(made.url, TOKEN, made.dialogue, made.app))


async def picture(page: Page, name: str) -> None:
    """For people to look at, where they ask for it."""
    if folder := os.environ.get("PICTURES"):
        await page.screenshot(path=str(Path(folder) / f"{name}.png"))


async def test_who_nobody_vouches_for_stands_out(office: Office, opened: Open) -> None:
    """The card showed a forged sender as it showed a proven one."""
    desk = await sit_down(opened, office.bot, "Anna Beck", viewport={"width": 1440, "height": 900})
    quoted = "Am 26.11.2026 schrieb Shop <s@shop.test>:\n> Ihre Kanne ist unterwegs."
    await office.gets(f"Guten Tag,\n\nwo bleibt sie denn?\n\nViele Grüße\nErika Muster\n\n{quoted}")
    case = desk.locator(".case")
    await expect(case.locator(".case-subject")).to_have_text("Wo bleibt die Kanne?")
    await expect(case.locator(".tag.unproven")).to_have_text("Nicht geprüft")
    assert await case.evaluate("(row) => row.scrollWidth <= row.closest('ul').clientWidth")
    await case.click()
    note = desk.locator("#unproven")
    await expect(note).to_contain_text("Absender nicht geprüft: erika@example.net")
    await expect(note).to_contain_text("nach Bestellnummer und Postleitzahl fragen")
    card = desk.locator("#card")
    await expect(card.locator(".sender")).to_have_text("erika@example.net")
    await expect(card.locator(".unproven")).to_have_text("Nicht geprüft")
    await expect(desk.locator("#case-line")).to_contain_text("Wo bleibt die Kanne?")
    await expect(desk.locator(".draft .text")).to_have_text(ANSWER)
    await expect(desk.locator(".folded summary")).to_have_text("Zitierten Text zeigen")
    await picture(desk, "mail-unproven")
    await desk.locator("#do-take_over").click()
    await picture(desk, "mail-mine")
    assert await desk.locator(".by-system").count() == 1  # the receipt, and no "is there now"


async def test_it_is_about_the_latest_mail(office: Office, opened: Open) -> None:
    """What DMARC says of one mail, it does not say of the next."""
    desk = await sit_down(opened, office.bot, "Anna Beck", viewport={"width": 1440, "height": 900})
    await office.gets("Wo bleibt sie?")
    await desk.locator(".case").click()
    await expect(desk.locator("#unproven")).to_be_visible()
    await office.gets(
        "Und?", results=PASS, In_Reply_To="<1@desk>", subject="Re: Wo bleibt die Kanne?"
    )
    await expect(desk.locator("#unproven")).to_be_hidden()
    await expect(desk.locator("#card .proven")).to_have_text("Geprüft")
    await expect(desk.locator(".case .tag.unproven")).to_have_count(0)
    await picture(desk, "mail-proven")


async def test_a_thread_that_may_belong_to_another_is_asked_of_agents(
    office: Office, opened: Open
) -> None:
    desk = await sit_down(opened, office.bot, "Anna Beck", viewport={"width": 1440, "height": 900})
    await office.gets("Wo bleibt sie?")
    await expect(desk.locator(".case")).to_have_count(1)
    await office.gets("Ich noch einmal.")  # a new mail about the same, not an answer
    await expect(desk.locator(".case")).to_have_count(2)
    await desk.locator(".case").first.click()
    await expect(desk.locator("#card .related .proposed")).to_have_count(1)
    await picture(desk, "mail-proposed")


async def test_on_a_phone(office: Office, opened: Open) -> None:
    desk = await sit_down(opened, office.bot, "Anna Beck", **PHONE)
    await office.gets("Wo bleibt sie?", sender=f"{'Erika ' * 9}<{'e' * 60}@example.net>")
    await desk.locator(".case").click()
    await expect(desk.locator("#unproven")).to_be_visible()
    for selector in ("html", "#unproven"):
        wide = "(one) => one.scrollWidth - one.clientWidth"
        assert await desk.locator(selector).evaluate(wide) <= 0, selector
    await picture(desk, "mail-phone")
