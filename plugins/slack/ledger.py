"""The plugin's own tables: what is still to be handled, how far was heard, what was sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from bot.ports import Row, Tx
from plugins.slack.events import Event, EventKind
from plugins.slack.incoming import RANKS, message_key
from plugins.slack.interactions import Interaction, InteractionKind

NAME_HOLDS = 7 * 86_400.0
"""Seconds after which a name is asked for again, and forgotten."""
_LONG = 90 * 86_400.0  # seconds
_TAKE = """
INSERT INTO slack_events
  (key, stream, at, rank, channel, thread, ts, kind, body, status, next_at, taken_at)
VALUES
  (:key, :stream, :at, :rank, :channel, :thread, :ts, :kind, :body, :status, :next_at, :now)
ON CONFLICT (key) DO NOTHING
"""
_SEEN = """
INSERT INTO slack_seen (channel, thread, ts) VALUES (:channel, :thread, :ts)
ON CONFLICT (channel, thread) DO UPDATE SET ts = excluded.ts WHERE excluded.ts > slack_seen.ts
"""
_HEADS = """
SELECT key, stream, channel, thread, kind, body, attempts, next_at, taken_at FROM (
  SELECT *, row_number() OVER (PARTITION BY stream ORDER BY at, rank, taken_at, key) AS place
  FROM slack_events WHERE status = 'open')
WHERE place = 1 ORDER BY at, stream
"""
_KNOWN = """
SELECT m.key, m.ts FROM slack_events AS m
WHERE m.channel = :channel AND m.thread = :thread AND m.kind = 'message'
  AND m.ts >= :oldest AND m.ts < :latest
  AND NOT EXISTS (SELECT 1 FROM slack_events AS d WHERE d.key = m.key || '/deleted')
