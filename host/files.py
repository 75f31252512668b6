"""Attachments on disk: named by the sha256 of their content, typed by looking into them."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import BinaryIO

import filetype

from bot.messages import Attachment
from bot.ports import Refused, Store, Tx
from bot.store import timers
from bot.store.codec import Clock, stamp, utc_now
from host.settings import FilesOptions

SWEEP = "files.sweep"
_EVERY = timedelta(hours=6)
_ORPHAN_AGE = 24 * 3600  # seconds; younger ones may belong to a put that is under way
_BLOCK = 256 * 1024  # bytes written in one hop into a thread
_HEAD = 8192  # bytes that are enough to tell a type
_NAME = re.compile(r"[0-9a-f]{64}")
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f")) + b"\x7f"
# Text that a browser would run, or a shell: never taken, whatever it calls itself.
_ACTIVE = re.compile(rb"^\s*(#!|<\?xml|<!doctype|<!--)|<(html|svg|script|body|iframe)[\s>/]", re.I)
_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass
class _Upload:
    """A file on its way in."""

    stream: BinaryIO
    path: Path
    size: int = 0
    head: bytes = b""
    text: bool = True
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def write(self, block: bytes) -> None:
        self.stream.write(block)
        self.digest.update(block)
        self.head += block[: _HEAD - len(self.head)]
        # No control characters: text in UTF-8 or in an old 8-bit code page. UTF-16 is not taken.
        self.text = self.text and len(block) == len(block.translate(None, _CONTROL))

    def content_type(self) -> str:
        kind = filetype.guess(self.head)
        if kind is not None:
            return str(kind.mime)
        active = _ACTIVE.search(self.head)
        return "text/plain" if self.text and not active else "application/octet-stream"

    def place(self, final: Path) -> None:
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.path.replace(final)
        with suppress(OSError):  # some file systems cannot sync a folder
            folder = os.open(final.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def discard(self) -> None:
        with suppress(OSError):  # what a full disk refused is refused again at close
            self.stream.close()
        self.path.unlink(missing_ok=True)


class DiskFiles:
    """The Files port on a folder. ``folder`` is made when it is missing."""

    def __init__(
        self, *, folder: Path, store: Store, options: FilesOptions, clock: Clock = utc_now
    ) -> None:
        self._folder = folder
        self._store = store
        self._options = options
        self._clock = clock
        self._lock = asyncio.Lock()  # a sweep must not delete what a put has just placed

    async def put(
        self,
        chunks: AsyncIterator[bytes],
        *,
        name: str,
        owner: str,
        limit: int,
        content_type: str | None = None,  # noqa: ARG002 - what a sender claims is not believed
        days: float | None = None,
    ) -> Attachment:
        """As in the port; also raises Refused with ``storage_full``."""
        limit = min(limit, self._options.max_bytes)
        return await self._keep(chunks, name, owner, limit, self._options.types, days)

    async def put_bytes(self, data: bytes, *, name: str, owner: str) -> Attachment:
        """As in the port. Raises Refused with ``storage_full`` or ``file_empty``."""
        return await self._keep(_once(data), name, owner, max(len(data), 1), ("*",), None)

    def path(self, file: str) -> Path | None:
        """As in the port."""
        path = self._folder / file
        return path if _NAME.fullmatch(file) and path.is_file() else None

    async def describe(self, file: str) -> Attachment | None:
        """As in the port."""
        row = await self._store.read(
            lambda tx: tx.row("SELECT * FROM files WHERE file = :file LIMIT 1", file=file)
        )
        if row is None:
            return None
        return Attachment(row["name"], row["content_type"], row["size"], file)

    async def _keep(
        self,
        chunks: AsyncIterator[bytes],
        name: str,
        owner: str,
        limit: int,
        types: tuple[str, ...],
        days: float | None,
    ) -> Attachment:
        try:
            upload = await asyncio.to_thread(self._begin)
            try:
                try:
                    await _receive(upload, chunks, limit)
                finally:
                    await getattr(chunks, "aclose", _nothing)()
                content_type = upload.content_type()
                if not any(fnmatch(content_type, pattern) for pattern in types):
                    raise Refused("file_type", content_type)
                file = upload.digest.hexdigest()
                made = Attachment(_plain(name), content_type, upload.size, file)
                async with self._lock:
                    await asyncio.to_thread(upload.place, self._folder / file)
                    await self._store.write(lambda tx: self._note(tx, made, owner, days))
            finally:
                await asyncio.to_thread(upload.discard)
        except OSError as error:
            if error.errno in _FULL:
                raise Refused("storage_full") from error
            raise
        return made

    def _begin(self) -> _Upload:
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, path = tempfile.mkstemp(prefix="incoming-", dir=self._folder)
        return _Upload(os.fdopen(handle, "wb"), Path(path))

    def _note(self, tx: Tx, made: Attachment, owner: str, days: float | None) -> None:
        now = self._clock()
        expires = now + timedelta(days=self._options.days if days is None else days)
        tx.run(
            "INSERT INTO files (file, owner, name, content_type, size, created_at, expires_at) "
            "VALUES (:file, :owner, :name, :type, :size, :now, :expires) ON CONFLICT (file, owner) "
            "DO UPDATE SET name = :name, expires_at = max(expires_at, :expires)",
            file=made.file,
            owner=owner,
            name=made.name,
            type=made.content_type,
            size=made.size,
            now=stamp(now),
            expires=stamp(expires),
        )

    def schedule(self, tx: Tx, _subject: str, _payload: Mapping[str, object]) -> None:
        """Handle the timer ``files.sweep``: set it anew, and wake the sweep after the commit."""
        timers.schedule(tx, SWEEP, "", self._clock() + _EVERY)
        tx.notify(SWEEP)

    async def drop(self, names: Iterable[str]) -> None:
        """Delete the files of these names that nobody owns any more."""

        def unowned(tx: Tx) -> set[str]:
            sql = "SELECT 1 FROM files WHERE file = :file"
            return {name for name in set(names) if tx.row(sql, file=name) is None}

        async with self._lock:
            for name in await self._store.read(unowned):
                if _NAME.fullmatch(name):
                    await asyncio.to_thread((self._folder / name).unlink, missing_ok=True)

    async def sweep(self) -> int:
        """Delete what has expired and what nobody owns; return how many files went."""

        def expire(tx: Tx) -> set[str]:
            tx.run("DELETE FROM files WHERE expires_at < :now", now=stamp(self._clock()))
            return {row["file"] for row in tx.rows("SELECT DISTINCT file FROM files")}

        async with self._lock:
            owned = await self._store.write(expire)
            return await asyncio.to_thread(self._delete_all_but, owned)

    def _delete_all_but(self, owned: set[str]) -> int:
        gone = 0
        for path in self._folder.glob("*"):
            incoming = path.name.startswith("incoming-")
            if incoming and time.time() - path.stat().st_mtime < _ORPHAN_AGE:
                continue
            if incoming or (_NAME.fullmatch(path.name) and path.name not in owned):
                path.unlink(missing_ok=True)
                gone += 1
        return gone


async def _receive(upload: _Upload, chunks: AsyncIterator[bytes], limit: int) -> None:
    block = bytearray()
    async for chunk in chunks:
        upload.size += len(chunk)
        if upload.size > limit:
            raise Refused("file_too_big", f"over {limit} bytes")
        block += chunk
        if len(block) >= _BLOCK:
            await asyncio.to_thread(upload.write, bytes(block))
            block.clear()
    if upload.size == 0:
        raise Refused("file_empty")
    await asyncio.to_thread(upload.write, bytes(block))


async def _nothing() -> None: ...


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _plain(name: str) -> str:
    """A name that is safe to show and to save under: no folders, no control characters."""
    last = re.split(r"[\\/]", name)[-1]
    return "".join(c for c in last if c.isprintable()).strip(" .")[-120:] or "file"
