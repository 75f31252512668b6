"""Puts the agents' side together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot.actions import ActionRunner
from bot.messages import Features
from bot.ports import Files, OrderFacts, Store, Texts, TimerHandler, Tx
from bot.rendering import Renderer
from bot.store.codec import Clock, utc_now
from desk.changes import Changes
from desk.commands import Commands
from desk.handoff import CaseBook
from desk.inbox import CoreDeskInbox
from desk.lines import Lines
from desk.ownership import Ownership
from desk.triage import SNOOZE, Triage


@dataclass(frozen=True, kw_only=True)
class DeskParts:
    """What the agents' side needs of the host.

    ``undo_seconds``: until an agent's line leaves. ``language`` is the one that the team reads.
    """

    desk_for: Callable[[str, str], str]
    order_facts: OrderFacts | None = None
    undo_seconds: float = 0.0
    language: str = "de"


class Counter:
    """The agents' side, wired. A :class:`bot.counter.Counter`."""

    def __init__(
        self,
        parts: DeskParts,
        *,
        store: Store,
        files: Files,
        texts: Texts,
        renderer: Renderer,
        features: Mapping[str, Features],
        actions: ActionRunner,
        clock: Clock = utc_now,
    ) -> None:
        self.handoff = book = CaseBook(
            renderer=renderer, desk=parts.desk_for, language=parts.language, clock=clock
        )
        self._triage = Triage(book=book)
        lines = Lines(book=book, undo=timedelta(seconds=parts.undo_seconds))
        commands = Commands(
            ownership=Ownership(book=book),
            lines=lines,
            changes=Changes(book=book, lines=lines, features=features),
            triage=self._triage,
            clock=clock,
        )
        self.timers: Mapping[str, TimerHandler] = {SNOOZE: self._triage.fired}
        self.inbox = CoreDeskInbox(
            store=store,
            files=files,
            texts=texts,
            commands=commands,
            features=features,
            actions=actions,
            order_facts=parts.order_facts,
        )

    def heard(self, tx: Tx, conversation: int) -> None:
        """The customer wrote while a person is asked for, or speaks."""
        self._triage.heard(tx, conversation)