"""
_TAKE_INTERACTION = """
INSERT INTO slack_interactions (id, body, status, taken_at) VALUES (:id, :body, 'open', :now)
ON CONFLICT (id) DO NOTHING
"""


def take(tx: Tx, events: Iterable[Event], now: float, hold: float) -> int:
    """Keep events that are not known yet; how many they were.

    An edit of a message that is taken together with it is not kept open: the message was read in a
    history, and says already what the edit made of it.
    """
    new: set[str] = set()
    for event in events:
        is_told = event.kind is EventKind.EDIT and message_key(event.channel, event.ts) in new
        changed = tx.run(
            _TAKE,
            key=event.key,
            stream=event.stream,
            at=event.at,
            rank=RANKS.get(event.kind, 3),
            channel=event.channel,
            thread=event.thread_ts,
            ts=event.ts,
            kind=event.kind,
            body="" if is_told else json.dumps(asdict(event)),
            status="done" if is_told else "open",
            next_at=now + hold,
            now=now,
        )
        if changed:
            new.add(event.key)
        if event.kind is EventKind.MESSAGE:
            see(tx, event.channel, event.thread_ts, event.ts)
    return len(new)


def heads(tx: Tx) -> list[Row]:
    """The first open event of each stream."""
    return tx.rows(_HEADS)


def is_open(tx: Tx, channel: str, thread: str) -> bool:
    """Whether something of a thread is still to be handled."""
    row = tx.row(
        "SELECT 1 FROM slack_events WHERE channel = :channel AND thread = :thread "
        "AND status = 'open' LIMIT 1",
        channel=channel,
        thread=thread,
    )
    return row is not None


def event_of(row: Row) -> Event:
    """The event of a row that is open."""
    body = json.loads(row["body"])
    files = tuple(body.pop("files"))
    return Event(**{**body, "kind": EventKind(body["kind"])}, files=files)


def settle(tx: Tx, key: str, status: str) -> None:
    """The event is handled (``done``) or given up (``failed``); its content is forgotten."""
    tx.run(
        "UPDATE slack_events SET status = :status, body = '' WHERE key = :key",
        key=key,
        status=status,
    )


def put_off(tx: Tx, key: str, next_at: float) -> None:
    """Try it again, not before ``next_at``."""
    tx.run(
        "UPDATE slack_events SET attempts = attempts + 1, next_at = :next_at WHERE key = :key",
        key=key,
        next_at=next_at,
    )


def known(tx: Tx, channel: str, thread: str, oldest: str, latest: str) -> dict[str, str]:
    """Messages of a channel or thread that were taken and not deleted: keys by ``ts``."""
    rows = tx.rows(_KNOWN, channel=channel, thread=thread, oldest=oldest, latest=latest)
    return {str(row["ts"]): str(row["key"]) for row in rows}


def see(tx: Tx, channel: str, thread: str, ts: str) -> None:
    """Note that a channel or thread was heard until ``ts``."""
    tx.run(_SEEN, channel=channel, thread=thread, ts=ts)


def seen(tx: Tx, channel: str, thread: str) -> str:
    """Until when a channel or thread was heard; ``""`` when never."""
    row = tx.row(
        "SELECT ts FROM slack_seen WHERE channel = :channel AND thread = :thread",
        channel=channel,
        thread=thread,
    )
    return str(row["ts"]) if row else ""


def take_interaction(tx: Tx, interaction: Interaction, now: float) -> bool:
    """Keep an interaction; False when it is known."""
    body = json.dumps(asdict(interaction))
    return bool(tx.run(_TAKE_INTERACTION, id=interaction.id, body=body, now=now))


def settle_interaction(tx: Tx, id: str, status: str) -> None:
    """It is handled or given up; its content is forgotten."""
    tx.run(
        "UPDATE slack_interactions SET status = :status, body = '' WHERE id = :id",
        id=id,
        status=status,
    )


def open_interactions(tx: Tx) -> list[tuple[Interaction, float]]:
    """What was taken and not handled when the last process ended, with its time."""
    rows = tx.rows("SELECT * FROM slack_interactions WHERE status = 'open' ORDER BY taken_at")
    return [(_interaction(json.loads(row["body"])), float(row["taken_at"])) for row in rows]


def _interaction(body: dict[str, Any]) -> Interaction:
    made = Interaction(**{**body, "kind": InteractionKind(body["kind"])})
    return replace(made, replayed=True)


def prune(tx: Tx, now: float, keep: float) -> None:
    """Forget what was handled ``keep`` seconds ago, names after a week, the rest long after."""
    before, long_ago = now - keep, now - _LONG
    for table in ("slack_events", "slack_interactions"):
        tx.run(
            f"DELETE FROM {table} WHERE status != 'open' AND taken_at < :before",  # noqa: S608
            before=before,
        )
    tx.run("DELETE FROM slack_people WHERE at < :before", before=now - NAME_HOLDS)
    tx.run("DELETE FROM slack_sent WHERE at < :before", before=long_ago)
    tx.run("DELETE FROM slack_seen WHERE ts < :before AND channel != ''", before=ts_of(long_ago))


def ts_of(seconds: float) -> str:
    """A time as Slack writes it."""
    return f"{max(seconds, 0.0):017.6f}"


def attempt(tx: Tx, row: str, address: str, buttons: Sequence[tuple[str, str]], now: float) -> None:
    """Note that a row is about to leave."""
    tx.run(
        "INSERT INTO slack_sent (row, address, buttons, at) VALUES (:row, :address, :buttons, :now)"
        " ON CONFLICT (row) DO UPDATE SET at = excluded.at",
        row=row,
        address=address,
        buttons=json.dumps(list(buttons)),
        now=now,
    )


def note_file(tx: Tx, row: str, file: str) -> None:
    """Note the id of the file that a row uploads, before it is shared."""
    tx.run("UPDATE slack_sent SET file = :file WHERE row = :row", row=row, file=file)


def note_ts(tx: Tx, row: str, ts: str) -> None:
    """Note which message a row became."""
    tx.run("UPDATE slack_sent SET ts = :ts WHERE row = :row", row=row, ts=ts)


def sent(tx: Tx, row: str) -> Row | None:
    """What is known of a row that was sent, or was about to be."""
    return tx.row("SELECT * FROM slack_sent WHERE row = :row", row=row)


def button(tx: Tx, address: str, row: str, place: int) -> tuple[str, str] | None:
    """Title and payload of a button that was shown to this address."""
    found = tx.row(
        "SELECT buttons FROM slack_sent WHERE row = :row AND address = :address",
        row=row,
        address=address,
    )
    buttons = json.loads(found["buttons"]) if found else []
    return tuple(buttons[place]) if 0 <= place < len(buttons) else None


def note_conversation(tx: Tx, channel: str, thread: str, now: float) -> None:
    """A customer wrote there."""
    tx.run(
        "INSERT OR REPLACE INTO slack_conversations (channel, thread, at)"
        " VALUES (:channel, :thread, :now)",
        channel=channel,
        thread=thread,
        now=now,
    )


def is_conversation(tx: Tx, channel: str, thread: str) -> bool:
    """Whether a customer wrote to the bot there."""
    return bool(
        tx.row(
            "SELECT 1 FROM slack_conversations WHERE channel = :channel AND thread = :thread",
            channel=channel,
            thread=thread,
        )
    )


def conversations(tx: Tx, since: float, most: int) -> list[tuple[str, str]]:
    """Channels and threads in which customers wrote since then, latest first."""
    rows = tx.rows(
        "SELECT channel, thread FROM slack_conversations WHERE at >= :since"
        " ORDER BY at DESC LIMIT :most",
        since=since,
        most=most,
    )
    return [(str(row["channel"]), str(row["thread"])) for row in rows]


def person(tx: Tx, user: str, since: float) -> str | None:
    """The name of somebody, unless it was asked for before ``since``."""
    row = tx.row(
        "SELECT name FROM slack_people WHERE user = :user AND at >= :since", user=user, since=since
    )
    return str(row["name"]) if row else None


def note_person(tx: Tx, user: str, name: str, now: float) -> None:
    """Note the name of somebody."""
    tx.run(
        "INSERT OR REPLACE INTO slack_people (user, name, at) VALUES (:user, :name, :now)",
        user=user,
        name=name,
        now=now,
    )
