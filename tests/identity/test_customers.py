"""One customer over several channels: linked on proof, proposed otherwise, and parted again."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.desk import Case
from bot.messages import Address, Answer, Features, Inbound, Outcome, Proof, Say
from bot.ports import Tx
from bot.store import customers, effects, linking
from bot.store.codec import new_id
from bot.testing import FakeChannel, MovingClock, World, world
from identity.customers import Customers
from plugins.privacy import people

TEXTS = [Path("nlu/domain")]
PHONE, MAIL = "+491701234567", "anna@post.example"


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
async def w(tmp_path: Path, clock: MovingClock) -> AsyncIterator[World]:
    channel = FakeChannel(features=Features(burst_seconds=0.0))
    async with world(tmp_path, texts=TEXTS, channel=channel, clock=clock) as made:
        made.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
        yield made


async def writes(
    w: World, who: str, text: str = "Hallo", *, phone: str | None = None, email: str | None = None
) -> int:
    """Somebody writes; the number of the conversation."""
    address = Address(w.channel.name, who)
    assert isinstance(w.core.inbox.clock, MovingClock)
    w.core.inbox.clock.move(1.0)
    await w.core.inbox.accept(
        Inbound(address, new_id(), text=text, phone=phone, email=email, sender_name=who.title())
    )
    await w.settled()
    (row,) = await w.rows("SELECT id FROM conversations WHERE address = :who", who=who)
    return int(row["id"])


async def proves(
    w: World, conversation: int, kind: str, contact: str | None = None, subject: str = "SG-1001"
) -> None:
    """A proof is granted, as the form that checks it does."""
    proof = Proof(kind, subject, w.core.inbox.clock() + timedelta(minutes=30))
    book = Customers(clock=w.core.inbox.clock)
    found = customers.contact_of(contact) if contact else None

    def grant(tx: Tx) -> None:
        effects.grant(tx, conversation, proof)
        book.on_proof(tx, conversation, proof, found)

    await w.store.write(grant)


async def persons(w: World) -> list[int]:
    """Whose each conversation is."""
    return [
        row["customer"] for row in await w.rows("SELECT customer FROM conversations ORDER BY id")
    ]


async def links(w: World) -> list[tuple[str, str]]:
    rows = await w.rows("SELECT reason, state FROM links ORDER BY one, other")
    return [(row["reason"], row["state"]) for row in rows]


async def audited(w: World) -> list[tuple[str, str, str]]:
    rows = await w.rows("SELECT kind, reason, actor FROM audit ORDER BY id")
    return [(row["kind"], row["reason"], row["actor"]) for row in rows]


async def test_everybody_has_a_customer_of_their_own(w: World) -> None:
    await writes(w, "a")
    await writes(w, "b")
    await writes(w, "a", "noch etwas")
    assert await persons(w) == [1, 2]


async def test_what_two_channels_vouch_for_links_silently(w: World) -> None:
    await writes(w, "a", phone=PHONE)
    await writes(w, "b")
    assert await persons(w) == [1, 2]
    await writes(w, "b", phone=PHONE)
    assert await persons(w) == [1, 1]
    assert await links(w) == [("channel", "linked")]
    assert await audited(w) == [("link", "channel", "customer")]


async def test_a_code_names_the_owner_of_the_address_on_the_order(w: World) -> None:
    chat = await writes(w, "a")
    await proves(w, chat, "code", "Anna@Post.example ")
    await writes(w, "b", email=MAIL)
    assert await persons(w) == [1, 1]


async def test_an_address_counts_for_no_mail_that_is_answered_with_it(w: World) -> None:
    """Two mails make one turn: what stands in the unverified one must not pass for the other's."""
    address = Address(w.channel.name, "thread")
    forged = Inbound(address, new_id(), text="Bitte an Diebesweg 1", email=None)
    own = Inbound(address, new_id(), text="Hallo", email=MAIL)
    await w.core.inbox.accept(forged, own)
    assert [row["email"] for row in await w.rows("SELECT email FROM conversations")] == [None]
    await w.settled()
    await w.core.inbox.accept(replace(own, wire_id=new_id()), replace(own, wire_id=new_id()))
    assert [row["email"] for row in await w.rows("SELECT email FROM conversations")] == [MAIL]
    await w.settled()
    await w.core.inbox.accept(replace(own, wire_id=new_id()), replace(forged, wire_id=new_id()))
    assert [row["email"] for row in await w.rows("SELECT email FROM conversations")] == [None]


