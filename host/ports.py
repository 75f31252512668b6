"""The Protocols between the process and its plugins: what a plugin's hook registers with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import click
from pydantic import BaseModel

from bot.desk import Template
from bot.messages import ActionCall, Address, Answer, Filling
from bot.ports import (
    Action,
    Channel,
    Desk,
    Dialogue,
    Files,
    Middleware,
    Problem,
    Route,
    Store,
    Texts,
    TimerHandler,
    Tx,
)
from bot.store.customers import WrittenBy
from bot.store.personal import DataTable, Person, Remains
from desk.senders import TellSender
from desk.templates import OfferTemplates
from host.texts import TextsBook

P = TypeVar("P")
S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Health:
    """One line of ``/health``."""

    name: str
    ok: bool
    detail: str = ""


HealthCheck = Callable[[], Awaitable[Health]]


Check = Callable[[], Sequence[Problem]]
OnlineCheck = Callable[[], Awaitable[Sequence[Problem]]]


@runtime_checkable
class Readiness(Protocol):
    """A dialogue that takes a while to start."""

    async def ready(self) -> None:
        """Return when it can answer. Raises Unavailable when it never will, saying why."""


@runtime_checkable
class NamesTexts(Protocol):
    """A channel whose settings name texts."""

    def text_problems(self, texts: TextsBook) -> Iterable[Problem]:
        """Called by ``bot check``: what the settings name and is not there."""


@runtime_checkable
class OffersTemplates(Protocol):
    """A channel whose agents may send texts that were approved before, inside of its window too.

    The chosen one comes as ``Outbound.template``, without a ``response``, its variables as facts.
    """

    def templates(self, language: str) -> Sequence[Template]:
        """Those in a language. A field's value is the pattern that fills it: ``{order}``.

        A desk gets text and values filled; a value is empty where an agent must enter it.
        """


def templates_of(channels: Mapping[str, Channel]) -> dict[str, OfferTemplates]:
    """How the channels that have templates tell them, by name."""
    return {
        name: one.templates for name, one in channels.items() if isinstance(one, OffersTemplates)
    }


@runtime_checkable
class TellsSender(Protocol):
    """A channel on which anybody can write in somebody else's name: agents are told who it is."""

    def sender(self, tx: Tx, address: Address) -> WrittenBy | None:
        """Who writes in a conversation, and whether that is known; ``None``: there is none."""


def senders_of(channels: Mapping[str, Channel]) -> dict[str, TellSender]:
    """How the channels that tell of senders do, by name."""
    return {name: one.sender for name, one in channels.items() if isinstance(one, TellsSender)}


class KeepsData(Protocol):
    """A part that keeps data of persons, and tells of every table that it has.

    What lies in tables is copied out, erased and dropped by age by the core, as each
    :class:`bot.store.personal.DataTable` says.
    """

    @property
    def name(self) -> str:
        """Its name in an export and a report."""

    @property
    def tables(self) -> Sequence[DataTable]:
        """All its tables, in the order in which they are emptied."""


@runtime_checkable
class KeepsFiles(Protocol):
    """A part that has files in ``Files`` which no message names: originals of mails."""

    def files_of(self, tx: Tx, person: Person) -> Sequence[str]:
        """The names of those that are this person's and nobody else's."""


@runtime_checkable
class ErasesElsewhere(Protocol):
    """A part that keeps data outside of the database too: files, a tracker, a vendor's copies."""

    def plan(self, tx: Tx, person: Person) -> Mapping[str, Any] | None:
        """What :meth:`forget` must know, as JSON; ``None``: nothing. Before the rows are emptied.

        It is kept until it is done, and holds no more of the person than that takes.
        """

    async def forget(self, plan: Mapping[str, Any]) -> Sequence[Remains]:
        """Erase it; what could not be erased. To do it twice does no harm.

        Raises Retry where it must be tried again later: also when the bot does not run.
        """


@runtime_checkable
class KnowsRemains(Protocol):
    """A part that knows what an erasure cannot reach."""

    def remains(self, tx: Tx, person: Person) -> Sequence[Remains]:
        """What is left somewhere else, and where. Asked before the rows are emptied."""


