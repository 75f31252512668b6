"""What `bot check` says of the Rasa project."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pydantic import SecretStr

from plugins.rasa.dialogue import RasaPlugin
from plugins.rasa.settings import RasaSettings
from plugins.rasa.training import PARTS


def test_our_own_project_is_whole() -> None:
    assert list(RasaPlugin(RasaSettings()).check()) == []


def test_a_folder_that_is_no_project_is_named(tmp_path: Path) -> None:
    (problem,) = RasaPlugin(RasaSettings(project=tmp_path)).check()
    assert str(tmp_path) in problem.what
    assert "config.yml" in problem.what
    assert problem.fatal


def test_without_uv_nothing_can_be_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in PARTS:
        (tmp_path / part).touch()
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setattr("sys.executable", shutil.which("false"))
    monkeypatch.setenv("PATH", str(tmp_path))
    (problem,) = RasaPlugin(RasaSettings(project=tmp_path)).check()
    assert "pip install uv" in problem.what


def test_a_server_elsewhere_needs_no_project(tmp_path: Path) -> None:
    settings = RasaSettings(
        url="http://127.0.0.1:5005",
        token=SecretStr("a"),
        actions_token=SecretStr("b"),
        project=tmp_path,
    )
    assert list(RasaPlugin(settings).check()) == []
