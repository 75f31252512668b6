"""Threads: which conversation a mail belongs to. Nothing but what its sender could know joins it.

A mail joins by a Message-ID that is known in the thread, and only when its sender is the thread's
participant. Where DMARC has passed in a thread once, it must pass again. A subject or a number in
it joins nothing: it is good for a proposal, which an agent decides.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex

from bot.messages import Address
from bot.ports import Row, Tx
from bot.store import conversations
from bot.store.codec import stamp
from bot.store.customers import WrittenBy
from plugins.mail.addresses import normal
from plugins.mail.model import Mail
from plugins.mail.receiving.auth_results import Verdict

_MOST_REFERENCES = 50  # the newest; a thread's own are among them
_SAME_SUBJECT_WITHIN = timedelta(days=90)
_REACHING = "out-"  # beginning of the key of a thread that we began
_LONGEST_SUBJECT = 1000  # characters that are compared
_PREFIX = re.compile(
    r"\s*(re|aw|antw|antwort|sv|vs|fw|fwd|wg|wtr|tr|rv)(\s*\[\d+\]|\(\d+\))?\s*:\s*", re.IGNORECASE
)
_FORWARD = re.compile(r"\s*(?:fw|fwd|wg|wtr|tr|rv)\s*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mail goes: a known thread, or a new one with maybe a proposal."""

    key: str
    new: bool
    proposed: str | None = None
    repeats: bool = False  # its subject is one that the thread had before


def base_subject(subject: str) -> str:
    """A subject without ``Re:``, ``AW:``, ``Fwd:`` in front; the end of a very long one is cut."""
    subject = subject[:_LONGEST_SUBJECT]
    while match := _PREFIX.match(subject):
        subject = subject[match.end() :]
    return " ".join(subject.split())


def is_forward(subject: str) -> bool:
    """Whether a mail program says in the subject that it forwards something."""
    return _FORWARD.match(subject) is not None


def place(tx: Tx, mail: Mail, participant: str, verdict: Verdict, now: datetime) -> Place:
    """Find the thread of a mail by ``participant`` (normalised; empty: unknown)."""
    proposed: str | None = None
    for message_id in _answered(mail):
        for thread in _threads_with(tx, message_id):
            if _may_join(thread, participant, verdict):
                return Place(thread["key"], False, repeats=_had(tx, thread, mail.subject))
            proposed = proposed or thread["key"]
    if proposed is None and participant:
        proposed = _same_subject(tx, participant, base_subject(mail.subject), now)
    return Place(token_hex(16), True, proposed)


def keep(
    tx: Tx, spot: Place, mail: Mail, participant: str, verdict: Verdict, box: str, now: datetime
) -> None:
    """Write a placed mail into its thread, which is made where it is new."""
    passed = int(verdict is Verdict.PASS)
    if spot.new:
        tx.run(
            "INSERT INTO mail_threads (key, mailbox, participant, name, subject, verified, "
            "proposed, created_at) VALUES (:key, :box, :participant, :name, :subject, :passed, "
            ":proposed, :now)",
            key=spot.key,
            box=box,
            participant=participant,
            name=mail.sender.name,
            subject=mail.subject[:_LONGEST_SUBJECT],
            passed=passed,
            proposed=spot.proposed,
            now=stamp(now),
        )
    else:
        tx.run(
            "UPDATE mail_threads SET verified = max(verified, :passed), "
            "subject = CASE :subject WHEN '' THEN subject ELSE :subject END WHERE key = :key",
            key=spot.key,
            passed=passed,
            subject=base_subject(mail.subject),  # an answer goes to the mail that it answers
        )
    if mail.message_id:
        note(tx, spot.key, mail.message_id, "in", now, subject=mail.subject)


def note(
    tx: Tx,
    key: str,
    message_id: str,
    direction: str,
    now: datetime,
    row: str | None = None,
    *,
    subject: str = "",
) -> None:
    """Note a Message-ID that mails of the thread may answer; twice is fine."""
    tx.run(
        "INSERT INTO mail_messages (message_id, thread, direction, row, at, subject_hash) VALUES "
        "(:id, :key, :direction, :row, :now, :hash) ON CONFLICT (message_id, thread) DO NOTHING",
        id=message_id,
        key=key,
        direction=direction,
        row=row,
        now=stamp(now),
        hash=_hash(subject),
    )


