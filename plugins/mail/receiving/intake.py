"""One road for mails, from whichever mailbox: read, place, accept; each is one transaction."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from bot.messages import Address, Inbound, Kind, Receipt, State
from bot.ports import Inbox, Refused, Row, Tx
from bot.store import StoreError, conversations
from bot.store.files import hand_over
from plugins.mail import threads
from plugins.mail.model import Bounce
from plugins.mail.names import CHANNEL, MAYBE_A_MACHINE, TOO_MANY, UNDELIVERED
from plugins.mail.parsing.kinds import UNSURE
from plugins.mail.receiving import ledger, wire
from plugins.mail.receiving.auth_results import Verdict
from plugins.mail.receiving.ledger import Fingerprint
from plugins.mail.receiving.proposals import propose
from plugins.mail.receiving.seen import Fetched, Seen, look, rescued
from plugins.mail.settings import Mailbox, MailSettings
from plugins.mail.threads import Place

log = logging.getLogger(__name__)

_DAY = timedelta(days=1)
_OWNER = "mail"  # of originals that belong to no conversation


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
            mark = await asyncio.to_thread(ledger.fingerprint, fetched.raw, whole=fetched.whole)
            known = await self._inbox.store.read(lambda tx: ledger.same_mail(tx, mark))
            if known is not None:
                return await self._noted(fetched, mark, "duplicate", known["thread"], None)
            file = await self._kept(fetched)
            seen = await asyncio.to_thread(look, fetched, mark, file, box, self._settings)
            try:
                return await self._accepted(seen)
            except (StoreError, Refused):
                raise
            except Exception:  # an edge: what is odd about one mail must not stop those behind it
                log.exception("a mail could not be placed")
                again = await asyncio.to_thread(rescued, fetched, mark, file, box)
                return await self._placed(again)

    async def _kept(self, fetched: Fetched) -> str | None:
        try:
            made = await self._inbox.files.put_bytes(fetched.raw, name="mail.eml", owner=_OWNER)
        except Refused as refused:
            if refused.reason == "file_empty":
                return None
            raise
        return made.file

    async def _accepted(self, seen: Seen) -> str:
        if seen.bounce is not None and (done := await self._bounced(seen, seen.bounce)):
            return done
        if seen.sender in self._settings.own and (sent := await self._sent(seen)) is not None:
            return await self._noted(seen.fetched, seen.mark, "own", sent["thread"], seen.file)
        return await self._placed(seen)

    async def _sent(self, seen: Seen) -> Row | None:
        ids = [seen.mail.message_id] if seen.mail.message_id else []
        return await self._inbox.store.read(lambda tx: threads.sent_as(tx, ids))

    async def _placed(self, seen: Seen) -> str:
        now, who, proven = self._clock(), seen.participant, seen.proven
        spot, begun = await self._inbox.store.read(
            lambda tx: (
                threads.place(tx, seen.mail, who, proven, now),
                threads.begun(tx, who, proven, now - _DAY),
            )
        )
        # A machine that answers each of ours with a new thread would never reach a thread's limit.
        many = spot.new and begun >= self._settings.threads_per_day and not seen.by_form
        unsure = _may_be_a_persons(seen, spot)
        message = await asyncio.to_thread(
            wire.inbound,
            seen.mail,
            spot,
            file=seen.file,
            wire_id=seen.mark.content,
            whole=seen.fetched.whole,
            email=who if proven is Verdict.PASS else None,
            automatic=None if unsure else seen.automatic,
            person=seen.person or (TOO_MANY if many else MAYBE_A_MACHINE if unsure else None),
        )
        outcome = seen.automatic or ("odd" if seen.odd else "message")
        await self._inbox.accept(message, cursor=partial(self._commit, seen, spot, outcome, now))
        return outcome

    def _commit(self, seen: Seen, spot: Place, outcome: str, now: datetime, tx: Tx) -> None:
        who, proven = seen.participant, seen.proven
        threads.keep(tx, spot, seen.mail, who, proven, seen.box.name, now)
        # What a machine begins nobody sees at a desk: unread it lies where people may look.
        stays = seen.automatic is not None and spot.new and not _may_be_a_persons(seen, spot)
        self._note(tx, seen.fetched, seen.mark, outcome, spot.key, seen.file, stays=stays)
        conversation = conversations.of_address(tx, Address(CHANNEL, spot.key))
        if conversation is not None:
            propose(tx, conversation["id"], spot, who, proven, now)

    async def _bounced(self, seen: Seen, bounce: Bounce) -> str | None:
        """Mark what came back. ``None``: it is not about a mail of ours.

        It may name another recipient: customers have their mails forwarded. That it names a
        Message-ID of ours, which nobody can guess, is all that makes it believed.
        """
        sent = await self._inbox.store.read(lambda tx: threads.sent_as(tx, bounce.message_ids))
        if sent is None:
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
            cursor=lambda tx: self._note(
                tx, seen.fetched, seen.mark, "bounce", sent["thread"], seen.file
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
        await self._inbox.store.write(
            lambda tx: self._note(tx, fetched, mark, outcome, thread, file)
        )
        return outcome

    def _note(
        self,
        tx: Tx,
        fetched: Fetched,
        mark: Fingerprint,
        outcome: str,
        thread: str | None,
        file: str | None,
        *,
        stays: bool = False,
    ) -> None:
        """Write the ledger's row; the original is erased with whose conversation it is in."""
        now = self._clock()
        ledger.note(tx, fetched.source, mark, outcome, now, thread=thread, file=file, stays=stays)
        if file is None or thread is None:
            return
        conversation = conversations.of_address(tx, Address(CHANNEL, thread))
        if conversation is not None:
            hand_over(tx, file, _OWNER, conversation["id"])


def _may_be_a_persons(seen: Seen, spot: Place) -> bool:
    """Whether a mail that no machine shall answer is to be seen by a person.

    Newsletters begin threads; what answers in one, and what somebody's rule sent on, may matter.
    """
    return seen.automatic in UNSURE and (not spot.new or seen.automatic == "forwarded")
