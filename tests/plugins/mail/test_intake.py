"""From an original to a message: whose thread, what is asked, what is only noted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bot.messages import Address, Author
from bot.ports import Row
from bot.store import conversations, outbox
from bot.store.codec import utc_now
from bot.testing import RunningBot
from plugins.mail import threads
from plugins.mail.receiving.intake import Intake
from plugins.mail.receiving.ledger import Source
from plugins.mail.receiving.seen import Fetched
from plugins.mail.settings import MailSettings
from tests.plugins.mail.inbox import mail_bot, raw_mail

HOST = {"host": "127.0.0.1", "port": 1, "tls": "none"}
BOX = {
    "name": "support",
    "address": "support@shop.test",
    "aliases": ["info@shop.test"],
    "imap": HOST,
    "smtp": HOST,
    "authserv_ids": ["mx.shop.test"],
}
PASS = "dmarc=pass header.from=example.net"


class Desk:
    """A bot whose servers are not there, and mails put into it by hand."""

    def __init__(self, bot: RunningBot, **more: Any) -> None:
        self.bot = bot
        table = {"mailboxes": [{**BOX, "password": "x"}], "forms": ["form@shop.test"], **more}
        self.settings = MailSettings.model_validate(table)
        self.intake = Intake(self.settings, bot.core.inbox, utc_now)
        self._uids = count(1)

    async def takes(self, raw: bytes, size: int | None = None) -> str:
        source = Source("support", "INBOX", 1, next(self._uids))
        return await self.intake.take(
            Fetched(source, raw, size or len(raw)), self.settings.mailboxes[0]
        )

    async def messages(self) -> list[Row]:
        return await self.bot.rows(
            "SELECT i.*, c.address, c.name, c.email, t.participant, t.proposed FROM inbox i "
            "JOIN conversations c ON c.id = i.conversation "
            "JOIN mail_threads t ON t.key = c.address WHERE i.channel = 'mail' ORDER BY i.id"
        )

    async def cases(self) -> list[str]:
        return [row["reason"] for row in await self.bot.rows("SELECT reason FROM cases")]

    async def last(self) -> Row:
        return (await self.messages())[-1]

    async def sends(self, key: str, message_id: str) -> str:
        """A row of the outbox that went out to a thread."""

        def work(tx: Any) -> str:
            row = tx.row("SELECT * FROM conversations WHERE address = :key", key=key)
            made = outbox.insert_send(
                tx, conversation=row, author=Author.BOT, text="Antwort", now=utc_now()
            )
            threads.note(tx, key, message_id, "out", utc_now(), made)
            tx.run(
                "UPDATE outbox SET state = 'sent', vendor_id = :vendor WHERE id = :id",
                vendor=message_id,
                id=made,
            )
            return str(made)

        return await self.bot.store.write(work)

    async def state(self, row: str) -> tuple[str, str | None]:
        (found,) = await self.bot.rows("SELECT state, reason FROM outbox WHERE id = :id", id=row)
        return found["state"], found["reason"]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with mail_bot(tmp_path, BOX, forms=["form@shop.test"]) as bot:
        yield Desk(bot)


async def test_a_subject_stands_in_front_where_it_says_more(desk: Desk) -> None:
    await desk.takes(raw_mail("Bitte um Antwort.", subject="Re: Bestellung B-100234"))
    assert (await desk.last())["text"] == "Bestellung B-100234\n\nBitte um Antwort."
    await desk.takes(raw_mail("Meine Frage: wo ist es?", subject="Frage", message_id="<2@x>"))
    assert (await desk.last())["text"] == "Meine Frage: wo ist es?"
    await desk.takes(raw_mail("", subject="Wo ist B-100234?", message_id="<3@x>"))
    assert (await desk.last())["text"] == "Wo ist B-100234?"


async def test_an_answer_says_only_what_is_new_and_keeps_the_rest_folded(desk: Desk) -> None:
    await desk.takes(raw_mail())
    key = (await desk.last())["address"]
    await desk.sends(key, "2@shop")
    text = "Ja, gerne.\r\n\r\nAm 27.11.2026 um 10:00 schrieb Shop:\r\n> Sollen wir?\r\n> Gruß"
    answer = raw_mail(text, subject="AW: Frage", message_id="<3@x>", In_Reply_To="<2@shop>")
    await desk.takes(answer)
    row = await desk.last()
    assert (row["address"], row["text"], row["quotes"]) == (key, "Ja, gerne.", "2@shop")
    assert "Sollen wir?" in row["folded"]


async def test_a_sender_counts_where_dmarc_passed_and_answers_go_to_the_same(desk: Desk) -> None:
    await desk.takes(raw_mail(results=PASS))
    assert (await desk.last())["email"] == "anna@example.net"
    await desk.takes(raw_mail(message_id="<2@x>"))
    assert (await desk.last())["email"] is None
    elsewhere = raw_mail(message_id="<3@x>", results=PASS, Reply_To="eve@evil.example")
    await desk.takes(elsewhere)
    row = await desk.last()
    assert row["email"] is None
    assert row["participant"] == "anna@example.net"  # never whom Reply-To names
    same = raw_mail(message_id="<4@x>", results=PASS, Reply_To="Anna <ANNA@example.net>")
    await desk.takes(same)
    assert (await desk.last())["email"] == "anna@example.net"


async def test_a_machine_that_always_begins_anew_is_not_answered_for_ever(tmp_path: Path) -> None:
    """A helpdesk answered each of our mails with a new thread: no thread had its limit."""
    async with mail_bot(tmp_path, BOX) as bot:
        desk = Desk(bot, threads_per_day=2)
        for number in range(3):
            await desk.takes(raw_mail(message_id=f"<{number}@x>", results=PASS))
        # Who forges a sender has their own count.
        await desk.takes(raw_mail("Gefälscht", message_id="<9@x>"))
        await bot.until("SELECT 1 FROM cases WHERE reason = 'mail_too_many'")
        rows = await bot.rows(
            "SELECT c.address, count(t.key) AS turns FROM conversations c LEFT JOIN turns t "
            "ON t.conversation = c.id GROUP BY c.id ORDER BY c.id"
        )
        many = await bot.rows("SELECT conversation FROM cases WHERE reason = 'mail_too_many'")
        assert [row["conversation"] for row in many] == [3]
        assert rows[2]["turns"] == 0


async def test_a_forged_mail_does_not_get_into_a_proven_thread(desk: Desk) -> None:
    await desk.takes(raw_mail(results=PASS))
    key = (await desk.last())["address"]
    await desk.sends(key, "2@shop")
    await desk.takes(raw_mail("Neue Adresse!", message_id="<3@x>", In_Reply_To="<2@shop>"))
    row = await desk.last()
    assert row["address"] != key
    assert row["proposed"] == key


async def test_a_contact_form_is_answered_to_whom_it_names_and_proves_nothing(desk: Desk) -> None:
    form = raw_mail(
        sender="Shop <form@shop.test>",
        Reply_To="anna@example.net",
        results="dmarc=pass header.from=shop.test",
    )
    await desk.takes(form)
    row = await desk.last()
    assert (row["participant"], row["email"]) == ("anna@example.net", None)


async def test_our_own_mail_that_comes_back_is_not_a_message(desk: Desk) -> None:
    await desk.takes(raw_mail())
    await desk.sends((await desk.last())["address"], "2@shop")
    own = raw_mail("Antwort", sender="Shop <support@shop.test>", message_id="<2@shop>")
    assert await desk.takes(own) == "own"
    assert len(await desk.messages()) == 1


async def test_a_mail_from_an_address_of_ours_is_for_people_alone(desk: Desk) -> None:
    """A colleague in a mail program, or somebody who forges us: no machine answers itself."""
    await desk.takes(raw_mail("Bitte anrufen", sender="info@shop.test"))
    assert await desk.cases() == ["mail_from_us"]
    assert await desk.bot.rows("SELECT * FROM outbox WHERE target = 'channel:mail'") == []


async def test_a_machines_answer_is_noted_and_never_answered(desk: Desk) -> None:
    await desk.takes(raw_mail())
    key = (await desk.last())["address"]
    await desk.sends(key, "2@shop")
    away = raw_mail(
        "Ich bin im Urlaub.",
        subject="Abwesend",
        message_id="<3@x>",
        In_Reply_To="<2@shop>",
        Auto_Submitted="auto-replied",
    )
    outcome = await desk.takes(away)
    row = await desk.last()
    assert outcome not in ("message", "odd")
    assert (row["kind"], row["status"], row["address"]) == ("automatic", "case", key)


async def test_the_same_mail_twice_is_one(desk: Desk) -> None:
    assert await desk.takes(raw_mail()) == "message"
    assert await desk.takes(b"X-Way: another\r\n" + raw_mail()) == "duplicate"
    assert len(await desk.messages()) == 1


def report(message_id: str, to: str, *, status: str = "5.1.1", action: str = "failed") -> bytes:
    """A report by RFC 3464, as a mail server writes it."""
    return f"""\
