"""A case in Slack from its card to its end, on the real bot and the simulated Slack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.messages import Features, Kind
from bot.ports import Reject, Retry
from desk.inbox import CoreDeskInbox
from plugins.slack import desk_watch
from plugins.slack.testing import OpenView, Refused, SlackSimulator
from plugins.slack.testing_desk import UNDO, DeskBench, desk_bot

pytestmark = pytest.mark.slow


@pytest.fixture
async def bench(slack: SlackSimulator, tmp_path: Path) -> AsyncIterator[DeskBench]:
    async with desk_bot(tmp_path, slack) as running:
        yield running


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - calls and lists have no event
            await asyncio.sleep(0.02)


async def test_a_case_opens_as_one_card_with_what_was_said_under_it(bench: DeskBench) -> None:
    await bench.says("Hallo")
    await bench.settled()
    assert bench.cards == [], "the bot stays out of Slack until a person is needed"
    card = await bench.case()
    assert "Möchte mit einem Menschen sprechen" in card.words
    before = await bench.line(card, "Was bisher gesagt wurde")
    assert "echo: Hallo" in before.words
    assert "Ich möchte mit einem Menschen sprechen" in before.words
    await bench.says("Sind Sie da?")
    later = await bench.line(card, "Sind Sie da?")
    assert later.words.startswith("👤 Erika Mustermann")
    await bench.settled()
    assert len(bench.cards) == 1
    texts = [one.words for one in bench.thread(card)]
    assert sum("echo: Hallo" in text for text in texts) == 1
    assert sum("Sind Sie da?" in text for text in texts) == 2  # and what the bot says to it


async def test_who_took_over_writes_to_the_customer_and_nobody_else(bench: DeskBench) -> None:
    card = await bench.case()
    early = await bench.jana.writes(bench.support, "Wer nimmt das?", thread=card)
    await bench.reaction(early, "lock")
    hint = await bench.jana.sees_ephemeral("noch hat niemand den Fall")
    assert "Übernimm ihn" in hint.words
    await bench.jana.presses(card, "Übernehmen")
    await bench.sees(card, "Betreut von Jana Kurz")
    line = await bench.jana.writes(bench.support, "Guten Tag, Jana hier.", thread=card)
    await bench.slack.until(lambda: "hourglass_flowing_sand" in line.bot_reactions)
    other = await bench.jonas.writes(bench.support, "Ich weiß etwas dazu", thread=card)
    await bench.reaction(other, "lock")
    assert "Jana Kurz" in (await bench.jonas.sees_ephemeral("Bleibt intern")).words
    secret = await bench.jana.writes(bench.support, "// die Kundin ist nett", thread=card)
    await bench.reaction(secret, "lock")
    await bench.reaches("Guten Tag, Jana hier.")
    await bench.reaction(line, "outbox_tray")
    await bench.settled()
    for inside in ("Wer nimmt das?", "Ich weiß etwas dazu", "// die Kundin", "die Kundin ist nett"):
        assert not any(inside in text for text in bench.customer_saw)
    own = [one for one in bench.thread(card) if one.by_bot and "Guten Tag, Jana" in one.words]
    assert own == [], "an agent's own message is never repeated"
    notes = await bench.bot.rows("SELECT text FROM notes WHERE agent <> '' ORDER BY at")
    assert [one["text"] for one in notes] == [
        "Wer nimmt das?",
        "Ich weiß etwas dazu",
        "die Kundin ist nett",
    ]


async def test_a_line_can_be_stopped_by_its_button_or_by_deleting_it(bench: DeskBench) -> None:
    card = await bench.taken()
    line = await bench.jana.writes(bench.support, "Das war zu schnell", thread=card)
    stop = await bench.jana.sees_ephemeral("Geht gleich an Erika Mustermann")
    await bench.jana.presses(stop, "Anhalten")
    await bench.reaction(line, "no_entry_sign")
    await bench.slack.until(lambda: stop.deleted)
    gone = await bench.jana.writes(bench.support, "Und das auch", thread=card)
    await bench.slack.until(lambda: gone.bot_reactions)
    await bench.jana.deletes(gone)
    await bench.settled()
    await asyncio.sleep(UNDO * 2)
    assert bench.customer_saw[-1:] != ["Und das auch"]
    assert "Das war zu schnell" not in bench.customer_saw


async def test_stopping_too_late_is_said(bench: DeskBench) -> None:
    card = await bench.taken()
    await bench.jana.writes(bench.support, "Schon weg", thread=card)
    stop = await bench.jana.sees_ephemeral("Geht gleich")
    await bench.reaches("Schon weg")
    await bench.jana.presses(stop, "Anhalten")
    assert await bench.jana.sees_ephemeral("Zu spät")


async def test_an_edit_within_the_undo_time_changes_what_goes_out(bench: DeskBench) -> None:
    card = await bench.taken()
    line = await bench.jana.writes(bench.support, "Guten Tga", thread=card)
    await bench.jana.sees_ephemeral("Geht gleich")
    await bench.jana.edits(line, "Guten Tag")
    await bench.reaches("Guten Tag")
    await bench.settled()
    assert "Guten Tga" not in bench.customer_saw


async def test_a_later_edit_goes_out_as_a_correction_and_says_so(bench: DeskBench) -> None:
    card = await bench.taken()
    line = await bench.jana.writes(bench.support, "Am Montag", thread=card)
    await bench.reaches("Am Montag")
    await bench.reaction(line, "outbox_tray")
    await bench.jana.edits(line, "Am Dienstag")
    await bench.reaches("Korrektur: Am Dienstag")
    assert await bench.jana.sees_ephemeral("als Berichtigung")


async def test_an_edit_to_a_note_never_sends_the_note(bench: DeskBench) -> None:
    card = await bench.taken()
    line = await bench.jana.writes(bench.support, "der ist schwierig", thread=card)
    await bench.jana.sees_ephemeral("Geht gleich")
    await bench.jana.edits(line, "// der ist schwierig")
    await bench.settled()
    await asyncio.sleep(UNDO * 2)
    assert not any("schwierig" in text for text in bench.customer_saw)


async def test_what_cannot_be_unsent_says_so_and_stays_to_be_seen(bench: DeskBench) -> None:
    card = await bench.taken()
    line = await bench.jana.writes(bench.support, "Das hätte ich lassen sollen", thread=card)
    await bench.reaches("Das hätte ich lassen sollen")
    await bench.reaction(line, "outbox_tray")
    await bench.jana.deletes(line)
    assert await bench.jana.sees_ephemeral("hat der Kunde schon")
    shown = await bench.line(card, "Das hätte ich lassen sollen")
    assert "Jana Kurz an den Kunden" in shown.words


async def test_a_colleagues_case_is_taken_only_after_a_question_and_both_hear(
    bench: DeskBench,
) -> None:
    card = await bench.taken(bench.jonas)
    await bench.jana.presses(card, "Mehr …")
    tools = await bench.jana.sees_view("Jonas Weber betreut")
    await bench.jana.presses(tools, "Übernehmen")
    sure = await bench.jana.sees_view("spricht gerade mit Erika Mustermann")
    assert "Betreut von Jonas Weber" in card.words
    assert await bench.jana.submits(sure) == {}
    await bench.sees(card, "Betreut von Jana Kurz")
    told = await bench.line(card, "hat diesen Fall von dir übernommen")
    assert told.calls == (f"@{bench.jonas.id}",)
    late = await bench.jonas.writes(bench.support, "Ich war noch dabei", thread=card)
    await bench.reaction(late, "lock")


async def test_two_who_press_at_once_get_one_winner(bench: DeskBench) -> None:
    card = await bench.case()
    await asyncio.gather(
        bench.jana.presses(card, "Übernehmen"), bench.jonas.presses(card, "Übernehmen")
    )
    await bench.slack.until(lambda: "Betreut von" in card.words)
    winner = bench.jana if "Jana" in card.words else bench.jonas
    loser = bench.jonas if winner is bench.jana else bench.jana
    view = await loser.sees_view("spricht gerade")
    assert winner.user.real_name in view.words


async def test_handing_back_with_an_outcome_that_the_customer_reads(bench: DeskBench) -> None:
    card = await bench.taken()
    await bench.jana.presses(card, "Zurück an den Bot")
    view = await bench.jana.sees_view("Der Bot übernimmt wieder")
    values = {"pick": "answered", "note": "war einfach"}
    assert await bench.jana.submits(view, values) == {}
    await bench.sees(card, "Ergebnis Die Frage ist beantwortet.")
    await bench.settled()
    assert any("Die Frage ist beantwortet." in text for text in bench.customer_saw)
    assert not any("war einfach" in text for text in bench.customer_saw)
    assert await bench.line(card, "war einfach")
    assert card.buttons == ("Früherer Verlauf",)
    after = await bench.jana.writes(bench.support, "noch etwas", thread=card)
    await bench.reaction(after, "lock")
    assert await bench.jana.sees_ephemeral("ist abgeschlossen")


async def test_only_who_has_the_case_can_end_it(bench: DeskBench) -> None:
    card = await bench.taken()
    for button in ("Zurück an den Bot", "Erledigt"):
        await bench.jonas.presses(card, button)
        told = await bench.jonas.sees_ephemeral("Jana Kurz betreut")
        assert told.words
    assert bench.jonas.views == []


async def test_done_without_anybody_having_it(bench: DeskBench) -> None:
    card = await bench.case()
    await bench.jana.presses(card, "Erledigt")
    view = await bench.jana.sees_view("zu Ende")
    await bench.jana.submits(view, {"outcome": "Hat sich erledigt"})
    await bench.sees(card, "Ergebnis Hat sich erledigt")
    assert not any("Hat sich erledigt" in text for text in bench.customer_saw)


async def test_snooze_wake_and_priority(bench: DeskBench) -> None:
    card = await bench.taken()
    await bench.jana.presses(card, "Zurückstellen")
    view = await bench.jana.sees_view("ruht bis dahin")
    past = {"until": "own", "at": 1_500_000_000}
    assert "schon vorbei" in str(await bench.jana.submits(view, past))
    assert await bench.jana.submits(view, {"until": "workday"}) == {}
    await bench.sees(card, "Zurückgestellt bis")
    await bench.jana.presses(card, "Wieder aufnehmen")
    await bench.slack.until(lambda: "Zurückgestellt" not in card.words)
    await bench.jonas.presses(card, "Dringend")
    await bench.sees(card, "· Dringend")
    await bench.jonas.presses(card, "Kann warten")
    await bench.sees(card, "· Kann warten")


async def test_assigning_notifies_who_gets_it_and_strangers_get_nothing(bench: DeskBench) -> None:
    card = await bench.taken()
    await bench.jana.presses(card, "Mehr …")
    tools = await bench.jana.sees_view("Den Fall jemand anderem")
    await bench.jana.presses(tools, "Zuweisen")
    view = await bench.jana.sees_view("Wer soll den Fall betreuen?")
    stranger = bench.slack.person("fritz", "Fritz Fremd")
    assert "nicht im Kanal" in str(await bench.jana.submits(view, {"to": stranger.id}))
    assert await bench.jana.submits(view, {"to": bench.jonas.id}) == {}
    await bench.sees(card, "Betreut von Jonas Weber")
    told = await bench.line(card, "hat dir diesen Fall gegeben")
    assert told.calls == (f"@{bench.jonas.id}",)


async def test_releasing_and_changing_the_language(bench: DeskBench) -> None:
    card = await bench.taken()
    await bench.jana.presses(card, "Mehr …")
    tools = await bench.jana.sees_view("Die Sprache")
    await bench.jana.presses(tools, "Sprache")
    view = await bench.jana.sees_view("Sprache des Kunden")
    await bench.jana.submits(view, {"language": "en"})
    await bench.sees(card, "Englisch")
    await bench.jana.presses(card, "Mehr …")
    tools = await bench.jana.sees_view("wieder freigeben")
    await bench.jana.presses(tools, "Freigeben")
    await bench.sees(card, "Noch frei")


async def test_a_note_by_its_modal(bench: DeskBench) -> None:
    card = await bench.case()
    await bench.jonas.presses(card, "Mehr …")
    tools = await bench.jonas.sees_view("Nur für Kollegen")
    await bench.jonas.presses(tools, "Notiz")
    view = await bench.jonas.sees_view("Was Kollegen wissen sollen")
    await bench.jonas.submits(view, {"note": "ruft morgen an"})
    note = await bench.line(card, "ruft morgen an")
    assert "Interne Notiz von Jonas Weber" in note.words
    await bench.reaction(note, "lock")
    assert not any("ruft morgen an" in text for text in bench.customer_saw)


async def test_a_line_that_failed_says_why_and_can_be_sent_again(bench: DeskBench) -> None:
    card = await bench.taken()
    await bench.settled()
    bench.channel.faults.append(Reject("window_closed"))
    line = await bench.jana.writes(bench.support, "Ein Versuch", thread=card)
    notice = await bench.line(card, "Nicht angekommen")
    assert "Antwortfenster des Kanals ist zu" in notice.words
    await bench.reaction(line, "x")
    await bench.jana.presses(notice, "Noch einmal senden")
    await bench.reaches("Ein Versuch")
    await bench.sees(notice, "Jana Kurz hat es noch einmal gesendet")
    assert notice.buttons == ()
    with pytest.raises(Refused):
        await bench.jana.presses(notice, "Noch einmal senden")


async def test_a_line_that_failed_may_be_left(bench: DeskBench) -> None:
    card = await bench.taken()
    await bench.settled()
    bench.channel.faults.append(Reject("gave_up"))
    await bench.jana.writes(bench.support, "Ein Versuch", thread=card)
    notice = await bench.line(card, "Nicht angekommen")
    await bench.jana.presses(notice, "So lassen")
    await bench.sees(notice, "lässt es so")
    assert "Ein Versuch" not in bench.customer_saw


async def test_earlier_history_page_by_page(bench: DeskBench) -> None:
    for number in range(15):
        await bench.says(f"Frage {number}")
        await bench.settled()
    card = await bench.case()
    before = await bench.line(card, "Was bisher gesagt wurde")
    await bench.jana.presses(before, "Früherer Verlauf")
    latest = await bench.jana.sees_view("Frage 14")
    assert "Frage 0" not in latest.words.split("\n")
    await bench.jana.presses(latest, "← Früher")
    older = await bench.jana.sees_view("echo: Frage 0")
    assert "Frage 14" not in older.words
    await bench.jana.presses(older, "Später →")
    await bench.jana.sees_view("Frage 14")


async def test_files_both_ways(bench: DeskBench) -> None:
    card = await bench.taken()
    await bench.sends_file(PNG, "Karton.png", "So sieht es aus")
    line = await bench.line(card, "So sieht es aus")
    assert "📎 Karton.png" in line.words
    await bench.slack.until(
        lambda: any(("Karton.png", PNG) in one.files for one in bench.thread(card))
    )
    reply = await bench.jana.uploads(
        bench.support, {"Etikett.pdf": PDF}, "Hier ist es", thread=card
    )
    await bench.reaches("Hier ist es")
    await bench.reaction(reply, "outbox_tray")
    await bench.settled()
    (out,) = [one for one in bench.channel.sent if one.text == "Hier ist es"]
    (sent,) = out.attachments
    assert (sent.name, sent.content_type) == ("Etikett.pdf", "application/pdf")
    path = bench.bot.app.files.path(sent.file or "")
    assert path is not None
    assert path.read_bytes() == PDF
    shared = [one for one in bench.thread(card) if one.by_bot and one.files]
    assert len(shared) == 1, "the agent's file is not shown twice"


async def test_a_file_that_is_refused_takes_nothing_along(bench: DeskBench) -> None:
    card = await bench.taken()
    files = {"Setup.exe": b"MZ" + bytes(200)}
    line = await bench.jana.uploads(bench.support, files, "Bitte installieren", thread=card)
    await bench.reaction(line, "lock")
    told = await bench.jana.sees_ephemeral("Setup.exe")
    assert "ging die ganze Nachricht nicht hinaus" in told.words
    await bench.settled()
    assert "Bitte installieren" not in bench.customer_saw


async def test_what_the_channel_cannot_take_is_refused_with_the_reason(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    async with desk_bot(tmp_path, slack, features=Features(burst_seconds=0.0)) as bench:
        card = await bench.taken()
        line = await bench.jana.uploads(bench.support, {"a.pdf": PDF}, "Bitte sehr", thread=card)
        await bench.reaction(line, "lock")
        assert await bench.jana.sees_ephemeral("Dateien gehen auf diesem Kanal nicht hinaus")
        assert "Bitte sehr" not in bench.customer_saw


async def test_in_explicit_mode_only_the_menu_of_a_message_sends(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    async with desk_bot(tmp_path, slack, desk={"reply_mode": "explicit"}) as bench:
        card = await bench.taken()
        line = await bench.jana.writes(bench.support, "Guten Tag", thread=card)
        await bench.reaction(line, "lock")
        other = await bench.jonas.writes(bench.support, "Besser so: Moin", thread=card)
        await bench.reaction(other, "lock")
        await bench.jonas.shortcut("desk_send", other)
        assert await bench.jonas.sees_ephemeral("Jana Kurz betreut")
        await bench.jana.shortcut("desk_send", line)
        await bench.jana.shortcut("desk_send", line)
        await bench.reaches("Guten Tag")
        await bench.jana.shortcut("desk_send", other)
        await bench.reaches("Besser so: Moin")
        await bench.settled()
        assert bench.customer_saw.count("Guten Tag") == 1
        await bench.reaction(line, "outbox_tray")


async def test_strangers_and_bots_do_nothing(bench: DeskBench) -> None:
    card = await bench.taken()
    stranger = bench.slack.person("fritz", "Fritz Fremd")
    await stranger.presses(card, "Zurück an den Bot")
    robot = bench.slack.other_bot("robo")
    bench.support.channel.members.add(robot.id)
    await robot.writes(bench.support, "Ich bin ein Roboter", thread=card)
    await bench.settled()
    assert stranger.views == []
    assert "Betreut von Jana Kurz" in card.words
    assert "Ich bin ein Roboter" not in bench.customer_saw
    assert await bench.bot.rows("SELECT 1 FROM notes WHERE text LIKE '%Roboter%'") == []


async def test_the_same_event_twice_and_late_is_one_line(bench: DeskBench) -> None:
    card = await bench.taken()
    bench.slack.faults.duplicate = 2
    await bench.jana.writes(bench.support, "Nur einmal", thread=card)
    await bench.reaches("Nur einmal")
    await bench.settled()
    assert bench.customer_saw.count("Nur einmal") == 1


async def test_restart_in_the_middle_changes_nothing(slack: SlackSimulator, tmp_path: Path) -> None:
    async with desk_bot(tmp_path, slack) as bench:
        card = await bench.taken()
        await bench.jana.writes(bench.support, "Vor dem Neustart", thread=card)
        await bench.reaches("Vor dem Neustart")
        count = len(bench.thread(card))
    slack.faults.lose_when_away = True
    missed = await bench.jana.writes(bench.support, "Währenddessen", thread=card)
    async with desk_bot(tmp_path, slack, channel=bench.channel) as again:
        await again.reaches("Währenddessen")
        await again.reaction(missed, "outbox_tray")
        await again.says("Noch da?")
        await again.line(card, "Noch da?")
        await again.settled()
        assert len(again.cards) == 1
        assert len(again.thread(card)) == count + 2
        assert again.customer_saw.count("Vor dem Neustart") == 1


@pytest.mark.parametrize("fault", ["cut_before", "cut_after", "gateway", "html", "too_many"])
async def test_a_post_that_fails_is_there_once(
    slack: SlackSimulator, tmp_path: Path, fault: str
) -> None:
    async with desk_bot(tmp_path, slack) as bench:
        getattr(slack.faults, fault)["chat.postMessage"] = 1
        card = await bench.case()
        await bench.line(card, "Was bisher gesagt wurde")
        await bench.settled()
        getattr(slack.faults, fault)["chat.postMessage"] = 1
        await bench.says("Hallo?")
        await bench.line(card, "Hallo?")
        await bench.settled()
        assert len(bench.cards) == 1
        customers = [one for one in bench.thread(card) if one.words.startswith("👤")]
        assert len(customers) == 1


async def test_limits_of_slack_hold_up_no_line_for_ever(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    async with desk_bot(tmp_path, slack) as bench:
        card = await bench.taken()
        slack.faults.too_many["reactions.add"] = 2
        line = await bench.jana.writes(bench.support, "Langsam", thread=card)
        await bench.reaches("Langsam")
        await bench.reaction(line, "outbox_tray")
        assert slack.rates.too_early == []


async def test_a_card_that_somebody_deletes_comes_again_and_no_case_is_lost(
    bench: DeskBench,
) -> None:
    card = await bench.taken()
    await bench.says("Hallo?")
    await bench.line(card, "Hallo?")
    await bench.settled()
    gone = bench.support.channel.messages
    for message in bench.thread(card):
        await bench.slack.posting.delete(bench.support.channel, gone[message.ts])
    await bench.slack.posting.delete(bench.support.channel, gone[card.ts])
    await bench.says("Ist da jemand?")
    again = await bench.slack.wait_message(bench.support, "Betreut von Jana Kurz")
    assert again != card
    await bench.line(again, "Ist da jemand?")
    before = await bench.line(again, "Was bisher gesagt wurde")
    assert "Hallo?" in before.words
    await bench.jana.writes(bench.support, "Ja, hier.", thread=again)
    await bench.reaches("Ja, hier.")
    await bench.settled()
    assert len(bench.cards) == 1


async def test_a_retry_of_the_channel_shows_waiting_until_it_is_sent(bench: DeskBench) -> None:
    card = await bench.taken()
    await bench.settled()
    bench.channel.faults.append(Retry(0.5, "retry"))
    line = await bench.jana.writes(bench.support, "Gleich", thread=card)
    await bench.reaches("Gleich")
    await bench.reaction(line, "outbox_tray")


async def test_slash_command_and_the_menu_of_a_message(bench: DeskBench) -> None:
    card = await bench.case()
    answer = await bench.jana.slash(bench.support, "/schalter")
    assert "Offene Fälle: 1, davon ohne jemanden: 1" in answer["text"]
    line = await bench.jonas.writes(bench.support, "hier", thread=card)
    await bench.jonas.shortcut("desk_tools", line)
    assert await bench.jonas.sees_view("Nur für Kollegen")
    elsewhere = await bench.jonas.writes(bench.support, "Mahlzeit")
    await bench.jonas.shortcut("desk_tools", elsewhere)
    assert await bench.jonas.sees_ephemeral("Hier ist kein Fall")


async def test_emoji_links_and_mentions_reach_the_customer_as_people_read_them(
    bench: DeskBench,
) -> None:
    card = await bench.taken()
    await bench.jana.writes(
        bench.support, "a < b & https://shop.example/x hilfe@shop.example @jonas", thread=card
    )
    await bench.reaches("a < b & https://shop.example/x hilfe@shop.example @Jonas")


async def test_what_the_bot_could_not_say_is_a_draft_that_the_agent_may_send(
    bench: DeskBench,
) -> None:
    card = await bench.case()
    await bench.settled()
    bench.channel.faults.append(Retry(3.0, "retry"))
    await bench.says("Wann kommt es?")
    line = await bench.line(card, "echo: Wann kommt es?")
    assert line.buttons == ()
    await bench.jana.presses(card, "Übernehmen")
    await bench.sees(line, "Entwurf, nicht gesendet")
    await bench.jonas.presses(line, "So an den Kunden senden")
    assert await bench.jonas.sees_ephemeral("Jana Kurz betreut")
    await bench.jana.presses(line, "So an den Kunden senden")
    await bench.reaches("echo: Wann kommt es?")
    await bench.sees(line, "Jana Kurz hat diesen Entwurf gesendet")
    assert line.buttons == ()
    assert bench.customer_saw.count("echo: Wann kommt es?") == 1


async def test_what_the_customer_edits_and_deletes_is_shown_as_such(bench: DeskBench) -> None:
    card = await bench.taken()
    first = await bench.says("Um drei")
    await bench.line(card, "Um drei")
    await bench.says("Um vier", kind=Kind.EDIT, edits=first)
    edited = await bench.line(card, "Um vier")
    assert "geändert" in edited.words
    await bench.says("", kind=Kind.DELETE, edits=first)
    assert await bench.line(card, "vom Kunden gelöscht")


async def test_long_texts_come_whole_as_a_file(bench: DeskBench) -> None:
    card = await bench.taken()
    text = "Ein Satz. " * 1200
    await bench.says(text)
    line = await bench.line(card, "Gekürzt")
    assert line.words.count("Ein Satz.") > 700
    await bench.slack.until(
        lambda: any(
            text.strip().encode() == data for one in bench.thread(card) for _, data in one.files
        )
    )


async def test_a_line_in_pieces_has_one_reaction_and_one_trouble(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    features = Features(burst_seconds=0.0, text_limit=60)
    async with desk_bot(tmp_path, slack, features=features) as bench:
        card = await bench.taken()
        await bench.settled()
        bench.channel.faults.append(Reject("gave_up"))
        text = "Das ist ein langer Satz, der nicht in eine Nachricht passt. " * 4
        line = await bench.jana.writes(bench.support, text, thread=card)
        await bench.reaction(line, "x")
        await bench.settled()
        notices = [one for one in bench.thread(card) if "Nicht angekommen" in one.words]
        assert len(notices) == 1
        await bench.jana.presses(notices[0], "Noch einmal senden")
        await bench.bot.until(
            "SELECT 1 WHERE 4 = (SELECT count(*) FROM outbox "
            "WHERE replaces IS NOT NULL AND state = 'sent')"
        )
        assert "".join(bench.customer_saw[-4:]).count("langer Satz") == 4


async def test_whether_the_holder_is_there_is_asked_while_a_customer_waits(
    slack: SlackSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone: list[str] = []

    async def away(_inbox: object, agent: str) -> None:
        gone.append(agent)

    monkeypatch.setattr(CoreDeskInbox, "away", away)
    monkeypatch.setattr(desk_watch, "JUST_NOW", timedelta())
    async with desk_bot(tmp_path, slack, desk={"presence_minutes": 0.003}) as bench:
        card = await bench.taken()
        await bench.jana.writes(bench.support, "Bin da", thread=card)
        await bench.reaches("Bin da")
        await bench.settled()
        before = len(slack.api.calls("users.getPresence"))
        await asyncio.sleep(0.5)
        assert len(slack.api.calls("users.getPresence")) == before, "nobody waits"
        await bench.says("Hallo?")
        await eventually(lambda: len(slack.api.calls("users.getPresence")) > before)
        assert gone == []
        bench.jana.presence = "away"
        await eventually(lambda: bool(gone))
        assert set(gone) == {f"slack:{bench.jana.id}"}


async def test_a_macro_is_read_and_changed_before_it_goes_out(bench: DeskBench) -> None:
    card = await bench.taken()
    await bench.jana.presses(card, "Mehr …")
    tools = await bench.jana.sees_view("vorbereiteter Text")
    await bench.jana.presses(tools, "Textbausteine")
    picking = await bench.jana.sees_view("Textbaustein")
    first, second = (one["value"] for one in options_of(picking)[:2])
    assert await bench.jana.submits(picking, {"macro": first}) == {}
    view = await bench.jana.sees_view("Das geht so hinaus")
    assert not any("Alles in Ordnung" in text for text in bench.customer_saw)
    await bench.jana.chooses(view, "desk.macro", second)
    await bench.slack.until(lambda: f"text-{second}" in str(bench.jana.views[-1].raw["blocks"]))
    view = bench.jana.views[-1]
    assert await bench.jana.submits(view, {f"text-{second}": "Alles in Ordnung."}) == {}
    await bench.reaches("Alles in Ordnung.")
    await bench.settled()
    assert await bench.line(card, "Alles in Ordnung.")


def options_of(view: OpenView) -> list[dict[str, str]]:
    elements = [one["element"] for one in view.raw["blocks"] if one["type"] == "input"]
    return list(elements[0]["options"])


async def test_order_actions_are_previewed_confirmed_and_done_once(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    more: dict[str, dict[str, object]] = {"shop": {}, "cancel_order": {}, "track_order": {}}
    async with desk_bot(tmp_path, slack, more=more) as bench:
        card = await bench.taken()
        await bench.jana.presses(card, "Mehr …")
        tools = await bench.jana.sees_view("mit Vorschau")
        await bench.jana.presses(tools, "Bestellung")
        view = await bench.jana.sees_view("Bestellung stornieren")
        await bench.jana.presses(view, "desk.act.cancel_order")
        form = await bench.jana.sees_view("Noch geschieht nichts")
        await bench.jana.submits(form, {"field-order_id": "B-100248"})
        preview = await bench.jana.sees_view("Es wird festgehalten")
        assert "B-100248" in preview.words
        await bench.jana.submits(preview)
        done = await bench.jana.sees_view("✅")
        assert "B-100248" in done.words
        await bench.settled()
        calls = await bench.bot.rows("SELECT name, status FROM calls WHERE name = 'cancel_order'")
        assert [dict(one) for one in calls] == [{"name": "cancel_order", "status": "done"}]


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000 1f15c4890000000d49444154789c63"
    "f8cfc0f01f0005000 1ff89993d1d0000000049454e44ae426082".replace(" ", "")
)
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


async def test_a_line_right_before_handing_back_reaches_the_customer(bench: DeskBench) -> None:
    """The modal overtook the line, which then stayed inside: found by the afternoon."""
    card = await bench.taken()
    await bench.jana.presses(card, "Zurück an den Bot")
    view = await bench.jana.sees_view("Der Bot übernimmt wieder")
    line = await bench.jana.writes(bench.support, "Alles Gute noch!", thread=card)
    await bench.jana.submits(view, {"pick": "answered"})
    await bench.reaches("Alles Gute noch!")
    await bench.reaction(line, "outbox_tray")
    await bench.sees(card, "Ergebnis Die Frage ist beantwortet.")


async def test_after_a_restart_a_thread_is_read_first_in_which_somebody_writes(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    """Everything waited until the last thread was read, a minute and more: the afternoon again."""
    customers = [f"kunde{number}" for number in range(6)]
    async with desk_bot(tmp_path, slack) as bench:
        cards = [await bench.taken(customer=one) for one in customers]
        await bench.settled()
    slack.faults.slow["conversations.replies"] = 1.0
    async with desk_bot(tmp_path, slack) as bench:
        began = asyncio.get_running_loop().time()
        line = await bench.jana.writes(bench.support, "Ich bin noch da", thread=cards[0])
        await slack.until(lambda: line.bot_reactions)
        assert asyncio.get_running_loop().time() - began < 4.0
