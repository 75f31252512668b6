"""Servers that tell what is not so: at a real Dovecot, with one answer of its changed."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plugins.mail.receiving import imap, mailbox
from plugins.mail.receiving.imap import Described, Folder, Session
from plugins.mail.testing_servers import MailServers
from tests.plugins.mail.inbox import box, client, health, imported, mail_bot, raw_mail, watched

ME = "support@shop.test"


@pytest.fixture(autouse=True)
def _empty(servers: MailServers) -> None:
    shutil.rmtree(servers.maildir(ME), ignore_errors=True)


def put(servers: MailServers, number: int, folder: str = "INBOX") -> None:
    raw = raw_mail(f"Nachricht {number}", message_id=f"<{number}@x>")
    servers.put(ME, raw, folder)


async def test_a_mail_that_is_given_empty_is_tried_again(
    servers: MailServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counted as imported, with nothing in it, and its text was never seen."""
    real, empty = Session._fetched, [True]

    def fetched(self: Session, answer: tuple[str, list[object]]) -> tuple[bytes, bytes] | None:
        found = real(self, answer)
        if found is not None and found[1] and empty:
            return found[0], b""
        return found

    monkeypatch.setattr(Session, "_fetched", fetched)
    async with mail_bot(tmp_path, box(servers, idle=False)) as bot:
        await watched(bot)
        put(servers, 1)
        await asyncio.sleep(1.5)
        assert await bot.rows("SELECT * FROM mail_imports") == []
        empty.clear()
        await imported(bot, 1)
        (row,) = await bot.rows("SELECT text FROM inbox")
        assert "Nachricht 1" in row["text"]


async def test_a_mail_whose_size_is_not_told_is_fetched_up_to_the_limit(
    servers: MailServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a size that nobody knows all was fetched, whatever it was."""
    real = Session.describe

    def describe(self: Session, uid: int) -> Described | None:
        found = real(self, uid)
        return replace(found, size=0) if found else None

    monkeypatch.setattr(Session, "describe", describe)
    async with mail_bot(tmp_path, box(servers), max_bytes=100_000) as bot:
        await watched(bot)
        put(servers, 1)
        lines = "\r\n".join(["Sehr viel Text in jeder Zeile."] * 10_000)
        servers.put(ME, raw_mail(lines, message_id="<2@x>"))
        await imported(bot, 2)
        small, big = await bot.rows("SELECT text, attachments FROM inbox ORDER BY id")
        assert ("Nachricht 1" in small["text"], small["attachments"]) == (True, "[]")
        assert "file_too_big" in big["attachments"]


async def test_a_uidnext_that_is_none_hides_nothing(
    servers: MailServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Session.select

    def select(self: Session, name: str, *, readonly: bool = False) -> Folder:
        return replace(real(self, name, readonly=readonly), uidnext=1000)

    put(servers, 1)
    with monkeypatch.context() as lie:
        lie.setattr(Session, "select", select)
        async with mail_bot(tmp_path, box(servers)) as bot:
            await watched(bot)
    put(servers, 2)
    async with mail_bot(tmp_path, box(servers)) as bot:
        (row,) = await imported(bot, 1)
        assert row["uid"] == 2


@pytest.mark.parametrize("date", [b"17-Jul-2026 02:44:25 -0000", b"", b"nonsense"])
def test_a_date_is_always_one_with_a_zone(date: bytes) -> None:
    """One without cannot be compared, and the mailbox was never read."""
    found = imap._described(b'1 (UID 1 RFC822.SIZE 10 INTERNALDATE "' + date + b'")')
    assert found.arrived > datetime(2026, 1, 1, tzinfo=UTC)


async def test_one_that_could_not_be_read_and_was_deleted_is_forgotten(
    servers: MailServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To delete it is the remedy; `/health` stayed red, and each look compared the whole folder."""
    real = Session.fetch

    def fetch(self: Session, uid: int, size: int, limit: int) -> bytes | None:
        if uid == 1:
            raise imap.ImapToolsError("not now")
        return real(self, uid, size, limit)

    monkeypatch.setattr(Session, "fetch", fetch)
    async with mail_bot(tmp_path, box(servers, idle=False)) as bot:
        await watched(bot)
        put(servers, 1)
        for _ in range(40):
            if not (await health(bot))["ok"]:
                break
            await asyncio.sleep(0.5)
        assert "mail 1" in str(await health(bot))
        with client(servers) as person:
            person.select("INBOX")
            person.store("1", "+FLAGS", "\\Deleted")
            person.expunge()
        for _ in range(20):
            if (await health(bot))["ok"]:
                break
            await asyncio.sleep(0.5)
        assert (await health(bot))["ok"]


async def test_a_folder_full_of_mails_does_not_keep_the_others_waiting(
    servers: MailServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "_AT_ONCE", 3)
    with client(servers) as person:
        person.create("Shop")
    for number in range(10):
        put(servers, number)
    put(servers, 99, "Shop")
    settings = box(servers, folders=["INBOX", "Shop"], since="2026-01-01")
    async with mail_bot(tmp_path, settings) as bot:
        rows = await imported(bot, 11)
        assert [row["folder"] for row in rows].index("Shop") == 3
        assert sorted(row["uid"] for row in rows if row["folder"] == "INBOX") == list(range(1, 11))