From: Mail Delivery System <MAILER-DAEMON@mx.example.net>
To: support@shop.test
Subject: Undelivered Mail Returned to Sender
Message-ID: <{status}.{to}.{message_id}>
Date: Fri, 27 Nov 2026 10:05:00 +0100
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I could not deliver your message.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; {to}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} User unknown

--b
Content-Type: text/rfc822-headers

From: support@shop.test
To: {to}
Subject: Re: Frage
Message-ID: <{message_id}>

--b--
""".replace("\n", "\r\n").encode()


async def test_a_bounce_marks_the_exact_message(desk: Desk) -> None:
    await desk.takes(raw_mail())
    key = (await desk.last())["address"]
    first, second = await desk.sends(key, "2@shop"), await desk.sends(key, "3@shop")
    assert await desk.takes(report("3@shop", "anna@example.net")) == "bounce"
    assert (await desk.state(first))[0] == "sent"
    assert (await desk.state(second))[0] == "failed"
    assert (await desk.last())["kind"] == "automatic"
    assert await desk.cases() == ["mail_undelivered"]


@pytest.mark.parametrize(
    ("message_id", "to"),
    [("9@shop", "anna@example.net"), ("1@example.net", "x@y.z")],
)
async def test_a_forged_bounce_changes_nothing(desk: Desk, message_id: str, to: str) -> None:
    await desk.takes(raw_mail())
    row = await desk.sends((await desk.last())["address"], "2@shop")
    await desk.takes(report(message_id, to))
    assert (await desk.state(row))[0] == "sent"
    assert all(one["status"] == "case" for one in (await desk.messages())[1:])  # and no answer


async def test_a_bounce_may_name_where_the_customer_has_mails_sent_on_to(desk: Desk) -> None:
    """It was taken for forged, for its other recipient, and nobody heard of it."""
    await desk.takes(raw_mail())
    row = await desk.sends((await desk.last())["address"], "2@shop")
    assert await desk.takes(report("2@shop", "anna@elsewhere.example")) == "bounce"
    assert await desk.state(row) == ("failed", "mailbox_unknown")
    assert await desk.cases() == ["mail_undelivered"]


async def test_the_originals_of_reports_are_erased_with_the_customer(desk: Desk) -> None:
    """They name the customer's address, and belonged to nobody."""
    await desk.takes(raw_mail())
    await desk.sends((await desk.last())["address"], "2@shop")
    await desk.takes(report("2@shop", "anna@example.net", status="4.4.1", action="delayed"))
    await desk.takes(report("2@shop", "anna@example.net"))
    rows = await desk.bot.rows("SELECT owner FROM files")
    assert len(rows) == 3
    assert {row["owner"] for row in rows} == {"conversation:1"}


