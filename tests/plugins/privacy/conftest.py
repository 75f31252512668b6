"""Somebody whose every word is a marker, so that a search finds what is left of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from plugins.slack.testing import SlackSimulator


@pytest.fixture
async def slack() -> AsyncIterator[SlackSimulator]:
    async with SlackSimulator(retry_waits=(0.0, 0.1, 0.2), ack_seconds=2.0) as simulator:
        yield simulator


def left_in(folder: Path, markers: Iterable[str]) -> list[str]:
    """Which markers stand in which files of a folder, byte by byte: free pages and logs too."""
    found = []
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            data = file.read_bytes()
            names = (file.name,)
            found += [
                f"{marker} in {file.relative_to(folder)}"
                for marker in markers
                if marker.encode() in data or marker in names
            ]
    return found
