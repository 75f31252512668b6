"""What somebody may try by mail: to be another, and to get at others' threads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.utils import getaddresses
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ports import Row
from bot.store.codec import utc_now
from bot.testing import RunningBot
from plugins.mail.parsing.parse import parse
from plugins.mail.receiving.auth_results import Verdict, verdict
from plugins.mail.receiving.intake import Intake
from plugins.mail.receiving.ledger import Source
from plugins.mail.receiving.seen import Fetched
from plugins.mail.receiving.wire import participant
from plugins.mail.settings import Mailbox, MailSettings
from plugins.mail.testing_servers import AUTHSERV, PASSWORD
from plugins.mail.testing_smtp import FaultySmtp, faulty_smtp
from tests.plugins.mail.inbox import mail_bot, raw_mail
from tests.plugins.mail.pile import report

SAYS = f"{AUTHSERV}; dmarc=%s header.from=example.net"
PASS = f"Authentication-Results: {SAYS % 'pass'}"
FAIL = f"Authentication-Results: {SAYS % 'fail'}"
OUTSIDE = f"Received: from mail.evil.test (mail.evil.test [192.0.2.1]) by {AUTHSERV} with ESMTPS"
HOST = {"host": "127.0.0.1", "port": 1, "tls": "none"}


def mailbox(**more: Any) -> Mailbox:
    table = {"name": "support", "address": "support@shop.test", "imap": HOST, "smtp": HOST}
    return Mailbox.model_validate(
        {**table, "password": PASSWORD, "authserv_ids": [AUTHSERV], **more}
    )


def judged(raw: str) -> tuple[str, Verdict]:
    """Who a mail is from, and whether that counts as proven."""
    data = raw.replace("\r\n", "\n").replace("\n", "\r\n").encode()
    mail = parse(data)
    return participant(mail, ())[0], verdict(mail, data, mailbox())


# --- to be another: what is said of From


@pytest.mark.parametrize("kind", ["message/rfc822", "message/global", "message/news"])
def test_a_mail_in_a_mail_does_not_speak_for_the_one_around_it(kind: str) -> None:
    """All of a mail may be another mail, whose headers are its sender's words."""
    inner = f"{PASS}\nFrom: anna@example.net\nSubject: Frage\n\nNeue Adresse!\n"
    outer = f"{FAIL}\n{OUTSIDE}\nFrom: anna@example.net\nContent-Type: {kind}\n\n"
    assert judged(outer + inner) == ("anna@example.net", Verdict.FAIL)
    from_eve = outer.replace("From: anna@example.net", "From: eve@evil.test")
    assert judged(from_eve + inner)[0] == "eve@evil.test"


@pytest.mark.parametrize(
    "forged",
    [
        PASS,
        PASS.upper(),
        f"Authentication-Results : {SAYS % 'pass'}",
        f"Authentication-Results:\n {AUTHSERV};\n dmarc=pass\n header.from=example.net",
        f"Authentication-Results: {AUTHSERV}. ; dmarc=pass header.from=example.net",
        f'Authentication-Results: "{AUTHSERV}"; dmarc=pass header.from=example.net',
        f"ARC-Authentication-Results: i=1; {SAYS % 'pass'}",
        f"X-Authentication-Results: {SAYS % 'pass'}",
        f"Authentication-Results-Original: {SAYS % 'pass'}",
        f"Content-Type: message/rfc822\n\n{PASS}\nFrom: anna@example.net\n\n",
        f"X-Long: {'a' * 70_000}\n{PASS}",
        "\n".join(f"X-{number}: a" for number in range(6000)) + f"\n{PASS}",
    ],
)
@pytest.mark.parametrize("real", [f"{FAIL}\n{OUTSIDE}\n", f"{OUTSIDE}\n", ""])
def test_results_that_came_with_a_mail_prove_nothing(forged: str, real: str) -> None:
    """Below those of our server, below its Received line alone, and where it wrote nothing."""
    if not real:  # nothing tells then what the server wrote: it must be below a header of theirs
        real = "Subject: Frage\n"
    _, found = judged(f"{real}{forged}\nFrom: anna@example.net\n\nHallo\n")
    assert found is not Verdict.PASS


