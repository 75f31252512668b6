"""From an outbox row to a mail that was handed in: whose thread, which words, which files.

There is no queue here: what cannot go now is a Retry of the one outbox. The Message-ID of a row is
made once and kept, so that a repeat is the same mail for whoever has got it already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from secrets import token_hex
from urllib.parse import urlsplit

from bot.messages import Attachment, Author, Outbound
from bot.ports import Files, Inbox, Reject, Row, Tx
from bot.store.codec import utc_now
from plugins.mail import threads
from plugins.mail.addresses import domain_of
from plugins.mail.oauth import Tokens
from plugins.mail.sending import sent
from plugins.mail.sending.compose import (
    Automatic,
    File,
    Letter,
    address,
    compose,
    needs_utf8,
)
from plugins.mail.sending.smtp import Login, Relay, Session
from plugins.mail.sending.wording import Wording
from plugins.mail.settings import Mailbox, MailSettings


@dataclass(frozen=True, slots=True)
class Job:
    """What the store knows about a mail that is to go out."""

    message_id: str
    thread: Row
    parent: str  # the Message-ID that it answers, or that it follows; maybe empty
    references: Sequence[str]  # oldest first
    answers: bool  # something of the customer's is in the thread


class Sender:
    """Sends the mails of all mailboxes.

    ``tokens`` give access tokens, by the mailbox's name, where it has no password. Links to the
    host of ``public_url`` and to the mailbox's own domain can be clicked.
    """

    def __init__(
        self,
        settings: MailSettings,
        inbox: Inbox,
        tokens: Mapping[str, Tokens],
        *,
        clock: Callable[[], datetime] = utc_now,
        public_url: str = "",
    ) -> None:
        self._settings = settings
        self._inbox = inbox
        self._host = urlsplit(public_url).hostname or ""
        self._clock = clock
        self._relays = {
            one.name: Relay(one.smtp, login_of(one, tokens.get(one.name)), one.smtp.trust())
            for one in settings.mailboxes
        }

    async def send(self, out: Outbound) -> str:
        """Send one; return its Message-ID. Raises Retry, Reject or UnknownOutcome."""
        now = self._clock()
        files = await _read(self._inbox.files, out.attachments)
        # Noted before it is handed over: an answer or a bounce may be here before we go on.
        job = await self._inbox.store.write(lambda tx: self._job(tx, out, now))
        box = self._box(job.thread)
        letter = self._letter(out, job, box, files, now)
        async with self._relays[box.name].session() as session:
            await self._hand_over(session, letter)
        return job.message_id

    def trouble(self) -> list[str]:
        """What keeps mails from going out now: mailbox and reason, for /health."""
        return [f"{name}: {one.trouble}" for name, one in self._relays.items() if one.trouble]

    async def _hand_over(self, session: Session, letter: Letter) -> None:
        utf8 = needs_utf8(letter.recipient) and session.utf8
        recipient = address(letter.recipient, utf8=utf8)
        content = await asyncio.to_thread(lambda: compose(replace(letter, utf8=utf8)).as_bytes())
        largest = self._settings.send_bytes
        if len(content) > min(session.size or largest, largest):
            raise Reject("too_big")
        await session.hand_over(letter.sender, recipient, content, key=letter.message_id, utf8=utf8)

    def _box(self, thread: Row) -> Mailbox:
        # One that was renamed in the settings: an answer from another address is better than none.
        return self._settings.mailbox(thread["mailbox"]) or self._settings.mailboxes[0]

    def _job(self, tx: Tx, out: Outbound, now: datetime) -> Job:
        thread = threads.get(tx, out.address.id)
        if thread is None:
            raise Reject("mail_no_thread")
        message_id = sent.message_id(tx, out.id)
        earlier = [one for one in sent.chain(tx, thread["key"]) if one["message_id"] != message_id]
        if message_id is None:
            domain = domain_of(self._box(thread).address)
            message_id = f"{token_hex(16)}@{domain}"
        theirs = [one["message_id"] for one in earlier if one["direction"] == "in"]
        ids = tuple(one["message_id"] for one in earlier)
        parent = theirs[-1] if theirs else ids[-1] if ids else ""
        job = Job(message_id, thread, parent, ids, answers=bool(theirs))
        subject = self._words(out, job).subject(thread["subject"], answers=job.answers)
        threads.note(tx, thread["key"], message_id, "out", now, out.id, subject=subject)
        return job

    def _words(self, out: Outbound, job: Job) -> Wording:
        return Wording(self._inbox.texts, self._box(job.thread), out)

    def _letter(
        self, out: Outbound, job: Job, box: Mailbox, files: Sequence[File], now: datetime
    ) -> Letter:
        words = self._words(out, job)
        automatic: Automatic = "auto-replied" if job.answers else "auto-generated"
        return Letter(
            message_id=job.message_id,
            at=now,
            sender=box.address,
            sender_name=words.sender(),
            recipient=job.thread["participant"],
            subject=words.subject(job.thread["subject"], answers=job.answers),
            text=words.text(),
            footer=words.footer(answers=job.answers),
            language=out.language,
            automatic=None if out.author is Author.AGENT else automatic,
            in_reply_to=job.parent,
            references=job.references,
            files=files,
            own=(self._host, domain_of(box.address)),
        )


def login_of(box: Mailbox, tokens: Tokens | None) -> Login:
    """Who hands in the mails of a mailbox."""
    password = box.smtp_password or box.password
    return Login(
        user=box.smtp_user or box.login,
        password=password.get_secret_value() if password else "",
        tokens=tokens,
    )


async def _read(files: Files, attachments: Sequence[Attachment]) -> list[File]:
    """Raises Reject for a file that is not there any more."""
    return [await asyncio.to_thread(_content, files, one) for one in attachments]


def _content(files: Files, attachment: Attachment) -> File:
    path = None if attachment.error else files.path(attachment.file or "")
    if path is None:
        raise Reject(attachment.error or "file_gone")
    return File(attachment.name, attachment.content_type, path.read_bytes())
