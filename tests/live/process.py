"""A bot as its operator runs it: a process with settings, a data folder and a log of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BOT = Path(sys.executable).with_name("bot")
START_SECONDS = 420.0
"""Longest start: it may have to train the model."""
STOP_SECONDS = 30.0
_GAVE_UP = "rasa did not start"
DESK_TOKEN = "a-desk-token-for-tests"  # opens nothing but a test's own desk


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class BotProcess:
    """`bot run` on a folder. Started again on the same folder it is a restart."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        environment: Mapping[str, str] | None = None,
        port: int | None = None,
    ) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "bot.log"
        self._environment = {
            **os.environ,
            "SCHALTER_WEB_DESK_TOKEN": DESK_TOKEN,
            **(environment or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "schalter.toml").write_text(_toml(self.port, settings or {}), "utf-8")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it; do not wait."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(BOT), "--config", str(self.folder / "schalter.toml"), "run"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )

    def wait_ready(self, patience: float = START_SECONDS) -> float:
        """Wait until it can answer; return how many seconds that took."""
        began = time.monotonic()
        while time.monotonic() - began < patience:
            if self._process is None or self._process.poll() is not None:
                raise AssertionError(f"the bot ended while starting:\n{self.tail()}")
            if _GAVE_UP in self.tail():
                raise AssertionError(f"Rasa does not start:\n{self.tail()}")
            if _status(f"{self.url}/ready") == 200:
                return time.monotonic() - began
            time.sleep(0.03)
        raise AssertionError(f"the bot was not ready in {patience:.0f} s:\n{self.tail()}")

    def kill(self) -> None:
        """`kill -9`."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; return its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, sign: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(sign)
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the bot did not stop:\n{self.tail()}") from None

    def children(self) -> list[int]:
        """The process ids of its children."""
        found = Path(f"/proc/{self.pid}/task").glob("*/children")
        return [int(pid) for children in found for pid in children.read_text().split()]

    def health(self) -> dict[str, bool]:
        """What /health says of each part."""
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
                body = answer.read()
        except urllib.error.HTTPError as error:  # 503: something is not well
            body = error.read()
        return {check["name"]: check["ok"] for check in json.loads(body)["checks"]}

    def tail(self, lines: int = 30) -> str:
        """The end of its log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


def _toml(port: int, settings: Mapping[str, Mapping[str, Any]]) -> str:
    tables: dict[str, dict[str, Any]] = {name: dict(table) for name, table in settings.items()}
    tables["bot"] = {"data": "data", "port": port, **tables.get("bot", {})}
    tables["plugins.web"] = {"announce": False, **tables.get("plugins.web", {})}
    if "plugins.mail" not in tables:  # codes have to arrive somewhere
        tables["plugins.mailbox"] = {"keep": 500, **tables.get("plugins.mailbox", {})}
    tables["log"] = {"json": True, **tables.get("log", {})}
    parts = []
    for name, table in tables.items():
        lines = "".join(f"{key} = {_value(value)}\n" for key, value in table.items())
        parts.append(f"[{name}]\n{lines}")
    return "\n".join(parts)


def _value(value: Any) -> str:
    """As TOML writes it: other than JSON in tables alone."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value)
