"""An e-mail address that a waiting customer leaves: kept for the card, thanked for, no more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.desk import TakeOver
from bot.messages import Answer, Outcome, Say
from bot.ports import Unavailable
from bot.testing import World, world

TEXTS = [Path("nlu/domain")]


@pytest.fixture
async def w(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, texts=TEXTS) as made:
        made.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
        made.dialogue.replies["etikett"] = Answer((Say("utter_ask_proof"),), Outcome.ASK)
        yield made


async def said(w: World, text: str) -> list[str]:
    before = len(w.channel.sent)
    await w.says(text)
    await w.settled()
    return [out.text for out in w.channel.sent[before:]]


async def contact(w: World) -> str | None:
    case = await w.core.desk_inbox.case(1)
    assert case is not None
    return case.contact


@pytest.mark.parametrize(
    "text",
    [
        "anna.weiss+shop@mail.example.org",
        "anna.weiss+shop@mail.example.org.",
        "Sie erreichen mich unter anna.weiss+shop@mail.example.org, danke!",
    ],
)
async def test_an_address_alone_is_kept_and_thanked_for(w: World, text: str) -> None:
    await said(w, "mensch")
    asked = len(w.dialogue.asked)
    assert await said(w, text) == [
        "Danke, ich habe anna.weiss+shop@mail.example.org für das Team notiert."
    ]
    assert len(w.dialogue.asked) == asked
    assert await contact(w) == "anna.weiss+shop@mail.example.org"
    card = await w.desk.wait_card(1, lambda case: case.contact is not None)
    assert card.contact == "anna.weiss+shop@mail.example.org"


async def test_an_order_number_beside_the_address_is_the_dialogues_too(w: World) -> None:
    """A pair of number and address, given unasked, is about an order."""
    await said(w, "mensch")
    text = "Stand B-100234 anna@example.org"
    assert (await said(w, text))[-1] == f"echo: {text}"


async def test_a_question_beside_the_address_is_answered_too(w: World) -> None:
    await said(w, "mensch")
    text = "anna@example.org - und was kostet der Versand?"
    assert await said(w, text) == [
        "Danke, ich habe anna@example.org für das Team notiert.",
        f"echo: {text}",
    ]


async def test_the_latest_address_counts(w: World) -> None:
    await said(w, "mensch")
    await said(w, "anna@example.org")
    await said(w, "ach nein: anna@example.net")
    assert await contact(w) == "anna@example.net"


async def test_an_address_that_a_form_asked_for_is_a_proof_and_no_contact(w: World) -> None:
    await said(w, "mensch")
    await said(w, "etikett")
    assert await said(w, "anna@example.org") == ["echo: anna@example.org"]
    assert await contact(w) is None


async def test_an_address_before_anybody_waits_is_the_dialogues(w: World) -> None:
    assert await said(w, "anna@example.org") == ["echo: anna@example.org"]
    await said(w, "mensch")
    assert await contact(w) is None


async def test_an_address_for_an_agent_who_is_there_stays_in_the_thread(w: World) -> None:
    await said(w, "mensch")
    await w.core.desk_inbox.accept(TakeOver("t", 1, "Mia"))
    await w.settled()
    assert await said(w, "anna@example.org") == []
    assert await contact(w) is None


async def test_an_address_is_kept_while_the_dialogue_is_down(w: World) -> None:
    await said(w, "mensch")
    text = "anna@example.org - und was kostet der Versand?"
    w.dialogue.replies[text] = Unavailable("down")
    await w.says(text)
    await w.until("SELECT 1 FROM cases WHERE contact = 'anna@example.org'")


async def test_no_other_word_of_the_message_is_kept_on_the_case(w: World) -> None:
    await said(w, "mensch")
    await said(w, "Mein Geheimnis ist 4711, anna@example.org")
    (row,) = await w.rows("SELECT * FROM cases")
    assert "4711" not in str(dict(row))
