"""What was imported, and from where on: the rows that make every mail come in once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.ports import Row, Tx
from bot.store.codec import stamp

_FIELDS = (b"message-id", b"from", b"to", b"cc", b"date", b"subject")
_END = re.compile(rb"\r?\n\r?\n")
_ID = re.compile(rb"<([^<>\s]{1,500})>")
_MOST_AT_ONCE = 500
_SAMPLE = 256 * 1024  # bytes of a mail over the limit that are compared
_MOST_HEADERS = 200_000  # bytes; what follows is content


@dataclass(frozen=True, slots=True)
class Source:
    """Where a mail lies: by IMAP it never changes its content there."""

    mailbox: str
    folder: str
    uidvalidity: int
    uid: int


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What makes a mail the same wherever it lies: ``message_id`` may be empty or used twice."""

    message_id: str
    content: str
    """sha256 of what the sender wrote. Without a Message-ID, of all bytes."""
    raw: str
    """sha256 of all bytes."""


def fingerprint(raw: bytes, *, whole: bool = True) -> Fingerprint:
    """Of a mail as it was fetched; not ``whole``: only its beginning was.

    The lines that servers add on the way are left out, so that copies that took different ways
    (to two of our mailboxes) are one mail.
    """
    every = hashlib.sha256(raw).hexdigest()
    head, body = _halves(raw)
    fields = _fields(head)
    found = _ID.search(fields.get(b"message-id", b""))
    if found is None:
        return Fingerprint("", every, every)
    made = hashlib.sha256()
    for name in _FIELDS:
        made.update(name + b":" + b" ".join(fields.get(name, b"").split()) + b"\n")
    # What was fetched of a beginning ends earlier where servers added more lines above it.
    made.update((body if whole else body[:_SAMPLE]).replace(b"\r\n", b"\n").rstrip())
    return Fingerprint(found[1].decode("utf-8", "replace"), made.hexdigest(), every)


def _halves(raw: bytes) -> tuple[bytes, bytes]:
    end = _END.search(raw, 0, _MOST_HEADERS)
    at, body = (_MOST_HEADERS, _MOST_HEADERS) if end is None else end.span()
    return raw[:at], raw[body:]


def _fields(head: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, list[bytes]] = {}
    name = b""
    for line in head.splitlines():
        if line[:1] in b" \t" and name:
            found[name].append(line)
            continue
        name, colon, value = line.partition(b":")
        name = name.strip().lower() if colon else b""
        if name in found:
            name = b""  # only the first counts; another one's lines are skipped
        elif name:
            found[name] = [value]
    return {name: b" ".join(lines) for name, lines in found.items()}


def folder(tx: Tx, mailbox: str, name: str) -> Row | None:
    """From where on a folder is imported; ``None``: it was never seen."""
    return tx.row(
        "SELECT * FROM mail_folders WHERE mailbox = :mailbox AND folder = :name",
        mailbox=mailbox,
        name=name,
    )


def begin_at(
    tx: Tx, mailbox: str, name: str, uidvalidity: int, first: int, later_than: datetime | None
) -> None:
    """Import from a UID on. ``later_than`` None keeps what is noted."""
    tx.run(
        "INSERT INTO mail_folders (mailbox, folder, uidvalidity, first_uid, later_than) VALUES "
        "(:mailbox, :name, :uidvalidity, :first, :later) ON CONFLICT (mailbox, folder) DO UPDATE "
        "SET uidvalidity = :uidvalidity, first_uid = :first, "
        "later_than = coalesce(:later, later_than)",
        mailbox=mailbox,
        name=name,
        uidvalidity=uidvalidity,
        first=first,
        later=None if later_than is None else stamp(later_than),
    )


def imported(tx: Tx, mailbox: str, name: str, uidvalidity: int, first: int) -> set[int]:
    """The UIDs of a folder, from one on, that need not be looked at again."""
    rows = tx.rows(
        "SELECT uid FROM mail_imports WHERE mailbox = :mailbox AND folder = :name "
        "AND uidvalidity = :uidvalidity AND uid >= :first",
        mailbox=mailbox,
        name=name,
        uidvalidity=uidvalidity,
        first=first,
    )
    return {int(row["uid"]) for row in rows}


def same_mail(tx: Tx, mark: Fingerprint) -> Row | None:
    """The import of the same mail from anywhere; ``None``: it is new."""
    return tx.row(
        "SELECT * FROM mail_imports WHERE hash = :content OR file = :raw ORDER BY at LIMIT 1",
        content=mark.content,
        raw=mark.raw,
    )


def note(
    tx: Tx,
    source: Source,
    mark: Fingerprint,
    outcome: str,
    now: datetime,
    *,
    thread: str | None = None,
    file: str | None = None,
    stays: bool = False,
) -> None:
    """Write what became of a mail; it is not imported again.

    ``stays``: it is left in its folder as it is, neither marked nor moved.
    """
    tx.run(
        "INSERT INTO mail_imports (mailbox, folder, uidvalidity, uid, message_id, hash, outcome, "
        "thread, file, at, filed) VALUES (:mailbox, :folder, :uidvalidity, :uid, :message_id, "
        ":hash, :outcome, :thread, :file, :now, :filed)",
        mailbox=source.mailbox,
        folder=source.folder,
        uidvalidity=source.uidvalidity,
        uid=source.uid,
        message_id=mark.message_id,
        hash=mark.content,
        outcome=outcome,
        thread=thread,
        file=file,
        now=stamp(now),
        filed=int(stays),
    )


def unfiled(tx: Tx, mailbox: str, name: str, uidvalidity: int) -> list[int]:
    """UIDs that are imported, and not yet marked or moved in their folder; some, oldest first."""
    rows = tx.rows(
        "SELECT uid FROM mail_imports WHERE mailbox = :mailbox AND folder = :name "
        "AND uidvalidity = :uidvalidity AND filed = 0 ORDER BY uid LIMIT :most",
        mailbox=mailbox,
        name=name,
        uidvalidity=uidvalidity,
        most=_MOST_AT_ONCE,
    )
    return [int(row["uid"]) for row in rows]


def file(tx: Tx, mailbox: str, name: str, uidvalidity: int, uids: Sequence[int]) -> None:
    """Note that these are marked or moved."""
    for uid in uids:
        tx.run(
            "UPDATE mail_imports SET filed = 1 WHERE mailbox = :mailbox AND folder = :name "
            "AND uidvalidity = :uidvalidity AND uid = :uid",
            mailbox=mailbox,
            name=name,
            uidvalidity=uidvalidity,
            uid=uid,
        )
