"""An erasure is whole whatever happens in between: a kill, a vendor that is away, a late answer."""

from __future__ import annotations

import random
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import pytest

from bot.messages import Answer, Outcome, Say
from bot.ports import Retry, Tx
from bot.store import SQLiteStore, conversations, erasures
from bot.store.codec import utc_now
from bot.store.migrate import Migrations
from bot.store.personal import DataTable, Person, Remains
from bot.testing.actions import MovingClock
from bot.testing.fakes import ScriptedDialogue
from bot.testing.world import world
from host.files import DiskFiles
from host.keepers import CORE, FilesKeeper
from host.settings import FilesOptions
from plugins.privacy.erasing import AGE, CUSTOMER, OPERATOR, Eraser
from plugins.rasa.personal import TrackerKeeper
from tests.live.leftovers import left_in

MARKERS = ("markerword", "markerfile")
DOMAIN = (Path(__file__).parents[3] / "nlu" / "domain",)


class Elsewhere:
    """A vendor. ``before`` is called as it is asked; ``faults`` are raised first, one each."""

    name = "vendor"
    tables: Sequence[DataTable] = ()

    def __init__(self) -> None:
        self.forgotten: list[Mapping[str, Any]] = []
        self.faults: list[Exception] = []
        self.before = lambda: None

    def plan(self, tx: Tx, person: Person) -> Mapping[str, Any]:
        return {"who": [one.id for one in person.addresses]}

    async def forget(self, plan: Mapping[str, Any]) -> Sequence[Remains]:
        self.before()
        if self.faults:
            raise self.faults.pop(0)
        self.forgotten.append(plan)
        return ()


async def told(folder: Path) -> None:
    """Somebody wrote and sent a file, and got an answer."""
    async with world(folder, texts=DOMAIN) as bot:
        kept = await _files(folder, bot.store).put_bytes(
            b"markerfile", name="markerfile.txt", owner="conversation:1"
        )
        assert kept.file
        await bot.says("markerword", who="markerword")
        await bot.says("das bleibt", who="other")
        await bot.settled()


def _files(folder: Path, store: SQLiteStore) -> DiskFiles:
    return DiskFiles(folder=folder / "files", store=store, options=FilesOptions())


@asynccontextmanager
async def eraser_on(folder: Path, vendor: Elsewhere, clock: Any = utc_now) -> AsyncIterator[Eraser]:
    migrations = Migrations("core", resources("bot.store") / "migrations")
    async with SQLiteStore(folder / "bot.db", [migrations]) as store:
        keepers = [*CORE, FilesKeeper(_files(folder, store)), vendor]
        yield Eraser(store=store, keepers=keepers, clock=clock)


async def state(eraser: Eraser, erasure: str) -> str:
    row = await eraser.store.read(lambda tx: erasures.get(tx, erasure))
    return "" if row is None else str(row["state"])


async def test_a_kill_at_any_point_leaves_an_erasure_that_goes_on(tmp_path: Path) -> None:
    """What lies on the disk at each point is copied, as a kill -9 would leave it."""
    live = tmp_path / "live"
    live.mkdir()
    await told(live)
    vendor = Elsewhere()
    images: list[Path] = []

    def image() -> None:
        images.append(tmp_path / f"image{len(images)}")
        shutil.copytree(live, images[-1])

    async with eraser_on(live, vendor) as eraser:
        erasure = await eraser.store.write(lambda tx: eraser.ask(tx, [1], OPERATOR))
        image()  # asked, and nothing done
        (row,) = await eraser.store.read(erasures.asked)
        assert await eraser.store.write(lambda tx: eraser._empty(row, tx))
        image()  # emptied, and the log beside the database still has the words
        vendor.before = image  # files are gone, the vendor is about to be asked
        await eraser.work()
        image()  # done
        assert await state(eraser, erasure) == "done"
    assert len(images) == 4
    for number, folder in enumerate(images):
        again = Elsewhere()
        async with eraser_on(folder, again) as eraser:
            await eraser.work()
            assert await state(eraser, erasure) == "done", f"image {number}"
            assert left_in(folder, MARKERS) == [], f"image {number}"
            kept = await eraser.store.read(
                lambda tx: tx.rows("SELECT text FROM inbox WHERE text <> ''")
            )
            assert [row["text"] for row in kept] == ["das bleibt"]
        assert len(again.forgotten) == (number < 3)


async def test_a_vendor_that_is_away_is_asked_again_until_it_is_done(tmp_path: Path) -> None:
    await told(tmp_path)
    vendor, clock = Elsewhere(), MovingClock()
    vendor.faults = [Retry(90.0, "rate"), RuntimeError("no json"), Retry(None, "closed")]
    async with eraser_on(tmp_path, vendor, clock) as eraser:
        erasure = await eraser.store.write(lambda tx: eraser.ask(tx, [1], OPERATOR))
        for _ in range(20):
            await eraser.work()
            clock.move(100)
        assert vendor.faults == []
        assert vendor.forgotten == [{"who": ["markerword"]}]
        assert await state(eraser, erasure) == "done"
        assert left_in(tmp_path, MARKERS) == [], "the plan is forgotten with it"


