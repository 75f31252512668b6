"""Accepting: once, in one transaction, whatever it is that comes in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.messages import Address, Attachment, Features, Inbound, Kind, Owner
from bot.testing import FakeChannel, MovingClock, World, world

TEXTS = [Path("nlu/domain")]
ME = Address("fake", "c1")


@pytest.fixture
async def w(tmp_path: Path) -> AsyncIterator[World]:
    """A world in which nothing is asked: bursts never end, the clock stands still."""
    channel = FakeChannel(features=Features(burst_seconds=60))
    async with world(tmp_path, texts=TEXTS, channel=channel, clock=MovingClock()) as made:
        yield made


async def texts(w: World) -> list[str]:
    rows = await w.rows("SELECT text FROM inbox WHERE status = 'pending' ORDER BY id")
    return [row["text"] for row in rows]


async def test_the_same_wire_id_twice_is_one_also_at_once_and_in_one_batch(w: World) -> None:
    one = Inbound(ME, "m1", text="hi")
    new = await asyncio.gather(*(w.core.inbox.accept(one, one) for _ in range(5)))
    assert sum(sum(batch) for batch in new) == 1
    assert await texts(w) == ["hi"]


async def test_wire_ids_are_a_channels_own(w: World) -> None:
    other = Inbound(Address("other", "c1"), "m1", text="hi")
    assert await w.core.inbox.accept(Inbound(ME, "m1", text="hi"), other) == [True, True]


async def test_the_cursor_is_committed_with_the_messages_or_not_at_all(w: World) -> None:
    await w.store.write(lambda tx: tx.run("CREATE TABLE offsets (n INTEGER)"))

    def good(tx: Any) -> None:
        tx.run("INSERT INTO offsets VALUES (7)")

    def bad(tx: Any) -> None:
        tx.run("INSERT INTO offsets VALUES (8)")
        raise RuntimeError("no")

    await w.core.inbox.accept(Inbound(ME, "m1", text="a"), cursor=good)
    with pytest.raises(RuntimeError):
        await w.core.inbox.accept(Inbound(ME, "m2", text="b"), cursor=bad)
    assert await texts(w) == ["a"]
    assert [row["n"] for row in await w.rows("SELECT n FROM offsets")] == [7]


async def test_an_edit_before_the_freeze_changes_the_text_and_is_taken_once(w: World) -> None:
    edit = Inbound(ME, "e1", Kind.EDIT, "neu", edits="m1")
    await w.core.inbox.accept(Inbound(ME, "m1", text="alt"))
    assert await w.core.inbox.accept(edit) == [True]
    later = Inbound(ME, "e2", Kind.EDIT, "neuer", edits="m1")
    assert await w.core.inbox.accept(later) == [True]
    assert await w.core.inbox.accept(edit) == [False]
    assert await texts(w) == ["neuer"]


async def test_an_edit_brings_its_files_along(w: World) -> None:
    """They were dropped with the edit that was taken in."""
    await w.core.inbox.accept(Inbound(ME, "m1", text="alt"))
    file = Attachment("neu.png", "image/png", file="f1")
    await w.core.inbox.accept(Inbound(ME, "e1", Kind.EDIT, "neu", attachments=(file,), edits="m1"))
    (row,) = await w.rows("SELECT * FROM inbox WHERE status = 'pending'")
    assert "neu.png" in row["attachments"]


async def test_an_edit_that_changes_nothing_is_no_message(w: World) -> None:
    """Vendors bring them for reasons of their own: the customer got a second answer."""
    file = Attachment("bild.png", "image/png", 7, file="f1")
    await w.core.inbox.accept(Inbound(ME, "m1", text="alt", attachments=(file,)))
    await w.store.write(lambda tx: tx.run("UPDATE inbox SET status = 'turn'"))
    same = Inbound(ME, "e1", Kind.EDIT, "alt", attachments=(replace(file, file=None),), edits="m1")
    await w.core.inbox.accept(same)
    await w.core.inbox.accept(replace(same, wire_id="e2", attachments=()))
    assert await texts(w) == []
    other = replace(file, size=8)
    await w.core.inbox.accept(replace(same, wire_id="e3", attachments=(other,)))
    await w.core.inbox.accept(Inbound(ME, "e4", Kind.EDIT, "neu", edits="m1"))
    assert await texts(w) == ["alt", "neu"]


async def test_nobody_edits_another_ones_message(w: World) -> None:
    await w.core.inbox.accept(Inbound(ME, "m1", text="meins"))
    forged = Inbound(Address("fake", "c2"), "e1", Kind.EDIT, "fremd", edits="m1")
    await w.core.inbox.accept(forged)
    assert await texts(w) == ["meins", "fremd"]


async def test_half_a_surrogate_pair_anywhere_does_not_break_accepting(w: World) -> None:
    """JSON can carry one; SQLite cannot take it, and the vendor sent it again for ever."""
    bad = "x\ud800"
    message = Inbound(
        Address("fake", bad),
        bad,
        Kind.BUTTON,
        bad,
        payload=bad,
        attachments=(Attachment(bad, "image/png", file="f"),),
        sender_name=bad,
        edits=bad,
    )
    assert await w.core.inbox.accept(message) == [True]
    assert await w.core.inbox.accept(message) == [False]


@pytest.mark.parametrize(
    ("text", "files", "kind"),
    [
        ("", 0, Kind.EMPTY),
        (" \u200b ", 0, Kind.EMPTY),
        ("", 1, Kind.MEDIA),
        ("hi", 0, Kind.TEXT),
        ("a\x00b", 0, Kind.TEXT),
    ],
)
async def test_what_sort_of_message_it_is(w: World, text: str, files: int, kind: Kind) -> None:
    attachments = (Attachment("a", "image/png", file="f"),) * files
    await w.core.inbox.accept(Inbound(ME, "m1", text=text, attachments=attachments))
    (row,) = await w.rows("SELECT * FROM inbox")
    assert row["kind"] == kind
    assert "\x00" not in row["text"]


async def test_who_speaks_to_somebody_unknown(w: World) -> None:
    speaker = await w.core.inbox.speaker(Address("fake", "nobody"))
    assert (speaker.owner, speaker.name) == (Owner.BOT, None)
    assert not await w.rows("SELECT * FROM conversations")


async def test_a_name_is_kept_when_a_later_message_has_none(w: World) -> None:
    await w.core.inbox.accept(Inbound(ME, "m1", text="a", sender_name="Ada\u202e"))
    await w.core.inbox.accept(Inbound(ME, "m2", text="b"))
    (row,) = await w.rows("SELECT name FROM conversations")
    assert row["name"] == "Ada"


async def test_what_only_a_person_can_judge_opens_a_case_and_asks_no_machine(w: World) -> None:
    """A mail that could not be read: its customer gets no answer of the bot's."""
    one = Inbound(ME, "m1", text="From: anna@example.net", person="mail_unreadable")
    assert await w.core.inbox.accept(one, one) == [True, False]
    assert await texts(w) == []
    assert [row["reason"] for row in await w.rows("SELECT reason FROM cases")] == [
        "mail_unreadable"
    ]
    (conversation,) = await w.rows("SELECT owner FROM conversations")
    assert conversation["owner"] == Owner.WAITING
    assert w.dialogue.asked == []
