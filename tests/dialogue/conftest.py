"""The trained Rasa behind our channel, with an action server that the test drives."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from plugins.rasa import training
from tests.dialogue.actions import ACTIONS_TOKEN, FakeActions
from tests.dialogue.rasa import Rasa

ROOT = Path(__file__).parents[2]
TOKEN = "a token of the test"


@pytest.fixture(scope="session")
def model() -> Path:
    """The model for the data as it is: trained once, and kept as the bot keeps it."""
    project = training.Project(ROOT / "nlu", ROOT / "nlu" / "models")
    training.prepare_environment(project, print)
    return training.train(project, print)


@pytest.fixture(scope="session")
def actions_socket() -> Iterator[socket.socket]:
    """Where Rasa finds the action server; each test serves on it for itself."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture(scope="session")
def served(
    model: Path, actions_socket: socket.socket, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """The address of a running Rasa, and the file with its trackers."""
    tracker = tmp_path_factory.mktemp("rasa") / "rasa.db"
    url = f"http://127.0.0.1:{actions_socket.getsockname()[1]}/rasa/actions"
    with running(model, url, tracker) as port:
        yield f"http://127.0.0.1:{port}", tracker


@contextmanager
def running(model: Path, actions_url: str, tracker: Path) -> Iterator[int]:
    """Serve `model` in a process of its own; the port, once it answers."""
    environment = {
        **training.own_environment(),
        "SCHALTER_TOKEN": TOKEN,
        "SCHALTER_ACTIONS_URL": actions_url,
        "SCHALTER_ACTIONS_TOKEN": ACTIONS_TOKEN,
        "SCHALTER_TRACKER_DB": str(tracker),
    }
    python = str(ROOT / "nlu" / ".venv" / "bin" / "python")
    command = [python, str(ROOT / "nlu" / "serve.py"), "--model", str(model), "--follow-stdin"]
    log = tracker.with_suffix(".log")
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            cwd=tracker.parent,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, f"Rasa did not start:\n{log.read_text()}"
            yield json.loads(line)["port"]
        finally:
            process.terminate()
            process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.fixture
async def actions(actions_socket: socket.socket) -> AsyncIterator[FakeActions]:
    """The action server of one test."""
    fake = FakeActions()
    app = web.Application()
    app.router.add_post("/rasa/actions", fake.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.SockSite(runner, actions_socket.dup()).start()
    yield fake
    await runner.cleanup()
    assert fake.faults == []


@pytest.fixture
async def rasa(served: tuple[str, Path], actions: FakeActions) -> AsyncIterator[Rasa]:
    """Somebody who asks Rasa, as the bot does."""
    url, tracker = served
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(url, headers=headers) as session:
        yield Rasa(session, tracker, sender=os.urandom(8).hex())
