"""The store: group commit, each piece of work for itself, notices after it, and clear errors."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import pytest

from bot.store import SQLiteStore, StoreError
from bot.store.migrate import Migrations
from bot.store.sqlite import explain


def core() -> list[Migrations]:
    return [Migrations("core", resources("bot.store") / "migrations")]


def own(folder: Path, **scripts: str) -> Migrations:
    folder.mkdir(exist_ok=True)
    for name, sql in scripts.items():
        (folder / f"{name.removeprefix('m')}.sql").write_text(sql)
    return Migrations("own", folder)


def insert(number: int) -> Any:
    return lambda tx: tx.run("INSERT INTO numbers VALUES (:n)", n=number)


async def numbers(store: SQLiteStore) -> list[int]:
    rows = await store.read(lambda tx: tx.rows("SELECT n FROM numbers ORDER BY rowid"))
    return [row["n"] for row in rows]


@pytest.fixture
def counted(tmp_path: Path) -> Migrations:
    return own(tmp_path / "own", m0001_numbers="CREATE TABLE numbers (n INTEGER UNIQUE);")


async def test_what_arrives_together_shares_a_commit_and_keeps_its_order(
    tmp_path: Path, counted: Migrations
) -> None:
    async with SQLiteStore(tmp_path / "bot.db", [counted]) as store:
        commits = []
        assert store._writer is not None
        await store._writer.set_trace_callback(
            lambda sql: commits.append(sql) if sql == "COMMIT" else None
        )
        await asyncio.gather(*(store.write(insert(n)) for n in range(100)))
        assert await numbers(store) == list(range(100))
        assert len(commits) <= 2


async def test_work_that_fails_takes_nothing_else_along(
    tmp_path: Path, counted: Migrations
) -> None:
    def fails(tx: Any) -> None:
        insert(99)(tx)
        tx.notify("topic", "of the failed one")
        raise RuntimeError("mine")

    heard: list[Any] = []
    async with SQLiteStore(tmp_path / "bot.db", [counted]) as store:
        store.subscribe("topic", heard.append)
        results = await asyncio.gather(
            store.write(insert(1)),
            store.write(fails),
            store.write(insert(1)),
            store.write(insert(2)),
            return_exceptions=True,
        )
        assert await numbers(store) == [1, 2]
    assert [type(result) for result in results] == [
        int,
        RuntimeError,
        sqlite3.IntegrityError,
        int,
    ]
    assert heard == []


async def test_notices_come_after_the_commit_and_before_the_writer_goes_on(
    tmp_path: Path, counted: Migrations
) -> None:
    path = tmp_path / "bot.db"
    seen: list[tuple[Any, int]] = []

    def listener(subject: Any) -> None:
        with sqlite3.connect(path) as other:
            (count,) = other.execute("SELECT count(*) FROM numbers").fetchone()
        other.close()
        seen.append((subject, count))

    def work(tx: Any) -> None:
        insert(1)(tx)
        tx.notify("topic", "s")

    async with SQLiteStore(path, [counted]) as store:
        stop = store.subscribe("topic", listener)
        await store.write(work)
        assert seen == [("s", 1)]
        stop()
        await store.write(lambda tx: tx.notify("topic", "unheard"))
    assert seen == [("s", 1)]


async def test_a_listener_that_raises_does_not_stop_the_writer(
    tmp_path: Path, counted: Migrations
) -> None:
    """Everybody whose write was in the same batch waited for ever."""

    def raises(subject: Any) -> None:
        raise RuntimeError("listener")

    async with SQLiteStore(tmp_path / "bot.db", [counted]) as store:
        store.subscribe("topic", raises)
        async with asyncio.timeout(3):
            await asyncio.gather(
                store.write(lambda tx: tx.notify("topic")),
                *(store.write(insert(n)) for n in (1, 2)),
            )
        assert await numbers(store) == [1, 2]


async def test_who_stops_waiting_does_not_undo_the_write(
    tmp_path: Path, counted: Migrations
) -> None:
    async with SQLiteStore(tmp_path / "bot.db", [counted]) as store:
        waiting = asyncio.create_task(store.write(insert(1)))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await store.write(insert(2))
        assert await numbers(store) == [1, 2]


async def test_a_reader_cannot_write_and_a_closed_store_says_so(
    tmp_path: Path, counted: Migrations
) -> None:
    store = SQLiteStore(tmp_path / "bot.db", [counted])
    async with store:
        with pytest.raises((sqlite3.OperationalError, StoreError)):
            await store.read(insert(1))
    with pytest.raises(StoreError, match="closed"):
        await store.read(lambda tx: None)
    with pytest.raises(StoreError, match="closed"):
        await store.write(insert(1))


# --- migrations


async def test_a_migration_runs_once_and_a_later_one_on_top(tmp_path: Path) -> None:
    one = own(tmp_path / "own", m0001_a="CREATE TABLE numbers (n INTEGER);")
    async with SQLiteStore(tmp_path / "bot.db", [*core(), one]) as store:
        await store.write(insert(1))
    two = own(tmp_path / "own", m0002_b="UPDATE numbers SET n = n + 1;")
    for _ in range(2):
        async with SQLiteStore(tmp_path / "bot.db", [*core(), two]) as store:
            assert await numbers(store) == [2]


def test_two_migrations_with_one_number_are_named(tmp_path: Path) -> None:
    """One of them would never be applied."""
    for name in ("0001_a.sql", "0001_b.sql"):
        (tmp_path / name).write_text("SELECT 1;")
    with pytest.raises(ValueError, match="two have the same number"):
        list(Migrations("x", tmp_path).files())


async def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    bad = own(tmp_path / "own", m0001_a="CREATE TABLE half (n INTEGER);\nINSERT INTO nowhere;")
    with pytest.raises(StoreError):
        async with SQLiteStore(tmp_path / "bot.db", [bad]):
            pass
    own(tmp_path / "own", m0001_a="CREATE TABLE half (n INTEGER);")
    async with SQLiteStore(tmp_path / "bot.db", [bad]) as store:
        assert await store.read(lambda tx: tx.rows("SELECT * FROM half")) == []


async def test_a_trigger_is_one_statement(tmp_path: Path) -> None:
    sql = (
        "CREATE TABLE numbers (n INTEGER);\n"
        "CREATE TRIGGER t AFTER INSERT ON numbers WHEN new.n < 5 BEGIN\n"
        "  INSERT INTO numbers VALUES (new.n + 10);\nEND;\n-- the end"
    )
    async with SQLiteStore(tmp_path / "bot.db", [own(tmp_path / "own", m0001_t=sql)]) as store:
        await store.write(insert(1))
        assert await numbers(store) == [1, 11]


async def test_a_newer_schema_is_refused_and_named(tmp_path: Path) -> None:
    newer = own(tmp_path / "own", m0001_a="SELECT 1;", m0002_b="SELECT 1;")
    async with SQLiteStore(tmp_path / "bot.db", [newer]):
        pass
    (tmp_path / "own" / "0002_b.sql").unlink()
    with pytest.raises(StoreError, match="newer version of 'own' — install that version"):
        async with SQLiteStore(tmp_path / "bot.db", [newer]):
            pass


# --- what an operator reads


async def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "bot.db").write_bytes(b"not a database at all" * 1000)
    with pytest.raises(StoreError, match="is damaged — restore it"):
        async with SQLiteStore(tmp_path / "bot.db", core()):
            pass


async def test_damage_that_is_found_while_reading_is_a_store_error(
    tmp_path: Path, counted: Migrations
) -> None:
    """The raw error went through the loops' nets, and they ended."""
    path = tmp_path / "bot.db"
    async with SQLiteStore(path, [counted]) as store:
        await asyncio.gather(*(store.write(insert(n)) for n in range(5000)))
    data = bytearray(path.read_bytes())
    for page in range(3, len(data) // 4096):
        data[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    path.write_bytes(data)
    async with SQLiteStore(path, [counted]) as store:
        with pytest.raises(StoreError, match="damaged"):
            await store.read(lambda tx: tx.rows("SELECT sum(n) FROM numbers NOT INDEXED"))


async def test_a_full_disk_fails_the_writes_and_later_ones_go_on(
    tmp_path: Path, counted: Migrations
) -> None:
    def fill(tx: Any) -> None:
        tx.run("CREATE TABLE big AS SELECT randomblob(1000000) AS b")

    async with SQLiteStore(tmp_path / "bot.db", [counted]) as store:
        await store.write(lambda tx: tx.run("PRAGMA max_page_count = 20"))
        results = await asyncio.gather(
            store.write(insert(1)), store.write(fill), return_exceptions=True
        )
        assert all(isinstance(result, StoreError) for result in results)
        assert "no space left" in str(results[1])
        await store.write(insert(2))
        assert await numbers(store) == [2]


async def test_a_locked_database_is_named(
    tmp_path: Path, counted: Migrations, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bot.db"
    async with SQLiteStore(path, [counted]) as store:
        assert store._writer is not None
        await store._writer.execute("PRAGMA busy_timeout = 10")
        other = sqlite3.connect(path, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="locked by another program"):
                await store.write(insert(1))
            other.execute("ROLLBACK")
        finally:
            other.close()
        await store.write(insert(1))
        assert await numbers(store) == [1]


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened for writing"):
        async with SQLiteStore(tmp_path / "none" / "bot.db", core()):
            pass


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        ("attempt to write a readonly database", "cannot be opened for writing"),
        ("database disk image is malformed", "is damaged"),
        ("disk I/O error", "cannot be used (disk I/O error)"),
    ],
)
def test_an_error_is_one_line_that_says_how_to_mend_it(said: str, understood: str) -> None:
    line = explain(sqlite3.OperationalError(said), Path("bot.db"))
    assert understood in line
    assert " — " in line
    assert "\n" not in line


def copy_database(folder: Path, image: Path) -> None:
    """What a kill -9 leaves."""
    image.mkdir()
    for file in folder.glob("bot.db*"):
        shutil.copy(file, image / file.name)


async def test_what_was_committed_survives_a_kill(tmp_path: Path, counted: Migrations) -> None:
    image = tmp_path / "image"
    async with SQLiteStore(tmp_path / "bot.db", [counted]) as store:
        await asyncio.gather(*(store.write(insert(n)) for n in range(10)))
        copy_database(tmp_path, image)
    async with SQLiteStore(image / "bot.db", [counted]) as again:
        assert await numbers(again) == list(range(10))
