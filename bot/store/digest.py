"""What happened between two times, in figures that add up."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from bot.ports import Row, Tx
from bot.store import dead
from bot.store.cases import CUSTOMER_BACK
from bot.store.codec import stamp, unstamp

_ADDRESS = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w.-]+")
_EXAMPLES, _EXAMPLE = 10, 120  # how many, and characters of one

# Each turn is one of these. A replayed one counts as the turn that took its place.
_TURNS = """
SELECT CASE WHEN t.status = 'frozen' THEN 'unfinished'
  WHEN t.status IN ('dead', 'dropped') THEN 'failed'
  WHEN t.missed THEN 'missed'
  WHEN EXISTS (SELECT 1 FROM cases c WHERE c.conversation = t.conversation
    AND c.opened_at < t.created_at AND coalesce(c.closed_at, '~') > t.created_at) THEN 'beside'
  WHEN t.status = 'handed' OR t.outcome = 'handoff' THEN 'handed'
  WHEN t.outcome = 'ask' THEN 'asked' ELSE 'solved' END AS became,
  coalesce(t.intent, '') AS intent, t.conversation, t.text
FROM turns t WHERE t.created_at >= :since AND t.created_at < :until AND t.status <> 'replayed'
ORDER BY t.created_at DESC
"""
_CASES = """
SELECT c.*, (SELECT min(o.created_at) FROM outbox o WHERE o.conversation = c.conversation
    AND o.case_id = c.id AND o.author = 'agent' AND o.op = 'send'
    AND o.state NOT IN ('draft', 'cancelled', 'failed')) AS answered_at,
  EXISTS (SELECT 1 FROM commands k WHERE k.case_id = c.id AND k.kind = 'HandBack'
    AND k.result LIKE '%"done":true%') AS handed_back
FROM cases c WHERE
"""
_OPENED = f"{_CASES} c.opened_at >= :since AND c.opened_at < :until"
_CLOSED = f"{_CASES} c.closed_at >= :since AND c.closed_at < :until"


@dataclass(frozen=True, slots=True)
class Digest:
    """What happened from ``since`` until ``until``.

    Each of the ``turns`` is counted once: the sum of ``solved``, ``asked``, ``missed``, ``handed``,
    ``beside``, ``failed`` and ``unfinished``. ``cases`` are those that opened.
    """

    since: datetime
    until: datetime
    conversations: int  # in which the customer wrote
    turns: int
    solved: Mapping[str, int]  # by the bot alone, by intent (empty: none was told)
    asked: int  # the bot asked back: a step of a form, or a yes
    missed: int  # not understood, also where that called a person
    handed: int  # given to a person
    beside: int  # answered while a person was asked for
    failed: int  # given up
    unfinished: int
    missed_examples: tuple[str, ...]  # digits and e-mail addresses are masked
    cases: Mapping[tuple[str, str], int]  # by reason, and how they ended or stand
    first_answer: timedelta | None  # median, from opening to an agent's first line
    to_close: timedelta | None  # median, of those that closed
    failed_sends: Mapping[tuple[str, str], int]  # by channel and reason
    dead_letters: int


def of(tx: Tx, since: datetime, until: datetime) -> Digest:
    """The figures of ``since`` (included) to ``until``."""
    period = {"since": stamp(since), "until": stamp(until)}
    rows = tx.rows(_TURNS, **period)
    became = Counter(row["became"] for row in rows)
    opened = tx.rows(_OPENED, **period)
    closed = tx.rows(_CLOSED, **period)
    return Digest(
        since=since,
        until=until,
        conversations=_conversations(tx, period),
        turns=len(rows),
        solved=dict(Counter(row["intent"] for row in rows if row["became"] == "solved")),
        asked=became["asked"],
        missed=became["missed"],
        handed=became["handed"],
        beside=became["beside"],
        failed=became["failed"],
        unfinished=became["unfinished"],
        missed_examples=_examples(rows),
        cases=dict(Counter((row["reason"], _ended(row)) for row in opened)),
        first_answer=_median(opened, "opened_at", "answered_at"),
        to_close=_median(closed, "opened_at", "closed_at"),
        failed_sends=_failed_sends(tx, period),
        dead_letters=dead.count(tx, since, until),
    )


def _conversations(tx: Tx, period: dict[str, str]) -> int:
    row: Any = tx.row(
        "SELECT count(DISTINCT conversation) AS n FROM inbox "
        "WHERE received_at >= :since AND received_at < :until AND kind <> 'automatic'",
        **period,
    )
    return int(row["n"])


def _examples(rows: list[Row]) -> tuple[str, ...]:
    """The latest that were not understood, each once, without what tells who wrote it."""
    masked = (masked_text(row["text"]) for row in rows if row["became"] == "missed")
    return tuple(dict.fromkeys(text for text in masked if text))[:_EXAMPLES]


def masked_text(text: str) -> str:
    """One line of a text with its digits and e-mail addresses masked, and its end cut off."""
    plain = re.sub(r"\d", "#", _ADDRESS.sub("…@…", " ".join(text.split())))
    return plain if len(plain) <= _EXAMPLE else f"{plain[: _EXAMPLE - 1]}…"


def _ended(case: Row) -> str:
    """``open``, ``taken``, ``handed_back``, ``customer_back`` or ``closed``."""
    if case["state"] != "closed":
        return str(case["state"])
    if case["outcome"] == CUSTOMER_BACK:
        return CUSTOMER_BACK
    return "handed_back" if case["handed_back"] else "closed"


def _median(rows: list[Row], start: str, end: str) -> timedelta | None:
    took = [
        (unstamp(row[end]) - unstamp(row[start])).total_seconds()
        for row in rows
        if row[end] is not None
    ]
    return timedelta(seconds=median(took)) if took else None


def _failed_sends(tx: Tx, period: dict[str, str]) -> dict[tuple[str, str], int]:
    rows = tx.rows(
        "SELECT target, coalesce(reason, state) AS reason, count(*) AS n FROM outbox "
        "WHERE op = 'send' AND state IN ('failed', 'unknown') AND created_at >= :since "
        "AND created_at < :until GROUP BY target, reason, state",
        **period,
    )
    sums: Counter[tuple[str, str]] = Counter()
    for row in rows:
        sums[row["target"].removeprefix("channel:"), row["reason"]] += row["n"]
    return dict(sums)