@runtime_checkable
class AgesElsewhere(Protocol):
    """A part that keeps data outside of the database, with an age."""

    @property
    def keeps(self) -> str:
        """The class of retention: a key of ``bot.store.personal_core.CLASSES``."""

    async def count_old(self, before: datetime) -> int:
        """How much of it is older. Raises Retry."""

    async def drop_old(self, before: datetime) -> int:
        """Drop what is older; how much. Raises Retry."""


class Actions(Protocol):
    """The core's machinery for actions, as a dialogue's action server calls it. Never raises."""

    def names(self) -> Sequence[str]:
        """The registered actions."""

    async def call(self, action: str, call: ActionCall, number: int) -> Answer:
        """Policy, proofs, proposal or run: the n-th call of an action in a turn.

        It is recorded, so a repeat returns the recorded answer. The core's own ``confirm``,
        ``deny``, ``handoff``, ``miss``, ``knowledge`` and ``back_to_bot`` are called here too.
        """

    async def fill(self, action: str, call: ActionCall, number: int) -> Filling:
        """One step of an action's form, with the pair checked as soon as it is complete."""


class Services(Protocol):
    """What an action or dialogue is built with."""

    files: Files
    store: Store
    texts: Texts
    actions: Actions
    data: Path  # the data folder
    base_url: str  # where the HTTP app of this process listens: http://127.0.0.1:PORT
    dialogue_data: Sequence[Traversable]  # folders of domain, nlu and stories, ours and plugins'
    keepers: Sequence[KeepsData]  # of data about persons: the core's own, and plugins'

    def get(self, port: type[P]) -> P:
        """What a plugin provides for a port. Raises LookupError naming the port."""


class Registrar(Protocol):
    """The typed face a plugin's ``bot_register`` hook talks to. Nothing here does I/O."""

    data: Path
    public_url: str  # the address from outside, without a slash at its end; "" when there is none

    @property
    def configured(self) -> bool:
        """Whether there is a table ``[plugins.<name>]``; without it a channel registers nothing."""

    def settings(self, model: type[S]) -> S:
        """The plugin's table ``[plugins.<name>]``, validated; an error names key and file.

        ``SecretStr`` fields are read only from the environment: ``SCHALTER_<PLUGIN>_<FIELD>``.
        """

    def add_channel(self, channel: Channel) -> None:
        """Serve a channel."""

    def add_desk(self, desk: Desk) -> None:
        """Serve a desk."""

    def add_dialogue(self, build: Callable[[Services], Dialogue]) -> None:
        """Provide the dialogue; one only. If it is an async context manager, it is opened first."""

    def add_action(self, build: Callable[[Services], Action]) -> None:
        """Provide an action."""

    def add_middleware(self, middleware: Middleware) -> None:
        """Wrap every question to the dialogue, first registered outermost."""

    def add_timer(self, kind: str, handler: TimerHandler) -> None:
        """Handle a kind of durable timer; called in one transaction when due, at least once."""

    def add_routes(self, build: Callable[[Services], Sequence[Route]]) -> None:
        """Serve HTTP routes."""

    def add_dialogue_data(self, folder: Traversable) -> None:
        """A folder with ``domain/``, ``data/`` and ``stories/`` of the plugin's own."""

    def add_migrations(self, folder: Traversable) -> None:
        """Numbered ``0001_name.sql`` files; tables are prefixed with the plugin's name."""

    def add_data(self, keeper: KeepsData) -> None:
        """Tell of data about persons: every table of the plugin's, also one without any.

        Added before ``settings`` is called, what an earlier set-up left is found too.
        """

    def add_background(
        self, build: Callable[[Services], AbstractAsyncContextManager[None]]
    ) -> None:
        """What works beside the core while the bot runs; it is entered after channels and desks."""

    def add_facts(self, facts: Mapping[str, Any]) -> None:
        """Facts every text may use (shop name, fees ...)."""

    def add_health(self, check: HealthCheck) -> None:
        """A line of ``/health``."""

    def add_check(self, check: Check) -> None:
        """Findings for ``bot check``."""

    def add_online_check(self, check: OnlineCheck) -> None:
        """Findings for ``bot check --online``: tries the credentials at the vendor's."""

    def add_command(self, command: click.Command) -> None:
        """A command of ``bot``; its ``ctx.obj`` is a ``host.cli.Context``.

        Added before ``settings`` is called, it is there although the plugin is not set up yet.
        """

    def provide(self, port: type[P], made: P) -> None:
        """Provide a port (``Shop``, ``Carrier``, ``Identify`` ...)."""
