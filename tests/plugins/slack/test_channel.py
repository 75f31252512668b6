"""Slack as a customer channel: who may write where, and what reaches the bot and the customer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from bot.messages import Address, Attachment, Author, Button, Inbound, Kind, Outbound
from bot.ports import Refused, Reject, Retry, Tx
from bot.store import SQLiteStore
from bot.store.migrate import Migrations
from plugins.slack.app import SlackApp
from plugins.slack.channel import SlackChannel
from plugins.slack.settings import CustomerSettings, SlackSettings
from plugins.slack.testing import Person, Room, SlackSimulator

from .apps import QUICK


@dataclass
class FakeInbox:
    store: SQLiteStore
    files: Any = None
    texts: Any = None
    got: list[Inbound] = field(default_factory=list)

    async def accept(
        self, *messages: Inbound, cursor: Callable[[Tx], None] | None = None
    ) -> list[bool]:
        if cursor is not None:
            await self.store.write(cursor)
        known = {one.wire_id for one in self.got}
        self.got += [one for one in messages if one.wire_id not in known]
        return [one.wire_id not in known for one in messages]


@dataclass
class Customers:
    channel: SlackChannel
    inbox: FakeInbox
    slack: SlackSimulator

    @property
    def got(self) -> list[Inbound]:
        return self.inbox.got

    async def gets(self, count: int) -> list[Inbound]:
        await self.slack.events.settled()

        def waiting(tx: Tx) -> bool:
            return bool(tx.row("SELECT 1 FROM slack_events WHERE status = 'open'"))

        while await self.inbox.store.read(waiting):
            pass
        assert len(self.got) == count, self.got
        return self.got


@asynccontextmanager
async def customers(
    slack: SlackSimulator, folder: Path, **settings: Any
) -> AsyncIterator[Customers]:
    app = SlackApp(SlackSettings.model_validate(slack.settings(**QUICK)))
    channel = SlackChannel(app, CustomerSettings.model_validate(settings))
    channel.settles_after = 0.3
    migrations = Migrations("slack", files("plugins.slack") / "migrations")
    async with SQLiteStore(folder / "bot.db", [migrations]) as store:
        inbox = FakeInbox(store)
        async with channel.open(inbox):  # type: ignore[arg-type]
            await slack.socket.connected()
            yield Customers(channel, inbox, slack)


def outbound(address: Address, text: str, **more: Any) -> Outbound:
    return Outbound("row-1", address, text, created_at=datetime.now(UTC), **more)


async def test_a_direct_message_and_a_thread_in_it_are_two_conversations(
    slack: SlackSimulator, jonas: Person, tmp_path: Path
) -> None:
    async with customers(slack, tmp_path) as now:
        room = await jonas.direct()
        first = await jonas.writes(room, "Wo ist B-1 <3 & https://shop.example/?a=1&b=2")
        await jonas.writes(room, "und hier?", thread=first)
        one, two = await now.gets(2)
        assert one.text == "Wo ist B-1 <3 & https://shop.example/?a=1&b=2"
        assert one.sender_name == "Jonas Weber"
        assert one.address.id == f"{slack.world.team}/{room.id}"
        assert two.address.id == f"{slack.world.team}/{room.id}/{first.ts}"
        assert one.wire_id == f"{room.id}/{first.ts}"
        await now.channel.send(outbound(two.address, "Hier."))
        assert [reply.text for reply in room.thread(first)] == ["und hier?", "Hier."]


async def test_edits_and_deletions_name_what_they_change(
    slack: SlackSimulator, jonas: Person, tmp_path: Path
) -> None:
    async with customers(slack, tmp_path) as now:
        line = await jonas.writes(await jonas.direct(), "Hallo")
        await jonas.edits(line, "Guten Tag")
        await jonas.deletes(line)
        written, edit, gone = await now.gets(3)
        assert (edit.kind, edit.text, edit.edits) == (Kind.EDIT, "Guten Tag", written.wire_id)
        assert (gone.kind, gone.text, gone.edits) == (Kind.DELETE, "", written.wire_id)


async def test_in_a_channel_only_who_names_the_bot_begins_and_the_thread_goes_on(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    other = slack.channel("other", jonas)
    async with customers(slack, tmp_path, allowed_channels=[support.id]) as now:
        await jonas.writes(support, "unter uns")
        chat = await jonas.writes(support, "auch unter uns")
        await jonas.writes(support, "und das", thread=chat)
        await jonas.edits(chat, "noch immer")
        await jonas.writes(other, "@schalter hier nicht")
        root = await jonas.writes(support, "@schalter wo ist mein Paket?")
        await jonas.writes(support, "B-100234", thread=root)
        one, two = await now.gets(2)
        assert (one.text, two.text) == ("wo ist mein Paket?", "B-100234")
        assert one.address == two.address
        assert one.address.id.endswith(f"{support.id}/{root.ts}")


async def test_strangers_are_customers_only_where_that_is_allowed(
    slack: SlackSimulator, jonas: Person, tmp_path: Path
) -> None:
    stranger = slack.stranger("eva", "Eva Kunde")
    shared = slack.channel("kunde", jonas, stranger, shared=True)
    async with customers(slack, tmp_path, allowed_channels=[shared.id]) as now:
        await stranger.writes(await stranger.direct(), "privat")
        await stranger.writes(shared, "@schalter Hallo")
        (one,) = await now.gets(1)
        assert (one.text, one.sender_name) == ("Hallo", "Eva Kunde")


async def test_a_button_means_what_it_meant_when_it_was_shown(
    slack: SlackSimulator, jonas: Person, tmp_path: Path
) -> None:
    async with customers(slack, tmp_path) as now:
        room = await jonas.direct()
        await jonas.writes(room, "Hallo")
        (hello,) = await now.gets(1)
        buttons = (Button("Ja <3", "/affirm"), Button("Nein", "/deny"))
        await now.channel.send(outbound(hello.address, "Wirklich?", buttons=buttons))
        shown = await slack.wait_message(room, "Wirklich?")
        assert shown.buttons == ("Ja <3", "Nein")
        await jonas.writes(room, "Moment", thread=shown)
        await jonas.presses(shown, "Nein")
        pressed = next(one for one in await _until(now, 3) if one.kind is Kind.BUTTON)
        assert (pressed.text, pressed.payload) == ("Nein", "/deny")
        assert pressed.address == hello.address


async def _until(now: Customers, count: int) -> list[Inbound]:
    while len(now.got) < count:
        await now.slack.events.settled()
        await now.inbox.store.read(lambda tx: tx.row("SELECT 1"))
    return now.got


async def test_what_is_sent_calls_nobody_and_an_agent_is_named(
    slack: SlackSimulator, jonas: Person, tmp_path: Path
) -> None:
    async with customers(slack, tmp_path) as now:
        room = await jonas.direct()
        await jonas.writes(room, "Hallo")
        address = (await now.gets(1))[0].address
        text = "<!channel> <@U1> a < b & c > d: https://shop.example/?a=1&b=2."
        for author, name in ((Author.BOT, "Schalter"), (Author.AGENT, "Jana")):
            await now.channel.send(outbound(address, text, author=author, name=name))
        bots, agents = (one for one in room.messages if one.by_bot)
        assert bots.words == "<!channel> <@U1> a < b & c > d: <https://shop.example/?a=1&b=2>."
        assert (bots.calls, agents.calls) == ((), ())
        assert agents.words.startswith("Jana\n<!channel>")


@pytest.mark.parametrize("character", ["a", "&"])
async def test_a_long_text_of_an_agent_fits(
    slack: SlackSimulator, jonas: Person, tmp_path: Path, character: str
) -> None:
    async with customers(slack, tmp_path) as now:
        room = await jonas.direct()
        await jonas.writes(room, "Hallo")
        address = (await now.gets(1))[0].address
        text = character * now.channel.features.text_limit
        await now.channel.send(outbound(address, text, author=Author.AGENT, name="Jana"))
        sent = await slack.wait_message(room)
        assert sent.words.replace("\n", "").removeprefix("Jana") == text
        buttons = (Button("J" * 75, "/affirm"),) * now.channel.features.buttons
        asked = text[: now.channel.features.button_text]
        await now.channel.send(outbound(address, asked, buttons=buttons))


async def test_a_sent_message_is_edited_and_unsent(
    slack: SlackSimulator, jonas: Person, tmp_path: Path
) -> None:
    async with customers(slack, tmp_path) as now:
        room = await jonas.direct()
        await jonas.writes(room, "Hallo")
        address = (await now.gets(1))[0].address
        vendor_id = await now.channel.send(outbound(address, "Morgen"))
        await now.channel.edit(outbound(address, "Übermorgen"), vendor_id)
        assert [one.text for one in room.messages if one.by_bot] == ["Übermorgen"]
        await now.channel.unsend(address, vendor_id)
        await now.channel.unsend(address, vendor_id)
        assert [one.text for one in room.messages if one.by_bot] == []
        with pytest.raises(Reject, match="not_edited"):
            await now.channel.edit(outbound(address, "Nie"), vendor_id)


async def test_a_look_up_finds_the_message_by_the_row_that_it_names(
    slack: SlackSimulator, jonas: Person, tmp_path: Path
) -> None:
    async with customers(slack, tmp_path) as now:
        room = await jonas.direct()
        root = await jonas.writes(room, "Hallo")
        await jonas.writes(room, "im Thread", thread=root)
        for inbound in list(await now.gets(2)):
            out = outbound(inbound.address, "Guten Tag")
            out = Outbound(f"row {inbound.wire_id}", inbound.address, out.text)
            assert await now.channel.look_up(out) is None  # it was never tried
            slack.faults.cut_after["chat.postMessage"] = 1
            with pytest.raises(Exception):  # noqa: B017, PT011 - UnknownOutcome has no message
                await now.channel.send(out)
            found = await now.channel.look_up(out)
            assert found is not None
            assert room.message(found.partition("/")[2]).text == "Guten Tag"
        lost = Outbound("row lost", inbound.address, "Nie angekommen")
        slack.faults.cut_before["chat.postMessage"] = 1
        with pytest.raises(Exception):  # noqa: B017, PT011
            await now.channel.send(lost)
        with pytest.raises(Retry):  # it may not be in the history yet
            await now.channel.look_up(lost)


async def test_a_file_comes_with_its_reference_and_a_forwarded_message_is_no_silence(
    slack: SlackSimulator, jonas: Person, tmp_path: Path
) -> None:
    async with customers(slack, tmp_path, file_mb=1) as now:
        room = await jonas.direct()
        await jonas.uploads(room, {"schaden.png": b"\x89PNG 1", "film.mp4": b"x" * 1_100_000})
        (one,) = await now.gets(1)
        assert one.kind is Kind.MEDIA
        small, big = one.attachments
        assert (small.name, small.content_type, small.error) == ("schaden.png", "image/png", None)
        assert big.error == "file_too_big"
        pieces = [piece async for piece in now.channel.fetch(small)]
        assert b"".join(pieces) == b"\x89PNG 1"
        with pytest.raises(Refused):
            _ = [piece async for piece in now.channel.fetch(Attachment("a", "b", ref="F0GONE"))]


async def test_what_was_written_while_the_bot_was_away_is_answered(
    slack: SlackSimulator, jonas: Person, tmp_path: Path
) -> None:
    async with customers(slack, tmp_path) as now:
        room = await jonas.direct()
        await jonas.writes(room, "vorher")
        await now.gets(1)
        await now.inbox.store.write(_connected_long_ago)
    await slack.until(lambda: slack.socket.away or None)
    slack.faults.lose_when_away = True
    mia = slack.person("mia", "Mia Neu")
    await jonas.writes(room, "nachher")
    await mia.writes(await mia.direct(), "zum ersten Mal")
    async with customers(slack, tmp_path) as now:
        assert {one.text for one in await _until(now, 2)} == {"nachher", "zum ersten Mal"}


def _connected_long_ago(tx: Tx) -> None:
    import time

    from plugins.slack import ledger

    ledger.see(tx, "", "", ledger.ts_of(time.time() - 60))
