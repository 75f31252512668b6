"""Inbound messages and the turns they are frozen into."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.messages import Attachment, Author, Inbound, Kind, Past, Turn, Understanding
from bot.ports import Row, Tx
from bot.store import codec
from bot.store.codec import stamp, unstamp

NOTHING = Understanding()


def insert_message(tx: Tx, message: Inbound, conversation: int, status: str, now: datetime) -> int:
    """Insert an inbound message and return its id; 0 when its wire id is known."""
    changed = tx.run(
        "INSERT INTO inbox (channel, wire_id, conversation, kind, text, payload, attachments, "
        "edits, quotes, folded, received_at, status) VALUES (:channel, :wire_id, :conversation, "
        ":kind, :text, :payload, :attachments, :edits, :quotes, :folded, :now, :status) "
        "ON CONFLICT (channel, wire_id) DO NOTHING",
        channel=message.address.channel,
        wire_id=message.wire_id,
        conversation=conversation,
        kind=message.kind.value,
        text=message.text,
        payload=message.payload,
        attachments=codec.attachments_to_json(message.attachments),
        edits=message.edits,
        quotes=message.quotes,
        folded=message.folded,
        now=stamp(now),
        status=status,
    )
    if not changed:
        return 0
    row = find_message(tx, message.address.channel, message.wire_id)
    return 0 if row is None else int(row["id"])


def find_message(tx: Tx, channel: str, wire_id: str) -> Row | None:
    """An inbound message by its wire id."""
    return tx.row(
        "SELECT * FROM inbox WHERE channel = :channel AND wire_id = :wire_id",
        channel=channel,
        wire_id=wire_id,
    )


def merge_edit(
    tx: Tx, channel: str, wire_id: str, conversation: int, text: str, attachments: str | None
) -> bool:
    """Change a message that no turn has taken yet; ``attachments`` None leaves its files.

    True too for an edit that changes nothing, as vendors bring them for their own reasons.
    """
    latest = tx.row(
        "SELECT text, attachments FROM inbox WHERE channel = :channel AND conversation = :id "
        "AND (wire_id = :wire_id OR edits = :wire_id) ORDER BY id DESC LIMIT 1",
        channel=channel,
        id=conversation,
        wire_id=wire_id,
    )
    if latest is not None and latest["text"] == text and _same(attachments, latest):
        return True
    return bool(
        tx.run(
            "UPDATE inbox SET text = :text, attachments = coalesce(:attachments, attachments) "
            "WHERE channel = :channel AND wire_id = :wire_id AND conversation = :conversation "
            "AND status = 'pending'",
            channel=channel,
            wire_id=wire_id,
            conversation=conversation,
            text=text,
            attachments=attachments,
        )
    )


def withdraw_pending(tx: Tx, channel: str, wire_id: str, conversation: int) -> bool:
    """Take back a message that no turn has taken yet; False when there is none."""
    return bool(
        tx.run(
            "UPDATE inbox SET status = 'merged' WHERE channel = :channel AND wire_id = :wire_id "
            "AND conversation = :conversation AND status = 'pending'",
            channel=channel,
            wire_id=wire_id,
            conversation=conversation,
        )
    )


def _same(attachments: str | None, row: Row) -> bool:
    if attachments is None:
        return True
    # Fetched ones have no reference any more that could be compared.
    new, old = (codec.attachments_from_json(one) for one in (attachments, row["attachments"]))
    return [one.size for one in new] == [one.size for one in old]


def pending(tx: Tx, conversation: int) -> list[Row]:
    """Messages no turn has taken, oldest first."""
    return tx.rows(
        "SELECT * FROM inbox WHERE conversation = :id AND status = 'pending' ORDER BY id",
        id=conversation,
    )


def unfetched(tx: Tx, conversation: int) -> list[Row]:
    """Messages with attachments that are only references so far."""
    rows = tx.rows(
        "SELECT * FROM inbox WHERE conversation = :id AND status IN ('pending', 'case') "
        "AND attachments LIKE '%\"file\":null%' ORDER BY id",
        id=conversation,
    )
    return [row for row in rows if lacks_files(row)]


def lacks_files(row: Row) -> bool:
    """Whether a message has an attachment that is neither fetched nor given up."""
    attachments = codec.attachments_from_json(row["attachments"])
    return any(one.file is None and one.error is None for one in attachments)


def something_waits(tx: Tx, conversation: int) -> bool:
    """Whether a conversation has messages without a turn, or files to fetch."""
    return bool(pending(tx, conversation) or unfetched(tx, conversation))


def set_attachments(tx: Tx, row: Row, attachments: tuple[Attachment, ...]) -> bool:
    """Note what fetching the media of a message gave; False when it was edited meanwhile."""
    return bool(
        tx.run(
            "UPDATE inbox SET attachments = :attachments WHERE id = :id AND attachments = :old",
            id=row["id"],
            old=row["attachments"],
            attachments=codec.attachments_to_json(attachments),
        )
    )


def take_messages(tx: Tx, messages: list[int], status: str, turn: str | None) -> None:
    """Give messages to a turn, or to the case."""
    for message in messages:
        tx.run(
            "UPDATE inbox SET status = :status, turn = :turn WHERE id = :id",
            id=message,
            status=status,
            turn=turn,
        )


def insert(tx: Tx, turn: Turn, owner_version: int, now: datetime) -> None:
    """Freeze a turn."""
    tx.run(
        "INSERT INTO turns (key, conversation, session, owner_version, text, kind, payload, "
        "attachments, language, state, history, resumed, status, created_at) VALUES (:key, "
        ":conversation, :session, :owner_version, :text, :kind, :payload, :attachments, "
        ":language, :state, :history, :resumed, 'frozen', :now)",
        key=turn.key,
        conversation=turn.conversation,
        session=turn.session,
        owner_version=owner_version,
        text=turn.text,
        kind=turn.kind.value,
        payload=turn.payload,
        attachments=codec.attachments_to_json(turn.attachments),
        language=turn.language,
        state=None if turn.state is None else codec.encode(turn.state),
        history=codec.past_to_json(turn.history),
        resumed=int(turn.resumed),
        now=stamp(now),
    )


def frozen(tx: Tx, conversation: int) -> Row | None:
    """The turn that is being answered."""
    return tx.row(
        "SELECT * FROM turns WHERE conversation = :id AND status = 'frozen'", id=conversation
    )


def get(tx: Tx, key: str) -> Row | None:
    """A turn by its key."""
    return tx.row("SELECT * FROM turns WHERE key = :key", key=key)


def from_row(row: Row) -> Turn:
    """The Turn of a row."""
    return Turn(
        key=row["key"],
        conversation=row["conversation"],
        session=row["session"],
        kind=Kind(row["kind"]),
        text=row["text"],
        language=row["language"],
        payload=row["payload"],
        attachments=codec.attachments_from_json(row["attachments"]),
        state=codec.decode(row["state"]),
        history=tuple(
            Past(Author(past["by"]), past["text"]) for past in codec.decode(row["history"])
        ),
        resumed=bool(row["resumed"]),
        attempt=row["attempts"] + 1,
    )


def finish(
    tx: Tx,
    key: str,
    status: str,
    now: datetime,
    *,
    outcome: str | None = None,
    understood: Understanding = NOTHING,
    error: str | None = None,
    missed: bool = False,
) -> bool:
    """End a frozen turn: ``done``, ``handed`` or ``dead``. False when it had ended before."""
    return bool(
        tx.run(
            "UPDATE turns SET status = :status, done_at = :now, outcome = :outcome, "
            "intent = :intent, confidence = :confidence, entities = :entities, missed = :missed, "
            "error = coalesce(:error, error) WHERE key = :key AND status = 'frozen'",
            key=key,
            status=status,
            now=stamp(now),
            outcome=outcome,
            intent=understood.intent,
            confidence=understood.confidence,
            entities=codec.entities_to_json(understood.entities),
            error=error,
            missed=int(missed),
        )
    )


def postpone(tx: Tx, key: str, since: datetime, until: datetime, error: str) -> None:
    """Note a failed attempt; the same row is asked again later. ``since``: of the first one."""
    tx.run(
        "UPDATE turns SET attempts = attempts + 1, next_at = :until, error = :error, "
        "failing_since = coalesce(failing_since, :since) WHERE key = :key",
        key=key,
        since=stamp(since),
        until=stamp(until),
        error=error,
    )


def failing_since(row: Row, asked_at: datetime) -> datetime:
    """When the first attempt of this process began that failed; ``asked_at`` if none did yet."""
    return unstamp(row["failing_since"]) if row["failing_since"] else asked_at


def forget_failures(tx: Tx) -> None:
    """Give open turns their full time again: at a start, when the dialogue starts too."""
    tx.run("UPDATE turns SET failing_since = NULL, attempts = 0 WHERE status = 'frozen'")


def note_handed(tx: Tx, key: str) -> None:
    """Note that what a finished turn says waits for a person, who has it now."""
    tx.run("UPDATE turns SET outcome = 'handoff' WHERE key = :key AND status = 'done'", key=key)


def mark_delayed(tx: Tx, key: str) -> bool:
    """Note that the customer is told of the delay; False when they were before."""
    return bool(tx.run("UPDATE turns SET delayed = 1 WHERE key = :key AND delayed = 0", key=key))


def last_intents(tx: Tx, conversation: int, limit: int = 5) -> tuple[str, ...]:
    """What was understood lately, latest last."""
    rows = tx.rows(
        "SELECT intent FROM turns WHERE conversation = :id AND intent IS NOT NULL "
        "ORDER BY created_at DESC LIMIT :limit",
        id=conversation,
        limit=limit,
    )
    return tuple(row["intent"] for row in reversed(rows))


def counts(tx: Tx) -> dict[str, int]:
    """Accepted, answered, open, handed and dead: messages, for the figures.

    What a machine wrote needs no answer, and counts as one that has it.
    """
    row: Any = tx.row(
        "SELECT count(*) AS accepted, "
        "sum(CASE WHEN i.status = 'pending' OR t.status = 'frozen' THEN 1 ELSE 0 END) AS open, "
        "sum(CASE WHEN t.status = 'done' OR i.status = 'merged' OR i.kind = 'automatic' "
        "THEN 1 ELSE 0 END) AS answered, "
        "sum(CASE WHEN (i.status = 'case' AND i.kind <> 'automatic') OR t.status = 'handed' "
        "THEN 1 ELSE 0 END) AS handed, "
        "sum(CASE WHEN t.status = 'dead' THEN 1 ELSE 0 END) AS dead "
        "FROM inbox i LEFT JOIN turns t ON t.key = i.turn"
    )
    return {key: int(row[key] or 0) for key in ("accepted", "open", "answered", "handed", "dead")}


def last_at(tx: Tx, conversation: int) -> str | None:
    """When the latest turn was frozen, as a stamp."""
    row = tx.row(
        "SELECT max(created_at) AS at FROM turns WHERE conversation = :id", id=conversation
    )
    return row["at"] if row else None


def received_at(tx: Tx, turn: str) -> str | None:
    """When the latest message of a turn was accepted, as a stamp; ``None`` if it has none."""
    row = tx.row(
        "SELECT max(received_at) AS at FROM inbox WHERE turn = :turn "
        "AND conversation = (SELECT conversation FROM turns WHERE key = :turn)",
        turn=turn,
    )
    return row["at"] if row else None


def sent_before(tx: Tx, turn: str, at: str) -> bool:
    """Whether all messages of a turn came before a stamp: a yes is not about what was said then."""
    received = received_at(tx, turn)
    return received is not None and received < at
