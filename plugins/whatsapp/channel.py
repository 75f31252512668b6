"""WhatsApp through Twilio: sends, looks up, and fetches."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from aiolimiter import AsyncLimiter
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.rest import Client

from bot.desk import Template
from bot.messages import Attachment, Features, Outbound
from bot.ports import Inbox, Problem, Refused, Reject, Retry, Route
from bot.store import StoreError
from host.ports import Health
from host.texts import TextsBook
from plugins.whatsapp import ledger, wire
from plugins.whatsapp.links import Links
from plugins.whatsapp.offline import template_problems
from plugins.whatsapp.settings import WhatsAppSettings
from plugins.whatsapp.templates import Templates
from plugins.whatsapp.twilio_api import (
    API_ERRORS,
    authorised,
    failure,
    opened,
    variables_json,
)
from plugins.whatsapp.webhooks import STATUS, Webhooks

WINDOW = 24 * 3600.0 - 60.0
"""Seconds after the customer's last message in which free text is sent.

WhatsApp takes it for 24 hours from when it was written. We know when it came, and a send takes a
while: a minute less, so that nothing leaves to fail with 63016.
"""
_LONGEST_WAIT = 3.0
"""Seconds that a send waits for its turn; a longer wait is a Retry and holds no place."""
_LIST = 200
"""Messages of one customer that a look-up reads at most."""
_SKEW = timedelta(minutes=15)
"""How far our clock may be ahead of Twilio's without a message being overlooked."""
_CONTENT_GONE = 21655

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Open:
    client: Client
    session: aiohttp.ClientSession
    inbox: Inbox


