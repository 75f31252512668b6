"""`bot chat --json` as a subprocess: what is said in several conversations, and what comes back."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.live.process import BOT, START_SECONDS

Line = dict[str, Any]


CODE = "{code}"
"""In a line: the code in the latest mail that the same sender's lines have caused."""


def chat_json(folder: Path, lines: Sequence[Line | str], settings: str = "") -> list[Line]:
    """Talk; return one answer for each line. Lines may be raw text, to be wrong on purpose."""
    config = folder / "chat.toml"
    config.write_text(settings, "utf-8")
    command = [str(BOT), "--config", str(config), "chat", "--json", "--data", str(folder / "chat")]
    errors = folder / "chat.log"
    with (
        errors.open("wb") as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        ) as process,
    ):
        patience = threading.Timer(START_SECONDS, process.kill)
        patience.start()
        try:
            answers = _talk(process, lines)
        finally:
            patience.cancel()
    said = errors.read_text("utf-8", "replace")[-3000:]
    assert process.returncode == 0, said
    return answers


def _talk(process: subprocess.Popen[bytes], lines: Sequence[Line | str]) -> list[Line]:
    """All at once, but that a line with a code waits for the answer that brings it."""
    assert process.stdin is not None
    assert process.stdout is not None
    answers: list[Line] = []
    for number, line in enumerate(lines):
        if isinstance(line, dict) and CODE in str(line.get("text")):
            while len(answers) < number:
                answers.append(json.loads(process.stdout.readline()))
            line = {**line, "text": line["text"].replace(CODE, _code(answers, line["sender"]))}
        process.stdin.write((line if isinstance(line, str) else json.dumps(line)).encode() + b"\n")
        process.stdin.flush()
    process.stdin.close()
    return [*answers, *(json.loads(line) for line in process.stdout)]


def _code(answers: Sequence[Line], sender: str) -> str:
    mails = [m for a in answers if a.get("sender") == sender for m in a.get("mails", ())]
    assert mails, f"no mail for {sender}"
    found = re.search(r"(?:lautet|code is): (\d{6})", mails[-1]["text"])
    assert found, mails[-1]
    return found[1]
