"""Every table is answered for: one that holds persons and is forgotten would never be erased."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from bot.store.migrate import Migrations, migrate
from bot.store.personal import DataTable, Person
from bot.store.personal_core import CLASSES
from host.keepers import CORE
from host.plugins import load
from host.settings import Settings

ROOT = Path(__file__).parents[3]
FOLDERS = [
    ("core", ROOT / "bot" / "store" / "migrations"),
    *((one.parent.name, one) for one in sorted(ROOT.glob("plugins/*/migrations"))),
]


def tables(folder: Path) -> list[DataTable]:
    keepers = [*CORE, *load(Settings(), folder).keepers()]
    return [table for keeper in keepers for table in keeper.tables]


def created() -> set[str]:
    sources = [file for _, folder in FOLDERS for file in sorted(folder.glob("*.sql"))]
    words = "\n".join(file.read_text("utf-8") for file in sources)
    dropped = set(re.findall(r"DROP TABLE (?:IF EXISTS )?(\w+)", words))
    return set(re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", words)) - dropped


def test_every_table_has_a_keeper_and_every_keeper_its_table(tmp_path: Path) -> None:
    kept = {table.name for table in tables(tmp_path)}
    assert len(created()) > 25, "the migrations are read"
    assert created() - kept == set(), "say what it holds of persons: Registrar.add_data"
    assert kept - created() == {"migrations"}


@pytest.fixture
def database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, [Migrations(owner, folder) for owner, folder in FOLDERS])
    return connection


def test_every_condition_can_be_asked(database: sqlite3.Connection, tmp_path: Path) -> None:
    values = {**Person((1,), ()).values(), "before": "", "before_seconds": 0.0}
    for table in tables(tmp_path):
        for condition in filter(None, (table.whose, table.old)):
            database.execute(f"SELECT * FROM {table.name} WHERE {condition}", values)
        if table.whose and table.erase:
            database.execute(f"UPDATE {table.name} SET {table.erase} WHERE {table.whose}", values)
    database.close()


def test_a_table_that_ages_names_a_class_that_there_is(tmp_path: Path) -> None:
    ageing = [table for table in tables(tmp_path) if table.old]
    assert {table.keeps for table in ageing} <= set(CLASSES)
    assert all(table.holds for table in tables(tmp_path))
