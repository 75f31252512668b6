"""From an outbox row to the customer's mailbox, over the real servers."""

from __future__ import annotations

import asyncio
import email
import email.policy
import imaplib
import importlib.resources
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import pytest

from bot.messages import Address, Author, Outbound
from bot.ports import Inbox, Reject, Retry, Tx, UnknownOutcome
from bot.store import SQLiteStore
from bot.store.migrate import Migrations
from host.files import DiskFiles
from host.settings import FilesOptions
from host.texts import TextsBook
from plugins.knowledge.settings import KnowledgeSettings
from plugins.mail import threads
from plugins.mail.sending import sent
from plugins.mail.sending.sender import Sender
from plugins.mail.settings import MailSettings
from plugins.mail.testing_servers import PASSWORD, MailServers, Trouble
from plugins.mail.testing_smtp import DROP, faulty_smtp

DOMAIN = Path(__file__).parents[3] / "nlu" / "domain"
NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


class GivenInbox:
    """What of the inbox a sender needs."""

    def __init__(self, store: SQLiteStore, files: DiskFiles, texts: TextsBook) -> None:
        self.store, self.files, self.texts = store, files, texts


@pytest.fixture
async def inbox(tmp_path: Path) -> AsyncIterator[GivenInbox]:
    owners = {"core": "bot.store", "mail": "plugins.mail"}
    migrations = [
        Migrations(owner, importlib.resources.files(package) / "migrations")
        for owner, package in owners.items()
    ]
    async with SQLiteStore(tmp_path / "bot.db", migrations) as store:
        files = DiskFiles(folder=tmp_path / "files", store=store, options=FilesOptions())
        texts = TextsBook([DOMAIN], facts=KnowledgeSettings().facts())
        yield GivenInbox(store, files, texts)


def settings(
    port: int, tls: str = "none", ca_file: Path | None = None, **changed: Any
) -> MailSettings:
    box: dict[str, Any] = {
        "name": "support",
        "address": "service@shop.test",
        "imap": {"host": "localhost"},
        "smtp": {"host": "localhost", "port": port, "tls": tls, "ca_file": ca_file},
        "password": PASSWORD,
    }
    limits = {key: changed.pop(key) for key in ("send_bytes",) if key in changed}
    return MailSettings(mailboxes=({**box, **changed},), **limits)


@dataclass
class Desk:
    """A sender, and threads to send in."""

    inbox: GivenInbox
    sender: Sender

    async def thread(self, to: str, *theirs: str, subject: str = "") -> Address:
        """A thread with an address, in which these Message-IDs of theirs are."""

        def work(tx: Tx) -> Address:
            key = threads.reach(tx, to, None, "support", NOW)
            tx.run("UPDATE mail_threads SET subject = :s WHERE key = :key", s=subject, key=key)
            for number, one in enumerate(theirs):
                threads.note(tx, key, one, "in", NOW + timedelta(seconds=number))
            return Address("mail", key)

        return await self.inbox.store.write(work)


def desk(inbox: GivenInbox, port: int, **changed: Any) -> Desk:
    made = settings(port, **changed)
    return Desk(inbox, Sender(made, cast(Inbox, inbox), {}, public_url="https://bot.shop.test"))


@pytest.fixture
def real(inbox: GivenInbox, servers: MailServers) -> Desk:
    return desk(inbox, servers.smtps, tls="implicit", ca_file=servers.certificate)


def out(address: Address, text: str = "Guten Tag", **changed: Any) -> Outbound:
    row = changed.pop("id", secrets.token_hex(8))
    return replace(Outbound(id=row, address=address, text=text), **changed)


def somebody() -> str:
    return f"kundin{secrets.token_hex(4)}@kundin.test"


async def arrived(servers: MailServers, to: str, count: int = 1) -> list[EmailMessage]:
    """What lies in a mailbox, read over IMAP as any mail program would, strictly."""
    for _ in range(200):
        if len(servers.mails(to)) >= count:
            break
        await asyncio.sleep(0.05)
    return await asyncio.to_thread(_over_imap, servers, to)


