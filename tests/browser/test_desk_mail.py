"""What a mail brings to the desk: drafts, quoted text, machines' answers, and what came back."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from bot.messages import (
    Address,
    Answer,
    Attachment,
    Features,
    Inbound,
    Kind,
    Receipt,
    Say,
    State,
    Understanding,
)
from bot.testing.fakes import FakeChannel, ScriptedDialogue
from bot.testing.running import GivenPlugin, RunningBot, running_bot
from host.hooks import hookimpl
from host.ports import Registrar
from plugins.web.testing_bot import TOKEN, WebBot

from .conftest import Open
from .test_desk_page import PHONE, sit_down

pytestmark = [pytest.mark.browser, pytest.mark.slow]
QUOTED = "Am 26.11.2026 schrieb Lindenhof:\n> Ihre Kanne ist unterwegs."
ANSWER = "Ihre Sendung ist unterwegs und kommt voraussichtlich morgen."


class Mailing:
    """A channel as mail is one, and a customer who writes."""

    def __init__(self) -> None:
        features = Features(burst_seconds=0.0, buttons=0, certainty=0.8, attachments_out=True)
        self.channel = FakeChannel("mail", features)
        self._count = 0

    @hookimpl
    def bot_register(self, bot: Registrar) -> None:
        bot.add_channel(self.channel)

    async def brings(
        self,
        text: str,
        kind: Kind = Kind.TEXT,
        folded: str = "",
        name: str = "Erika Mustermann",
        **more: Any,
    ) -> None:
        self._count += 1
        message = Inbound(
            Address("mail", "thread-1"),
            f"m{self._count}",
            kind=kind,
            text=text,
            sender_name=name,
            folded=folded,
            **more,
        )
        assert self.channel.inbox is not None
        await self.channel.inbox.accept(message)


@pytest.fixture
def mail() -> Mailing:
    return Mailing()


@pytest.fixture
async def bot(tmp_path: Path, mail: Mailing) -> AsyncIterator[WebBot]:
    dialogue = ScriptedDialogue()
    unsure = Understanding("track_order", 0.55)
    dialogue.replies["Wo bleibt es?"] = Answer((Say(text=ANSWER),), understanding=unsure)
    async with running_bot(
        tmp_path,
        {"knowledge": {}, "web": {"announce": False}},
        dialogue,
        environment={"SCHALTER_WEB_DESK_TOKEN": TOKEN},
        given=(GivenPlugin("mailing", mail),),
    ) as made:
        yield _web(made)


def _web(bot: RunningBot) -> WebBot:
    return WebBot(bot.url, TOKEN, bot.dialogue, bot.app)


async def case_of(bot: WebBot, mail: Mailing, opened: Open, **options: object) -> Page:
    """A mail that the bot is not certain of, on an agent's table."""
    await mail.brings("Wo bleibt es?", folded=QUOTED)
    desk = await sit_down(opened, bot, "Anna Beck", **options)
    await desk.locator(".case").click()
    await expect(desk.locator(".draft .label")).to_have_text(
        "Entwurf des Bots, nicht gesendet. Der Bot war sich nicht sicher."
    )
    return desk


async def picture(page: Page, name: str) -> None:
    """For people to look at, where they ask for it."""
    if folder := os.environ.get("PICTURES"):
        await page.screenshot(path=str(Path(folder) / f"{name}.png"))


async def test_a_draft_is_sent_as_it_is(bot: WebBot, mail: Mailing, opened: Open) -> None:
    desk = await case_of(bot, mail, opened)
    await expect(desk.locator(".case-reason")).to_have_text("Der Bot war sich nicht sicher")
    await expect(desk.locator(".draft .foot")).to_have_text("Zum Senden zuerst übernehmen")
    await picture(desk, "draft-free")
    await desk.locator("#do-take_over").click()
    await picture(desk, "draft-mine")
    await desk.get_by_role("button", name="So senden").click()
    await expect(desk.locator(".by-agent .text")).to_have_text(ANSWER)
    await expect(desk.locator(".settled .foot")).to_have_text("Entwurf, gesendet von Anna Beck")
    await expect(desk.locator(".settled .head strong")).to_have_text("Bot")
    await expect(desk.locator(".draft")).to_have_count(0)
    await picture(desk, "draft-sent")
    sent = [(out.text, out.author) for out in mail.channel.sent]
    assert sent.count((ANSWER, "agent")) == 1
    assert [text for text, author in sent if author == "bot"] == []


