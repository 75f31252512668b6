"""Leases a conversation, freezes a turn, asks for its answer, and finishes, retries or buries it.

One conversation has one turn at a time, in order; different conversations run in parallel. No
transaction is open while the dialogue or a vendor is awaited.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.freezing import Freezer
from bot.media import MediaFetcher
from bot.messages import Answer, Turn
from bot.pacing import PAUSE, Alarm, backoff
from bot.ports import Middleware, Next, Store, Tx, Unavailable
from bot.settling import Settler
from bot.store import StoreError, conversations, turns
from bot.store.codec import Clock, utc_now

log = logging.getLogger(__name__)

_LEASE = 60.0  # seconds beyond the longest ask; fetching files may take that long


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a turn may take, in seconds.

    After ``slow_after`` the customer hears that it takes longer; an ask ends after ``ask_timeout``
    and is tried again until ``retry_limit`` is over, counted from the first ask: then a person gets
    the case.
    """

    slow_after: float = 5.0
    ask_timeout: float = 30.0
    retry_limit: float = 60.0


@dataclass(eq=False, kw_only=True)
class Dispatcher:
    """Runs the turns. ``ask`` is the dialogue behind its middleware."""

    store: Store
    ask: Next
    freezer: Freezer
    settler: Settler
    media: MediaFetcher
    patience: Patience | None = None
    at_once: int = 32
    clock: Clock = utc_now
    observe: Callable[[str, float], None] = lambda _step, _seconds: None

    def __post_init__(self) -> None:
        self.alarm = Alarm()
        self._patience = self.patience or Patience()
        self._lease = self._patience.ask_timeout + _LEASE
        self._running: set[asyncio.Task[None]] = set()
        self._asking: dict[int, asyncio.Task[Answer]] = {}
        self._taken: set[int] = set()

    async def recover(self) -> None:
        """Drop the leases of the process before, and give its open turns their full time again."""

        def work(tx: Tx) -> None:
            conversations.release_all(tx)
            turns.forget_failures(tx)

        await self.store.write(work)

    async def run(self) -> None:
        """Run turns forever; cancel to stop, then ``drain``."""
        while True:
            try:
                await self._start_due()
                due = await self.store.read(conversations.next_due)
            except Exception:  # an edge: a full disk, for instance; what is due stays due
                log.exception("dispatcher cannot use the store")
                await asyncio.sleep(PAUSE)
                continue
            full = len(self._running) >= self.at_once
            await self.alarm.wait(None if full else due, self.clock())

    async def drain(self, seconds: float) -> None:
        """Let running turns end for so long; the rest is asked again at the next start."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=seconds)
        for task in set(self._running):
            task.cancel()
        if self._running:
            await asyncio.wait(set(self._running))

    def take_over(self, conversation: int) -> None:
        """Stop asking for an answer that nobody will hear. An action that runs goes on."""
        self._taken.add(conversation)  # also between the freeze and the ask
        asking = self._asking.get(conversation)
        if asking is not None:
            asking.cancel()

    async def _start_due(self) -> None:
        room = self.at_once - len(self._running)
        if room <= 0:
            return
        leased = await self.store.write(
            lambda tx: conversations.lease(tx, self.clock(), self._lease, room)
        )
        for conversation, fence in leased:
            task = asyncio.create_task(
                self._serve(conversation, fence), name=f"turn {conversation}"
            )
            self._running.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self.alarm.ring()

    async def _serve(self, conversation: int, fence: int) -> None:
        self._taken.discard(conversation)
        try:
            await self._turn(conversation, fence)
        except StoreError:
            log.exception("turn cannot use the store", extra={"conversation": conversation})
            await asyncio.sleep(PAUSE)
        except Exception:  # an edge: one conversation's fault must not stop the others
            log.exception("turn broken", extra={"conversation": conversation})
            await self.settler.broken(conversation)
        finally:
            await self._release(conversation, fence)

    async def _release(self, conversation: int, fence: int) -> None:
        def work(tx: Tx) -> None:
            conversations.release(tx, conversation, fence)

        try:
            await asyncio.shield(self.store.write(work))
        except StoreError:
            log.exception("lease kept until it ends", extra={"conversation": conversation})

    async def _turn(self, conversation: int, fence: int) -> None:
        clock = asyncio.get_running_loop().time
        started = clock()
        await self.media.fetch(conversation)
        fetched = clock()
        turn, patience = await self.store.write(lambda tx: self._begin(tx, conversation, fence))
        asked_at, frozen = self.clock(), clock()
        self.observe("fetch", fetched - started)
        self.observe("freeze", frozen - fetched)
        if turn is None or conversation in self._taken:
            return
        answer = self.settler.answer_without_dialogue(turn)
        try:
            if answer is None:
                answer = await self._answer(turn, patience)
        except Unavailable as error:
            await self._again(turn, fence, asked_at, str(error) or type(error).__name__)
            return
        except asyncio.CancelledError:
            if asyncio.current_task().cancelling():  # type: ignore[union-attr]
                raise
            return  # taken over: the turn was handed to the agent in that transaction
        finally:
            self.observe("ask", clock() - frozen)
        asked = clock()
        await self.store.write(lambda tx: self.settler.finish(tx, turn, fence, answer))
        self.observe("finish", clock() - asked)

    def _begin(self, tx: Tx, conversation: int, fence: int) -> tuple[Turn | None, float]:
        """The turn to ask, under a lease that lasts, and how many seconds its answer may take."""
        if not conversations.extend_lease(tx, conversation, fence, self.clock(), self._lease):
            return None, 0.0
        turn = self.freezer.freeze(tx, conversation)
        row = None if turn is None else turns.get(tx, turn.key)
        if row is None:
            return None, 0.0
        now = self.clock()
        gone = (now - turns.failing_since(row, now)).total_seconds()
        rest = max(self._patience.retry_limit - gone, 0.1)
        return turn, min(self._patience.ask_timeout, rest)

    async def _answer(self, turn: Turn, patience: float) -> Answer:
        """Ask; when it takes long, tell the customer once and go on waiting."""
        slow = min(self._patience.slow_after, patience)
        asking = asyncio.ensure_future(self.ask(turn))
        self._asking[turn.conversation] = asking
        try:
            await asyncio.wait([asking], timeout=slow)
            if not asking.done():
                await self.store.write(lambda tx: self.settler.tell_delay(tx, turn))
                await asyncio.wait([asking], timeout=patience - slow)
            if not asking.done():
                raise Unavailable("timeout")
            return asking.result()
        finally:
            self._asking.pop(turn.conversation, None)
            if not asking.done():
                asking.cancel()
                await asyncio.wait([asking])

    async def _again(self, turn: Turn, fence: int, asked_at: datetime, error: str) -> None:
        """Ask the same row again later, or give it to a person when the limit is over."""
        now = self.clock()
        until = now + backoff(turn.attempt, base=0.5, cap=8.0)

        def work(tx: Tx) -> None:
            row = turns.get(tx, turn.key)
            if row is None or row["status"] != "frozen":
                return
            if not conversations.holds(tx, turn.conversation, fence):
                return
            limit = timedelta(seconds=self._patience.retry_limit)
            since = turns.failing_since(row, asked_at)
            if until - since > limit:
                self.settler.give_up(tx, turn, fence, error)
                return
            self.settler.tell_delay(tx, turn)
            turns.postpone(tx, turn.key, since, until, error)
            conversations.due_at(tx, turn.conversation, until)

        await self.store.write(work)
        log.warning("turn retried", extra={"turn": turn.key, "reason": error})


def compose(middleware: Sequence[Middleware], ask: Next) -> Next:
    """Wrap ``ask`` in middleware, the first outermost."""
    for layer in reversed(middleware):
        ask = _wrap(layer, ask)
    return ask


def _wrap(layer: Middleware, ask: Next) -> Next:
    return lambda turn: layer(turn, ask)