def _over_imap(servers: MailServers, to: str) -> list[EmailMessage]:
    found = []
    with imaplib.IMAP4_SSL("localhost", servers.imaps, ssl_context=servers.trust()) as client:
        client.login(to, PASSWORD)
        client.select()
        _, (numbers,) = client.search(None, "ALL")
        for number in numbers.split():
            _, data = client.fetch(number, "(RFC822)")
            raw = data[0][1]
            found.append(email.message_from_bytes(raw, policy=email.policy.strict))
    return cast(list[EmailMessage], found)


def said(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return cast(str, body.get_content()).replace("\r\n", "\n")


# --- words and headers


async def test_an_answer_stands_in_the_customers_thread(real: Desk, servers: MailServers) -> None:
    to = somebody()
    theirs = ("erste@kundin.test", "zweite@kundin.test")
    address = await real.thread(to, *theirs, subject="AW: Re: Größe 42?")
    message_id = await real.sender.send(out(address, "Ihr Paket ist unterwegs."))
    (mail,) = await arrived(servers, to)
    assert mail["Message-ID"] == f"<{message_id}>"
    assert mail["In-Reply-To"] == "<zweite@kundin.test>"
    assert mail["References"] == "<erste@kundin.test> <zweite@kundin.test>"
    assert mail["Subject"] == "Re: Größe 42?"
    assert str(mail["From"]) == "Kranich Kontor <service@shop.test>"
    assert str(mail["To"]) == to
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["X-Schalter-Message"] == message_id.split("@")[0]
    assert mail["Return-path"].strip("<>") == "service@shop.test"
    assert said(mail).startswith(
        "Guten Tag!\n\nIhr Paket ist unterwegs.\n\n-- \nDies ist eine automatische Antwort"
    )
    assert "Mensch" in said(mail)
    assert not [line for line in servers.complaints() if to in line]


@pytest.mark.parametrize(
    "text", ["Guten Tag,\n\nIhr Code lautet: 1", "Guten Tag! Ich bin der Bot."]
)
async def test_nobody_is_greeted_twice(real: Desk, servers: MailServers, text: str) -> None:
    to = somebody()
    await real.sender.send(out(await real.thread(to, "erste@kundin.test", subject="Frage"), text))
    (mail,) = await arrived(servers, to)
    assert said(mail).startswith(f"{text}\n\n-- ")


async def test_an_agents_line_has_a_name_and_is_not_automatic(
    real: Desk, servers: MailServers
) -> None:
    to = somebody()
    address = await real.thread(to, "erste@kundin.test", subject="Frage")
    line = out(address, "Ich schaue nach.", author=Author.AGENT, name="Jule Sommer")
    await real.sender.send(line)
    (mail,) = await arrived(servers, to)
    assert str(mail["From"]) == "Jule von Kranich Kontor <service@shop.test>"
    assert "Auto-Submitted" not in mail
    assert said(mail) == "Ich schaue nach.\n"


async def test_a_thread_that_we_begin_has_a_subject_and_says_what_it_is(
    real: Desk, servers: MailServers
) -> None:
    to = somebody()
    address = await real.thread(to)
    await real.sender.send(out(address, "Hello", language="en", author=Author.SYSTEM))
    (mail,) = await arrived(servers, to)
    assert mail["Subject"] == "Your request to Kranich Kontor"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "In-Reply-To" not in mail
    assert "automatic message" in said(mail)


async def test_a_text_may_bring_its_own_subject(real: Desk, servers: MailServers) -> None:
    """A code is looked for by its subject, also in a thread about something else."""
    real.inbox.texts._variants["mail_subject_probe"] = real.inbox.texts._variants["mail_subject"]
    to = somebody()
    address = await real.thread(to, "erste@kundin.test", subject="Frage")
    await real.sender.send(out(address, response="utter_probe", facts={}))
    (mail,) = await arrived(servers, to)
    assert mail["Subject"].startswith("Ihre Anfrage bei")


async def test_what_we_said_before_is_in_the_references(real: Desk, servers: MailServers) -> None:
    to = somebody()
    address = await real.thread(to, "erste@kundin.test", subject="Frage")
    first = await real.sender.send(out(address, "eins"))
    await arrived(servers, to)
    await real.sender.send(out(address, "zwei"))
    mails = await arrived(servers, to, 2)
    assert mails[1]["In-Reply-To"] == "<erste@kundin.test>"
    assert mails[1]["References"].split()[-1] == f"<{first}>"


async def test_a_signature_stands_below_every_mail(inbox: GivenInbox, servers: MailServers) -> None:
    signed = desk(inbox, servers.smtp, signature="Kranich Kontor GmbH\nHRB 12345, Köln")
    to = somebody()
    await signed.sender.send(out(await signed.thread(to), author=Author.AGENT, name="Jule"))
    (mail,) = await arrived(servers, to)
    assert said(mail) == "Guten Tag\n\n-- \nKranich Kontor GmbH\nHRB 12345, Köln\n"


HOSTILE = "Frage\r\nBcc: opfer@opfer.test\n=?utf-8?q?=0D=0ABcc:_opfer@opfer.test?=\u2028\0\u202e"


async def test_a_hostile_subject_and_name_stay_what_they_are(
    real: Desk, servers: MailServers
) -> None:
    to = somebody()
    address = await real.thread(to, "erste@kundin.test", subject=HOSTILE)
    line = out(address, HOSTILE, author=Author.AGENT, name=HOSTILE)
    await real.sender.send(line)
    (mail,) = await arrived(servers, to)
    assert "Bcc" not in mail
    assert len(mail["From"].addresses) == 1
    assert not servers.mails("opfer@opfer.test")
    assert not [line for line in servers.complaints() if to in line]


# --- files


async def test_the_label_arrives_whole(real: Desk, servers: MailServers) -> None:
    pdf = b"%PDF-1.7\n" + secrets.token_bytes(40_000)
    made = await real.inbox.files.put_bytes(pdf, name="Rücksende-Etikett.pdf", owner="test")
    to = somebody()
    await real.sender.send(out(await real.thread(to), attachments=(made,)))
    (mail,) = await arrived(servers, to)
    (part,) = mail.iter_attachments()
    assert part.get_filename() == "Rücksende-Etikett.pdf"
    assert part.get_content_type() == "application/pdf"
    assert part.get_content() == pdf
    body = mail.get_body(("html",))
    assert body is not None


async def test_what_is_too_big_is_refused_before_it_is_sent(
    inbox: GivenInbox, servers: MailServers
) -> None:
    small = desk(inbox, servers.smtp, send_bytes=100_000)
    made = await inbox.files.put_bytes(b"%PDF-1.7" + bytes(90_000), name="a.pdf", owner="test")
    with pytest.raises(Reject) as told:
        await small.sender.send(out(await small.thread(somebody()), attachments=(made,)))
    assert told.value.reason == "too_big"


async def test_the_servers_limit_counts_too(inbox: GivenInbox) -> None:
    async with faulty_smtp(data_size_limit=50_000) as faulty:
        one = desk(inbox, faulty.port)
        made = await inbox.files.put_bytes(b"%PDF-1.7" + bytes(60_000), name="a.pdf", owner="test")
        with pytest.raises(Reject) as told:
            await one.sender.send(out(await one.thread(somebody()), attachments=(made,)))
        assert told.value.reason == "too_big"
        assert not faulty.taken


async def test_a_file_that_is_gone_is_told(inbox: GivenInbox) -> None:
    async with faulty_smtp() as faulty:
        one = desk(inbox, faulty.port)
        made = await inbox.files.put_bytes(b"%PDF-1.7", name="a.pdf", owner="test")
        path = inbox.files.path(made.file or "")
        assert path is not None
        path.unlink()
        with pytest.raises(Reject) as told:
            await one.sender.send(out(await one.thread(somebody()), attachments=(made,)))
        assert told.value.reason == "file_gone"


# --- what becomes of it


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [(Trouble.UNKNOWN, "mailbox_unknown"), (Trouble.FULL, "mailbox_full")],
)
async def test_the_real_servers_refusals_have_reasons(
    real: Desk, trouble: Trouble, reason: str
) -> None:
    with pytest.raises(Reject) as told:
        await real.sender.send(out(await real.thread(f"{trouble}{somebody()}")))
    assert told.value.reason == reason


