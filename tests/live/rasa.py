"""A Rasa that runs on its own, for a bot that is told its address."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from pathlib import Path

from plugins.rasa import training
from plugins.rasa.action_server import PATH
from plugins.rasa.settings import RasaSettings

_STOP_SECONDS = 20


class RasaServer:
    """Rasa with the trained model; it calls actions back at ``bot_url``."""

    def __init__(self, folder: Path, bot_url: str) -> None:
        settings = RasaSettings()
        project = training.Project(settings.project, settings.models or settings.project / "models")
        self._folder = folder
        self._project = project
        self._bot_url = bot_url
        self.token = secrets.token_urlsafe(32)
        self.actions_token = secrets.token_urlsafe(32)
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Train where it must, start, and return when it answers."""
        training.prepare_environment(self._project, print)
        model = training.train(self._project, print)
        kept = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
        with (self._folder / "rasa.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(self._project.python),
                    str(self._project.folder / "serve.py"),
                    "--model",
                    str(model),
                    "--follow-stdin",
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={
                    **kept,
                    "SCHALTER_TOKEN": self.token,
                    "SCHALTER_ACTIONS_URL": f"{self._bot_url}{PATH}",
                    "SCHALTER_ACTIONS_TOKEN": self.actions_token,
                    "SCHALTER_TRACKER_DB": str(self._folder / "rasa.db"),
                },
                start_new_session=True,
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(b"{"):
                self.url = f"http://127.0.0.1:{json.loads(line)['port']}"
                return
        raise AssertionError((self._folder / "rasa.log").read_text("utf-8", "replace")[-3000:])

    def stop(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
