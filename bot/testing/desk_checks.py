"""What the desk suite says of lines, cards and refusals."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any

from bot.testing.conformance_scene import require
from bot.testing.desk_scene import eventually
from bot.testing.desk_wire import Known, Sitting, Told


def has(text: str, by: str, state: str = "") -> Any:
    """Whether one of the lines says this; for :func:`desk_scene.shows`."""

    def fits(lines: Any) -> bool:
        return any(
            line.text == text and line.by == by and state in ("", line.state) for line in lines
        )

    return fits


def note(*names: str) -> Any:
    """Whether a note names all of these."""

    def fits(lines: Any) -> bool:
        notes = [line.text for line in lines if line.by == "note"]
        return any(all(name in note for name in names) for note in notes)

    return fits


async def card(agent: Sitting, *known: Known) -> None:
    """Wait until the card names these other conversations. Raises AssertionError."""
    found: list[Known] = []

    async def look() -> bool:
        found[:] = [*await agent.knows()]
        return found == [*known]

    try:
        await eventually(look, "")
    except AssertionError:
        raise AssertionError(f"the card names {found}, not {known}") from None


async def refused(doing: Any) -> str:
    """What an agent is told who cannot do something. Raises AssertionError when they could."""
    try:
        await doing
    except Told as told:
        return str(told)
    raise AssertionError("the desk did it")


async def tries(doing: Any) -> None:
    """Do what the desk may refuse, or may take for something internal."""
    with suppress(Told):
        await doing


def once(texts: list[str]) -> None:
    """Require that nothing was told twice."""
    often = {text: count for text, count in Counter(texts).items() if count > 1 and text}
    require(not often, f"told more than once: {often}")
