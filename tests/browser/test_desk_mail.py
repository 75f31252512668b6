"""What a mail brings to the desk: drafts, quoted text, machines' answers, and what came back."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from bot.messages import (
    Address,
    Answer,
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

pytestmark = pytest.mark.browser
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

    async def brings(self, text: str, kind: Kind = Kind.TEXT, folded: str = "") -> None:
        self._count += 1
        message = Inbound(
            Address("mail", "thread-1"),
            f"m{self._count}",
            kind=kind,
            text=text,
            sender_name="Erika Mustermann",
            folded=folded,
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
