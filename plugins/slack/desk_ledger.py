"""The desk's own tables: what it posted, where each case and line is, and the reactions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.desk import HistoryLine
from bot.messages import Author, State
from bot.ports import Row, Tx
from bot.store.codec import stamp


@dataclass(frozen=True, slots=True)
class Place:
    """The card of a case: the root of its thread."""

    case: int
    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A message whose reaction is not the wanted one."""

    channel: str
    ts: str
    want: str
    shown: tuple[str, ...]


def post_of(tx: Tx, key: str) -> Row | None:
    """What was posted under a key, or was about to be (``ts`` is null)."""
    return tx.row("SELECT * FROM slack_posts WHERE key = :key", key=key)


def posts_like(tx: Tx, prefix: str) -> list[Row]:
    """Everything that was posted under keys that begin so."""
    return tx.rows(
        "SELECT * FROM slack_posts WHERE substr(key, 1, length(:prefix)) = :prefix "
        "AND ts IS NOT NULL ORDER BY at",
        prefix=prefix,
    )


def attempt(tx: Tx, key: str, channel: str, thread: str, now: datetime) -> None:
    """Note that something is about to be posted."""
    tx.run(
        "INSERT INTO slack_posts (key, channel, thread, at) VALUES (:key, :channel, :thread, :now) "
        "ON CONFLICT (key) DO NOTHING",
        key=key,
        channel=channel,
        thread=thread,
        now=stamp(now),
    )


def posted(tx: Tx, key: str, ts: str, shown: str) -> None:
    """Note that it is there, and what it shows."""
    tx.run(
        "UPDATE slack_posts SET ts = :ts, shown = :shown WHERE key = :key",
        key=key,
        ts=ts,
        shown=shown,
    )


def rename(tx: Tx, key: str, to: str) -> None:
    """Keep a post under another key, in place of what was there: the old one is free again."""
    tx.run("UPDATE OR REPLACE slack_posts SET key = :to WHERE key = :key", key=key, to=to)


def forget(tx: Tx, key: str) -> None:
    """It was certainly not posted, or it is gone."""
    tx.run("DELETE FROM slack_posts WHERE key = :key", key=key)


def last_alarm(tx: Tx, since: datetime) -> int:
    """The number of the last alarm that was told; at first, of the last one before ``since``."""
    tx.run(
        "INSERT INTO slack_alarms (id, last) VALUES (1, "
        "(SELECT coalesce(max(id), 0) FROM alarms WHERE at <= :since)) ON CONFLICT DO NOTHING",
        since=stamp(since),
    )
    row = tx.row("SELECT last FROM slack_alarms")
    return 0 if row is None else int(row["last"])


def saw_alarm(tx: Tx, alarm: int) -> None:
    """An alarm was told."""
    tx.run("UPDATE slack_alarms SET last = max(last, :alarm)", alarm=alarm)


def has_card(tx: Tx, place: Place, *, is_open: bool, refresh_at: datetime | None) -> None:
    """Note the card of a case."""
    tx.run(
        "INSERT INTO slack_cases (case_id, channel, ts, open, refresh_at) "
        "VALUES (:id, :channel, :ts, :open, :at) ON CONFLICT (case_id) DO UPDATE SET "
        "channel = :channel, ts = :ts, open = :open, refresh_at = :at",
        id=place.case,
        channel=place.channel,
        ts=place.ts,
        open=int(is_open),
        at=None if refresh_at is None else stamp(refresh_at),
    )


def place_of(tx: Tx, case: int) -> Place | None:
    """Where the card of a case is."""
    row = tx.row("SELECT * FROM slack_cases WHERE case_id = :id", id=case)
    return None if row is None else _place(row)


def case_at(tx: Tx, channel: str, ts: str) -> Place | None:
    """The case whose card is the root of a thread."""
    row = tx.row(
        "SELECT * FROM slack_cases WHERE channel = :channel AND ts = :ts", channel=channel, ts=ts
    )
    return None if row is None else _place(row)


def case_before(tx: Tx, channel: str, ts: str) -> int | None:
    """The case whose card was the root of a thread, and was deleted since."""
    row = tx.row(
        "SELECT key FROM slack_posts WHERE channel = :channel AND thread = :ts "
        "AND key LIKE 'before:%' LIMIT 1",
        channel=channel,
        ts=ts,
    )
    return None if row is None else int(str(row["key"]).split(":")[1])


def is_posting(tx: Tx, channel: str) -> bool:
    """Whether a card of a channel is being posted, so that its place is not known yet."""
    row = tx.row(
        "SELECT 1 FROM slack_posts p WHERE p.channel = :channel AND p.key LIKE 'case:%' AND "
        "(p.ts IS NULL OR NOT EXISTS (SELECT 1 FROM slack_cases c WHERE c.ts = p.ts)) LIMIT 1",
        channel=channel,
    )
    return row is not None


