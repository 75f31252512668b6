"""Brings reactions to what they should be, at the pace that Slack allows.

Beside the streams of cases: a reaction that waits for its turn holds up no line, and what a message
was in between is never shown.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from bot.pacing import PAUSE
from bot.ports import Retry, Store
from plugins.slack import desk_ledger as ledger
from plugins.slack.app import SlackApp
from plugins.slack.desk_ledger import Mark
from plugins.slack.errors import MEND_SECONDS, MENDABLE, SlackRefused

log = logging.getLogger(__name__)
_IDLE = 30.0  # seconds; a lost ring costs no more than this
_DONE = {"reactions.add": "already_reacted", "reactions.remove": "no_reaction"}


@dataclass(eq=False)
class Marks:
    """Gives and takes reactions."""

    app: SlackApp
    store: Store
    _ring: asyncio.Event = field(default_factory=asyncio.Event)

    def ring(self) -> None:
        """There is something to do."""
        self._ring.set()

    async def run(self) -> None:
        """Do it forever; cancel to stop."""
        while True:
            self._ring.clear()
            try:
                wait = await self.settle()
            except Exception:  # an edge: a full disk, for instance; what is wanted stays wanted
                log.exception("slack reactions cannot use the store")
                wait = PAUSE
            try:
                async with asyncio.timeout(wait):
                    await self._ring.wait()
            except TimeoutError:
                pass

    async def settle(self) -> float:
        """One look at all that is open; the seconds until the next one is due.

        What is missing is added first: it says whether a line goes to the customer.
        """
        waits = [await self._pass(self._add), await self._pass(self._remove)]
        return min(waits)

    async def _pass(self, step: Callable[[Mark], Awaitable[None]]) -> float:
        barred: set[str] = set()
        for mark in await self.store.read(ledger.open_marks):
            if mark.channel in barred:
                continue
            try:
                await step(mark)
            except Retry as retry:
                return max(retry.after or PAUSE, 0.05)
            except SlackRefused as refused:
                log.info("no reaction", extra={"reason": refused.reason})
                if refused.reason in MENDABLE:
                    barred.add(mark.channel)
                else:
                    await self.store.write(partial(ledger.drop_mark, mark=mark))
        return MEND_SECONDS if barred else _IDLE

    async def _add(self, mark: Mark) -> None:
        if mark.want and mark.want not in mark.shown:
            await self._call("reactions.add", mark, mark.want)
            await self._note(mark, (*mark.shown, mark.want))

    async def _remove(self, mark: Mark) -> None:
        if mark.want and mark.want not in mark.shown:
            return  # first the new one
        shown = mark.shown
        for emoji in mark.shown:
            if emoji != mark.want:
                await self._call("reactions.remove", mark, emoji)
                shown = tuple(one for one in shown if one != emoji)
                await self._note(mark, shown)

    async def _note(self, mark: Mark, shown: tuple[str, ...]) -> None:
        await self.store.write(lambda tx: ledger.show_marks(tx, mark, shown))

    async def _call(self, method: str, mark: Mark, emoji: str) -> None:
        try:
            await self.app.call(method, channel=mark.channel, timestamp=mark.ts, name=emoji)
        except SlackRefused as refused:
            if refused.error != _DONE[method]:
                raise
