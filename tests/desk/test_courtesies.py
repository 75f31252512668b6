"""What keeps a customer company in a chat is no mail of its own; what says something is one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.dispatcher import Patience
from bot.messages import AGENT_LINE, Answer, Author, Features, Outcome, Say, Turn, Understanding
from bot.testing import FakeChannel, World, world
from desk.counter import DeskParts
from desk.routing import Routing

TEXTS = [Path("nlu/domain")]
ASKED = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
MAIL = Features(burst_seconds=0, buttons=0, joined=True, courtesies=False, certainty=0.8)
CHAT = Features(burst_seconds=0)


@asynccontextmanager
async def waiting(folder: Path, features: Features, **more: Any) -> AsyncIterator[World]:
    """A customer who has asked for a person, and was told that one comes."""
    channel = FakeChannel("mail" if features is MAIL else "fake", features)
    parts = DeskParts(routing=Routing(desk="desk"))
    async with world(folder, texts=TEXTS, channel=channel, parts=parts, **more) as w:
        w.dialogue.replies["Mensch"] = ASKED
        await w.says("Mensch")
        await w.settled()
        assert len(channel.sent) == 1
        yield w


async def told(w: World, since: int) -> list[str]:
    """What has left since, by name; and that the thread of the case shows just that."""
    await w.settled()
    rows = await w.rows("SELECT id, state FROM outbox WHERE op = 'send' ORDER BY seq")
    assert {row["state"] for row in rows} == {"sent"}
    assert len(rows) == len(w.channel.sent)
    shown = [
        line
        for line in await w.core.desk_inbox.history(1)
        if line.author not in (Author.CUSTOMER, Author.NOTE)
    ]
    assert [line.text for line in shown] == [out.text for out in w.channel.sent]
    return [out.response or out.text for out in w.channel.sent[since:]]


COMING = {
    "takes over": ("utter_agent_joined",),
    "is given it": ("utter_agent_joined",),
    "lets go": ("utter_agent_joined", "utter_agent_left"),
    "hands back": ("utter_agent_joined", "utter_handed_back"),
    "closes": ("utter_agent_joined", "utter_case_closed"),
}


@pytest.mark.parametrize("features", [CHAT, MAIL], ids=["chat", "mail"])
@pytest.mark.parametrize("what", COMING)
async def test_an_agents_coming_and_going_is_said_in_a_chat_alone(
    tmp_path: Path, what: str, features: Features
) -> None:
    """To send a draft, an agent had to take over: the customer got two mails for one."""
    async with waiting(tmp_path, features) as w:
        mia = await w.agent("U1", "Mia Berg")
        done = await (mia.assigns("U2") if what == "is given it" else mia.takes_over())
        assert done.done
        if what == "lets go":
            await mia.releases()
        elif what == "hands back":
            await mia.hands_back()
        elif what == "closes":
            await mia.closes()
        assert await told(w, 1) == (list(COMING[what]) if features is CHAT else [])


async def test_what_an_agent_writes_is_the_one_mail(tmp_path: Path) -> None:
    async with waiting(tmp_path, MAIL) as w:
        mia = await w.agent("U1", "Mia Berg")
        await mia.takes_over()
        await mia.says("Ihr Paket liegt in Köln.")
        await mia.closes()
        assert await told(w, 1) == [AGENT_LINE]
        assert w.channel.sent[1].text == "Ihr Paket liegt in Köln."


async def test_an_outcome_and_the_bots_question_are_one_mail(tmp_path: Path) -> None:
    async with waiting(tmp_path, MAIL) as w:
        mia = await w.agent("U1", "Mia Berg")
        await mia.takes_over()
        await mia.hands_back("Das Paket kommt morgen.")
        assert await told(w, 1) == ["utter_handed_back_outcome"]
        (text,) = [out.text for out in w.channel.sent[1:]]
        assert "Das Paket kommt morgen." in text
        assert "noch etwas offen?" in text


async def test_several_lines_of_an_agent_stay_several(tmp_path: Path) -> None:
    """When an answer is whole, agents decide."""
    async with waiting(tmp_path, MAIL) as w:
        mia = await w.agent("U1", "Mia Berg")
        await mia.takes_over()
        await mia.says("Ihr Paket liegt in Köln.")
        await mia.says("Es kommt morgen.")
        assert await told(w, 1) == [AGENT_LINE, AGENT_LINE]


@pytest.mark.parametrize("features", [CHAT, MAIL], ids=["chat", "mail"])
async def test_that_it_takes_longer_is_said_in_a_chat_alone(
    tmp_path: Path, features: Features
) -> None:
    release = asyncio.Event()

    async def slow(_turn: Turn) -> Answer:
        await release.wait()
        return Answer((Say(text="Es ist da."),), understanding=Understanding("x", 1.0))

    patience = Patience(slow_after=0.02)
    async with world(
        tmp_path, texts=TEXTS, channel=FakeChannel("fake", features), patience=patience
    ) as w:
        w.dialogue.replies["frage"] = slow
        await w.says("frage")
        await w.until("SELECT 1 FROM turns WHERE delayed = 1")
        release.set()
        await w.settled()
        delay = ["utter_delay"] if features is CHAT else []
        assert [out.response or out.text for out in w.channel.sent] == [*delay, "Es ist da."]


async def test_a_case_that_opens_and_its_receipt_are_one_mail(tmp_path: Path) -> None:
    unsure = Understanding("track_order", 0.4)
    async with world(tmp_path, texts=TEXTS, channel=FakeChannel("mail", MAIL)) as w:
        w.dialogue.replies["Und nun?"] = Answer((Say(text="Morgen."),), understanding=unsure)
        await w.says("Und nun?")
        await w.settled()
        assert [out.response for out in w.channel.sent] == ["utter_receipt"]


async def test_all_that_calls_a_person_is_one_mail(tmp_path: Path) -> None:
    says = (Say(text="Das kann ich nicht."), Say("utter_handoff"))
    async with world(tmp_path, texts=TEXTS, channel=FakeChannel("mail", MAIL)) as w:
        w.dialogue.replies["Und nun?"] = Answer(says, Outcome.HANDOFF, "asked")
        await w.says("Und nun?")
        await w.settled()
        (out,) = w.channel.sent
        assert out.text.startswith("Das kann ich nicht.\n\n")
        assert out.response == "utter_handoff"
