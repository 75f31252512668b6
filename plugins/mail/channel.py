"""Mail as a channel: what it can do, the mailboxes while it is open, and threads by address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

from bot.messages import Address, Attachment, Features, Outbound
from bot.ports import Inbox, Retry, Tx
from bot.store.codec import utc_now
from bot.store.customers import WrittenBy
from host.ports import Health
from plugins.mail import threads
from plugins.mail.line import Line
from plugins.mail.names import CHANNEL, TEXT_LIMIT
from plugins.mail.oauth import Tokens, opened_tokens
from plugins.mail.receiving.intake import Intake
from plugins.mail.receiving.mailbox import Mailbox
from plugins.mail.receiving.originals import stream
from plugins.mail.sending.sender import Sender
from plugins.mail.settings import MailSettings


class MailChannel:
    """A MediaChannel that TellsSender, and the port ReachesEmail."""

    name = CHANNEL

    def __init__(
        self,
        settings: MailSettings,
        clock: Callable[[], datetime] = utc_now,
        *,
        public_url: str = "",
    ) -> None:
        self._settings = settings
        self._public_url = public_url
        self._clock = clock
        self._lines = {
            one.name: Line(one.name, settings.quiet_seconds) for one in settings.mailboxes
        }
        self._inbox: Inbox | None = None
        self._sender: Sender | None = None
        self._tokens: dict[str, Tokens] = {}
        self.features = Features(
            text_limit=TEXT_LIMIT,
            buttons=0,
            attachments_in=True,
            attachments_out=True,
            attachment_limit=settings.max_bytes,
            joined=True,
            burst_seconds=settings.burst_seconds,
            unknown_send="show",
            certainty=settings.certainty,
            automatic_per_day=settings.automatic_per_day,
            session_pause=settings.session_days * 24 * 3600,
            courtesies=False,
        )

    @asynccontextmanager
    async def open(self, inbox: Inbox) -> AsyncIterator[None]:
        """Watch the mailboxes, and send, until closed."""
        async with AsyncExitStack() as stack:
            tokens = await stack.enter_async_context(
                opened_tokens(self._settings, inbox.store, self._clock)
            )
            intake = Intake(self._settings, inbox, self._clock)
            boxes = [
                Mailbox(
                    settings=self._settings,
                    box=box,
                    inbox=inbox,
                    intake=intake,
                    line=self._lines[box.name],
                    tokens=tokens.get(box.name),
                    clock=self._clock,
                )
                for box in self._settings.mailboxes
            ]
            self._inbox, self._tokens = inbox, tokens
            self._sender = Sender(
                self._settings, inbox, tokens, clock=self._clock, public_url=self._public_url
            )
            tasks = [asyncio.create_task(box.run()) for box in boxes]
            try:
                yield
            finally:
                self._inbox = self._sender = None
                self._tokens = {}
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def send(self, out: Outbound) -> str:
        """As in the port; the id is the mail's Message-ID."""
        if self._sender is None:
            raise Retry(None, "closed")
        return await self._sender.send(out)

    def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """As in the port: out of the original, which is in Files."""
        if self._inbox is None:
            raise Retry(None, "closed")
        return stream(self._inbox.files, attachment.ref or "")

    def address_for(self, tx: Tx, email: str, near: Address | None = None) -> Address:
        """As in the port."""
        key = near.id if near is not None and near.channel == self.name else None
        box = self._settings.mailboxes[0].name
        return Address(self.name, threads.reach(tx, email, key, box, self._clock()))

    def sender(self, tx: Tx, address: Address) -> WrittenBy | None:
        """The thread's participant; proven by the latest mail alone."""
        return threads.sender(tx, address)

    async def health(self) -> Health:
        """Red while one of the mailboxes cannot be read, or its login is about to die."""
        found = [self._lines[name].trouble() for name in self._lines]
        found += [token.trouble() for token in self._tokens.values()]
        told = [one for one in found if one is not None]
        told += self._sender.trouble() if self._sender is not None else []
        return Health(self.name, not told, "; ".join(told))
