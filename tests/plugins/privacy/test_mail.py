"""Somebody who wrote mails is erased: originals too, and what the mailbox still holds is told."""

from __future__ import annotations

from pathlib import Path

from bot.ports import Tx
from bot.store import SQLiteStore, erasures
from bot.store.migrate import Migrations
from host.files import DiskFiles
from host.keepers import CORE, FilesKeeper
from host.settings import FilesOptions
from plugins.mail.personal import Keeper
from plugins.privacy.erasing import OPERATOR, Eraser
from tests.live.leftovers import left_in

ROOT = Path(__file__).parents[3]
MARKERS = ("markerkey", "markermail", "markername", "markersubject", "markeroriginal", "markerid")


async def test_originals_go_and_the_ledger_stays_without_a_person(tmp_path: Path) -> None:
    migrations = [
        Migrations("core", ROOT / "bot" / "store" / "migrations"),
        Migrations("mail", ROOT / "plugins" / "mail" / "migrations"),
    ]
    async with SQLiteStore(tmp_path / "bot.db", migrations) as store:
        files = DiskFiles(folder=tmp_path / "files", store=store, options=FilesOptions())
        original = await files.put_bytes(b"markeroriginal", name="mail.eml", owner="mail")
        shared = await files.put_bytes(b"both have it", name="mail.eml", owner="mail")

        def written(tx: Tx) -> None:
            for number, key in ((1, "markerkey"), (2, "otherkey")):
                tx.run("INSERT INTO customers (id, created_at) VALUES (:id, '2026')", id=number)
                tx.run(
                    "INSERT INTO conversations (id, customer, channel, address, language, "
                    "created_at, last_in_at) VALUES (:id, :id, 'mail', :key, 'de', '2026', '2026')",
                    id=number,
                    key=key,
                )
                tx.run(
                    "INSERT INTO mail_threads (key, mailbox, participant, name, subject, proposed, "
                    "created_at) VALUES (:key, 'support', 'markermail', 'markername', "
                    "'markersubject', :proposed, '2026')",
                    key=key,
                    proposed=None if number == 1 else "markerkey",
                )
            for uid, thread, file in (
                (1, "markerkey", original.file),
                (2, "markerkey", shared.file),
                (3, "otherkey", shared.file),
            ):
                tx.run(
                    "INSERT INTO mail_imports (mailbox, folder, uidvalidity, uid, message_id, "
                    "hash, outcome, thread, file, at) VALUES ('support', 'INBOX', 9, :uid, :id, "
                    ":hash, 'message', :thread, :file, '2026')",
                    uid=uid,
                    id=f"markerid{uid}" if thread == "markerkey" else "other",
                    hash=str(uid),
                    thread=thread,
                    file=file,
                )
            tx.run(
                "UPDATE mail_threads SET participant = 'o', name = 'o', subject = 'o' "
                "WHERE key = 'otherkey'"
            )

        await store.write(written)
        eraser = Eraser(store=store, keepers=[*CORE, FilesKeeper(files), Keeper()])
        preview = await store.read(lambda tx: eraser.preview(tx, [1]))
        assert ["mailbox", "support/INBOX UID 1 (UIDVALIDITY 9)", "Message-ID markerid1"] in (
            preview["remains"]  # type: ignore[operator]
        )
        erasure = await store.write(lambda tx: eraser.ask(tx, [1], OPERATOR))
        await eraser.work()
        assert left_in(tmp_path, MARKERS) == []
        assert files.path(original.file or "") is None
        assert files.path(shared.file or "") is not None
        rows = await store.read(lambda tx: tx.rows("SELECT * FROM mail_imports ORDER BY uid"))
        assert [(row["uid"], row["hash"], row["thread"]) for row in rows] == [
            (1, "1", None),
            (2, "2", None),
            (3, "3", "otherkey"),
        ], "a mail that still lies there must not be imported as a new one"
        (thread,) = await store.read(lambda tx: tx.rows("SELECT * FROM mail_threads"))
        assert (thread["key"], thread["proposed"]) == ("otherkey", None)
        report = await store.read(lambda tx: erasures.get(tx, erasure))
        assert report is not None
        told = await store.read(lambda tx: erasures.told(tx, report))
        assert {"what": "mailbox", "where": "support/INBOX UID 2 (UIDVALIDITY 9)"} in told[
            "remains"
        ]
