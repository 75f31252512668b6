"""Stopping the bot does not wait for an installation or a training that still runs."""

from __future__ import annotations

import fcntl
import threading
import time
from pathlib import Path

import pytest

from bot.ports import Unavailable
from plugins.rasa import training
from plugins.rasa.training import Project


def stop_soon(project: Project) -> None:
    threading.Timer(0.2, project.stop.set).start()


def test_a_running_command_is_ended(tmp_path: Path) -> None:
    project = Project(tmp_path, tmp_path)
    stop_soon(project)
    began = time.monotonic()
    with pytest.raises(Unavailable, match="stopped"):
        training._run(["sleep", "60"], "failed", {"PATH": "/usr/bin:/bin"}, project.stop)
    assert time.monotonic() - began < 10


def test_waiting_for_another_bots_training_is_ended(tmp_path: Path) -> None:
    project = Project(tmp_path, tmp_path)
    lock = tmp_path / ".lock"
    with lock.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        stop_soon(project)
        with (
            pytest.raises(Unavailable, match="stopped"),
            training._only_one(lock, project.stop),
        ):
            pytest.fail("two train at once")


def test_what_a_failed_command_said_last_is_told(tmp_path: Path) -> None:
    script = "seq 30; echo 'no space left' >&2; exit 3"
    with pytest.raises(Unavailable, match=r"(?s)failed:\n17\n.*no space left$"):
        training._run(["sh", "-c", script], "failed", {"PATH": "/usr/bin:/bin"}, threading.Event())