def open_cases(tx: Tx) -> list[Place]:
    """The cases that are not closed, latest first."""
    return [
        _place(row)
        for row in tx.rows("SELECT * FROM slack_cases WHERE open = 1 ORDER BY case_id DESC")
    ]


def due_cards(tx: Tx, now: datetime) -> list[int]:
    """Cases whose cards look different by now."""
    rows = tx.rows(
        "SELECT case_id FROM slack_cases WHERE open = 1 AND refresh_at <= :now ORDER BY refresh_at",
        now=stamp(now),
    )
    return [row["case_id"] for row in rows]


def refresh_at(tx: Tx, case: int, at: datetime) -> None:
    """Look at a card then: it may look different."""
    tx.run("UPDATE slack_cases SET refresh_at = :at WHERE case_id = :id", id=case, at=stamp(at))


def refresh_all(tx: Tx, at: datetime) -> None:
    """Look at every card of an open case then."""
    tx.run("UPDATE slack_cases SET refresh_at = :at WHERE open = 1", at=stamp(at))


def channels(tx: Tx) -> set[str]:
    """Channels that have cards."""
    return {row["channel"] for row in tx.rows("SELECT DISTINCT channel FROM slack_cases")}


def note_line(tx: Tx, place: Place, line: HistoryLine, ts: str) -> None:
    """Note which message a line is; a line that is known only changes its state."""
    tx.run(
        "INSERT INTO slack_lines (line, case_id, channel, ts, author, state, reason) "
        "VALUES (:line, :case_id, :channel, :ts, :author, :state, :reason) "
        "ON CONFLICT (line) DO UPDATE SET state = :state, reason = :reason",
        line=line.id,
        case_id=place.case,
        channel=place.channel,
        ts=ts,
        author=line.author.value,
        state=None if line.state is None else line.state.value,
        reason=line.reason,
    )


def line_row(tx: Tx, line: str) -> Row | None:
    """What is known of a line."""
    return tx.row("SELECT * FROM slack_lines WHERE line = :line", line=line)


def lines_at(tx: Tx, channel: str, ts: str) -> list[Row]:
    """The lines that a message is: several where a text went out in pieces."""
    return tx.rows(
        "SELECT * FROM slack_lines WHERE channel = :channel AND ts = :ts ORDER BY rowid",
        channel=channel,
        ts=ts,
    )


def is_sent(tx: Tx, channel: str, ts: str) -> bool:
    """Whether a message went to the customer, whatever it became since."""
    return any(
        row["author"] == Author.AGENT and row["state"] != State.CANCELLED
        for row in lines_at(tx, channel, ts)
    )


def unplace(tx: Tx, line: str) -> None:
    """The message that a line was is gone."""
    tx.run("DELETE FROM slack_lines WHERE line = :line", line=line)


def set_state(tx: Tx, line: str, state: State, reason: str | None) -> Row | None:
    """Note what became of a line; its row, or ``None`` where it is not known."""
    tx.run(
        "UPDATE slack_lines SET state = :state, reason = :reason WHERE line = :line",
        line=line,
        state=state.value,
        reason=reason,
    )
    return line_row(tx, line)


def want_mark(tx: Tx, channel: str, ts: str, emoji: str) -> None:
    """Note which reaction a message should have."""
    tx.run(
        "INSERT INTO slack_marks (channel, ts, want) VALUES (:channel, :ts, :want) "
        "ON CONFLICT (channel, ts) DO UPDATE SET want = :want",
        channel=channel,
        ts=ts,
        want=emoji,
    )


def open_marks(tx: Tx, limit: int = 1000) -> list[Mark]:
    """Messages whose reaction is not the wanted one, oldest first."""
    rows = tx.rows(
        "SELECT * FROM slack_marks WHERE want <> shown ORDER BY ts LIMIT :limit", limit=limit
    )
    return [
        Mark(row["channel"], row["ts"], row["want"], tuple(filter(None, row["shown"].split(","))))
        for row in rows
    ]


def show_marks(tx: Tx, mark: Mark, shown: tuple[str, ...]) -> None:
    """Note which reactions a message has."""
    tx.run(
        "UPDATE slack_marks SET shown = :shown WHERE channel = :channel AND ts = :ts",
        channel=mark.channel,
        ts=mark.ts,
        shown=",".join(shown),
    )


def drop_mark(tx: Tx, mark: Mark) -> None:
    """The message cannot have a reaction: it is gone."""
    tx.run(
        "DELETE FROM slack_marks WHERE channel = :channel AND ts = :ts",
        channel=mark.channel,
        ts=mark.ts,
    )


def _place(row: Row) -> Place:
    return Place(row["case_id"], row["channel"], row["ts"])