async def test_a_delay_is_no_failure(desk: Desk) -> None:
    await desk.takes(raw_mail())
    row = await desk.sends((await desk.last())["address"], "2@shop")
    late = report("2@shop", "anna@example.net", status="4.4.1", action="delayed")
    assert await desk.takes(late) == "delay"
    assert (await desk.state(row))[0] == "sent"


async def test_a_file_is_read_out_of_the_original(desk: Desk) -> None:
    body = (
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n'
        "Anbei.\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
        'Content-Disposition: attachment; filename="../../beleg.txt"\r\n\r\nQuittung\r\n--b--\r\n'
    )
    head = raw_mail().partition(b"MIME-Version")[0]
    await desk.takes(head + b"MIME-Version: 1.0\r\n" + body.encode())
    row = (
        await desk.bot.until('SELECT attachments FROM inbox WHERE attachments LIKE \'%"file":"%\'')
    )[0]
    (stored,) = await desk.bot.rows("SELECT file, name FROM files WHERE name LIKE '%beleg%'")
    assert "/" not in stored["name"]
    assert stored["file"] in row["attachments"]
    path = desk.bot.files.path(stored["file"])
    assert path is not None
    assert path.read_bytes().strip() == b"Quittung"


@pytest.mark.parametrize(
    "raw",
    [b"", b"\r\n", b"\x00\xff" * 50, b"From: \r\n\r\n", b"no headers at all", b"Subject: =?x?q?"],
)
async def test_whatever_lies_there_is_kept_and_shown_to_a_person(desk: Desk, raw: bytes) -> None:
    await desk.takes(raw)
    assert len(await desk.messages()) == 1
    assert await desk.cases() in (["mail_no_sender"], ["mail_unreadable"])


