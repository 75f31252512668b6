"""`bot chat --json` as a subprocess: what is said in several conversations, and what comes back."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.live.process import BOT, START_SECONDS

Line = dict[str, Any]


def chat_json(folder: Path, lines: Sequence[Line | str], settings: str = "") -> list[Line]:
    """Talk; return one answer for each line. Lines may be raw text, to be wrong on purpose."""
    config = folder / "chat.toml"
    config.write_text(settings, "utf-8")
    given = "\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines)
    done = subprocess.run(
        [str(BOT), "--config", str(config), "chat", "--json", "--data", str(folder / "chat")],
        input=given.encode(),
        capture_output=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]
