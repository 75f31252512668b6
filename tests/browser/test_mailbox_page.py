"""The demo's mailbox in a real browser, and how the shop's page leads to it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from bot.messages import Author
from bot.ports import ReachesEmail, Tx
from bot.store import conversations, outbox
from bot.store.codec import utc_now
from bot.testing.running import RunningBot, running_bot
from tests.browser.conftest import Open

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TEXT = (
    "Guten Tag,\n\nIhr Code lautet: 482913\n\nWofür er ist: neue Lieferadresse, Bestellung "
    "B-100235. Er gilt 10 Minuten ab Ihrer Anfrage und nur einmal.\n\n<b>Kein Markup</b>"
)


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[RunningBot]:
    web = {"announce": False, "demo": True}
    async with running_bot(tmp_path, {"knowledge": {}, "web": web, "mailbox": {"keep": 9}}) as bot:
        yield bot


async def mail(bot: RunningBot, text: str = TEXT, order: str = "B-100235") -> None:
    def queue(tx: Tx) -> None:
        to = "a.very.long.address.of.somebody.who.likes.long.addresses@mail.shop.example"
        address = bot.app.plugins.get(ReachesEmail).address_for(tx, to)
        outbox.insert_send(
            tx,
            conversation=conversations.ensure(tx, address, None, "de", utc_now()),
            author=Author.SYSTEM,
            text=text,
            now=utc_now(),
            response="utter_code_mail",
            facts={"order": order},
        )

    await bot.store.write(queue)


async def test_mails_come_by_themselves_newest_first_with_the_code_marked(
    demo: RunningBot, opened: Open
) -> None:
    page = await opened(f"{demo.url}/mailbox")
    await expect(page.get_by_role("heading", name="Noch keine E-Mail")).to_be_visible()
    await mail(demo, "Die erste")
    await expect(page.locator(".mail")).to_have_count(1)
    await mail(demo)
    await expect(page.locator(".mail")).to_have_count(2)
    newest = page.locator(".mail").first
    await expect(newest.get_by_role("heading")).to_have_text("Ihr Code für die Bestellung B-100235")
    await expect(newest.locator(".code")).to_have_text("482913")
    await expect(newest).to_contain_text("<b>Kein Markup</b>")
    await expect(page.get_by_role("heading", name="Noch keine E-Mail")).to_be_hidden()
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("The demo's mailbox")
    await expect(newest).to_contain_text("To a.very.long")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_is_readable_on_a_small_phone(
    demo: RunningBot, opened: Open, scheme: str, tmp_path: Path
) -> None:
    await mail(demo)
    size = {"width": 320, "height": 640}
    page = await opened(f"{demo.url}/mailbox", viewport=size, color_scheme=scheme)
    await expect(page.locator(".code")).to_be_visible()
    wider = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wider <= 0, "nothing is to be scrolled sideways"
    await page.screenshot(path=str(tmp_path / f"mailbox-{scheme}.png"))


async def test_the_shop_leads_to_the_mail_and_says_when_some_came(
    demo: RunningBot, opened: Open
) -> None:
    page = await opened(demo.url)
    links = page.get_by_role("link", name="Zum Postfach der Demo")
    await expect(links).to_have_count(2)
    came = page.get_by_role("link", name=re.compile("ist im Postfach der Demo angekommen"))
    await expect(came).to_be_hidden()
    await page.wait_for_timeout(300)  # the stream has told what is there
    await mail(demo)
    await expect(came).to_be_visible()
    async with page.context.expect_page() as opening:
        await came.click()
    await expect((await opening.value).locator(".code")).to_have_text("482913")
    await expect(came).to_be_hidden()
