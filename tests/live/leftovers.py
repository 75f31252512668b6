"""What is left of somebody in a folder, to the last byte."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


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
