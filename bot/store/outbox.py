"""Rows that leave: messages to customers, and what desks show. A stream goes out in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.messages import Address, Attachment, Author, Button, Outbound, Receipt, State
from bot.ports import Row, Tx
from bot.store import agents, codec, conversations
from bot.store.codec import new_id, stamp

# Finds its rows by their stream only where the words of that index's own condition stand in it.
_QUEUED = "state = 'queued' AND state IN ('queued', 'sending')"
# A vendor's report never moves a message back.
_RANK = {"queued": 0, "sending": 1, "unknown": 2, "sent": 3, "delivered": 4, "read": 5, "failed": 6}


def insert_send(
    tx: Tx,
    *,
    conversation: Row,
    author: Author,
    text: str,
    now: datetime,
    buttons: tuple[Button, ...] = (),
    attachments: tuple[Attachment, ...] = (),
    language: str | None = None,
    name: str | None = None,
    turn: str | None = None,
    part: str | None = None,
    case: int | None = None,
    effect: bool = False,
    state: State = State.QUEUED,
    not_before: datetime | None = None,
    owner_version: int | None = None,
    replaces: str | None = None,
    id: str | None = None,
    response: str | None = None,
    facts: Mapping[str, Any] | None = None,
    numbered: bool = False,
    command: str | None = None,
    edited: bool = False,
    template: str | None = None,
) -> str:
    """Insert a message to the customer; return its id, the dedupe key of the send."""
    row_id = id or new_id()
    version = conversation["owner_version"] if owner_version is None else owner_version
    insert(
        tx,
        op="send",
        id=row_id,
        target=f"channel:{conversation['channel']}",
        stream=f"conversation:{conversation['id']}",
        conversation=conversation["id"],
        case_id=case,
        author=author.value,
        name=name,
        text=text,
        buttons=codec.buttons_to_json(buttons),
        attachments=codec.attachments_to_json(attachments),
        language=language or conversation["language"],
        turn=turn,
        part=part or row_id,
        effect=int(effect),
        owner_version=version,
        state=state.value,
        replaces=replaces,
        not_before=stamp(not_before or now),
        created_at=stamp(now),
        response=response,
        facts=codec.encode(codec.pack(facts or {})),
        numbered=int(numbered),
        command=command,
        edited=int(edited),
        template=template,
    )
    return row_id


def insert(tx: Tx, **columns: Any) -> None:
    """Insert a row, unless there is one of that id, and wake who delivers."""
    names, values = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    tx.run(
        f"INSERT INTO outbox ({names}) VALUES ({values}) "  # noqa: S608 - our own names
        "ON CONFLICT (id) DO NOTHING",
        **columns,
    )
    tx.notify("outbox")


def refer_to(tx: Tx, row_id: str, secret: str) -> None:
    """Let a row refer to what is put in only as it leaves; its text holds a stand-in."""
    tx.run("UPDATE outbox SET secret = :secret WHERE id = :id", id=row_id, secret=secret)


def tell_desk(tx: Tx, op: str, case: Row, subject: str, now: datetime) -> None:
    """Queue what a case's desk shows: ``show`` the card, ``post`` a line, ``mark`` its state."""
    stream = f"case:{case['id']}"
    # A card that waits to be shown shows what is true when it goes out: one is enough.
    if op == "show" and tx.row(
        f"SELECT 1 FROM outbox WHERE stream = :stream AND op = 'show' AND {_QUEUED}",  # noqa: S608
        stream=stream,
    ):
        return
    insert(
        tx,
        id=new_id(),
        target=f"desk:{case['desk']}",
        stream=stream,
        op=op,
        conversation=case["conversation"],
        case_id=case["id"],
        author=Author.SYSTEM.value,
        subject=subject,
        state=State.QUEUED.value,
        not_before=stamp(now),
        created_at=stamp(now),
    )


def get(tx: Tx, row_id: str) -> Row | None:
    """A row by its id."""
    return tx.row("SELECT * FROM outbox WHERE id = :id", id=row_id)


def to_outbound(row: Row, address: Address) -> Outbound:
    """The message of a row."""
    return Outbound(
        id=row["id"],
        address=address,
        text=row["text"],
        buttons=() if row["numbered"] else codec.buttons_from_json(row["buttons"]),
        attachments=codec.attachments_from_json(row["attachments"]),
        author=Author(row["author"]),
        language=row["language"],
        name=row["name"],
        response=row["response"],
        facts=codec.unpack(codec.decode(row["facts"])),
        template=row["template"],
        created_at=codec.unstamp(row["created_at"]),
    )


