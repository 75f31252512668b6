"""What was missed without a connection, read from the histories and taken like everything else."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.ports import Reject, Retry, Store, UnknownOutcome
from plugins.slack import ledger
from plugins.slack.events import Event, EventHandler, EventKind, Watched
from plugins.slack.incoming import deletion_of, is_gravestone, parse_shown
from plugins.slack.intake import Intake
from plugins.slack.names import Me

log = logging.getLogger(__name__)

Call = Callable[..., Awaitable[Mapping[str, Any]]]
_PAGE = 200
_PAGES = 10  # of one channel or thread
_ATTEMPTS = 6
_OPENS_WITHIN = 50  # attempts, of which each waits a moment
_HOLDS = 30.0  # seconds that streams wait for this at most
_SETTLED = 5.0  # seconds until a message is certainly in the history
_SWEPT = 20  # channels and threads that are read now and then, though nothing seems missed


@dataclass(frozen=True, slots=True)
class _Read:
    """Messages of a channel or thread; ``whole`` if none between them is left out."""

    messages: Sequence[Mapping[str, Any]]
    whole: bool


@dataclass(eq=False, kw_only=True)
class CatchUp:
    """Reads what the handlers watch. ``lookback`` in seconds: for edits and deletions."""

    store: Store
    intake: Intake
    handlers: Sequence[EventHandler]
    call: Call
    me: Callable[[], Awaitable[Me]]
    lookback: float
    _owed: dict[tuple[str, str], str] = field(default_factory=dict)
    """Since when channels and threads must still be read: Slack did not show them."""
    _asked_in_vain: bool = False

    async def after_outage(self) -> None:
        """Read everything that is watched; what comes there meanwhile waits, and is read first."""
        self.intake.fall_behind()
        loop = asyncio.get_running_loop()
        late = loop.call_later(_HOLDS, self._give_way)
        try:
            watched = await self._watched()
            self.intake.fall_behind((one.channel, one.thread_ts) for one in watched)
            await self._read_all(watched)
        finally:
            late.cancel()
            self.intake.fall_behind(())

    @property
    def owes(self) -> bool:
        """Whether something that may have been missed could not be read."""
        return self._asked_in_vain or bool(self._owed)

    async def make_good(self) -> None:
        """Read what could not be read after an outage. Nothing waits for it any more."""
        owed = [Watched(*place, since) for place, since in self._owed.items()]
        await self._read_all([*owed, *(await self._watched() if self._asked_in_vain else ())])

    async def sweep(self) -> None:
        """Read the most important of it, in case Slack forgot to tell something."""
        await self._read_all((await self._watched())[:_SWEPT])

    def _give_way(self) -> None:
        log.warning("slack: what was missed takes long to read; going on")
        self.intake.fall_behind(())

    async def _watched(self) -> list[Watched]:
        found: dict[tuple[str, str], Watched] = {}
        self._asked_in_vain = False
        for handler in self.handlers:
            try:
                for one in await self._asked(handler):
                    found.setdefault((one.channel, one.thread_ts), one)
            except Exception:  # an edge: the other handlers' channels must be read
                log.exception("slack: what to watch is not known")
                self._asked_in_vain = True
        return list(found.values())

    async def _asked(self, handler: EventHandler) -> Sequence[Watched]:
        """What a handler watches; a part that opens after another is waited for."""
        for _ in range(_OPENS_WITHIN):
            try:
                return await handler.watched()
            except Retry as retry:
                await asyncio.sleep(retry.after or 0.2)
        return await handler.watched()

    async def _read_all(self, watched: Sequence[Watched]) -> None:
        left = list(watched)
        done: set[tuple[str, str]] = set()
        while left:
            one = self._next(left)
            left.remove(one)
            try:
                await self._read(one, done)
            except (Reject, Retry, UnknownOutcome) as error:
                if isinstance(error, Reject):  # an operator must mend it, and hears of it
                    self._owed.pop((one.channel, one.thread_ts), None)
                why = getattr(error, "reason", "") or type(error).__name__
                log.warning("slack: not read", extra={"channel": one.channel, "why": why})
            self.intake.caught_up((one.channel, one.thread_ts))

    def _next(self, left: Sequence[Watched]) -> Watched:
        """Where somebody waits for an answer, else the most important one."""
        awaited = (one for one in left if self.intake.is_awaited((one.channel, one.thread_ts)))
        return next(awaited, left[0])

    async def _read(self, watched: Watched, done: set[tuple[str, str]]) -> None:
        place = (watched.channel, watched.thread_ts)
        since = self._owed.get(place) or watched.since or await self._since(watched)
        if not since or place in done:
            return
        done.add(place)
        self._owed[place] = since  # what is heard meanwhile must not hide what is missing
        oldest = ledger.ts_of(max(float(since) - self.lookback, 0.0))
        before = ledger.ts_of(time.time() - _SETTLED)
        read = await self._fetch(watched.channel, watched.thread_ts, oldest)
        await self._take(watched, read, oldest, before)
        if not watched.thread_ts:
            await self._read_threads(watched.channel, read, since, oldest, done)
        self._owed.pop(place, None)

    async def _read_threads(
        self, channel: str, read: _Read, since: str, oldest: str, done: set[tuple[str, str]]
    ) -> None:
        for root in read.messages:
            latest = root.get("latest_reply")
            if isinstance(latest, str) and latest >= oldest:
                await self._read(Watched(channel, str(root.get("ts")), since), done)

    async def _since(self, watched: Watched) -> str:
        """From when on something may be missing; never seen means from the last connection on."""

        def work(tx: Any) -> str:
            seen = ledger.seen(tx, watched.channel, watched.thread_ts)
            return seen or ledger.seen(tx, "", "")

        return await self.store.read(work)

    async def _take(self, watched: Watched, read: _Read, oldest: str, before: str) -> None:
        me = await self.me()
        for message in sorted(read.messages, key=lambda message: str(message.get("ts"))):
            events = parse_shown(message, watched.channel, me)
            if events and events[0].thread_ts == watched.thread_ts:
                await self.intake.take(events, late=True)
        await self._take_deletions(watched, read, oldest, before)

    async def _take_deletions(
        self, watched: Watched, read: _Read, oldest: str, before: str
    ) -> None:
        """Those that were taken, and now are a gravestone or, in a whole stretch, not there."""
        graves = {str(one.get("ts")) for one in read.messages if is_gravestone(one)}
        shown = {str(one.get("ts")) for one in read.messages} - graves
        known = await self.store.read(
            lambda tx: ledger.known(tx, watched.channel, watched.thread_ts, oldest, before)
        )
        now = ledger.ts_of(time.time())
        direct = watched.channel.startswith("D")
        gone = [
            deletion_of(_message(watched, ts, key, direct), now)
            for ts, key in known.items()
            if ts in graves or (read.whole and ts not in shown)
        ]
        await self.intake.take(gone, late=True)

    async def _fetch(self, channel: str, thread: str, oldest: str) -> _Read:
        method = "conversations.replies" if thread else "conversations.history"
        arguments: dict[str, Any] = {"channel": channel, "ts": thread or None}
        arguments |= {"oldest": oldest, "inclusive": True, "limit": _PAGE}
        messages: list[Mapping[str, Any]] = []
        for _ in range(_PAGES):
            page = await self._patiently(method, arguments)
            messages += [one for one in page.get("messages", ()) if isinstance(one, Mapping)]
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return _Read(messages, whole=True)
            arguments["cursor"] = cursor
        log.warning("slack: more was missed than is read", extra={"channel": channel})
        return _Read(messages, whole=False)

    async def _patiently(self, method: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self.call(method, **arguments)
            except Retry as retry:
                if attempt == _ATTEMPTS:
                    raise
                await asyncio.sleep(2.0**attempt / 4 if retry.after is None else retry.after)
        raise AssertionError  # the last attempt raises


def _message(watched: Watched, ts: str, key: str, direct: bool) -> Event:
    return Event(
        key=key,
        kind=EventKind.MESSAGE,
        type="message",
        channel=watched.channel,
        ts=ts,
        thread_ts=watched.thread_ts,
        direct=direct,
    )
