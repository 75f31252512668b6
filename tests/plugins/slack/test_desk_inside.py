"""Nothing internal reaches a customer, whatever people do in Slack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.desk import CommandResult, Line, TakeOver
from plugins.slack.testing import SlackSimulator
from plugins.slack.testing_desk import UNDO, DeskBench, desk_bot

pytestmark = pytest.mark.slow


@pytest.fixture
async def bench(slack: SlackSimulator, tmp_path: Path) -> AsyncIterator[DeskBench]:
    async with desk_bot(tmp_path, slack) as running:
        yield running


async def stays_inside(bench: DeskBench, words: str) -> None:
    """Wait until everything is handled, and the undo time is over."""
    await bench.settled()
    await asyncio.sleep(UNDO * 1.5)
    await bench.settled()
    assert not any(words in text for text in bench.customer_saw), bench.customer_saw


async def test_a_line_of_before_the_take_over_stays_inside_also_when_it_comes_later(
    bench: DeskBench,
) -> None:
    card = await bench.case()
    await bench.settled()
    bench.slack.faults.late.append(1.0)
    late = await bench.jonas.writes(bench.support, "der ist ja schwierig", thread=card)
    await bench.jonas.presses(card, "Übernehmen")
    await bench.sees(card, "Betreut von Jonas Weber")
    await asyncio.sleep(1.2)
    await stays_inside(bench, "schwierig")
    await bench.reaction(late, "lock")
    await bench.jonas.writes(bench.support, "Guten Tag", thread=card)
    await bench.reaches("Guten Tag")


async def test_what_was_written_before_the_take_over_while_the_bot_was_away(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    async with desk_bot(tmp_path, slack) as bench:
        card = await bench.case()
        await bench.settled()
    slack.faults.lose_when_away = True
    await bench.jonas.writes(bench.support, "schwierig, den nehme ich", thread=card)
    slack.faults.slow["conversations.replies"] = 1.0
    async with desk_bot(tmp_path, slack, channel=bench.channel) as again:
        await again.jonas.presses(card, "Übernehmen")
        await again.sees(card, "Betreut von Jonas Weber")
        await asyncio.sleep(2.0)
        await stays_inside(again, "schwierig")


@pytest.mark.parametrize(
    "text",
    [
        "  // geheim",
        "\u200b// geheim",
        "Guten Tag\n// geheim",
        "Guten Tag\n\n   // geheim\nBis gleich",
        "\ufeff \u2060// geheim",
    ],
)
async def test_a_line_that_begins_so_stays_inside_wherever_it_stands(
    bench: DeskBench, text: str
) -> None:
    card = await bench.taken()
    line = await bench.jana.writes(bench.support, text, thread=card)
    await bench.reaction(line, "lock")
    await stays_inside(bench, "geheim")


async def test_an_edit_that_adds_an_internal_line_takes_the_whole_back(bench: DeskBench) -> None:
    card = await bench.taken()
    line = await bench.jana.writes(bench.support, "Guten Tag", thread=card)
    await bench.jana.sees_ephemeral("Geht gleich")
    await bench.jana.edits(line, "Guten Tag\n// geheim")
    await stays_inside(bench, "geheim")


async def test_a_note_that_is_edited_stays_a_note_and_says_so(bench: DeskBench) -> None:
    card = await bench.taken()
    line = await bench.jana.writes(bench.support, "// schwierig", thread=card)
    await bench.reaction(line, "lock")
    await bench.jana.edits(line, "schwierig ist das")
    assert await bench.jana.sees_ephemeral("auch geändert")
    await stays_inside(bench, "schwierig")
    await bench.reaction(line, "lock")


async def test_the_menu_of_a_message_never_sends_what_the_bot_wrote(bench: DeskBench) -> None:
    card = await bench.taken()
    await bench.jonas.writes(bench.support, "// nur für uns", thread=card)
    await bench.jana.presses(card, "Mehr …")
    tools = await bench.jana.sees_view("Nur für Kollegen")
    await bench.jana.presses(tools, "Notiz")
    view = await bench.jana.sees_view("Was Kollegen wissen sollen")
    await bench.jana.submits(view, {"note": "ruft oft an"})
    note = await bench.line(card, "ruft oft an")
    count = len(bench.customer_saw)
    await bench.jana.shortcut("desk_send", card)
    await bench.jana.shortcut("desk_send", note)
    await stays_inside(bench, "ruft oft an")
    assert len(bench.customer_saw) == count


async def test_the_menu_of_a_message_does_not_send_what_begins_so(bench: DeskBench) -> None:
    card = await bench.taken()
    line = await bench.jonas.writes(bench.support, "// nur für uns", thread=card)
    await bench.reaction(line, "lock")
    await bench.jana.shortcut("desk_send", line)
    await stays_inside(bench, "nur für uns")


async def test_files_with_an_internal_comment_and_replies_to_the_channel(bench: DeskBench) -> None:
    card = await bench.taken()
    line = await bench.jana.uploads(
        bench.support, {"a.txt": b"geheim" * 20}, "// nur intern", thread=card
    )
    await bench.reaction(line, "lock")
    shout = await bench.jonas.writes(bench.support, "seht her", thread=card, broadcast=True)
    await bench.reaction(shout, "lock")
    await bench.jana.writes(bench.support, "auf dem Kanal", broadcast=False)
    await stays_inside(bench, "nur intern")
    assert not any(one.attachments for one in bench.channel.sent)
    assert not {"seht her", "auf dem Kanal"} & set(bench.customer_saw)


async def test_fields_that_customers_read_refuse_what_begins_so(bench: DeskBench) -> None:
    card = await bench.taken()
    await bench.jana.presses(card, "Zurück an den Bot")
    view = await bench.jana.sees_view("Der Bot übernimmt wieder")
    assert "own" in await bench.jana.submits(view, {"own": "// geheim"})
    await stays_inside(bench, "geheim")
    await bench.jana.submits(view, {"own": "Alles gut."})
    await bench.sees(card, "Ergebnis Alles gut.")


async def test_a_stranger_may_not_send_by_the_menu_of_a_message(bench: DeskBench) -> None:
    card = await bench.taken()
    line = await bench.jonas.writes(bench.support, "nur ein Vorschlag", thread=card)
    stranger = bench.slack.person("fritz", "Fritz Fremd")
    await stranger.shortcut("desk_send", line)
    await stays_inside(bench, "Vorschlag")


async def test_a_forged_value_sends_no_note_as_if_it_were_a_draft(bench: DeskBench) -> None:
    card = await bench.taken()
    line = await bench.jonas.writes(bench.support, "geheime Notiz", thread=card)
    await bench.reaction(line, "lock")
    (note,) = await bench.bot.rows("SELECT id FROM notes WHERE text = 'geheime Notiz'")
    block = {"type": "actions", "block_id": "b"}
    button = {
        "type": "button",
        "action_id": "desk.send_draft",
        "text": {"type": "plain_text", "text": "x"},
        "value": f"1:note:{note['id']}",
    }
    await bench.slack.interactions.press(bench.jana.user, card, block, button, {})
    await stays_inside(bench, "geheime Notiz")


async def test_what_the_customer_has_is_not_shown_as_internal(bench: DeskBench) -> None:
    card = await bench.taken()
    line = await bench.jana.writes(bench.support, "schwierig", thread=card)
    await bench.reaches("schwierig")
    await bench.reaction(line, "outbox_tray")
    await bench.jana.edits(line, "// schwierig")
    assert await bench.jana.sees_ephemeral("hat der Kunde schon")
    await bench.settled()
    await asyncio.sleep(0.5)
    await bench.settled()
    assert line.bot_reactions == ["outbox_tray"]


async def test_a_take_over_between_the_look_and_the_line_changes_nothing(
    bench: DeskBench,
) -> None:
    card = await bench.case()
    await bench.settled()
    now = datetime.now(UTC)
    inbox = bench.bot.app.core.desk_inbox
    await inbox.accept(TakeOver("t", 1, "slack:U1", at=now))
    early = Line("l", 1, "slack:U1", "davor", at=now - timedelta(milliseconds=1))
    assert await inbox.accept(early) == CommandResult(False, "written_before")
    assert (await inbox.accept(Line("m", 1, "slack:U1", "danach", at=now))).done
    await bench.reaches("danach")
    assert card.words


async def test_a_line_that_comes_later_than_the_take_over_after_it_stays_inside(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    async with desk_bot(tmp_path, slack) as bench:
        card = await bench.case()
        await bench.settled()
        slack.faults.slow["conversations.replies"] = 1.5  # while it is read, nothing is handled
        await slack.socket.drop()
        await slack.socket.connected(2)
        early = await bench.jana.writes(bench.support, "Die schon wieder!", thread=card)
        await bench.jana.presses(card, "Übernehmen")
        await bench.sees(card, "Betreut von Jana Kurz")
        late = await bench.jana.writes(bench.support, "Guten Tag", thread=card)
        await bench.reaction(early, "lock")
        await bench.reaches("Guten Tag")
        await bench.reaction(late, "outbox_tray")
        assert "Die schon wieder!" not in bench.customer_saw


async def test_no_case_opens_where_customers_are(slack: SlackSimulator, tmp_path: Path) -> None:
    eva = slack.stranger("eva", "Eva Kunde")
    shared = slack.channel("kunde", eva, shared=True)
    app = {"customers": {"allowed_channels": [shared.id], "direct_messages": False}}
    rules = [{"reasons": ["asked"], "place": shared.id}]
    async with desk_bot(tmp_path, slack, app=app, rules=rules) as bench:
        card = await bench.case()
        await bench.settled()
        assert card.channel == bench.support.id
        assert shared.messages == []
