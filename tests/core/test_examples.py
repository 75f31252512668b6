"""schalter.example.toml and .env.example name every setting there is, and hold as they stand."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values
from pydantic import BaseModel

from host import settings as core
from host.plugins import Plugins, load
from host.settings import Settings, secret_names

ROOT = Path(__file__).parents[2]
TABLES = {
    "bot": core.BotOptions,
    "dialogue": core.DialogueOptions,
    "handoff": core.HandoffOptions,
    "hours": core.HoursOptions,
    "files": core.FilesOptions,
    "log": core.LogOptions,
}


def uncommented() -> str:
    text = (ROOT / "schalter.example.toml").read_text("utf-8")
    return re.sub(r"^# (?=\w+ = )", "", text, flags=re.MULTILINE)


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> dict[str, type[BaseModel]]:
    """The settings models of the installed plugins."""
    found: dict[str, type[BaseModel]] = {}
    plugin = Settings.plugin

    def note(settings: Settings, name: str, model: type[Any]) -> Any:
        found[name] = model
        return plugin(settings, name, model)

    monkeypatch.setattr(Settings, "plugin", note)
    load(Settings(), Path("data"))
    return found


def loaded(tmp_path: Path, text: str, environ: dict[str, str]) -> Plugins:
    file = tmp_path / "schalter.toml"
    file.write_text(text, "utf-8")
    return load(core.load(file, environ), tmp_path / "data")


def test_the_examples_hold_as_they_stand(tmp_path: Path) -> None:
    text = (ROOT / "schalter.example.toml").read_text("utf-8")
    (tmp_path / ".env").write_text((ROOT / ".env.example").read_text("utf-8"))
    assert loaded(tmp_path, text, {}).findings() == []


def test_every_line_of_the_example_holds_when_it_is_taken(tmp_path: Path) -> None:
    text = uncommented().replace('plugins = ["web", "rasa"]', "")
    secrets = {"SCHALTER_RASA_TOKEN": "t" * 20, "SCHALTER_RASA_ACTIONS_TOKEN": "a" * 20}
    assert loaded(tmp_path, text, secrets).findings() == []


def test_every_setting_is_in_the_example(models: dict[str, type[BaseModel]]) -> None:
    example = tomllib.loads(uncommented())
    for name, options in TABLES.items():
        assert set(example[name]) == {f.alias or n for n, f in options.model_fields.items()}
    for name, model in models.items():
        secrets = {path[0] for path, _ in secret_names(model, "")}
        assert set(example["plugins"][name]) == set(model.model_fields) - secrets
    assert set(example["plugins"]) == set(models)


def test_the_example_shows_the_defaults() -> None:
    example = tomllib.loads(uncommented())
    optional = {"bot.plugins", "bot.public_url", "handoff.desk", "handoff.language"}
    optional |= {"handoff.rules"}
    optional |= {"hours.state", "hours.special", "hours.closed", "log.json"}
    for name, options in TABLES.items():
        shown = {k: v for k, v in example[name].items() if f"{name}.{k}" not in optional}
        defaults = options().model_dump(mode="json", by_alias=True)
        assert shown == {key: defaults[key] for key in shown}


def test_every_secret_is_in_env_example(models: dict[str, type[BaseModel]]) -> None:
    wanted = {v for n, m in models.items() for _, v in secret_names(m, f"SCHALTER_{n}")}
    assert set(dotenv_values(ROOT / ".env.example")) == wanted
