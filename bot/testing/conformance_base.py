"""How the suite's tests come to be: those that a harness cannot play do not exist for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import pytest

from bot.testing.conformance_wire import Harness

F = TypeVar("F", bound=Callable[..., Any])
_WHEN = "_conformance_when"


def when(fits: Callable[[type[Harness]], bool]) -> Callable[[F], F]:
    """Mark a test that exists only for the harnesses that ``fits`` says."""

    def mark(test: F) -> F:
        setattr(test, _WHEN, fits)
        return test

    return mark


class Conforming:
    """Set ``harness`` in a subclass named ``Test...``."""

    harness: ClassVar[type[Harness]]
    pytestmark: ClassVar[Any] = pytest.mark.asyncio

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        harness = getattr(cls, "harness", None)
        if harness is None:
            return
        for name in dir(cls):
            fits = getattr(getattr(cls, name), _WHEN, None)
            if fits is not None and not fits(harness):
                setattr(cls, name, None)  # not collected: there is nothing to skip
