"""From settings and plugins to a core and what stands around it. Opens nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.resources import files as resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

from actions.builtin import builtin_actions
from bot.core import Core, Parts
from bot.dispatcher import Patience
from bot.identity import BuildsIdentities
from bot.ports import (
    Action,
    Channel,
    Desk,
    Dialogue,
    Files,
    IdentifiesEmail,
    Identify,
    OrderFacts,
    ReachesEmail,
    Route,
    Store,
    Texts,
)
from bot.store import SQLiteStore
from bot.store.migrate import Migrations
from desk.counter import Counter, DeskParts
from desk.expecting import Expecting
from desk.routing import Routing
from host.errors import Fatal
from host.files import SWEEP, DiskFiles
from host.identity import key_of
from host.keepers import CORE, FilesKeeper
from host.metrics import Metrics
from host.plugins import Plugins, why
from host.ports import Actions, KeepsData, senders_of, templates_of
from host.settings import FILE, Settings, close_to, place
from host.texts import LANGUAGES, TextsBook
from host.typing_hint import TypingHint
from identity.customers import Customers
from identity.forms import Forms
from identity.keys import Keyed
from identity.misplaced import MisplacedCode
from identity.policies import Policies

P = TypeVar("P")
OUR_DIALOGUE = Path(__file__).parents[1] / "nlu"


@dataclass
class CoreServices:
    """The Services port."""

    files: Files
    store: Store
    texts: Texts
    actions: Actions
    data: Path
    base_url: str
    dialogue_data: Sequence[Traversable]
    keepers: Sequence[KeepsData]
    plugins: Plugins

    def get(self, port: type[P]) -> P:
        """As in the port."""
        return self.plugins.get(port)


@dataclass(frozen=True)
class Wiring:
    """What stands around the core: everything that the app opens."""

    settings: Settings
    plugins: Plugins
    data: Path
    store: SQLiteStore
    files: DiskFiles
    texts: TextsBook
    folders: Sequence[Traversable]
    metrics: Metrics
    channels: Mapping[str, Channel]
    desks: Mapping[str, Desk]
    key: Callable[[], bytes]


@dataclass(frozen=True)
class Built:
    """A core with its dialogue and routes."""

    core: Core
    dialogue: Dialogue
    routes: Sequence[Route]
    background: Sequence[AbstractAsyncContextManager[None]]


def keepers_of(plugins: Plugins, files: DiskFiles) -> list[KeepsData]:
    """Everything that keeps data of persons: the core's own, files, and plugins'."""
    return [*CORE, FilesKeeper(files), *plugins.keepers()]


def store_of(plugins: Plugins, data: Path) -> SQLiteStore:
    """Make the store of a data folder, with the migrations of the core and of all plugins."""
    migrations = [Migrations("core", resources("bot.store") / "migrations")]
    for plugin in plugins.active():
        migrations += [Migrations(plugin.name, folder) for folder in plugin.registered.migrations]
    return SQLiteStore(data / "bot.db", migrations)


def wire(
    settings: Settings,
    plugins: Plugins,
    data: Path,
    *,
    channels: Mapping[str, Channel] | None = None,
    desks: Mapping[str, Desk] | None = None,
) -> Wiring:
    """Prepare everything. ``channels`` and ``desks`` stand in for the registered ones.

    Raises Fatal when the texts cannot be read.
    """
    folders: list[Traversable] = [OUR_DIALOGUE] if OUR_DIALOGUE.is_dir() else []
    folders += [folder for folder in plugins.each("dialogue_data") if folder not in folders]
    domains = [domain for folder in folders if (domain := folder / "domain").is_dir()]
    facts = _merged(plugins, "facts")
    currency = str(facts.get("currency", "EUR"))
    try:
        texts = TextsBook(domains, formality=settings.bot.formality, currency=currency, facts=facts)
    except ValueError as error:
        raise Fatal(str(error), "mend that file") from error
    if "support_hours" not in facts:  # the shop says none of its own
        said = Expecting(texts=texts, hours=settings.hours.hours()).opening_times
        texts.add_facts({"support_hours": {language: said(language) for language in LANGUAGES}})
    store = store_of(plugins, data)
    return Wiring(
        settings=settings,
        plugins=plugins,
        data=data,
        store=store,
        files=DiskFiles(folder=data / "files", store=store, options=settings.files),
        texts=texts,
        folders=folders,
        metrics=Metrics(store),
        channels=_named(plugins, "channels") if channels is None else channels,
        desks=_named(plugins, "desks") if desks is None else desks,
        key=key_of(settings.environment, data),
    )


def build(wiring: Wiring, *, base_url: str, detect: Callable[[str, str, bool], str]) -> Built:
    """Build what needs the core. A plugin that cannot be built is left out.

    Raises Fatal when no dialogue is left.
    """
    while True:
        core = Core(_parts(wiring, detect))
        services = CoreServices(
            files=wiring.files,
            store=wiring.store,
            texts=wiring.texts,
            actions=core.actions,
            data=wiring.data,
            base_url=base_url,
            dialogue_data=wiring.folders,
            keepers=keepers_of(wiring.plugins, wiring.files),
            plugins=wiring.plugins,
        )
        active = len(list(wiring.plugins.active()))
        dialogues, routes, background = _build_plugins(wiring.plugins, services, core)
        if len(list(wiring.plugins.active())) < active:
            continue  # once more, without what the broken plugin registered
        if not dialogues:
            problems = [p for p in wiring.plugins.findings() if p.fatal]
            why_not = f" ({problems[0].where}: {problems[0].what})" if problems else ""
            raise Fatal(f"no plugin provides a dialogue{why_not}", "install or mend one: bot check")
        return Built(core, dialogues[0], routes, background)


def _build_plugins(
    plugins: Plugins, services: CoreServices, core: Core
) -> tuple[list[Dialogue], list[Route], list[AbstractAsyncContextManager[None]]]:
    dialogues: list[Dialogue] = []
    routes: list[Route] = []
    background: list[AbstractAsyncContextManager[None]] = []
    for plugin in plugins.active():
        try:
            for build_action in plugin.registered.actions:
                _add(core, build_action(services))
            dialogues += [build(services) for build in plugin.registered.dialogues]
            for build_routes in plugin.registered.routes:
                routes += build_routes(services)
            background += [build(services) for build in plugin.registered.background]
        except Exception as error:  # the edge: whatever a plugin does wrong
            plugin.leave_out(why(error))
    return dialogues, routes, background


def _add(core: Core, action: Action) -> None:
    if action.name in core.actions.names():
        raise ValueError(f"action '{action.name}' is already there")
    core.actions.add(action)


def _parts(wiring: Wiring, detect: Callable[[str, str, bool], str]) -> Parts:
    settings, plugins = wiring.settings, wiring.plugins
    patience = settings.dialogue
    counter = DeskParts(
        routing=routing_of(settings, wiring.desks),
        order_facts=_optional(plugins, OrderFacts),
        undo_seconds=settings.handoff.undo_seconds,
        language=settings.handoff.language or settings.bot.language,
        answer=settings.handoff.answers(),
        claim=timedelta(minutes=settings.handoff.claim_minutes),
        claim_grace=timedelta(minutes=settings.handoff.claim_grace_minutes),
        offers=templates_of(wiring.channels),
        senders=senders_of(wiring.channels),
    )
    typing = TypingHint(store=wiring.store, channels=wiring.channels)
    misplaced = MisplacedCode(store=wiring.store, texts=wiring.texts)
    return Parts(
        store=wiring.store,
        files=wiring.files,
        texts=wiring.texts,
        channels=wiring.channels,
        desks=wiring.desks,
        counter=partial(Counter, counter),
        detect=detect,
        language=settings.bot.language,
        builtins=builtin_actions,
        identities=_identities(wiring),
        middleware=[typing, misplaced, *plugins.each("middlewares")],
        timers={**_merged(plugins, "timers"), SWEEP: wiring.files.schedule},
        patience=Patience(patience.slow_after, patience.ask_timeout, patience.retry_limit),
        session_pause=patience.session_pause,
        observe=wiring.metrics.observe,
    )


def _identities(wiring: Wiring) -> BuildsIdentities:
    settings, plugins = wiring.settings, wiring.plugins
    return partial(
        Forms,
        identify=_optional(plugins, Identify),
        reaches=_optional(plugins, ReachesEmail),
        texts=wiring.texts,
        policies=policies_of(settings, plugins),
        limits=settings.identity.limits(),
        keyed=Keyed(wiring.key),
        on_proof=Customers().on_proof,
    )


def policies_of(settings: Settings, plugins: Plugins) -> Policies:
    """Which proofs guard which action, as codes can be sent here or not."""
    knows = isinstance(_optional(plugins, Identify), IdentifiesEmail)
    sends = knows and _optional(plugins, ReachesEmail) is not None
    return settings.identity.policies(sends_codes=sends)


def routing_of(settings: Settings, desks: Mapping[str, Desk]) -> Routing:
    """The rules that choose a desk. Raises Fatal for one that names a desk that there is not."""
    default = desk_of(settings, desks)
    for number, rule in enumerate(settings.handoff.rules, 1):
        if rule.desk is not None and rule.desk not in desks:
            where = f"{settings.file or FILE} [[handoff.rules]] number {number}"
            what = f"{where}: no such desk: '{rule.desk}'"
            raise Fatal(what, _possible(rule.desk, desks, settings))
    rules = [rule.rule() for rule in settings.handoff.rules]
    return Routing(desk=default, rules=rules, hours=settings.hours.hours())


def desk_of(settings: Settings, desks: Mapping[str, Desk]) -> str:
    """Name the desk that gets the cases. Raises Fatal when that is not clear."""
    wanted = settings.handoff.desk
    where = place(settings, ("handoff", "desk"))
    if wanted is not None:
        if wanted not in desks:
            raise Fatal(f"{where}: no such desk: '{wanted}'", _possible(wanted, desks, settings))
        return wanted
    if len(desks) != 1:
        what = "there is no desk" if not desks else f"there are several: {', '.join(sorted(desks))}"
        raise Fatal(
            f"nobody can take over: {what}", f"name one in {where}" if desks else "enable 'web'"
        )
    return next(iter(desks))


def _possible(wanted: str, desks: Mapping[str, Desk], settings: Settings) -> str:
    hint = close_to(wanted, desks)
    if wanted not in settings.plugins:
        return hint
    # It is set up, so it is a fault or a missing table of the plugin's, and no slip of the pen.
    return f"mend [plugins.{wanted}]: with these settings that plugin brings no desk ({hint})"


def _merged(plugins: Plugins, kind: str) -> dict[str, Any]:
    return {k: v for p in plugins.active() for k, v in getattr(p.registered, kind).items()}


def _named(plugins: Plugins, kind: str) -> dict[str, Any]:
    return {made.name: made for made in plugins.each(kind)}


def _optional(plugins: Plugins, port: type[P]) -> P | None:
    try:
        return plugins.get(port)
    except LookupError:
        return None