async def test_what_never_answers_is_reported(tmp_path: Path) -> None:
    await told(tmp_path)
    vendor, clock = Elsewhere(), MovingClock()
    vendor.faults = [Retry(1.0, "gone")] * 1000
    async with eraser_on(tmp_path, vendor, clock) as eraser:
        erasure = await eraser.store.write(lambda tx: eraser.ask(tx, [1], OPERATOR))
        for _ in range(410):
            await eraser.work()
            clock.move(2)
        (report,) = await eraser.store.read(erasures.listed)
        assert report["id"] == erasure
        assert report["elsewhere"]["vendor"] == "given_up"
        assert report["remains"] == [{"what": "not_reached", "where": "vendor: gone"}]


async def test_asked_twice_it_is_one(tmp_path: Path) -> None:
    await told(tmp_path)
    async with eraser_on(tmp_path, Elsewhere()) as eraser:
        first = await eraser.store.write(lambda tx: eraser.ask(tx, [1], CUSTOMER))
        assert first == await eraser.store.write(lambda tx: eraser.ask(tx, [1], CUSTOMER))


async def test_an_answer_that_is_under_way_is_waited_for(tmp_path: Path) -> None:
    """Its turn would else write the customer's words again as it ends."""
    clock = MovingClock()
    await told(tmp_path)
    async with eraser_on(tmp_path, Elsewhere(), clock) as eraser:
        store = eraser.store
        await store.write(
            lambda tx: tx.run(
                "INSERT INTO turns (key, conversation, session, owner_version, text, kind, "
                "language, status, created_at) VALUES ('k', 1, 1, 0, 'markerword', 'text', 'de', "
                "'frozen', '2030')"
            )
        )
        erasure = await store.write(lambda tx: eraser.ask(tx, [1], OPERATOR))
        await eraser.work()
        assert await state(eraser, erasure) == "asked"
        clock.move(3601)  # but nobody waits for ever
        taken: list[int] = []
        store.subscribe("takeover", taken.append)
        fence = (await store.read(lambda tx: conversations.get(tx, 1)))["fence"]
        await eraser.work()
        assert await state(eraser, erasure) == "done"
        assert taken == [1], "what is still being asked is stopped"
        assert not await store.read(lambda tx: conversations.holds(tx, 1, fence))


async def test_the_goodbye_arrives_before_everything_goes(tmp_path: Path) -> None:
    clock = MovingClock()
    await told(tmp_path)
    async with eraser_on(tmp_path, Elsewhere(), clock) as eraser:

        def said(tx: Tx) -> None:
            tx.run(
                "UPDATE outbox SET sent_at = :now WHERE conversation = 1",
                now=clock().isoformat(timespec="microseconds"),
            )

        await eraser.store.write(said)
        erasure = await eraser.store.write(lambda tx: eraser.ask(tx, [1], CUSTOMER))
        await eraser.work()
        assert await state(eraser, erasure) == "asked"
        clock.move(61)
        await eraser.work()
        assert await state(eraser, erasure) == "done"


async def test_a_case_that_opens_meanwhile_is_finished_first(tmp_path: Path) -> None:
    clock = MovingClock()
    script = ScriptedDialogue()
    script.replies["Mensch"] = Answer((Say(text="Moment"),), Outcome.HANDOFF, "asked")
    async with world(tmp_path, texts=DOMAIN, dialogue=script) as bot:
        await bot.says("Mensch")
        await bot.settled()
    async with eraser_on(tmp_path, Elsewhere(), clock) as eraser:
        erasure = await eraser.store.write(lambda tx: eraser.ask(tx, [1], CUSTOMER))
        clock.move(7 * 24 * 3600)
        await eraser.work()
        assert await state(eraser, erasure) == "asked"
        await eraser.store.write(lambda tx: eraser.close_cases(tx, [1]))
        await eraser.work()
        assert await state(eraser, erasure) == "done"


async def test_who_writes_again_is_not_erased_for_their_silence(tmp_path: Path) -> None:
    clock = MovingClock()
    await told(tmp_path)
    async with eraser_on(tmp_path, Elsewhere(), clock) as eraser:
        erasure = await eraser.store.write(lambda tx: eraser.ask(tx, [1], AGE))
        await eraser.store.write(
            lambda tx: tx.run("UPDATE conversations SET last_in_at = '2031' WHERE id = 1")
        )
        await eraser.work()
        assert await state(eraser, erasure) == ""
        assert left_in(tmp_path, ("markerword",))


