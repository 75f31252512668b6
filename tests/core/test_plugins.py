"""Plugins: found, registered one by one, and left out by name when they are broken."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Protocol

import click
import pytest
from pydantic import BaseModel

from host.hooks import GROUP, Hooks, hookimpl
from host.plugins import Plugins, load
from host.ports import Registrar
from host.settings import Settings
from host.settings import load as load_settings

Make = Callable[..., EntryPoint]


class Tea(Protocol):
    def brew(self) -> str: ...


class Cup(Protocol): ...


class Kettle:
    def brew(self) -> str:
        return "tea"


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Make:
    """Make an entry point of a module with the given hook (or other content)."""

    def make(name: str, hook: Callable[..., Any] | None = None, **content: Any) -> EntryPoint:
        module = types.ModuleType(f"made_{name}")
        if hook is not None:
            content["bot_register"] = hookimpl(hook)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return EntryPoint(name, module.__name__, GROUP)

    return make


def loaded(*points: EntryPoint, settings: Settings | None = None) -> Plugins:
    return load(settings or Settings(), Path("data"), points)


def states(plugins: Plugins) -> dict[str, str]:
    return {plugin.name: plugin.state for plugin in plugins.all}


def gives_tea(bot: Registrar) -> None:
    bot.provide(Tea, Kettle())


def test_what_is_registered_is_found_again(plugin: Make) -> None:
    def register(bot: Registrar) -> None:
        bot.provide(Tea, Kettle())
        bot.add_facts({"shop_name": "Hafen"})
        bot.add_command(click.Command("brew"))

    plugins = loaded(plugin("tea", register))
    assert plugins.get(Tea).brew() == "tea"
    assert plugins.each("facts") == ["shop_name"]
    (line,) = plugins.report()
    assert (line["name"], line["state"]) == ("tea", "active")
    assert line["registered"] == ["command brew", "port Tea", "facts"]
    assert plugins.findings() == []


def test_a_missing_port_is_named(plugin: Make) -> None:
    with pytest.raises(LookupError, match="no plugin provides Cup"):
        loaded(plugin("tea", gives_tea)).get(Cup)


def test_a_raising_plugin_is_left_out_with_all_it_registered_and_the_others_run(
    plugin: Make,
) -> None:
    def burns(bot: Registrar) -> None:
        bot.provide(Cup, object())
        raise RuntimeError("the kettle is empty")

    plugins = loaded(plugin("a_broken", burns), plugin("tea", gives_tea))
    assert states(plugins) == {"a_broken": "broken", "tea": "active"}
    assert plugins.get(Tea).brew() == "tea"
    with pytest.raises(LookupError):
        plugins.get(Cup)
    (finding,) = plugins.findings()
    assert finding.where == "plugin a_broken"
    assert "raised RuntimeError: the kettle is empty (test_plugins.py:" in finding.what
    assert plugins.invalid() == []  # the bot starts without it


def test_a_coroutine_hook_is_named_and_not_awaited(plugin: Make) -> None:
    async def register(bot: Registrar) -> None:
        bot.provide(Cup, object())

    async def later() -> None: ...

    def returns_coroutine(bot: Registrar) -> Any:
        bot.provide(Cup, object())
        return later()

    plugins = loaded(
        plugin("slow", register), plugin("sly", returns_coroutine), plugin("tea", gives_tea)
    )
    assert states(plugins) == {"slow": "broken", "sly": "broken", "tea": "active"}
    assert all("make it a plain 'def'" in finding.what for finding in plugins.findings())


def test_a_module_that_cannot_be_imported_or_exits(plugin: Make, tmp_path: Path) -> None:
    def leaves(bot: Registrar) -> None:
        raise SystemExit(3)

    plugins = loaded(EntryPoint("gone", "no.such.module", GROUP), plugin("leaver", leaves))
    assert states(plugins) == {"gone": "broken", "leaver": "broken"}
    assert "ModuleNotFoundError" in plugins.findings()[0].what


def test_a_module_without_the_hook_or_with_a_mistyped_one(plugin: Make) -> None:
    @hookimpl
    def bot_registr(bot: Registrar) -> None: ...

    def wants_more(bot: Registrar, more: int) -> None: ...

    plugins = loaded(
        plugin("bare"),
        plugin("typo", bot_registr=bot_registr),
        plugin("greedy", wants_more),
        plugin("tea", gives_tea),
    )
    assert states(plugins) == {
        "bare": "broken",
        "typo": "broken",
        "greedy": "broken",
        "tea": "active",
    }
    said = {finding.where: finding.what for finding in plugins.findings()}
    assert "has no bot_register(bot)" in said["plugin bare"]
    assert "unknown hook 'bot_registr'" in said["plugin typo"]
    assert "more" in said["plugin greedy"]


def test_of_two_with_the_same_name_of_something_the_second_is_left_out(plugin: Make) -> None:
    def takes_run(bot: Registrar) -> None:
        bot.add_command(click.Command("run"))

    plugins = loaded(plugin("b", gives_tea), plugin("a", gives_tea), plugin("c", takes_run))
    assert states(plugins) == {"a": "active", "b": "broken", "c": "broken"}
    said = [finding.what for finding in plugins.findings()]
    assert said == [
        "port 'Tea' is already there (from a)",
        "command 'run' is already there (from the core)",
    ]


def test_two_distributions_with_one_plugin_name_are_both_left_out(plugin: Make) -> None:
    plugins = loaded(plugin("tea", gives_tea), plugin("tea", gives_tea))
    assert states(plugins) == {"tea": "broken"}
    assert len(plugins.all) == 2


def settings_of(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> Settings:
    file = tmp_path / "schalter.toml"
    file.write_text(text)
    return load_settings(file, environ or {})


class TeaSettings(BaseModel):
    minutes: int = 3


def brews(bot: Registrar) -> None:
    bot.settings(TeaSettings)


def test_settings_leave_plugins_out(plugin: Make, tmp_path: Path) -> None:
    points = (plugin("tea", gives_tea), plugin("other", lambda bot: None))
    only = settings_of(tmp_path, "[bot]\nplugins = ['other']\n")
    assert states(loaded(*points, settings=only)) == {"other": "active", "tea": "off"}
    without = settings_of(tmp_path, "[bot]\nwithout = ['other', 'teh']\n")
    plugins = loaded(*points, settings=without)
    assert states(plugins) == {"other": "off", "tea": "active"}
    assert [(p.what, p.fix) for p in plugins.invalid()] == [
        ("no such plugin: 'teh'", "did you mean 'tea'?")
    ]


def test_wrong_settings_of_a_plugin_stop_the_bot(plugin: Make, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "[plugins.tea]\nminuts = 4\n")
    plugins = loaded(plugin("tea", brews), settings=settings)
    assert states(plugins) == {"tea": "invalid"}
    assert [p.fix for p in plugins.invalid()] == ["did you mean 'minutes'?"]


def test_a_table_for_no_plugin_and_one_for_a_plugin_without_settings(
    plugin: Make, tmp_path: Path
) -> None:
    settings = settings_of(tmp_path, "[plugins.tee]\n[plugins.plain]\n")
    plugins = loaded(plugin("tea", brews), plugin("plain", lambda bot: None), settings=settings)
    said = {p.where.split()[-1]: (p.what, p.fix) for p in plugins.findings()}
    assert said == {
        "[plugins.plain]": ("this plugin has no settings", "remove the table"),
        "[plugins.tee]": ("no such plugin", "did you mean 'tea'?"),
    }


def test_a_variable_that_no_plugin_reads_is_mentioned(plugin: Make, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "", {"SCHALTER_TEA_TOKN": "x", "HOME": "/"})
    (finding,) = loaded(plugin("tea", brews), settings=settings).findings()
    assert (finding.where, finding.fatal) == ("environment SCHALTER_TEA_TOKN", False)


def test_every_hook_says_when_it_is_called() -> None:
    hooks = [getattr(Hooks, name) for name in vars(Hooks) if name.startswith("bot_")]
    assert hooks
    assert all((hook.__doc__ or "").startswith("Called when ") for hook in hooks)
