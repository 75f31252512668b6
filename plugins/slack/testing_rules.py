"""Small rules out of which the reference of Block Kit is built.

A rule is called with a value and its JSON pointer, and returns complaints as Slack words them:
``must be less than 3001 characters [json-pointer:/blocks/0/text/text]``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Raw = dict[str, Any]
Rule = Callable[[Any, str], Iterator[str]]


def at(problem: str, pointer: str) -> str:
    """A complaint about a place."""
    return f"{problem} [json-pointer:{pointer}]"


def string(longest: int, shortest: int = 1, pattern: str = "") -> Rule:
    """Characters, so many."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield at("must be a string", pointer)
        elif len(value) > longest:
            yield at(f"must be less than {longest + 1} characters", pointer)
        elif len(value) < shortest:
            yield at(f"must be more than {shortest - 1} characters", pointer)
        elif pattern and not re.fullmatch(pattern, value):
            yield at("failed to match the format", pointer)

    return check


def boolean(value: Any, pointer: str) -> Iterator[str]:
    """True or false."""
    if not isinstance(value, bool):
        yield at("must be a boolean", pointer)


def integer(least: int, most: int) -> Rule:
    """A number in these bounds."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, int) or isinstance(value, bool):
            yield at("must be an integer", pointer)
        elif not least <= value <= most:
            yield at(f"must be between {least} and {most}", pointer)

    return check


def one_of(*allowed: str) -> Rule:
    """One of these words."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if value not in allowed:
            yield at(f"must be a valid enum value {list(allowed)}", pointer)

    return check


def anything(_value: Any, _pointer: str) -> Iterator[str]:
    """Not looked at."""
    return iter(())


def items(rule: Rule, most: int, least: int = 1) -> Rule:
    """An array of so many."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield at("must be an array", pointer)
            return
        if len(value) > most:
            yield at(f"no more than {most} items allowed", pointer)
        if len(value) < least:
            yield at(f"no less than {least} items required", pointer)
        for index, one in enumerate(value):
            yield from rule(one, f"{pointer}/{index}")

    return check


@dataclass(frozen=True)
class Shape:
    """An object: its fields, which of them must be there, and of which pairs exactly one."""

    fields: Mapping[str, Rule]
    required: Collection[str] = ()
    either: Collection[str] = ()
    both: bool = False
    """Whether all of ``either`` may be there."""
    more: Rule = field(default=anything)

    def __call__(self, value: Any, pointer: str) -> Iterator[str]:
        """The complaints."""
        if not isinstance(value, dict):
            yield at("must be an object", pointer)
            return
        yield from self._missing(value, pointer)
        for name, given in value.items():
            if name in self.fields:
                yield from self.fields[name](given, f"{pointer}/{name}")
            elif name != "type":
                yield at(f"no more fields allowed, additional field: {name}", pointer)
        yield from self.more(value, pointer)

    def _missing(self, value: Raw, pointer: str) -> Iterator[str]:
        for name in self.required:
            if name not in value:
                yield at(f"missing required field: {name}", pointer)
        there = [name for name in self.either if name in value]
        if self.either and (not there or (len(there) > 1 and not self.both)):
            yield at(f"one of {sorted(self.either)} is required", pointer)


def by_type(shapes: Mapping[str, Rule], what: str) -> Rule:
    """An object whose ``type`` says which shape it has."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield at("must be an object", pointer)
        elif "type" not in value:
            yield at("missing required field: type", pointer)
        elif value["type"] not in shapes:
            yield at(f"unsupported type: {value['type']} ({what})", f"{pointer}/type")
        else:
            yield from shapes[value["type"]](value, pointer)

    return check
