"""Who wrote a mail: a machine is never answered, a customer always is."""

from __future__ import annotations

import pytest

from plugins.mail.model import OWN_HEADER
from plugins.mail.parsing.kinds import automatic
from plugins.mail.parsing.parse import parse

CUSTOMER = (
    "Return-Path: <erika@example.org>\nFrom: Erika <erika@example.org>\nTo: shop@example.com\n"
)


def _mail(
    head: str = "", text: str = "Wo ist mein Paket?", subject: str = "Bestellung"
) -> str | None:
    raw = f"{CUSTOMER}{head}Subject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
    return automatic(parse(raw.encode()))


@pytest.mark.parametrize(
    ("head", "code"),
    [
        ("Auto-Submitted: auto-replied\n", "auto_reply"),
        ('Auto-Submitted: auto-replied; owner-email="a@example.org"\n', "auto_reply"),
        ("Auto-Submitted: auto-generated (failure)\n", "auto_generated"),
        ("Auto-Submitted: auto-notified; x=y\n", "auto_reply"),
        ("X-Auto-Response-Suppress: All\n", "bulk"),
        ("X-Auto-Response-Suppress: DR, RN, NRN, OOF, AutoReply\n", "bulk"),
        ("X-Autoreply: yes\n", "auto_reply"),
        ("X-Autorespond: Urlaub\n", "auto_reply"),
        ("X-MS-Exchange-Inbox-Rules-Loop: a@example.org\n", "forwarded"),
        ("X-Loop: tickets@example.org\n", "bulk"),
        ("Precedence: bulk\n", "bulk"),
        ("Precedence: auto_reply\n", "auto_reply"),
        ("Precedence: list\n", "list"),
        ("List-Id: Angebote <angebote.example.org>\n", "list"),
        ("List-Unsubscribe: <mailto:weg@example.org>\n", "list"),
        ("X-Failed-Recipients: a@example.org\n", "report"),
        (f"{OWN_HEADER}: 1\n", "own"),
        ("Content-Type: multipart/report; report-type=feedback-report; boundary=b\n", "feedback"),
    ],
)
def test_headers_of_machines(head: str, code: str) -> None:
    assert _mail(head) == code


@pytest.mark.parametrize(
    "head", ["Precedence: bulk\n", "X-Auto-Response-Suppress: All\n", "List-Id: <a.example.org>\n"]
)
def test_what_says_that_it_is_automatic_is_no_persons_whatever_else_it_asks(head: str) -> None:
    """As bulk, each notice of an absence in a thread would call a person."""
    assert _mail(head, subject="Automatische Antwort: Bestellung") == "auto_reply"


def test_what_a_rule_of_the_shops_own_sends_on_is_the_customers() -> None:
    """Exchange marks mails that a rule sends from an old mailbox to the bot's like its answers."""
    raw = f"{CUSTOMER}X-MS-Exchange-Inbox-Rules-Loop: Info@Example.com\nSubject: Hallo\n\nText\n"
    assert automatic(parse(raw.encode()), own=["info@example.com"]) is None
    assert automatic(parse(raw.encode()), own=["other@example.com"]) == "forwarded"


@pytest.mark.parametrize(
    "head",
    [
        "Auto-Submitted: no\n",
        "X-Auto-Response-Suppress: DR\n",
        "Precedence: normal\n",
        "X-Autoreply: no\n",
        "Importance: high\nX-Mailer: Apple Mail\n",
    ],
)
def test_headers_of_people(head: str) -> None:
    assert _mail(head) is None


@pytest.mark.parametrize(
    ("sender", "code"),
    [
        ("Return-Path: <>\nFrom: Erika <erika@example.org>", "no_sender"),
        ("From: MAILER-DAEMON (Mail Delivery System)", "daemon"),
        ("From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>", "daemon"),
        ("From: postmaster@example.org", "daemon"),
        ("From: Shop <no-reply@example.net>", "no_reply"),
        ("From: nicht-antworten@example.net", "no_reply"),
    ],
)
def test_senders_that_are_no_people(sender: str, code: str) -> None:
    raw = f"{sender}\nSubject: Hallo\n\nText\n"
    assert automatic(parse(raw.encode())) == code


def test_a_contact_form_names_whom_to_answer() -> None:
    raw = (
        b"From: noreply@shop.example\nReply-To: erika@example.org\nSubject: Kontakt\n\nWo ist es?\n"
    )
    assert automatic(parse(raw)) is None