async def test_letters_are_not_folded_in_an_address(w: World) -> None:
    """`straße.example` and `strasse.example` are two owners' domains: the second is not the first.

    The same domain in its two spellings is one.
    """
    one = await writes(w, "one", email="anna@xn--strae-oqa.example")
    two = await writes(w, "two", email="anna@strasse.example")
    assert len(set(await persons(w))) == 2, (one, two)
    await proves(w, two, "code", "anna@müller.example")
    three = await writes(w, "three", email="anna@xn--mller-kva.example")
    people_now = await persons(w)
    assert people_now[three - 1] == people_now[two - 1] != people_now[one - 1]


async def test_a_mail_nobody_vouches_for_joins_nothing(w: World) -> None:
    """A forged From: the display address alone must never open somebody's history."""
    chat = await writes(w, "a")
    await proves(w, chat, "code", MAIL)
    mail = await writes(w, "b")
    assert await persons(w) == [1, 2]
    await w.store.write(lambda tx: linking.propose_sender(tx, mail, MAIL, w.core.inbox.clock()))
    assert await persons(w) == [1, 2]
    assert await links(w) == [("sender", "open")]


async def test_a_pair_of_the_same_order_is_only_proposed(w: World) -> None:
    """Order numbers and postcodes stand on every parcel's label."""
    first, second = await writes(w, "a"), await writes(w, "b")
    await proves(w, first, "pair")
    await proves(w, second, "pair")
    await proves(w, second, "pair")
    assert await persons(w) == [1, 2]
    assert await links(w) == [("order", "open")]
    assert await audited(w) == [("link_proposed", "order", "customer")]


async def test_an_agent_accepts_a_proposal(w: World) -> None:
    first = await writes(w, "a", "Die Kanne ist kaputt")
    await proves(w, first, "pair")
    second = await writes(w, "b", "mensch")
    await proves(w, second, "pair")
    mia = await w.agent("U1", "Mia Berg")
    (asked,) = (await shown(w)).related
    assert (asked.conversation, asked.proposed, asked.reason) == (first, True, "order")
    assert "customer: Die Kanne ist kaputt" not in await w.thread()
    assert (await mia.links(first)).done
    (linked,) = (await shown(w)).related
    assert (linked.conversation, linked.proposed) == (first, False)
    assert "customer: Die Kanne ist kaputt" in await w.thread()
    assert (await audited(w))[-1] == ("link", "order", "U1")
    assert any("Mia Berg hat diesen Fall" in line for line in await w.thread())


async def shown(w: World, case: int = 1) -> Case:
    found = await w.core.desk_inbox.case(case)
    assert found is not None
    return found


async def test_a_rejected_proposal_does_not_come_again(w: World) -> None:
    first, second = await writes(w, "a"), await writes(w, "b", "mensch")
    await proves(w, first, "pair")
    await proves(w, second, "pair")
    mia = await w.agent("U1", "Mia Berg")
    assert (await mia.parts(first)).done
    await proves(w, second, "pair")
    assert (await shown(w)).related == ()
    assert await links(w) == [("order", "apart")]
    assert (await audited(w))[-1] == ("link_rejected", "order", "U1")


