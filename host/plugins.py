"""Find, check, register and report plugins. A broken one is named and left out; the others run."""

from __future__ import annotations

import inspect
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, TypeVar

import click
import pluggy

from bot.ports import Problem
from host.errors import Invalid
from host.hooks import GROUP, Hooks
from host.identity import KEY_VARIABLE
from host.ports import KeepsData
from host.registrar import PluginRegistrar, Registered
from host.settings import Settings, close_to, place

P = TypeVar("P")
RESERVED = ("run", "check", "plugins")  # the core's own commands


class _Broken(Exception):
    """A plugin's hook cannot be called; the text says why."""


@dataclass
class Plugin:
    """One installed plugin and what became of it."""

    name: str
    distribution: str = ""
    version: str = ""
    state: str = "active"  # active, idle (has no table), off (by settings), invalid, broken
    reason: str = ""
    registered: Registered = field(default_factory=Registered)
    problems: Sequence[Problem] = ()
    variables: frozenset[str] = frozenset()

    def leave_out(self, reason: str, fix: str = "") -> None:
        """Take back everything that it registered."""
        self.state, self.reason, self.registered = "broken", reason, Registered()
        fix = fix or f"mend it, or leave it out: [bot] without = ['{self.name}']"
        self.problems = [Problem(f"plugin {self.name}", reason, fix)]


@dataclass
class Plugins:
    """All installed plugins, in the order of their names."""

    all: list[Plugin]
    problems: list[Problem] = field(default_factory=list)  # about settings, by no plugin's fault

    def active(self) -> Iterator[Plugin]:
        """Yield those that run."""
        return (plugin for plugin in self.all if plugin.state == "active")

    def each(self, kind: str) -> list[Any]:
        """List everything of one kind that was registered: ``channels``, ``actions`` ..."""
        return [made for plugin in self.active() for made in getattr(plugin.registered, kind)]

    def commands(self) -> list[click.Command]:
        """Commands, also of plugins that are not set up yet: they help to do it."""
        ready = [plugin for plugin in self.all if plugin.state in ("active", "idle", "invalid")]
        return [command for plugin in ready for command in plugin.registered.commands]

    def keepers(self) -> list[KeepsData]:
        """What keeps data of persons, also of plugins that are not set up any more."""
        ready = [plugin for plugin in self.all if plugin.state in ("active", "idle", "invalid")]
        return [keeper for plugin in ready for keeper in plugin.registered.data]

    def get(self, port: type[P]) -> P:
        """What a plugin provides for a port. Raises LookupError naming the port."""
        for plugin in self.active():
            if port in plugin.registered.ports:
                made: P = plugin.registered.ports[port]
                return made
        raise LookupError(f"no plugin provides {port.__name__}")

    def invalid(self) -> list[Problem]:
        """Findings in settings: the bot does not start with these."""
        mine = [p for plugin in self.all if plugin.state == "invalid" for p in plugin.problems]
        return mine + [problem for problem in self.problems if problem.fatal]

    def findings(self) -> list[Problem]:
        """Everything that is not as it should be, for ``bot check``."""
        return [p for plugin in self.all for p in plugin.problems] + self.problems

    def report(self) -> list[dict[str, Any]]:
        """What ``bot plugins`` shows."""
        return [
            {
                "name": plugin.name,
                "version": plugin.version,
                "distribution": plugin.distribution,
                "state": plugin.state,
                "reason": plugin.reason,
                "registered": plugin.registered.summary(),
            }
            for plugin in self.all
        ]


def load(settings: Settings, data: Path, found: Iterable[EntryPoint] | None = None) -> Plugins:
    """Load and register every installed plugin that settings do not leave out."""
    points = sorted(entry_points(group=GROUP) if found is None else found, key=lambda p: p.name)
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(Hooks)
    twice = {name for name, count in Counter(p.name for p in points).items() if count > 1}
    plugins = Plugins([])
    taken: dict[tuple[str, str], str] = {("command", name): "the core" for name in RESERVED}
    for point in points:
        plugin = Plugin(point.name)
        if point.dist is not None:
            plugin.distribution, plugin.version = point.dist.name, point.dist.version
        plugins.all.append(plugin)
        if _is_off(settings, point.name):
            plugin.state, plugin.reason = "off", "left out in [bot]"
        elif point.name in twice:
            plugin.leave_out("two distributions have a plugin of this name", "uninstall one")
        else:
            _register(manager, plugin, point, settings, data)
            _refuse_doubles(plugin, taken)
    plugins.problems += _unknown_names(settings, {point.name for point in points})
    plugins.problems += _unknown_variables(settings, plugins)
    return plugins