@pytest.mark.parametrize(
    "value",
    [
        f'{AUTHSERV}; dmarc=fail reason="dmarc=pass header.from=example.net"',
        f"{AUTHSERV}; dmarc=fail (dmarc=pass) header.from=example.net",
        f"{AUTHSERV}; spf=pass smtp.mailfrom=dmarc=pass; dkim=pass header.from=example.net",
        f"{AUTHSERV}; dmarc=none policy.dmarc=pass header.from=example.net",
        f"{AUTHSERV}; dmarc=pass header.from=example.net.evil.test",
        f"{AUTHSERV}; dmarc=pass header.from=evil.test (header.from=example.net)",
        f"{AUTHSERV}; dmarc=pass smtp.from=example.net",
        f"{AUTHSERV}; dmarc=pass header.from=example.net; dmarc=none header.from=evil.test",
        f"{AUTHSERV}; dmarc=pass header.from=еxample.net",  # Cyrillic
        f"{AUTHSERV}; dmarc=pass header.from=xn--xample-2of.net",
    ],
)
def test_a_pass_of_something_else_is_none_of_the_sender(value: str) -> None:
    """What a sender can get into our server's own line: domains, paths, reasons."""
    head = f"Authentication-Results: {value}\n{OUTSIDE}\n"
    _, found = judged(f"{head}From: anna@example.net\n\nHallo\n")
    assert found is not Verdict.PASS


@pytest.mark.parametrize(
    "line",
    [
        "From: eve@evil.test\nFrom: anna@example.net",
        "From: anna@example.net\nFrom: eve@evil.test",
        "From: anna@example.net, eve@evil.test",
        "From: eve@evil.test, anna@example.net",
        "From: Anna: anna@example.net;",
        "From: Anna: anna@example.net, eve@evil.test;",
        "From: <anna@example.net> <eve@evil.test>",
        "From: anna@example.net <eve@evil.test>",
        "From: <anna@example.net>eve@evil.test",
        'From: "anna@example.net" <eve@evil.test>',
        "From: anna@example.net (eve@evil.test), eve@evil.test",
        "From: <@example.net:eve@evil.test>",
        'From: "anna@example.net"@evil.test',
        "From: anna@example.net@evil.test",
        "From: anna@evil.test@example.net",
        "From: =?utf-8?q?anna=40example.net?= <eve@evil.test>",
        "From: =?utf-8?q?anna=40example=2Enet=2C?= eve@evil.test",
        "From: =?utf-8?b?YW5uYUBleGFtcGxlLm5ldA==?=",
        "From: anna@example.net\x00@evil.test",
        "From: anna@еxample.net",  # Cyrillic
        "From: anna@xn--xample-2of.net",
        "From: anna@example.net.evil.test",
        "From: anna@[192.0.2.1]",
        "From: " + "a" * 5000 + " <anna@example.net>",
        "Sender: anna@example.net",
        "Reply-To: anna@example.net",
        "X-From: anna@example.net",
        "Resent-From: anna@example.net",
    ],
)
def test_a_pass_is_of_one_plain_sender_or_of_nobody(line: str) -> None:
    """Our server's pass, for a From in which it may have read another sender than we do."""
    who, found = judged(f"{PASS}\n{OUTSIDE}\n{line}\nSubject: x\n\nHallo\n")
    assert found is not Verdict.PASS
    if "Cyrillic" not in line and line.startswith("From: =?"):
        assert who != "anna@example.net"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("From: <ANNA@Example.NET>", Verdict.PASS),
        ("FROM:\n\tAnna\n <anna@example.net>", Verdict.PASS),
        ("From: Anna <anna@example.net.>", Verdict.NONE),  # the same, and nobody writes so
        ("From : anna@example.net", Verdict.NONE),
    ],
)
def test_spellings_of_one_address_are_one_sender(line: str, found: Verdict) -> None:
    assert judged(f"{PASS}\n{OUTSIDE}\n{line}\n\nHallo\n") == ("anna@example.net", found)


_PIECES = (
    *("anna@example.net", "eve@evil.test", "Anna", "<", ">", '"', "(", ")", ",", ";", ":", "@"),
    *("\\", " ", "\n ", "=?utf-8?q?", "?=", "\t", "example.net", ".", "\0", "ä"),
)


