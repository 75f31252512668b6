"""An agent at the web desk, in a real browser."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Page, expect

from bot.messages import Outbound
from bot.ports import Reject, Retry
from plugins.web.channel import WebChannel
from plugins.web.testing import ChatClient, DeskClient
from plugins.web.testing_bot import WebBot

from .conftest import Open

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PHONE = {"viewport": {"width": 360, "height": 640}, "is_mobile": True, "has_touch": True}


async def sit_down(opened: Open, bot: WebBot, name: str, **options: object) -> Page:
    page = await opened(bot.desk_url, **options)
    await page.locator("#field-agent").fill(name)
    await page.locator("#field-agent").press("Enter")
    await expect(page.locator("#ask")).to_be_hidden()
    return page


async def test_the_door(bot: WebBot, opened: Open) -> None:
    page = await opened(f"{bot.url}/desk")
    await page.get_by_label("Zugangsschlüssel").fill("falsch-falsch-falsch")
    await page.get_by_role("button", name="Anmelden").click()
    await expect(page.get_by_role("alert")).to_contain_text("stimmt nicht")
    await page.get_by_label("Zugangsschlüssel").fill(bot.token)
    await page.get_by_role("button", name="Anmelden").click()
    await page.get_by_label("Name", exact=True).fill("Anna Beck")
    await page.get_by_role("button", name="Speichern").click()
    await expect(page.locator("#no-cases")).to_contain_text("Nichts zu tun")
    await page.reload()
    await expect(page.locator("#agent-name")).to_have_text("Anna Beck")
    await page.get_by_role("button", name="Abmelden").click()
    await expect(page.get_by_label("Zugangsschlüssel")).to_be_visible()


async def test_the_token_leaves_the_address_bar(bot: WebBot, opened: Open) -> None:
    page = await sit_down(opened, bot, "Anna Beck")
    assert bot.token not in page.url
    assert bot.token not in await page.evaluate("document.cookie + JSON.stringify(localStorage)")


async def test_a_case_from_beginning_to_end(bot: WebBot, opened: Open) -> None:
    desk = await sit_down(opened, bot, "Anna Beck")
    chat = await opened(f"{bot.url}/chat")
    await chat.locator("#text").fill("Mensch")
    await chat.locator("#text").press("Enter")
    await desk.locator(".case").click()
    await expect(desk.locator(".case-reason")).to_have_text("Möchte mit einem Menschen sprechen")
    await expect(desk.locator("#card")).to_contain_text("Mensch gewünscht")
    await expect(desk.locator("#writing")).to_be_hidden()
    await desk.locator("#do-take_over").click()
    await desk.locator("#text").fill("Guten Tag, <i>Anna</i> hier")
    await desk.locator("#text").press("Control+Enter")
    await expect(chat.locator(".by-agent .bubble")).to_have_text("Guten Tag, <i>Anna</i> hier")
    await expect(desk.locator(".by-agent .foot")).to_contain_text("Gesendet")
    await chat.locator("#text").fill("Meine Kanne ist kaputt")
    await chat.locator("#text").press("Enter")
    await expect(desk.locator(".by-customer").last).to_contain_text("Kanne ist kaputt")
    await desk.get_by_role("button", name="Interne Notiz").click()
    await desk.locator("#text").fill("nur für uns")
    await desk.get_by_role("button", name="Notiz ablegen").click()
    await expect(desk.locator(".by-note")).to_contain_text("nur für uns")
    await desk.locator("#do-hand_back").click()
    await desk.get_by_label(re.compile("Ergebnis")).fill("Eine neue Kanne ist unterwegs.")
    await desk.locator("#ask-yes").click()
    await expect(chat.locator(".by-system").last).to_contain_text("neue Kanne ist unterwegs")
    await expect(chat.locator("#speaker")).to_contain_text("der Bot")
    await expect(desk.locator("#case-line")).to_contain_text("Erledigt")
    await expect(desk.locator("#no-cases")).to_be_visible()
    await expect(chat.locator("#log")).not_to_contain_text("nur für uns")
    await desk.get_by_role("button", name="Erledigt").click()
    await expect(desk.locator(".case")).to_have_count(1)


async def test_closing_with_the_keyboard(bot: WebBot, opened: Open) -> None:
    async with ChatClient(bot.url) as chat:
        await chat.ask("Mensch")
        desk = await sit_down(opened, bot, "Anna Beck")
        await expect(desk.locator(".case")).to_have_count(1)
        await desk.keyboard.press("?")
        await expect(desk.locator("#ask")).to_contain_text("Nächster Fall")
        await desk.keyboard.press("Escape")
        await expect(desk.locator("#ask")).to_be_hidden()  # Chromium closes it a moment later
        await desk.keyboard.press("j")
        await expect(desk.locator("#do-take_over")).to_be_visible()
        await desk.keyboard.press("t")
        await expect(desk.locator("#text")).to_be_focused()
        await desk.keyboard.type("Erledigt, auf Wiedersehen")
        await desk.keyboard.press("Control+Enter")
        await expect(desk.locator(".by-agent")).to_be_visible()
        await desk.keyboard.press("Escape")
        await desk.keyboard.press("e")
        await expect(desk.locator("#ask-title")).to_have_text("Fall abschließen?")
        await desk.locator("#ask-yes").press("Enter")
        await expect(desk.locator("#no-cases")).to_be_visible()
        assert (await chat.wait(lambda m: m.author == "agent")).text == "Erledigt, auf Wiedersehen"


async def test_a_key_right_after_a_dialog_is_not_lost(bot: WebBot, opened: Open) -> None:
    """Until the next frame the focus is still in the dialog that has just closed."""
    async with ChatClient(bot.url) as chat:
        await chat.ask("Mensch")
        desk = await sit_down(opened, bot, "Anna Beck")
        await expect(desk.locator(".case")).to_have_count(1)
        await desk.keyboard.press("?")
        await expect(desk.locator("#ask")).to_be_visible()
        await desk.evaluate("""() => {
            document.getElementById("ask").close();
            const key = new KeyboardEvent("keydown", { key: "j", bubbles: true });
            document.getElementById("ask-yes").dispatchEvent(key);
        }""")
        await expect(desk.locator("#do-take_over")).to_be_visible()


async def test_two_agents_collide(bot: WebBot, opened: Open) -> None:
    async with ChatClient(bot.url) as chat:
        await chat.ask("Mensch")
        anna = await sit_down(opened, bot, "Anna Beck")
        jonas = await sit_down(opened, bot, "Jonas Winter", locale="en-GB")
        for page in (anna, jonas):
            await page.locator(".case").click()
            await expect(page.locator("#do-take_over")).to_be_visible()
        await anna.locator("#do-take_over").click()
        await expect(jonas.locator("#locked")).to_contain_text("Anna Beck is looking after")
        await jonas.locator("#do-take_from").click()
        await expect(jonas.locator("#ask-title")).to_have_text("Take over from Anna Beck?")
        await jonas.locator("#ask-no").click()
        await expect(anna.locator("#do-hand_back")).to_be_visible()
        await jonas.locator("#do-take_from").click()
        await jonas.locator("#ask-yes").click()
        await expect(jonas.locator("#text")).to_be_focused()
        await expect(anna.locator("#locked")).to_contain_text("Jonas Winter betreut diesen Fall")


async def test_who_comes_a_moment_late_is_asked(bot: WebBot, opened: Open) -> None:
    """Both see a free case; the colleague's take-over is not on the page yet."""
    async with ChatClient(bot.url) as chat, DeskClient(bot.url, bot.token, "Jonas") as jonas:
        await chat.ask("Mensch")
        anna = await sit_down(opened, bot, "Anna Beck")
        await anna.locator(".case").click()
        take = anna.locator("#do-take_over")
        await expect(take).to_be_visible()
        await anna.route("**/desk/api/commands", lambda route: before(route, jonas))
        await take.click()
        await expect(anna.locator("#ask-title")).to_have_text("Von Jonas übernehmen?")


