"""Limits against guessing and enumeration, and the alarm when somebody tries it at large.

What is counted looks the same for an order that exists and one that does not, so that no limit
tells them apart; only mails are counted for real orders alone, and nobody sees that count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.ports import Tx
from bot.store import audit
from bot.store.codec import stamp

DAY, HOUR = timedelta(hours=24), timedelta(hours=1)
BURST = "identity_burst"
"""The kind of alarm."""
WRONG_PAIR, START = "pair", "start"


@dataclass(frozen=True, slots=True)
class Limits:
    """How often what may happen; the figures that grow with a shop are settings.

    ``wrong_pairs`` of one identity within a day: typing errors come in ones and twos, and a person
    helps whoever needs a sixth. ``starts``: codes asked for by one identity within a day and not
    entered; each may be a mail to somebody. ``wrong_per_order`` within a day, by everybody: there
    are some 8,000 German postcodes, so ten guesses find one with a chance of about a thousandth;
    after that the pair alone does not suffice. ``codes_per_order`` within a day: mails that one
    mailbox gets at most. ``tries_per_order`` within a day, at codes that exist: then no more are
    sent, so that with those still open a day gives 25 guesses at a million at most.
    ``wrong_per_hour`` and ``codes_per_hour``, of all customers together: a shop with a thousand
    chats a day sees about two wrong pairs an hour; a hundred are a program's.
    """

    wrong_pairs: int = 5
    starts: int = 5
    wrong_per_order: int = 10
    codes_per_order: int = 5
    tries_per_order: int = 15
    wrong_per_hour: int = 100
    codes_per_hour: int = 200

    def locked(self, tx: Tx, who: Who, now: datetime, settled: str) -> bool:
        """Whether an identity made too many wrong pairs; ``settled``: a person has looked since."""
        return _of_identity(tx, WRONG_PAIR, who, _since(now, settled)) >= self.wrong_pairs

    def started_too_often(self, tx: Tx, who: Who, now: datetime, settled: str) -> bool:
        """Whether an identity asked for too many codes."""
        return _of_identity(tx, START, who, _since(now, settled)) >= self.starts

    def pair_suffices(self, tx: Tx, subject: str, now: datetime) -> bool:
        """Whether a pair alone is believed now, for this order and by everybody."""
        of_order = _count(tx, WRONG_PAIR, now - DAY, subject)
        of_all = _count(tx, WRONG_PAIR, now - HOUR)
        return of_order < self.wrong_per_order and of_all < self.wrong_per_hour

    def mail_barred(self, tx: Tx, subject: str, now: datetime) -> str:
        """Why no mail may go out for an order now: a reason for the audit log, or nothing."""
        sums = "SELECT count(*) AS mails, coalesce(sum(tries), 0) AS tries FROM codes WHERE mailed "
        day = tx.row(
            sums + "AND subject = :subject AND created_at > :since",
            subject=subject,
            since=stamp(now - DAY),
        )
        hour = tx.row(sums + "AND created_at > :since", since=stamp(now - HOUR))
        assert day is not None and hour is not None  # noqa: S101, PT018 - a count is one row
        if hour["mails"] >= self.codes_per_hour:
            alarm(tx, "codes_per_hour", hour["mails"], now)
            return "limited_all"
        over = day["mails"] >= self.codes_per_order or day["tries"] >= self.tries_per_order
        return "limited_order" if over else ""

    def note(self, tx: Tx, kind: str, who: Who, subject: str, now: datetime) -> None:
        """Count a wrong pair, or a code that was asked for; too many wrong ones are an alarm."""
        tx.run(
            "INSERT INTO attempts (conversation, subject, kind, identity, at) VALUES "
            "(:conversation, :subject, :kind, :identity, :now)",
            conversation=who.conversation,
            subject=subject,
            kind=kind,
            identity=who.identity,
            now=stamp(now),
        )
        if kind == WRONG_PAIR:
            self.note_wrong(tx, now)

    def note_wrong(self, tx: Tx, now: datetime) -> None:
        """Raise the alarm where pairs and codes that were wrong come at large."""
        row = tx.row(
            "SELECT count(*) AS n FROM audit WHERE at > :since AND ok = 0 "
            "AND kind IN ('pair', 'code')",
            since=stamp(now - HOUR),
        )
        if row is not None and row["n"] >= self.wrong_per_hour:
            alarm(tx, "wrong_per_hour", row["n"], now)


@dataclass(frozen=True, slots=True)
class Who:
    """Whose attempts count together: a conversation, and the address behind it as a keyed hash."""

    conversation: int
    identity: str


def forgive_starts(tx: Tx, who: Who, subject: str) -> None:
    """A code that was entered is no attempt any more."""
    tx.run(
        "DELETE FROM attempts WHERE conversation = :id AND subject = :subject AND kind = 'start'",
        id=who.conversation,
        subject=subject,
    )


def forget_old(tx: Tx, now: datetime) -> None:
    """Drop what no limit counts any more, and the addresses of codes that are over."""
    old = {"before": stamp(now - 2 * DAY)}
    tx.run("DELETE FROM attempts WHERE at < :before", **old)
    tx.run("DELETE FROM codes WHERE created_at < :before", **old)
    tx.run(
        "UPDATE codes SET email = NULL WHERE email IS NOT NULL AND expires_at < :now",
        now=stamp(now),
    )


def alarm(tx: Tx, what: str, count: int, now: datetime) -> None:
    """Tell the operators, once an hour at most."""
    audit.raise_alarm(tx, BURST, {"limit": what, "count": count}, now, quiet=HOUR)


def _since(now: datetime, settled: str) -> str:
    return max(stamp(now - DAY), settled)


def _of_identity(tx: Tx, kind: str, who: Who, since: str) -> int:
    # Two searches, each by its index; a row that both find counts once.
    row = tx.row(
        "SELECT count(*) AS n FROM ("
        "SELECT id FROM attempts WHERE conversation = :conversation AND at > :since "
        "AND kind = :kind UNION "
        "SELECT id FROM attempts WHERE identity = :identity AND at > :since AND kind = :kind)",
        conversation=who.conversation,
        identity=who.identity,
        kind=kind,
        since=since,
    )
    return int(row["n"]) if row else 0


def _count(tx: Tx, kind: str, since: datetime, subject: str | None = None) -> int:
    of_subject = "" if subject is None else "AND subject = :subject"
    row = tx.row(
        f"SELECT count(*) AS n FROM attempts WHERE at > :since AND kind = :kind {of_subject}",  # noqa: S608
        since=stamp(since),
        kind=kind,
        **({} if subject is None else {"subject": subject}),
    )
    return int(row["n"]) if row else 0