async def test_who_is_erased_on_their_own_wish_does_not_begin_to_guess_anew(tmp_path: Path) -> None:
    """Five wrong tries, "delete my data", five more: nobody would need to stop."""
    await told(tmp_path)
    async with eraser_on(tmp_path, Elsewhere()) as eraser:

        def tried(tx: Tx) -> None:
            for conversation in (1, 2):
                tx.run(
                    "INSERT INTO attempts (conversation, subject, at) VALUES (:id, 'B-1', '2030')",
                    id=conversation,
                )

        async def counted() -> list[int]:
            rows = await eraser.store.read(
                lambda tx: tx.rows("SELECT conversation FROM attempts WHERE subject = 'B-1'")
            )
            return [row["conversation"] for row in rows]

        await eraser.store.write(tried)
        eraser.rest = timedelta()
        await eraser.store.write(lambda tx: eraser.ask(tx, [1], CUSTOMER))
        await eraser.store.write(lambda tx: eraser.ask(tx, [2], OPERATOR))
        await eraser.work()
        assert await counted() == [-1], "it counts for the order; an operator erases all"


async def test_a_number_is_never_given_away_again(tmp_path: Path) -> None:
    """SQLite gives the number of a deleted last row to the next: somebody else's answer there."""
    await told(tmp_path)
    async with eraser_on(tmp_path, Elsewhere()) as eraser:
        await eraser.store.write(lambda tx: eraser.ask(tx, [1], OPERATOR))
        await eraser.store.write(lambda tx: eraser.ask(tx, [2], OPERATOR))
        await eraser.work()
    async with world(tmp_path, texts=DOMAIN) as bot:
        await bot.says("ganz neu", who="markerword")
        await bot.settled()
        (row,) = await bot.rows("SELECT id FROM conversations WHERE address = 'markerword'")
        assert row["id"] == 3
        (line,) = await bot.rows("SELECT max(id) AS id FROM inbox")
        assert line["id"] == 3


async def test_a_file_that_others_were_sent_too_stays_theirs(tmp_path: Path) -> None:
    async with eraser_on(tmp_path, Elsewhere()) as eraser:
        files = _files(tmp_path, eraser.store)
        for owner in ("conversation:1", "conversation:2"):
            kept = await files.put_bytes(b"terms", name="terms.txt", owner=owner)

        def written(tx: Tx) -> None:
            for number in (1, 2):
                tx.run(
                    "INSERT INTO conversations (id, channel, address, language, created_at, "
                    "last_in_at) VALUES (:id, 'fake', :id, 'de', '2026', '2026')",
                    id=number,
                )
                tx.run(
                    "INSERT INTO inbox (channel, wire_id, conversation, kind, text, attachments, "
                    "received_at, status) VALUES ('fake', :id, :id, 'media', '', :files, '2026', "
                    "'turn')",
                    id=number,
                    files=f'[{{"file": "{kept.file}"}}]',
                )

        await eraser.store.write(written)
        await eraser.store.write(lambda tx: eraser.ask(tx, [1], OPERATOR))
        await eraser.work()
        assert files.path(kept.file or "") is not None
        await eraser.store.write(lambda tx: eraser.ask(tx, [2], OPERATOR))
        await eraser.work()
        assert files.path(kept.file or "") is None


async def test_rasa_that_starts_is_asked_later(tmp_path: Path) -> None:
    from plugins.rasa.dialogue import RasaPlugin
    from plugins.rasa.settings import RasaSettings

    settings = RasaSettings()
    plugin = RasaPlugin(settings)
    keeper = TrackerKeeper(plugin, settings, tmp_path)
    assert await keeper.forget({"conversations": [1]}) == (), "there is no tracker yet"
    away = RasaSettings(url="http://127.0.0.1:9", token="t", actions_token="t")  # type: ignore[arg-type]
    with pytest.raises(Retry):
        await TrackerKeeper(RasaPlugin(away), away, tmp_path).forget({"conversations": [1]})


async def test_no_page_of_the_file_has_a_word_of_it(tmp_path: Path) -> None:
    """Rows that SQLite moved between pages left some of theirs behind, secure_delete or not."""
    chance = random.Random(5)
    async with eraser_on(tmp_path, Elsewhere()) as eraser:

        def much(tx: Tx) -> None:
            for number in range(1, 11):
                tx.run(
                    "INSERT INTO conversations (id, channel, address, language, created_at, "
                    "last_in_at) VALUES (:id, 'fake', :id, 'de', '2026', '2026')",
                    id=number,
                )
            for number in range(2500):
                who = chance.randrange(1, 11)
                words = f"marker{who:02d}" + "x" * chance.choice([3, 30, 300, 3000])
                tx.run(
                    "INSERT INTO inbox (channel, wire_id, conversation, kind, text, received_at, "
                    "status) VALUES ('fake', :wire, :who, 'text', :words, '2026', 'turn')",
                    wire=f"{words[:8]}-{number}",
                    who=who,
                    words=words,
                )
                tx.run(
                    "UPDATE inbox SET text = text || 'more' WHERE id = :id",
                    id=chance.randrange(1, number + 2),
                )

        await eraser.store.write(much)
        eraser.vacuum_at_once = 0  # a large one: it waits for the night
        erasure = await eraser.store.write(lambda tx: eraser.ask(tx, [4, 7], OPERATOR))
        await eraser.work()
        assert await state(eraser, erasure) == "emptied"
        await eraser.finish(at_night=True)
        assert await state(eraser, erasure) == "done"
        assert left_in(tmp_path, ("marker04", "marker07")) == []
        assert left_in(tmp_path, ("marker05",))
