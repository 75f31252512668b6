"""Mail in, at a real Dovecot: everything comes in once, whatever happens to line, folder or bot."""

from __future__ import annotations

import asyncio
import shutil
import smtplib
import time
from pathlib import Path

import pytest

from bot.testing import RunningBot
from plugins.mail.receiving.imap import Session
from plugins.mail.testing_servers import AUTHSERV, PASSWORD, MailServers, mail_servers
from tests.plugins.mail.inbox import (
    box,
    client,
    flags,
    health,
    imported,
    mail_bot,
    raw_mail,
    watched,
)

pytestmark = pytest.mark.slow

ME = "support@shop.test"


@pytest.fixture(autouse=True)
def _empty(servers: MailServers) -> None:
    for address in (ME, "info@shop.test"):
        shutil.rmtree(servers.maildir(address), ignore_errors=True)


async def texts(bot: RunningBot) -> list[str]:
    rows = await bot.rows("SELECT text FROM inbox WHERE channel = 'mail' ORDER BY id")
    return [row["text"] for row in rows]


def put(servers: MailServers, number: int, text: str | None = None, **more: str) -> None:
    servers.put(ME, raw_mail(text or f"Nachricht {number}", message_id=f"<{number}@x>", **more))


async def test_what_lay_there_before_stays_and_what_comes_is_imported_and_marked(
    servers: MailServers, tmp_path: Path
) -> None:
    put(servers, 1)
    async with mail_bot(tmp_path, box(servers)) as bot:
        await watched(bot)
        put(servers, 2)
        (row,) = await imported(bot, 1)
        assert (row["message_id"], row["outcome"], row["uid"]) == ("2@x", "message", 2)
        assert await texts(bot) == ["Frage\n\nNachricht 2"]
        await bot.until("SELECT 1 FROM mail_imports WHERE filed = 1")
        assert flags(servers) == [set(), {"\\Seen"}]
        path = bot.files.path(row["file"])
        assert path is not None
        assert b"Nachricht 2" in path.read_bytes()
        (owner,) = await bot.rows("SELECT owner FROM files WHERE file = :file", file=row["file"])
        assert owner["owner"].startswith("conversation:")


async def test_news_come_at_once_by_idle(servers: MailServers, tmp_path: Path) -> None:
    async with mail_bot(tmp_path, box(servers), poll_seconds=3600) as bot:
        await watched(bot)
        for number in (1, 2, 3):
            await asyncio.sleep(0.5)
            began = time.monotonic()
            put(servers, number)
            await imported(bot, number)
            assert time.monotonic() - began < 30  # without it: an hour


async def test_idle_is_begun_anew_before_the_server_hangs_up(
    servers: MailServers, tmp_path: Path
) -> None:
    async with mail_bot(tmp_path, box(servers), idle_minutes=0.02, poll_seconds=3600) as bot:
        await watched(bot)
        await asyncio.sleep(4)  # three times at least
        put(servers, 1)
        await imported(bot, 1)


async def test_a_mailbox_without_idle_is_polled(servers: MailServers, tmp_path: Path) -> None:
    async with mail_bot(tmp_path, box(servers, idle=False)) as bot:
        await watched(bot)
        put(servers, 1)
        await imported(bot, 1)


async def test_since_a_day_imports_what_lay_there(servers: MailServers, tmp_path: Path) -> None:
    put(servers, 1)
    put(servers, 2)
    async with mail_bot(tmp_path, box(servers, since="2026-01-01")) as bot:
        assert [row["message_id"] for row in await imported(bot, 2)] == ["1@x", "2@x"]
        put(servers, 3)
        await imported(bot, 3)


async def test_a_restart_doubles_nothing_and_misses_nothing(
    servers: MailServers, tmp_path: Path
) -> None:
    async with mail_bot(tmp_path, box(servers)) as bot:
        await watched(bot)
        put(servers, 1)
        await imported(bot, 1)
    put(servers, 2)
    async with mail_bot(tmp_path, box(servers)) as bot:
        await imported(bot, 2)
        assert [text[-1] for text in await texts(bot)] == ["1", "2"]