@given(st.lists(st.sampled_from(_PIECES), min_size=1, max_size=9).map("".join))
def test_whatever_stands_in_from_only_a_plain_sender_passes(value: str) -> None:
    """Where three readers would not agree on the sender, nothing is proven."""
    head = f"{PASS}\n{OUTSIDE}\nFrom: {value}\nSubject: x\n\nHallo\n"
    who, found = judged(head)
    if found is Verdict.PASS:
        assert who.endswith("@example.net")
        unfolded = " ".join(value.replace("\n", " ").split())
        ((_, third),) = getaddresses([unfolded])
        assert third.lower().rstrip(".") == who


# --- to get at others' threads, and at their answers


class Desk:
    """A bot on mails put in by hand, and a server that takes what it sends."""

    def __init__(self, bot: RunningBot, smtp: FaultySmtp) -> None:
        self.bot, self.smtp = bot, smtp
        settings = MailSettings(mailboxes=(mailbox(),))
        self._intake = Intake(settings, bot.core.inbox, utc_now)
        self._box, self._uids = settings.mailboxes[0], count(1)

    async def takes(self, raw: bytes) -> Row:
        """The message that a mail became, with its conversation and thread."""
        source = Source("support", "INBOX", 1, next(self._uids))
        await self._intake.take(Fetched(source, raw, len(raw)), self._box)
        return (await self.messages())[-1]

    async def messages(self) -> list[Row]:
        return await self.bot.rows(
            "SELECT i.*, c.address, c.name, t.participant, t.proposed FROM inbox i "
            "JOIN conversations c ON c.id = i.conversation "
            "JOIN mail_threads t ON t.key = c.address WHERE i.channel = 'mail' ORDER BY i.id"
        )

    async def answers(self, number: int) -> list[Any]:
        """What went out, as soon as there are so many."""
        await self.bot.until(
            "SELECT 1 FROM outbox WHERE target = 'channel:mail' AND state = 'sent' "
            "GROUP BY target HAVING count(*) >= :number",
            number=number,
        )
        return [(one.recipients, one.mail) for one in self.smtp.taken]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with faulty_smtp() as smtp:
        table = mailbox().model_dump(mode="json", exclude_none=True) | {
            "smtp": {**HOST, "port": smtp.port}
        }
        table.pop("password")
        async with mail_bot(tmp_path, table) as bot:
            yield Desk(bot, smtp)


async def test_whoever_knows_a_message_id_gets_into_a_thread_of_their_own(desk: Desk) -> None:
    """A Message-ID is no secret: everybody a mail was copied or forwarded to knows it."""
    anna = await desk.takes(raw_mail(results="dmarc=pass header.from=example.net"))
    ((_, answer),) = await desk.answers(1)
    stolen = {
        "In_Reply_To": answer["Message-ID"],
        "References": f"<1@example.net> {answer['Message-ID']}",
        "subject": f"{answer['Subject']} [Fall #1] B-100234",
    }
    eve = await desk.takes(
        raw_mail("Wie war die Antwort?", sender="eve@evil.test", message_id="<2@x>", **stolen)
    )
    forged = await desk.takes(raw_mail("Neue Adresse!", message_id="<3@x>", **stolen))
    assert len({one["address"] for one in (anna, eve, forged)}) == 3
    sent = await desk.answers(3)
    assert [to for to, _ in sent[1:]].count(("eve@evil.test",)) == 1
    for _, mail in sent[1:]:
        body = mail.get_body(("plain",)).get_content()
        assert "Wo ist mein Paket?" not in body
        assert answer["Message-ID"] not in (mail["In-Reply-To"], mail["References"])


async def test_a_message_id_used_again_does_not_cover_the_mail_of_another(desk: Desk) -> None:
    """Eve guesses or knows the id of Anna's next mail, and sends one under it before."""
    await desk.takes(raw_mail("zuerst", sender="eve@evil.test", message_id="<next@example.net>"))
    anna = await desk.takes(raw_mail("Hier schreibt Anna.", message_id="<next@example.net>"))
    assert "Hier schreibt Anna." in anna["text"]
    assert anna["participant"] == "anna@example.net"
    both = await desk.messages()
    assert len({one["address"] for one in both}) == 2


