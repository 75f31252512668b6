"""The documentation is complete: what can be registered, set, typed, asked for and stored stands in
it, and nothing in it leads nowhere."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import click
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel

from bot.messages import Features
from bot.ports import WebhookChannel
from bot.store import SQLiteStore
from bot.store.migrate import Migrations
from host import cli, ports
from host.metrics import Metrics
from host.plugins import Plugins, load
from host.ports import Registrar
from host.registrar import PluginRegistrar
from host.settings import Options, Settings, secret_names
from host.wiring import build, wire

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
WORDS = ("/root/", "/tmp/", "/home/")
_SERVER = {"host": "mail.shop.example"}
CHANNELS: dict[str, dict[str, Any]] = {
    "mail": {
        "mailboxes": [
            {"name": "support", "address": "a@shop.example", "imap": _SERVER, "smtp": _SERVER}
        ]
    },
    "slack": {"mode": "http", "customers": {}},
    "telegram": {"mode": "webhook"},
    "whatsapp": {"account_sid": "AC" + "0" * 32, "sender": "+4930901820"},
}
DEMO = "mailbox"  # stands in for mail, and is never on beside it
PAGE_OF = {"slack": "slack-channel"}  # Slack is a desk, too
SECRETS = {
    "SCHALTER_MAIL_SUPPORT_PASSWORD": "password",
    "SCHALTER_SLACK_BOT_TOKEN": "xoxb-1234567890",
    "SCHALTER_SLACK_SIGNING_SECRET": "a" * 32,
    "SCHALTER_TELEGRAM_TOKEN": "123456789:" + "A" * 35,
    "SCHALTER_TELEGRAM_WEBHOOK_SECRET": "a" * 16,
    "SCHALTER_WHATSAPP_AUTH_TOKEN": "token",
}
CORE_TABLES = ("bot", "dialogue", "handoff", "hours", "files", "identity", "log")


def page(name: str) -> str:
    return (DOCS / "reference" / name).read_text("utf-8")


@dataclass
class Shown:
    """The built-in bot with the demo's page, built and not opened."""

    plugins: Plugins
    models: dict[str, type[BaseModel]] = field(default_factory=dict)
    routes: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shown:
    models: dict[str, type[BaseModel]] = {}
    register = PluginRegistrar.settings

    def spy(self: PluginRegistrar, model: type[Any]) -> Any:
        models[self._name] = model
        return register(self, model)

    monkeypatch.setattr(PluginRegistrar, "settings", spy)
    settings = Settings(
        plugins={"web": {"demo": True}, **CHANNELS},
        environment=SECRETS,
    )
    shown = _built(settings, tmp_path, models, DEMO)
    demo = Settings(plugins={"web": {"demo": True}, DEMO: {}})
    shown.routes += _built(demo, tmp_path, models, *CHANNELS, "mail").routes
    return shown


