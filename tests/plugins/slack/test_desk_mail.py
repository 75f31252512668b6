"""What a mail brings to the desk in Slack: drafts, quoted text, machines' answers, bounces."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.messages import Answer, Features, Kind, Receipt, Say, State, Understanding
from plugins.slack.testing import SlackSimulator
from plugins.slack.testing_desk import DeskBench, desk_bot


@pytest.fixture
async def bench(slack: SlackSimulator, tmp_path: Path) -> AsyncIterator[DeskBench]:
    async with desk_bot(tmp_path, slack) as running:
        yield running


async def test_what_the_bot_is_not_certain_of_is_a_draft_and_quoted_text_is_in_a_modal(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    features = Features(burst_seconds=0.0, certainty=0.8)
    async with desk_bot(tmp_path, slack, features=features) as bench:
        unsure = Answer((Say(text="Morgen."),), understanding=Understanding("track_order", 0.5))
        bench.bot.dialogue.replies["Wann kommt es?"] = unsure
        await bench.says("Wann kommt es?", name="Erika Mustermann", folded="> " + "Zitat " * 900)
        card = await bench.slack.wait_message(bench.support, "Der Bot war sich nicht sicher")
        draft = await bench.line(card, "Morgen.")
        await bench.sees(draft, "Der Bot war sich nicht sicher")
        await bench.jana.presses(draft, "Verwerfen")
        assert await bench.jana.sees_ephemeral("zuerst übernommen")
        await bench.jana.presses(card, "Übernehmen")
        await bench.sees(card, "Jana Kurz")
        await bench.jana.presses(draft, "Bearbeiten und senden")
        view = await bench.jana.sees_view("Entwurf bearbeiten")
        assert (await bench.jana.submits(view, {"draft": "// intern"})) != {}
        assert await bench.jana.submits(view, {"draft": "Am Freitag."}) == {}
        await bench.reaches("Am Freitag.")
        await bench.sees(draft, "Jana Kurz hat diesen Entwurf gesendet")
        assert draft.buttons == ()
        assert "Morgen." not in bench.customer_saw
        await bench.settled()
        assert draft.bot_reactions == []
        await bench.says("Danke", folded="> " + "Zitat " * 900)
        thanks = await bench.line(card, "Danke")
        await bench.jana.presses(thanks, "Zitierten Text zeigen")
        shown = await bench.jana.sees_view("Zitierter Text")
        assert shown.words.count("Zitat") == 900


async def test_a_machines_answer_is_marked_and_what_comes_back_is_told(bench: DeskBench) -> None:
    """Nothing of it called anybody: the agent had answered, and heard nothing of the bounce."""
    card = await bench.taken()
    line = await bench.jana.writes(bench.support, "Ihr Etikett", thread=card)
    await bench.reaches("Ihr Etikett")
    await bench.says("Ich bin nicht da.", kind=Kind.AUTOMATIC)
    assert "automatische Antwort" in (await bench.line(card, "Ich bin nicht da.")).words
    await bench.settled()
    (vendor,) = [one for one, text in bench.channel.shown.items() if text == "Ihr Etikett"]
    assert bench.channel.inbox is not None
    receipt = Receipt("fake", vendor, State.FAILED, "gave_up")
    await bench.channel.inbox.receipt(receipt)
    await bench.reaction(line, "x")
    assert "Nicht angekommen" in (await bench.line(card, "Nicht angekommen")).words


POISON = "<!channel> <@U1> <https://evil.test|Ihr Konto> *Chef* `x` <b>@here</b> \u202etset.live"


async def test_what_a_stranger_calls_themselves_calls_nobody_and_leads_nowhere(
    bench: DeskBench,
) -> None:
    """The name in a From, a subject and a file's name are whatever somebody typed."""
    await bench.says(f"Hallo {POISON}", name=POISON, person="mail_no_sender")
    card = await bench.slack.wait_message(bench.support, "Ihr Konto")
    shown = POISON.replace("\u202e", "")
    line = await bench.line(card, "Hallo")
    for message in (card, line):
        assert shown[:40] in message.words  # as it was typed
        assert message.calls == ()
        written = json.dumps(message.raw)
        assert '"type": "link"' not in written
        assert "evil.test" not in _markdown(message.raw)
        assert "\\u202e" not in written


def _markdown(raw: Any) -> str:
    """What of a message Slack would read as its markup."""
    if isinstance(raw, dict):
        if raw.get("type") == "mrkdwn":
            return str(raw.get("text"))
        return " ".join(_markdown(one) for one in raw.values())
    return " ".join(_markdown(one) for one in raw) if isinstance(raw, list) else ""


async def test_what_comes_back_after_the_case_opens_another_one(bench: DeskBench) -> None:
    card = await bench.taken()
    await bench.jana.writes(bench.support, "Ihr Etikett", thread=card)
    await bench.reaches("Ihr Etikett")
    await bench.jana.presses(card, "Erledigt")
    await bench.jana.submits(await bench.jana.sees_view("zu Ende"), {})
    await bench.settled()
    (vendor,) = [one for one, text in bench.channel.shown.items() if text == "Ihr Etikett"]
    assert bench.channel.inbox is not None
    await bench.channel.inbox.receipt(Receipt("fake", vendor, State.FAILED, "mailbox_unknown"))
    again = await bench.slack.wait_message(bench.support, "Eine Nachricht an den Kunden kam zurück")
    assert "Ihr Etikett" in (await bench.line(again, "Grund:")).words