async def test_new_and_strong_evidence_after_a_refusal_asks_once_more(w: World) -> None:
    """Never silently: an agent has said that they are two."""
    first, second = await writes(w, "a", phone=PHONE), await writes(w, "b", "mensch")
    await proves(w, first, "pair")
    await proves(w, second, "pair")
    mia = await w.agent("U1", "Mia Berg")
    await mia.parts(first)
    await writes(w, "b", phone=PHONE)
    assert await persons(w) == [1, 2]
    assert await links(w) == [("channel", "open")]


async def test_a_link_is_undone_and_the_same_evidence_does_not_make_it_again(w: World) -> None:
    """A family's mailbox: what was parted by hand must stay so with every mail that comes."""
    first = await writes(w, "a", phone=PHONE)
    await writes(w, "b", "mensch", phone=PHONE)
    assert await persons(w) == [1, 1]
    mia = await w.agent("U1", "Mia Berg")
    assert (await mia.parts(first)).done
    one, other = await persons(w)
    assert one != other
    for who in ("a", "b"):
        await writes(w, who, phone=PHONE)
        assert await persons(w) == [one, other]
    await proves(w, first, "channel", PHONE)
    assert await persons(w) == [one, other]
    assert (await shown(w)).related == ()
    assert (await audited(w))[-1] == ("unlink", "agent", "U1")
    assert (await mia.links(first)).done  # and an agent may change their mind
    assert len(set(await persons(w))) == 1


async def test_a_number_of_two_parted_customers_links_a_third_to_neither(w: World) -> None:
    first = await writes(w, "a", "mensch", phone=PHONE)
    second = await writes(w, "b", phone=PHONE)
    mia = await w.agent("U1", "Mia Berg")
    await mia.parts(second)
    third = await writes(w, "c", phone=PHONE)
    assert len(set(await persons(w))) == 3
    found = {(one.conversation, one.proposed) for one in (await shown(w)).related}
    assert found == {(third, True)}
    assert first != third


async def test_a_number_that_was_silent_for_half_a_year_is_only_proposed(
    w: World, clock: MovingClock
) -> None:
    """Its provider may have given it to somebody else, who would be given the chats of before."""
    await writes(w, "telegram", phone=PHONE)
    clock.move(181 * 86400)
    await writes(w, "whatsapp", phone=PHONE)
    assert await persons(w) == [1, 2]
    assert await links(w) == [("channel", "open")]


async def test_forged_senders_do_not_crowd_out_a_card(w: World) -> None:
    """Each forged mail is a conversation with a proposal of its own: the card had them all."""
    victim = await writes(w, "victim", email=MAIL)
    for number in range(8):
        forged = await writes(w, f"forged-{number}")

        def ask(tx: Tx, forged: int = forged) -> None:
            linking.propose_sender(tx, forged, MAIL, w.core.inbox.clock())

        await w.store.write(ask)
    assert len(await links(w)) == 5
    own = await writes(w, "own")
    await proves(w, own, "code", MAIL)
    people_now = await persons(w)
    assert people_now[own - 1] == people_now[victim - 1], "strong evidence is not shut out"


async def test_two_customers_with_several_conversations_become_one(w: World) -> None:
    """The older number stays, and everything of both is there."""
    await writes(w, "a", "mensch", phone=PHONE)
    await writes(w, "b", phone=PHONE)
    third = await writes(w, "c", email=MAIL)
    await writes(w, "d", email=MAIL)
    assert await persons(w) == [1, 1, 3, 3]
    await proves(w, third, "channel", PHONE)
    assert await persons(w) == [1, 1, 1, 1]
    assert len((await shown(w)).related) == 3
    assert await w.rows("SELECT 1 FROM customers WHERE id = 3") == []


async def test_one_of_four_leaves_alone(w: World) -> None:
    for who in "abcd":
        await writes(w, who, "mensch" if who == "a" else "Hallo", phone=PHONE)
    mia = await w.agent("U1", "Mia Berg")
    assert (await mia.parts(1)).done  # its own conversation
    assert len(set(await persons(w))) == 2
    assert (await persons(w))[1:] == [1, 1, 1]
    assert (await shown(w)).related == ()


