"""Train a model: the same as `rasa train`, without the command line, and without the texts.

    python train.py --out MODEL.tar.gz [--domain FOLDER]... [--data FOLDER]... [--config FILE]

The texts of the responses are left out of the model: the bot renders them, and a changed word is
no reason to train again. One JSON line on stdout for each step: `{"step": "NgramClassifier"}`.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
_LISTS = ("intents", "entities", "actions")
_MAPPINGS = ("slots", "forms", "responses", "session_config")


def main() -> None:
    """Read the command line and train."""
    options = _options()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    # Advice about the future of Rasa's libraries, and about what a text of ours is used for.
    warnings.simplefilter("ignore")
    os.environ["TQDM_DISABLE"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        # What Rasa would keep to train less the next time is a file that only grows.
        os.environ["RASA_CACHE_DIRECTORY"] = folder
        domain = Path(folder) / "domain.yml"
        domain.write_text(json.dumps(merge_domains(options.domain)), "utf-8")
        sys.exit(_train(domain, options))


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


def _train(domain: Path, options: argparse.Namespace) -> int:
    # Imported late, since this takes seconds; `_Steps` listens to Rasa's own progress.
    from rasa.model_training import train

    steps = logging.getLogger("rasa.engine.training.hooks")
    steps.setLevel(logging.INFO)
    steps.addHandler(_Steps())
    steps.propagate = False
    result = train(
        domain=str(domain),
        config=str(options.config),
        training_files=[str(folder) for folder in options.data],
        output=str(options.out.parent),
        fixed_model_name=options.out.name,
        force_training=True,
    )
    return int(result.code)


class _Steps(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        start, _, rest = record.getMessage().partition("'")
        if start.startswith("Starting"):
            print(json.dumps({"step": rest.partition("'")[0]}), flush=True)


if __name__ == "__main__":
    main()
