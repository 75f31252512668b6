"""What a customer wrote is told from what they quote, and nothing of either is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plugins.mail.quoting.quotes import LINES, fold
from tests.plugins.mail.cpu import seconds

PAIRS = sorted((Path(__file__).parent / "replies").glob("*.txt"))


@pytest.mark.parametrize("pair", PAIRS, ids=lambda path: path.stem)
def test_a_reply_is_found_in_what_a_program_sends(pair: Path) -> None:
    mail, reply = pair.read_text("utf-8").split("\n=== reply ===\n")
    folded = fold(mail)
    assert folded.reply == reply.strip()
    assert folded.inline == ("\n>" in f"\n{folded.reply}" and "forward" not in pair.stem)
    keeps_everything(mail)


def test_there_are_enough_pairs() -> None:
    assert len(PAIRS) >= 40


def keeps_everything(text: str) -> None:
    folded = fold(text)
    found = [*folded.reply.splitlines(), *folded.quoted.splitlines()]
    given = [line.strip() for line in text.splitlines() if line.strip()]
    assert sorted(given) == sorted(line.strip() for line in found if line.strip())


ATTRIBUTIONS = [
    "Le lun. 3 nov. 2025 à 10:12, X Y <x@y.example> a écrit :",
    "El lun, 3 nov 2025 a las 10:12, X Y (<x@y.example>) escribió:",
    "Il giorno lun 3 nov 2025 alle ore 10:12 X Y <x@y.example> ha scritto:",
    "Em seg., 3 de nov. de 2025 às 10:12, X Y <x@y.example> escreveu:",
    "Op ma 3 nov. 2025 om 10:12 schreef X Y <x@y.example>:",
    "Op 3 nov. 2025 om 10:12 heeft X Y <x@y.example> het volgende geschreven:",
    "Den man. 3. nov. 2025 kl. 10.12 skrev X Y <x@y.example>:",
    "Den mån 3 nov. 2025 kl 10:12 skrev X Y <x@y.example>:",
    "man. 3. nov. 2025 kl. 10:12 skrev X Y <x@y.example>:",
    "ma 3. marrask. 2025 klo 10.12 X Y (x@y.example) kirjoitti:",
    "pon., 3 lis 2025 o 10:12 X Y <x@y.example> napisał(a):",
    "W dniu 2025-11-03 o 10:12, X Y pisze:",
    "po 3. 11. 2025 v 10:12 odesílatel X Y <x@y.example> napsal:",
    "În lun., 3 nov. 2025 la 10:12, X Y <x@y.example> a scris:",
    "X Y <x@y.example>, 3 Kas 2025 Pzt, 10:12 tarihinde şunu yazdı:",
    "X Y <x@y.example> ezt írta (időpont: 2025. nov. 3., H, 10:12):",
    "пн, 3 нояб. 2025 г. в 10:12, X Y <x@y.example>:",
    "3 листопада 2025 р. 10:12 X Y <x@y.example> пише:",
    "2025年11月3日(月) 10:12 X Y <x@y.example>:",
    "X Y <x@y.example> 于2025年11月3日周一 上午10:12写道：",
    "2025년 11월 3일 (월) 오전 10:12, X Y <x@y.example>님이 작성:",
    "2025-11-03 10:12 GMT+01:00 X Y <x@y.example>:",
    "On Mon, 3 Nov 2025 10:12:33 +0100\nX Y <x@y.example> wrote:",
    "De : X Y <x@y.example>\nEnvoyé : lundi 3 novembre 2025 10:12\nÀ : Anna\nObjet : commande",
    "Från: X Y\nSkickat: den 3 november 2025 10:12\nTill: Anna\nÄmne: order",
    "Od: X Y\nWysłano: poniedziałek, 3 listopada 2025 10:12\nDo: Anna\nTemat: zamówienie",
    "-------- Message d'origine --------",
    "---- Originele bericht ----",
    "------------------ 原始邮件 ------------------",
]


@pytest.mark.parametrize("below", ["\n> Guten Tag\n> es ist da", "\n\nGuten Tag\nes ist da"])
@pytest.mark.parametrize("above", ["Danke 1a Service!\n", "Danke 1a Service!\n\n"])
@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_other_languages_are_known_too(attribution: str, above: str, below: str) -> None:
    folded = fold(f"{above}{attribution}{below}")
    assert folded.reply == "Danke 1a Service!"
    assert folded.quoted.startswith(attribution)


@pytest.mark.parametrize(
    "text",
    [
        "Von: Köln\nNach: Berlin\n\nGeht das?",
        "Name: Anna Seidel\nDatum: 03.11.2025\nE-Mail: anna@example.org\n\nBitte stornieren.",
        "Gesendet von meinem Nachbarn wurde das Paket nicht.",
        "Gesendet wurde es am 3.11.2025 von DHL.",
        "Sent it back yesterday by DHL mail. When do I get my money?",
        "Hallo,\nich schrieb am 03.11.2025 um 10:12 Uhr:\n\nWo ist mein Paket?\n\nKeine Antwort!",
        "Ich habe am 03.11.2025 um 10:12 an service@kranich.example geschrieben:\n\nWo ist es?",
        "Hi,\n\nOn Nov 3, 2025 at 10:12 AM your driver wrote:\nleft at door\n\nIt is not there.",
        "Am 3. November 2025 schrieb der Bote auf den Zettel:\nbeim Nachbarn\n\nDa ist es nicht.",
        "Meine neue Adresse lautet:\n-----\nLindenweg 4\n50674 Köln",
        "*** WICHTIG ***\nBitte sofort stornieren!",
        "=== Reklamation ===\nDie Lampe ist kaputt.\n=== Wunsch ===\nErsatz",
        "| Artikel | Preis |\n| Lampe | 40 |\n| Jacke | 90 |",
        "DHL-Status vom 03.11.2025 10:12:\nZustellung nicht möglich\n\nBitte helfen.",
        "Diese E-Mail ist vertraulich zu behandeln. Ich will von B-100234 zurücktreten.",
        "👍",
        "???",
        "> 50 Euro kostet das?",
    ],
)
def test_what_a_customer_says_themselves_is_not_folded(text: str) -> None:
    """Each of these looks a little like what a mail program adds."""
    assert fold(text).reply == text
    assert fold(text).quoted == ""


def test_a_quote_without_a_name_is_answered_below_and_stays() -> None:
    folded = fold("> Welche Postleitzahl?\n\n50674")
    assert folded.reply == "> Welche Postleitzahl?\n\n50674"
    assert folded.inline


def test_text_below_an_attribution_without_marks_is_the_senders_where_there_is_no_other() -> None:
    assert fold("Am 03.11.2025 um 10:12 schrieb X <x@y.example>:\n\n50674").reply == "50674"


LONG = [
    "a", "> ", "-", "- ", "Von: x\n", "wrote: ", "wrote:\n", " ", "<", "a@b ", "\n", "--\n", "|\n",
    "---\nx\n", "Am 3. Nov schrieb\n", "On Mon 3 Nov 2025 10:12\n", "Mit freundlichen Grüßen\nx\n",
    "Von: a Gesendet: b Betreff: ", "sent from my iphone\n", "\u200b",
    "From: a\nSent: b\nTo: c\n\nd\n", "-----Original Message-----\n",
    "> On 1 Nov 2025 10:10 X wrote:\n",
    "confidential this message ",
]  # fmt: skip


@pytest.mark.parametrize("piece", LONG, ids=repr)
def test_the_time_grows_with_the_text_and_no_faster(piece: str) -> None:
    """A megabyte of anything may come: four times as much must not take 16 times as long."""
    fold(piece)
    small = _seconds(piece * (20_000 // len(piece)), 1)
    limit = 10 * max(small, 0.02)
    assert _seconds(piece * (80_000 // len(piece)), limit) < limit
    assert _seconds((piece * (1_000_000 // len(piece))).replace("\n", " "), 2) < 2


@pytest.mark.parametrize("piece", ["x\n", "\n", "wrote:\n", "|\n", "---\nx\n", "> x\n"], ids=repr)
def test_a_flood_of_lines_is_not_looked_at_one_by_one(piece: str) -> None:
    """Five megabytes of short lines took 20 seconds of a processor."""
    assert _seconds(piece * (5_000_000 // len(piece)), 3) < 3


@pytest.mark.parametrize("lines", [LINES - 10, LINES + 10, 5 * LINES])
def test_a_reply_above_or_below_a_very_long_quote_is_found(lines: int) -> None:
    quote = "On 3 Nov 2025 10:12, X <x@y.example> wrote:\n" + "> line\n" * lines
    for mail in (f"It is there.\n\n{quote}", f"{quote}\nIt is there.\n"):
        assert fold(mail).reply == "It is there."
        keeps_everything(mail)


def _seconds(text: str, limit: float) -> float:
    return seconds(lambda: fold(text), limit)


PIECES = st.sampled_from(
    [*LONG, *ATTRIBUTIONS, "Hallo", "> zitiert", ">> tiefer", "", "Viele Grüße", "GmbH Tel. 0221",
     "Von meinem iPhone gesendet", "Anfang der weitergeleiteten Nachricht:", "____", "-- ",
     "Diese E-Mail ist vertraulich", "\x1c", "\r", "\x85", "\u2028", "C> x", "\ud800"]
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(st.lists(st.one_of(PIECES, st.text(max_size=80)), max_size=25))
@example(["\x0b", ">", "Anfang der weitergeleiteten Nachricht:"])
def test_every_line_is_in_one_of_the_two(pieces: list[str]) -> None:
    keeps_everything("\n".join(pieces))
