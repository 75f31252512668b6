"""Puts the core together: one road from the inbox to the outbox, and the loops that walk it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from bot.actions import ActionRunner
from bot.counter import BuildsCounter, Handoff
from bot.dispatcher import Dispatcher, Patience, compose
from bot.freezing import Freezer
from bot.identity import BuildsIdentities
from bot.inbox import CoreInbox
from bot.media import MediaFetcher
from bot.messages import ActionCall, Features
from bot.outbox import Deliverer
from bot.ports import (
    Channel,
    Desk,
    Files,
    Middleware,
    Next,
    Store,
    Texts,
    TimerHandler,
    Tx,
)
from bot.rendering import Renderer
from bot.settling import Settler
from bot.store import SQLiteStore, turns
from bot.store.codec import Clock, utc_now
from bot.timers import Timers

Observe = Callable[[str, float], None]


class BuildsBuiltins(Protocol):
    """Registers the core's own actions with the runner; returns what sees a turn first."""

    def __call__(
        self,
        *,
        runner: ActionRunner,
        store: Store,
        handoff: Handoff,
        texts: Texts,
        clock: Clock,
    ) -> Middleware:
        """Make them."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a core is put together from. ``detect`` tells a message's language."""

    store: SQLiteStore
    files: Files
    texts: Texts
    channels: Mapping[str, Channel]
    desks: Mapping[str, Desk]
    counter: BuildsCounter
    identities: BuildsIdentities
    builtins: BuildsBuiltins
    detect: Callable[[str, str, bool], str]
    language: str = "de"
    middleware: Sequence[Middleware] = ()
    timers: Mapping[str, TimerHandler] = field(default_factory=dict)
    patience: Patience = field(default_factory=Patience)
    session_pause: float = 3600.0  # seconds
    clock: Clock = utc_now
    observe: Observe = lambda _step, _seconds: None


class Core:
    """The parts, wired. ``actions`` takes the plugins' actions before ``running`` is entered."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        clock, store = parts.clock, parts.store
        features = {name: channel.features for name, channel in parts.channels.items()}
        renderer = Renderer(parts.texts, features)
        self.inbox = CoreInbox(
            store=store,
            files=parts.files,
            texts=parts.texts,
            features=features,
            language=parts.language,
            clock=clock,
        )
        self.identities = parts.identities(store=store, features=features, clock=clock)
        self.actions = ActionRunner(
            store=store,
            identities=self.identities,
            features=features,
            on_effect=self._on_effect,
            clock=clock,
        )
        counter = parts.counter(
            store=store,
            files=parts.files,
            texts=parts.texts,
            renderer=renderer,
            features=features,
            actions=self.actions,
            clock=clock,
        )
        self.handoff, self.desk_inbox = counter.handoff, counter.inbox
        self.inbox.heard, self.inbox.calls = counter.heard, counter.handoff.open_case
        self._settler = Settler(store=store, renderer=renderer, handoff=self.handoff, clock=clock)
        corrects = parts.builtins(
            runner=self.actions,
            store=store,
            handoff=self.handoff,
            texts=parts.texts,
            clock=clock,
        )
        self._before = [*parts.middleware, *counter.middleware, corrects]
        self._freezer = self._freezing(features)
        self._media = MediaFetcher(
            store=store, files=parts.files, channels=parts.channels, clock=clock
        )
        self._deliverer = Deliverer(
            store=store,
            channels=parts.channels,
            desks=parts.desks,
            case=self.desk_inbox.case,
            reveal=self.identities.reveal,
            clock=clock,
            observe=parts.observe,
        )
        handlers = {**parts.timers, **counter.timers, **self.identities.timers}
        self._timers = Timers(store=store, handlers=handlers, clock=clock)

    def _freezing(self, features: Mapping[str, Features]) -> Freezer:
        detect, pause = self._parts.detect, self._parts.session_pause
        return Freezer(
            features=features, detect=detect, session_pause=pause, clock=self._parts.clock
        )

    def _on_effect(self, tx: Tx, call: ActionCall) -> None:
        turn = turns.get(tx, call.turn)
        if turn is None:
            self.handoff.tell_act(tx, call.turn)
        elif turn["status"] in ("handed", "dead"):
            self.handoff.tell_effects(tx, turn)

    def _dispatcher(self, ask: Next) -> Dispatcher:
        return Dispatcher(
            store=self._parts.store,
            ask=compose(self._before, ask),
            freezer=self._freezer,
            settler=self._settler,
            media=self._media,
            patience=self._parts.patience,
            clock=self._parts.clock,
            observe=self._parts.observe,
        )

    @asynccontextmanager
    async def running(self, ask: Next, *, drain_seconds: float = 10.0) -> AsyncIterator[None]:
        """Run the loops; at the end turns may finish for ``drain_seconds``, sends always do."""
        dispatcher = self._dispatcher(ask)
        store = self._parts.store
        await dispatcher.recover()
        await self._deliverer.recover()
        await self.actions.recover()
        listening = [
            store.subscribe("inbox", dispatcher.alarm.ring),
            store.subscribe("takeover", dispatcher.take_over),
            store.subscribe("outbox", self._deliverer.alarm.ring),
            store.subscribe("timers", self._timers.alarm.ring),
        ]
        dispatching = asyncio.create_task(dispatcher.run(), name="dispatcher")
        delivering = asyncio.create_task(self._deliverer.run(), name="outbox")
        firing = asyncio.create_task(self._timers.run(), name="timers")
        try:
            yield
        finally:
            await _stop(dispatching, firing)
            await dispatcher.drain(drain_seconds)
            await self.actions.close()
            await _stop(delivering)
            await self._deliverer.drain()
            for unsubscribe in listening:
                unsubscribe()


async def _stop(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
