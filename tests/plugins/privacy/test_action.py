"""What a customer gets at hand: their own conversation, and what is linked to it only on proof."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.messages import ActionCall, Address, Answer, Entity, Proof, Understanding
from bot.ports import Tx
from bot.store import audit, conversations, customers, effects
from bot.store.codec import utc_now
from bot.testing.running import RunningBot, running_bot
from plugins.privacy import people
from plugins.web.testing import ChatClient
from tests.live.leftovers import left_in

PLUGINS = {"web": {"announce": False, "burst_seconds": 0.0}, "privacy": {"goodbye_seconds": 0.0}}


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[RunningBot]:
    """Three customers wrote; what is known of the first two says that they are one."""
    async with running_bot(tmp_path, {"knowledge": {}, **PLUGINS}) as running:
        for words in ("markerone", "markertwo", "markerthree"):
            async with ChatClient(running.url) as chat:
                await chat.ask(words)
        yield running


@pytest.fixture
async def linked(bot: RunningBot) -> None:
    """The first two are one customer: the same mailbox is proven in both."""
    mailbox = customers.Contact("email", "anna@example.org")

    def work(tx: Tx) -> None:
        for conversation in (1, 2):
            customers.note_contact(tx, conversation, mailbox, "code", utc_now())
        customers.join(tx, 1, 2)

    await bot.store.write(work)


async def asks(
    bot: RunningBot, text: str, *, turn: str = "t1", wish: str | None = None, of: int = 1
) -> Answer:
    entities = (Entity("privacy_wish", wish),) if wish else ()
    call = ActionCall(
        key=turn,
        turn=turn,
        conversation=of,
        address=Address("", ""),
        arguments={},
        language="de",
        text=text,
        understanding=Understanding("privacy_request", 1.0, entities),
    )
    return await bot.core.actions.call("privacy_request", call, 1)


async def confirms(bot: RunningBot, turn: str, of: int = 1) -> Answer:
    call = ActionCall(
        key=turn, turn=turn, conversation=of, address=Address("", ""), arguments={}, language="de"
    )
    return await bot.core.actions.call("confirm", call, 1)


async def proves(bot: RunningBot, kind: str, *, minutes: float = 30) -> None:
    proof = Proof(kind, "B-1", utc_now() + timedelta(minutes=minutes))
    await bot.store.write(lambda tx: effects.grant(tx, 1, proof))


def copy_in(bot: RunningBot, answer: Answer) -> str:
    (file,) = [file for say in answer.says for file in say.files]
    path = bot.files.path(file)
    assert path is not None
    return path.read_text("utf-8")


def says(answer: Answer) -> list[str | None]:
    return [say.response for say in answer.says]


async def test_without_proof_only_what_is_written_in_is_handed_out(
    bot: RunningBot, linked: None
) -> None:
    answer = await asks(bot, "Welche Daten haben Sie über mich?")
    assert says(answer) == ["utter_privacy_export", "utter_privacy_reach"]
    made = copy_in(bot, answer)
    assert "markerone" in made
    assert "markertwo" not in made
    assert "markerthree" not in made
    assert json.loads(made)["conversations"][0]["number"] == 1


@pytest.mark.parametrize(
    ("kind", "minutes", "reaches"),
    [("channel", 30, True), ("code", 30, True), ("pair", 30, False), ("code", -1, False)],
)
async def test_a_strong_proof_reaches_the_same_customers_other_conversations(
    bot: RunningBot, linked: None, kind: str, minutes: float, reaches: bool
) -> None:
    await proves(bot, kind, minutes=minutes)
    made = copy_in(bot, await asks(bot, "schick mir meine daten"))
    assert ("markertwo" in made) == reaches
    assert "markerthree" not in made


async def test_a_proof_reaches_nothing_that_only_an_agent_has_linked(
    bot: RunningBot, tmp_path: Path
) -> None:
    """A thief knows the label of a parcel, so that an agent takes him for its owner; then he proves

    an order of his own, by a code to his own mailbox. That says nothing about the owner's chats.
    """
    own = customers.Contact("email", "thief@example.org")

    def work(tx: Tx) -> None:
        customers.join(tx, 1, 2)
        customers.note_contact(tx, 1, own, "code", utc_now())

    await bot.store.write(work)
    await proves(bot, "code")
    answer = await asks(bot, "schick mir meine daten")
    assert says(answer) == ["utter_privacy_export", "utter_privacy_reach"]
    assert "markertwo" not in copy_in(bot, answer)
    proposed = await asks(bot, "Löschen Sie meine Daten", turn="t2")
    assert says(proposed) == ["utter_privacy_reach", "utter_privacy_erase_propose"]
    await confirms(bot, "t3")
    await bot.until("SELECT 1 FROM erasures WHERE state = 'done'")
    assert left_in(tmp_path, ("markertwo",)), "the owner's stays"


async def test_who_knows_a_label_erases_no_trail_of_the_order(bot: RunningBot) -> None:
    """A pair is on every parcel: a thief would take out of the log what was done with it."""

    def work(tx: Tx) -> None:
        for of in (1, 2):
            audit.note(tx, "pair", ok=True, now=utc_now(), subject="B-1", conversation=of)

    await bot.store.write(work)
    await proves(bot, "pair")
    await asks(bot, "Löschen Sie meine Daten")
    await confirms(bot, "t2")
    await bot.until("SELECT 1 FROM erasures WHERE state = 'done'")
    rows = await bot.rows("SELECT subject, conversation FROM audit WHERE kind = 'pair' ORDER BY id")
    assert [row["conversation"] for row in rows] == [None, 2]
    assert rows[0]["subject"] != "B-1"
    assert rows[1]["subject"] == "B-1"


async def test_copy_and_erasing_count_the_same_messages(bot: RunningBot) -> None:
    # One counted both sides and the other the customer's alone: 26 were handed out, 12 to go.
    copied = await asks(bot, "schick mir meine daten")
    asked = await asks(bot, "Löschen Sie meine Daten")
    told = [say.facts for answer in (copied, asked) for say in answer.says if say.facts]
    assert told[0]["messages"] == told[1]["messages"] > 1


async def test_a_copy_is_in_the_audit_log(bot: RunningBot) -> None:
    await asks(bot, "schick mir meine daten")
    (line,) = await bot.rows("SELECT * FROM audit")
    assert (line["kind"], line["conversation"], line["actor"]) == ("export", 1, "customer")


async def test_notes_of_the_team_are_not_in_it(bot: RunningBot) -> None:
    def noted(tx: Tx) -> None:
        tx.run(
            "INSERT INTO cases (id, conversation, desk, reason, priority, state, opened_at) "
            "VALUES (1, 1, 'web', 'asked', 'normal', 'closed', '2026')"
        )
        tx.run("INSERT INTO notes VALUES ('n', 1, 1, 'jana', 'internalword', '[]', :at)", at=_NOW)

    await bot.store.write(noted)
    assert "internalword" not in copy_in(bot, await asks(bot, "schick mir meine daten"))


_NOW = "2026-11-27T00:00:00.000000+00:00"


async def test_one_yes_erases_what_was_read_back(
    bot: RunningBot, linked: None, tmp_path: Path
) -> None:
    await proves(bot, "code")
    proposed = await asks(bot, "Löschen Sie meine Daten")
    assert says(proposed) == ["utter_privacy_erase_propose_linked"]
    assert left_in(tmp_path, ("markerone", "markertwo"))
    done = await confirms(bot, "t2")
    assert says(done) == ["utter_privacy_erase_done"]
    again = await confirms(bot, "t3")
    assert says(again)[0] == "utter_already_done"
    await bot.until("SELECT 1 FROM erasures WHERE state = 'done'")
    assert left_in(tmp_path, ("markerone", "markertwo")) == []
    assert left_in(tmp_path, ("markerthree",)), "nobody else's"
    assert len(await bot.rows("SELECT 1 FROM erasures")) == 1


async def test_one_that_was_unlinked_since_stays(
    bot: RunningBot, linked: None, tmp_path: Path
) -> None:
    await proves(bot, "channel")
    await asks(bot, "Löschen Sie meine Daten")
    await bot.store.write(lambda tx: customers.separate(tx, 2, utc_now()))
    await confirms(bot, "t2")
    await bot.until("SELECT 1 FROM erasures WHERE state = 'done'")
    assert left_in(tmp_path, ("markerone",)) == []
    assert left_in(tmp_path, ("markertwo",))


async def test_who_is_being_helped_is_told_to_ask_again(bot: RunningBot) -> None:
    await bot.store.write(
        lambda tx: tx.run(
            "INSERT INTO cases (conversation, desk, reason, priority, state, opened_at) "
            "VALUES (1, 'web', 'asked', 'normal', 'open', '2026')"
        )
    )
    assert says(await asks(bot, "lösch meine daten")) == ["utter_privacy_erase_held"]


async def test_a_question_is_answered_and_a_button_decides(bot: RunningBot) -> None:
    assert says(await asks(bot, "datenschutz", turn="a")) == ["utter_privacy_request"]
    by_button = await asks(bot, "Meine Daten löschen", turn="b", wish="erase")
    assert says(by_button)[-1] == "utter_privacy_erase_propose"
    forged = await asks(bot, "datenschutz", turn="c", wish="everybody")
    assert says(forged)[0] == "utter_privacy_request"


async def test_a_conversation_that_was_erased_is_as_if_new(bot: RunningBot) -> None:
    row = await bot.store.read(lambda tx: conversations.get(tx, 1))
    address = Address(row["channel"], row["address"])
    await asks(bot, "lösch meine daten")
    await confirms(bot, "t2")
    await bot.until("SELECT 1 FROM erasures WHERE state = 'done'")
    assert await bot.store.read(lambda tx: conversations.of_address(tx, address)) is None
    assert await bot.store.read(lambda tx: people.find(tx, "1")) == []
