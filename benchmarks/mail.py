"""How fast mails are taken apart, folded and imported.

    uv run python -m benchmarks.mail

The mails are those of ``tests/plugins/mail/corpus``, the texts those of ``replies`` beside it.
Importing needs Dovecot and Exim, and is left out where they are missing. Ratios between the lines
say more than the lines.
"""

from __future__ import annotations

import asyncio
import imaplib
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import TypeVar

from bot.testing.running import running_bot
from plugins.mail.parsing.parse import parse
from plugins.mail.quoting.quotes import fold
from plugins.mail.testing_servers import PASSWORD, MailServers, mail_servers, missing

T = TypeVar("T")
SAMPLES = Path(__file__).parents[1] / "tests" / "plugins" / "mail"
SECONDS = 3.0  # for one line; the samples are gone through as often as fits in
MAILS = 1000
ME = "support@shop.test"
RECEIVED = "from client.example (client.example [192.0.2.7]) by mx.shop.test with ESMTPS"


def by_the_standard_library(raw: bytes) -> bool:
    """Parts, texts and files as ``email`` gives them. Says whether it could."""
    try:
        message = message_from_bytes(raw, policy=policy.default)
        assert isinstance(message, EmailMessage)  # noqa: S101 - the policy's message class
        for name in ("From", "To", "Subject", "Date", "Message-ID"):
            str(message[name])
        for part in message.walk():
            if part.get_content_maintype() == "text":
                part.get_content()
            elif not part.is_multipart():
                part.get_payload(decode=True)
                part.get_filename()
    except Exception:  # a corpus of broken mails: how many it cannot is a figure of its own
        return False
    return True


def by_us(raw: bytes) -> bool:
    """The same by :func:`parse`, with the HTML as text and what is in a winmail.dat."""
    return parse(raw).sender is not None


def folded(text: str) -> bool:
    """What a mail quotes, told apart."""
    return bool(fold(text).reply)


def rate(work: Callable[[T], bool], samples: Sequence[T]) -> tuple[float, int]:
    """Samples a second, and how many of them gave something."""
    good = sum(work(one) for one in samples)
    done, started = 0, time.perf_counter()
    while (took := time.perf_counter() - started) < SECONDS:
        for one in samples:
            work(one)
        done += len(samples)
    return done / took, good


def lay(servers: MailServers, count: int) -> None:
    """Mails of as many people, in one mailbox."""
    for number in range(count):
        lines = (
            f"Received: {RECEIVED}",
            f"From: Anna <anna{number}@example.net>",
            f"To: {ME}",
            "Subject: Mein Paket",
            f"Message-ID: <{number}@example.net>",
            "Content-Type: text/plain; charset=utf-8",
            "",
            f"Guten Tag, wo ist die Bestellung B-{100000 + number}? Viele Grüße, Anna",
        )
        servers.put(ME, "\r\n".join(lines).encode())


def read_only(servers: MailServers) -> float:
    """Mails a second that somebody fetches one by one and keeps nowhere: what the server gives."""
    context = servers.trust()
    with imaplib.IMAP4_SSL("localhost", servers.imaps, ssl_context=context) as client:
        client.login(ME, PASSWORD)
        client.select(readonly=True)
        started = time.perf_counter()
        for number in range(1, MAILS + 1):
            client.fetch(str(number), "(UID FLAGS INTERNALDATE BODY.PEEK[])")
        return MAILS / (time.perf_counter() - started)


def kept_only(folder: Path) -> float:
    """Mails a second with a file and a commit each, and nothing else: what the disk gives."""
    base = sqlite3.connect(folder / "kept.db")
    base.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE kept (n)")
    started = time.perf_counter()
    for number in range(MAILS):
        with (folder / f"{number}.eml").open("wb") as file:
            file.write(b"x" * 500)
            file.flush()
            os.fsync(file.fileno())
        base.execute("INSERT INTO kept VALUES (?)", (number,))
        base.commit()
    base.close()
    return MAILS / (time.perf_counter() - started)


async def imported(servers: MailServers, folder: Path) -> float:
    """Mails a second that a bot imports: each committed with its original, and marked as read."""
    box = {
        "name": "support",
        "address": ME,
        "imap": {"host": "localhost", "port": servers.imaps, "ca_file": str(servers.certificate)},
        "smtp": {"host": "localhost", "port": servers.smtps, "ca_file": str(servers.certificate)},
        "since": "2026-01-01",
    }
    # The longest wait before an answer: by then it is over, and nothing is asked or sent meanwhile.
    table = {"mailboxes": [box], "burst_seconds": 60}
    secrets = {"SCHALTER_MAIL_SUPPORT_PASSWORD": PASSWORD}
    plugins = {"web": {"announce": False}, "mail": table}
    async with running_bot(folder, plugins, environment=secrets) as bot:
        started = await _count(bot.rows, 1)
        ended = await _count(bot.rows, MAILS)
        return (MAILS - 1) / (ended - started)


async def _count(rows: Callable[..., object], least: int) -> float:
    async with asyncio.timeout(120):
        while True:
            (row,) = await rows("SELECT count(*) AS n FROM mail_imports")  # type: ignore[misc]
            if row["n"] >= least:
                return time.perf_counter()
            await asyncio.sleep(0.01)


def shown(name: str, found: float, base: float, note: str = "") -> None:
    """A line of the table."""
    print(f"{name:44} {found:10,.0f} {found / base:8.2f}  {note}".rstrip())


async def main() -> None:
    """Measure and print."""
    mails = [path.read_bytes() for path in sorted((SAMPLES / "corpus").glob("*.eml"))]
    texts = [path.read_text("utf-8") for path in sorted((SAMPLES / "replies").glob("*.txt"))]
    print(f"{'a second':44} {'mails':>10} {'ratio':>8}")
    base, could = rate(by_the_standard_library, mails)
    ours, _ = rate(by_us, mails)
    shown("taken apart by Python's email", base, base, f"{could} of {len(mails)} without an error")
    shown("taken apart", ours, base, "all of them")
    shown("folded", rate(folded, texts)[0], base)
    if gone := missing():
        print(f"importing is left out: {', '.join(gone)}")
        return
    with mail_servers() as servers, tempfile.TemporaryDirectory() as folder:
        lay(servers, MAILS)
        fetched = read_only(servers)
        kept = kept_only(Path(folder))
        taken = await imported(servers, Path(folder))
    shown("kept: a file and a commit each", kept, kept)
    shown("fetched one by one from Dovecot", fetched, kept)
    shown("imported from Dovecot", taken, kept)


if __name__ == "__main__":
    asyncio.run(main())