async def before(route: object, jonas: DeskClient) -> None:
    await jonas.take_over(1)
    await route.continue_()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("no_such_user", re.compile("^Nicht angekommen: no_such_user")),  # some plugin's code
        ("file_gone", re.compile("^Nicht")),  # a sentence, which stands alone
    ],
)
async def test_what_failed_turns_red_and_can_go_again(
    bot: WebBot,
    opened: Open,
    monkeypatch: pytest.MonkeyPatch,
    reason: str,
    shown: re.Pattern[str],
) -> None:
    async def refuse(self: WebChannel, out: Outbound) -> str:
        raise Reject(reason)

    async with ChatClient(bot.url) as chat:
        await chat.ask("Mensch")
        desk = await sit_down(opened, bot, "Anna Beck")
        await desk.locator(".case").click()
        await desk.locator("#do-take_over").click()
        await expect(desk.locator("#writing")).to_be_visible()
        await chat.wait(lambda m: m.author == "system")
        with monkeypatch.context() as patch:
            patch.setattr(WebChannel, "send", refuse)
            await desk.locator("#text").fill("Kommt nicht an")
            await desk.locator("#send").click()
            await expect(desk.locator(".wrong .foot span")).to_have_text(shown)
        await desk.get_by_role("button", name="Noch einmal senden").click()
        assert (await chat.wait(lambda m: m.author == "agent")).text == "Kommt nicht an"


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("some_code", re.compile("^Wartet auf Versand$")),
        ("vendor_unreachable", re.compile("^Wartet auf Versand. Der Anbieter .* zu erreichen.$")),
    ],
)
async def test_what_waits_says_so_and_why_in_words_only(
    bot: WebBot,
    opened: Open,
    monkeypatch: pytest.MonkeyPatch,
    reason: str,
    shown: re.Pattern[str],
) -> None:
    async def later(self: WebChannel, out: Outbound) -> str:
        raise Retry(600, reason)

    async with ChatClient(bot.url) as chat:
        await chat.ask("Mensch")
        desk = await sit_down(opened, bot, "Anna Beck")
        await desk.locator(".case").click()
        await desk.locator("#do-take_over").click()
        await expect(desk.locator("#writing")).to_be_visible()
        await chat.wait(lambda m: m.author == "system")
        monkeypatch.setattr(WebChannel, "send", later)
        await desk.locator("#text").fill("Kommt später")
        await desk.locator("#send").click()
        tried = "SELECT 1 FROM outbox WHERE attempts = 1"
        while not await bot.app.store.read(lambda tx: tx.rows(tried)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        await desk.reload()
        await expect(desk.locator(".foot span").last).to_have_text(shown)


async def test_files_both_ways(bot: WebBot, opened: Open) -> None:
    async with ChatClient(bot.url) as chat:
        photo = await chat.upload(b"%PDF-1.4\n%rechnung", "Rechnung.pdf")
        await chat.post("Mensch", files=[photo])
        desk = await sit_down(opened, bot, "Anna Beck")
        await desk.locator(".case").click()
        async with desk.expect_download() as download:
            await desk.get_by_role("link", name="Rechnung.pdf").click()
        assert (await download.value).suggested_filename == "Rechnung.pdf"
        await desk.locator("#do-take_over").click()
        await desk.set_input_files(
            "#files",
            [{"name": "Etikett.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4\n%e"}],
        )
        await expect(desk.locator(".chip-size")).to_be_visible()
        await desk.locator("#send").click()
        answer = await chat.wait(lambda m: m.author == "agent")
        assert await chat.download(answer.attachments[0]) == b"%PDF-1.4\n%e"


async def test_half_written_answers_stay_with_their_case(bot: WebBot, opened: Open) -> None:
    async with ChatClient(bot.url) as one, ChatClient(bot.url) as two:
        await one.ask("Mensch")
        await two.ask("Mensch")
        desk = await sit_down(opened, bot, "Anna Beck")
        await expect(desk.locator(".case")).to_have_count(2)
        for case, text in (("1", "für eins"), ("2", "für zwei")):
            await desk.locator(f"[data-case='{case}']").click()
            await expect(desk.locator("#case-name")).to_have_text(f"Fall {case}")
            await desk.locator("#do-take_over").click()
            await desk.locator("#text").fill(text)
        await desk.locator("[data-case='1']").click()
        await expect(desk.locator("#text")).to_have_value("für eins")
        await desk.get_by_role("button", name="Interne Notiz").click()
        await expect(desk.locator("#text")).to_have_value("")
        await desk.get_by_role("button", name="Antwort").click()
        await expect(desk.locator("#text")).to_have_value("für eins")


async def test_on_a_phone(bot: WebBot, opened: Open) -> None:
    async with ChatClient(bot.url) as chat:
        await chat.ask("Mensch")
        desk = await sit_down(opened, bot, "Anna Beck", **PHONE)
        await desk.locator(".case").click()
        await expect(desk.locator("#list-pane")).to_be_hidden()
        assert await desk.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        await desk.locator("#show-card").click()
        await expect(desk.locator("#card")).to_contain_text("Webchat")
        await desk.locator("#hide-card").click()
        await desk.locator("#back").click()
        await expect(desk.locator("#list-pane")).to_be_visible()


async def test_the_demo_leads_to_the_desk(bot: WebBot, opened: Open) -> None:
    page = await opened(bot.url)
    async with page.context.expect_page() as opening:
        await page.get_by_role("link", name="Zum Arbeitsplatz des Kundenservice").click()
    desk = await opening.value
    await expect(desk.locator("#ask-title")).to_contain_text("Unter welchem Namen")
