"""Slack as a customer channel: direct messages, and threads in allowed channels."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.messages import Address, Attachment, Author, Features, Inbound, Kind, Outbound
from bot.ports import Inbox, Refused, Reject, Retry, Route, UnknownOutcome
from bot.store import StoreError
from plugins.slack import ledger, wire
from plugins.slack.app import SlackApp, SlackRefused, Upload
from plugins.slack.events import Event, EventKind, Watched
from plugins.slack.interactions import Interaction
from plugins.slack.names import CHANNEL, Me
from plugins.slack.settings import CustomerSettings
from plugins.slack.transfers import is_shared

log = logging.getLogger(__name__)

_WRITTEN = frozenset({EventKind.MESSAGE, EventKind.EDIT, EventKind.DELETE})
_NOT_OPEN = 0.2  # seconds
_WATCHED = 200  # conversations that are read again after an outage
_DAY = 86_400.0
_SKEW = timedelta(minutes=15)
"""How far our clock may be ahead of Slack's without a message being overlooked."""
_PAGE, _PAGES = 200, 5  # of a history, in which a message of ours is looked for
_GONE = frozenset({"message_not_found", "file_not_found", "file_deleted"})


@dataclass(frozen=True, slots=True)
class _Open:
    inbox: Inbox


class SlackChannel:
    """A MediaChannel that LooksUp, Edits and Unsends; its routes are those of mode http."""

    name = CHANNEL
    settles_after = 10.0
    """Seconds until a message that was just sent is certainly in Slack's history."""

    def __init__(self, app: SlackApp, settings: CustomerSettings) -> None:
        self._app, self._settings = app, settings
        self._open: _Open | None = None
        app.add_handler(self)
        app.on_action(wire.ACTION, self.pressed)
        self.features = Features(
            text_limit=wire.TEXT_LIMIT,
            buttons=wire.BUTTONS,
            button_title=wire.TITLE_LIMIT,
            button_text=wire.BUTTON_TEXT_LIMIT,
            attachments_in=True,
            attachments_out=True,
            attachment_limit=settings.file_mb * 1024 * 1024,
            files_with_text=False,
            burst_seconds=settings.burst_seconds,
            unknown_send="ask",  # a message has no key that Slack would know again
            edits=True,
            unsends=True,
        )

    @asynccontextmanager
    async def open(self, inbox: Inbox) -> AsyncIterator[None]:
        """Be connected until left."""
        self._open = _Open(inbox)
        try:
            async with self._app.running(inbox.store):
                yield
        finally:
            self._open = None

    def routes(self, inbox: Inbox) -> Sequence[Route]:
        """As in the port; none in mode socket."""
        del inbox
        return self._app.routes()

    async def send(self, out: Outbound) -> str:
        """As in the port. Raises Retry, Reject or UnknownOutcome."""
        inbox = self._inbox()
        channel, thread = wire.place_of(out.address)
        buttons = [(button.title, button.payload) for button in out.buttons]
        address, now = out.address.id, time.time()
        await inbox.store.write(lambda tx: ledger.attempt(tx, out.id, address, buttons, now))
        if out.attachments:
            return await self._send_file(inbox, out, channel, thread)
        answer = await self._app.call(
            "chat.postMessage",
            channel=channel,
            thread_ts=thread or None,
            **wire.message_of(_by_name(out)),
        )
        return await self._noted(inbox, out.id, channel, str(answer["ts"]))

    async def edit(self, out: Outbound, vendor_id: str) -> None:
        """Let a sent message say something else, in place. Raises as :meth:`send`."""
        channel, _, ts = vendor_id.partition("/")
        if ts.startswith("F"):
            raise Reject("not_edited")
        words = wire.words_of(_by_name(out))
        try:
            await self._app.call("chat.update", channel=channel, ts=ts, **words)
        except SlackRefused as refused:
            raise Reject("not_edited") from refused

    async def unsend(self, address: Address, vendor_id: str) -> None:
        """Delete a sent message; one that is gone is no error. Raises as :meth:`send`."""
        del address
        channel, _, ts = vendor_id.partition("/")
        try:
            if ts.startswith("F"):
                await self._app.call("files.delete", file=ts)
            else:
                await self._app.call("chat.delete", channel=channel, ts=ts)
        except SlackRefused as refused:
            if refused.error not in _GONE:
                raise Reject("not_unsent") from refused

    async def look_up(self, out: Outbound) -> str | None:
        """As in the port: our note, else the message that names the row, in Slack's history."""
        inbox = self._inbox()
        sent = await inbox.store.read(lambda tx: ledger.sent(tx, out.id))
        if sent is None:
            return None  # it was stopped before it left
        channel, thread = wire.place_of(out.address)
        if sent["ts"] is not None:
            return f"{channel}/{sent['ts']}"
        try:
            if sent["file"] is not None:
                found = await self._is_shared(channel, str(sent["file"]))
            elif out.attachments:
                return None  # not even stored: nothing was shared
            else:
                found = await self._find(out, channel, thread)
        except (Reject, UnknownOutcome) as error:
            raise Retry(None, getattr(error, "reason", "")) from error
        if found is None and time.time() - sent["at"] < self.settles_after:
            raise Retry(self.settles_after / 3, "slack_unsettled")
        return f"{channel}/{found}" if found else None

    def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """As in the port."""
        if not attachment.ref:
            raise Refused("fetch_failed")
        limit = self.features.attachment_limit
        return self._app.download({"id": attachment.ref}, limit=limit)

    # As plugins.slack.events.EventHandler

    def wants(self, event: Event) -> bool:
        """Direct messages; of allowed channels what may concern a conversation with the bot."""
        if event.kind not in _WRITTEN:
            return False
        if event.direct:
            return self._settings.direct_messages
        if event.channel not in self._settings.allowed_channels:
            return False
        return event.mention or bool(event.thread_ts) or event.kind is not EventKind.MESSAGE

    async def handle(self, event: Event) -> None:
        """Accept a customer's message. Raises Retry."""
        inbox, me = self._inbox(), await self._me()
        stranger = event.team not in ("", me.team)
        if event.direct and stranger:
            return  # of another company's workspace: only in channels that are shared on purpose
        thread = wire.place_of(wire.address_of(me.team, event))[1]
        ours = event.direct or await inbox.store.read(
            lambda tx: ledger.is_conversation(tx, event.channel, thread)
        )
        if event.kind is EventKind.DELETE and not ours:
            return
        if not ours and not event.mention:
            return  # people among themselves
        name = await self._name(inbox, event.user) if event.user else None
        message = wire.inbound(event, me.team, me.user, name, self.features.attachment_limit)
        now = time.time()
        await inbox.accept(
            message,
            cursor=lambda tx: ledger.note_conversation(tx, event.channel, thread, now),
        )

    async def watched(self) -> Sequence[Watched]:
        """The latest conversations, direct messages that began unheard, and allowed channels."""
        inbox = self._inbox()
        since = time.time() - self._settings.watched_days * _DAY
        known = await inbox.store.read(lambda tx: ledger.conversations(tx, since, _WATCHED))
        found = [Watched(channel) for channel in self._settings.allowed_channels]
        found += [Watched(channel, thread) for channel, thread in known]
        if self._settings.direct_messages:
            found += [Watched(channel) for channel in await self._direct_messages()]
        return found

    async def pressed(self, interaction: Interaction) -> None:
        """A customer pressed a button; one that we do not know is nothing that can be read."""
        inbox, me = self._inbox(), await self._me()
        message = self._of_press(interaction, me)
        row, place = interaction.value, wire.place_pressed(interaction.name)
        button = await inbox.store.read(
            lambda tx: ledger.button(tx, message.address.id, row, place)
        )
        if button is not None:
            title, payload = button
            message = _pressed(message, title, payload)
        await inbox.accept(message)

    def _of_press(self, interaction: Interaction, me: Me) -> Inbound:
        thread = interaction.thread_ts
        root = f"/{thread}" if thread else ""
        return Inbound(
            address=Address(CHANNEL, f"{me.team}/{interaction.channel}{root}"),
            wire_id=f"{interaction.channel}/pressed/{interaction.id}",
            kind=Kind.UNKNOWN,
        )

    async def _send_file(self, inbox: Inbox, out: Outbound, channel: str, thread: str) -> str:
        attachment = out.attachments[0]
        path = inbox.files.path(attachment.file or "")
        if attachment.error or path is None:
            raise Reject(attachment.error or "file_gone")
        if (attachment.size or 0) > self.features.attachment_limit:
            raise Reject("file_too_big")
        file = await self._app.store_file(Upload(path, attachment.name))
        await inbox.store.write(lambda tx: ledger.note_file(tx, out.id, file))
        words = wire.markup(out.text)
        await self._app.share(channel, thread, [(file, attachment.name)], text=words)
        return await self._noted(inbox, out.id, channel, file)

    async def _noted(self, inbox: Inbox, row: str, channel: str, ts: str) -> str:
        try:
            await inbox.store.write(lambda tx: ledger.note_ts(tx, row, ts))
        except StoreError:  # it has left: an error from here would send it again
            log.exception("the id of a message is not noted", extra={"row": row})
        return f"{channel}/{ts}"

    async def _find(self, out: Outbound, channel: str, thread: str) -> str | None:
        """The ``ts`` of the message that names the row of ``out``."""
        method = "conversations.replies" if thread else "conversations.history"
        since = (out.created_at or datetime.now().astimezone()) - _SKEW
        arguments: dict[str, Any] = {"channel": channel, "ts": thread or None}
        arguments |= {"oldest": ledger.ts_of(since.timestamp()), "limit": _PAGE}
        arguments |= {"inclusive": True, "include_all_metadata": True}
        for _ in range(_PAGES):
            page = await self._app.call(method, **arguments)
            for message in page.get("messages", ()):
                if wire.row_of(message) == out.id:
                    return str(message["ts"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None
            arguments["cursor"] = cursor
        raise Retry(None, "slack_unsettled")  # more was written there than can be read

    async def _is_shared(self, channel: str, file: str) -> str | None:
        """The file's id, if it can be seen in the channel."""
        try:
            answer = await self._app.call("files.info", file=file)
        except SlackRefused as refused:
            if refused.error in _GONE:
                return None
            raise
        known = answer.get("file")
        return file if isinstance(known, Mapping) and is_shared(known, channel) else None

    async def _direct_messages(self) -> list[str]:
        """All direct messages of the bot; one may have begun while it could not hear."""
        found: list[str] = []
        cursor = None
        for _ in range(_PAGES):
            page = await self._app.call(
                "conversations.list", types="im", limit=_PAGE, cursor=cursor
            )
            found += [str(one["id"]) for one in page.get("channels", ())]
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
        return found

    async def _name(self, inbox: Inbox, user: str) -> str | None:
        """The profile name; ``None`` where Slack does not tell it now: no message waits for it."""
        now = time.time()
        known = await inbox.store.read(lambda tx: ledger.person(tx, user, now - ledger.NAME_HOLDS))
        if known is not None:
            return known or None
        try:
            answer = await self._app.call("users.info", user=user)
        except (Retry, Reject, UnknownOutcome):
            return None
        person = answer.get("user") or {}
        profile = person.get("profile") or {}
        name = str(profile.get("real_name") or person.get("real_name") or "").strip()
        await inbox.store.write(lambda tx: ledger.note_person(tx, user, name, now))
        return name or None

    async def _me(self) -> Me:
        try:
            return await self._app.me()
        except (Reject, UnknownOutcome) as error:
            raise Retry(None, getattr(error, "reason", "")) from error

    def _inbox(self) -> Inbox:
        if self._open is None:
            raise Retry(_NOT_OPEN, "closed")
        return self._open.inbox


def _by_name(out: Outbound) -> Outbound:
    """Only an agent is named above a message."""
    return out if out.author is Author.AGENT else replace(out, name=None)


def _pressed(message: Inbound, title: str, payload: str) -> Inbound:
    return replace(message, kind=Kind.BUTTON, text=title, payload=payload)