def test_a_list_that_is_the_shops_own_address() -> None:
    raw = (
        f"{CUSTOMER}List-Id: <hilfe.shop.example>\nPrecedence: list\nSubject: x\n\nHallo\n".encode()
    )
    assert automatic(parse(raw)) == "list"
    assert automatic(parse(raw), lists=["hilfe.shop.example"]) is None


@pytest.mark.parametrize(
    "subject",
    [
        "Automatische Antwort: Ihre Bestellung",
        "Automatic reply: Ihre Bestellung",
        "Abwesenheitsnotiz: Re: Ihre Bestellung",
        "Abwesenheitsnotiz",
        "AW: Abwesenheitsnachricht",
        "Out of Office: Re: Ihre Bestellung",
        "Out of Office AutoReply: x",
        "Auto-Reply: x",
        "Autoreply: x",
        "[Auto-Reply] x",
        "Automatische Rückmeldung",
        "Urlaubsnotiz",
        "Réponse automatique : x",
        "Risposta automatica: x",
        "Automatisch antwoord: x",
        "=?utf-8?Q?Automatische_Eingangsbest=C3=A4tigung?=",
    ],
)
def test_subjects_of_machines(subject: str) -> None:
    assert _mail(subject=subject, text="Bin ab Montag wieder da.") == "auto_reply"


AWAY = """Guten Tag,

ich bin bis einschließlich 4. Dezember nicht im Büro und habe nur eingeschränkten Zugriff auf meine
Mails. Ihre Nachricht wird nicht weitergeleitet. In dringenden Fällen wenden Sie sich bitte an meine
Vertretung."""
AWAY_EN = """Hello,

I am out of the office until Monday and will reply as soon as I return. For urgent matters please
write to my colleague."""


@pytest.mark.parametrize("text", [AWAY, AWAY_EN])
@pytest.mark.parametrize("subject", ["Re: Ihre Bestellung 10042", "Abwesend", "Out of office"])
def test_texts_of_machines_without_any_header(text: str, subject: str) -> None:
    assert _mail("In-Reply-To: <1@shop.example>\n", text, subject) == "auto_reply"


@pytest.mark.parametrize(
    "text",
    [
        "Dies ist eine automatisch generierte Antwort. Wir haben Ihre Mail erhalten.",
        "This is an automated response. We have received your message.",
        "Diese E-Mail wurde automatisch erstellt.",
    ],
)
def test_texts_that_say_so_themselves(text: str) -> None:
    assert _mail(text=text) == "auto_reply"


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Lieferung", "Ich bin außer Haus, wenn das Paket kommt. Kann es zum Nachbarn?"),
        (
            "Außer Haus",
            "Ich bin am Freitag außer Haus. Bitte am Samstag liefern, da bin ich wieder da!",
        ),
        ("Urlaub", "Wir sind ab Montag im Urlaub, bitte die Lieferung verschieben."),
        (
            "Re: Lieferung",
            "Bin ab Montag im Urlaub. Wann kommt die Antwort, wenn ich wieder da bin?",
        ),
        ("Automatik-Uhr kaputt", "Die Uhr bleibt stehen."),
        ("Automatische Abbuchung?", "Warum wurde zweimal abgebucht?"),
        ("Out of stock", "When will the shirt be back?"),
        ("Gelesen, aber nicht verstanden: Ihre Mail", "Was heißt das?"),
        (
            "Re: Ihre Bestellung",
            "Danke!\n\nAm 27.11.2026 schrieb Shop:\n> Dies ist eine automatische Antwort.\n",
        ),
        ("Lesebrille", "Die Lesebrille ist zerkratzt."),
    ],
)
def test_customers_who_write_of_such_things(subject: str, text: str) -> None:
    """Each of these was once a wrong guess of some rule: a customer would never be answered."""
    assert _mail("In-Reply-To: <1@shop.example>\n", text, subject) is None


def test_a_receipt_is_no_answer() -> None:
    raw = (
        f"{CUSTOMER}Subject: Gelesen: Ihre Bestellung\n"
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n"
        "--b\n\n"
        "Ihre Nachricht wurde gelesen.\n--b\nContent-Type: message/disposition-notification\n\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\n--b--\n"
    )
    assert automatic(parse(raw.encode())) == "receipt"
    text = "Ihre Nachricht\n\n   An: shop\n\nwurde am 27.11.2026 10:00 gelesen."
    assert _mail(subject="Gelesen: Ihre Bestellung", text=text) == "receipt"