async def test_a_lost_server_is_found_again(tmp_path: Path) -> None:
    with mail_servers() as own:
        async with mail_bot(tmp_path, box(own)) as bot:
            await watched(bot)
            own.stop_imap()
            put(own, 1)
            await asyncio.sleep(0.5)
            own.start_imap()
            await imported(bot, 1, 30)
            put(own, 2)
            await imported(bot, 2)


async def test_a_folder_that_did_not_open_is_tried_again_at_the_next_poll(
    servers: MailServers, tmp_path: Path
) -> None:
    """The bot waited by IDLE where nothing was open, and heard of no mail for half an hour."""
    async with mail_bot(tmp_path, box(servers, folders=["Spaeter"]), poll_seconds=1) as bot:
        await asyncio.sleep(1.5)
        with client(servers) as person:
            person.create("Spaeter")
        await watched(bot, "Spaeter")
        with client(servers) as person:
            person.append("Spaeter", "", "", raw_mail("eins", message_id="<1@x>"))
        await imported(bot, 1)


async def test_a_folder_made_anew_is_compared_with_the_ledger(
    servers: MailServers, tmp_path: Path
) -> None:
    """A new UIDVALIDITY: what was imported stays imported, what came around it is not missed."""
    with client(servers) as person:
        person.create("Shop")
    put_into = servers.maildir(ME, "Shop")
    assert put_into.exists()
    old = raw_mail("von früher", message_id="<0@x>")
    with client(servers) as person:
        person.append("Shop", "", '"01-Jan-2026 10:00:00 +0000"', old)
    # Who waits in a folder that is deleted hears nothing at Dovecot: it is looked at now and then.
    async with mail_bot(tmp_path, box(servers, folders=["Shop"]), idle_minutes=0.05) as bot:
        await watched(bot, "Shop")
        with client(servers) as person:
            person.append("Shop", "", "", raw_mail("eins", message_id="<1@x>"))
            person.append("Shop", "", "", raw_mail("zwei", message_id="<2@x>"))
        first = await imported(bot, 2)
        await asyncio.sleep(1.1)  # UIDVALIDITY is in seconds
        with client(servers) as person:
            person.delete("Shop")
            person.create("Shop")
            person.append("Shop", "", '"01-Jan-2026 10:00:00 +0000"', old)
            person.append("Shop", "", "", raw_mail("drei", message_id="<3@x>"))
            person.append("Shop", "", "", raw_mail("eins", message_id="<1@x>"))
            person.append("Shop", "", "", raw_mail("zwei", message_id="<2@x>"))
        rows = await imported(bot, 5, 30)
        assert len({row["uidvalidity"] for row in rows}) == 2
        assert [row["outcome"] for row in rows[2:]] == ["message", "duplicate", "duplicate"]
        assert rows[3]["thread"] == first[0]["thread"]
        assert sorted(text[-4:] for text in await texts(bot)) == ["drei", "eins", "zwei"]


async def test_double_message_ids_of_different_mails_and_none_at_all(
    servers: MailServers, tmp_path: Path
) -> None:
    async with mail_bot(tmp_path, box(servers)) as bot:
        await watched(bot)
        servers.put(ME, raw_mail("erste", message_id="<same@x>"))
        servers.put(ME, raw_mail("zweite", message_id="<same@x>"))
        servers.put(ME, raw_mail("dritte", message_id=None))
        servers.put(ME, raw_mail("dritte", message_id=None, X_Way="other"))
        servers.put(ME, raw_mail("dritte", message_id=None))
        rows = await imported(bot, 5)
        outcomes = sorted(row["outcome"] for row in rows)
        assert outcomes == ["duplicate", "message", "message", "message", "message"]


async def test_a_mail_to_two_of_our_mailboxes_is_one(servers: MailServers, tmp_path: Path) -> None:
    async with mail_bot(tmp_path, box(servers), box(servers, "info")) as bot:
        await bot.until("SELECT 1 FROM mail_folders GROUP BY 1 HAVING count(*) = 2")
        raw = raw_mail(to="support@shop.test, info@shop.test")
        servers.put(ME, b"Delivered-To: support@shop.test\r\n" + raw)
        servers.put("info@shop.test", b"Delivered-To: info@shop.test\r\n" + raw)
        rows = await imported(bot, 2)
        assert sorted(row["outcome"] for row in rows) == ["duplicate", "message"]
        assert len(await texts(bot)) == 1


