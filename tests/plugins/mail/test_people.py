"""Mails that a machine must not judge: each reaches a person, who reads why."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from host.texts import TextsBook
from plugins.mail import names
from plugins.mail.receiving.ledger import Source
from plugins.mail.receiving.seen import Fetched
from tests.plugins.mail.inbox import mail_bot, raw_mail
from tests.plugins.mail.test_intake import BOX, PASS, Desk

PGP = "-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA1PgpRg\r\n=abcd\r\n-----END PGP MESSAGE-----"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with mail_bot(tmp_path, BOX) as bot:
        yield Desk(bot)


async def nothing_was_said(desk: Desk) -> None:
    await desk.bot.until("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM inbox WHERE status = 'pending')")
    assert await desk.bot.rows("SELECT * FROM outbox WHERE target = 'channel:mail'") == []


async def test_an_encrypted_mail_is_for_a_person(desk: Desk) -> None:
    """It was an empty message, and the customer was asked to write one."""
    await desk.takes(raw_mail(PGP, subject="Bestellung B-100234"))
    assert await desk.cases() == ["mail_encrypted"]
    row = await desk.last()
    assert row["text"] == "Bestellung B-100234"
    assert "message.asc" in row["attachments"]
    await nothing_was_said(desk)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("From: anna@example.net, eve@evil.example", "mail_several_senders"),
        ("From: anna@example.net\r\nFrom: eve@evil.example", "mail_several_senders"),
        ("From: anna@example.net\r\nFrom: anna@example.net", "mail_several_senders"),
        ("Reply-To: anna@example.net", "mail_no_sender"),
        ("Return-Path: <anna@example.net>\r\nFrom: Anna", "mail_no_sender"),
        ("Sender: anna@example.net\r\nFrom: ", "mail_no_sender"),
    ],
)
async def test_who_is_not_surely_the_sender_proves_and_joins_nothing(
    desk: Desk, lines: str, reason: str
) -> None:
    """The first of several, or whoever is to be answered, counted as the one who wrote."""
    await desk.takes(raw_mail())
    key = (await desk.last())["address"]
    await desk.sends(key, "2@shop")
    forged = raw_mail("Neue Adresse!", message_id="<3@x>", results=PASS, In_Reply_To="<2@shop>")
    plain = b"From: Anna <anna@example.net>"
    assert plain in forged
    await desk.takes(forged.replace(plain, lines.encode()))
    row = await desk.last()
    assert row["address"] != key
    assert (row["email"], row["participant"], row["proposed"]) == (None, "", key)
    assert (await desk.cases())[-1] == reason


@pytest.mark.parametrize(
    "header",
    [
        {"Precedence": "bulk"},
        {"X_Auto_Response_Suppress": "All"},
        {"List_Id": "<team.example.net>"},
        {"X_MS_Exchange_Inbox_Rules_Loop": "anna@example.net"},
    ],
)
async def test_an_answer_in_a_thread_that_may_be_a_persons_is_seen(
    desk: Desk, header: dict[str, str]
) -> None:
    """It was noted, marked as read, and shown to nobody."""
    await desk.takes(raw_mail())
    key = (await desk.last())["address"]
    await desk.sends(key, "2@shop")
    await desk.takes(raw_mail("Ja bitte", message_id="<3@x>", In_Reply_To="<2@shop>", **header))
    row = await desk.last()
    assert (row["address"], row["kind"], row["status"]) == (key, "text", "case")
    assert await desk.cases() == ["mail_maybe_a_machine"]


async def test_what_a_strangers_rule_sent_on_is_for_a_person_and_a_newsletter_is_not(
    desk: Desk,
) -> None:
    await desk.takes(raw_mail("Rabatt!", message_id="<2@x>", List_Unsubscribe="<mailto:a@b.c>"))
    assert await desk.cases() == []
    await desk.takes(raw_mail(X_MS_Exchange_Inbox_Rules_Loop="old@example.net"))
    assert await desk.cases() == ["mail_maybe_a_machine"]


async def test_an_answer_from_an_address_that_wants_none_is_seen(desk: Desk) -> None:
    """A shipper's desk writes from one; what it says in a thread was shown to nobody."""
    no_reply = "noreply@example.net"
    await desk.takes(raw_mail(sender=no_reply))
    key = (await desk.last())["address"]
    assert await desk.cases() == []
    await desk.sends(key, "2@shop")
    await desk.takes(
        raw_mail("Ja", sender=no_reply, message_id="<3@x>", In_Reply_To="<2@shop>"),
    )
    assert (await desk.last())["address"] == key
    assert await desk.cases() == ["mail_maybe_a_machine"]


async def test_what_our_own_rule_sent_on_is_asked_and_what_a_person_sees_is_filed(
    desk: Desk,
) -> None:
    await desk.takes(raw_mail(X_MS_Exchange_Inbox_Rules_Loop="info@shop.test"))
    assert await desk.cases() == []
    assert (await desk.last())["kind"] == "text"
    await desk.takes(raw_mail(message_id="<2@x>", X_MS_Exchange_Inbox_Rules_Loop="old@example.net"))
    await desk.takes(raw_mail("Rabatt!", message_id="<3@x>", List_Unsubscribe="<mailto:a@b.c>"))
    rows = await desk.bot.rows("SELECT filed FROM mail_imports ORDER BY uid")
    # Only the newsletter, which no desk shows, stays unread where people may look.
    assert [row["filed"] for row in rows] == [0, 0, 1]


