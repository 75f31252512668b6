"""Settings: core options and the plugins' tables from ``schalter.toml``, secrets from outside it.

Secrets come from the environment or from a ``.env`` beside the file; the real environment wins.
Everything wrong is a :class:`~bot.ports.Problem` that names key, file, line and how to mend it.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from dotenv.parser import parse_stream
from pydantic import BaseModel, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bot.ports import Problem
from host.desk_options import HandoffOptions as HandoffOptions
from host.desk_options import HoursOptions as HoursOptions
from host.errors import Invalid
from host.identity import IdentityOptions as IdentityOptions
from host.options import Options as Options
from host.secrets import SecretPath, is_secret, nested, value_at, with_value
from host.secrets import secret_names as secret_names

S = TypeVar("S", bound=BaseModel)
FILE = "schalter.toml"
_LISTS = frozenset({"tuple_type", "list_type", "set_type", "frozen_set_type"})


class BotOptions(Options):
    """``[bot]``: where it runs and how it speaks."""

    data: Path = Field(default=Path("data"), description="The data folder, relative to this file")
    host: str = Field(default="127.0.0.1", description="Address to listen on")
    port: int = Field(
        default=8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one"
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/?#\s]+[^?#\s]*$",
        description="The bot's address from outside: https://bot.shop.example",
    )
    language: Literal["de", "en"] = "de"
    formality: Literal["Sie", "du"] = "Sie"
    plugins: tuple[str, ...] | None = Field(
        default=None, description="Only these plugins; default: all"
    )
    without: tuple[str, ...] = Field(default=(), description="Plugins to leave out")


class DialogueOptions(Options):
    """``[dialogue]``: patience with the dialogue. All in seconds."""

    slow_after: float = Field(
        default=5, gt=0, description="Until the customer hears that it takes longer"
    )
    ask_timeout: float = Field(default=30, gt=0, description="For one question to the dialogue")
    retry_limit: float = Field(default=60, gt=0, description="Until a person gets the case")
    session_pause: float = Field(
        default=4 * 3600, gt=0, description="Silence after which a session ends"
    )


class FilesOptions(Options):
    """``[files]``: attachments."""

    max_bytes: int = Field(default=20 * 1024 * 1024, gt=0)
    days: float = Field(default=30, gt=0, description="Days until a file is deleted")
    types: tuple[str, ...] = ("image/*", "application/pdf", "audio/*", "video/*", "text/plain")


class LogOptions(Options):
    """``[log]``: what is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    as_json: bool | None = Field(
        default=None, alias="json", description="Default: unless on a terminal"
    )


class _Document(Options):
    bot: BotOptions = BotOptions()
    dialogue: DialogueOptions = DialogueOptions()
    handoff: HandoffOptions = HandoffOptions()
    hours: HoursOptions = HoursOptions()
    files: FilesOptions = FilesOptions()
    identity: IdentityOptions = IdentityOptions()
    log: LogOptions = LogOptions()
    plugins: dict[str, dict[str, Any]] = Field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """Everything that was configured. ``file`` is ``None`` when there is no file."""

    bot: BotOptions = field(default_factory=BotOptions)
    dialogue: DialogueOptions = field(default_factory=DialogueOptions)
    handoff: HandoffOptions = field(default_factory=HandoffOptions)
    hours: HoursOptions = field(default_factory=HoursOptions)
    files: FilesOptions = field(default_factory=FilesOptions)
    identity: IdentityOptions = field(default_factory=IdentityOptions)
    log: LogOptions = field(default_factory=LogOptions)
    plugins: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    file: Path | None = None
    text: str = field(default="", repr=False)

    @property
    def data(self) -> Path:
        """The data folder."""
        return (self.file.parent if self.file else Path()) / self.bot.data

    def changed(self, **bot: Any) -> Settings:
        """Return a copy with other ``[bot]`` options (from the command line)."""
        return replace(self, bot=self.bot.model_copy(update=bot))

    def has_plugin(self, name: str) -> bool:
        """Whether there is a table ``[plugins.<name>]``."""
        return name in self.plugins

    def plugin(self, name: str, model: type[S]) -> S:
        """Validate ``[plugins.<name>]``. Raises Invalid with every finding."""
        table = dict(self.plugins.get(name, {}))
        secrets = list(secret_names(model, f"SCHALTER_{name}", table))
        problems = list(_secrets_in_file(self, name, secrets))
        for path, variable in secrets:
            if value := self.environment.get(variable):
                table = with_value(table, path, value)
        try:
            made = model.model_validate(table, extra="forbid")
        except ValidationError as error:
            problems += _findings(error, model, self, ("plugins", name))
        if problems:
            raise Invalid(problems)
        return made


