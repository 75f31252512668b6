"""Somebody who writes mails as people do: with a mail program that quotes below what they write."""

from __future__ import annotations

import asyncio
import re
import smtplib
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP, default
from email.utils import format_datetime, localtime, make_msgid

from plugins.mail.testing_servers import PASSWORD, MailServers
from tests.live.waiting import eventually

PATIENCE = 40.0
"""Seconds until somebody who waits for a mail gives up."""
_CHOICE = re.compile(r"^(\d)\. (.+)$", re.MULTILINE)
_SIGNATURE = re.compile(r"^-- $", re.MULTILINE)
File = tuple[str, str, bytes]
"""Name, content type and content."""


@dataclass(frozen=True)
class Letter:
    """A mail as its reader sees it. ``text`` ends where the signature begins: ``footer``."""

    mail: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.mail["Subject"])

    @property
    def id(self) -> str:
        return str(self.mail["Message-ID"])

    @property
    def answers(self) -> str:
        return str(self.mail["In-Reply-To"] or "")

    @property
    def references(self) -> list[str]:
        return str(self.mail["References"] or "").split()

    @property
    def whole(self) -> str:
        body = self.mail.get_body(("plain",))
        assert body is not None, "no plain text"
        return str(body.get_content()).replace("\r\n", "\n")

    @property
    def html(self) -> str:
        body = self.mail.get_body(("html",))
        assert body is not None, "no HTML"
        return str(body.get_content())

    @property
    def text(self) -> str:
        return _SIGNATURE.split(self.whole)[0].strip()

    @property
    def footer(self) -> str:
        _, *rest = _SIGNATURE.split(self.whole)
        return "".join(rest).strip()

    @property
    def buttons(self) -> list[str]:
        """The choices: they stand as numbers in the text."""
        return [match[2] for match in _CHOICE.finditer(self.text)]

    @property
    def files(self) -> list[File]:
        return [
            (str(part.get_filename()), part.get_content_type(), part.get_content())
            for part in self.mail.iter_attachments()
        ]


@dataclass
class Correspondent:
    """Writes from a mailbox of their own, and reads it.

    ``program`` is whose habits: Outlook puts the original below with its headers, the others quote
    it. ``login``: who is logged in, if it is not the one who is in ``From``.
    """

    servers: MailServers
    address: str
    name: str
    language: str = "de"
    program: str = "thunderbird"
    to: str = "support@shop.test"
    login: str = ""
    signature: str = ""
    got: list[Letter] = field(default_factory=list)
    sent: list[EmailMessage] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._before = len(self.servers.mails(self.address))  # of another test's

    async def writes(
        self, subject: str, text: str, *, files: Sequence[File] = (), html: str = "", **more: str
    ) -> EmailMessage:
        """A mail that answers none."""
        return await self._sends(subject, self._signed(text), files, html, more)

    async def replies(
        self,
        text: str,
        to: Letter | None = None,
        *,
        files: Sequence[File] = (),
        html: str = "",
        **more: str,
    ) -> EmailMessage:
        """An answer, to the latest mail if to none; its text stands below."""
        letter = to or self.got[-1]
        prefix = "AW: " if self.language == "de" else "Re: "
        base = re.sub(r"^(?:(?:re|aw): )+", "", letter.subject, flags=re.IGNORECASE)
        headers = {
            "In-Reply-To": letter.id,
            "References": " ".join([*letter.references[-20:], letter.id]),
            **more,
        }
        body = f"{self._signed(text)}\n\n{self._quoted(letter)}\n"
        return await self._sends(f"{prefix}{base}", body, files, html, headers)

    async def receives(self, patience: float = PATIENCE) -> Letter:
        """The next mail."""
        try:
            await eventually(lambda: len(self._box()) > len(self.got), patience, 0.05)
        except TimeoutError:
            raise AssertionError(f"no mail came to {self.address}") from None
        new = self._box()[len(self.got)]
        letter = Letter(BytesParser(EmailMessage, policy=default).parsebytes(new))
        faults = [*letter.mail.defects, *(d for one in letter.mail.values() for d in one.defects)]
        assert not faults, faults
        self.got.append(letter)
        return letter

    async def gets_nothing(self, seconds: float) -> None:
        """For so long."""
        await asyncio.sleep(seconds)
        assert len(self._box()) == len(self.got), self._box()[-1].decode(errors="replace")

    def _box(self) -> list[bytes]:
        return self.servers.mails(self.address)[self._before :]

    def _signed(self, text: str) -> str:
        return f"{text}\n\n-- \n{self.signature}" if self.signature else text

    def _quoted(self, letter: Letter) -> str:
        date = str(letter.mail["Date"])
        if self.program == "outlook":
            words = ("Von", "Gesendet", "An", "Betreff")
            if self.language == "en":
                words = ("From", "Sent", "To", "Subject")
            values = (str(letter.mail["From"]), date, self.address, letter.subject)
            head = "\n".join(f"{word}: {value}" for word, value in zip(words, values, strict=True))
            return f"________________________________\n{head}\n\n{letter.whole}"
        when = f"Am {date} schrieb {letter.mail['From']}:"
        if self.language == "en":
            when = f"On {date}, {letter.mail['From']} wrote:"
        return "\n".join([when, *(f"> {line}" for line in letter.whole.splitlines())])

    async def _sends(
        self, subject: str, text: str, files: Sequence[File], html: str, headers: dict[str, str]
    ) -> EmailMessage:
        mail = EmailMessage(policy=SMTP)
        mail["From"] = f"{self.name} <{self.address}>"
        mail["To"], mail["Subject"] = self.to, subject
        mail["Date"], mail["Message-ID"] = format_datetime(localtime()), make_msgid(domain="test")
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        if html and not text.strip():
            mail.set_content(html, subtype="html")
        else:
            mail.set_content(text)
            if html:
                mail.add_alternative(html, subtype="html")
        for name, kind, content in files:
            main, _, sub = kind.partition("/")
            mail.add_attachment(content, main, sub, filename=name)
        await asyncio.to_thread(self._hand_in, mail)
        self.sent.append(mail)
        return mail

    def _hand_in(self, mail: EmailMessage) -> None:
        login = self.login or self.address
        trust = self.servers.trust()
        with smtplib.SMTP_SSL("localhost", self.servers.smtps, context=trust) as client:
            client.login(login, PASSWORD)
            client.send_message(mail, login, [self.to])
