"""What of a mail is asked, and what an agent only sees on a click."""

from __future__ import annotations

import pytest

from bot.messages import Inbound
from plugins.mail.parsing.parse import parse
from plugins.mail.receiving import wire
from plugins.mail.threads import Place
from tests.plugins.mail.inbox import raw_mail

NEW, KNOWN = Place("a", True), Place("a", False, repeats=True)
OURS = "Kann ich sonst etwas für Sie tun? Soll ich die Bestellung stornieren?"


def inbound(raw: bytes, spot: Place = NEW) -> Inbound:
    return wire.inbound(
        parse(raw),
        spot,
        file=None,
        wire_id="1",
        whole=True,
        email=None,
        automatic=None,
        person=None,
    )


def test_the_senders_own_address_below_the_closing_is_not_asked() -> None:
    """The street of a signature was taken for the new address, and changed after a yes."""
    closing = "Mit freundlichen Grüßen\nJörg Müller\nHauptstraße 5\n20095 Hamburg"
    made = inbound(raw_mail(f"Bitte die Lieferadresse ändern.\n\n{closing}", subject="Adresse"))
    assert made.text == "Bitte die Lieferadresse ändern."
    assert made.folded == closing


def test_a_number_with_a_closing_is_a_number() -> None:
    text = f"1\n\nViele Grüße\nJörg\n\nAm 27.11.2026 um 10:00 schrieb Shop <s@shop.test>:\n> {OURS}"
    made = inbound(raw_mail(text), KNOWN)
    assert made.text == "1"
    assert made.folded.startswith("Viele Grüße\nJörg\n\nAm 27.11.")


@pytest.mark.parametrize("spot", [NEW, KNOWN])
@pytest.mark.parametrize("before", ["", "Von meinem iPhone gesendet\n\n"])
def test_an_answer_without_a_word_does_not_say_what_it_quotes(spot: Place, before: str) -> None:
    """Outlook writes an answer as it writes what it forwards: our own words were understood."""
    head = "Von: Shop <s@shop.test>\nGesendet: Freitag, 27. November 2026 10:00\nAn: a@b.test"
    text = f"{before}________________________________\n{head}\nBetreff: Re: Frage\n\n{OURS}"
    made = inbound(raw_mail(text, subject="AW: Frage", In_Reply_To="<1@shop.test>"), spot)
    assert made.text == ("Frage" if spot.new else "")
    assert OURS in made.folded


def test_what_somebody_forwards_is_asked() -> None:
    text = "---------- Weitergeleitete Nachricht ----------\nVon: a@b.test\n\nWo ist mein Paket?"
    made = inbound(raw_mail(text, subject="WG: Frage", In_Reply_To="<1@else.test>"))
    assert "Wo ist mein Paket?" in made.text


@pytest.mark.parametrize("subject", ["", "(no subject)", "(kein Betreff)", "Re: "])
def test_what_a_program_writes_for_no_subject_is_not_asked(subject: str) -> None:
    assert inbound(raw_mail("Hallo", subject=subject)).text == "Hallo"
    assert inbound(raw_mail("", subject=subject)).text == ""


def test_a_question_in_the_subject_alone_is_asked() -> None:
    assert inbound(raw_mail("", subject="Wo ist B-100237?")).text == "Wo ist B-100237?"
