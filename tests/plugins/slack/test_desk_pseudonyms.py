"""Pseudonyms: nothing in Slack says who a customer is, until one agent looks it up, on record."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.desk import HistoryLine
from bot.messages import Address, Attachment, Author, Inbound, Kind
from bot.ports import Reject, Retry
from bot.store import linking
from bot.store.codec import new_id, utc_now
from plugins.slack import blocks, blocks_ops
from plugins.slack import desk as desk_module
from plugins.slack.desk_veil import Secrets, _hidden, code
from plugins.slack.testing import Message, OpenView, SlackSimulator
from plugins.slack.testing_desk import PERSON, DeskBench, desk_bot
from plugins.slack.testing_samples import DIGEST, NOW, WAITING, words

NAME, MAIL, PHONE = "Erika Mustermann", "erika@post.example", "+491701234567"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    often = desk_module._often
    monkeypatch.setattr(desk_module, "_often", lambda step, _rest: often(step, 0.1))


@pytest.fixture
async def bench(slack: SlackSimulator, tmp_path: Path) -> AsyncIterator[DeskBench]:
    async with desk_bot(tmp_path, slack, desk={"pseudonyms": True}) as running:
        yield running


async def hidden_case(bench: DeskBench) -> Message:
    await bench.says(PERSON, phone=PHONE)
    return await bench.slack.wait_message(bench.support, "Kundin/Kunde K-")


def everything(bench: DeskBench) -> str:
    """What lies in Slack: messages with their files, and what was only shown to somebody."""
    kept = [one for room in (bench.support, bench.ops) for one in room.messages]
    told = [one for person in (bench.jana, bench.jonas) for one in person.ephemeral]
    views = [view.raw for person in (bench.jana, bench.jonas) for view in person.views]
    raws = [f"{one.raw} {[name for name, _ in one.files]}" for one in (*kept, *told)]
    return " ".join((*raws, *map(str, views)))


def top(bench: DeskBench, callback: str) -> OpenView | None:
    view = bench.jana.views[-1]
    return view if view.callback_id == callback else None


async def test_nothing_in_slack_says_who_it_is(bench: DeskBench) -> None:
    """Card, thread, quote, file name, undo, trouble, outcome, history and dead letter."""
    await bench.says(f"Hallo, ich bin Erika. Tel. 0170 / 123 45 67, {MAIL}")
    await bench.settled()
    card = await hidden_case(bench)
    await bench.says(MAIL)
    await bench.jana.presses(card, "Übernehmen")
    await bench.sees(card, "Jana Kurz")
    await bench.sends_file(b"%PDF-1.4 x", "Rechnung Erika Mustermann.pdf", "Frau Mustermann, hier")
    await bench.line(card, "📎")
    bench.channel.faults.append(Reject("gave_up"))
    await bench.jana.writes(bench.support, "Ich sehe nach", thread=card)
    await bench.slack.wait_message(bench.support, "Nicht angekommen", thread=card)
    await bench.settled()
    await bench.jana.presses(card, "Mehr …")
    await bench.jana.presses(await bench.jana.sees_view("Was vor diesem"), "Früherer Verlauf")
    history = await bench.jana.sees_view("ich bin K-")
    assert "Hallo" in history.words
    told = f"{everything(bench)} {bench.slack.api.requests}"
    for secret in ("Erika", "Mustermann", MAIL, "123 45 67", PHONE, "1234567"):
        assert secret not in told, secret


async def test_one_agent_looks_and_the_audit_log_says_so(bench: DeskBench) -> None:
    card = await hidden_case(bench)
    await bench.jana.presses(card, "Namen zeigen")
    view = await bench.jana.sees_view(NAME)
    assert "Das siehst nur du" in view.words
    assert "erika" in view.words  # the address on the channel
    rows = await bench.bot.rows("SELECT kind, actor, conversation, subject FROM audit")
    assert [tuple(row) for row in rows] == [("reveal", f"slack:{bench.jana.id}", 1, "customer:1")]
    assert bench.jonas.views == []
    await bench.jana.closes(view)
    assert NAME not in everything(bench)


async def test_the_pseudonym_is_the_same_on_both_channels(bench: DeskBench) -> None:
    await hidden_case(bench)
    await bench.says(PERSON, who="erika2", phone=PHONE)
    shown = code(1)
    await bench.slack.until(lambda: len([one for one in bench.cards if shown in one.words]) == 2)
    assert f"🔗 Kundin/Kunde {shown}" in bench.cards[-1].words


async def test_a_proposal_names_nobody_either(bench: DeskBench) -> None:
    card = await hidden_case(bench)
    other = Inbound(
        Address("elsewhere", "x"), new_id(), Kind.AUTOMATIC, text="Hallo", sender_name="Elsa Kern"
    )
    await bench.bot.app.core.inbox.accept(other)
    await bench.bot.app.store.write(lambda tx: linking.propose(tx, 1, 2, "order", utc_now()))
    await bench.sees(card, f"Vielleicht dieselbe Person: Kundin/Kunde {code(2)}")
    assert "Elsa" not in everything(bench)


async def test_a_note_is_kept_whole_and_shown_without_the_name(bench: DeskBench) -> None:
    """The other desk, and who looks it up, read what was written."""
    await bench.says("Hallo Erika")
    await bench.settled()
    card = await hidden_case(bench)
    await bench.jana.presses(card, "Übernehmen")
    await bench.sees(card, "Jana Kurz")
    await bench.jana.presses(card, "Mehr …")
    await bench.jana.presses(await bench.jana.sees_view("Nur für Kollegen"), "Notiz")
    view = await bench.slack.until(lambda: top(bench, "desk.note"))
    assert await bench.jana.submits(view, {"note": "Frau Mustermann wartet"}) == {}
    await bench.line(card, f"Frau {code(1)} wartet")
    rows = await bench.bot.rows("SELECT text FROM notes WHERE agent <> ''")
    assert [row["text"] for row in rows] == ["Frau Mustermann wartet"]


async def test_a_draft_goes_out_as_the_bot_wrote_it(bench: DeskBench) -> None:
    """A pseudonym that a customer reads would be worse than a name that an agent does."""
    card = await hidden_case(bench)
    await bench.settled()
    bench.channel.faults.append(Retry(3.0, "retry"))
    await bench.says("Hier ist Erika")
    line = await bench.line(card, f"echo: Hier ist {code(1)}")
    await bench.jana.presses(card, "Übernehmen")
    await bench.sees(line, "Entwurf, nicht gesendet")
    await bench.jana.presses(line, "So an den Kunden senden")
    await bench.reaches("echo: Hier ist Erika")
    await bench.sees(line, "Jana Kurz hat diesen Entwurf gesendet")
    assert "Erika" not in everything(bench)


async def test_names_that_stood_there_before_are_taken_away(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    """The setting is turned on where cards with names stand."""
    async with desk_bot(tmp_path, slack) as bench:
        card = await bench.case()
        assert NAME in card.words
    async with desk_bot(tmp_path, slack, desk={"pseudonyms": True}) as bench:
        await bench.sees(card, "Kundin/Kunde K-")
        assert NAME not in str(card.raw)


def test_a_dead_letter_and_the_digest_say_nothing_of_the_customer() -> None:
    row = {"id": "x", "kind": "send", "address": "erika", "text": "Hallo Erika", "state": "failed"}
    view = blocks_ops.details(row, words(), hides=True)
    assert "rika" not in str(view)
    assert "failed" not in str(view)
    told = blocks_ops.digest(replace(DIGEST, missed_examples=("Erika hier",)), words(), NOW)
    assert "Erika hier" in str(told.blocks)
    told = blocks_ops.digest(
        replace(DIGEST, missed_examples=("Erika hier",)), words(), NOW, hides=True
    )
    assert "Erika" not in str(told.blocks)


def test_a_card_without_the_setting_has_no_such_button() -> None:
    assert "desk.reveal" not in str(blocks.card(WAITING, words(), NOW).blocks)
    assert "desk.reveal" in str(blocks.card(WAITING, words(), NOW, reveals=True).blocks)


def test_pseudonyms_are_stable_and_differ() -> None:
    made = [code(number) for number in range(1, 70_000)]
    assert made[:2] == [code(1), code(2)]
    assert len(set(made)) == len(made)
    assert all(one.startswith("K-") for one in made)


def test_only_what_names_somebody_is_hidden() -> None:
    """Order numbers and tracking numbers stay: an agent works with them."""
    secrets = Secrets("K-1", re.compile("Erika"), frozenset({"01234567"}))
    text = "Erika, B-100234, 00340434161094042557, +49 170 1234567, a.b@c.example"
    line = HistoryLine(
        "in:1",
        Author.CUSTOMER,
        text,
        datetime(2026, 11, 27, tzinfo=UTC),
        attachments=(Attachment("Erika.pdf", "application/pdf"),),
        quote="Erika",
    )
    shown = _hidden(line, secrets)
    assert shown.text == "K-1, B-100234, 00340434161094042557, K-1, K-1"
    assert (shown.quote, shown.attachments[0].name) == ("K-1", "K-1.pdf")


def test_a_long_word_is_read_once_and_each_address_is_hidden() -> None:
    """A word of 100,000 letters, in a mail that an agent opened, held the bot for a minute."""
    hide = Secrets("K-1").hide
    began = time.process_time()
    assert hide("a" * 100_000) == "a" * 100_000
    assert time.process_time() - began < 2
    assert hide("x a.b+c@d.example+e@f.example, g@h@i.example") == "x K-1K-1, g@K-1"