async def test_answers_go_to_whom_it_is_from_wherever_a_mail_wants_them(desk: Desk) -> None:
    headers = {
        "Reply_To": "eve@evil.test",
        "Return_Path": "<eve@evil.test>",
        "Sender": "eve@evil.test",
        "Mail_Followup_To": "eve@evil.test",
        "Errors_To": "eve@evil.test",
        "Cc": "eve@evil.test",
        "Disposition_Notification_To": "eve@evil.test",
    }
    row = await desk.takes(raw_mail(results="dmarc=pass header.from=example.net", **headers))
    ((to, mail),) = await desk.answers(1)
    assert to == ("anna@example.net",)
    assert "evil" not in mail.as_string()
    found = await desk.bot.rows(
        "SELECT email FROM conversations WHERE id = :id", id=row["conversation"]
    )
    assert found[0]["email"] is None  # the answer would be read by another than who is proven


async def test_headers_do_not_grow_out_of_what_a_customer_writes(desk: Desk) -> None:
    """Subject, name and Message-ID come back in our answer; its headers stay ours."""
    inside = "=?utf-8?q?Frage=0D=0ABcc:_opfer@opfer.test=0D=0A=0D=0AText?="
    await desk.takes(
        raw_mail(
            "Wo ist es?",
            sender=f'{inside} "x\\"\\r\\nBcc: opfer@opfer.test" <anna@example.net>',
            subject=inside,
            message_id="<a\r\n Bcc:opfer@opfer.test@example.net>",
            References="<a@b>\r\n\tBcc: opfer@opfer.test <c@d>",
        )
    )
    ((to, mail),) = await desk.answers(1)
    assert to == ("anna@example.net",)
    assert "Bcc" not in mail
    assert [str(one) for one in mail["To"].addresses] == ["anna@example.net"]
    assert len(mail["Subject"].splitlines()) == 1
    assert "Auto-Submitted" in mail


@pytest.mark.parametrize(
    ("sender", "shown"),
    [
        ("Anna <anna@example.net>", "Anna <anna@example.net>"),
        ('"anna@example.net" <eve@evil.test>', "eve@evil.test"),
        ('"Anna <anna@example.net>" <eve@evil.test>', "eve@evil.test"),
        (f'"Anna {"x" * 90}" <eve@evil.test>', f"Anna {'x' * 58}… <eve@evil.test>"),
        ("Anna <anna@еxample.net>", "Anna <anna@xn--xample-2of.net>"),  # Cyrillic
        ("Anna <anna@m\u00fcller.test>", "Anna <anna@xn--mller-kva.test>"),
        (f"A <{'e' * 90}@evil.test>", f"…{'e' * 69}@evil.test"),
        ("Anna", "Anna"),
    ],
)
async def test_agents_see_the_address_whatever_the_name_says(
    desk: Desk, sender: str, shown: str
) -> None:
    assert (await desk.takes(raw_mail(sender=sender)))["name"] == shown


# --- forged reports


async def test_a_report_that_names_no_mail_of_ours_marks_nothing(desk: Desk) -> None:
    """Whom it names does not matter: customers have their mails sent on. Our ids are random."""
    await desk.takes(raw_mail())
    await desk.answers(1)
    for number, (whose, to) in enumerate([("<guessed@shop.test>", "anna@example.net"), ("", "")]):
        head = f"Message-ID: <{number}@mx.evil.test>\n".encode()
        row = await desk.takes(head + report(whose, to))
        assert (row["kind"], row["status"]) == ("automatic", "case")
    (out,) = await desk.bot.rows("SELECT state FROM outbox WHERE target = 'channel:mail'")
    assert out["state"] == "sent"


async def test_what_a_customer_wrote_in_a_report_is_not_lost(desk: Desk) -> None:
    """Some answer a report, or their server wraps their own words in one: people see them."""
    await desk.takes(raw_mail())
    ((_, answer),) = await desk.answers(1)
    raw = report(answer["Message-ID"], "anna@example.net").replace(
        b"It could not be delivered.", b"It could not be delivered. Bitte rufen Sie mich an!"
    )
    row = await desk.takes(raw)
    assert "rufen Sie mich an" in row["text"] + row["folded"]
    assert [one["reason"] for one in await desk.bot.rows("SELECT reason FROM cases")] == [
        "mail_undelivered"
    ]