def _built(
    settings: Settings, tmp_path: Path, models: dict[str, type[BaseModel]], *leave_out: str
) -> Shown:
    shown = Shown(load(settings, tmp_path), models)
    mine = [plugin for plugin in shown.plugins.all if plugin.distribution == "schalter"]
    mine = [plugin for plugin in mine if plugin.name not in leave_out]
    assert all(plugin.state == "active" for plugin in mine), shown.plugins.report()
    shown.plugins.all = mine
    wiring = wire(settings, shown.plugins, tmp_path)
    made = build(wiring, base_url="http://127.0.0.1:0", detect=lambda _text, now, _first: now)
    routes = list(made.routes)
    for channel in wiring.channels.values():
        if isinstance(channel, WebhookChannel):
            routes += channel.routes(made.core.inbox)
    shown.routes = [(route.method, route.path) for route in routes if route.method != "*"]  # type: ignore[attr-defined]
    return shown


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, info in model.model_fields.items():
        kind = info.annotation
        if inspect.isclass(kind) and issubclass(kind, BaseModel):
            yield from keys(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{info.alias or name}"


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    level = heading.split(" ")[0]
    found = re.search(
        rf"^{re.escape(heading)}$(.*?)(?=^#{{2,{len(level)}}} |\Z)", text, re.MULTILINE | re.DOTALL
    )
    assert found, f"no heading '{heading}'"
    return found[1]


def protocols(module: Any) -> Iterator[tuple[str, type]]:
    for name, made in inspect.getmembers(module, inspect.isclass):
        if getattr(made, "_is_protocol", False) and made.__module__ == module.__name__:
            yield name, made


# --- reference/ports.md


def test_every_registration_is_documented() -> None:
    text = section(page("ports.md"), "## The Registrar")
    for name, method in inspect.getmembers(Registrar, inspect.isfunction):
        if name.startswith("_"):
            continue
        names = list(inspect.signature(method).parameters)[1:]
        assert f"### `{name}({', '.join(names)})`" in text


def test_every_port_and_each_of_its_methods_is_documented() -> None:
    text = page("ports.md")
    for name, port in protocols(ports):
        if port is Registrar:
            continue
        there = section(text, f"### `{name}`")
        for method, _ in inspect.getmembers(port, inspect.isfunction):
            if not method.startswith("_"):
                assert re.search(rf"`{method}\(", there), f"{name}.{method}"


def test_every_port_of_a_plugin_and_every_feature_of_a_channel_is_documented() -> None:
    text = page("ports.md")
    for file in sorted((ROOT / "plugins").glob("*/api.py")):
        for name, _ in protocols(importlib.import_module(f"plugins.{file.parent.name}.api")):
            assert f"`{name}`" in text
    for feature in dataclasses.fields(Features):
        assert f"`{feature.name}`" in section(text, "### `Channel`")


def test_every_error_that_crosses_a_port_is_documented() -> None:
    text = section(page("ports.md"), "## Errors that cross a port")
    for name, made in inspect.getmembers(ports, inspect.isclass):
        if issubclass(made, Exception) and made.__module__ == ports.__name__:
            assert re.search(rf"`{name}\b", text), name


# --- reference/cli.md


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield f"{path} {name}", found
            yield from commands(found, f"{path} {name}")


def test_every_command_and_option_is_documented() -> None:
    text = page("cli.md")
    found = list(commands(cli.main, "bot"))
    assert ("bot run", cli.run) in found
    for path, command in found:
        there = section(text, f"{'#' * (len(path.split()))} `{path}`")
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert f"`{parameter.opts[0]}`" in there, f"{path} {parameter.opts[0]}"
        assert command.help, path


def test_no_command_is_documented_that_does_not_exist() -> None:
    known = {path for path, _ in commands(cli.main, "bot")}
    for path in re.findall(r"^#+ `(bot [a-z ]+)`$", page("cli.md"), re.MULTILINE):
        assert path in known


# --- reference/settings.md (tests/core/test_examples.py holds the two example files)


@pytest.mark.parametrize("name", CHANNELS)
def test_a_channels_page_says_what_each_of_its_settings_does(built: Shown, name: str) -> None:
    found = DOCS / "how-to" / f"{PAGE_OF.get(name, name)}.md"
    there = section(found.read_text("utf-8"), "## Settings")
    assert [key for key in keys(built.models[name]) if f"`{key}`" not in there] == []


def test_every_setting_is_documented_in_its_table(built: Shown) -> None:
    text = page("settings.md")
    tables = {name: _core_table(name) for name in CORE_TABLES}
    tables |= {f"plugins.{name}": model for name, model in built.models.items()}
    for table, model in tables.items():
        there = section(text, f"## `[{table}]`")
        for key in keys(model):
            assert f"`{key}`" in there, f"[{table}] {key}"
        prefix = "SCHALTER_" + table.removeprefix("plugins.")
        for _, variable in secret_names(model, prefix):
            assert f"`{variable}`" in there, variable


def test_no_setting_is_documented_that_does_not_exist(built: Shown) -> None:
    for table, there in re.findall(
        r"^## `\[(.+?)\]`$(.*?)(?=^## |\Z)", page("settings.md"), re.M | re.S
    ):
        name = table.removeprefix("plugins.")
        model = built.models[name] if table.startswith("plugins.") else _core_table(name)
        known = set(keys(model))
        for cell in re.findall(r"^\| (`.+?) \|", there, re.MULTILINE):
            assert set(re.findall(r"`([^`]+)`", cell)) <= known, f"[{table}] {cell}"


def _core_table(name: str) -> type[BaseModel]:
    table = type(getattr(Settings(), name))
    assert issubclass(table, Options)
    return table


# --- reference/http.md, database.md, metrics.md


def test_every_route_is_documented(built: Shown) -> None:
    text = page("http.md")
    for method, path in [*built.routes, ("GET", "/health"), ("GET", "/ready"), ("GET", "/metrics")]:
        plain = re.sub(r"\{(\w+):[^}]*\}", r"{\1}", path)
        assert re.search(rf"`{method} {re.escape(plain)}[`?]", text), f"{method} {plain}"


def test_every_route_of_rasas_own_side_is_documented() -> None:
    source = (ROOT / "nlu" / "components" / "channel.py").read_text("utf-8")
    found = re.findall(r'add_route\(.+?, "(/\w*)", methods=\["(\w+)"\]\)', source)
    assert len(found) >= 3
    for path, method in found:
        assert f"`{method} /webhooks/schalter{path}`" in page("http.md")


def test_every_table_is_documented() -> None:
    text = page("database.md")
    sources = [*(ROOT / "bot").rglob("*.sql"), *(ROOT / "plugins").rglob("*.sql")]
    sources += [ROOT / "plugins" / "shop" / "database.py", ROOT / "bot" / "store" / "migrate.py"]
    created = "".join(source.read_text("utf-8") for source in sources)
    tables = set(re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", created))
    assert {"inbox", "outbox", "migrations", "web_messages", "orders"} <= tables
    assert tables == {
        name for name in re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) if name in tables
    }
    assert sorted(set(re.findall(r"^\| `(\w+)` \|", text, re.M)) - tables - _files_of(text)) == []


def _files_of(text: str) -> set[str]:
    """Names in the table of the data folder: files, not tables."""
    return set(re.findall(r"^\| `(\w+)` \|", text.split("## The core's tables")[0], re.MULTILINE))


async def test_every_figure_is_documented(tmp_path: Path) -> None:
    migrations = Migrations("core", ROOT / "bot" / "store" / "migrations")
    async with SQLiteStore(tmp_path / "bot.db", [migrations]) as store:
        figures = (await Metrics(store).page()).decode()
    names = set()
    for family in text_string_to_metric_families(figures):
        names.add(f"{family.name}_total" if family.type == "counter" else family.name)
    documented = set(re.findall(r"^\| `(schalter_\w+)` \|", page("metrics.md"), re.MULTILINE))
    assert names == documented


# --- every page


def links(text: str) -> Iterator[str]:
    without_code = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"\]\(([^)\s]+)\)", without_code)


