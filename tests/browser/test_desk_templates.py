"""A line that could not go out, on the desk's page: as a template, or from one's own mailbox."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from bot.desk import ActField, Template
from bot.messages import Outbound
from bot.ports import Reject
from bot.testing import ScriptedDialogue
from host import wiring
from plugins.web.channel import WebChannel
from plugins.web.testing import ChatClient
from plugins.web.testing_bot import web_bot

from .conftest import Open
from .test_desk_page import sit_down
from .test_desk_tools import picture, says

pytestmark = [pytest.mark.browser, pytest.mark.slow]
OFFERED = [
    Template("back", "Bitte um Antwort", "Bitte antworten Sie uns kurz."),
    Template(
        "news",
        "Neuigkeiten",
        "Es schreibt {{1}}: {{2}}",
        (ActField("1", "", "{agent}"), ActField("2", "", "{what}")),
    ),
]


async def test_a_template_is_chosen_filled_and_sent(
    tmp_path: Path, script: ScriptedDialogue, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = WebChannel.send

    async def only_templates(self: WebChannel, out: Outbound) -> str:
        if out.author == "agent" and out.template is None:
            raise Reject("window_closed")
        return await send(self, out)

    monkeypatch.setattr(WebChannel, "send", only_templates)
    monkeypatch.setattr(wiring, "templates_of", lambda _: {"web": lambda _: OFFERED})
    async with web_bot(tmp_path, script) as bot, ChatClient(bot.url) as chat:
        await chat.ask("Mensch")
        await chat.ask("anna@post.example")
        desk = await sit_down(opened, bot, "Anna Beck")
        await desk.locator(".case").click()
        await desk.locator("#do-take_over").click()
        await expect(desk.locator("#writing")).to_be_visible()
        await says(desk, "Passt Dienstag?")
        line = desk.locator(".by-agent.wrong")
        mail = line.get_by_role("link", name="anna@post.example")
        await expect(mail).to_have_attribute("href", "mailto:anna@post.example")
        await picture(desk, "failed")
        await line.get_by_role("button", name="Als Vorlage senden").click()
        await desk.get_by_label("Vorlage", exact=True).select_option(label="Neuigkeiten")
        await desk.locator("#ask-yes").click()
        await expect(desk.locator("#ask-text")).to_have_text("Es schreibt Anna: [what]")
        await desk.get_by_label("what", exact=True).fill("Ihr Ersatz ist da.")
        await picture(desk, "template")
        await desk.locator("#ask-yes").click()
        said = "Es schreibt Anna: Ihr Ersatz ist da."
        assert (await chat.wait(lambda m: m.author == "agent")).text == said
        await expect(desk.locator(".by-agent").last).to_contain_text(said)
        await expect(line).to_have_count(1)  # it waits for the customer's answer
