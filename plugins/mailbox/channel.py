"""Mail that goes nowhere: it is kept in a table, where the demo's page and terminal show it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bot.messages import Address, Features, Outbound
from bot.ports import Channel, Inbox, Route, Texts, Tx
from bot.store.codec import utc_now
from plugins.mailbox import ledger
from plugins.mailbox.api import NAME, ShownMail
from plugins.mailbox.pages import mailbox_routes
from plugins.mailbox.settings import MailboxSettings
from plugins.web.api import Listeners


class MailboxChannel:
    """A webhook channel, and the ports ``ReachesEmail``, ``Mailbox`` and ``MailDoor``.

    Nothing leaves the process, so a mail is sent as soon as it is noted, and once.
    """

    name = NAME
    features = Features(text_limit=100_000, buttons=0, burst_seconds=0, unknown_send="dedupe")

    def __init__(self, settings: MailboxSettings) -> None:
        self._keep = settings.keep
        self._listeners = Listeners()
        self._inbox: Inbox | None = None

    @property
    def channel(self) -> Channel:
        """As in the port."""
        return self

    @asynccontextmanager
    async def open(self, inbox: Inbox) -> AsyncIterator[None]:
        """Take mails until closed; then every event stream ends."""
        self._inbox = inbox
        try:
            yield
        finally:
            self._listeners.close()

    async def send(self, out: Outbound) -> str:
        """Note the mail and wake the page."""
        inbox = self._inbox
        if inbox is None:
            raise RuntimeError("the channel is not open")
        subject = _subject(inbox.texts, out)
        now = utc_now()
        number = await inbox.store.write(lambda tx: ledger.add(tx, out, subject, now, self._keep))
        self._listeners.ring(NAME)
        return str(number)

    def address_for(self, tx: Tx, email: str, near: Address | None = None) -> Address:
        """As in the port: all mails to an address are one conversation."""
        del tx, near
        return Address(NAME, email.strip().lower())

    def url(self, base_url: str) -> str:
        """As in the port."""
        return f"{base_url.rstrip('/')}/mailbox"

    def mails(self, tx: Tx, rows: Sequence[str]) -> list[ShownMail]:
        """As in the port."""
        return ledger.of_rows(tx, rows)

    def routes(self, inbox: Inbox) -> Sequence[Route]:
        """The page, and what it asks for."""
        return mailbox_routes(inbox, self._listeners)


def _subject(texts: Texts, out: Outbound) -> str:
    """As the plugin that sends mail words it for a mail that answers none."""
    own = f"mail_subject_{(out.response or '').removeprefix('utter_')}"
    response = own if texts.has(own) else "mailbox_subject"
    return texts.render(response, out.facts, language=out.language).text