def load(tx: Tx, row: Row) -> tuple[Outbound, str]:
    """The message of a row, and when the customer last wrote, as a stamp."""
    conversation = conversations.get(tx, row["conversation"])
    out = to_outbound(row, Address(conversation["channel"], conversation["address"]))
    name = out.name and agents.name_of(tx, out.name)
    return replace(out, name=name), conversation["last_in_at"]


def load_change(tx: Tx, change: Row) -> tuple[Outbound, str | None]:
    """A message as a change leaves it, and the vendor's id; ``None``: it never arrived."""
    row = get(tx, change["subject"])
    assert row is not None  # noqa: S101 - rows that have left are not taken away
    out, _ = load(tx, row)
    arrived = row["state"] in (State.SENT, State.DELIVERED, State.READ)
    return replace(out, text=change["text"]), row["vendor_id"] if arrived else None


def claim(tx: Tx, now: datetime, limit: int) -> list[Row]:
    """Mark the due heads of all streams as being sent, and return them."""
    rows = tx.rows(
        "SELECT o.* FROM outbox o WHERE o.state = 'queued' AND o.not_before <= :now "
        "AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.stream = o.stream AND p.seq < o.seq "
        # The sign keeps the planner from reading everything that was ever sent, in this order.
        "AND p.state IN ('queued', 'sending')) ORDER BY +o.seq LIMIT :limit",
        now=stamp(now),
        limit=limit,
    )
    for row in rows:  # the reason stays: a repeat that is cut off is known as one
        tx.run("UPDATE outbox SET state = 'sending' WHERE id = :id", id=row["id"])
    return rows


def next_due(tx: Tx) -> str | None:
    """When the next head of a stream is due, as a stamp."""
    row = tx.row(
        "SELECT min(o.not_before) AS at FROM outbox o WHERE o.state = 'queued' "
        "AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.stream = o.stream AND p.seq < o.seq "
        "AND p.state IN ('queued', 'sending'))"
    )
    return row["at"] if row else None


def set_state(tx: Tx, row_id: str, state: State, reason: str | None = None) -> None:
    """Set the state of a row."""
    tx.run(
        "UPDATE outbox SET state = :state, reason = :reason WHERE id = :id",
        id=row_id,
        state=state.value,
        reason=reason,
    )


def note_sent(tx: Tx, row_id: str, vendor_id: str | None, now: datetime) -> None:
    """Note a successful send with the vendor's id (a desk has none)."""
    tx.run(
        "UPDATE outbox SET state = 'sent', vendor_id = :vendor_id, sent_at = :now, reason = NULL "
        "WHERE id = :id AND state IN ('sending', 'unknown')",
        id=row_id,
        vendor_id=vendor_id,
        now=stamp(now),
    )


def retry_at(tx: Tx, row_id: str, at: datetime, reason: str) -> None:
    """Queue a row again for later; later rows of its stream wait."""
    tx.run(
        "UPDATE outbox SET state = 'queued', attempts = attempts + 1, not_before = :at, "
        "reason = :reason WHERE id = :id",
        id=row_id,
        at=stamp(at),
        reason=reason,
    )


def fail_rest(tx: Tx, rejected: Row, reason: str) -> list[Row]:
    """End the parts of a message that still wait, after one was rejected; return them."""
    rows = tx.rows(
        f"SELECT * FROM outbox WHERE stream = :stream AND part = :part AND {_QUEUED}",  # noqa: S608
        stream=rejected["stream"],
        part=rejected["part"] or rejected["id"],
    )
    for row in rows:
        set_state(tx, row["id"], State.FAILED, reason)
    return rows


def draft_stale(tx: Tx, conversation: int) -> list[Row]:
    """Make drafts of the bot's messages that have not left, as a person speaks now; return them."""
    rows = tx.rows(
        "SELECT * FROM outbox WHERE conversation = :id AND author = 'bot' "
        "AND op = 'send' AND state = 'queued'",
        id=conversation,
    )
    for row in rows:
        set_state(tx, row["id"], State.DRAFT)
    return rows


def hurry(tx: Tx, conversation: int, now: datetime) -> None:
    """Send at once what still waits for its undo time."""
    tx.run(
        "UPDATE outbox SET not_before = :now WHERE conversation = :id AND state = 'queued' "
        "AND author = 'agent' AND attempts = 0 AND not_before > :now",
        id=conversation,
        now=stamp(now),
    )


def look_again(tx: Tx, until: datetime) -> None:
    """Hold back what agents wrote and no try was made to send, as if it were written now."""
    tx.run(
        "UPDATE outbox SET not_before = :until WHERE op = 'send' AND state = 'queued' "
        "AND author = 'agent' AND attempts = 0 AND not_before < :until",
        until=stamp(until),
    )


