"""A customer gets one answer, and what an agent sees of it is true."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.messages import Features, Receipt, State
from bot.ports import Reject
from plugins.slack.testing import SlackSimulator
from plugins.slack.testing_desk import UNDO, DeskBench, desk_bot

pytestmark = pytest.mark.slow


@pytest.fixture
async def bench(slack: SlackSimulator, tmp_path: Path) -> AsyncIterator[DeskBench]:
    async with desk_bot(tmp_path, slack) as running:
        yield running


EXPLICIT = {"reply_mode": "explicit"}


async def test_what_the_menu_of_a_message_sends_can_be_stopped_and_sent_again(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    async with desk_bot(tmp_path, slack, desk=EXPLICIT) as bench:
        card = await bench.taken()
        line = await bench.jana.writes(bench.support, "Guten Tag", thread=card)
        await bench.reaction(line, "lock")
        await bench.jana.shortcut("desk_send", line)
        stop = await bench.jana.sees_ephemeral("Geht gleich an")
        await bench.jana.presses(stop, "Anhalten")
        await bench.reaction(line, "no_entry_sign")
        await asyncio.sleep(UNDO * 1.5)
        assert "Guten Tag" not in bench.customer_saw
        await bench.jana.shortcut("desk_send", line)
        await bench.reaches("Guten Tag")
        await bench.reaction(line, "outbox_tray")
        await bench.jana.edits(line, "Guten Abend")
        await bench.reaches("Korrektur: Guten Abend")
        assert bench.customer_saw.count("Guten Tag") == 1


async def test_what_the_menu_sends_can_be_deleted_at_once(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    async with desk_bot(tmp_path, slack, desk=EXPLICIT) as bench:
        card = await bench.taken()
        await bench.settled()
        line = await bench.jana.writes(bench.support, "Guten Tag", thread=card)
        await bench.reaction(line, "lock")
        slack.faults.too_many["chat.postMessage"] = 3  # the desk is behind
        await bench.says("Hallo?")
        await bench.jana.shortcut("desk_send", line)
        await bench.jana.sees_ephemeral("Geht gleich an")
        await bench.jana.deletes(line)
        await bench.settled()
        await asyncio.sleep(UNDO * 1.5)
        assert "Guten Tag" not in bench.customer_saw


async def test_a_line_is_not_sent_a_second_time_by_its_menu(bench: DeskBench) -> None:
    card = await bench.taken()
    line = await bench.jana.writes(bench.support, "Guten Tag", thread=card)
    await bench.reaches("Guten Tag")
    await bench.jana.shortcut("desk_send", line)
    assert await bench.jana.sees_ephemeral("schon")
    await bench.settled()
    await asyncio.sleep(UNDO * 1.5)
    assert bench.customer_saw.count("Guten Tag") == 1


async def test_a_line_that_failed_is_sent_again_by_its_button_not_by_its_menu(
    bench: DeskBench,
) -> None:
    card = await bench.taken()
    await bench.settled()
    bench.channel.faults.append(Reject("gave_up"))
    line = await bench.jana.writes(bench.support, "Ein Versuch", thread=card)
    await bench.reaction(line, "x")
    await bench.jana.shortcut("desk_send", line)
    await bench.settled()
    await asyncio.sleep(UNDO * 1.5)
    notice = await bench.line(card, "Nicht angekommen")
    await bench.jana.presses(notice, "Noch einmal senden")
    await bench.reaches("Ein Versuch")
    assert bench.customer_saw.count("Ein Versuch") == 1


async def test_a_modal_that_is_submitted_twice_sends_once(bench: DeskBench) -> None:
    card = await bench.taken()
    await bench.jana.presses(card, "Mehr …")
    tools = await bench.jana.sees_view("vorbereiteter Text")
    await bench.jana.presses(tools, "Textbausteine")
    picking = await bench.jana.sees_view("Textbaustein")
    first = next(one for one in picking.raw["blocks"] if one["type"] == "input")
    name = first["element"]["options"][0]["value"]
    await bench.jana.chooses(picking, "desk.macro", name)
    view = await bench.jana.sees_view("Das geht so hinaus")
    bench.slack.faults.slow["conversations.members"] = 0.0
    await asyncio.gather(
        bench.slack.interactions.submit(bench.jana.user, view, {f"text-{name}": "Alles gut."}),
        bench.slack.interactions.submit(bench.jana.user, view, {f"text-{name}": "Alles gut."}),
        return_exceptions=True,
    )
    await bench.reaches("Alles gut.")
    await bench.settled()
    await asyncio.sleep(UNDO * 1.5)
    assert bench.customer_saw.count("Alles gut.") == 1


async def test_a_piece_that_arrives_settles_nothing_while_another_failed(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    features = Features(burst_seconds=0.0, text_limit=60)
    async with desk_bot(tmp_path, slack, features=features) as bench:
        card = await bench.taken()
        await bench.settled()
        text = "Das ist ein langer Satz, der nicht in eine Nachricht passt. " * 2
        line = await bench.jana.writes(bench.support, text, thread=card)
        await bench.reaction(line, "outbox_tray")
        await bench.settled()
        rows = await bench.bot.rows(
            "SELECT vendor_id FROM outbox WHERE author = 'agent' ORDER BY seq"
        )
        assert bench.channel.inbox is not None
        first, second = (str(one["vendor_id"]) for one in rows)
        await bench.channel.inbox.receipt(Receipt("fake", second, State.FAILED, "gave_up"))
        notice = await bench.line(card, "Nicht angekommen")
        await bench.channel.inbox.receipt(Receipt("fake", first, State.DELIVERED))
        await bench.settled()
        await asyncio.sleep(0.3)
        assert "Nicht angekommen" in notice.words
        await bench.reaction(line, "x")


async def test_a_case_that_changed_hands_is_asked_about_anew(bench: DeskBench) -> None:
    mia = bench.slack.person("mia", "Mia Lang")
    await mia.joins(bench.support)
    card = await bench.taken(bench.jonas)
    await bench.jana.presses(card, "Mehr …")
    tools = await bench.jana.sees_view("Jonas Weber betreut")
    await bench.jana.presses(tools, "Übernehmen")
    sure = await bench.jana.sees_view("Jonas Weber spricht gerade")
    await mia.presses(card, "Mehr …")
    await mia.presses(await mia.sees_view("Jonas Weber betreut"), "Übernehmen")
    await mia.submits(await mia.sees_view("Jonas Weber spricht"))
    await bench.sees(card, "Betreut von Mia Lang")
    await bench.jana.submits(sure)
    asked = await bench.jana.sees_view("Mia Lang spricht gerade")
    assert "Betreut von Mia Lang" in card.words
    await bench.jana.submits(asked)
    await bench.sees(card, "Betreut von Jana Kurz")


async def test_a_bot_gets_no_case(bench: DeskBench) -> None:
    robot = bench.slack.other_bot("robo")
    bench.support.channel.members.add(robot.id)
    card = await bench.taken()
    await bench.jana.presses(card, "Mehr …")
    await bench.jana.presses(await bench.jana.sees_view("Den Fall jemand"), "Zuweisen")
    view = await bench.jana.sees_view("Wer soll den Fall betreuen?")
    assert "to" in await bench.jana.submits(view, {"to": robot.id})
    assert "Betreut von Jana Kurz" in card.words


async def test_a_message_without_words_says_that_nothing_goes_out(bench: DeskBench) -> None:
    card = await bench.taken()
    line = await bench.jana.writes(bench.support, "\u200b", thread=card, raw=True)
    await bench.reaction(line, "lock")
    assert await bench.jana.sees_ephemeral("nichts, was gesendet werden")


async def test_a_tool_that_slack_holds_up_says_so(bench: DeskBench) -> None:
    card = await bench.taken()
    await bench.jana.presses(card, "Mehr …")
    tools = await bench.jana.sees_view("Nur für Kollegen")
    bench.slack.faults.too_many["views.update"] = 1
    await bench.jana.presses(tools, "Notiz")
    assert await bench.jana.sees_ephemeral("drück noch einmal")


async def test_what_only_the_holder_may_do_is_not_asked_of_others(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    more: dict[str, dict[str, object]] = {"shop": {}, "cancel_order": {}, "track_order": {}}
    async with desk_bot(tmp_path, slack, more=more) as bench:
        card = await bench.taken()
        await bench.jonas.presses(card, "Zurückstellen")
        assert await bench.jonas.sees_ephemeral("Jana Kurz betreut")
        assert bench.jonas.views == []
        await bench.jonas.presses(card, "Mehr …")
        await bench.jonas.presses(await bench.jonas.sees_view("mit Vorschau"), "Bestellung")
        view = await bench.jonas.sees_view("Bestellung stornieren")
        await bench.jonas.presses(view, "desk.act.cancel_order")
        assert await bench.jonas.sees_view("Jana Kurz betreut")


async def test_an_action_is_confirmed_once_and_not_after_the_hand_back(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    more: dict[str, dict[str, object]] = {"shop": {}, "cancel_order": {}, "track_order": {}}
    async with desk_bot(tmp_path, slack, more=more) as bench:
        card = await bench.taken()
        await bench.jana.presses(card, "Mehr …")
        await bench.jana.presses(await bench.jana.sees_view("mit Vorschau"), "Bestellung")
        view = await bench.jana.sees_view("Bestellung stornieren")
        await bench.jana.presses(view, "desk.act.cancel_order")
        form = await bench.jana.sees_view("Noch geschieht nichts")
        await bench.jana.submits(form, {"field-order_id": "B-100248"})
        preview = await bench.jana.sees_view("Es wird festgehalten")
        await bench.jonas.presses(card, "Mehr …")
        await bench.jonas.presses(await bench.jonas.sees_view("Jana Kurz betreut"), "Übernehmen")
        await bench.jonas.submits(await bench.jonas.sees_view("Jana Kurz spricht"))
        await bench.sees(card, "Betreut von Jonas Weber")
        await bench.jana.submits(preview)
        assert await bench.jana.sees_view("Jonas Weber betreut")
        await bench.settled()
        assert await bench.bot.rows("SELECT 1 FROM calls WHERE name = 'cancel_order'") == []


async def test_a_hand_back_that_was_left_open_changes_nothing_for_a_colleague(
    bench: DeskBench,
) -> None:
    card = await bench.taken()
    await bench.jana.presses(card, "Zurück an den Bot")
    view = await bench.jana.sees_view("Der Bot übernimmt wieder")
    await bench.jonas.presses(card, "Mehr …")
    await bench.jonas.presses(await bench.jonas.sees_view("Jana Kurz betreut"), "Übernehmen")
    await bench.jonas.submits(await bench.jonas.sees_view("Jana Kurz spricht"))
    await bench.sees(card, "Betreut von Jonas Weber")
    await bench.jana.submits(view, {"own": "Alles erledigt.", "note": "fertig"})
    assert await bench.jana.sees_view("Jonas Weber betreut")
    await bench.settled()
    assert "Betreut von Jonas Weber" in card.words
    assert not any("erledigt" in text for text in bench.customer_saw)


async def test_every_method_of_slack_may_be_held_up_once(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    async with desk_bot(tmp_path, slack) as bench:
        card = await bench.taken()
        await bench.settled()
        for method in ("users.info", "conversations.members", "reactions.add", "reactions.remove"):
            slack.faults.too_many[method] = 1
        for method in ("chat.postMessage", "chat.update", "chat.postEphemeral"):
            slack.faults.too_many[method] = 2
        line = await bench.jana.writes(bench.support, "Guten Tag @jonas", thread=card)
        await bench.says("Hallo?")
        await bench.reaches("Guten Tag @Jonas", 20.0)
        await bench.line(card, "Hallo?")
        await bench.settled()
        await bench.reaction(line, "outbox_tray")
        assert bench.customer_saw.count("Guten Tag @Jonas") == 1
        hallo = [one for one in bench.thread(card) if one.words.startswith("👤")]
        assert len(hallo) == 1


async def test_a_case_is_taken_once_by_a_press_that_comes_twice(bench: DeskBench) -> None:
    card = await bench.case()
    await bench.jana.presses(card, "Übernehmen")
    await bench.sees(card, "Betreut von Jana Kurz")
    await bench.settled()
    joined = len(bench.customer_saw)
    payload = next(
        one
        for one in reversed(bench.slack.interactions.sent)
        if one.get("actions", [{}])[0].get("action_id") == "desk.take"
    )
    await bench.slack.events.ask("interactive", payload, answerable=False)
    await bench.settled()
    assert len(bench.customer_saw) == joined


async def test_two_who_send_again_or_end_at_once_do_it_once(bench: DeskBench) -> None:
    card = await bench.taken()
    await bench.settled()
    bench.channel.faults.append(Reject("gave_up"))
    await bench.jana.writes(bench.support, "Ein Versuch", thread=card)
    notice = await bench.line(card, "Nicht angekommen")
    await bench.jonas.presses(notice, "So lassen")
    assert await bench.jonas.sees_ephemeral("Jana Kurz betreut")
    assert "Noch einmal senden" in notice.buttons
    await asyncio.gather(
        bench.jana.presses(notice, "Noch einmal senden"),
        bench.jana.presses(notice, "Noch einmal senden"),
    )
    await bench.reaches("Ein Versuch")
    await bench.settled()
    assert bench.customer_saw.count("Ein Versuch") == 1


async def test_a_line_that_is_deleted_while_the_bot_is_away_does_not_go_out(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    async with desk_bot(tmp_path, slack, undo_seconds=3.0) as bench:
        card = await bench.taken()
        await bench.settled()
        line = await bench.jana.writes(bench.support, "Das war zu schnell", thread=card)
        kept = await bench.jana.writes(bench.support, "Guten Tag", thread=card)
        await slack.until(lambda: kept.bot_reactions and line.bot_reactions)
    slack.faults.lose_when_away = True
    await bench.jana.deletes(line)
    await asyncio.sleep(6.0)  # what is younger may only be missing in the history
    async with desk_bot(tmp_path, slack, channel=bench.channel, undo_seconds=3.0) as again:
        await again.reaches("Guten Tag")
        await again.settled()
        assert "Das war zu schnell" not in again.customer_saw


async def test_a_channel_that_was_archived_shows_each_line_once_when_it_is_back(
    slack: SlackSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugins.slack.desk_cards.MEND_SECONDS", 0.2)
    async with desk_bot(tmp_path, slack) as bench:
        card = await bench.taken()
        await bench.settled()
        await bench.jana.archives(bench.support)
        await bench.says("Hallo?")
        await bench.says("Ist da jemand?")
        await asyncio.sleep(1.0)
        await bench.jana.unarchives(bench.support)
        await bench.line(card, "Ist da jemand?")
        await bench.settled()
        shown = [one.words.split("\n")[-1] for one in bench.thread(card)]
        assert [one for one in shown if one in ("Hallo?", "Ist da jemand?")] == [
            "Hallo?",
            "Ist da jemand?",
        ]


async def test_what_was_written_while_the_bot_was_not_in_the_channel_is_found(
    slack: SlackSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugins.slack.desk_cards.MEND_SECONDS", 0.2)
    async with desk_bot(tmp_path, slack, app={"sweep_minutes": 0.01}) as bench:
        card = await bench.taken()
        await bench.settled()
        await bench.jana.removes(bench.support)
        line = await bench.jana.writes(bench.support, "Bin dran", thread=card)
        await bench.says("Hallo?")
        await asyncio.sleep(0.5)
        await bench.jana.invites(bench.support)
        await bench.reaches("Bin dran")
        await bench.line(card, "Hallo?")
        await bench.reaction(line, "outbox_tray")
        assert bench.customer_saw.count("Bin dran") == 1
