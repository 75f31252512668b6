"""Where the core meets the agents' side, which the package ``desk`` implements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from bot.actions import ActionRunner
from bot.messages import Answer, Features
from bot.ports import DeskInbox, Files, Middleware, Row, Store, Texts, TimerHandler, Tx
from bot.rendering import Renderer
from bot.store.codec import Clock


class Handoff(Protocol):
    """How the turns of the core reach people. Each call is a part of a transaction."""

    def open_case(self, tx: Tx, conversation: Row, reason: str) -> int:
        """Open a case (or return the open one); a bot's conversation waits for a person now."""

    def back_to_bot(self, tx: Tx, conversation: Row) -> bool:
        """The waiting customer wants the bot again; False when nobody waited."""

    def say_answer(
        self, tx: Tx, conversation: Row, turn: Row, answer: Answer, *, tag: str | None = None
    ) -> bool:
        """Queue what a turn says, as a draft where a person spoke since; True when it goes out."""

    def expected(self, tx: Tx, conversation: Row, reason: str) -> Mapping[str, Any]:
        """``{person_when}`` for texts that call a person: when one answers."""

    def tell_effects(self, tx: Tx, turn: Row) -> None:
        """Say what a turn did that a person has now: as a draft, marked, once an agent owns it."""

    def tell_act(self, tx: Tx, turn: str) -> None:
        """Say what an agent's order action did: to the team, and to the customer if it shall."""


class Counter(Protocol):
    """The agents' side of the core; ``desk`` implements it."""

    @property
    def handoff(self) -> Handoff:
        """Where turns hand over to people."""

    @property
    def inbox(self) -> DeskInbox:
        """Where desks put commands and read cases."""

    @property
    def middleware(self) -> Sequence[Middleware]:
        """What sees a turn before the dialogue does."""

    @property
    def timers(self) -> Mapping[str, TimerHandler]:
        """Handlers of the timers of cases, by kind."""

    def heard(self, tx: Tx, conversation: int) -> None:
        """The customer wrote while a person is asked for, or speaks."""


class BuildsCounter(Protocol):
    """Makes the agents' side of what it needs of the core."""

    def __call__(
        self,
        *,
        store: Store,
        files: Files,
        texts: Texts,
        renderer: Renderer,
        features: Mapping[str, Features],
        actions: ActionRunner,
        clock: Clock,
    ) -> Counter:
        """Make it; nothing is opened."""