async def test_the_real_servers_later_is_a_retry(real: Desk) -> None:
    with pytest.raises(Retry) as told:
        await real.sender.send(out(await real.thread(f"{Trouble.LATER}{somebody()}")))
    assert told.value.reason == "mail_later"


async def test_a_server_that_cannot_prove_itself_gets_no_password(
    inbox: GivenInbox, servers: MailServers
) -> None:
    untrusting = desk(inbox, servers.smtp, tls="starttls")
    with pytest.raises(Retry) as told:
        await untrusting.sender.send(out(await untrusting.thread(somebody())))
    assert told.value.reason == "mail_tls"
    assert untrusting.sender.trouble() == ["support: mail_tls"]


async def test_starttls_with_the_real_server(inbox: GivenInbox, servers: MailServers) -> None:
    one = desk(inbox, servers.smtp, tls="starttls", ca_file=servers.certificate)
    to = somebody()
    await one.sender.send(out(await one.thread(to)))
    assert len(await arrived(servers, to)) == 1


async def _try(one: Desk, message: Outbound) -> None:
    with pytest.raises((Retry, UnknownOutcome)):
        await one.sender.send(message)


async def test_a_repeat_is_the_same_mail(inbox: GivenInbox) -> None:
    """Whoever has got the first one sees one mail: many servers and programs drop the second."""
    async with faulty_smtp() as faulty:
        one = desk(inbox, faulty.port)
        message = out(await one.thread(somebody(), "erste@kundin.test"))
        faulty.fail("dot", DROP)
        faulty.fail("rcpt", "450 4.2.0 Greylisted")
        await _try(one, message)  # stopped at the recipient
        await _try(one, message)  # taken, and nobody told us
        await one.sender.send(message)
        first, second = (taken.mail for taken in faulty.taken)
        assert first["Message-ID"] == second["Message-ID"]
        assert first["References"] == second["References"] == "<erste@kundin.test>"
        assert re.fullmatch(r"<[0-9a-f]{32}@shop\.test>", first["Message-ID"])


