"""Chromium, headless; where the machine has none, these tests are skipped with the reason."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from bot.messages import Answer, Button, Outcome, Say
from bot.testing import ScriptedDialogue
from plugins.web.testing_bot import WebBot, web_bot

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
Open = Callable[..., Awaitable[Page]]
PATIENCE = 20_000  # milliseconds; a busy machine is slow, and a fault shows all the same

expect.set_options(timeout=PATIENCE)


@pytest.fixture
def script() -> ScriptedDialogue:
    dialogue = ScriptedDialogue()
    dialogue.replies["Mensch"] = Answer(
        (Say(text="Ich hole jemanden."),), outcome=Outcome.HANDOFF, reason="asked"
    )
    buttons = (Button("button_yes", "/affirm"), Button("button_no", "/deny"))
    dialogue.replies["Stornieren"] = Answer((Say(text="Wirklich?", buttons=buttons),))
    dialogue.replies["/affirm"] = Answer((Say(text="Ist storniert."),))
    return dialogue


@pytest.fixture
async def bot(tmp_path: Path, script: ScriptedDialogue) -> AsyncIterator[WebBot]:
    async with web_bot(tmp_path, script, web={"demo": True}) as running:
        yield running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    async with async_playwright() as driver:
        started = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        await started.close()


@pytest.fixture
async def opened(browser: Browser) -> AsyncIterator[Open]:
    """Open a page as another person would: `await opened(url, locale="en-GB")`.

    What goes wrong in a page's script fails the test.
    """
    faults: list[str] = []
    async with AsyncExitStack() as stack:

        async def open_page(url: str, **options: Any) -> Page:
            context = await browser.new_context(**{"locale": "de-DE", **options})
            stack.push_async_callback(context.close)
            context.set_default_timeout(PATIENCE)
            page = await context.new_page()
            page.on("pageerror", lambda error: faults.append(str(error)))
            await page.goto(url)
            return page

        yield open_page
    assert faults == []
