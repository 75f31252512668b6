from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.messages import Answer, Button, Outcome, Say
from bot.testing import ScriptedDialogue
from plugins.web.testing import ChatClient, DeskClient
from plugins.web.testing_bot import WebBot, web_bot


@pytest.fixture
def script() -> ScriptedDialogue:
    """What the bot answers: it echoes, fetches a person, offers two buttons."""
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
    async with web_bot(tmp_path, script) as running:
        yield running


@pytest.fixture
async def chat(bot: WebBot) -> AsyncIterator[ChatClient]:
    async with ChatClient(bot.url) as client:
        yield client


@pytest.fixture
async def desk(bot: WebBot) -> AsyncIterator[DeskClient]:
    async with DeskClient(bot.url, bot.token, "Anna Beck") as client:
        yield client
