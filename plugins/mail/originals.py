"""Attachments out of originals: a mail is fetched once, and its files are read out of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from bot.ports import Files, Refused
from plugins.mail.parsing.parse import content

_BLOCK = 256 * 1024


def reference(file: str, index: int) -> str:
    """What names a part of an original in ``Files``."""
    return f"{file}:{index}"


async def stream(files: Files, ref: str) -> AsyncIterator[bytes]:
    """The bytes of a part. Raises Refused where the original is gone."""
    file, _, index = ref.partition(":")
    path = files.path(file)
    if path is None or not index.isdecimal():
        raise Refused("file_gone")
    raw = await asyncio.to_thread(path.read_bytes)
    data = await asyncio.to_thread(content, raw, int(index))
    for start in range(0, len(data), _BLOCK):
        yield data[start : start + _BLOCK]
