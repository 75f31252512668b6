"""The servers that other tests count on."""

from __future__ import annotations

import asyncio
import imaplib
import smtplib
from email.message import EmailMessage

import pytest

from plugins.mail.testing_servers import PASSWORD, MailServers, Trouble, mail_servers
from plugins.mail.testing_sound import defects


def mail(sender: str, to: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, "Wo ist mein Paket?"
    message.set_content("Grüße, Anna")
    return message


def hand_in(servers: MailServers, sender: str, to: str, raw: bytes | None = None) -> None:
    with smtplib.SMTP_SSL("localhost", servers.smtps, context=servers.trust()) as client:
        client.login(sender, PASSWORD)
        client.sendmail(sender, [to], raw or mail(sender, to).as_bytes())


async def arrived(servers: MailServers, address: str) -> list[bytes]:
    for _ in range(200):
        if found := servers.mails(address):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"nothing came to {address}")


async def test_a_mail_goes_through_smtp_into_the_mailbox_that_imap_serves(
    servers: MailServers,
) -> None:
    hand_in(servers, "anna@example.net", "road@shop.test")
    (raw,) = await arrived(servers, "road@shop.test")
    assert b"dmarc=pass header.from=example.net" in raw
    with imaplib.IMAP4_SSL("localhost", servers.imaps, ssl_context=servers.trust()) as client:
        client.login("road@shop.test", PASSWORD)
        assert client.select() == ("OK", [b"1"])


async def test_a_sender_that_logs_in_as_somebody_else_does_not_pass(servers: MailServers) -> None:
    raw = mail("anna@example.net", "forged@shop.test").as_bytes()
    hand_in(servers, "eve@evil.test", "forged@shop.test", raw)
    (arrived_raw,) = await arrived(servers, "forged@shop.test")
    assert b"dmarc=fail header.from=example.net" in arrived_raw


async def test_what_cannot_be_delivered_comes_back_with_a_report(servers: MailServers) -> None:
    hand_in(servers, "back@shop.test", f"{Trouble.BOUNCES}1@example.net")
    (report,) = await arrived(servers, "back@shop.test")
    assert b"message/delivery-status" in report


@pytest.mark.parametrize(
    ("trouble", "code"), [(Trouble.UNKNOWN, 550), (Trouble.FULL, 552), (Trouble.LATER, 451)]
)
def test_troubles_are_refused_as_they_say(
    servers: MailServers, trouble: Trouble, code: int
) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        hand_in(servers, "anna@example.net", f"{trouble}x@shop.test")
    ((said, _),) = refused.value.recipients.values()
    assert said == code


def test_a_mail_whose_headers_are_broken_is_refused(servers: MailServers) -> None:
    servers.provoked.add("header is: a b c <")
    raw = b"From: a b c <\r\nTo: x@shop.test\r\n\r\nx"
    with pytest.raises(smtplib.SMTPDataError):
        hand_in(servers, "anna@example.net", "x@shop.test", raw)
    assert any("malformed" in line for line in servers.complaints())


OURS = b"From: shop@shop.test\nTo: x@kunde.test\nMessage-ID: <1@shop.test>\n"


@pytest.mark.parametrize(
    "raw",
    [
        OURS + b"Subject: a\nSubject: b\n\nx",
        OURS + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx",
        OURS + b"Content-Transfer-Encoding: base64\nContent-Type: image/png\n\nA*A",
        OURS + b"Content-Type: text/plain; charset=utf-8\n\n\xff",
        OURS.replace(b"To: x", b"To: x y <"),
    ],
)
def test_what_a_strict_reader_does_not_like_is_found(raw: bytes) -> None:
    assert defects(raw)


def test_what_a_strict_reader_likes_is_sound() -> None:
    assert defects(OURS + b"Subject: =?utf-8?b?w7w=?=\n\nx") == []
    assert defects("From: jörg@shop.test\nSubject: ü\n\nx".encode()) == []


async def test_what_bots_hand_in_is_kept_to_be_judged(servers: MailServers) -> None:
    """Whatever becomes of the mailbox."""
    sent = mail("shop@shop.test", "judged@kunde.test")
    sent["X-Schalter-Message"] = "kept-to-be-judged"
    hand_in(servers, "shop@shop.test", "judged@kunde.test", sent.as_bytes())
    await arrived(servers, "judged@kunde.test")
    assert [raw for raw in servers.sent_by_bots() if b"kept-to-be-judged" in raw]


@pytest.mark.usefixtures("servers")
def test_a_mailbox_outlives_a_restart_of_its_server() -> None:
    with mail_servers() as own:
        own.put("stays@shop.test", b"From: x\r\n\r\nraw")
        own.stop_imap()
        own.start_imap()
        with imaplib.IMAP4("localhost", own.imap) as client:
            client.login("stays@shop.test", PASSWORD)
            assert client.select() == ("OK", [b"1"])
