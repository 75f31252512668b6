"""The environment and the model: made when what they depend on has changed, else kept.

Everything here blocks and runs in a thread. Progress is told through ``say``.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml

from bot.ports import Unavailable
from plugins.rasa.settings import RasaSettings

Say = Callable[[str], None]
_KEPT_MODELS = 3
PARTS = ("uv.lock", "pyproject.toml", "config.yml", "train.py", "serve.py", "domain", "data")
"""What a Rasa project that the bot runs itself consists of."""
_POLL = 0.3  # seconds
_STAMP = ".schalter"
# The same as SafeLoader, in C where PyYAML has it: most of a second less at every start.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Project:
    """The Rasa project, and the dialogue data of other plugins."""

    folder: Path
    models: Path
    more: Sequence[Traversable] = ()
    stop: threading.Event = field(default_factory=threading.Event, compare=False)
    """Set it, and what still installs, trains or waits is given up."""

    @classmethod
    def of(cls, settings: RasaSettings, folders: Sequence[Traversable]) -> Project:
        """The project of the settings, with the dialogue data of other plugins."""
        folder = settings.project.resolve()
        more = [one for one in folders if str(one) != str(folder)]
        return cls(folder, settings.models or folder / "models", more)

    @property
    def python(self) -> Path:
        """The interpreter of the project's environment."""
        return self.folder / ".venv" / "bin" / "python"

    @property
    def stories(self) -> Path:
        """The stories lie beside the project."""
        return self.folder.parent / "stories"


def prepare_environment(project: Project, say: Say) -> None:
    """Install the project's environment from its lock. Raises Unavailable saying what to do."""
    wanted = _digest([project.folder / "uv.lock", project.folder / "pyproject.toml"])
    stamp = project.folder / ".venv" / _STAMP
    if project.python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    say("Installing the environment of Rasa (once, some minutes on a slow line) ...")
    command = [*installer(), "sync", "--frozen", "--no-progress", "--project", str(project.folder)]
    _run(command, "the environment of Rasa could not be installed", own_environment(), project.stop)
    stamp.write_text(wanted)


def own_environment() -> dict[str, str]:
    """The environment variables without those that name the bot's own Python environment."""
    theirs = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")
    return {name: value for name, value in os.environ.items() if name not in theirs}


def installer() -> list[str]:
    """The command of uv. Raises Unavailable where there is none."""
    found = os.environ.get("UV") or shutil.which("uv")
    if found:
        return [found]
    if subprocess.run([sys.executable, "-m", "uv", "--version"], capture_output=True).returncode:
        raise Unavailable("uv is missing — install it: pip install uv")
    return [sys.executable, "-m", "uv"]


def train(project: Project, say: Say, *, force: bool = False) -> Path:
    """The model for the data as it is, trained when there is none. Raises Unavailable."""
    project.models.mkdir(parents=True, exist_ok=True)
    model = project.models / f"{fingerprint(project)}.tar.gz"
    with _only_one(project.models / ".lock", project.stop):
        if model.exists() and not force:
            os.utime(model)
            return model
        say("Training the model (once, until its data changes) ...")
        with tempfile.TemporaryDirectory(dir=project.models) as name:
            _train(project, model, Path(name))
        _forget_old(project.models)
    return model


def _train(project: Project, model: Path, folder: Path) -> None:
    domains = [project.folder / "domain"]
    data = [project.folder / "data", project.stories]
    for number, more in enumerate(project.more):
        target = folder / str(number)
        _copy(more, target)
        domains += [path for path in (target / "domain",) if path.is_dir()]
        data += [path for path in (target / "data", target / "stories") if path.is_dir()]
    part = folder / "model.tar.gz"
    command = [str(project.python), str(project.folder / "train.py"), "--out", str(part)]
    command += [f"--domain={path}" for path in domains] + [f"--data={path}" for path in data]
    _run(command, "the model could not be trained", own_environment(), project.stop)
    part.rename(model)  # whole or not at all: the folder is on the same disk


def _copy(source: Traversable, target: Path) -> None:
    """Copy a plugin's dialogue data: it may lie in a zip file, and Rasa reads only folders."""
    for kind in ("domain", "data", "stories"):
        for name, content in _files(source / kind):
            file = target / kind / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)


def fingerprint(project: Project) -> str:
    """What a model depends on: configuration, data, stories, components, and the lock.

    Of the responses only the names count, so that a new wording needs no training.
    """
    digest = hashlib.sha256(
        _digest([project.folder / "uv.lock", project.folder / "config.yml"]).encode()
    )
    ours = [project.folder / "data", project.folder / "components", project.stories]
    for folder in (*ours, *(more / kind for more in project.more for kind in ("data", "stories"))):
        for name, content in _files(folder):
            digest.update(name.encode() + hashlib.sha256(content).digest())
    for folder in (project.folder / "domain", *(more / "domain" for more in project.more)):
        for name, content in _files(folder):
            digest.update(name.encode() + _names_only(content))
    return digest.hexdigest()[:16]


def _files(folder: Traversable) -> Iterator[tuple[str, bytes]]:
    if not folder.is_dir():
        return
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir() and entry.name != "__pycache__":
            yield from ((f"{entry.name}/{name}", content) for name, content in _files(entry))
        elif entry.name.endswith((".yml", ".yaml", ".py")):
            yield entry.name, entry.read_bytes()


def _names_only(content: bytes) -> bytes:
    domain = _domain(content)
    domain["responses"] = sorted(domain.get("responses") or {})
    return json.dumps(domain, sort_keys=True, default=str).encode()


def _domain(content: bytes) -> dict[str, Any]:
    return yaml.load(content, _LOADER) or {}  # noqa: S506 - a safe loader, as said above


def _digest(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        try:
            digest.update(file.read_bytes())
        except OSError as error:
            raise Unavailable(
                f"{file} cannot be read — is [plugins.rasa] project the folder of the Rasa project?"
            ) from error
    return digest.hexdigest()


@contextmanager
def _only_one(file: Path, stop: threading.Event) -> Iterator[None]:
    with file.open("w") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:  # another bot trains the same model
                _give_up_if(stop.wait(_POLL))
        yield


def _forget_old(models: Path) -> None:
    found = sorted(models.glob("*.tar.gz"), key=lambda model: model.stat().st_mtime, reverse=True)
    for model in found[_KEPT_MODELS:]:
        model.unlink()


def _run(
    command: Sequence[str], failure: str, environment: dict[str, str], stop: threading.Event
) -> None:
    # Polled: a thread cannot be cancelled, and nobody wants to wait a minute for Ctrl-C.
    with subprocess.Popen(  # noqa: S603 - our own commands
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        while True:
            try:
                output, _ = process.communicate(timeout=_POLL)
                break
            except subprocess.TimeoutExpired:
                if stop.is_set():
                    process.kill()
    _give_up_if(stop.is_set())
    if process.returncode != 0:
        last = "\n".join(output.strip().splitlines()[-15:])
        raise Unavailable(f"{failure}:\n{last}")


def _give_up_if(stopped: bool) -> None:
    if stopped:
        raise Unavailable("stopped before Rasa was there")


def carried_slots(folders: Sequence[Traversable]) -> frozenset[str]:
    """The slots that the domain marks with ``carry_over: true`` in their mapping."""
    found: set[str] = set()
    for folder in folders:
        for _, content in _files(folder / "domain"):
            slots = _domain(content).get("slots") or {}
            found |= {
                name
                for name, slot in slots.items()
                if any(mapping.get("carry_over") for mapping in slot.get("mappings") or ())
            }
    return frozenset(found)
