"""What the parts of the desk work with while it is open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

from bot.desk import Case, HistoryLine
from bot.ports import DeskInbox, Retry
from bot.store import cases
from bot.store.codec import Clock, utc_now
from plugins.slack.app import SlackApp
from plugins.slack.blocks import holder_of
from plugins.slack.desk_marks import Marks
from plugins.slack.desk_people import People
from plugins.slack.desk_posts import Posts
from plugins.slack.desk_settings import DeskSettings
from plugins.slack.desk_veil import Veil
from plugins.slack.words import Words

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Office:
    """The desk's connection, words, people and posts."""

    app: SlackApp
    settings: DeskSettings
    commands: DeskInbox
    words: Words
    posts: Posts
    people: People
    marks: Marks
    veil: Veil
    clock: Clock = utc_now
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _showing: WeakValueDictionary[int, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def showing(self, case: int) -> asyncio.Lock:
        """Held while a card is changed: an older state must not be shown over a newer one."""
        return self._showing.setdefault(case, asyncio.Lock())

    async def case(self, case: int) -> Case | None:
        """A case without what the shop knows, as it may be shown: at once."""
        found = await self.commands.store.read(lambda tx: cases.load(tx, case))
        return None if found is None else await self.veil.case(found)

    async def history(self, case: Case, limit: int) -> list[HistoryLine]:
        """What was said, as it may be shown."""
        return await self.veil.lines(case, await self.commands.history(case.id, limit=limit))

    async def line(self, case: Case, name: str) -> HistoryLine | None:
        """A line of a case, as it may be shown."""
        found = await self.commands.store.read(lambda tx: cases.line(tx, case.conversation, name))
        return None if found is None else await self.veil.line(case, found)

    def why(self, reason: str | None, case: Case | None = None) -> str:
        """The sentence of a refusal; who has the case is told by name."""
        code = reason or "refused"
        if code.startswith("taken_by") and case is not None and case.agent:
            code = f"taken_by:{holder_of(case)}"
        return self.words.reason(code)

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside; it ends with the desk."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def close(self) -> None:
        """End what runs beside."""
        for task in set(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("slack desk: a task failed", exc_info=error)


class Door:
    """Lets in only while the desk is open."""

    def __init__(self) -> None:
        self._office: Office | None = None

    def open(self, office: Office | None) -> None:
        """Open it, or close it with ``None``."""
        self._office = office

    @property
    def office(self) -> Office:
        """What there is inside. Raises Retry while it is closed."""
        if self._office is None:
            raise Retry(1.0, "closed")
        return self._office
