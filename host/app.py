"""The running bot: opens everything in order, closes it in reverse, and drains in between."""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from functools import partial
from pathlib import Path

from bot.ports import (
    Channel,
    Desk,
    Refused,
    Route,
    Unavailable,
    WebhookChannel,
)
from bot.store import StoreError
from host.alarms import Alarms
from host.errors import Fatal, Invalid
from host.files import SWEEP
from host.folder import door, locked
from host.language import LanguageDetector
from host.plugins import Plugins, why
from host.ports import Health, Readiness
from host.settings import Settings
from host.web import WebServer, bind
from host.wiring import Built, build, wire

log = logging.getLogger(__name__)
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - only mapped, never bound
_DRAIN_SECONDS = 10.0


class App:
    """One bot on one data folder. Use as an async context manager.

    ``channels`` and ``desks`` stand in for the registered ones: a terminal that talks to the bot
    opens no other channel. Opening raises Fatal.
    """

    def __init__(
        self,
        settings: Settings,
        plugins: Plugins,
        data: Path,
        *,
        channels: Mapping[str, Channel] | None = None,
        desks: Mapping[str, Desk] | None = None,
    ) -> None:
        self._settings = settings
        self.plugins = plugins
        self._data = data
        self._channels = channels
        self._desks = desks
        self._stack = AsyncExitStack()
        self._closed: list[Health] = []
        self._ready: asyncio.Task[None] | None = None
        self.url = ""
        """Where it listens: http://127.0.0.1:PORT."""

    async def __aenter__(self) -> App:
        try:
            await self._open()
        except StoreError as error:
            await self._stack.aclose()
            raise Fatal(str(error)) from error
        except OSError as error:
            await self._stack.aclose()
            what = f"the bot cannot start ({error.strerror or type(error).__name__})"
            fix = f"check the disk and the owner of {error.filename or self._data}"
            raise Fatal(what, fix) from error
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        log.info("stopping")
        self.web.draining = True
        await self._stack.aclose()

    async def _open(self) -> None:
        if problems := self.plugins.invalid():
            raise Invalid(problems)
        self._stack.enter_context(locked(self._data))
        bot = self._settings.bot
        bound = bind(bot.host, bot.port)
        self._stack.callback(bound.close)
        host = _EVERYWHERE.get(bot.host, f"[{bot.host}]" if ":" in bot.host else bot.host)
        self.url = f"http://{host}:{bound.getsockname()[1]}"
        wiring = wire(
            self._settings, self.plugins, self._data, channels=self._channels, desks=self._desks
        )
        self.store = await self._stack.enter_async_context(wiring.store)
        wiring.key()  # made at the first start; one that cannot be used ends this one
        detector = await asyncio.to_thread(LanguageDetector)
        built = build(
            wiring,
            base_url=self.url,
            detect=lambda text, current, first: detector.detect(text, current, first=first),
        )
        self.core, self.files, self.texts = built.core, wiring.files, wiring.texts
        for plugin in self.plugins.all:
            if plugin.state == "broken":
                log.error("plugin left out", extra={"plugin": plugin.name, "why": plugin.reason})
        channels = wiring.channels.values()
        alarms = Alarms(self.store)
        self.web = WebServer(
            bound=bound,
            routes=built.routes,
            webhooks=[route for channel in channels for route in self._webhooks(channel)],
            health=[
                self._store_health,
                self._opened_health,
                alarms.health,
                *self.plugins.each("health"),
            ],
            ready=self._is_ready,
            metrics=wiring.metrics,
        )
        # Bound before the dialogue is there: messages are accepted while it loads.
        await self._stack.enter_async_context(self.web)
        self._stack.enter_context(door(self._data, self.url, secrets.token_urlsafe(32)))
        await self._open_dialogue(built)
        for channel in channels:
            await self._enter(f"channel {channel.name}", partial(channel.open, self.core.inbox))
        for desk in wiring.desks.values():
            await self._enter(f"desk {desk.name}", partial(desk.open, self.core.desk_inbox))
        for work in built.background:
            await self._enter("background work", partial(_itself, work))
        await self._stack.enter_async_context(self._sweeping())
        await self._stack.enter_async_context(alarms.watching())
        running = self.core.running(built.dialogue.ask, drain_seconds=_DRAIN_SECONDS)
        await self._stack.enter_async_context(running)
        log.info("running", extra={"url": self.url})

    async def _enter(
        self, name: str, opening: Callable[[], AbstractAsyncContextManager[None]]
    ) -> None:
        """Open a plugin's channel or desk. One that cannot be opened is named; the others run."""
        try:
            await self._stack.enter_async_context(opening())
        except Exception as error:  # the edge: a plugin's own fault
            self._note_closed(name, error)

    def _webhooks(self, channel: Channel) -> Sequence[Route]:
        if not isinstance(channel, WebhookChannel):
            return ()
        try:
            return channel.routes(self.core.inbox)
        except Exception as error:  # the edge: a plugin's own fault
            self._note_closed(f"channel {channel.name}", error)
            return ()

    def _note_closed(self, name: str, error: Exception) -> None:
        log.error("cannot be opened", extra={"part": name}, exc_info=error)
        self._closed.append(Health(name, False, why(error)))

    async def _open_dialogue(self, built: Built) -> None:
        dialogue = built.dialogue
        if isinstance(dialogue, AbstractAsyncContextManager):
            await self._stack.enter_async_context(dialogue)
        if isinstance(dialogue, Readiness):
            self._ready = asyncio.create_task(dialogue.ready(), name="dialogue ready")
            self._stack.push_async_callback(_end, self._ready)

    async def ready(self) -> None:
        """Return when the dialogue can answer. Raises Fatal when it never will."""
        if self._ready is None:
            return
        try:
            await asyncio.shield(self._ready)
        except Unavailable as error:
            raise Fatal(str(error)) from error

    def _is_ready(self) -> bool:
        task = self._ready
        return task is None or (task.done() and not task.cancelled() and not task.exception())

    async def _store_health(self) -> Health:
        try:
            await self.store.read(lambda tx: tx.row("SELECT 1"))
        except StoreError as error:
            return Health("store", False, str(error))
        return Health("store", True)

    async def _opened_health(self) -> Health:
        if self._closed:
            return self._closed[0]
        return Health("channels and desks", True)

    @asynccontextmanager
    async def _sweeping(self) -> AsyncIterator[None]:
        wake = asyncio.Event()
        unsubscribe = self.store.subscribe(SWEEP, lambda _subject: wake.set())

        async def sweep() -> None:
            while True:
                await wake.wait()
                wake.clear()
                try:
                    await self.files.sweep()
                except (OSError, StoreError, Refused) as error:
                    log.warning("files not swept", exc_info=error)

        task = asyncio.create_task(sweep(), name="files sweep")
        try:
            await self.store.write(lambda tx: self.files.schedule(tx, "", {}))
            yield
        finally:
            unsubscribe()
            await _end(task)


async def serve(app: App, started: Callable[[App], Awaitable[None]]) -> None:
    """Run ``app`` until SIGTERM or Ctrl-C, or until its dialogue gives up (then Fatal)."""
    with stop_signals() as stopped:
        async with app:
            stop = asyncio.create_task(stopped.wait(), name="stop")
            work = asyncio.create_task(_start(app, started), name="start")
            await asyncio.wait([stop, work], return_when=asyncio.FIRST_COMPLETED)
            ended = work.done()
            if ended and work.exception() is None:
                await stop
            await _end(stop)
            await _end(work)
    if ended and (error := work.exception()) is not None:
        raise error


async def _start(app: App, started: Callable[[App], Awaitable[None]]) -> None:
    await started(app)
    await app.ready()


@contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """Let SIGTERM and SIGINT set an event; a second SIGINT acts as usual."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()

    def stop(sign: signal.Signals) -> None:
        stopped.set()
        loop.remove_signal_handler(sign)

    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, partial(stop, sign))
    try:
        yield stopped
    finally:
        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(sign)


async def _end(task: asyncio.Task[None] | asyncio.Task[bool]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _itself(work: AbstractAsyncContextManager[None]) -> AbstractAsyncContextManager[None]:
    return work
