"""Attachments: typed by their content, limited while they stream, deleted when they expire."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import pytest

from bot.messages import Attachment
from bot.ports import Refused
from bot.store import SQLiteStore
from bot.store.migrate import Migrations
from host.files import SWEEP, DiskFiles
from host.settings import FilesOptions

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64
PDF = b"%PDF-1.7\n" + b"\x00" * 64
OGG = b"OggS\x00\x02" + b"\x00" * 22 + b"\x01\x13OpusHead" + b"\x00" * 64


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2030, 5, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    migrations = [Migrations("core", resources("bot.store") / "migrations")]
    async with SQLiteStore(tmp_path / "bot.db", migrations) as opened:
        yield opened


@pytest.fixture
def files(tmp_path: Path, store: SQLiteStore, clock: Clock) -> DiskFiles:
    return DiskFiles(folder=tmp_path / "files", store=store, options=FilesOptions(), clock=clock)


async def stream(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def put(files: DiskFiles, data: bytes, **more: Any) -> Attachment:
    given = {"name": "a.png", "owner": "web:1", "limit": 10_000_000} | more
    return await files.put(stream(data), **given)


def on_disk(files: DiskFiles) -> list[str]:
    return sorted(path.name for path in files._folder.glob("*"))


async def test_a_file_is_named_by_its_content_and_kept_once(files: DiskFiles) -> None:
    data = PNG + os.urandom(700_000)
    one = await put(files, data, name="../../etc/Foto von mir.png\x00")
    two = await put(files, data, owner="web:2")
    assert one.file == two.file == hashlib.sha256(data).hexdigest()
    assert (one.name, one.content_type, one.size) == ("Foto von mir.png", "image/png", len(data))
    assert on_disk(files) == [one.file]
    path = files.path(one.file)
    assert path is not None
    assert path.read_bytes() == data
    assert await files.describe(one.file) == one


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PDF, "application/pdf"),
        (OGG, "audio/ogg"),
        ("Grüße aus Köln\n".encode(), "text/plain"),
        ("Grüße aus Köln\n".encode("cp1252"), "text/plain"),
    ],
)
async def test_the_type_is_read_from_the_content(files: DiskFiles, data: bytes, kind: str) -> None:
    made = await put(files, data, name="x.png", content_type="image/png")
    assert made.content_type == kind


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE html><p>hi",
        b"\n <html><script>alert(1)</script>",
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        b'<?xml version="1.0"?><svg/>',
        b"#!/bin/sh\nrm -rf /\n",
        b"MZ\x90\x00" + b"\x00" * 64,
        b"\x7fELF" + b"\x00" * 64,
        b"PK\x03\x04" + b"\x00" * 64,
        b"plain \x00 not",
        b"a" * 300_000 + b"\x00",
    ],
)
async def test_what_could_do_harm_is_refused_whatever_it_is_called(
    files: DiskFiles, data: bytes
) -> None:
    with pytest.raises(Refused) as caught:
        await put(files, data, name="photo.png", content_type="image/png")
    assert caught.value.reason == "file_type"
    assert on_disk(files) == []


async def test_the_limit_holds_while_it_streams(files: DiskFiles) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1000
            yield PNG.ljust(1000, b"\x01")

    with pytest.raises(Refused) as caught:
        await files.put(endless(), name="a.png", owner="web:1", limit=50_000)
    assert caught.value.reason == "file_too_big"
    assert taken <= 51_000
    assert on_disk(files) == []


async def test_an_empty_file_is_refused(files: DiskFiles) -> None:
    with pytest.raises(Refused) as caught:
        await put(files, b"")
    assert caught.value.reason == "file_empty"


async def test_a_sender_that_breaks_off_leaves_nothing(files: DiskFiles) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield PNG
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await files.put(broken(), name="a.png", owner="web:1", limit=10_000)
    assert on_disk(files) == []


async def test_a_full_disk_is_said_as_such(
    files: DiskFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("host.files.os.fsync", full)
    with pytest.raises(Refused) as caught:
        await put(files, PNG)
    assert caught.value.reason == "storage_full"
    assert on_disk(files) == []


async def test_our_own_files_may_be_of_any_type(files: DiskFiles) -> None:
    made = await files.put_bytes(b"\x00\x01", name="blob", owner="shop")
    assert made.content_type == "application/octet-stream"


@pytest.mark.parametrize("name", ["../bot.db", "..", "", "a" * 64, "A" * 64, "/etc/passwd"])
async def test_only_stored_names_have_a_path(files: DiskFiles, name: str) -> None:
    assert files.path(name) is None
    assert await files.describe(name) is None


async def test_a_sweep_deletes_what_nobody_owns_any_more(files: DiskFiles, clock: Clock) -> None:
    shared, short = PNG + b"1", PNG + b"2"
    kept = await put(files, shared, days=1)
    await put(files, shared, owner="web:2", days=9)
    await put(files, short, days=1)
    clock.now += timedelta(days=2)
    assert await files.sweep() == 1
    assert on_disk(files) == [kept.file]
    clock.now += timedelta(days=8)
    assert await files.sweep() == 1
    assert on_disk(files) == []


async def test_a_sweep_keeps_a_young_upload_and_removes_an_old_one(files: DiskFiles) -> None:
    files._folder.mkdir()
    young, old = files._folder / "incoming-a", files._folder / "incoming-b"
    young.touch()
    old.touch()
    os.utime(old, (0, 0))
    assert await files.sweep() == 1
    assert on_disk(files) == ["incoming-a"]


async def test_the_timer_sets_itself_anew_and_wakes_the_sweep(
    files: DiskFiles, store: SQLiteStore
) -> None:
    woken: list[Any] = []
    store.subscribe(SWEEP, woken.append)
    await store.write(lambda tx: files.schedule(tx, "", {}))
    row = await store.read(lambda tx: tx.row("SELECT kind, due FROM timers"))
    assert row is not None
    assert (row["kind"], row["due"][:16]) == (SWEEP, "2030-05-01T06:00")
    assert len(woken) == 1