class WhatsAppChannel:
    """A WebhookChannel, MediaChannel, and one that LooksUp, SendsTemplates and OffersTemplates."""

    name = wire.CHANNEL
    settles_after = timedelta(seconds=15)
    """A message that was just sent may not be in Twilio's list yet."""

    def __init__(self, settings: WhatsAppSettings, public_url: str) -> None:
        self._settings = settings
        self._templates = Templates(settings.templates)
        self._base = public_url
        secret = settings.auth_token.get_secret_value()
        self._links = Links(secret, public_url, settings.link_minutes * 60)
        self._limiter = AsyncLimiter(max(settings.per_second, 1), max(1 / settings.per_second, 1))
        self._paused_until = 0.0
        self._refused = False
        self._open: _Open | None = None
        self.features = Features(
            text_limit=wire.BODY_LIMIT,
            text_units="utf16",
            buttons=wire.LIST_ITEMS,
            button_title=wire.TITLE_LIMIT,
            button_text=wire.BUTTON_BODY_LIMIT,
            attachments_in=True,
            attachments_out=True,
            attachment_limit=settings.media_mb * 1024 * 1024,
            files_with_text=False,
            reply_window=WINDOW,
            burst_seconds=settings.burst_seconds,
            unknown_send="ask",
        )

    @asynccontextmanager
    async def open(self, inbox: Inbox) -> AsyncIterator[None]:
        """Hold the session to Twilio until closed."""
        async with opened(self._settings) as (client, session):
            self._open = _Open(client, session, inbox)
            try:
                yield
            finally:
                self._open = None

    def routes(self, inbox: Inbox) -> Sequence[Route]:
        """As in the port."""
        secret = self._settings.auth_token.get_secret_value()
        return Webhooks(secret, self._base, inbox, self._links).routes()

    async def send(self, out: Outbound) -> str:
        """As in the port. A number of ours that must wait longer raises Retry."""
        opened = self._opened()
        parameters = await self._parameters(opened, out)
        await self._turn()
        left = await opened.inbox.store.write(
            lambda tx: ledger.attempt(tx, out.id, out.address.id, out.buttons)
        )
        if left is not None:
            return left  # a state told so after a look-up had not found it
        try:
            message = await opened.client.messages.create_async(
                to=wire.number(out.address.id),
                from_=wire.number(self._settings.sender),
                status_callback=f"{self._base}{STATUS}?row={out.id}",
                **parameters,
            )
        except API_ERRORS as error:
            await self._content_gone(opened, out, error)
            raise self._noted(failure(error)) from error
        except Retry as retry:
            self._pause(retry)
            raise
        self._refused = False
        await self._note_sid(opened, out, str(message.sid))
        return str(message.sid)

    async def look_up(self, out: Outbound) -> str | None:
        """As in the port: what a status told, else what Twilio lists for this customer."""
        opened = self._opened()
        sent = await opened.inbox.store.read(lambda tx: ledger.sent(tx, out.id))
        if sent is None:
            return None  # it was stopped before it left
        if sent["sid"] is not None:
            return str(sent["sid"])
        known = await opened.inbox.store.read(lambda tx: ledger.known(tx, out.address.id))
        attempted = datetime.fromisoformat(sent["at"])
        try:
            found = await self._find(opened, out, known)
        except Retry as retry:
            self._pause(retry)
            raise
        except Exception as error:
            raise Retry(None, "vendor_unreachable") from error
        if found is None and datetime.now(UTC) - attempted < self.settles_after:
            raise Retry(self.settles_after.total_seconds() / 3, "whatsapp_unsettled")
        return found

    def template_for(self, out: Outbound) -> str | None:
        """As in the port: by what is said and its language."""
        template = self._templates.standing_for(out)
        return template.content_sid if template else None

    def templates(self, language: str) -> Sequence[Template]:
        """As in the port: those with a title."""
        return self._templates.offered(language)

    def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """As in the port. The account's credentials go to Twilio's API and nowhere else."""
        return self._fetch(self._opened().session, attachment)

    def text_problems(self, texts: TextsBook) -> Iterator[Problem]:
        """As in the port."""
        return template_problems(self._settings.templates, texts)

    async def health(self) -> Health:
        """Red while Twilio refuses the credentials, or nobody can call us."""
        if not self._base:
            return Health(self.name, False, "[bot] public_url is not set")
        if self._refused:
            return Health(self.name, False, "Twilio refuses the account's credentials")
        return Health(self.name, True)

    def _opened(self) -> _Open:
        if self._open is None:
            raise Retry(None, "closed")
        return self._open

    async def _parameters(self, opened: _Open, out: Outbound) -> dict[str, Any]:
        if out.template is not None:
            return self._filled(opened, out)
        if out.attachments:
            return {"media_url": [self._link(one) for one in out.attachments]}
        if not out.buttons:
            return {"body": out.text}
        content = self._content(opened, out)
        sid = await self._content_sid(opened, content)
        return {"content_sid": sid, "content_variables": variables_json(content.variables)}

    def _filled(self, opened: _Open, out: Outbound) -> dict[str, Any]:
        content_sid, variables = self._templates.filled(out, opened.inbox.texts)
        sid = {"content_sid": content_sid}
        return {**sid, "content_variables": variables_json(variables)} if variables else sid

    def _link(self, attachment: Attachment) -> str:
        if attachment.error or attachment.file is None:
            raise Reject(attachment.error or "file_gone")
        if (attachment.size or 0) > self.features.attachment_limit:
            raise Reject("file_too_big")
        return self._links.make(attachment)

    def _content(self, opened: _Open, out: Outbound) -> wire.Content:
        choose = opened.inbox.texts.render("whatsapp_choose", {}, language=out.language).text
        return wire.content_of(out.text, out.buttons, choose, out.language)

    async def _content_sid(self, opened: _Open, content: wire.Content) -> str:
        shape = content.shape
        kept = await opened.inbox.store.read(lambda tx: ledger.content(tx, shape))
        if kept is not None:
            return kept
        await self._turn()
        try:
            # A content that is made twice does no harm: the customer sees none of them.
            made = await opened.client.content.v1.contents.create_async(content)
        except API_ERRORS as error:
            raise self._noted(_unsent(failure(error))) from error
        except Retry as retry:
            self._pause(retry)
            raise
        except Exception as error:
            raise _unsent(error) from error
        sid = str(made.sid)
        await opened.inbox.store.write(lambda tx: ledger.keep_content(tx, shape, sid))
        return sid

    async def _note_sid(self, opened: _Open, out: Outbound, sid: str) -> None:
        try:
            await opened.inbox.store.write(lambda tx: ledger.note_sid(tx, out.id, sid))
        except StoreError:  # it has left: an error from here would send it again
            log.exception("the id of a message is not noted", extra={"row": out.id})

    async def _content_gone(
        self, opened: _Open, out: Outbound, error: TwilioRestException | TwilioServiceException
    ) -> None:
        if error.code == _CONTENT_GONE and out.template is None and out.buttons:
            shape = self._content(opened, out).shape
            await opened.inbox.store.write(lambda tx: ledger.forget_content(tx, shape))
            raise Retry(None, "whatsapp_template") from error

    async def _turn(self) -> None:
        """Wait for this sender's turn. Raises Retry for a longer wait."""
        rest = self._paused_until - asyncio.get_running_loop().time()
        if rest > 0:
            raise Retry(rest, "whatsapp_rate")
        try:
            async with asyncio.timeout(_LONGEST_WAIT):
                await self._limiter.acquire()
        except TimeoutError:
            raise Retry(1.0, "whatsapp_rate") from None

    def _pause(self, retry: Retry) -> None:
        """What one send was told counts for all sends of this number."""
        if retry.reason == "whatsapp_rate" and retry.after:
            until = asyncio.get_running_loop().time() + retry.after
            self._paused_until = max(self._paused_until, until)

    def _noted(self, error: Exception) -> Exception:
        self._refused = isinstance(error, Retry) and error.reason == "whatsapp_credentials"
        return error

    async def _find(self, opened: _Open, out: Outbound, known: set[str]) -> str | None:
        """The oldest message to this customer that is like ``out`` and no other row's."""
        since = (out.created_at or datetime.now(UTC)) - _SKEW
        listed = await opened.client.messages.list_async(
            to=wire.number(out.address.id), from_=wire.number(self._settings.sender), limit=_LIST
        )
        fitting = [
            message
            for message in listed
            if message.sid not in known
            and message.date_created is not None
            and message.date_created >= since
            and _is_like(message, out)
        ]
        return str(fitting[-1].sid) if fitting else None

    async def _fetch(
        self, session: aiohttp.ClientSession, attachment: Attachment
    ) -> AsyncIterator[bytes]:
        url = attachment.ref or ""
        if not url.startswith(f"{self._settings.api_url}/"):
            raise Refused("fetch_failed")
        secret = self._settings.auth_token.get_secret_value()
        headers = authorised(self._settings.account_sid, secret)
        try:
            async with session.get(url, headers=headers, max_redirects=3) as response:
                if response.status != 200:  # Twilio stores a file shortly after it tells of it
                    raise Retry(None, f"media {response.status}")
                async for chunk in response.content.iter_chunked(64 * 1024):
                    yield chunk
        except aiohttp.ClientError as error:
            raise Retry(None, "vendor_unreachable") from error


def _is_like(message: Any, out: Outbound) -> bool:
    """Whether a listed message may be ``out``.

    One that was made from a content may be listed without its words, and one with a file before
    Twilio has fetched it.
    """
    words = " ".join(str(message.body or "").split())
    has_file = str(message.num_media or "0") != "0"
    if out.attachments:
        return has_file or not words
    if out.template is not None or (out.buttons and not words):
        return not has_file
    return words == " ".join(out.text.split())


def _unsent(error: Exception) -> Exception:
    """A failure before the message itself left: it was certainly not sent."""
    return error if isinstance(error, Retry | Reject) else Retry(None, "vendor_unreachable")
