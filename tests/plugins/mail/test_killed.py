"""kill -9 while mails are imported: none is lost, none is doubled."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from plugins.mail.testing_servers import MailServers
from tests.plugins.mail.inbox import raw_mail

_MAILS = 60
_ME = "kills@shop.test"
_CHILD = """
import asyncio, sys
from pathlib import Path
from tests.plugins.mail.inbox import box, mail_bot
from plugins.mail.testing_servers import MailServers

async def main() -> None:
    servers = MailServers(Path(sys.argv[1]), certificate=Path(sys.argv[2]))
    servers.imaps, servers.smtps = int(sys.argv[4]), int(sys.argv[5])
    async with mail_bot(Path(sys.argv[3]), box(servers, "kills", since="2026-01-01")):
        print("open", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def _ledger(folder: Path) -> list[tuple[int, str]]:
    file = folder / "bot.db"
    if not file.exists():
        return []
    with closing(sqlite3.connect(file)) as base:
        try:
            return base.execute("SELECT uid, outcome FROM mail_imports").fetchall()
        except sqlite3.OperationalError:  # killed before its tables were made
            return []


async def _lives(folder: Path, servers: MailServers, seconds: float) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _CHILD,
        *map(str, (servers.folder, servers.certificate, folder, servers.imaps, servers.smtps)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 60) == b"open\n"
    await asyncio.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    await process.wait()


@pytest.mark.slow
async def test_a_kill_at_any_time_loses_and_doubles_nothing(
    servers: MailServers, tmp_path: Path
) -> None:
    for number in range(_MAILS):
        servers.put(_ME, raw_mail(f"Nachricht {number}", message_id=f"<{number}@kill>"))
    chance = random.Random(4711)
    lives = 0
    while len(_ledger(tmp_path)) < _MAILS:
        await _lives(tmp_path, servers, chance.uniform(0.05, 0.4))
        lives += 1
        assert lives < 60, _ledger(tmp_path)
    assert lives > 2, "it was not killed in the midst of it"
    rows = _ledger(tmp_path)
    assert sorted(uid for uid, _ in rows) == list(range(1, _MAILS + 1))
    assert {outcome for _, outcome in rows} == {"message"}
    with closing(sqlite3.connect(tmp_path / "bot.db")) as base:
        texts = base.execute("SELECT text FROM inbox WHERE channel = 'mail'").fetchall()
        (conversations,) = base.execute("SELECT count(*) FROM mail_threads").fetchone()
    assert sorted(texts) == sorted((f"Frage\n\nNachricht {one}",) for one in range(_MAILS))
    assert conversations == _MAILS
