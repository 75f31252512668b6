"""A line that could not go out: sent as an approved template, or by a mail of the agent's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from bot.desk import ActField, Template
from bot.messages import Features
from bot.store.codec import stamp, utc_now
from bot.testing import FakeChannel
from plugins.slack.testing import Message, SlackSimulator
from plugins.slack.testing_desk import DeskBench, desk_bot

BACK = Template("ask_back", "Bitte um Antwort", "Guten Tag, bitte antworten Sie uns kurz.")
NEWS = Template(
    "news",
    "Neuigkeiten",
    "Es schreibt {{who}}: {{1}} Ihre Nummer: {{2}}",
    (ActField("who", "", "{agent}"), ActField("1", "", "{text}"), ActField("2", "", "{number}")),
)


@dataclass
class Window(FakeChannel):
    """Has a reply window of a day, and templates."""

    offered: list[Template] = field(default_factory=lambda: [BACK, NEWS])

    def __post_init__(self) -> None:
        super().__init__(features=Features(burst_seconds=0, reply_window=86400.0))

    def templates(self, language: str) -> Sequence[Template]:
        return self.offered if language == "de" else []


@pytest.fixture
def window() -> Window:
    return Window()


@pytest.fixture
async def bench(tmp_path: Path, slack: SlackSimulator, window: Window) -> AsyncIterator[DeskBench]:
    async with desk_bot(tmp_path, slack, channel=window, undo_seconds=0.0) as made:
        yield made


async def fails(bench: DeskBench, text: str = "Passt Dienstag?") -> tuple[Message, Message]:
    """Write when the window is over: the card, and what stands under the line."""
    card = await bench.taken()
    await bench.settled()
    old = stamp(utc_now() - timedelta(days=2))
    await bench.bot.app.store.write(
        lambda tx: tx.run("UPDATE conversations SET last_in_at = :old", old=old)
    )
    await bench.jana.writes(bench.support, text, thread=card)
    return card, await bench.line(card, "Nicht angekommen")


async def test_a_failed_line_is_sent_as_a_template_that_says_it(
    bench: DeskBench, window: Window
) -> None:
    card, notice = await fails(bench)
    assert notice.buttons == ("Als Vorlage senden", "Noch einmal senden", "So lassen")
    await bench.jana.presses(notice, "Als Vorlage senden")
    view = await bench.jana.sees_view("Eine freigegebene Vorlage kommt auch an")
    await bench.jana.chooses(view, "desk.template_pick", "Neuigkeiten")
    view = await bench.jana.sees_view("Es schreibt Jana: Passt Dienstag? Ihre Nummer: [number]")
    assert "Das bekommt Erika Mustermann:" in view.words
    await bench.jana.submits(view, {"gap-news-2": "B-17"})
    await bench.reaches("Es schreibt Jana: Passt Dienstag? Ihre Nummer: B-17")
    out = window.sent[-1]
    assert (out.template, out.response) == ("news", None)
    assert out.facts == {"who": "Jana", "1": "Passt Dienstag?", "2": "B-17"}
    await bench.sees(notice, "Jana Kurz hat es in einer Vorlage gesendet")
    assert notice.buttons == ()
    shown = await bench.line(card, "Ihre Nummer: B-17")
    await bench.reaction(shown, "outbox_tray")


async def test_after_one_that_asks_to_answer_the_line_itself_can_go_out(
    bench: DeskBench, window: Window
) -> None:
    window.offered = [BACK]
    _, notice = await fails(bench)
    await bench.jana.presses(notice, "Als Vorlage senden")
    view = await bench.jana.sees_view(BACK.text)  # the only one is chosen already
    await bench.jana.submits(view, {})
    await bench.reaches(BACK.text)
    await bench.sees(notice, "Sobald der Kunde antwortet, kann auch diese Nachricht hinaus")
    assert notice.buttons == ("Noch einmal senden", "So lassen")
    await bench.says("Ja?")
    await bench.settled()
    await bench.jana.presses(notice, "Noch einmal senden")
    await bench.reaches("Passt Dienstag?")
    assert bench.customer_saw.count("Passt Dienstag?") == 1


async def test_what_changed_meanwhile_is_shown_before_it_goes_out(
    bench: DeskBench, window: Window
) -> None:
    window.offered = [BACK]
    _, notice = await fails(bench)
    await bench.jana.presses(notice, "Als Vorlage senden")
    view = await bench.jana.sees_view(BACK.text)
    window.offered = [Template(BACK.name, BACK.title, "Bitte rufen Sie uns an.")]
    await bench.jana.submits(view, {})
    fresh = await bench.jana.sees_view("Bitte noch einmal ansehen")
    assert BACK.text not in bench.customer_saw
    await bench.jana.submits(fresh, {})
    await bench.reaches("Bitte rufen Sie uns an.")


async def test_a_colleague_cannot_send_one(bench: DeskBench) -> None:
    _, notice = await fails(bench)
    await bench.jonas.presses(notice, "Als Vorlage senden")
    await bench.jonas.sees_ephemeral("Jana Kurz")
    assert bench.jonas.views == []


async def test_without_templates_none_is_offered(bench: DeskBench, window: Window) -> None:
    window.offered = []
    _, notice = await fails(bench)
    assert notice.buttons == ("Noch einmal senden", "So lassen")
    assert "E-Mail" not in notice.words


async def test_an_address_that_was_left_is_named_under_the_line(bench: DeskBench) -> None:
    await bench.case()
    await bench.says("Meine Adresse ist erika@post.example")
    await bench.settled()
    card = next(one for one in bench.cards if "erika@post.example" in one.words)
    await bench.jana.presses(card, "Übernehmen")
    await bench.sees(card, "Jana Kurz")
    await bench.settled()
    old = stamp(utc_now() - timedelta(days=2))
    await bench.bot.app.store.write(
        lambda tx: tx.run("UPDATE conversations SET last_in_at = :old", old=old)
    )
    await bench.jana.writes(bench.support, "Hallo", thread=card)
    notice = await bench.line(card, "Nicht angekommen")
    assert "an die hinterlassene Adresse: erika@post.example" in notice.words
    assert "mailto:erika@post.example" in str(notice.raw["blocks"])
