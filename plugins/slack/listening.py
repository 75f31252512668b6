"""What runs while the app is open: connections, handling, catching up, and forgetting."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bot.pacing import backoff
from bot.ports import Reject, Retry, Store, UnknownOutcome
from plugins.slack import ledger
from plugins.slack.api import Api
from plugins.slack.catchup import CatchUp
from plugins.slack.connection import Connections
from plugins.slack.dispatch import Dispatch
from plugins.slack.events import Event, EventHandler, EventKind, Malformed
from plugins.slack.incoming import parse_event
from plugins.slack.intake import Intake
from plugins.slack.line import Line
from plugins.slack.names import Me
from plugins.slack.settings import SlackSettings
from plugins.slack.webhooks import Webhooks

log = logging.getLogger(__name__)

_HOLDS = 30.0  # seconds
_TOGETHER = 0.2  # seconds; connections that are made at once have missed the same
_ALIVE = 20.0  # seconds between two notes that we are connected
_UNSURE = 60.0  # seconds before such a note in which a dead connection may not be noticed
_OWES = 30.0  # seconds until what Slack did not show after an outage is asked for again
_LOOKS = 60.0  # seconds between two looks whether a channel is mended
_FORGETS = 3600.0
_LONGEST_PAUSE = 30.0
_DAY = 86_400.0
_ENDED = {
    "app_uninstalled": "the app was removed from the workspace: install it anew",
    "tokens_revoked": "the bot token was revoked: install the app anew",
}


def _is_end(event: Event) -> bool:
    """Whether the bot token is good for nothing any more; people's tokens are told of too.

    https://docs.slack.dev/reference/events/tokens_revoked.
    """
    tokens = event.raw.get("tokens")
    others = isinstance(tokens, Mapping) and not tokens.get("bot")
    return event.type in _ENDED and not (event.type == "tokens_revoked" and others)


@dataclass(eq=False, kw_only=True)
class Listening:
    """Hears from Slack until :meth:`running` is left."""

    settings: SlackSettings
    store: Store
    api: Api
    session: aiohttp.ClientSession
    line: Line
    handlers: Sequence[EventHandler]
    dispatch: Dispatch
    webhooks: Webhooks | None
    me: Callable[[], Awaitable[Me]]
    call: Callable[..., Awaitable[Mapping[str, Any]]]
    _me: Me | None = None
    _catching: asyncio.Task[None] | None = None
    _again: bool = False
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._intake = Intake(self.store, self.handlers, self.settings.hold_seconds)
        self._catch_up = CatchUp(
            store=self.store,
            intake=self._intake,
            handlers=self.handlers,
            call=self.call,
            me=self.me,
            lookback=self.settings.lookback_minutes * 60,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hear, handle, and look after it until left."""
        await self.dispatch.open(self.store)
        self._intake.fall_behind()  # until it is known what was missed
        self._start(self._intake.run())
        self._start(self._waits_no_longer())
        self._start(self._listen())
        self._start(self.line.watch())
        self._start(self._every(_ALIVE, self._note_alive))
        self._start(self._every(_OWES, self._make_good))
        self._start(self._every(_LOOKS, self._look_again))
        self._start(self._every(_FORGETS, self._forget))
        if self.settings.sweep_minutes:
            self._start(self._every(self.settings.sweep_minutes * 60, self._sweep))
        try:
            yield
        finally:
            if self.webhooks is not None:
                self.webhooks.take = None
            tasks = [*self._tasks, *([self._catching] if self._catching else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.dispatch.close()

    async def take(self, kind: str, payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Commit what Slack says; what to answer. Raises Malformed, or whatever kept us from it."""
        if kind != "events_api":
            return await self.dispatch.take(payload)
        if payload.get("type") == "app_rate_limited":
            # https://docs.slack.dev/reference/events/app_rate_limited: what came since is not told.
            log.warning("slack: too many events, some are left out")
            self.missed()
            return None
        event = payload.get("event")
        if not isinstance(event, Mapping) or self._me is None:
            raise Malformed("no event")
        parsed = parse_event(event, self._me, str(payload.get("event_id", "")))
        if parsed is not None:
            if parsed.kind is EventKind.OTHER and _is_end(parsed):
                self.line.trouble("slack_credentials", _ENDED[parsed.type])
            await self._intake.take([parsed])
        return None

    def missed(self) -> None:
        """Something may have been missed: read it, and handle nothing before that."""
        if self._catching is not None and not self._catching.done():
            self._again = True
            return
        self._intake.fall_behind()
        self._catching = asyncio.create_task(self._catches_up())

    async def quiet(self, channel: str, thread: str, seconds: float) -> None:
        """As :meth:`plugins.slack.app.SlackApp.quiet`."""
        await self._intake.quiet(channel, thread, seconds)

    async def _catches_up(self) -> None:
        self._again = True
        while self._again:
            await asyncio.sleep(_TOGETHER)
            self._again = False
            try:
                await self._catch_up.after_outage()
            except Exception:  # an edge: the store, for instance; what is owed is read later
                log.exception("slack: not caught up")

    async def _waits_no_longer(self) -> None:
        """What is kept is handled, also where Slack cannot be heard after the start."""
        await asyncio.sleep(_HOLDS)
        if self._catching is None:
            self._intake.fall_behind(())

    async def _listen(self) -> None:
        await self._knows_itself()
        if self.webhooks is not None:
            self.webhooks.take = self.take
            self.missed()
            return
        await Connections(
            api=self.api,
            session=self.session,
            line=self.line,
            take=self._take_acknowledged,
            missed=self.missed,
            count=self.settings.connections,
            heartbeat=self.settings.heartbeat_seconds,
        ).run()

    async def _take_acknowledged(
        self, kind: str, payload: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        """The same, but what cannot be read is acknowledged: it would come again and again."""
        try:
            return await self.take(kind, payload)
        except Malformed as error:
            log.warning("malformed envelope", extra={"kind": kind, "why": str(error)})
            return None

    async def _knows_itself(self) -> None:
        attempt = 0
        while True:
            try:
                self._me = await self.me()
            except (Retry, Reject, UnknownOutcome) as error:
                attempt += 1
                reason = getattr(error, "reason", "")
                self.line.unconnected(reason or type(error).__name__)
                usual = backoff(attempt, base=0.5, cap=_LONGEST_PAUSE).total_seconds()
                await asyncio.sleep(usual)
            else:
                return

    async def _note_alive(self) -> None:
        catching = self._catching is not None and not self._catching.done()
        owes = catching or self._catch_up.owes
        if self._catching is None or owes or not self.line.is_connected:
            return  # the last note still says since when something may be missing
        then = ledger.ts_of(time.time() - _UNSURE)
        await self.store.write(lambda tx: ledger.see(tx, "", "", then))

    async def _make_good(self) -> None:
        catching = self._catching is not None and not self._catching.done()
        if self._catch_up.owes and not catching:
            await self._catch_up.make_good()

    async def _look_again(self) -> None:
        """No call may be due in a channel that is mended: it would stay red."""
        for channel in self.line.channels():
            with suppress(Reject, Retry, UnknownOutcome):
                known = (await self.call("conversations.info", channel=channel))["channel"]
                if known.get("is_member") and not known.get("is_archived"):
                    self.line.mended(channel)

    async def _forget(self) -> None:
        now = time.time()
        await self.store.write(lambda tx: ledger.prune(tx, now, self.settings.keep_days * _DAY))

    async def _sweep(self) -> None:
        if self._me is not None and (self._catching is None or self._catching.done()):
            await self._catch_up.sweep()

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        pause = min(seconds, _ALIVE / 10)  # soon after the start, for the first time
        while True:
            await asyncio.sleep(pause)
            pause = seconds
            try:
                await work()
            except Exception:  # an edge: the next time comes
                log.exception("slack: housekeeping failed")

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))