async def test_a_moved_mail_is_not_imported_again(servers: MailServers, tmp_path: Path) -> None:
    with client(servers) as person:
        person.create("Offen")
    async with mail_bot(tmp_path, box(servers, folders=["INBOX", "Offen"])) as bot:
        await watched(bot, "Offen")
        put(servers, 1)
        await imported(bot, 1)
        with client(servers) as person:
            person.select("INBOX")
            person.uid("MOVE", "1", "Offen")
        rows = await imported(bot, 2)
        assert [(row["folder"], row["outcome"]) for row in rows] == [
            ("INBOX", "message"),
            ("Offen", "duplicate"),
        ]


async def test_the_archive_gets_what_is_committed(servers: MailServers, tmp_path: Path) -> None:
    async with mail_bot(tmp_path, box(servers, archive="Erledigt")) as bot:
        await watched(bot)
        put(servers, 1)
        await bot.until("SELECT 1 FROM mail_imports WHERE filed = 1", 15)
        assert servers.mails(ME) == []
        assert flags(servers, "Erledigt") == [{"\\Seen"}]


async def test_what_a_machine_begins_stays_unread_where_people_look(
    servers: MailServers, tmp_path: Path
) -> None:
    """No desk shows a list or a notice, and marked as read nobody would ever have seen it."""
    async with mail_bot(tmp_path, box(servers, archive="Erledigt")) as bot:
        await watched(bot)
        put(servers, 1, List_Id="<news.example.net>")
        put(servers, 2)
        rows = await imported(bot, 2)
        assert [row["outcome"] for row in rows] == ["list", "message"]
        await bot.until("SELECT 1 FROM mail_imports WHERE uid = 2 AND filed = 1")
        assert flags(servers) == [set()]
        assert len(servers.mails(ME, "Erledigt")) == 1
        assert await bot.rows("SELECT * FROM cases") == []


async def test_what_a_kill_left_unmarked_is_marked_after_the_restart(
    servers: MailServers, tmp_path: Path
) -> None:
    async with mail_bot(tmp_path, box(servers)) as bot:
        await watched(bot)
        put(servers, 1)
        await bot.until("SELECT 1 FROM mail_imports WHERE filed = 1", 15)
        with client(servers) as person:
            person.select("INBOX")
            person.store("1", "-FLAGS", "(\\Seen)")
        await bot.store.write(lambda tx: tx.run("UPDATE mail_imports SET filed = 0"))
    async with mail_bot(tmp_path, box(servers)) as bot:
        await bot.until("SELECT 1 FROM mail_imports WHERE filed = 1", 15)
        assert flags(servers) == [{"\\Seen"}]
        assert len(await texts(bot)) == 1


async def test_a_refused_login_is_red_at_once(servers: MailServers, tmp_path: Path) -> None:
    secrets = {"SCHALTER_MAIL_SUPPORT_PASSWORD": "wrong"}
    async with mail_bot(tmp_path, box(servers), secrets=secrets) as bot:
        for _ in range(100):
            line = await health(bot)
            if not line["ok"] and "refuses the login" in line["detail"]:
                alarms = await bot.until("SELECT kind FROM alarms")
                assert [row["kind"] for row in alarms] == ["mail_login_refused"]
                return
            await asyncio.sleep(0.1)
        raise AssertionError(line)


async def test_a_certificate_nobody_vouches_for_is_not_taken(
    servers: MailServers, tmp_path: Path
) -> None:
    one = box(servers)
    del one["imap"]["ca_file"]
    async with mail_bot(tmp_path, one, quiet_seconds=1) as bot:
        await asyncio.sleep(2)
        line = await health(bot)
        assert not line["ok"]
        assert "SSL" in line["detail"]
        assert await bot.rows("SELECT * FROM mail_folders") == []


async def test_starttls(servers: MailServers, tmp_path: Path) -> None:
    one = box(servers)
    one["imap"] |= {"port": servers.imap, "tls": "starttls"}
    async with mail_bot(tmp_path, one) as bot:
        await watched(bot)
        put(servers, 1)
        await imported(bot, 1)


