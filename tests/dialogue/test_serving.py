"""Rasa as a child: it ends with its parent, and says so when it cannot start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.dialogue.conftest import ROOT, running

pytestmark = pytest.mark.rasa
PARENT = """
import subprocess, sys, time
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for the process in /proc")
def test_it_ends_with_a_parent_that_is_killed(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHALTER_TOKEN", "t")
    monkeypatch.setenv("SCHALTER_ACTIONS_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("SCHALTER_ACTIONS_TOKEN", "t")
    monkeypatch.setenv("SCHALTER_TRACKER_DB", str(tmp_path / "rasa.db"))
    python = str(ROOT / "nlu" / ".venv" / "bin" / "python")
    serve = [python, str(ROOT / "nlu" / "serve.py"), "--model", str(model), "--follow-stdin"]
    command = [sys.executable, "-c", PARENT, *serve]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        os.kill(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(child)


def test_a_model_that_is_none_ends_it_with_a_reason(tmp_path: Path) -> None:
    broken = tmp_path / "model.tar.gz"
    broken.write_bytes(b"not a model")
    with (
        pytest.raises(AssertionError, match="could not be loaded"),
        running(broken, "http://127.0.0.1:9", tmp_path / "rasa.db"),
    ):
        pass


def nlu(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run something in the environment of Rasa."""
    python = str(ROOT / "nlu" / ".venv" / "bin" / "python")
    return subprocess.run(
        [python, *command], capture_output=True, text=True, env={**os.environ, **environment}
    )


def test_a_library_that_is_left_out_says_so_when_it_is_called(model: Path) -> None:
    done = nlu("-c", "from tensorflow.keras.layers import Dense; Dense(3)")
    assert done.returncode == 1
    assert "ImportError: tensorflow is left out of the environment of nlu/" in done.stderr


def test_rasa_never_reports_home(model: Path) -> None:
    done = nlu("-c", "import os; print(os.environ['RASA_TELEMETRY_ENABLED'])")
    assert done.stdout.strip() == "false"


@pytest.mark.parametrize(
    ("domain", "reason"),
    [
        ("intents: [", "while parsing"),
        ("actions: []\nslots: {order_id: {type: text}}", "slots: order_id is defined differently"),
    ],
)
def test_a_domain_that_cannot_be_used_is_named_without_a_trace(
    model: Path, tmp_path: Path, domain: str, reason: str
) -> None:
    (tmp_path / "more.yml").write_text(domain)
    folders = [f"--domain={ROOT / 'nlu' / 'domain'}", f"--domain={tmp_path}"]
    done = nlu(str(ROOT / "nlu" / "train.py"), "--out", str(tmp_path / "m.tar.gz"), *folders)
    assert done.returncode == 1
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "m.tar.gz").exists()
