"""Erases a customer: all tables in one transaction, then what lies elsewhere, until it is done.

A kill in between leaves either everything or an erasure that goes on at the next start.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from bot.pacing import backoff
from bot.ports import Retry, Row, Tx
from bot.store import SQLiteStore, audit, cases, conversations, erasures, personal
from bot.store.codec import Clock, unstamp, utc_now
from bot.store.personal import Person, Remains
from host.keepers import gather
from host.ports import ErasesElsewhere, KeepsData, KnowsRemains

log = logging.getLogger(__name__)

_MOST_ATTEMPTS = 400  # with the pauses below: two weeks
_LONGEST_PAUSE = 3600.0  # seconds
_SOON, _AGAIN = timedelta(), timedelta(seconds=2)
CUSTOMER, OPERATOR, AGE = "customer", "operator", "age"


@dataclass(eq=False, kw_only=True)
class Eraser:
    """Does what was asked for. ``rest``: after the last answer, where the customer asked.

    ``vacuum_at_once``: bytes of a database that is written anew in some tenths of a second.
    """

    store: SQLiteStore
    keepers: Sequence[KeepsData]
    rest: timedelta = timedelta(seconds=60)
    patience: timedelta = timedelta(hours=1)
    vacuum_at_once: int = 64 * 1024 * 1024
    clock: Clock = utc_now

    def ask(self, tx: Tx, ids: Sequence[int], reason: str, *, at_once: bool = False) -> str:
        """Note that conversations are to be erased; the id. It survives the process.

        ``at_once``: nothing is waited for, as where no bot runs.
        """
        now = self.clock()
        return erasures.ask(tx, ids, reason, now, now if at_once else now + self.patience)

    def preview(self, tx: Tx, ids: Sequence[int]) -> dict[str, object]:
        """What would go, what would stay elsewhere, and what stands in the way."""
        person = gather(tx, self.keepers, ids)
        left = [one for keeper in self.keepers for one in _remains(keeper, tx, person)]
        return {
            "conversations": list(person.conversations),
            "rows": self._counts(tx, person),
            "files": len(person.files),
            "remains": [[one.what, one.where, one.note] for one in left],
            "cases": [dict(row) for row in personal.open_cases(tx, ids)],
            "unknown_tables": self.unknown_tables(tx),
        }

    def unknown_tables(self, tx: Tx) -> list[str]:
        """Tables that no part answers for: of a plugin that is left out, for instance."""
        known = {table.name for keeper in self.keepers for table in keeper.tables}
        rows = tx.rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        )
        return sorted({row["name"] for row in rows} - known)

    def _counts(self, tx: Tx, person: Person) -> dict[str, int]:
        found: dict[str, int] = {}
        for keeper in self.keepers:
            found |= personal.count(tx, keeper.tables, person)
        return found

    def close_cases(self, tx: Tx, ids: Sequence[int]) -> None:
        """End the open cases of conversations: an operator said so."""
        for case in personal.open_cases(tx, ids):
            cases.close(tx, case["id"], "erased", self.clock())
            tx.notify("owner", case["conversation"])

    async def work(self) -> datetime | None:
        """Do everything that can be done now; when to look again (``None``: when asked)."""
        asked = await self.store.read(erasures.asked)
        settled = [await self.empty(row) for row in asked]
        for step in await self.store.read(lambda tx: erasures.due(tx, self.clock())):
            await self._step(step)
        await self.finish()
        if asked:  # more may wait than were read at once
            return self.clock() + (_SOON if any(settled) else _AGAIN)
        due = await self.store.read(erasures.next_due)
        return None if due is None else unstamp(due)

    async def empty(self, row: Row) -> bool:
        """Empty all tables of one erasure, if nothing stands in the way."""
        if not await self.store.write(partial(self._empty, row)):
            return False
        await self.store.scrub(vacuum=False)
        return True

    def _empty(self, row: Row, tx: Tx) -> bool:
        now, ids = self.clock(), erasures.conversations_of(row)
        if row["reason"] == AGE and personal.wrote_since(tx, ids, row["asked_at"]):
            erasures.withdraw(tx, row["id"])
            return True
        own_wish = row["reason"] == CUSTOMER
        person = gather(tx, self.keepers, ids, row["id"], own_wish=own_wish)
        if personal.open_cases(tx, ids):
            return False  # somebody is helping: it goes when they are done
        said = now - self.rest if own_wish else now
        if not personal.quiet(tx, person, said) and now < unstamp(row["force_at"]):
            return False
        plans, left, counts = {}, {}, {}
        for keeper in self.keepers:
            left[keeper.name] = _remains(keeper, tx, person)
            if isinstance(keeper, ErasesElsewhere):
                plan = keeper.plan(tx, person)
                if plan is not None:
                    plans[keeper.name] = plan
        for keeper in reversed(self.keepers):  # plugins' tables may ask the core's, so these last
            counts.update(personal.erase(tx, keeper.tables, person))
        for conversation in person.conversations:
            tx.notify("takeover", conversation)  # what is still being asked, nobody shall hear
            conversations.due_at(tx, conversation, None)
        audit.note(
            tx, "erase", ok=True, now=now, reason=row["reason"], subject=row["id"], actor="system"
        )
        erasures.emptied(tx, row["id"], counts, plans, left, now)
        log.info("erased", extra={"erasure": row["id"], "rows": sum(counts.values())})
        return True

    async def finish(self, *, at_night: bool = False) -> None:
        """Call done what is done, once no page of the file has a word of it either.

        A large file is written anew only at night: messages would have to wait for it.
        """
        ready = await self.store.read(erasures.ready)
        if ready and (at_night or self.store.size() <= self.vacuum_at_once):
            await self.store.scrub(vacuum=True)
            await self.store.write(lambda tx: erasures.finish(tx, ready, self.clock()))

    async def _step(self, step: Row) -> None:
        keeper = next((one for one in self.keepers if one.name == step["keeper"]), None)
        if not isinstance(keeper, ErasesElsewhere):
            await self._later(step, None, "not_there")  # it may be back after the next start
            return
        try:
            left = await keeper.forget(json.loads(step["plan"]))
        except Retry as retry:
            await self._later(step, retry.after, retry.reason or "retry")
        except Exception:  # an edge: one part's fault must not keep the others from erasing
            log.exception("erasing failed", extra={"part": step["keeper"]})
            await self._later(step, None, "failed")
        else:
            await self.store.write(lambda tx: erasures.settle(tx, step, "done", left, self.clock()))

    async def _later(self, step: Row, after: float | None, reason: str) -> None:
        now, attempt = self.clock(), step["attempts"] + 1
        if attempt >= _MOST_ATTEMPTS:
            left = [Remains("not_reached", f"{step['keeper']}: {reason}")]
            await self.store.write(lambda tx: erasures.settle(tx, step, "given_up", left, now))
            log.error("erasing given up", extra={"part": step["keeper"], "reason": reason})
            return
        wait = backoff(attempt, cap=_LONGEST_PAUSE) if after is None else timedelta(seconds=after)
        await self.store.write(lambda tx: erasures.put_off(tx, step, now + wait))


def _remains(keeper: KeepsData, tx: Tx, person: Person) -> Sequence[Remains]:
    return keeper.remains(tx, person) if isinstance(keeper, KnowsRemains) else ()
