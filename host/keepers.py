"""The core's own keepers of data about persons: its tables, and the folder of attachments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.ports import Tx
from bot.store import personal
from bot.store.personal import DataTable, Person, Remains
from bot.store.personal_core import TABLES
from host.files import DiskFiles
from host.ports import KeepsData, KeepsFiles


@dataclass(frozen=True, slots=True)
class Tables:
    """A keeper that has tables, and nothing outside of them."""

    name: str
    tables: Sequence[DataTable]


CORE: tuple[KeepsData, ...] = (Tables("core", TABLES),)


def gather(
    tx: Tx,
    keepers: Iterable[KeepsData],
    conversations: Iterable[int],
    pseudonym: str = "",
    *,
    own_wish: bool = False,
) -> Person:
    """Everything that names the customer of these conversations, wherever it is kept."""
    person = personal.gather(tx, conversations, pseudonym, own_wish=own_wish)
    more = {
        file
        for keeper in keepers
        if isinstance(keeper, KeepsFiles)
        for file in keeper.files_of(tx, person)
    }
    return replace(person, files=tuple(sorted({*person.files, *more})))


@dataclass(frozen=True, slots=True)
class FilesKeeper:
    """Attachments and originals on the disk. Their rows are the core's."""

    files: DiskFiles
    name: str = "files"
    tables: Sequence[DataTable] = ()

    def plan(self, tx: Tx, person: Person) -> Mapping[str, Any] | None:  # noqa: ARG002
        """The names of the files that nobody else has."""
        return {"files": list(person.files)} if person.files else None

    async def forget(self, plan: Mapping[str, Any]) -> Sequence[Remains]:
        """Delete them."""
        await self.files.drop(plan["files"])
        return ()