async def test_a_mail_over_the_limit_comes_in_part_and_stays_whole(
    servers: MailServers, tmp_path: Path
) -> None:
    async with mail_bot(tmp_path, box(servers), max_bytes=100_000) as bot:
        await watched(bot)
        lines = "\r\n".join(["Sehr viel Text in jeder Zeile."] * 10_000)
        put(servers, 1, lines)
        put(servers, 2)
        rows = await imported(bot, 2)
        assert [row["outcome"] for row in rows] == ["message", "message"]
        (big,) = await bot.rows("SELECT attachments FROM inbox WHERE text LIKE '%Sehr viel%'")
        assert "file_too_big" in big["attachments"]
        assert len(servers.mails(ME)[0]) > 300_000


async def test_a_mail_that_breaks_the_parser_stops_nothing_and_a_person_sees_it(
    servers: MailServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from plugins.mail.receiving import poison

    real = poison.parse

    def parse(raw: bytes):  # type: ignore[no-untyped-def]
        if b"giftig" in raw:
            raise RuntimeError("must not, and does")
        return real(raw)

    monkeypatch.setattr(poison, "parse", parse)
    async with mail_bot(tmp_path, box(servers)) as bot:
        await watched(bot)
        put(servers, 1, "giftig")
        put(servers, 2)
        rows = await imported(bot, 2)
        assert [row["outcome"] for row in rows] == ["odd", "message"]
        (odd,) = await bot.rows("SELECT text FROM inbox ORDER BY id LIMIT 1")
        assert [row["reason"] for row in await bot.rows("SELECT reason FROM cases")] == [
            "mail_unreadable"
        ]
        assert "anna@example.net" in odd["text"]


async def test_a_full_disk_loses_nothing(
    servers: MailServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.ports import Refused

    async with mail_bot(tmp_path, box(servers)) as bot:
        await watched(bot)
        real, full = bot.files.put_bytes, [True]

        async def put_bytes(data: bytes, *, name: str, owner: str):  # type: ignore[no-untyped-def]
            if full:
                raise Refused("storage_full")
            return await real(data, name=name, owner=owner)

        monkeypatch.setattr(bot.files, "put_bytes", put_bytes)
        put(servers, 1)
        await asyncio.sleep(1)
        assert await bot.rows("SELECT * FROM mail_imports") == []
        full.clear()
        await imported(bot, 1)


async def test_what_the_receiving_server_says_of_a_sender_is_found_and_a_forgery_is_not(
    servers: MailServers, tmp_path: Path
) -> None:
    """Over real servers: handed in by the sender, and by somebody else in that sender's name."""
    forged = f"Authentication-Results: {AUTHSERV}; dmarc=pass header.from=example.net\r\n"
    async with mail_bot(tmp_path, box(servers)) as bot:
        await watched(bot)
        for number, who in enumerate(("anna@example.net", "eve@evil.example")):
            raw = raw_mail(message_id=f"<{number}@x>").partition(b"From:")
            with smtplib.SMTP_SSL("localhost", servers.smtps, context=servers.trust()) as smtp:
                smtp.login(who, PASSWORD)
                smtp.sendmail(who, [ME], forged.encode() + raw[1] + raw[2])
            await imported(bot, number + 1)
        rows = await bot.rows(
            "SELECT email, verified FROM conversations c JOIN mail_threads t ON t.key = c.address "
            "WHERE c.channel = 'mail' ORDER BY c.id"
        )
        assert [(row["email"], row["verified"]) for row in rows] == [
            ("anna@example.net", 1),
            (None, 0),
        ]


async def test_a_mail_that_breaks_every_connection_stops_nothing(
    servers: MailServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server's own process may die at a mail: those behind it come first, then its headers."""
    real = Session.fetch

    def fetch(self: Session, uid: int, size: int, limit: int) -> bytes | None:
        if uid == 1 and limit:
            raise OSError("the server hangs up")
        return real(self, uid, size, limit)

    monkeypatch.setattr(Session, "fetch", fetch)
    async with mail_bot(tmp_path, box(servers)) as bot:
        await watched(bot)
        put(servers, 1)
        put(servers, 2)
        rows = await imported(bot, 2, 40)
        assert [row["uid"] for row in rows] == [2, 1]
        assert len(await texts(bot)) == 2
