"""Reads a file of orders, and says where in it a fault lies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from plugins.shop.schema import OrderDocument, ShopFile

MOST_FAULTS = 20


class BadFile(Exception):
    """A file that cannot be imported; `faults` are one line each, with file, line and field."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def read_file(path: Path, today: date) -> tuple[OrderDocument, ...]:
    """The orders of the file, relative days counted from `today`. Raises BadFile."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile([f"{path}: not UTF-8 (byte {error.start + 1})"]) from error
    except OSError as error:
        raise BadFile([f"{path}: {error.strerror or 'cannot be read'}"]) from error
    try:
        return ShopFile.model_validate_json(text, context={"today": today}).orders
    except ValidationError as error:
        raise BadFile(list(_faults(path, text, error))) from error


def _faults(path: Path, text: str, error: ValidationError) -> Iterator[str]:
    details = error.errors(include_url=False, include_context=False)
    root = None if details[0]["type"] == "json_invalid" else _positions(text)
    for detail in details[:MOST_FAULTS]:
        where = f"{path}:{_line(root, detail)}" if root else str(path)
        field = _field(detail["loc"])
        yield ": ".join(filter(None, (where, field, detail["msg"].removeprefix("Value error, "))))
    if len(details) > MOST_FAULTS:
        yield f"{path}: and {len(details) - MOST_FAULTS} more"


def _positions(text: str) -> yaml.Node | None:
    """JSON is read again as YAML, whose nodes know their line (a tab between tokens aside)."""
    try:
        return yaml.compose(text.replace("\t", " "), Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return None


def _line(node: yaml.Node, detail: ErrorDetails) -> int:
    """The line of the value, or of the innermost part around it when the value is missing."""
    for step in detail["loc"]:
        found = _child(node, step)
        if found is None:
            break
        node = found
    return int(node.start_mark.line) + 1


def _child(node: yaml.Node, step: int | str) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        return node.value[step] if step < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    return None


def _field(location: tuple[int | str, ...]) -> str:
    parts = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in location]
    return "".join(parts).lstrip(".")
