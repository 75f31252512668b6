"""Commands that were applied: each once, by its id."""

from __future__ import annotations

from datetime import datetime

from bot.desk import CommandResult
from bot.ports import Tx
from bot.store import codec
from bot.store.codec import stamp


def known(tx: Tx, command: str) -> CommandResult | None:
    """What a command with this id did when it came first."""
    row = tx.row("SELECT result FROM commands WHERE id = :id", id=command)
    return None if row is None else CommandResult(**codec.decode(row["result"]))


def note(
    tx: Tx,
    *,
    id: str,
    kind: str,
    case: int,
    agent: str,
    result: CommandResult,
    now: datetime,
) -> None:
    """Keep what a command did."""
    fields = {"done": result.done, "reason": result.reason, "line": result.line}
    tx.run(
        "INSERT INTO commands (id, kind, case_id, agent, result, at) VALUES (:id, :kind, "
        ":case_id, :agent, :result, :now)",
        id=id,
        kind=kind,
        case_id=case,
        agent=agent,
        result=codec.encode(fields),
        now=stamp(now),
    )
