"""The audit log, and the alarms that operators must hear at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.ports import Row, Tx
from bot.store import codec
from bot.store.codec import stamp

ALARM = "alarm"
"""The topic that is notified, with the alarm's id, when one is raised."""


def note(
    tx: Tx,
    kind: str,
    *,
    ok: bool,
    now: datetime,
    reason: str = "",
    subject: str = "",
    conversation: int | None = None,
    actor: str = "customer",
) -> None:
    """Write one line of the audit log. No secret, no text and no address goes in."""
    tx.run(
        "INSERT INTO audit (at, kind, ok, reason, subject, conversation, actor) VALUES "
        "(:now, :kind, :ok, :reason, :subject, :conversation, :actor)",
        now=stamp(now),
        kind=kind,
        ok=int(ok),
        reason=reason,
        subject=subject,
        conversation=conversation,
        actor=actor,
    )


def raise_alarm(
    tx: Tx,
    kind: str,
    facts: Mapping[str, Any],
    now: datetime,
    *,
    quiet: timedelta,
    same: Collection[str] = (),
) -> bool:
    """Tell the operators, unless they were told of the same kind within ``quiet``.

    ``same`` names the facts that must be the same for that: of which mailbox, for instance.
    """
    earlier = tx.rows(
        "SELECT facts FROM alarms WHERE kind = :kind AND at > :since",
        kind=kind,
        since=stamp(now - quiet),
    )
    for row in earlier:
        told = codec.unpack(codec.decode(row["facts"]))
        if all(told.get(name) == facts.get(name) for name in same):
            return False
    tx.run(
        "INSERT INTO alarms (at, kind, facts) VALUES (:now, :kind, :facts)",
        now=stamp(now),
        kind=kind,
        facts=codec.encode(codec.pack(facts)),
    )
    tx.notify(ALARM)
    return True


def latest_alarm(tx: Tx) -> Row | None:
    """The latest alarm; ``facts`` are text."""
    return tx.row("SELECT * FROM alarms ORDER BY id DESC LIMIT 1")


def alarm_counts(tx: Tx) -> dict[str, int]:
    """How many there were, by kind."""
    rows = tx.rows("SELECT kind, count(*) AS n FROM alarms GROUP BY kind ORDER BY kind")
    return {row["kind"]: int(row["n"]) for row in rows}


def alarms_after(tx: Tx, last: int) -> list[Row]:
    """The alarms after one, oldest first; ``facts`` are decoded."""
    rows = tx.rows("SELECT * FROM alarms WHERE id > :last ORDER BY id LIMIT 50", last=last)
    return [{**row, "facts": codec.unpack(codec.decode(row["facts"]))} for row in rows]