def load(path: Path | None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read settings from ``path``; ``None`` means defaults. Raises Invalid."""
    environment = _environment((path.parent if path else Path()) / ".env", environ)
    if path is None:
        return Settings(environment=environment)
    try:
        text = path.read_text("utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        raise Invalid([Problem(str(path), f"cannot be read ({error.strerror})")]) from error
    except UnicodeDecodeError as error:
        raise Invalid([Problem(str(path), "is not UTF-8", "save it as UTF-8")]) from error
    except tomllib.TOMLDecodeError as error:
        raise Invalid([Problem(str(path), f"is not TOML: {error}", "mend that line")]) from error
    raw = Settings(environment=environment, file=path, text=text)
    try:
        made = _Document.model_validate(document)
    except ValidationError as error:
        raise Invalid(_findings(error, _Document, raw, ())) from error
    return replace(raw, **{name: getattr(made, name) for name in _Document.model_fields})


def _environment(file: Path, environ: Mapping[str, str]) -> dict[str, str]:
    values: dict[str, str] = {}
    if file.is_file():
        with file.open(encoding="utf-8", errors="replace") as stream:
            for line in parse_stream(stream):
                if line.error:  # the line itself is not shown: it may hold a secret
                    where = f"{file}:{line.original.line}"
                    raise Invalid([Problem(where, "is not NAME=value", "mend that line")])
                if line.key and line.value is not None:
                    values[line.key] = line.value
    return values | dict(environ)


def close_to(name: str, names: Iterable[str]) -> str:
    """A hint for a mistyped name, or what is possible."""
    known = sorted(names)
    near = difflib.get_close_matches(name, known, 1)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"possible: {', '.join(known)}" if known else "remove it"


def place(settings: Settings, keys: tuple[str, ...]) -> str:
    """Name file, line (where it is found) and key of a setting."""
    line = _line(settings.text, keys)
    file = f"{settings.file or FILE}{f':{line}' if line else ''}"
    table, key = ".".join(keys[:-1]), keys[-1]
    if table in ("", "plugins") or key.isdigit():
        return f"{file} [{'.'.join(keys)}]"
    return f"{file} [{table}] {key}"


def _line(text: str, keys: tuple[str, ...]) -> int | None:
    """The line of a key, else of what it stands or should stand in: an inline table, a header."""
    lines = _lines(text)
    paths = (".".join(keys[:end]) for end in range(len(keys), 0, -1))
    return next((lines[path] for path in paths if path in lines), None)


def _lines(text: str) -> dict[str, int]:
    # Good enough for files as people write them: a header, then `key = value` lines.
    lines: dict[str, int] = {}
    counts: Counter[str] = Counter()
    table = array = element = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*(\[+)\s*([^\]]+?)\s*\]", line):
            table = header[2].replace('"', "").replace(" ", "")
            if len(header[1]) == 2:  # the next one of an array of tables
                array, element = table, f"{table}.{counts[table]}"
                counts[table] += 1
            if array and f"{table}.".startswith(f"{array}."):
                table = element + table.removeprefix(array)
            lines.setdefault(table, number)
        elif key := re.match(r'\s*([\w."-]+)\s*=', line):
            name = key[1].replace('"', "")
            lines.setdefault(f"{table}.{name}".lstrip("."), number)
    return lines


def _findings(
    error: ValidationError, model: type[BaseModel], settings: Settings, prefix: tuple[str, ...]
) -> list[Problem]:
    details = error.errors()
    wrong = [detail["loc"] for detail in details]
    return [
        _finding(detail, model, settings, prefix)
        for detail in details
        if detail["type"] != "too_short" or not _holds_another(detail["loc"], wrong)
    ]


def _holds_another(loc: tuple[int | str, ...], others: Iterable[tuple[int | str, ...]]) -> bool:
    # A list whose members are wrong is empty without them, which is nobody's fault.
    return any(len(one) > len(loc) and one[: len(loc)] == loc for one in others)


def _finding(
    detail: ErrorDetails, model: type[BaseModel], settings: Settings, prefix: tuple[str, ...]
) -> Problem:
    loc = tuple(str(part) for part in detail["loc"])
    info = _field_at(model, loc)
    where = place(settings, (*prefix, *loc)) if loc else place(settings, prefix)
    if detail["type"] == "extra_forbidden":
        fields = _model_at(model, loc[:-1]).model_fields
        return Problem(where, "unknown key", close_to(loc[-1], _names(fields)))
    if info is not None and is_secret(info):
        table = settings.plugins.get(prefix[-1], {})
        for path, variable in secret_names(model, f"SCHALTER_{prefix[-1]}", table):
            if tuple(map(str, path)) == loc:
                fix = f"set {variable} in the environment or in .env"
                return Problem(where, _what(detail), fix)
    if info is None and detail["type"] != "value_error":  # a member of a list or of a table
        found = (_field_at(model, loc[:end]) for end in range(len(loc) - 1, 0, -1))
        info = next(filter(None, found), None)
    hint = (info.description if info is not None else None) or "see schalter.example.toml"
    return Problem(where, _what(detail), hint)


def _what(detail: ErrorDetails) -> str:
    if detail["type"] == "missing":
        return "is missing"
    if detail["type"] == "string_pattern_mismatch":
        return "does not have the right form"  # the hint says which; a pattern is no sentence
    if detail["type"] in _LISTS:
        return "should be a list, in [ ]"
    if detail["type"] == "too_short" and not detail["input"]:
        return "is empty"
    what = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return what[:1].lower() + what[1:]


def _names(fields: Mapping[str, FieldInfo]) -> list[str]:
    return [info.alias or name for name, info in fields.items()]


def _field_at(model: type[BaseModel], loc: tuple[str, ...]) -> FieldInfo | None:
    fields = _model_at(model, loc[:-1]).model_fields if loc else {}
    return next((i for n, i in fields.items() if (i.alias or n) == loc[-1]), None)


def _model_at(model: type[BaseModel], loc: tuple[str, ...]) -> type[BaseModel]:
    for part in loc:
        info = model.model_fields.get(part)
        model = (nested(info) if info is not None else None) or model
    return model


def _secrets_in_file(
    settings: Settings, name: str, secrets: Iterable[tuple[SecretPath, str]]
) -> Iterator[Problem]:
    for path, variable in secrets:
        if value_at(settings.plugins.get(name, {}), path) is not None:
            where = place(settings, ("plugins", name, *map(str, path)))
            fix = f"take it out and set {variable} in the environment or in .env"
            yield Problem(where, "a secret must not be in this file", fix)
