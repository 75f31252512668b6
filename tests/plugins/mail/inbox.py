"""A bot on real mailboxes, and mails to lay into them."""

from __future__ import annotations

import imaplib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from bot.ports import Row
from bot.testing import RunningBot, ScriptedDialogue, running_bot
from plugins.mail.testing_servers import AUTHSERV, PASSWORD, MailServers


def raw_mail(
    text: str = "Wo ist mein Paket?",
    *,
    sender: str = "Anna <anna@example.net>",
    to: str = "support@shop.test",
    subject: str = "Frage",
    message_id: str | None = "<1@example.net>",
    results: str | None = None,
    **headers: str,
) -> bytes:
    """As it lies in a mailbox. ``results``: what the receiving server says of DMARC."""
    lines = []
    if results is not None:
        lines.append(f"Authentication-Results: {AUTHSERV}; {results}")
    lines.append(
        f"Received: from client.example (client.example [192.0.2.7]) by {AUTHSERV} with ESMTPS"
    )
    lines += [f"From: {sender}", f"To: {to}", f"Subject: {subject}"]
    lines.append("Date: Fri, 27 Nov 2026 10:00:00 +0100")
    if message_id is not None:
        lines.append(f"Message-ID: {message_id}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines += ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "", text, ""]
    return "\r\n".join(lines).encode()


def box(servers: MailServers, name: str = "support", **more: Any) -> dict[str, Any]:
    """A mailbox's table of settings."""
    ca = str(servers.certificate)
    return {
        "name": name,
        "address": f"{name}@shop.test",
        "imap": {"host": "localhost", "port": servers.imaps, "ca_file": ca},
        "smtp": {"host": "localhost", "port": servers.smtps, "ca_file": ca},
        "authserv_ids": [AUTHSERV],
        **more,
    }


@asynccontextmanager
async def mail_bot(
    folder: Path,
    *boxes: dict[str, Any],
    secrets: dict[str, str] | None = None,
    dialogue: ScriptedDialogue | None = None,
    **settings: Any,
) -> AsyncIterator[RunningBot]:
    """A bot that reads these; entered again with the same folder it is a restart."""
    table = {"mailboxes": list(boxes), "burst_seconds": 0, "poll_seconds": 1, **settings}
    passwords = {f"SCHALTER_MAIL_{one['name'].upper()}_PASSWORD": PASSWORD for one in boxes}
    # The shop's name stands below every mail: it is one of the facts that knowledge brings.
    plugins = {"web": {"announce": False}, "mail": table, "knowledge": {}}
    async with running_bot(
        folder, plugins, dialogue, environment=passwords if secrets is None else secrets
    ) as running:
        yield running


async def imported(bot: RunningBot, count: int, seconds: float = 15.0) -> list[Row]:
    """The ledger's rows as soon as there are that many."""
    await bot.until(
        "SELECT 1 FROM mail_imports GROUP BY 1 HAVING count(*) >= :count", seconds, count=count
    )
    return await bot.rows("SELECT * FROM mail_imports ORDER BY rowid")


async def watched(bot: RunningBot, folder: str = "INBOX") -> None:
    """Return when the folder was seen: what comes from now on is new."""
    await bot.until("SELECT 1 FROM mail_folders WHERE folder = :folder", folder=folder)


async def health(bot: RunningBot) -> dict[str, Any]:
    """What `/health` says of the channel."""
    async with aiohttp.ClientSession() as session, session.get(f"{bot.url}/health") as answer:
        lines = (await answer.json())["checks"]
    return next(line for line in lines if line["name"] == "mail")


@contextmanager
def client(servers: MailServers, address: str = "support@shop.test") -> Iterator[imaplib.IMAP4_SSL]:
    """Somebody else at the mailbox: a person with a mail program."""
    made = imaplib.IMAP4_SSL("localhost", servers.imaps, ssl_context=servers.trust())
    try:
        made.login(address, PASSWORD)
        yield made
    finally:
        made.logout()


def flags(servers: MailServers, folder: str = "INBOX") -> list[set[str]]:
    """The flags of all mails of a folder."""
    with client(servers) as made:
        made.select(folder, readonly=True)
        _, said = made.fetch("1:*", "(FLAGS)")
        return [
            {flag.decode() for flag in imaplib.ParseFlags(line)} - {"\\Recent"}
            for line in said
            if isinstance(line, bytes)
        ]