async def test_a_second_sender_in_a_thread_is_not_the_first(w: World) -> None:
    """A mail thread with a colleague in copy: two people, and neither gets the other's history."""
    await writes(w, "a", email="tom@post.example")
    await writes(w, "b", email=MAIL)
    await writes(w, "b", email="tom@post.example")
    assert await persons(w) == [1, 2]
    assert await links(w) == [("sender", "open")]


async def test_an_open_case_of_the_other_conversation_is_named(w: World) -> None:
    await writes(w, "a", "mensch", phone=PHONE)
    await writes(w, "b", "mensch", phone=PHONE)
    (tom,) = [await w.agent("U2", "Tom Lau", case=2)]
    await tom.takes_over()
    (other,) = (await shown(w)).related
    assert (other.case, other.agent_name) == (2, "Tom Lau")


async def test_lines_of_the_other_conversation_name_their_channel(w: World) -> None:
    await writes(w, "a", "Wo ist mein Paket?", phone=PHONE)
    await writes(w, "b", "mensch", phone=PHONE)
    lines = await w.core.desk_inbox.history(1)
    assert [(line.text, line.channel) for line in lines if line.author == "customer"] == [
        ("Wo ist mein Paket?", w.channel.name),
        ("mensch", None),
    ]


async def test_the_dialogue_goes_on_in_the_other_channel(w: World) -> None:
    """The first turn there knows the slots and what was said; a proof does not come along."""
    first = await writes(w, "a", phone=PHONE)
    known = {"slots": {"order_id": "SG-1001", "name": None}, "generation": 0}
    w.dialogue.replies["Paket?"] = Answer((Say(text="SG-1001"),), state=known)
    await writes(w, "a", "Paket?")
    await proves(w, first, "pair")
    second = await writes(w, "b", "Und wann kommt es?", phone=PHONE)
    turn = w.dialogue.asked[-1]
    assert turn.resumed
    assert turn.state == {"slots": {"order_id": "SG-1001", "name": None}, "generation": 0}
    assert [past.text for past in turn.history][-2:] == ["Paket?", "SG-1001"]
    assert await w.rows("SELECT 1 FROM proofs WHERE conversation = :id", id=second) == []


async def test_a_link_by_an_agent_brings_what_counts_along(w: World) -> None:
    await writes(w, "a")
    w.dialogue.replies["Paket?"] = Answer(
        (Say(text="SG-1001"),), state={"slots": {"order_id": "SG-1001", "mood": "calm"}}
    )
    await writes(w, "a", "Paket?")
    asks = w.dialogue.replies["mensch"]
    assert isinstance(asks, Answer)
    upset = {"slots": {"order_id": None, "mood": "angry"}}
    w.dialogue.replies["mensch"] = replace(asks, state=upset)
    await writes(w, "b", "mensch")
    mia = await w.agent("U1", "Mia Berg")
    assert (await mia.links(1)).done
    await writes(w, "b", "Wo ist es?")
    turn = w.dialogue.asked[-1]
    assert turn.state == {"slots": {"order_id": "SG-1001", "mood": "angry"}}
    assert "Paket?" in [past.text for past in turn.history]


async def test_a_form_is_not_disturbed_by_the_link_that_its_answer_makes(w: World) -> None:
    """Telegram: the contact that is shared in the middle of an address change links WhatsApp."""
    await writes(w, "a", phone=PHONE)
    await writes(w, "b", "Adresse ändern")
    await writes(w, "b", "Mein Kontakt", phone=PHONE)
    assert len(set(await persons(w))) == 1
    turn = w.dialogue.asked[-1]
    assert not turn.resumed
    assert turn.session == w.dialogue.asked[-2].session


