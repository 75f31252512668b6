"""One road for mails, from whichever mailbox: read, place, accept; each is one transaction."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from bot.messages import Address, Inbound, Kind, Receipt, State
from bot.ports import Inbox, Refused, Tx
from bot.store import StoreError, conversations
from bot.store.files import hand_over
from plugins.mail import ledger, threads, wire
from plugins.mail.addresses import normal
from plugins.mail.auth_results import Verdict, verdict
from plugins.mail.ledger import Fingerprint, Source
from plugins.mail.model import Bounce, Mail
from plugins.mail.names import CHANNEL, FROM_US, NO_SENDER, TOO_MANY, UNDELIVERED, UNREADABLE
from plugins.mail.parsing import bounces, kinds
from plugins.mail.poison import read, saved
from plugins.mail.proposals import propose
from plugins.mail.settings import Mailbox, MailSettings
from plugins.mail.threads import Place

log = logging.getLogger(__name__)

_DAY = timedelta(days=1)
_OWNER = "mail"  # of originals that belong to no conversation


@dataclass(frozen=True, slots=True)
class Fetched:
    """A mail as it came out of its mailbox. ``raw`` is its beginning where ``size`` is larger."""

    source: Source
    raw: bytes
    size: int

    @property
    def whole(self) -> bool:
        """Whether all of it was fetched."""
        return len(self.raw) >= self.size


@dataclass(frozen=True, slots=True)
class _Seen:
    """A mail with everything that was found out about it."""

    fetched: Fetched
    mark: Fingerprint
    file: str | None
    mail: Mail
    odd: bool  # could not be parsed as others are
    box: Mailbox


class Intake:
    """Takes mails for the inbox, one at a time."""

    def __init__(self, settings: MailSettings, inbox: Inbox, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._inbox = inbox
        self._clock = clock
        self._lock = asyncio.Lock()  # two mailboxes must not import the same mail side by side

    async def take(self, fetched: Fetched, box: Mailbox) -> str:
        """Import a mail and return what became of it. Raises Refused when no disk has room."""
        async with self._lock:
            mark = await asyncio.to_thread(
                ledger.fingerprint, fetched.raw, None if fetched.whole else fetched.size
            )
            known = await self._inbox.store.read(lambda tx: ledger.same_mail(tx, mark))
            if known is not None:
                return await self._noted(fetched, mark, "duplicate", known["thread"], None)
            file = await self._kept(fetched)
            mail, odd = await asyncio.to_thread(read, fetched.raw)
            seen = _Seen(fetched, mark, file, mail, odd, box)
            try:
                return await self._accepted(seen)
            except (StoreError, Refused):
                raise
            except Exception:  # an edge: what is odd about one mail must not stop those behind it
                log.exception("a mail could not be understood")
                return await self._placed(replace(seen, mail=saved(fetched.raw), odd=True), None)

    async def _kept(self, fetched: Fetched) -> str | None:
        try:
            made = await self._inbox.files.put_bytes(fetched.raw, name="mail.eml", owner=_OWNER)
        except Refused as refused:
            if refused.reason == "file_empty":
                return None
            raise
        return made.file

    async def _accepted(self, seen: _Seen) -> str:
        mail = seen.mail
        bounce = None if seen.odd else bounces.bounce(mail)
        if bounce is not None and (done := await self._bounced(seen, bounce)):
            return done
        sender = normal(mail.sender.email)
        automatic = None
        if not seen.odd and sender not in self._settings.forms:  # a form is a machine, for a person
            automatic = kinds.automatic(mail, self._settings.lists)
        if sender in self._settings.own:
            sent = await self._inbox.store.read(
                lambda tx: threads.sent_as(tx, [mail.message_id] if mail.message_id else [])
            )
            if sent is not None:
                return await self._noted(seen.fetched, seen.mark, "own", sent["thread"], seen.file)
        return await self._placed(seen, automatic or ("bounce" if bounce else None))

    async def _placed(self, seen: _Seen, automatic: str | None) -> str:
        mail, now = seen.mail, self._clock()
        proven = verdict(mail, seen.fetched.raw, seen.box)
        participant, by_form = wire.participant(mail, self._settings.forms)
        if by_form:
            proven = Verdict.NONE  # what the form says of its writer is not proven
        spot, begun = await self._inbox.store.read(
            lambda tx: (
                threads.place(tx, mail, participant, proven, now),
                threads.begun(tx, participant, proven, now - _DAY),
            )
        )
        # A machine that answers each of ours with a new thread would never reach a thread's limit.
        many = spot.new and begun >= self._settings.threads_per_day and not by_form
        message = await asyncio.to_thread(
            wire.inbound,
            mail,
            spot,
            file=seen.file,
            wire_id=seen.mark.content,
            whole=seen.fetched.whole,
            email=participant if proven is Verdict.PASS else None,
            automatic=automatic,
            person=self._person(seen, participant) or (TOO_MANY if many else None),
        )
        outcome = automatic or ("odd" if seen.odd else "message")
        await self._inbox.accept(
            message,
            cursor=partial(self._commit, seen, spot, participant, proven, outcome, now),
        )
        return outcome

    def _person(self, seen: _Seen, participant: str) -> str | None:
        """Why a person must see it instead of a machine."""
        if seen.odd:
            return UNREADABLE
        if not participant:
            return NO_SENDER
        return FROM_US if participant in self._settings.own else None

    def _commit(
        self,
        seen: _Seen,
        spot: Place,
        participant: str,
        proven: Verdict,
        outcome: str,
        now: datetime,
        tx: Tx,
    ) -> None:
        threads.keep(tx, spot, seen.mail, participant, proven, seen.box.name, now)
        ledger.note(
            tx, seen.fetched.source, seen.mark, outcome, now, thread=spot.key, file=seen.file
        )
        conversation = conversations.of_address(tx, Address(CHANNEL, spot.key))
        if conversation is None:
            return
        if seen.file is not None:
            hand_over(tx, seen.file, _OWNER, conversation["id"])
        propose(tx, conversation["id"], spot, participant, proven, now)

    async def _bounced(self, seen: _Seen, bounce: Bounce) -> str | None:
        """Mark what came back. ``None``: it is not about a mail of ours, to that recipient."""
        sent = await self._inbox.store.read(lambda tx: threads.sent_as(tx, bounce.message_ids))
        to = normal(bounce.recipient)
        if sent is None or (to and to != sent["participant"]):
            return None
        if not bounce.final:
            return await self._noted(seen.fetched, seen.mark, "delay", sent["thread"], seen.file)
        # Before its row in the ledger: twice does no harm, and never would.
        await self._inbox.receipt(
            Receipt(
                CHANNEL,
                sent["message_id"],
                State.FAILED,
                bounce.reason or "bounced",
                row=sent["row"],
            )
        )
        message = Inbound(
            Address(CHANNEL, sent["thread"]),
            seen.mark.content,
            Kind.AUTOMATIC,
            text=seen.mail.subject,
            folded=seen.mail.text,
            quotes=sent["message_id"],
            person=UNDELIVERED,
        )
        await self._inbox.accept(
            message,
            cursor=lambda tx: ledger.note(
                tx,
                seen.fetched.source,
                seen.mark,
                "bounce",
                self._clock(),
                thread=sent["thread"],
                file=seen.file,
            ),
        )
        return "bounce"

    async def _noted(
        self,
        fetched: Fetched,
        mark: Fingerprint,
        outcome: str,
        thread: str | None,
        file: str | None,
    ) -> str:
        now = self._clock()
        await self._inbox.store.write(
            lambda tx: ledger.note(tx, fetched.source, mark, outcome, now, thread=thread, file=file)
        )
        return outcome
