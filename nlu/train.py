"""Train a model: the same as `rasa train`, without the command line, and without the texts.

    python train.py --out MODEL.tar.gz [--domain FOLDER]... [--data FOLDER]... [--config FILE]

The texts of the responses are left out of the model: the bot renders them, and a changed word is
no reason to train again. One JSON line on stdout for each step: `{"step": "NgramClassifier"}`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

import yaml

from components.startup import quiet

HERE = Path(__file__).resolve().parent
_LISTS = ("intents", "entities", "actions")
_MAPPINGS = ("slots", "forms", "responses", "session_config")


def main() -> None:
    """Read the command line and train."""
    options = _options()
    quiet()
    # Rasa talks on stdout too, which is kept for the steps.
    steps = sys.stdout
    with contextlib.redirect_stdout(sys.stderr), tempfile.TemporaryDirectory() as folder:
        # What Rasa would keep to train less the next time is a file that only grows.
        os.environ["RASA_CACHE_DIRECTORY"] = folder
        domain = Path(folder) / "domain.yml"
        try:
            domain.write_text(json.dumps(merge_domains(options.domain)), "utf-8")
        except (ValueError, yaml.YAMLError) as error:
            sys.exit(str(error))
        made = _train(domain, options, steps)
        # In one piece, or not at all.
        part = options.out.with_name(f"{options.out.name}.{os.getpid()}")
        shutil.copyfile(made, part)
        part.replace(options.out)


def merge_domains(folders: Iterable[Path]) -> dict[str, Any]:
    """One domain out of every file in `folders`, with the names of the responses only.

    Raises ValueError when two files say different things under one name.
    """
    merged: dict[str, Any] = {"version": "3.1"}
    for file in (file for folder in folders for file in sorted(folder.rglob("*.yml"))):
        domain = yaml.safe_load(file.read_text("utf-8")) or {}
        for key in _LISTS:
            items = merged.setdefault(key, [])
            items += [item for item in domain.get(key, []) if item not in items]
        for key in _MAPPINGS:
            for name, value in domain.get(key, {}).items():
                kept = [{"text": name}] if key == "responses" else value
                if merged.setdefault(key, {}).setdefault(name, kept) != kept:
                    raise ValueError(f"{file}: {key}: {name} is defined differently elsewhere")
    return merged


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="the model to write, a .tar.gz")
    parser.add_argument("--domain", type=Path, action="append", default=[])
    parser.add_argument("--data", type=Path, action="append", default=[])
    parser.add_argument("--config", type=Path, default=HERE / "config.yml")
    options = parser.parse_args()
    options.domain = options.domain or [HERE / "domain"]
    options.data = options.data or [HERE / "data", HERE.parent / "stories"]
    return options


def _train(domain: Path, options: argparse.Namespace, out: TextIO) -> Path:
    # Imported late, since this takes seconds; `_Steps` listens to Rasa's own progress.
    from rasa.model_training import train
    from rasa.shared.exceptions import RasaException

    steps = logging.getLogger("rasa.engine.training.hooks")
    steps.setLevel(logging.INFO)
    steps.addHandler(_Steps(out))
    steps.propagate = False
    try:
        result = train(
            domain=str(domain),
            config=str(options.config),
            training_files=[str(folder) for folder in options.data],
            output=str(domain.parent / "models"),
            force_training=True,
        )
    except RasaException as error:
        sys.exit(str(error))
    if result.code or not result.model:
        sys.exit("Rasa could not train on this data; what it said stands above")
    return Path(result.model)


class _Steps(logging.Handler):
    def __init__(self, out: TextIO) -> None:
        super().__init__()
        self._out = out

    def emit(self, record: logging.LogRecord) -> None:
        start, _, rest = record.getMessage().partition("'")
        if start.startswith("Starting"):
            print(json.dumps({"step": rest.partition("'")[0]}), file=self._out, flush=True)


if __name__ == "__main__":
    main()