async def test_after_a_pause_the_newer_knowledge_counts(w: World, clock: MovingClock) -> None:
    await writes(w, "a", phone=PHONE)
    await writes(w, "b", phone=PHONE)
    w.dialogue.replies["neu"] = Answer((Say(text="ja"),), state={"slots": {"order_id": "SG-2"}})
    await writes(w, "b", "neu")
    clock.move(2 * 3600.0)
    await writes(w, "a", "Und jetzt?")
    assert w.dialogue.asked[-1].state == {"slots": {"order_id": "SG-2"}}


async def test_what_a_wrong_link_brought_along_is_forgotten(w: World) -> None:
    """Or the bot would go on about somebody else's order."""
    await writes(w, "a", phone=PHONE)
    w.dialogue.replies["neu"] = Answer((Say(text="ja"),), state={"slots": {"order_id": "SG-2"}})
    await writes(w, "a", "neu")
    await writes(w, "b", "mensch", phone=PHONE)
    mia = await w.agent("U1", "Mia Berg")
    await mia.parts(1)
    await writes(w, "b", "Und jetzt?")
    turn = w.dialogue.asked[-1]
    assert turn.state is None
    assert "neu" not in [past.text for past in turn.history]


async def test_a_customer_is_exported_and_erased_with_all_conversations(w: World) -> None:
    await writes(w, "a", phone=PHONE)
    await writes(w, "b", phone=PHONE)
    await writes(w, "c")
    assert await w.store.read(lambda tx: people.find(tx, "1")) == [1, 2]
    assert await w.store.read(lambda tx: people.find(tx, f"{w.channel.name}:b")) == [1, 2]
    listed = await w.store.read(people.listed)
    assert sorted(row["id"] for row in listed) == [1, 1, 3]


async def test_an_erased_conversation_is_nobodys(w: World) -> None:
    """Its case is still listed, and names no other conversation."""
    await writes(w, "a", "mensch", phone=PHONE)
    await writes(w, "b", "mensch", phone=PHONE)
    await w.store.write(lambda tx: tx.run("UPDATE conversations SET customer = NULL WHERE id = 2"))
    assert (await shown(w)).related == ()
    assert (await shown(w, 2)).related == ()
    mia = await w.agent("U1", "Mia Berg")
    assert (await mia.links(2)).reason == "no_such_link"
    assert (await mia.parts(2)).reason == "no_such_link"


async def test_there_is_nothing_to_link_or_part(w: World) -> None:
    await writes(w, "a", "mensch")
    await writes(w, "b")
    mia = await w.agent("U1", "Mia Berg")
    for result in (await mia.links(99), await mia.links(1), await mia.parts(2), await mia.parts(1)):
        assert (result.done, result.reason) == (False, "no_such_link")


def test_what_an_older_database_holds_gets_customers() -> None:
    """A migration of a shop that has served for a year."""
    db = sqlite3.connect(":memory:")
    folder = Path("bot/store/migrations")
    for file in sorted(folder.glob("*.sql")):
        if file.name.startswith("0009"):
            db.executescript(
                "INSERT INTO conversations (id, channel, address, language, created_at, last_in_at)"
                " VALUES (3, 'web', 'x', 'de', '26', '26'), (7, 'web', 'y', 'de', '26', '26')"
            )
        db.executescript(file.read_text("utf-8"))
    assert db.execute("SELECT id, customer FROM conversations").fetchall() == [(3, 3), (7, 7)]
    assert db.execute("SELECT id FROM customers").fetchall() == [(3,), (7,)]


@pytest.mark.parametrize(
    ("text", "contact"),
    [
        (" Anna@Post.Example", customers.Contact("email", "anna@post.example")),
        ("+49 170 123-45 67", customers.Contact("phone", PHONE)),
        ("0170 1234567", None),
        ("", None),
    ],
)
def test_a_contact_point_is_written_one_way(text: str, contact: customers.Contact | None) -> None:
    assert customers.contact_of(text) == contact