def _is_off(settings: Settings, name: str) -> bool:
    only = settings.bot.plugins
    return name in settings.bot.without or (only is not None and name not in only)


def _register(
    manager: pluggy.PluginManager, plugin: Plugin, point: EntryPoint, settings: Settings, data: Path
) -> None:
    registrar = PluginRegistrar(point.name, settings, data)
    try:
        _call_hook(manager, point, registrar)
        _refuse_vain_table(settings, registrar, point.name)
    except Invalid as error:
        plugin.state, plugin.reason, plugin.problems = "invalid", str(error), error.problems
        plugin.registered.commands = registrar.registered.commands
        plugin.registered.data = registrar.registered.data
    except (Exception, SystemExit) as error:  # the edge: whatever a plugin does wrong
        plugin.leave_out(why(error))
    else:
        plugin.registered = registrar.registered
        if registrar.asked_for_table and not registrar.configured:
            plugin.state = "idle"
            plugin.reason = f"not set up: it has no table [plugins.{point.name}]"
    plugin.variables = frozenset(registrar.variables)


def _refuse_vain_table(settings: Settings, registrar: PluginRegistrar, name: str) -> None:
    if name in settings.plugins and not registrar.read_settings:
        where = place(settings, ("plugins", name))
        raise Invalid([Problem(where, "this plugin has no settings", "remove the table")])


def _call_hook(
    manager: pluggy.PluginManager, point: EntryPoint, registrar: PluginRegistrar
) -> None:
    others = [made for _, made in manager.list_name_plugin()]
    manager.register(made := point.load(), point.name)
    try:
        manager.check_pending()
        _look_at(manager, made)
        for result in manager.subset_hook_caller("bot_register", others)(bot=registrar):
            _refuse_awaitable(result)
    except BaseException:
        manager.unregister(made)
        raise


def _look_at(manager: pluggy.PluginManager, made: Any) -> None:
    hooks = manager.get_hookcallers(made)
    if not hooks:
        raise _Broken("has no bot_register(bot) marked with @hookimpl from host.hooks")
    for mine in hooks[0].get_hookimpls():
        if mine.plugin is made and inspect.iscoroutinefunction(mine.function):
            raise _Broken("bot_register is a coroutine; make it a plain 'def'")


def _refuse_awaitable(result: object) -> None:
    if inspect.isawaitable(result):
        getattr(result, "close", lambda: None)()
        raise _Broken("bot_register returns something to await; make it a plain 'def'")


def why(error: BaseException) -> str:
    """Say in a line what a plugin did wrong, and where."""
    if isinstance(error, _Broken | pluggy.PluginValidationError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"raised {type(error).__name__}: {error}{where}"


def _refuse_doubles(plugin: Plugin, taken: dict[tuple[str, str], str]) -> None:
    mine: dict[tuple[str, str], str] = {}
    for kind, name in plugin.registered.names():
        other = taken.get((kind, name)) or mine.get((kind, name))
        if other is not None:
            plugin.leave_out(f"{kind} '{name}' is already there (from {other})")
            return
        mine[kind, name] = plugin.name
    taken.update(mine)


def _unknown_names(settings: Settings, names: set[str]) -> list[Problem]:
    problems = [
        Problem(place(settings, ("plugins", name)), "no such plugin", close_to(name, names))
        for name in settings.plugins
        if name not in names
    ]
    for key in ("plugins", "without"):
        for name in set(getattr(settings.bot, key) or ()) - names:
            where = place(settings, ("bot", key))
            problems.append(Problem(where, f"no such plugin: '{name}'", close_to(name, names)))
    return problems


def _unknown_variables(settings: Settings, plugins: Plugins) -> Iterator[Problem]:
    known = {variable for plugin in plugins.all for variable in plugin.variables} | {KEY_VARIABLE}
    owners = {f"SCHALTER_{plugin.name.upper()}_": plugin for plugin in plugins.all}
    for name in sorted(settings.environment):
        if not name.startswith("SCHALTER_") or name in known:
            continue
        owner = next((one for prefix, one in owners.items() if name.startswith(prefix)), None)
        if owner is not None and owner.state in {"off", "broken"}:
            continue
        fix = close_to(name, known)
        if owner is not None and owner.state == "idle":
            fix = f"to use it, add a table [plugins.{owner.name}]"
        yield Problem(f"environment {name}", "is read by no plugin", fix, fatal=False)
