"""What plugins register, collected for each alone: a broken one leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import BaseModel

from bot.ports import (
    Action,
    Channel,
    Desk,
    Dialogue,
    Middleware,
    Route,
    TimerHandler,
)
from host.ports import Check, HealthCheck, KeepsData, OnlineCheck, Services
from host.settings import Settings, secret_names

P = TypeVar("P")
S = TypeVar("S", bound=BaseModel)


@dataclass
class Registered:
    """What one plugin registered."""

    channels: list[Channel] = field(default_factory=list)
    desks: list[Desk] = field(default_factory=list)
    dialogues: list[Callable[[Services], Dialogue]] = field(default_factory=list)
    actions: list[Callable[[Services], Action]] = field(default_factory=list)
    middlewares: list[Middleware] = field(default_factory=list)
    timers: dict[str, TimerHandler] = field(default_factory=dict)
    routes: list[Callable[[Services], Sequence[Route]]] = field(default_factory=list)
    dialogue_data: list[Traversable] = field(default_factory=list)
    migrations: list[Traversable] = field(default_factory=list)
    data: list[KeepsData] = field(default_factory=list)
    background: list[Callable[[Services], AbstractAsyncContextManager[None]]] = field(
        default_factory=list
    )
    facts: dict[str, Any] = field(default_factory=dict)
    health: list[HealthCheck] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    online_checks: list[OnlineCheck] = field(default_factory=list)
    commands: list[click.Command] = field(default_factory=list)
    ports: dict[type[Any], Any] = field(default_factory=dict)

    def names(self) -> Iterator[tuple[str, str]]:
        """Yield kind and name of everything of which there may be only one."""
        yield from (("channel", channel.name) for channel in self.channels)
        yield from (("desk", desk.name) for desk in self.desks)
        yield from (("dialogue", "the dialogue") for _ in self.dialogues)
        yield from (("timer", kind) for kind in self.timers)
        yield from (("command", command.name or "") for command in self.commands)
        yield from (("port", port.__name__) for port in self.ports)
        yield from (("fact", name) for name in self.facts)

    def summary(self) -> list[str]:
        """What it registered, for people."""
        named = [
            f"{kind} {name}" for kind, name in self.names() if kind not in {"dialogue", "fact"}
        ]
        counted = {
            "dialogue": self.dialogues,
            "action": self.actions,
            "middleware": self.middlewares,
            "routes": self.routes,
            "dialogue data": self.dialogue_data,
            "facts": self.facts,
            "migrations": self.migrations,
            "background": self.background,
            "health check": self.health,
        }
        return named + [name for name, things in counted.items() if things]


class PluginRegistrar:
    """The Registrar of one plugin. Collects; does no I/O."""

    def __init__(self, name: str, settings: Settings, data: Path) -> None:
        self.data = data
        self.public_url = (settings.bot.public_url or "").rstrip("/")
        self._has_table = settings.has_plugin(name)
        self.asked_for_table = False
        self.registered = Registered()
        self.read_settings = False
        self.variables: set[str] = set()
        self._name = name
        self._settings = settings

    def settings(self, model: type[S]) -> S:
        """As in the port. Raises Invalid."""
        self.read_settings = True
        table = self._settings.plugins.get(self._name)
        self.variables |= {v for _, v in secret_names(model, f"SCHALTER_{self._name}", table)}
        return self._settings.plugin(self._name, model)

    def add_channel(self, channel: Channel) -> None:
        """As in the port."""
        self.registered.channels.append(channel)

    def add_desk(self, desk: Desk) -> None:
        """As in the port."""
        self.registered.desks.append(desk)

    def add_dialogue(self, build: Callable[[Services], Dialogue]) -> None:
        """As in the port."""
        self.registered.dialogues.append(build)

    def add_action(self, build: Callable[[Services], Action]) -> None:
        """As in the port."""
        self.registered.actions.append(build)

    def add_middleware(self, middleware: Middleware) -> None:
        """As in the port."""
        self.registered.middlewares.append(middleware)

    def add_timer(self, kind: str, handler: TimerHandler) -> None:
        """As in the port."""
        if kind in self.registered.timers:
            raise ValueError(f"timer {kind} is added twice")
        self.registered.timers[kind] = handler

    def add_routes(self, build: Callable[[Services], Sequence[Route]]) -> None:
        """As in the port."""
        self.registered.routes.append(build)

    def add_dialogue_data(self, folder: Traversable) -> None:
        """As in the port."""
        self.registered.dialogue_data.append(folder)

    def add_migrations(self, folder: Traversable) -> None:
        """As in the port."""
        self.registered.migrations.append(folder)

    def add_data(self, keeper: KeepsData) -> None:
        """As in the port."""
        self.registered.data.append(keeper)

    def add_background(
        self, build: Callable[[Services], AbstractAsyncContextManager[None]]
    ) -> None:
        """As in the port."""
        self.registered.background.append(build)

    def add_facts(self, facts: Mapping[str, Any]) -> None:
        """As in the port."""
        self.registered.facts.update(facts)

    def add_health(self, check: HealthCheck) -> None:
        """As in the port."""
        self.registered.health.append(check)

    def add_check(self, check: Check) -> None:
        """As in the port."""
        self.registered.checks.append(check)

    @property
    def configured(self) -> bool:
        """As in the port."""
        self.asked_for_table = True
        return self._has_table

    def add_online_check(self, check: OnlineCheck) -> None:
        """As in the port."""
        self.registered.online_checks.append(check)

    def add_command(self, command: click.Command) -> None:
        """As in the port."""
        self.registered.commands.append(command)

    def provide(self, port: type[P], made: P) -> None:
        """As in the port."""
        if port in self.registered.ports:
            raise ValueError(f"port {port.__name__} is provided twice")
        self.registered.ports[port] = made