async def test_too_many_threads_are_the_reason_also_where_a_rule_sent_them_on(
    tmp_path: Path,
) -> None:
    async with mail_bot(tmp_path, BOX) as bot:
        desk = Desk(bot, threads_per_day=1)
        await desk.takes(raw_mail())
        await desk.takes(
            raw_mail(message_id="<2@x>", X_MS_Exchange_Inbox_Rules_Loop="old@example.net")
        )
        assert await desk.cases() == ["mail_too_many"]


@pytest.mark.parametrize(
    ("sender", "shown"),
    [
        (f'"PayPal Support {"x" * 90}" <eve@evil.example>', "x… <eve@evil.example>"),
        (f'"support@paypal.example {"x" * 90}" <eve@evil.example>', "eve@evil.example"),
        (f"<eve@{'paypal-example.' * 6}evil.example>", "evil.example"),
        ("Anna <anna@example.net>", "Anna <anna@example.net>"),
    ],
)
async def test_a_long_name_does_not_hide_the_address(desk: Desk, sender: str, shown: str) -> None:
    """The name came first, and what was too long was cut from its end: the address."""
    await desk.takes(raw_mail(sender=sender))
    assert (await desk.last())["name"].endswith(shown)


async def test_a_text_of_megabytes_is_asked_in_part_and_a_file_has_all_of_it(desk: Desk) -> None:
    words = "Wo ist mein Paket, bitte sehen Sie nach.\r\n"
    await desk.takes(raw_mail("Bestellung B-100234\r\n" + words * 60_000 + "ENDE"))
    row = await desk.last()
    assert row["text"].count("Paket") > 1000
    assert len(row["text"]) + len(row["folded"]) < 110_000
    (stored,) = await desk.bot.until("SELECT file FROM files WHERE name = 'mail.txt'", 30)
    path = desk.bot.files.path(stored["file"])
    assert path is not None
    assert path.read_bytes().rstrip().endswith(b"ENDE")


HOSTILE = {
    "a report with a line of dashes": (
        b"From: MAILER-DAEMON@x.example\r\nReturn-Path: <>\r\nSubject: failure\r\n"
        b"Message-ID: <1@x>\r\n\r\n" + b"-" * 300_000
    ),
    "a report with blanks": (
        b"From: MAILER-DAEMON@x.example\r\nReturn-Path: <>\r\nSubject: failure\r\n"
        b"Message-ID: <1@x>\r\n\r\ncannot" + b" " * 300_000 + b"x"
    ),
    "a subject of answers": raw_mail(subject="re:" * 700_000),
    "a header of many lines": raw_mail().replace(
        b"MIME-Version", b"X-Long: a\r\n" + b" x\r\n" * 700_000 + b"MIME-Version"
    ),
    "a sender in comments": raw_mail(sender="anna@example.net " + "(a)" * 60_000, results=PASS),
    "HTML without an end": raw_mail("<div>" * 600_000).replace(b"text/plain", b"text/html"),
    "a sender in quotes without an end": raw_mail().replace(
        b"From: ", b'From: "' + b'\\"' * 90_000 + b"\r\nX-From: "
    ),
    "a type of kilobytes": raw_mail(results=PASS).replace(
        b"MIME-Version", b"Content-Type: " + b"{a " * 55_000 + b"\r\nMIME-Version"
    ),
    "a greeting with blanks": raw_mail("Hallo" + " " * 99_000 + "x\r\nWo ist es?"),
    "a letter of closings": raw_mail("lg\r\n" * 100_000),
    "blank lines": raw_mail("Hallo\r\n" + "\r\n" * 90_000 + "Wo ist es?"),
    "quotes": raw_mail("Am 27.11.2026 um 10:00\r\n> a\r\n" * 100_000),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_no_mail_stops_the_bot(
    desk: Desk, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each of these held the event loop, or the mailbox, for minutes; some for ever."""
    caplog.set_level(logging.ERROR)
    longest, done = 0.0, asyncio.Event()
    gc.collect()  # what other tests have left would be collected while the time runs

    async def beats() -> None:
        nonlocal longest
        while not done.is_set():
            began = time.perf_counter()
            await asyncio.sleep(0.01)
            longest = max(longest, time.perf_counter() - began)

    heart = asyncio.create_task(beats())
    began = time.process_time()
    source = Source("support", "INBOX", 1, 1)
    raw = HOSTILE[kind]
    await desk.intake.take(Fetched(source, raw, len(raw)), desk.settings.mailboxes[0])
    done.set()
    await heart
    assert time.process_time() - began < 20
    assert longest < 3  # a thread that works holds up others for some milliseconds at a time
    assert len(await desk.messages()) == 1
    assert caplog.records == []


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_reason_has_words(language: str) -> None:
    reasons = [value for value in vars(names).values() if str(value).startswith("mail_")]
    assert len(reasons) > 6
    texts = TextsBook([Path("nlu/domain")])
    for reason in reasons:
        assert texts.render(f"reason_{reason}", {}, language=language).text
