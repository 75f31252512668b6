"""Attachments out of originals: a mail is fetched once, and its files are read out of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from bot.ports import Files, Refused
from plugins.mail.parsing.parse import content, parse

WHOLE_TEXT = "text"
"""In place of a part's number: all that a person reads in it."""
_BLOCK = 256 * 1024


def reference(file: str, index: int | str) -> str:
    """What names a part of an original in ``Files``, or :data:`WHOLE_TEXT`."""
    return f"{file}:{index}"


async def stream(files: Files, ref: str) -> AsyncIterator[bytes]:
    """The bytes of a part. Raises Refused where the original is gone."""
    file, _, index = ref.partition(":")
    path = files.path(file)
    if path is None or not (index.isdecimal() or index == WHOLE_TEXT):
        raise Refused("file_gone")
    data = await asyncio.to_thread(_read, path, index)
    for start in range(0, len(data), _BLOCK):
        yield data[start : start + _BLOCK]


def _read(path: Path, index: str) -> bytes:
    raw = path.read_bytes()
    if index == WHOLE_TEXT:
        return parse(raw).text.encode("utf-8", "replace")
    return content(raw, int(index))
