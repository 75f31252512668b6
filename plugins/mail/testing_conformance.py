"""Mail in the conformance suite: a real Dovecot, and an SMTP server that fails on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from email.message import EmailMessage
from email.policy import SMTP
from importlib.resources import files
from itertools import count
from typing import Any, ClassVar

from bot.ports import Channel
from bot.store.migrate import Migrations
from bot.testing.conformance_wire import Fault, Harness, Seen, Taken, Update
from bot.testing.world import texts_of
from host.wiring import OUR_DIALOGUE
from plugins.mail.channel import MailChannel
from plugins.mail.receiving.imap import _HEAD
from plugins.mail.receiving.ledger import fingerprint
from plugins.mail.sending.wording import GREETING
from plugins.mail.settings import MailSettings
from plugins.mail.testing_servers import PASSWORD, MailServers, mail_servers
from plugins.mail.testing_smtp import DROP, FaultySmtp, faulty_smtp
from plugins.mail.testing_smtp import Taken as Sent

OURS = "support@shop.test"
THEIRS = "anna@example.net"
_IMPORTED_WITHIN = 8.0
"""Seconds until a mail that nobody marked as read counts as not imported."""
_LEFT_ALONE = 1.0
"""Seconds in which a mail that is not ours to import would have been."""
_LARGEST = 1024 * 1024  # bytes of a mail that is read whole
_LONG_AGO = 946684800.0
_REPLIES: dict[Fault, tuple[Any, str]] = {
    Fault.TOO_MANY: ("rcpt", "450 4.7.1 Slow down"),
    Fault.BROKEN: ("data", "451 4.3.0 Broken"),
    Fault.REJECTED: ("rcpt", "550 5.1.1 User unknown"),
    Fault.CUT_BEFORE: ("rcpt", DROP),
    Fault.CUT_AFTER: ("dot", DROP),
}


class Correspondent:
    """A :class:`bot.testing.conformance_wire.Wire`: one customer with a mail program."""

    def __init__(self, servers: MailServers, smtp: FaultySmtp) -> None:
        self._servers, self._smtp = servers, smtp
        self._numbers = count(1)
        self._returns = 0
        smtp.then = self._taken
        self._known: list[str] = []
        login = {"host": "localhost", "tls": "none"}
        box = {
            "name": "support",
            "address": OURS,
            "password": PASSWORD,
            "imap": {**login, "port": servers.imap},
            "smtp": {**login, "port": smtp.port},
            "since": "2020-01-01",
        }
        self.settings: Mapping[str, Any] = {
            "mailboxes": [box],
            "max_bytes": _LARGEST,
            "poll_seconds": 1,
            "burst_seconds": 0,
            "certainty": 0,
            "automatic_per_day": 100,
        }

    def listens_at(self, url: str) -> None:
        """As in the protocol; nobody calls a bot that reads mailboxes."""

    def text(self, text: str) -> Update:
        """As in the protocol."""
        return self._update(self._mail(text))

    def file(self, data: bytes, name: str, text: str = "") -> Update:
        """As in the protocol."""
        mail = self._mail(text)
        mail.add_attachment(data, "image", "png", filename=name)
        return self._update(mail)

    def press(self, title: str) -> Update:
        """As in the protocol; a mail has no buttons."""
        raise NotImplementedError(title)

    def unknown(self) -> Update:
        """As in the protocol: the only mail that is not taken is one of before the beginning."""
        return self._left_alone(self._mail("Hallo aus alter Zeit"))

    def malformed(self) -> Sequence[Update]:
        """As in the protocol: mail is never too broken to be taken, see :meth:`unknown`."""
        return [self._left_alone(self._mail("=?kaputt?="))]

    def oversized(self) -> Sequence[Update]:
        """As in the protocol: of a large mail the beginning is taken, see :meth:`unknown`."""
        return [self._left_alone(self._mail("groß " * 50_000))]

    async def seen(self) -> Sequence[Seen]:
        """As in the protocol: by a program that shows each copy, also of the same Message-ID."""
        return [seen_in(sent) for sent in list(self._smtp.taken)]

    def fail(self, fault: Fault, times: int = 1) -> None:
        """As in the protocol."""
        if fault is Fault.FAILS_LATER:
            self._returns += times
            return
        at, reply = _REPLIES[fault]
        self._smtp.fail(at, reply, times)

    def _taken(self, sent: Sent) -> None:
        """Send a mail back; the report is in our mailbox before we hear that the mail was taken."""
        if self._returns:
            self._returns -= 1
            self._servers.put(OURS, _report(sent))

    def _mail(self, text: str) -> EmailMessage:
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["To"] = f"Anna <{THEIRS}>", OURS
        mail["Message-ID"] = f"<{next(self._numbers)}@example.net>"
        if answered := self._answered():
            mail["In-Reply-To"] = answered
        self._known.append(mail["Message-ID"])
        mail.set_content(text)
        return mail

    def _answered(self) -> str | None:
        """The latest mail that the customer has, else their own: they write on in the thread."""
        got = [sent.mail["Message-ID"] for sent in self._smtp.taken]
        return next(reversed([*self._known[:1], *got]), None)

    def _update(self, mail: EmailMessage) -> Update:
        raw = mail.as_bytes()

        async def bring() -> Taken:
            await asyncio.to_thread(self._servers.put, OURS, raw)
            try:
                async with asyncio.timeout(_IMPORTED_WITHIN):
                    while not self._all_marked(raw):  # noqa: ASYNC110 - files have no event
                        await asyncio.sleep(0.02)
            except TimeoutError:
                return Taken.FAILED
            return Taken.ACCEPTED

        return Update(_wire_id(raw), bring)

    def _all_marked(self, raw: bytes) -> bool:
        """Whether each copy of a mail in our mailbox is marked as read."""
        marks = []
        for file in self._servers.maildir(OURS).glob("[nc][eu][wr]/*"):
            with suppress(FileNotFoundError):  # marked since: it has another name
                if file.read_bytes() == raw:
                    marks.append("S" in file.name.rpartition(",")[2])
        return bool(marks) and all(marks)

    def _left_alone(self, mail: EmailMessage) -> Update:
        raw = mail.as_bytes()
        self._known.pop()

        async def bring() -> Taken:
            await asyncio.to_thread(self._servers.put, OURS, raw, at=_LONG_AGO)
            await asyncio.sleep(_LEFT_ALONE)
            return Taken.ACCEPTED if self._all_marked(raw) else Taken.REFUSED

        return Update(_wire_id(raw), bring)


class MailHarness(Harness):
    """Brings mail to the suite."""

    faults: ClassVar[frozenset[Fault]] = frozenset({*_REPLIES, Fault.FAILS_LATER})
    keeps_unknown: ClassVar[bool] = False
    migrations: ClassVar[Sequence[Migrations]] = (
        Migrations("mail", files("plugins.mail") / "migrations"),
    )

    def channel(self, settings: Mapping[str, Any]) -> Channel:
        """As in the harness."""
        return MailChannel(MailSettings.model_validate(settings))

    @asynccontextmanager
    async def wire(self) -> AsyncIterator[Correspondent]:
        """As in the harness."""
        stack = ExitStack()
        servers = await asyncio.to_thread(stack.enter_context, mail_servers(exim=False))
        try:
            async with faulty_smtp() as smtp:
                yield Correspondent(servers, smtp)
        finally:
            await asyncio.to_thread(stack.close)


def _report(sent: Sent) -> bytes:
    """As RFC 3464 has it."""
    head = sent.content.split(b"\r\n\r\n")[0].decode()
    text = _REPORT.format(to=sent.recipients[0], head=head, ours=OURS)
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()


_REPORT = """\
From: Mail Delivery System <MAILER-DAEMON@mx.shop.test>
To: {ours}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="r"

--r
Content-Type: text/plain

The mail could not be delivered.
--r
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.shop.test

Final-Recipient: rfc822; {to}
Action: failed
Status: 5.1.1
--r
Content-Type: text/rfc822-headers

{head}
--r--
"""


def _wire_id(raw: bytes) -> str:
    if len(raw) <= _LARGEST:
        return fingerprint(raw).content
    return fingerprint(raw[:_HEAD], whole=False).content


def seen_in(sent: Sent) -> Seen:
    """What the customer is told by a mail: without the greeting and the footer around it."""
    mail = sent.mail
    body = mail.get_body(("plain",))
    text = "" if body is None else str(body.get_content()).replace("\r\n", "\n")
    said = text.partition("\n\n-- \n")[0].strip()
    if mail["Auto-Submitted"]:  # an agent's words begin as the agent wants them to
        said = said.removeprefix(_greeting(mail["Content-Language"]))
    return Seen(text=said, files=tuple(part.get_content() for part in mail.iter_attachments()))


def _greeting(language: str) -> str:
    """What stands above the words of a mail that no person wrote, with the line left free."""
    texts = texts_of((OUR_DIALOGUE / "domain",))
    return f"{texts.render(GREETING, {}, language=language).text}\n\n"