def cut_off(tx: Tx) -> list[Row]:
    """Rows that were being sent when the process ended: nobody knows what became of them."""
    return tx.rows("SELECT * FROM outbox WHERE state = 'sending' ORDER BY seq")


def apply_receipt(tx: Tx, receipt: Receipt) -> Row | None:
    """Move a sent message forward; never back. Returns its row, or None when nothing changed."""
    row = tx.row(
        "SELECT * FROM outbox WHERE target = :target AND vendor_id = :vendor_id",
        target=f"channel:{receipt.channel}",
        vendor_id=receipt.vendor_id,
    )
    if row is None or row["state"] not in _RANK:  # one that was deleted at the customer's
        return None
    if _RANK.get(receipt.state.value, -1) <= _RANK[row["state"]]:
        return None
    if receipt.state is State.FAILED and row["state"] in ("delivered", "read"):
        return None
    # That a change of it did not arrive stays true when the message is read.
    unchanged = row["reason"] if (row["reason"] or "").startswith("not_") else None
    set_state(tx, row["id"], receipt.state, receipt.reason or unchanged)
    return row


def keep_receipt(tx: Tx, receipt: Receipt, now: datetime) -> None:
    """Keep a report that came before the vendor's id was noted."""
    tx.run(
        "INSERT INTO receipts (channel, vendor_id, state, reason, at) VALUES (:channel, "
        ":vendor_id, :state, :reason, :now) ON CONFLICT DO NOTHING",
        channel=receipt.channel,
        vendor_id=receipt.vendor_id,
        state=receipt.state.value,
        reason=receipt.reason,
        now=stamp(now),
    )


def early_receipts(tx: Tx, channel: str, vendor_id: str) -> list[Row]:
    """Take the reports that were kept for a vendor's id."""
    rows = tx.rows(
        "SELECT * FROM receipts WHERE channel = :channel AND vendor_id = :vendor_id",
        channel=channel,
        vendor_id=vendor_id,
    )
    tx.run(
        "DELETE FROM receipts WHERE channel = :channel AND vendor_id = :vendor_id",
        channel=channel,
        vendor_id=vendor_id,
    )
    return rows


def is_known(tx: Tx, receipt: Receipt) -> bool:
    """Whether a message with this vendor's id was noted."""
    return (
        tx.row(
            "SELECT 1 FROM outbox WHERE target = :target AND vendor_id = :vendor_id",
            target=f"channel:{receipt.channel}",
            vendor_id=receipt.vendor_id,
        )
        is not None
    )


def was_unknown(tx: Tx, receipt: Receipt) -> bool:
    """Give a message of unknown outcome the vendor's id that a late report of it brings."""
    return bool(
        tx.run(
            "UPDATE outbox SET vendor_id = :vendor_id WHERE id = :row AND target = :target "
            "AND state = 'unknown' AND vendor_id IS NULL",
            row=receipt.row,
            target=f"channel:{receipt.channel}",
            vendor_id=receipt.vendor_id,
        )
    )


def of_turn(tx: Tx, turn: str) -> list[Row]:
    """What went out, or will, for a turn."""
    return tx.rows(
        "SELECT * FROM outbox WHERE turn = :turn AND op = 'send' ORDER BY seq", turn=turn
    )


def numbered_choices(tx: Tx, conversation: int, before: str) -> tuple[Button, ...]:
    """The choices that stood as numbers in what the bot said last, before the stamp ``before``."""
    last = tx.row(
        "SELECT turn, part FROM outbox WHERE conversation = :id AND op = 'send' "
        "AND author <> 'system' AND state NOT IN ('draft', 'cancelled', 'failed') "
        "AND created_at < :before ORDER BY seq DESC LIMIT 1",
        id=conversation,
        before=before,
    )
    if last is None:
        return ()
    row = tx.row(
        "SELECT buttons FROM outbox WHERE conversation = :id AND numbered = 1 "
        "AND (part = :part OR turn = :turn) ORDER BY seq DESC LIMIT 1",
        id=conversation,
        **last,
    )
    return () if row is None else codec.buttons_from_json(row["buttons"])


def offered(tx: Tx, conversation: int, payload: str) -> bool:
    """Whether a button with this payload was offered in the conversation, and may have arrived."""
    rows = tx.rows(
        "SELECT buttons FROM outbox WHERE conversation = :id AND op = 'send' "
        "AND buttons <> '[]' AND state NOT IN ('draft', 'cancelled', 'failed') "
        "ORDER BY seq DESC LIMIT 50",
        id=conversation,
    )
    return any(
        button.payload == payload
        for row in rows
        for button in codec.buttons_from_json(row["buttons"])
    )