def reach(tx: Tx, email: str, near: str | None, box: str, now: datetime) -> str:
    """The key of a thread with an address: ``near`` where it is its own, else one that we began."""
    participant = normal(email)
    if near is not None:
        thread = get(tx, near)
        if thread is not None and thread["participant"] == participant:
            return near
        box = thread["mailbox"] if thread is not None else box
    known = tx.row(
        "SELECT key FROM mail_threads WHERE participant = :participant AND mailbox = :box "
        "AND key LIKE :reaching ORDER BY created_at, key LIMIT 1",
        participant=participant,
        box=box,
        reaching=f"{_REACHING}%",
    )
    if known is not None:
        return str(known["key"])
    key = f"{_REACHING}{token_hex(16)}"
    tx.run(
        "INSERT INTO mail_threads (key, mailbox, participant, created_at) "
        "VALUES (:key, :box, :participant, :now)",
        key=key,
        box=box,
        participant=participant,
        now=stamp(now),
    )
    return key


def begun(tx: Tx, participant: str, verdict: Verdict, since: datetime) -> int:
    """How many threads somebody has begun since then; who forges a sender does not count as it."""
    row = tx.row(
        "SELECT count(*) AS n FROM mail_threads WHERE participant = :participant "
        "AND created_at > :since AND verified = :passed AND key NOT LIKE :reaching",
        participant=participant,
        since=stamp(since),
        passed=int(verdict is Verdict.PASS),
        reaching=f"{_REACHING}%",
    )
    return int(row["n"]) if row else 0


def get(tx: Tx, key: str) -> Row | None:
    """A thread by its key."""
    return tx.row("SELECT * FROM mail_threads WHERE key = :key", key=key)


def sender(tx: Tx, address: Address) -> WrittenBy | None:
    """Who writes in a thread: its participant, whom DMARC proves by the latest mail or not at all.

    Nothing is said of the proof where no mail has come: in a thread that we began.
    """
    thread, conversation = get(tx, address.id), conversations.of_address(tx, address)
    if thread is None or conversation is None:
        return None
    wrote = tx.row(
        "SELECT 1 FROM inbox WHERE conversation = :id AND kind <> 'automatic' LIMIT 1",
        id=conversation["id"],
    )
    email = thread["participant"]
    proven = normal(conversation["email"] or "") == email != ""
    return WrittenBy(email, thread["subject"], None if wrote is None else proven)


def sent_as(tx: Tx, message_ids: Iterable[str]) -> Row | None:
    """What went out under the first known of these: ``thread``, ``row`` and ``participant``."""
    for message_id in message_ids:
        found = tx.row(
            "SELECT m.message_id, m.thread, m.row, t.participant FROM mail_messages m "
            "JOIN mail_threads t ON t.key = m.thread "
            "WHERE m.message_id = :id AND m.direction = 'out'",
            id=message_id,
        )
        if found is not None:
            return found
    return None


def _had(tx: Tx, thread: Row, subject: str) -> bool:
    """Whether a mail of the thread, theirs or ours, had that subject."""
    if base_subject(subject).lower() == base_subject(thread["subject"]).lower():
        return True
    found = tx.row(
        "SELECT 1 FROM mail_messages WHERE thread = :key AND subject_hash = :hash LIMIT 1",
        key=thread["key"],
        hash=_hash(subject),
    )
    return found is not None


def _hash(subject: str) -> str:
    base = base_subject(subject).lower()
    return hashlib.sha256(base.encode("utf-8", "replace")).hexdigest() if base else ""


def _answered(mail: Mail) -> list[str]:
    newest_first = [*mail.in_reply_to, *reversed(mail.references)]
    return list(dict.fromkeys(one for one in newest_first if one))[:_MOST_REFERENCES]


def _threads_with(tx: Tx, message_id: str) -> list[Row]:
    return tx.rows(
        "SELECT t.* FROM mail_messages m JOIN mail_threads t ON t.key = m.thread "
        "WHERE m.message_id = :id ORDER BY m.at DESC, t.key",
        id=message_id,
    )


def _may_join(thread: Row, participant: str, verdict: Verdict) -> bool:
    if not participant or thread["participant"] != participant:
        return False
    if verdict is Verdict.FAIL:  # somebody else, by what the sender's own domain says
        return False
    return verdict is Verdict.PASS or not thread["verified"]


def _same_subject(tx: Tx, participant: str, subject: str, now: datetime) -> str | None:
    if not subject:
        return None
    rows = tx.rows(
        "SELECT key, subject FROM mail_threads WHERE participant = :participant "
        "AND created_at > :since ORDER BY created_at DESC LIMIT 50",
        participant=participant,
        since=stamp(now - _SAME_SUBJECT_WITHIN),
    )
    same = (row["key"] for row in rows if base_subject(row["subject"]).lower() == subject.lower())
    return next(same, None)
