"""Events: committed once, then handled in the order of their stream, streams beside each other."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from bot.pacing import PAUSE, backoff
from bot.ports import Retry, Row, Store
from plugins.slack import ledger
from plugins.slack.events import Event, EventHandler

Place = tuple[str, str]
"""A channel and, in it, a thread (``""``: none)."""

log = logging.getLogger(__name__)

_AT_ONCE = 32
_IDLE = 5.0  # seconds; a lost ring costs no more than this
_LONGEST_PAUSE = 60.0  # seconds between two attempts
_QUIET = 0.05  # seconds between two looks
_FAULTS = 8  # attempts of an event whose handler is broken: about three minutes
_PATIENCE = 24 * 3600.0  # seconds that a handler may put an event off


@dataclass(eq=False)
class Intake:
    """Keeps and hands out events. ``hold`` in seconds: for an earlier event that is late."""

    store: Store
    handlers: Sequence[EventHandler]
    hold: float
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _behind: set[Place] | None = field(default_factory=set)
    _held: set[Place] = field(default_factory=set)
    _just_ended: set[str] = field(default_factory=set)
    _ring: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, events: Iterable[Event], *, late: bool = False) -> int:
        """Commit what a handler wants; how many were new. Acknowledge after this.

        ``late`` ones were found in a history: nothing earlier is still to come.
        """
        wanted = [event for event in events if self._handler(event) is not None]
        if not wanted:
            return 0
        hold = 0.0 if late else self.hold
        new = await self.store.write(lambda tx: ledger.take(tx, wanted, time.time(), hold))
        self._ring.set()
        return new

    def fall_behind(self, places: Iterable[Place] | None = None) -> None:
        """Handle nothing of these places (``None``: of any) until what was missed is taken."""
        self._behind = None if places is None else set(places)
        self._ring.set()

    def caught_up(self, place: Place) -> None:
        """What was missed in a channel or thread is taken."""
        if self._behind is not None:
            self._behind.discard(place)
        self._held.discard(place)
        self._ring.set()

    def is_awaited(self, place: Place) -> bool:
        """Whether something that came meanwhile waits for what was missed there."""
        return place in self._held

    async def quiet(self, channel: str, thread: str, seconds: float) -> None:
        """Wait until what was written in a thread before now is handled; at most so long."""
        await asyncio.sleep(self.hold)  # what was written before may come after
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                is_open = partial(ledger.is_open, channel=channel, thread=thread)
                while await self.store.read(is_open):  # noqa: ASYNC110 - rows have no event
                    await asyncio.sleep(_QUIET)

    async def run(self) -> None:
        """Hand out events forever; what runs at the end is ended too, and comes again."""
        try:
            while True:
                try:
                    seconds = await self._start_due()
                except Exception:  # an edge: a full disk, for instance; what is kept stays kept
                    log.exception("slack events cannot use the store")
                    seconds = PAUSE
                try:
                    async with asyncio.timeout(seconds):
                        await self._ring.wait()
                except TimeoutError:
                    pass
                self._ring.clear()
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _start_due(self) -> float:
        """Start the streams that may go on; the seconds until another one may."""
        rest, now = _IDLE, time.time()
        self._just_ended.clear()
        for row in await self.store.read(ledger.heads):
            # One that ended during the read may have been read before it was settled.
            busy = row["stream"] in self._running or row["stream"] in self._just_ended
            if busy or self._is_behind(row):
                continue
            if row["next_at"] > now:
                rest = min(rest, row["next_at"] - now)
            elif len(self._running) < _AT_ONCE:
                self._start(row)
        return rest

    def _is_behind(self, row: Row) -> bool:
        if self._behind is None:
            return True
        # A channel's threads are read with it.
        places = {(row["channel"], row["thread"]), (row["channel"], "")} & self._behind
        self._held |= places
        return bool(places)

    def _start(self, row: Row) -> None:
        task = asyncio.create_task(self._handle(row), name=f"slack {row['stream']}")
        self._running[row["stream"]] = task
        task.add_done_callback(lambda _: self._ended(row["stream"]))

    def _ended(self, stream: str) -> None:
        self._running.pop(stream, None)
        self._just_ended.add(stream)
        self._ring.set()

    async def _handle(self, row: Row) -> None:
        key = row["key"]
        try:
            event = ledger.event_of(row)
            handler = self._handler(event)
            if handler is not None:  # the settings may be others since it was taken
                await handler.handle(event)
            await self.store.write(lambda tx: ledger.settle(tx, key, "done"))
        except Retry as retry:
            await self._again(row, retry)
        except Exception:  # an edge: one event must not stop the others
            log.exception("slack event not handled", extra={"event": key, "kind": row["kind"]})
            await self._again(row, None)

    async def _again(self, row: Row, retry: Retry | None) -> None:
        key, now, attempt = row["key"], time.time(), row["attempts"] + 1
        given_up = attempt >= _FAULTS if retry is None else now - row["taken_at"] > _PATIENCE
        if given_up:
            log.error("slack event given up", extra={"event": key, "kind": row["kind"]})
        usual = backoff(attempt, base=0.5, cap=_LONGEST_PAUSE).total_seconds()
        wait = usual if retry is None or retry.after is None else max(retry.after, 0.05)
        try:
            await self.store.write(
                lambda tx: (
                    ledger.settle(tx, key, "failed")
                    if given_up
                    else ledger.put_off(tx, key, now + wait)
                )
            )
        except Exception:  # an edge: it stays open, and is due at once
            log.exception("slack events cannot use the store")
            await asyncio.sleep(PAUSE)

    def _handler(self, event: Event) -> EventHandler | None:
        return next((one for one in self.handlers if one.wants(event)), None)
