"""What was asked to be erased: asked, emptied here, and done elsewhere too."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bot.ports import Row, Tx
from bot.store.codec import stamp
from bot.store.personal import Remains

ASKED = "erasure"
"""The topic that is notified when there is something to do."""


def ask(
    tx: Tx, conversations: Sequence[int], reason: str, now: datetime, force_at: datetime
) -> str:
    """Note that these conversations are to be erased; the id. Asked twice it is one."""
    ids = json.dumps(sorted(conversations))
    row = tx.row("SELECT id FROM erasures WHERE conversations = :ids AND state = 'asked'", ids=ids)
    if row is not None:
        return str(row["id"])
    erasure = f"erased-{secrets.token_hex(8)}"
    tx.run(
        "INSERT INTO erasures (id, conversations, reason, state, force_at, asked_at) "
        "VALUES (:id, :ids, :reason, 'asked', :force_at, :now)",
        id=erasure,
        ids=ids,
        reason=reason,
        force_at=stamp(force_at),
        now=stamp(now),
    )
    tx.notify(ASKED)
    return erasure


def withdraw(tx: Tx, erasure: str) -> None:
    """Forget one that has not begun."""
    tx.run("DELETE FROM erasures WHERE id = :id AND state = 'asked'", id=erasure)


def get(tx: Tx, erasure: str) -> Row | None:
    """One erasure."""
    return tx.row("SELECT * FROM erasures WHERE id = :id", id=erasure)


def listed(tx: Tx, limit: int = 200) -> list[dict[str, Any]]:
    """The latest ones that somebody asked for, with what remains; no person is in it."""
    rows = tx.rows(
        "SELECT * FROM erasures WHERE reason <> 'age' OR state <> 'done' "
        "ORDER BY asked_at DESC LIMIT :limit",
        limit=limit,
    )
    return [told(tx, row) for row in rows]


def told(tx: Tx, row: Row) -> dict[str, Any]:
    """An erasure for people: its state, and for each part what is done and what remains."""
    steps = tx.rows("SELECT * FROM erasure_steps WHERE erasure = :id ORDER BY keeper", id=row["id"])
    return {
        "id": row["id"],
        "reason": row["reason"],
        "state": row["state"],
        "asked_at": row["asked_at"],
        "done_at": row["done_at"],
        "rows": json.loads(row["counts"]),
        "elsewhere": {step["keeper"]: step["state"] for step in steps},
        "remains": [one for step in steps for one in json.loads(step["remains"])],
    }


def asked(tx: Tx) -> list[Row]:
    """Those that wait, oldest first."""
    return tx.rows("SELECT * FROM erasures WHERE state = 'asked' ORDER BY asked_at LIMIT 100")


def conversations_of(row: Row) -> list[int]:
    """Which conversations an erasure is about."""
    found: list[int] = json.loads(row["conversations"])
    return found


def emptied(
    tx: Tx,
    erasure: str,
    counts: Mapping[str, int],
    plans: Mapping[str, Mapping[str, Any] | None],
    remains: Mapping[str, Sequence[Remains]],
    now: datetime,
) -> None:
    """Note that nothing is left in this database, and what is still to be done elsewhere."""
    tx.run(
        "UPDATE erasures SET state = 'emptied', counts = :counts, emptied_at = :now WHERE id = :id",
        id=erasure,
        counts=json.dumps(dict(counts)),
        now=stamp(now),
    )
    for keeper in sorted({*plans, *(name for name, left in remains.items() if left)}):
        plan = plans.get(keeper)
        tx.run(
            "INSERT INTO erasure_steps (erasure, keeper, plan, state, next_at, remains) "
            "VALUES (:id, :keeper, :plan, :state, :now, :remains)",
            id=erasure,
            keeper=keeper,
            plan="" if plan is None else json.dumps(plan),
            state="done" if plan is None else "open",
            now=stamp(now),
            remains=_kept(remains.get(keeper, ())),
        )


def due(tx: Tx, now: datetime, limit: int = 20) -> list[Row]:
    """Steps whose time has come."""
    return tx.rows(
        "SELECT * FROM erasure_steps WHERE state = 'open' AND next_at <= :now "
        "ORDER BY next_at LIMIT :limit",
        now=stamp(now),
        limit=limit,
    )


def next_due(tx: Tx) -> str | None:
    """When the next step is due, as a stamp."""
    row = tx.row("SELECT min(next_at) AS at FROM erasure_steps WHERE state = 'open'")
    return row["at"] if row else None


def settle(tx: Tx, step: Row, state: str, remains: Sequence[Remains], now: datetime) -> None:
    """A step is ``done`` or ``given_up``; its plan is forgotten, what remains is added."""
    known = json.loads(step["remains"])
    tx.run(
        "UPDATE erasure_steps SET state = :state, plan = '', remains = :remains, next_at = :now "
        "WHERE erasure = :id AND keeper = :keeper",
        id=step["erasure"],
        keeper=step["keeper"],
        state=state,
        now=stamp(now),
        remains=json.dumps([*known, *json.loads(_kept(remains))]),
    )


def put_off(tx: Tx, step: Row, until: datetime) -> None:
    """Try a step again later."""
    tx.run(
        "UPDATE erasure_steps SET attempts = attempts + 1, next_at = :until "
        "WHERE erasure = :id AND keeper = :keeper",
        id=step["erasure"],
        keeper=step["keeper"],
        until=stamp(until),
    )


def ready(tx: Tx) -> list[str]:
    """Those that have no open step any more, and are not called done yet."""
    rows = tx.rows(
        "SELECT id FROM erasures e WHERE state = 'emptied' AND NOT EXISTS "
        "(SELECT 1 FROM erasure_steps s WHERE s.erasure = e.id AND s.state = 'open')"
    )
    return [str(row["id"]) for row in rows]


def finish(tx: Tx, ids: Sequence[str], now: datetime) -> None:
    """They are done."""
    for erasure in ids:
        tx.run(
            "UPDATE erasures SET state = 'done', done_at = :now WHERE id = :id",
            id=erasure,
            now=stamp(now),
        )


def open_count(tx: Tx) -> int:
    """How many are not done."""
    row = tx.row("SELECT count(*) AS n FROM erasures WHERE state <> 'done'")
    return int(row["n"]) if row else 0


def _kept(remains: Sequence[Remains]) -> str:
    # The note is not kept: it may name the person.
    return json.dumps([{k: v for k, v in asdict(one).items() if k != "note"} for one in remains])


def late(tx: Tx, before: str) -> int:
    """How many were asked for before a stamp, and are not done though no case holds them up."""
    row = tx.row(
        "SELECT count(*) AS n FROM erasures e WHERE state <> 'done' AND asked_at < :before "
        "AND NOT EXISTS (SELECT 1 FROM cases k, json_each(e.conversations) c "
        "WHERE k.conversation = c.value AND k.state <> 'closed' AND e.state = 'asked')",
        before=before,
    )
    return int(row["n"]) if row else 0
