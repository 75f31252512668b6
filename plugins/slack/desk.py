"""The desk in Slack: cases in a channel, agents in their threads. A :class:`bot.ports.Desk`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from bot.desk import Case, CaseLine
from bot.messages import State
from bot.pacing import PAUSE
from bot.ports import DeskInbox, Retry, Route, UnknownOutcome
from bot.store.codec import Clock, utc_now
from host.ports import Registrar, Services
from plugins.slack import (
    desk_actions,
    desk_drafts,
    desk_linking,
    desk_reveal,
    desk_templates,
    desk_tools,
)
from plugins.slack import desk_ledger as ledger
from plugins.slack.app import SlackApp
from plugins.slack.desk_cards import Cards
from plugins.slack.desk_marks import Marks
from plugins.slack.desk_ops import Ops
from plugins.slack.desk_people import People
from plugins.slack.desk_posts import Posts
from plugins.slack.desk_settings import DeskSettings
from plugins.slack.desk_thread import Threads
from plugins.slack.desk_veil import Veil
from plugins.slack.desk_visit import Visitors
from plugins.slack.desk_watch import Presence, refresh
from plugins.slack.errors import SlackRefused
from plugins.slack.office import Door, Office
from plugins.slack.settings import SlackSettings
from plugins.slack.words import Words

log = logging.getLogger(__name__)
NAME = "slack"
_REFUSED = 300.0  # seconds; somebody has to mend it first, and /health says so at once


class SlackDesk:
    """Agents in Slack. ``clock`` is for tests."""

    name = NAME

    def __init__(self, app: SlackApp, settings: DeskSettings, *, clock: Clock = utc_now) -> None:
        self._app, self._settings, self._clock = app, settings, clock
        self._door = Door()
        self._channels = {settings.channel}
        self.ops = Ops(self._door)
        visitors = Visitors(self._door)
        desk_actions.register(app, visitors)
        desk_drafts.register(app, visitors)
        desk_tools.register(app, visitors, self._door)
        desk_templates.register(app, visitors)
        desk_linking.register(app, visitors)
        desk_reveal.register(app, visitors)
        self.ops.register(app)
        app.add_handler(Threads(self._door, self._channels))

    @asynccontextmanager
    async def open(self, commands: DeskInbox) -> AsyncIterator[None]:
        """Work until closed."""
        store = commands.store
        words = Words(commands.texts, self._settings.language, self._settings.zone)
        office = Office(
            app=self._app,
            settings=self._settings,
            commands=commands,
            words=words,
            veil=Veil(store, words, self._settings.pseudonyms),
            posts=Posts(self._app, store, self._clock),
            people=People(self._app),
            marks=Marks(self._app, store),
            clock=self._clock,
        )
        self._channels |= await store.read(ledger.channels)
        if self._settings.pseudonyms:  # names that stand there from before are taken away
            await store.write(lambda tx: ledger.refresh_all(tx, self._clock()))
        await commands.look_again()
        self._door.open(office)
        async with self._app.running(store):
            tasks = [
                asyncio.create_task(work, name=f"slack desk {n}")
                for n, work in enumerate(
                    (
                        office.marks.run(),
                        *(_often(step, rest) for step, rest in self._chores(office)),
                    )
                )
            ]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await office.close()
                self._door.open(None)

    async def show(self, case: Case) -> str:
        """Make or update the card."""
        office = self._door.office
        async with office.showing(case.id):
            place = await Cards(office).show(case)
        self._channels.add(place.channel)
        return place.ts

    async def post(self, line: CaseLine) -> str:
        """Show a line in the case's thread."""
        return await Cards(self._door.office).post(line)

    async def mark(self, line: str, state: State, reason: str | None) -> None:
        """Show what became of a line, by a reaction, and in words where it must be known."""
        await Cards(self._door.office).mark(line, state, reason)

    def _chores(self, office: Office) -> Sequence[tuple[Callable[[], Awaitable[object]], float]]:
        """What is done again and again, with the seconds between."""
        chores: list[tuple[Callable[[], Awaitable[object]], float]] = [
            (lambda: refresh(office), 5.0)
        ]
        if minutes := self._settings.presence_minutes:
            presence = Presence(office)
            chores.append((presence.look, minutes * 60))
        if self._settings.ops_channel:
            chores += [(self.ops.alarms, 5.0), (self.ops.look, 20.0), (self.ops.digest, 30.0)]
        return chores


async def _often(step: Callable[[], Awaitable[object]], rest: float) -> None:
    """Do something forever, with a pause between; cancel to stop."""
    while True:
        wait = rest
        try:
            await step()
        except Retry as retry:
            wait = max(retry.after or PAUSE, 1.0)
        except (SlackRefused, UnknownOutcome) as error:
            log.warning("slack desk: a chore was refused", extra={"reason": str(error)})
            wait = max(rest, _REFUSED)
        except Exception:  # an edge: a full disk, for instance; the others go on
            log.exception("slack desk: a chore failed")
        with suppress(TimeoutError):
            await asyncio.sleep(wait)


def add_desk(bot: Registrar, app: SlackApp, settings: SlackSettings) -> None:
    """Register the desk, when there is a table for it."""
    if settings.desk is None:
        return
    desk = SlackDesk(app, settings.desk)

    def told(services: Services) -> Sequence[Route]:
        """It has no routes of its own: only here it hears where `/health` is."""
        desk.ops.at(services.base_url)
        return ()

    bot.add_desk(desk)
    bot.add_routes(told)
