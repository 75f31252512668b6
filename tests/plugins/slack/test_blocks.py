"""The card and the other blocks: what they say, and that Slack takes them whatever they hold."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.clean import clean_text
from bot.desk import Acted, ActField, Case, Macro, OrderAction, Preview
from bot.messages import Author, Kind, State
from desk.hours import WORKDAYS
from plugins.slack import (
    blocks,
    blocks_lines,
    blocks_modals,
    blocks_ops,
    blocks_trouble,
    kit,
    marks,
)
from plugins.slack.blocks import Shown
from plugins.slack.snoozing import snooze_times
from plugins.slack.testing_blocks import block_problems, blocks_too_long, view_problems
from plugins.slack.testing_samples import (
    CLOSED,
    DEAD,
    DIGEST,
    ENGLISH,
    FAILED,
    HOSTILE,
    LINES,
    MAILED,
    NASTY,
    NOW,
    ORDER,
    PHOTO,
    SNOOZED,
    TAKEN,
    WAITING,
    line,
    words,
)
from plugins.slack.testing_text import mentions

JANA = "slack:U0JANA"


def taken_by_slack(shown: Shown) -> str:
    """The words of a message, which must be one that Slack takes."""
    assert block_problems(shown.blocks) == []
    assert not blocks_too_long(shown.blocks)
    assert 0 < len(shown.text) <= 4000
    return said(shown.blocks)


def said(raw: Any) -> str:
    """All words in blocks, and where a date stands."""
    if isinstance(raw, list):
        return "\n".join(filter(None, map(said, raw)))
    if not isinstance(raw, dict):
        return ""
    if raw.get("type") == "date":
        return str(raw["fallback"])
    own = raw["text"] if isinstance(raw.get("text"), str) else ""
    inside = [value for value in raw.values() if isinstance(value, list | dict)]
    between = "" if str(raw.get("type", "")).startswith("rich_text") else "\n"
    if between == "":
        flat = [one for value in inside for one in (value if isinstance(value, list) else [value])]
        return "".join(map(said, flat))
    return between.join(filter(None, [own, *map(said, inside)]))


def pressable(shown: Shown) -> list[str]:
    rows = [one["elements"] for one in shown.blocks if one["type"] == "actions"]
    return [element["action_id"] for row in rows for element in row]


def test_a_waiting_case_reads_at_a_glance() -> None:
    shown = blocks.card(WAITING, words(), NOW)
    text = taken_by_slack(shown)
    assert text.startswith("🔴 Erika Mustermann · Beschwerde")
    for fact in (
        "Fall 42 · WhatsApp · Deutsch · Dringend",
        "Wartet seit 14:32",
        "Antwort fällig 15:02",
        "Noch frei: Wer übernimmt?",
        "Bestellung B-100234",
        "versandt · 84,90\xa0€ · PayPal, bezahlt",
        "1 × Leinenvorhang, natur; 2 × Kissenhülle",
        "00340434161094042557 in Zustellung",
        "Verstanden Sendungsverfolgung → fehlende Lieferung → Beschwerde",
        "Versucht Paket verfolgen ✓ · Auskunft ✓",
        "Der Bot hat zweimal den Stand genannt",
    ):
        assert fact in text
    assert "Antwortfenster" not in text, "a whole day is left"
    assert shown.text == "Erika Mustermann wartet auf WhatsApp (Fall 42): Beschwerde"
    assert pressable(shown) == [
        "desk.take",
        "desk.done",
        "desk.snooze",
        "desk.priority",
        "desk.more",
    ]


def test_a_taken_case_shows_who_has_it_and_what_is_urgent() -> None:
    shown = blocks.card(TAKEN, words(), NOW)
    text = taken_by_slack(shown)
    assert text.startswith("🟢")
    assert "Betreut von Jana Kurz" in text
    assert "🚨 Antwortfenster schließt gleich 15:25" in text
    assert "⚠️ Überfällig seit 14:43" in text
    assert pressable(shown)[0] == "desk.back"


@pytest.mark.parametrize(
    ("left", "words_of_it"),
    [
        (timedelta(hours=5), ""),
        (timedelta(hours=4, seconds=1), ""),
        (timedelta(hours=4), "⏱️ Antwortfenster schließt "),
        (timedelta(hours=1, seconds=1), "⏱️ Antwortfenster schließt "),
        (timedelta(hours=1), "🚨 Antwortfenster schließt gleich"),
        (timedelta(), "⛔ Antwortfenster zu"),
    ],
)
def test_the_reply_window_shows_when_it_gets_short(left: timedelta, words_of_it: str) -> None:
    text = taken_by_slack(blocks.card(replace(WAITING, reply_until=NOW + left), words(), NOW))
    assert ("Antwortfenster" in text) is bool(words_of_it)
    assert words_of_it in text


def test_a_snoozed_case_can_be_woken_and_a_closed_one_only_read() -> None:
    snoozed = blocks.card(SNOOZED, words(), NOW)
    assert "💤 Zurückgestellt bis Fr. 27. Nov. 09:44" in taken_by_slack(snoozed)
    assert "desk.wake" in pressable(snoozed)
    closed = blocks.card(CLOSED, words(), NOW)
    assert "Ergebnis Ein Ersatz ist auf dem Weg." in taken_by_slack(closed)
    assert pressable(closed) == ["desk.history"]


def test_an_outcome_that_is_a_code_is_said_in_words() -> None:
    text = taken_by_slack(blocks.card(replace(CLOSED, outcome="handed_back"), words(), NOW))
    assert "Ergebnis zurück an den Bot" in text


def test_the_card_in_english_with_the_address_that_was_left() -> None:
    text = taken_by_slack(blocks.card(ENGLISH, words("en"), NOW))
    assert "🟡 Tom Baker · Asked for a person" in text
    assert "E-mail address left tom@example.org" in text
    assert "Nobody has it yet" in text


def test_the_card_changes_by_itself_when_a_limit_is_near() -> None:
    case = replace(WAITING, due_at=NOW + timedelta(hours=30), reply_until=NOW + timedelta(hours=5))
    moments = []
    at = NOW
    while (following := blocks.changes_at(case, at)) is not None:
        moments.append(following - NOW)
        at = following
    assert moments == [timedelta(hours=h) for h in (1, 4, 5, 30)]
    shown = [blocks.card(case, words(), NOW + moment).blocks for moment in moments]
    before = [blocks.card(case, words(), NOW + m - timedelta(seconds=1)).blocks for m in moments]
    assert all(one != other for one, other in zip(shown, before, strict=True))


@pytest.mark.parametrize("language", ["de", "en"])
def test_nothing_that_people_write_is_markup(language: str) -> None:
    shown = [
        blocks.card(HOSTILE, words(language), NOW),
        blocks.card(replace(HOSTILE, state="closed", closed_at=NOW), words(language), NOW),
        blocks_lines.line_message(HOSTILE, line(NASTY * 400, quote=NASTY * 90), words(language)),
        blocks_lines.transcript(HOSTILE, [line(NASTY * 90)] * 60, words(language)),
        blocks_trouble.trouble(42, replace(FAILED, text=NASTY * 90, reason=NASTY), words(language)),
        blocks_lines.undo(42, "slack:C:1", NASTY, words(language)),
        blocks_lines.settled(replace(FAILED, text=NASTY), words(language), "left", NASTY),
    ]
    for one in shown:
        taken_by_slack(one)
        assert mentions(one.text) == ()
        assert '"mrkdwn"' not in json.dumps(one.blocks), "nothing of it is read for markup"
        assert '"emoji": true' not in json.dumps(
            [b for b in one.blocks if b["type"] != "actions"]
        ), "no :name: becomes a picture"


def test_a_name_cannot_turn_the_line_around() -> None:
    shown = blocks.card(replace(WAITING, customer="Eve\u202e\nkoorb\u0000"), words(), NOW)
    assert "🔴 Evekoorb · " in taken_by_slack(shown).replace("Eve koorb", "Evekoorb")
    assert "\u202e" not in json.dumps(shown.blocks, ensure_ascii=False)


TEXT = st.text(min_size=0, max_size=4000)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXT, TEXT, st.lists(TEXT, max_size=12))
def test_whatever_a_case_holds_slack_takes_it(one: str, other: str, many: list[str]) -> None:
    case = replace(
        WAITING,
        customer=one,
        summary=other,
        contact=one,
        agent_name=other,
        agent="slack:U1",
        intents=tuple(many),
        tried=tuple(many),
        orders=tuple({**ORDER, "lines": text, "number": text} for text in many),
    )
    taken_by_slack(blocks.card(case, words(), NOW))
    taken_by_slack(blocks_lines.line_message(case, line(one, quote=other), words()))
    taken_by_slack(blocks_lines.transcript(case, [line(text) for text in many], words()))


@given(st.text(max_size=80), st.integers(min_value=1, max_value=40))
def test_what_is_cut_fits_and_says_so(text: str, limit: int) -> None:
    made = kit.cut(text, limit)
    assert kit.width(made) <= limit
    assert (made == text) is (kit.width(text) <= limit)
    if made != text:
        assert made.endswith("…")


def test_lines_say_whose_they_are_and_what_is_special() -> None:
    def read(**more: Any) -> str:
        return taken_by_slack(blocks_lines.line_message(TAKEN, line(**more), words()))

    assert read().startswith("👤 Erika Mustermann\nWo bleibt mein Paket?")
    assert "👤 Erika Mustermann · geändert" in read(kind=Kind.EDIT)
    assert "👤 Erika Mustermann · vom Kunden gelöscht" in read(kind=Kind.DELETE)
    assert "🤖 Bot" in read(author=Author.BOT, state=State.SENT)
    assert "💬 Jana Kurz an den Kunden" in read(author=Author.AGENT, name="Jana Kurz")
    assert "🔒 Interne Notiz von Jonas Weber" in read(author=Author.NOTE, name="Jonas Weber")
    assert "📎 Karton.jpg (340 KB)" in read(attachments=(PHOTO,))
    broken = replace(PHOTO, file=None, error="file_too_big")
    assert "⚠️ Nicht gesendet: Die Datei ist zu groß" in read(attachments=(broken,))
    assert "Hallo, wo bleibt es?" in read(quote="Hallo, wo bleibt es?")


def test_a_draft_says_so_and_that_its_effect_has_happened() -> None:
    draft = line(author=Author.BOT, state=State.DRAFT, id="out:3")
    shown = blocks_lines.line_message(TAKEN, draft, words())
    assert "✏️ Entwurf, nicht gesendet" in taken_by_slack(shown)
    assert pressable(shown) == ["desk.send_draft", "desk.edit_draft", "desk.drop_draft"]
    effect = blocks_lines.line_message(TAKEN, replace(draft, effect=True), words())
    assert "⚠️ Nicht gesendet, ist aber schon geschehen" in taken_by_slack(effect)


def test_a_draft_says_why_it_did_not_go_out() -> None:
    draft = line(author=Author.BOT, state=State.DRAFT, id="out:3", reason="uncertain")
    shown = blocks_lines.line_message(TAKEN, draft, words())
    assert "Der Bot war sich nicht sicher" in taken_by_slack(shown)


def test_a_machines_answer_says_so() -> None:
    shown = blocks_lines.line_message(TAKEN, line(kind=Kind.AUTOMATIC), words())
    assert "automatische Antwort" in taken_by_slack(shown)


@pytest.mark.parametrize("folded", ["> Hallo", NASTY, "> Zeile\n" * 40_000])
def test_quoted_text_is_behind_a_button_and_whole_in_its_modal(folded: str) -> None:
    quoting = line("Danke", folded=folded)
    shown = blocks_lines.line_message(TAKEN, quoting, words())
    assert "Zeile" not in taken_by_slack(shown)
    assert pressable(shown) == ["desk.folded"]
    assert pressable(Shown("x", blocks_lines.page(TAKEN, [quoting], words(), NOW)))
    read, at, on = "", 0, True
    while on:
        view = blocks_modals.folded(7, quoting, words(), at)
        assert view_problems(view) == []
        read += "".join(
            part["text"]
            for block in view["blocks"]
            if block["type"] == "rich_text"
            for section in block["elements"]
            for part in section["elements"]
        )
        on = "desk.folded.folded_on" in json.dumps(view)
        at += 1
    assert read == clean_text(folded)


def test_a_draft_that_no_form_can_hold_says_what_to_do() -> None:
    draft = line("x" * 3001, author=Author.BOT, state=State.DRAFT, id="out:3")
    view = blocks_modals.draft(TAKEN, draft, words())
    assert "zu lang" in json.dumps(view)
    assert view_problems(blocks_modals.draft(TAKEN, line(NASTY), words())) == []


def test_the_transcript_keeps_the_latest_that_fits() -> None:
    lines = [line(f"Nummer {number} " + "x" * 400, id=f"in:{number}") for number in range(60)]
    text = taken_by_slack(blocks_lines.transcript(TAKEN, lines, words()))
    assert "Nummer 59 " in text
    assert "Nummer 0 " not in text
    whole = taken_by_slack(blocks_lines.transcript(TAKEN, LINES, words()))
    assert whole.index("wo ist meine Bestellung") < whole.index("Ich hole jemanden")


def test_trouble_says_why_and_what_can_be_done() -> None:
    shown = blocks_trouble.trouble(42, FAILED, words())
    assert "❌ Nicht angekommen" in taken_by_slack(shown)
    assert "Das Antwortfenster des Kanals ist zu" in said(shown.blocks)
    assert pressable(shown) == ["desk.again", "desk.leave"]
    unknown = blocks_trouble.trouble(
        42, replace(FAILED, state=State.UNKNOWN, reason="unknown"), words()
    )
    assert "käme sie doppelt an" in json.dumps(unknown.blocks, ensure_ascii=False)
    bots = blocks_trouble.trouble(42, replace(FAILED, author=Author.BOT), words())
    assert pressable(bots) == ["desk.leave"]


def test_trouble_offers_a_template_where_one_could_go_out() -> None:
    shown = blocks_trouble.trouble(42, FAILED, words(), templates=True)
    assert pressable(shown) == ["desk.template", "desk.again", "desk.leave"]
    other = replace(FAILED, reason="whatsapp_blocked")
    shown = blocks_trouble.trouble(42, other, words(), templates=True)
    assert "desk.template" not in pressable(shown)
    bots = blocks_trouble.trouble(42, replace(FAILED, author=Author.BOT), words(), templates=True)
    assert pressable(bots) == ["desk.leave"]


def test_trouble_names_the_address_that_was_left_and_promises_no_mail() -> None:
    shown = blocks_trouble.trouble(42, FAILED, words(), contact="erika+shop@post.example")
    text = taken_by_slack(shown)
    assert "aus deinem eigenen Postfach, an die hinterlassene Adresse: erika+shop@post" in text
    assert "Von hier aus kann keine E-Mail gesendet werden" in text
    assert '"mailto:erika+shop@post.example"' in json.dumps(shown.blocks)
    assert pressable(shown) == ["desk.again", "desk.leave"]
    odd = blocks_trouble.trouble(42, FAILED, words(), contact="é&subject=x@post.example")
    assert '"mailto:%C3%A9%26subject%3Dx@post.example"' in json.dumps(odd.blocks)
    taken_by_slack(odd)


def test_the_digest_says_what_was_solved_not_understood_and_failed() -> None:
    text = taken_by_slack(blocks_ops.digest(DIGEST, words(), NOW))
    for fact in (
        "Der Tag in Zahlen: Donnerstag, 26. November",
        "Vom Bot gelöst: 95 (52 %): Sendungsverfolgung (58), Retourenlabel (21)",
        "Nicht verstanden: 9",
        "B-###### kam ohne Haken",
        "Möchte mit einem Menschen sprechen, zurück an den Bot: 7",
        "Zeit bis zur ersten Antwort eines Menschen (Median): 7 Min.",
        "WhatsApp: 2 · Nicht gesendet: Das Antwortfenster",
    ):
        assert fact in text
    empty = replace(DIGEST, turns=0, solved={}, cases={}, failed_sends={}, missed_examples=())
    assert "Vom Bot gelöst: 0" in taken_by_slack(blocks_ops.digest(empty, words("de"), NOW))
    hostile = replace(DIGEST, missed_examples=(NASTY * 9,) * 30, solved={NASTY * 9: 3})
    taken_by_slack(blocks_ops.digest(hostile, words("en"), NOW))


def test_what_operators_are_told() -> None:
    shown = blocks_ops.dead_letter(DEAD, words())
    text = taken_by_slack(shown)
    assert "Aufgegeben: eine Nachricht, die nicht hinausging" in text
    assert "Der Kanal hat eine halbe Stunde lang nichts angenommen" in text
    assert "Gespräch 17 · Versuche: 12 · 5f0c2a9e" in text
    assert pressable(shown) == ["ops.retry", "ops.details"]
    broken = blocks_ops.broken(NASTY, NASTY * 90, words())
    assert mentions(broken.text) == ()
    taken_by_slack(broken)


def views() -> list[dict[str, Any]]:
    found = []
    for case in (TAKEN, ENGLISH, HOSTILE):
        known = words("en" if case is ENGLISH else "de")
        times = {"hour": NOW, "hours": NOW, "workday": NOW, "week": NOW}
        macro = Macro(NASTY[:100], NASTY, NASTY * 100)
        action = OrderAction("change", NASTY, tuple(ActField(f"f{n}", NASTY, NASTY) for n in "abc"))
        pages = blocks_lines.page(case, [line(NASTY * 100)] * 20, known, NOW)
        found += [
            blocks_modals.take(case, known),
            blocks_modals.done(case, known),
            blocks_modals.snooze(case, known, times, NOW),
            blocks_modals.more(case, known, JANA),
            blocks_modals.more(case, known, "slack:U2"),
            blocks_modals.note(case, known),
            blocks_modals.assign(case, known),
            blocks_modals.macros(case, [], known),
            blocks_modals.macros(case, [macro], known),
            blocks_modals.macros(case, [macro], known, macro),
            blocks_modals.order_actions(case, [], known),
            blocks_modals.order_actions(case, [action] * 90, known),
            blocks_modals.order_form(42, action, known),
            blocks_modals.order_preview(
                42, "a", Preview(True, NASTY * 100, {"x": "y"}), known, "1"
            ),
            blocks_modals.order_preview(42, "a", Preview(False, ""), known, "1"),
            blocks_modals.order_running(known),
            blocks_modals.order_result(Acted(True, NASTY * 100), known),
            blocks_modals.order_result(Acted(False, "", NASTY), known),
            blocks_modals.history(42, pages, known, at=1, before=True, after=True),
            blocks_ops.details({"id": "x", "kind": "turn", "text": NASTY * 900}, known),
        ]
        if case is not HOSTILE:  # it has no language
            found += [blocks_modals.hand_back(case, known), blocks_modals.language(case, known)]
    return found


@pytest.mark.parametrize("view", views(), ids=lambda view: view["title"]["text"])
def test_slack_takes_every_modal(view: dict[str, Any]) -> None:
    assert view_problems(view) == []
    assert '"mrkdwn"' not in json.dumps(view)


def test_an_outcome_is_read_in_the_customers_language() -> None:
    view = blocks_modals.hand_back(ENGLISH, words("de"))
    assert "The question has been answered." in json.dumps(view)
    picked = {"pick": {"pick": {"selected_option": {"value": "address"}}}}
    submitted = {**view, "state": {"values": picked}}
    assert blocks_modals.outcome_of(submitted, words("de")) == (
        "The delivery address has been changed."
    )
    own = {**picked, "own": {"own": {"value": " Alles gut. "}}}
    assert blocks_modals.outcome_of({**view, "state": {"values": own}}, words()) == "Alles gut."


def test_choices_are_not_cut() -> None:
    for language in ("de", "en"):
        for name in blocks_modals.OUTCOMES:
            assert len(words().said(f"said_{name}", language)) <= kit.OPTION
        for view in views():
            assert not view["title"]["text"].endswith("…")


def test_the_worst_of_the_pieces_is_shown() -> None:
    assert marks.whole([State.READ, State.SENT]) is State.SENT
    assert marks.whole([State.READ, State.FAILED, State.QUEUED]) is State.FAILED
    assert marks.whole([State.SENT, State.UNKNOWN]) is State.UNKNOWN
    assert marks.whole([State.CANCELLED, State.DELIVERED]) is State.DELIVERED
    assert marks.whole([]) is None


def test_every_state_has_a_reaction_of_its_own_that_is_no_notes() -> None:
    assert set(marks.EMOJI) == set(State)
    assert marks.INTERNAL not in marks.EMOJI.values()
    told = {state: marks.EMOJI[state] for state in State if state is not State.SENDING}
    assert len(set(told.values())) == len(told)


def test_trouble_takes_any_address() -> None:
    """What is too long to be one is shown in part, and is no link."""
    shown = blocks_trouble.trouble(42, FAILED, words(), contact=NASTY * 90)
    taken_by_slack(shown)
    assert "mailto:" not in json.dumps(shown.blocks)


def test_the_tools_of_a_colleagues_case_are_those_that_can_be_used() -> None:
    shown = said(blocks_modals.more(TAKEN, words(), "slack:U2")["blocks"])
    for name in ("Zuweisen", "Sprache", "Freigeben", "Textbausteine"):
        assert name not in shown
    assert "Übernehmen" in shown
    assert "Zuweisen" in said(blocks_modals.more(WAITING, words(), "slack:U2")["blocks"])


def test_on_a_sunday_the_next_week_is_the_next_working_day() -> None:
    sunday = datetime(2026, 11, 29, 12, tzinfo=UTC)
    times = snooze_times(sunday, ZoneInfo("Europe/Berlin"), WORKDAYS.next_open)
    shown = said(blocks_modals.snooze(TAKEN, words(), times, sunday)["blocks"])
    assert "Nächster Arbeitstag (Mo. 30. Nov. 08:00)" in shown
    assert "Nächste Woche" not in shown


# --- a mail


def told_by(case: Case) -> str:
    return json.dumps(blocks.card(case, words(), NOW).blocks, ensure_ascii=False)


def test_the_card_of_a_mail_says_what_it_is_about_and_that_nobody_vouches_for_its_sender() -> None:
    """It looked like a message from a number that Twilio vouches for."""
    shown = blocks.card(MAILED, words(), NOW)
    assert not block_problems(shown.blocks)
    said = told_by(MAILED)
    assert "Betreff" in said
    assert "Mein Vorhang ist noch nicht da" in said
    assert "⚠️ Absender nicht geprüft" in said
    assert "erika@example.org" in said
    assert "nach Bestellnummer und Postleitzahl fragen" in said


def test_the_card_of_a_mail_says_that_its_sender_is_proven() -> None:
    assert MAILED.sender is not None
    said = told_by(replace(MAILED, sender=replace(MAILED.sender, proven=True)))
    assert "✅ Absender geprüft" in said
    assert "nicht geprüft" not in said


def test_the_card_of_a_mail_says_nothing_of_a_sender_who_has_not_written() -> None:
    assert MAILED.sender is not None
    said = told_by(replace(MAILED, sender=replace(MAILED.sender, proven=None)))
    assert "geprüft" not in said