def anchors(text: str) -> set[str]:
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in found}


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_link_and_image_leads_somewhere(file: Path) -> None:
    for link in links(file.read_text("utf-8")):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (file.parent / path).resolve() if path else file
        assert target.exists(), f"{file.name}: {link}"
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target.read_text("utf-8")), f"{file.name}: {link}"


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_page_names_a_place_of_one_machine(file: Path) -> None:
    text = file.read_text("utf-8")
    assert [word for word in WORDS if word in text] == []


def test_every_page_can_be_reached_from_the_first_one() -> None:
    seen: set[Path] = set()
    ahead = [ROOT / "README.md"]
    while ahead:
        file = ahead.pop()
        if file in seen or file.suffix != ".md":
            continue
        seen.add(file)
        for link in links(file.read_text("utf-8")):
            target = (file.parent / link.partition("#")[0]).resolve()
            if target.is_dir():  # whoever opens a folder finds its pages
                ahead += target.glob("*.md")
            elif target.is_file():
                ahead.append(target)
    assert set(PAGES) <= seen


MADE_LATER = {"nlu/models/"}  # by training, which a test of the pages does not wait for


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_module_and_folder_that_a_page_names_exists(file: Path) -> None:
    named = re.findall(
        r"`((?:bot|desk|host|plugins|nlu|stories|tests|docs|benchmarks)/[\w./-]*)`",
        file.read_text("utf-8"),
    )
    for name in set(named) - MADE_LATER:
        assert (ROOT / name).exists(), f"{file.name}: {name}"


# --- the plugins that README and tutorial print


@pytest.mark.parametrize(
    ("file", "package"),
    [(ROOT / "README.md", "stores"), (DOCS / "tutorial" / "first-plugin.md", "gift")],
    ids=["README", "tutorial"],
)
def test_a_printed_plugin_works_as_it_is_printed(
    file: Path, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = file.read_text("utf-8")
    printed = re.findall(
        rf"^`schalter-{package}/([^`]+)`.*?\n\n```\w+\n(.*?)^```", text, re.MULTILINE | re.DOTALL
    )
    assert len(printed) >= 7
    for name, content in printed:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, "utf-8")
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text("utf-8"))
    ((name, module),) = project["project"]["entry-points"]["schalter"].items()
    monkeypatch.syspath_prepend(tmp_path)
    mine = EntryPoint(name, module, "schalter")
    found = load(Settings(), tmp_path / "data", [*entry_points(group="schalter"), mine])
    assert {plugin.name: plugin.state for plugin in found.all}[name] == "active", found.report()
    wiring = wire(Settings(), found, tmp_path / "data")
    assert wiring.texts.check() == []
    build(wiring, base_url="http://127.0.0.1:0", detect=lambda _text, now, _first: now)
    assert {plugin.name: plugin.state for plugin in found.all}[name] == "active", found.report()
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 passed" in run.stdout
