"""What an operator asks for about customers' data: the same in the bot and beside a stopped one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.ports import Tx
from bot.store import audit, erasures, personal
from host.keepers import gather
from plugins.privacy import people
from plugins.privacy.erasing import OPERATOR
from plugins.privacy.export import everything
from plugins.privacy.retention import Retention

ACTOR = "operator"


@dataclass(frozen=True)
class DataCounter:
    """``at_once``: no bot runs, so that nothing is waited for."""

    retention: Retention
    at_once: bool = False

    async def listed(self) -> list[dict[str, Any]]:
        """Customers, who wrote last first."""
        return await self.retention.eraser.store.read(people.listed)

    async def shown(self, who: str) -> dict[str, Any] | None:
        """What is kept about a customer, in numbers; ``None``: there is no such customer."""
        return await self.retention.eraser.store.read(lambda tx: self._shown(tx, who))

    def _shown(self, tx: Tx, who: str) -> dict[str, Any] | None:
        ids = people.find(tx, who)
        if not ids:
            return None
        known = [row for row in people.listed(tx, limit=-1) if row["conversation"] in ids]
        return {"identities": known, **self.retention.eraser.preview(tx, ids)}

    async def export(self, who: str) -> dict[str, Any] | None:
        """A copy of everything, noted in the audit log; ``None``: there is no such customer."""
        return await self.retention.eraser.store.write(lambda tx: self._export(tx, who))

    def _export(self, tx: Tx, who: str) -> dict[str, Any] | None:
        eraser = self.retention.eraser
        ids = people.find(tx, who)
        if not ids:
            return None
        now = eraser.clock()
        for conversation in ids:
            audit.note(tx, "export", ok=True, now=now, conversation=conversation, actor=ACTOR)
        person = gather(tx, eraser.keepers, ids)
        return everything(tx, eraser.keepers, person, now, internal=True)

    async def erase(self, who: str, *, close_cases: bool) -> dict[str, Any] | None:
        """Ask for an erasure; its id, or the cases that stand in the way."""
        return await self.retention.eraser.store.write(lambda tx: self._erase(tx, who, close_cases))

    def _erase(self, tx: Tx, who: str, close_cases: bool) -> dict[str, Any] | None:
        eraser = self.retention.eraser
        ids = people.find(tx, who)
        if not ids:
            return None
        if close_cases:
            eraser.close_cases(tx, ids)
        if held := personal.open_cases(tx, ids):
            return {"cases": [dict(row) for row in held]}
        return {"erasure": eraser.ask(tx, ids, OPERATOR, at_once=self.at_once)}

    async def erasure(self, erasure: str) -> dict[str, Any] | None:
        """What became of an erasure."""

        def work(tx: Tx) -> dict[str, Any] | None:
            row = erasures.get(tx, erasure)
            return None if row is None else erasures.told(tx, row)

        return await self.retention.eraser.store.read(work)

    async def erasures(self) -> list[dict[str, Any]]:
        """The latest erasures, and what remains of them."""
        return await self.retention.eraser.store.read(erasures.listed)

    async def due(self) -> Sequence[dict[str, Any]]:
        """What the next night would drop."""
        return await self.retention.due()
