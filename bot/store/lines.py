"""Agents' lines among the rows of the outbox: found by any of their names, and changed."""

from __future__ import annotations

from datetime import datetime

from bot.messages import Attachment, Author, State
from bot.ports import Row, Tx
from bot.store import codec, outbox
from bot.store.codec import new_id, stamp

CHANGES = ("edit", "unsend")
"""Operations on a row that has gone out, which is their ``subject``."""


def rows_of(tx: Tx, case: int, line: str) -> list[Row]:
    """All rows of the agent's line that a row's id, ``out:<id>`` or a command names, in order."""
    return tx.rows(
        "SELECT * FROM outbox WHERE op = 'send' AND author = 'agent' AND case_id = :case "
        "AND part IN (SELECT part FROM outbox WHERE op = 'send' AND case_id = :case "
        "AND (id = :id OR command = :line)) ORDER BY seq",
        case=case,
        id=line.removeprefix("out:"),
        line=line,
    )


def waits(row: Row) -> bool:
    """Whether a row has certainly not left, and no try to send it was made."""
    return bool(row["state"] == State.QUEUED and row["attempts"] == 0)


def retext(
    tx: Tx, row: str, text: str, attachments: tuple[Attachment, ...], not_before: datetime
) -> None:
    """Change what a row says before it leaves."""
    tx.run(
        "UPDATE outbox SET text = :text, attachments = :attachments, edited = 1, "
        "not_before = :at WHERE id = :id",
        id=row,
        text=text,
        attachments=codec.attachments_to_json(attachments),
        at=stamp(not_before),
    )


def drop(tx: Tx, row: str) -> None:
    """Take away a row that has not left and is not needed any more."""
    tx.run("DELETE FROM outbox WHERE id = :id AND state = 'queued'", id=row)


def move_behind(tx: Tx, row: Row) -> None:
    """Put what waits behind ``row`` in its stream, and is no part of it, behind all of its parts.

    A part that is added late has the highest number of all. Nothing of what is moved can have been
    claimed: it waits for ``row``.
    """
    later = tx.rows(
        "SELECT id FROM outbox WHERE stream = :stream AND seq > :seq AND part <> :part "
        "AND state = 'queued' ORDER BY seq",
        stream=row["stream"],
        seq=row["seq"],
        part=row["part"],
    )
    for one in later:
        tx.run(
            "UPDATE outbox SET seq = (SELECT max(seq) + 1 FROM outbox) WHERE id = :id",
            id=one["id"],
        )


def insert_change(tx: Tx, op: str, row: Row, *, command: str, text: str, now: datetime) -> str:
    """Queue an ``edit`` (to ``text``) or ``unsend`` of a row, after it; return the change's id."""
    change = new_id()
    outbox.insert(
        tx,
        id=change,
        target=row["target"],
        stream=row["stream"],
        op=op,
        conversation=row["conversation"],
        case_id=row["case_id"],
        author=Author.AGENT.value,
        name=row["name"],
        text=text,
        subject=row["id"],
        language=row["language"],
        part=change,
        state=State.QUEUED.value,
        command=command,
        not_before=stamp(now),
        created_at=stamp(now),
    )
    return change


def is_being_unsent(tx: Tx, row: Row) -> bool:
    """Whether a row waits to be deleted at the customer's."""
    return (
        tx.row(
            "SELECT 1 FROM outbox WHERE stream = :stream AND subject = :id AND op = 'unsend' "
            "AND state IN ('queued', 'sending')",
            stream=row["stream"],
            id=row["id"],
        )
        is not None
    )


def changed(tx: Tx, change: Row, now: datetime) -> Row:
    """Note that a change was made; return the row it was made to, as it is now."""
    tx.run(
        "UPDATE outbox SET state = 'sent', sent_at = :now WHERE id = :id AND state <> 'sent'",
        id=change["id"],
        now=stamp(now),
    )
    if change["op"] == "edit":
        tx.run(
            "UPDATE outbox SET text = :text, edited = 1, reason = NULL WHERE id = :id",
            id=change["subject"],
            text=change["text"],
        )
    else:
        tx.run(
            "UPDATE outbox SET state = 'cancelled', reason = 'unsent' WHERE id = :id",
            id=change["subject"],
        )
    return _subject(tx, change)


def unchanged(tx: Tx, change: Row, reason: str) -> Row:
    """Note at the row that a change of it was not made, and why; its own state stays."""
    tx.run(
        "UPDATE outbox SET reason = :reason WHERE id = :id "
        "AND state NOT IN ('failed', 'cancelled')",
        id=change["subject"],
        reason=reason,
    )
    return _subject(tx, change)


def _subject(tx: Tx, change: Row) -> Row:
    row = tx.row("SELECT * FROM outbox WHERE id = :id", id=change["subject"])
    assert row is not None  # noqa: S101 - rows that have left are not taken away
    return row


def sent_again(tx: Tx, row: Row) -> bool:
    """Whether what a row says is on its way, or has arrived, as another row.

    A repetition may have been repeated itself. A correction names its row too, and says something
    else: that row is none of its own family.
    """
    return (
        tx.row(
            "WITH RECURSIVE earlier (id, text, replaces) AS ("
            "SELECT id, text, replaces FROM outbox WHERE id = :id "
            "UNION SELECT o.id, o.text, o.replaces FROM outbox o "
            "JOIN earlier e ON o.id = e.replaces AND o.text = e.text), "
            "family (id) AS (SELECT id FROM earlier "
            "UNION SELECT o.id FROM outbox o JOIN family f ON o.replaces = f.id) "
            "SELECT 1 FROM outbox o JOIN family f ON o.id = f.id "
            "WHERE o.state NOT IN ('failed', 'unknown', 'cancelled')",
            id=row["id"],
        )
        is not None
    )