async def test_other_rows_are_other_mails_that_nobody_can_guess(inbox: GivenInbox) -> None:
    async with faulty_smtp() as faulty:
        one = desk(inbox, faulty.port)
        address = await one.thread(somebody())
        ids = {await one.sender.send(out(address)) for _ in range(3)}
        assert len(ids) == 3


async def test_a_mail_is_known_before_it_is_handed_over(inbox: GivenInbox) -> None:
    """An answer or a bounce can be here before we hear that the mail was taken."""
    async with faulty_smtp() as faulty:
        one = desk(inbox, faulty.port)
        message = out(await one.thread(somebody()))
        faulty.fail("dot", DROP)
        await _try(one, message)
        message_id = faulty.taken[0].mail["Message-ID"].strip("<>")
        found = await inbox.store.read(lambda tx: threads.sent_as(tx, [message_id]))
        assert found is not None
        assert found["row"] == message.id
        assert await inbox.store.read(lambda tx: sent.message_id(tx, message.id)) == message_id


async def test_a_report_names_the_mail_that_it_is_about(
    servers: MailServers, inbox: GivenInbox
) -> None:
    """Also where the server that sends it keeps nothing of the mail: RFC 3461."""
    to = f"{Trouble.BOUNCES}{somebody()}"
    box = f"box{secrets.token_hex(4)}@shop.test"
    one = desk(inbox, servers.smtps, tls="implicit", ca_file=servers.certificate, address=box)
    message_id = await one.sender.send(out(await one.thread(to)))
    (report,) = await arrived(servers, box)
    status = next(part for part in report.walk() if "delivery-status" in part.get_content_type())
    assert f"original-envelope-id: {message_id}" in status.as_string().lower()


async def test_a_thread_that_is_gone_is_told(inbox: GivenInbox) -> None:
    async with faulty_smtp() as faulty:
        with pytest.raises(Reject) as told:
            await desk(inbox, faulty.port).sender.send(out(Address("mail", "weg")))
        assert told.value.reason == "mail_no_thread"


@pytest.mark.parametrize("formality", ["Sie", "du"])
@pytest.mark.parametrize("language", ["de", "en"])
async def test_every_reason_has_words(language: str, formality: str) -> None:
    texts = TextsBook([DOMAIN], formality=formality)
    sending = Path(__file__).parents[3] / "plugins" / "mail" / "sending"
    source = "".join((sending / name).read_text() for name in ("replies.py", "smtp.py"))
    pattern = r'"(mail_[a-z0-9_]+|(?:mailbox|domain)_[a-z]+|too_big|refused)"'
    reasons = set(re.findall(pattern, source))
    assert len(reasons) > 12
    reasons |= {"unreachable", "other"}  # of reports that come later
    for reason in reasons:
        assert texts.render(f"reason_{reason}", {}, language=language).text
