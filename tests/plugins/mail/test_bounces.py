"""Which message of ours did not arrive, out of what mail systems say about it."""

from __future__ import annotations

import pytest

from plugins.mail.parsing.bounces import bounce
from plugins.mail.parsing.kinds import automatic
from plugins.mail.parsing.parse import parse

ORIGINAL = """From: Shop <shop@example.com>
To: Erika <erika@example.org>
Subject: Ihre Bestellung
Message-ID: <out-1@example.com>
"""
DAEMON = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nTo: shop@example.com\n"


def _report(*recipients: str, returned: str = "message/rfc822") -> bytes:
    groups = "\n".join(recipients)
    return (
        f"{DAEMON}Subject: Undelivered Mail Returned to Sender\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        "--b\n\nI'm sorry to have to inform you that your message could not be delivered.\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\n"
        f"{groups}\n--b\nContent-Type: {returned}\n\n{ORIGINAL}\nHallo\n--b--\n"
    ).encode()


def _group(action: str, status: str, who: str = "erika@example.org", said: str = "") -> str:
    return (
        f"Final-Recipient: rfc822; {who}\nAction: {action}\nStatus: {status}\n"
        f"Diagnostic-Code: smtp; {said or status}\n"
    )


@pytest.mark.parametrize("returned", ["message/rfc822", "text/rfc822-headers"])
def test_a_report_by_the_book(returned: str) -> None:
    mail = parse(_report(_group("failed", "5.1.1"), returned=returned))
    found = bounce(mail)
    assert found is not None
    assert found.message_ids[0] == "out-1@example.com"
    assert (found.recipient, found.status, found.final) == ("erika@example.org", "5.1.1", True)
    assert found.reason == "mailbox_unknown"
    assert automatic(mail) is not None


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_what_arrived_is_no_bounce(action: str) -> None:
    assert bounce(parse(_report(_group(action, "2.0.0")))) is None


def test_what_is_late_is_not_final() -> None:
    found = bounce(parse(_report(_group("delayed", "4.4.1"))))
    assert found is not None
    assert not found.final
    assert found.reason == "unreachable"


def test_of_several_recipients_the_one_that_failed_counts() -> None:
    groups = (
        _group("relayed", "2.0.0", "a@example.org"),
        _group("delayed", "4.2.2", "b@example.org"),
        _group("failed", "5.2.2", "c@example.org"),
    )
    found = bounce(parse(_report(*groups)))
    assert found is not None
    assert (found.recipient, found.status, found.reason) == (
        "c@example.org",
        "5.2.2",
        "mailbox_full",
    )


def test_a_status_that_says_nothing_gives_way_to_the_servers() -> None:
    found = bounce(parse(_report(_group("failed", "5.0.0", said="550 5.7.26 DMARC policy"))))
    assert found is not None
    assert (found.status, found.reason) == ("5.7.26", "refused")


