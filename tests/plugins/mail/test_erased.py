"""Who was erased stays erased, although their mails still lie in the mailbox."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from bot.store import erasures
from bot.store.codec import utc_now
from bot.testing import RunningBot
from host.keepers import CORE, FilesKeeper
from plugins.mail.personal import Keeper
from plugins.mail.testing_servers import MailServers
from plugins.privacy.erasing import AGE, OPERATOR, Eraser
from plugins.privacy.retention import Retention
from plugins.privacy.settings import PrivacySettings
from tests.plugins.mail.inbox import box, client, imported, mail_bot, raw_mail, watched

ME = "support@shop.test"


@pytest.fixture(autouse=True)
def _empty(servers: MailServers) -> None:
    shutil.rmtree(servers.maildir(ME), ignore_errors=True)


def eraser_of(bot: RunningBot, days: int = 0) -> Eraser:
    keepers = [*CORE, FilesKeeper(bot.files), Keeper()]
    return Eraser(store=bot.store, keepers=keepers, clock=lambda: utc_now() + timedelta(days=days))


async def quiet(bot: RunningBot) -> None:
    """Nothing is asked and nothing waits to be sent."""
    await bot.until(
        "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM inbox WHERE status = 'pending') "
        "AND NOT EXISTS (SELECT 1 FROM turns WHERE status = 'frozen')"
    )
    await bot.store.write(
        lambda tx: tx.run("UPDATE outbox SET state = 'cancelled' WHERE state = 'queued'")
    )
    await bot.until("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE state = 'sending')")
    await bot.store.write(lambda tx: tx.run("UPDATE cases SET state = 'closed'"))


async def holds(bot: RunningBot, tables: Sequence[str]) -> list[int]:
    return [(await bot.rows(f"SELECT count(*) AS n FROM {name}"))[0]["n"] for name in tables]


def found_in(folder: Path, word: bytes) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if word in path.read_bytes()]


PERSONAL = ("mail_threads", "mail_messages")


@pytest.mark.parametrize("why", [OPERATOR, AGE])
async def test_an_erased_customers_mails_are_not_imported_again(
    servers: MailServers, tmp_path: Path, why: str
) -> None:
    """The ledger's row outlives the person: else each mail would come in as a new one."""
    async with mail_bot(tmp_path, box(servers)) as bot:
        await watched(bot)
        servers.put(ME, raw_mail("Wo ist es?", sender="Anna <markeranna@example.net>"))
        (row,) = await imported(bot, 1)
        await quiet(bot)
        eraser = eraser_of(bot, days=0 if why == OPERATOR else 4000)
        if why == OPERATOR:
            asked = await bot.store.write(lambda tx: eraser.ask(tx, [1], OPERATOR, at_once=True))
            await eraser.work()
            (told,) = await bot.store.read(erasures.listed)
            assert told["id"] == asked
            assert "INBOX UID 1" in str(told)  # it is said what a mailbox still holds
        else:
            await Retention(eraser=eraser, settings=PrivacySettings()).run()
        assert await holds(bot, PERSONAL) == [0, 0]
        (kept,) = await bot.rows("SELECT * FROM mail_imports")
        assert (kept["uid"], kept["hash"]) == (1, row["hash"])
        assert (kept["message_id"], kept["thread"], kept["file"]) == ("", None, None)
        assert bot.files.path(row["file"]) is None  # nor the original
    async with mail_bot(tmp_path, box(servers)) as bot:
        servers.put(ME, raw_mail("Noch eine", sender="bob@example.org", message_id="<2@x>"))
        assert len(await imported(bot, 2)) == 2
    with client(servers) as person:  # the mailbox is moved to another server: all UIDs are new
        person.select("INBOX")
        _, said = person.fetch("1", "(RFC822)")
        person.create("Neu")
    assert isinstance(said[0], tuple)
    settings = box(servers, folders=["INBOX", "Neu"], since="2026-01-01")
    async with mail_bot(tmp_path, settings) as bot:
        await watched(bot, "Neu")
        servers.put(ME, said[0][1], "Neu")
        rows = await imported(bot, 3)
        assert (rows[-1]["folder"], rows[-1]["outcome"]) == ("Neu", "duplicate")
        await asyncio.sleep(0.5)
        assert await asyncio.to_thread(found_in, tmp_path, b"markeranna") == []
