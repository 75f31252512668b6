"""What a change in a conversation sets off: its next turn, and what the desk shows of it."""

from __future__ import annotations

from datetime import datetime

from bot.messages import Owner, Receipt, State
from bot.ports import Row, Tx
from bot.store import cases, conversations, outbox, timers, turns

BOUNCED = "bounced"
"""The kind of the timers that tell agents what did not arrive, or may not; the subject is the row.

A timer, as only the agents' side can open a case: it is due at once, in the same transaction."""

UNKNOWN = "unknown"
"""The reason code of a message of which nobody knows whether it has arrived."""
CODE_OVER = "code_over"
"""The reason code of a mail whose code was not valid any more when it was to leave."""


def wake_if_waiting(tx: Tx, conversation: int, now: datetime) -> None:
    """Make a conversation due now when messages or files wait in it, and not due when none do."""
    waits = turns.something_waits(tx, conversation)
    conversations.due_at(tx, conversation, now if waits else None)
    if waits:
        tx.notify("inbox")


def apply_receipt(tx: Tx, receipt: Receipt, now: datetime) -> None:
    """Move the message a receipt is about, and mark its line at the desk."""
    if not outbox.is_known(tx, receipt) and not outbox.was_unknown(tx, receipt):
        outbox.keep_receipt(tx, receipt, now)
    elif (row := outbox.apply_receipt(tx, receipt)) is not None:
        mark_line(tx, row, now)
        if receipt.state is State.FAILED:
            timers.schedule(tx, BOUNCED, row["id"], now)


def tell_lost(tx: Tx, row: Row, reason: str, now: datetime) -> None:
    """Show at the desk that a message will not leave, or may not have.

    Where no agent sees it, one is called.
    """
    mark_line(tx, row, now)
    if reason != CODE_OVER:  # nobody misses it: who wants one asks anew
        timers.schedule(tx, BOUNCED, row["id"], now)


def post_line(
    tx: Tx, conversation: int, line: str, now: datetime, *, case: Row | None = None
) -> None:
    """Show a line in the thread of a case: the conversation's open one, if there is one."""
    case = case or cases.open_case(tx, conversation)
    if case is None:
        return
    outbox.tell_desk(tx, "post", case, line, now)
    cases.touch(tx, case["id"])


def mark_line(tx: Tx, row: Row, now: datetime) -> None:
    """Show at the desk what became of a line that went out under a case, or just before it."""
    known = cases.get_row(tx, row["case_id"]) if row["case_id"] else None
    case = known or cases.open_case(tx, row["conversation"])
    if case is None:
        return
    outbox.tell_desk(tx, "mark", case, f"out:{row['id']}", now)
    cases.touch(tx, case["id"])


def is_stale(conversation: Row, owner_version: int) -> bool:
    """Whether something the bot made under ``owner_version`` must not be said any more."""
    return bool(
        conversation["owner"] == Owner.AGENT or conversation["agent_version"] > owner_version
    )