async def test_a_draft_is_changed_and_sent(bot: WebBot, mail: Mailing, opened: Open) -> None:
    desk = await case_of(bot, mail, opened)
    await desk.locator("#do-take_over").click()
    await desk.get_by_role("button", name="Bearbeiten und senden").click()
    field = desk.get_by_label("Nachricht")
    await expect(field).to_have_value(ANSWER)
    await field.fill("Sie kommt am Freitag.")
    await picture(desk, "draft-edit")
    await desk.locator("#ask-yes").click()
    await expect(desk.locator(".by-agent .text")).to_have_text("Sie kommt am Freitag.")
    await expect(desk.locator(".settled")).to_have_count(1)
    assert ANSWER not in [out.text for out in mail.channel.sent]


async def test_a_draft_is_discarded(bot: WebBot, mail: Mailing, opened: Open) -> None:
    desk = await case_of(bot, mail, opened)
    await desk.locator("#do-take_over").click()
    await desk.get_by_role("button", name="Verwerfen").click()
    await expect(desk.locator(".gone .foot")).to_have_text("Entwurf, verworfen von Anna Beck")
    await expect(desk.locator(".draft")).to_have_count(0)
    await picture(desk, "draft-dropped")


async def test_quoted_text_is_folded_until_somebody_wants_it(
    bot: WebBot, mail: Mailing, opened: Open
) -> None:
    desk = await case_of(bot, mail, opened)
    folded = desk.locator(".folded .text")
    await expect(folded).to_be_hidden()
    await desk.get_by_text("Zitierten Text zeigen").click()
    await expect(folded).to_contain_text("Ihre Kanne ist unterwegs.")
    await picture(desk, "folded-open")
    await mail.brings("Noch etwas")
    await expect(desk.locator(".by-customer")).to_have_count(2)
    await expect(folded).to_be_visible()  # what is redrawn must not close it


async def test_a_machines_answer_and_what_came_back(
    bot: WebBot, mail: Mailing, opened: Open
) -> None:
    desk = await case_of(bot, mail, opened)
    await desk.locator("#do-take_over").click()
    await desk.get_by_role("button", name="So senden").click()
    await expect(desk.locator(".by-agent .foot")).to_contain_text("Gesendet")
    await mail.brings("Ich bin bis Montag nicht da.", Kind.AUTOMATIC)
    await expect(desk.locator(".automatic .tag")).to_have_text("Automatische Antwort")
    (vendor,) = [one for one, text in mail.channel.shown.items() if text == ANSWER]
    assert mail.channel.inbox is not None
    await mail.channel.inbox.receipt(Receipt("mail", vendor, State.FAILED, "gave_up"))
    await expect(desk.locator(".wrong .text")).to_have_text(ANSWER)
    await picture(desk, "bounced")


async def test_drafts_on_a_phone(bot: WebBot, mail: Mailing, opened: Open) -> None:
    desk = await case_of(bot, mail, opened, **PHONE)
    await desk.locator("#do-take_over").click()
    await expect(desk.get_by_role("button", name="Verwerfen")).to_be_visible()
    wide = await desk.evaluate("document.documentElement.scrollWidth")
    assert wide <= 360
    await picture(desk, "draft-phone")


POISON = '<img src=x onerror="window.evil=1"> <a href="https://evil.test">Ihr Konto</a> \u202etset'


async def test_what_a_stranger_calls_themselves_is_shown_as_it_was_typed(
    bot: WebBot, mail: Mailing, opened: Open
) -> None:
    """Name, subject, quoted text and file name of a mail: no markup, no link, nothing turned."""
    await mail.brings(
        f"Hallo {POISON}",
        folded=f"> {POISON}",
        name=POISON,
        person="mail_no_sender",
        attachments=(Attachment(f"{POISON}.pdf", "application/pdf", error="file_type"),),
    )
    desk = await sit_down(opened, bot, "Anna Beck")
    shown = POISON.replace("\u202e", "")
    await expect(desk.locator(".case")).to_contain_text(shown[:40])
    await desk.locator(".case").click()
    await expect(desk.locator("#lines")).to_contain_text(f"Hallo {shown}")
    for fold in await desk.locator("#lines summary").all():
        await fold.click()
    await picture(desk, "poison")
    assert await desk.evaluate("window.evil") is None
    assert await desk.locator("img[src='x']").count() == 0
    assert "\u202e" not in await desk.content()
    links = await desk.locator("a[href*='evil.test']").all()
    for link in links:  # what a customer wrote may be opened, and says where it leads
        assert (await link.inner_text()).startswith("https://evil.test")
        assert "noopener" in (await link.get_attribute("rel") or "")
    assert await desk.locator("header a[href*='evil.test'], .case a").count() == 0
