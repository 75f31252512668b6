"""One-time codes: asked for by a pair, sent to the address on the order, entered once.

A pair that is wrong gets a code, too: one that was sent to nobody and that no digits fit. Every
step does the same reads and writes for both; the mail itself is a timer's work, a moment later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from bot.messages import Author, Outbound
from bot.ports import ReachesEmail, Row, Texts, Tx
from bot.store import audit, conversations, outbox, timers
from bot.store.codec import new_id, stamp, unstamp
from bot.store.mailboxes import mailbox
from identity.keys import DIGITS, Keyed
from identity.limits import START, Limits, Who, forget_old, forgive_starts

LIFE = timedelta(minutes=10)
TRIES = 5
PAUSE = timedelta(minutes=15)
"""After five wrong tries; DESIGN asks for a pause, and a mail may be that late."""
BETWEEN = timedelta(minutes=1)
"""Between two codes of one order: a mail takes seconds, and the button is pressed again."""
DELAY = timedelta(seconds=1)
"""Until the mail is made: by then the answer is out, so that its time tells nothing."""
TIMER = "code_mail"
BULLETS = "•" * DIGITS
"""What stands for the code in every table and at every desk."""

Started = Literal["started", "paused", "too_often"]
Result = Literal["right", "wrong", "paused", "expired", "used", "none"]


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks for a code, for which order and action, in which turn."""

    who: Who
    subject: str
    action: str
    language: str
    turn: str


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of digits: ``left`` tries where they were wrong, ``email`` where right."""

    result: Result
    left: int = 0
    email: str = ""


@dataclass(eq=False, kw_only=True)
class Codes:
    """The codes of an installation. ``texts`` and ``reaches`` write the mail."""

    keyed: Keyed
    limits: Limits = field(default_factory=Limits)
    texts: Texts | None = None
    reaches: ReachesEmail | None = None

    def start(
        self,
        tx: Tx,
        asked: Request,
        *,
        matched: bool,
        email: str | None,
        settled: str,
        now: datetime,
    ) -> Started:
        """Make a code, or a decoy where the pair was wrong or no mail can go out."""
        forget_old(tx, now)
        last = self.last(tx, asked.who.conversation, asked.subject)
        if last is not None and last["turn"] == asked.turn:
            return "started"  # the turn is asked again
        if self.paused_until(tx, asked.who.conversation, asked.subject, now) is not None:
            return self._refused(tx, "paused", asked, now)
        if self.limits.started_too_often(tx, asked.who, now, settled):
            return self._refused(tx, "too_often", asked, now)
        barred = self.limits.mail_barred(tx, asked.subject, now)
        why_not = "no_pair" if not matched else "no_address" if not email else barred
        _replace(tx, asked, now)
        code = new_id()
        tx.run(
            "INSERT INTO codes (id, conversation, subject, action, hash, matched, mailed, email, "
            "language, turn, created_at, expires_at) VALUES (:id, :conversation, :subject, "
            ":action, :hash, :matched, :mailed, :email, :language, :turn, :now, :expires)",
            id=code,
            conversation=asked.who.conversation,
            subject=asked.subject,
            action=asked.action,
            hash=self.keyed.hash(code, "" if why_not else self.keyed.digits(code)),
            matched=int(matched),
            mailed=int(not why_not),
            email=None if why_not else email,
            language=asked.language,
            turn=asked.turn,
            now=stamp(now),
            expires=stamp(now + LIFE),
        )
        timers.schedule(tx, TIMER, code, now + DELAY)
        self.limits.note(tx, START, asked.who, asked.subject, now)
        _note(tx, "code_sent", asked, now, ok=not why_not, reason=why_not)
        return "started"

    def _refused(
        self, tx: Tx, why: Literal["paused", "too_often"], asked: Request, now: datetime
    ) -> Started:
        _note(tx, "code_sent", asked, now, ok=False, reason=why)
        return why

    def enter(
        self, tx: Tx, asked: Request, digits: str, now: datetime, email: str | None
    ) -> Entered:
        """Try digits. The same turn tries once. ``email`` is what the order carries by now.

        A code that went to another address than that is over, however right.
        """
        conversation = asked.who.conversation
        code = self.last(tx, conversation, asked.subject)
        if code is None:
            _note(tx, "code", asked, now, ok=False, reason="none")
            return Entered("none")
        if self.paused_until(tx, conversation, asked.subject, now) is not None:
            _note(tx, "code", asked, now, ok=False, reason="paused")
            self.limits.note_wrong(tx, now)
            return Entered("paused")
        if code["state"] != "open" or unstamp(code["expires_at"]) <= now:
            used = code["state"] == "used"
            _note(tx, "code", asked, now, ok=False, reason="used" if used else "expired")
            return Entered("used" if used else "expired")
        if self.keyed.fits(code["id"], code["hash"], digits):
            if mailbox(code["email"] or "") != mailbox(email or ""):
                _settle(tx, code["id"], "replaced", now)
                _note(tx, "code", asked, now, ok=False, reason="moved")
                return Entered("expired")
            _settle(tx, code["id"], "used", now)
            forgive_starts(tx, asked.who, asked.subject)
            _note(tx, "code", asked, now, ok=True)
            return Entered("right", email=code["email"] or "")
        return self._wrong(tx, asked, code, now)

    def _wrong(self, tx: Tx, asked: Request, code: Row, now: datetime) -> Entered:
        tries = code["tries"]
        if code["tried_in"] != asked.turn:
            tries += 1
            tx.run(
                "UPDATE codes SET tries = :tries, tried_in = :turn WHERE id = :id",
                id=code["id"],
                tries=tries,
                turn=asked.turn,
            )
            _note(tx, "code", asked, now, ok=False, reason="wrong")
            self.limits.note_wrong(tx, now)
        if tries >= TRIES:
            _settle(tx, code["id"], "over", now)
            return Entered("paused")
        return Entered("wrong", left=TRIES - tries)

    def last(self, tx: Tx, conversation: int, subject: str) -> Row | None:
        """The latest code of a conversation for an order: the only one that counts."""
        return tx.row(
            "SELECT * FROM codes WHERE conversation = :id AND subject = :subject "
            "ORDER BY created_at DESC, rowid DESC LIMIT 1",
            id=conversation,
            subject=subject,
        )

    def waits(self, tx: Tx, conversation: int, subject: str, now: datetime) -> bool:
        """Whether a code of that order can be entered now."""
        code = self.last(tx, conversation, subject)
        return code is not None and code["state"] == "open" and unstamp(code["expires_at"]) > now

    def paused_until(
        self, tx: Tx, conversation: int, subject: str, now: datetime
    ) -> datetime | None:
        """When the pause after too many tries ends; ``None``: there is none."""
        row = tx.row(
            "SELECT max(settled_at) AS at FROM codes WHERE conversation = :id "
            "AND subject = :subject AND state = 'over'",
            id=conversation,
            subject=subject,
        )
        end = unstamp(row["at"]) + PAUSE if row and row["at"] else None
        return end if end is not None and end > now else None

    def send(self, tx: Tx, code: str, now: datetime) -> None:
        """Queue the mail of a code, where it has one and is not over."""
        row = tx.row("SELECT * FROM codes WHERE id = :id", id=code)
        if row is None or not _goes_out(row, now) or self.reaches is None or self.texts is None:
            return
        near = conversations.address(tx, row["conversation"])
        address = self.reaches.address_for(tx, row["email"], near)
        conversation = conversations.ensure(tx, address, None, row["language"], now)
        purpose = f"code_{row['action']}"
        if not self.texts.has(f"term_{purpose}"):
            purpose = "code_other"
        facts = {"order": row["subject"], "code": BULLETS, "purpose": purpose}
        facts["minutes"] = str(int(LIFE.total_seconds() // 60))
        text = self.texts.render(
            "utter_code_mail", facts, language=row["language"], channel=address.channel
        ).text
        id = outbox.insert_send(
            tx,
            conversation=conversation,
            author=Author.SYSTEM,
            text=text,
            now=now,
            language=row["language"],
            id=f"code.{code}",
            response="utter_code_mail",
            facts=facts,
        )
        outbox.refer_to(tx, id, code)

    def reveal(self, tx: Tx, out: Outbound, code: str, now: datetime) -> Outbound | None:
        """The mail with its code; ``None`` when that is not valid any more."""
        row = tx.row("SELECT * FROM codes WHERE id = :id", id=code)
        if row is None or not _goes_out(row, now):
            return None
        digits = self.keyed.digits(code)
        facts: Mapping[str, Any] = {**out.facts, "code": digits}
        return replace(out, text=out.text.replace(BULLETS, digits), facts=facts)


def _goes_out(row: Row, now: datetime) -> bool:
    return bool(row["email"] and row["state"] == "open" and unstamp(row["expires_at"]) > now)


def _replace(tx: Tx, asked: Request, now: datetime) -> None:
    tx.run(
        "UPDATE codes SET state = 'replaced', email = NULL, settled_at = :now "
        "WHERE conversation = :id AND subject = :subject AND state = 'open'",
        id=asked.who.conversation,
        subject=asked.subject,
        now=stamp(now),
    )


def _settle(tx: Tx, code: str, state: str, now: datetime) -> None:
    tx.run(
        "UPDATE codes SET state = :state, email = NULL, settled_at = :now WHERE id = :id",
        id=code,
        state=state,
        now=stamp(now),
    )


def _note(tx: Tx, kind: str, asked: Request, now: datetime, *, ok: bool, reason: str = "") -> None:
    audit.note(
        tx,
        kind,
        ok=ok,
        now=now,
        reason=reason,
        subject=asked.subject,
        conversation=asked.who.conversation,
    )
