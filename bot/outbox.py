"""Delivers outbox rows in the order of their stream: to channels and to desks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.desk import Case, CaseLine
from bot.messages import Author, Outbound, Receipt, State
from bot.pacing import PAUSE, Alarm, backoff
from bot.ports import (
    Channel,
    Desk,
    Edits,
    LooksUp,
    Reject,
    Retry,
    Row,
    SendsTemplates,
    Store,
    Tx,
    UnknownOutcome,
    Unsends,
)
from bot.store import StoreError, cases, conversations, lines, outbox
from bot.store.codec import Clock, unstamp, utc_now
from bot.store.telling import CODE_OVER, UNKNOWN, apply_receipt, is_stale, mark_line, tell_lost

log = logging.getLogger(__name__)

_AT_ONCE = 64
# Both, as a vendor's short Retry-After would use up a number of attempts within seconds.
_MOST_ATTEMPTS = 12
_LONGEST_TRY = timedelta(minutes=30)
_LONGEST_PAUSE = 60.0  # seconds; many short Retry-After times must not make the next pause long
_LOOK_UPS = 8  # about five minutes; nothing of the conversation is sent meanwhile
_SEND_TIMEOUT = 60.0  # seconds; what became of a longer one is not known
_REPEATED = "unknown_repeated"
_UNCHANGED = {"edit": "not_edited", "unsend": "not_unsent"}


@dataclass(eq=False, kw_only=True)
class Deliverer:
    """Sends what is queued. ``case`` loads a case with its order facts, for the card.

    ``reveal`` puts in what a row only refers to: a code is in no table.
    """

    store: Store
    channels: Mapping[str, Channel]
    desks: Mapping[str, Desk]
    case: Callable[[int], Awaitable[Case | None]]
    reveal: Callable[[Tx, Outbound, str], Outbound | None]
    clock: Clock = utc_now
    observe: Callable[[str, float], None] = lambda _step, _seconds: None

    def __post_init__(self) -> None:
        self.alarm = Alarm()
        self._running: set[asyncio.Task[None]] = set()
        self._draining = asyncio.Event()

    async def recover(self) -> None:
        """Begin to settle the rows that were being sent when the last process ended."""
        for row in await self.store.read(outbox.cut_off):
            self._start(row, self._settle_unknown(row))

    async def run(self) -> None:
        """Deliver forever; cancel to stop, then ``drain``."""
        while True:
            try:
                await self._start_due()
                due = await self.store.read(outbox.next_due)
            except Exception:  # an edge: a full disk, for instance; what is queued stays queued
                log.exception("outbox cannot use the store")
                await asyncio.sleep(PAUSE)
                continue
            full = len(self._running) >= _AT_ONCE
            await self.alarm.wait(None if full else due, self.clock())

    async def drain(self) -> None:
        """Wait until what is being sent has been sent."""
        self._draining.set()
        while self._running:
            await asyncio.wait(set(self._running))

    async def _start_due(self) -> None:
        room = _AT_ONCE - len(self._running)
        if room <= 0:
            return
        claiming = asyncio.ensure_future(self.store.write(lambda tx: self._claim(tx, room)))
        try:
            claimed = await asyncio.shield(claiming)
        except asyncio.CancelledError:
            # Claimed and not sent would look like an unknown outcome after the next start.
            for row in await claiming:
                self._start(row, self._deliver(row))
            raise
        for row in claimed:
            self._start(row, self._deliver(row))

    def _start(self, row: Row, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work, name=f"send {row['id']}")
        self._running.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self.alarm.ring()

    def _claim(self, tx: Tx, room: int) -> list[Row]:
        return [row for row in outbox.claim(tx, self.clock(), room) if not self._stale(tx, row)]

    def _stale(self, tx: Tx, row: Row) -> bool:
        if row["op"] != "send" or row["author"] != Author.BOT:
            return False
        if not is_stale(conversations.get(tx, row["conversation"]), row["owner_version"]):
            return False
        outbox.set_state(tx, row["id"], State.DRAFT)
        mark_line(tx, row, self.clock())
        return True

    async def _deliver(self, row: Row) -> None:
        started = asyncio.get_running_loop().time()
        try:
            if row["op"] == "send":
                await self._send(row)
            elif row["op"] in lines.CHANGES:
                await self._change(row)
            else:
                await self._show(row)
        except StoreError:
            log.exception("outbox cannot use the store", extra={"row": row["id"]})
            await self._retry(row, None, "store")
        except Exception:  # an edge: a channel's own fault must not stop the others
            log.exception("send failed", extra={"row": row["id"]})
            if row["op"] == "send":  # it may have left before
                await self._settle_unknown(row)
            else:
                await self._retry(row, None, "error")
        finally:
            self.observe("send", asyncio.get_running_loop().time() - started)

    async def _send(self, row: Row) -> None:
        channel = self.channels.get(row["target"].removeprefix("channel:"))
        if channel is None:
            await self._fail(row, "no_channel")
            return
        out = await self._in_words_that_may_go(channel, row)
        if out is None:
            await self._fail(row, "window_closed")
            return
        if row["secret"]:
            out = await self._revealed(out, row["secret"])
            if out is None:
                await self._fail(row, CODE_OVER)
                return
        try:
            async with asyncio.timeout(_SEND_TIMEOUT):
                vendor_id = await channel.send(out)
        except Retry as retry:
            await self._retry(row, retry.after, retry.reason or "retry")
        except Reject as reject:
            await self._fail(row, reject.reason)
        except (UnknownOutcome, TimeoutError):
            await self._settle_unknown(row)
        else:
            await self._note(lambda tx: self._sent(tx, row, vendor_id))

    async def _change(self, row: Row) -> None:
        """Edit or unsend, at the customer's, what was sent before. To do it twice does no harm."""
        channel = self.channels.get(row["target"].removeprefix("channel:"))
        out, vendor_id = await self.store.read(lambda tx: outbox.load_change(tx, row))
        try:
            async with asyncio.timeout(_SEND_TIMEOUT):
                possible = await _make_change(channel, row["op"], out, vendor_id)
        except Retry as retry:
            await self._retry(row, retry.after, retry.reason or "retry")
        except Reject as reject:
            await self._fail(row, reject.reason)
        except (UnknownOutcome, TimeoutError):
            await self._retry(row, None, "unknown")
        else:
            if not possible:
                await self._fail(row, _UNCHANGED[row["op"]])
                return
            await self._note(lambda tx: self._changed(tx, row))

    def _changed(self, tx: Tx, row: Row) -> None:
        now = self.clock()
        mark_line(tx, lines.changed(tx, row, now), now)

    async def _in_words_that_may_go(self, channel: Channel, row: Row) -> Outbound | None:
        """The message, after the reply window with its template; ``None``: it may not go out."""
        out, last_in_at = await self.store.read(lambda tx: outbox.load(tx, row))
        window, silent = channel.features.reply_window, self.clock() - unstamp(last_in_at)
        if window is None or silent.total_seconds() < window or out.template is not None:
            return out
        template = channel.template_for(out) if isinstance(channel, SendsTemplates) else None
        return None if template is None else replace(out, template=template)

    async def _revealed(self, out: Outbound, secret: str) -> Outbound | None:
        return await self.store.read(lambda tx: self.reveal(tx, out, secret))

    async def _note(self, work: Callable[[Tx], None]) -> None:
        """Write what became of a row; a row left as being sent would hold its stream for ever."""
        while True:
            try:
                await self.store.write(work)
            except StoreError:
                log.exception("outbox cannot write the store")
                if self._draining.is_set():
                    return
                await asyncio.sleep(PAUSE)
            else:
                return

    def _sent(self, tx: Tx, row: Row, vendor_id: str) -> None:
        now = self.clock()
        channel = row["target"].removeprefix("channel:")
        outbox.note_sent(tx, row["id"], vendor_id, now)
        mark_line(tx, row, now)
        for early in outbox.early_receipts(tx, channel, vendor_id):
            report = Receipt(channel, vendor_id, State(early["state"]), early["reason"])
            apply_receipt(tx, report, now)
        tx.notify("sent", row["turn"])

    async def _show(self, row: Row) -> None:
        desk = self.desks.get(row["target"].removeprefix("desk:"))
        if desk is None:
            await self._fail(row, "no_desk")
            return
        try:
            async with asyncio.timeout(_SEND_TIMEOUT):
                await self._show_at(desk, row)
        except Retry as retry:
            await self._retry(row, retry.after, retry.reason or "retry")
        except Reject as reject:
            await self._fail(row, reject.reason)
        except TimeoutError:
            await self._retry(row, None, "timeout")
        else:
            await self._note(lambda tx: outbox.note_sent(tx, row["id"], None, self.clock()))

    async def _show_at(self, desk: Desk, row: Row) -> None:
        if row["op"] == "show":
            case = await self.case(row["case_id"])
            if case is not None:
                await desk.show(case)
            return
        line = await self.store.read(lambda tx: cases.line(tx, row["conversation"], row["subject"]))
        if line is None:
            if row["op"] == "mark":  # an edit to less left nothing of it
                await desk.mark(row["subject"], State.CANCELLED, "stopped")
        elif row["op"] == "post":
            await desk.post(CaseLine(row["case_id"], line))
        elif line.state is not None:
            await desk.mark(line.id, line.state, line.reason)

    async def _retry(self, row: Row, after: float | None, reason: str) -> None:
        attempt = row["attempts"] + 1
        age = self.clock() - unstamp(row["created_at"])
        if attempt >= _MOST_ATTEMPTS and age >= _LONGEST_TRY:
            await self._fail(row, "gave_up")
            return
        wait = backoff(attempt, cap=_LONGEST_PAUSE) if after is None else timedelta(seconds=after)
        at = self.clock() + wait
        if row["reason"] == _REPEATED:
            reason = _REPEATED
        await self._note(lambda tx: outbox.retry_at(tx, row["id"], at, reason))

    async def _fail(self, row: Row, reason: str) -> None:
        def work(tx: Tx) -> None:
            outbox.set_state(tx, row["id"], State.FAILED, reason)
            if row["op"] in lines.CHANGES:
                own = reason if reason.startswith("not_") else _UNCHANGED[row["op"]]
                mark_line(tx, lines.unchanged(tx, row, own), self.clock())
            for ended in (row, *outbox.fail_rest(tx, row, reason)):
                if ended["op"] == "send":
                    tell_lost(tx, ended, reason, self.clock())
            tx.notify("sent", row["turn"])

        await self._note(work)
        log.error("send given up", extra={"row": row["id"], "reason": reason})

    async def _settle_unknown(self, row: Row) -> None:
        """Do what the channel declares about a send whose outcome nobody knows."""
        if row["op"] != "send":
            await self._retry(row, None, _REPEATED)  # a desk's, or a change: the same again
            return
        channel = self.channels.get(row["target"].removeprefix("channel:"))
        way = "dedupe" if channel is None else channel.features.unknown_send
        if way == "ask" and isinstance(channel, LooksUp):
            await self._look_up(channel, row)
        elif way == "dedupe" or _may_repeat(row):
            await self._retry(row, None, _REPEATED)
        else:
            await self._note(lambda tx: self._show_unknown(tx, row))

    async def _look_up(self, channel: LooksUp, row: Row) -> None:
        out, _ = await self.store.read(lambda tx: outbox.load(tx, row))
        for attempt in range(1, _LOOK_UPS + 1):
            try:
                async with asyncio.timeout(_SEND_TIMEOUT):
                    vendor_id = await channel.look_up(out)
            except Retry as retry:
                usual = backoff(attempt, cap=60.0).total_seconds()
                if await self._drains_within(usual if retry.after is None else retry.after):
                    return  # the next start looks it up
            except Exception:  # an edge: not known is not known, whatever the look-up ran into
                log.exception("look-up failed", extra={"row": row["id"]})
                break
            else:
                await self._looked_up(row, vendor_id)
                return
        await self._note(lambda tx: self._show_unknown(tx, row))

    async def _looked_up(self, row: Row, vendor_id: str | None) -> None:
        if vendor_id is None:
            await self._retry(row, None, "not_sent")
        else:
            await self._note(lambda tx: self._sent(tx, row, vendor_id))

    async def _drains_within(self, seconds: float) -> bool:
        """Wait so long; True as soon as the bot stops."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, _SEND_TIMEOUT)):
                return await self._draining.wait()
        return False

    def _show_unknown(self, tx: Tx, row: Row) -> None:
        outbox.set_state(tx, row["id"], State.UNKNOWN, UNKNOWN)
        tell_lost(tx, row, UNKNOWN, self.clock())
        tx.notify("sent", row["turn"])


async def _make_change(
    channel: Channel | None, op: str, out: Outbound, vendor_id: str | None
) -> bool:
    """Have a channel edit or unsend; False where it cannot, or where nothing had arrived."""
    if vendor_id is None:
        return False
    if op == "edit" and isinstance(channel, Edits):
        await channel.edit(out, vendor_id)
    elif op == "unsend" and isinstance(channel, Unsends):
        await channel.unsend(out.address, vendor_id)
    else:
        return False
    return True


def _may_repeat(row: Row) -> bool:
    # A text of ours that reports nothing done does no harm twice, but once is enough.
    ours = row["author"] in (Author.BOT, Author.SYSTEM)
    return ours and not row["effect"] and row["reason"] != _REPEATED
