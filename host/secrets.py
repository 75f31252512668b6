"""Where the secrets of a plugin's settings are: named by the environment, never in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

SecretPath = tuple[str | int, ...]
"""Keys down to a value; a number is a place in a list of tables."""


def secret_names(
    model: type[BaseModel], prefix: str, table: Mapping[str, Any] | None = None
) -> Iterator[tuple[SecretPath, str]]:
    """Yield path and environment variable of each secret of a settings model.

    The tables of a list have theirs by their ``name`` (``SCHALTER_MAIL_SUPPORT_PASSWORD``), so
    they are found only in a ``table`` as it was written.
    """
    for name, info in model.model_fields.items():
        variable, inside = f"{prefix}_{name}".upper(), (table or {}).get(name)
        if is_secret(info):
            yield (name,), variable
        elif (one := nested(info)) is None:
            continue
        elif get_origin(info.annotation) in (tuple, list):
            for place, row in enumerate(inside if isinstance(inside, list) else ()):
                if isinstance(row, Mapping) and isinstance(row.get("name"), str):
                    for path, inner in secret_names(one, f"{prefix}_{row['name']}", row):
                        yield (name, place, *path), inner
        else:
            for path, inner in secret_names(
                one, variable, inside if isinstance(inside, Mapping) else None
            ):
                yield (name, *path), inner


def is_secret(info: FieldInfo) -> bool:
    """Whether a field is read from the environment only."""
    return SecretStr in (info.annotation, *get_args(info.annotation))


def nested(info: FieldInfo) -> type[BaseModel] | None:
    """The model of a field that is a table, or a list of tables."""
    for kind in (info.annotation, *get_args(info.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def value_at(table: Any, path: SecretPath) -> Any:
    """What stands at a path, or ``None``."""
    for part in path:
        if isinstance(table, Mapping):
            table = table.get(part)
        elif isinstance(table, Sequence) and isinstance(part, int) and part < len(table):
            table = table[part]
        else:
            return None
    return table


def with_value(table: Mapping[str, Any], path: SecretPath, value: Any) -> dict[str, Any]:
    """A copy of a table with a value at a path; what is no table there is left as it is."""
    made = dict(table)
    made[str(path[0])] = _with(made.get(str(path[0])), path[1:], value)
    return made


def _with(inside: Any, path: SecretPath, value: Any) -> Any:
    if not path:
        return value
    if isinstance(path[0], int):
        rows = list(inside)
        rows[path[0]] = _with(rows[path[0]], path[1:], value)
        return rows
    return with_value(inside or {}, path, value) if isinstance(inside or {}, Mapping) else inside