EXIM = """This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  erika@example.org
    host mx.example.org [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<erika@example.org>:
    550 No such user here

------ This is a copy of your message, including all the headers. ------

Return-path: <shop@example.com>
Message-ID: <out-1@example.com>
"""
QMAIL = """Hi. This is the qmail-send program at mx.example.net.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<erika@example.org>:
192.0.2.1 does not like recipient.
Remote host said: 550 5.1.1 mailbox unavailable
Giving up on 192.0.2.1.

--- Below this line is a copy of the message.

Return-Path: <shop@example.com>
Message-ID: <out-1@example.com>
"""
EXCHANGE = """Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Gruppen:

erika@example.org
Die eingegebene E-Mail-Adresse wurde nicht gefunden. Bitte überprüfen Sie die E-Mail-Adresse.

Diagnoseinformationen für Administratoren:
Generierender Server: mail.example.org
erika@example.org
#550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found ##

Ursprüngliche Nachrichtenkopfzeilen:
Received: from mx.example.com by mail.example.org
Message-ID: <out-1@example.com>
"""
EXCHANGE_EN = EXCHANGE.replace(
    "Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Gruppen:",
    "Delivery has failed to these recipients or groups:",
)
GMAIL = """** Address not found **

Your message wasn't delivered to erika@example.org because the address couldn't be found,
or is unable to receive mail.

The response from the remote server was:
550 5.1.1 The email account that you tried to reach does not exist.
"""
GMX = """Diese Nachricht wurde automatisch von einer Mail-Delivery-Software erstellt.

Eine E-Mail, die Sie versendet haben, konnte an folgende Empfänger nicht zugestellt werden.
Es handelt sich hierbei um einen permanenten Fehler. Die folgende(n) Adresse(n) schlugen fehl:

erika@example.org:
SMTP error from remote server for RCPT TO command, host: mx.example.org (192.0.2.1)
reason: 550 5.1.1 <erika@example.org>: Recipient address rejected: User unknown

--- The header of the original message is following. ---

Received: from shop.example.com
Message-ID: <out-1@example.com>
"""
POSTFIX = """This is the mail system at host mx.example.net.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients.

<erika@example.org>: host mx.example.org[192.0.2.1] said: 550 5.1.1
    <erika@example.org>: Recipient address rejected: User unknown (in reply to RCPT TO command)
"""
LOTUS = """Your message

  Subject: Ihre Bestellung

was not delivered to:

  erika@example.org

because:

  User unknown (erika) not listed in Domino Directory
"""


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Mail delivery failed: returning message to sender", EXIM),
        ("failure notice", QMAIL),
        ("Unzustellbar: Ihre Bestellung", EXCHANGE),
        ("Undeliverable: Ihre Bestellung", EXCHANGE_EN),
        ("Delivery Status Notification (Failure)", GMAIL),
        ("Mail delivery failed: returning message to sender", GMX),
        ("Undelivered Mail Returned to Sender", POSTFIX),
        ("DELIVERY FAILURE: User erika not listed in Domino Directory", LOTUS),
    ],
)
def test_reports_in_words(subject: str, text: str) -> None:
    raw = f"{DAEMON}In-Reply-To: <out-1@example.com>\nSubject: {subject}\n\n{text}".encode()
    found = bounce(parse(raw))
    assert found is not None
    assert found.message_ids[0] == "out-1@example.com"
    assert found.recipient == "erika@example.org"
    assert found.final
    assert found.reason == "mailbox_unknown"


def test_the_message_id_is_read_out_of_a_copy_below_the_report() -> None:
    raw = f"{DAEMON}Subject: failure notice\n\n{QMAIL}".encode()
    found = bounce(parse(raw))
    assert found is not None
    assert found.message_ids == ("out-1@example.com",)


def test_a_warning_in_words_is_not_final() -> None:
    text = (
        "This message was created automatically by mail delivery software.\nA message of yours "
        "has not yet been delivered to one or more of its recipients after more than 24 hours.\n"
        "The address to which the message has not yet been delivered is:\n\n  erika@example.org\n\n"
        "No action is required on your part. Delivery attempts will continue for some time.\n"
    )
    raw = f"{DAEMON}Subject: Warning: message 1abc delayed 24 hours\n\n{text}".encode()
    found = bounce(parse(raw))
    assert found is not None
    assert not found.final


CUSTOMER = "Return-Path: <erika@example.org>\nFrom: Erika <erika@example.org>\nSubject: {}\n"


@pytest.mark.parametrize("text", [EXIM, QMAIL, EXCHANGE, GMAIL, GMX, POSTFIX, LOTUS])
def test_a_customer_who_quotes_a_report_is_a_customer(text: str) -> None:
    quoted = "Was heißt das?\n\n> " + text.replace("\n", "\n> ")
    mail = parse((CUSTOMER.format("Re: Unzustellbar: Bestellung") + "\n" + quoted).encode())
    assert bounce(mail) is None
    assert automatic(mail) is None


def test_a_customer_who_forwards_a_report_as_a_file_is_a_customer() -> None:
    raw = (
        CUSTOMER.format("Bekomme Ihre Mails nicht").encode()
        + b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\nSiehe Anlage\n--x\n"
        + b"Content-Type: message/rfc822\n\n"
        + _report(_group("failed", "5.1.1"))
        + b"\n--x--\n"
    )
    mail = parse(raw)
    assert bounce(mail) is None
    assert automatic(mail) is None
    assert mail.text == "Siehe Anlage"


def test_an_absence_without_a_return_path_is_no_bounce() -> None:
    raw = f"{DAEMON}Subject: Abwesenheitsnotiz\n\nIch bin bis Montag nicht im Haus.\n".encode()
    assert bounce(parse(raw)) is None
