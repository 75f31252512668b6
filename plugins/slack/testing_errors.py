"""What the simulated Slack answers instead of a result."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """``ok: false``, with the name of the error and what else is told."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error, self.more = error, more


class Refused(Exception):
    """Something that Slack's own program would not let a person do."""


def complaints(error: str, problems: list[str]) -> ApiError:
    """An error that says what is wrong with blocks or a view, as Slack words it."""
    told = {"messages": [f"[ERROR] {problem}" for problem in problems]}
    return ApiError(error, errors=problems, response_metadata=told)