async def test_a_shown_address_is_only_asked_about(desk: Desk) -> None:
    """Without DMARC anybody is Anna: an agent decides, and her history stays closed till then."""
    await desk.takes(raw_mail(results=PASS, subject="Erste Frage"))
    await desk.takes(raw_mail(message_id="<2@x>", subject="Ganz anderes"))
    rows = await desk.bot.rows("SELECT reason, state FROM links")
    assert [tuple(row) for row in rows] == [("sender", "open")]
    customers = await desk.bot.rows("SELECT DISTINCT customer FROM conversations")
    assert len(customers) == 2


async def test_threads_of_one_proven_sender_are_one_customers(desk: Desk) -> None:
    await desk.takes(raw_mail(results=PASS, subject="Erste Frage"))
    await desk.takes(raw_mail(message_id="<2@x>", results=PASS, subject="Ganz anderes"))
    rows = await desk.bot.rows("SELECT customer, address FROM conversations")
    assert len({row["customer"] for row in rows}) == 1
    assert len({row["address"] for row in rows}) == 2


async def test_a_foreign_mail_that_names_the_thread_is_only_asked_about(desk: Desk) -> None:
    await desk.takes(raw_mail(results=PASS))
    await desk.sends((await desk.last())["address"], "2@shop")
    foreign = raw_mail(
        "Neue Adresse!",
        sender="eve@evil.example",
        message_id="<3@x>",
        In_Reply_To="<2@shop>",
    )
    await desk.takes(foreign)
    rows = await desk.bot.rows("SELECT reason, state FROM links")
    assert [tuple(row) for row in rows] == [("thread", "open")]


async def test_agents_see_who_writes_and_whether_the_latest_mail_proves_it(desk: Desk) -> None:
    async def card() -> tuple[str, str, bool | None]:
        found = await desk.bot.core.desk_inbox.cases()
        assert found[0].sender is not None
        return found[0].sender.address, found[0].sender.subject, found[0].sender.proven

    await desk.takes(raw_mail("Ein Mensch, bitte.", subject="Frage"))
    (message,) = await desk.messages()
    await desk.bot.store.write(
        lambda tx: desk.bot.core.handoff.open_case(
            tx, conversations.get(tx, message["conversation"]), "asked"
        )
    )
    assert await card() == ("anna@example.net", "Frage", False)
    again = {"message_id": "<2@example.net>", "In_Reply_To": "<1@example.net>"}
    await desk.takes(raw_mail("Und?", subject="Re: Frage", results=PASS, **again))
    assert await card() == ("anna@example.net", "Frage", True)


async def test_of_somebody_we_wrote_to_and_who_has_not_written_nothing_is_said(desk: Desk) -> None:
    """A code that came back opened a case that called its address forged."""

    def work(tx: Any) -> Any:
        key = threads.reach(tx, "ben@example.net", None, "support", utc_now())
        conversations.ensure(tx, Address("mail", key), None, "de", utc_now())
        return threads.sender(tx, Address("mail", key))

    told = await desk.bot.store.write(work)
    assert (told.address, told.proven) == ("ben@example.net", None)
