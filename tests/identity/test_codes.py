"""A code to the address on the order: entered once, in time, in the same conversation."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bot.messages import Proof
from bot.ports import Retry, Tx
from bot.testing import FakeMail, MovingClock, call_of
from identity.codes import BULLETS
from identity.proofs import Contact
from tests.identity.conftest import MAILS, WRONG_CODE, Counter, Counters, other_than

PAIR = "order=1 proof=a"
ASKED = ["utter_code_sent", "utter_ask_code"]


async def test_a_pair_starts_a_code_and_the_code_proves_the_order(counter: Counters) -> None:
    async with counter() as c:
        assert await c.says(PAIR) == ASKED
        assert not c.actions["move"].proposed
        code = await c.code()
        assert await c.says(code) == ["utter_code_right", "move 1?"]
        assert await c.says("ja") == ["move 1 done"]
        rows = await c.world.rows("SELECT kind, subject FROM proofs")
        assert [tuple(row.values()) for row in map(dict, rows)] == [("code", "1")]
        assert await c.audit() == [
            ("pair", 1, "", "1"),
            ("code_sent", 1, "", "1"),
            ("code", 1, "", "1"),
        ]


async def test_the_mail_says_what_it_is_for_and_what_to_do(counter: Counters) -> None:
    async with counter() as c:
        await c.says(PAIR)
        code = await c.code()
        (mail,) = c.mail.to(MAILS["1"])
        assert code in mail.text
        assert BULLETS not in mail.text
        for said in (
            "Bestellung 1",
            "10 Minuten",
            "auch nicht am Telefon",
            "müssen Sie nichts tun",
        ):
            assert said in mail.text
        assert mail.author == "system"
        assert mail.response == "utter_code_mail"
        assert c.mail.asked[0][0] == MAILS["1"]
        assert c.mail.asked[0][1] is not None


async def test_the_code_is_in_no_table_and_in_no_log(
    counter: Counters, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with counter() as c:
        await c.says(PAIR)
        code = await c.code()
        with closing(sqlite3.connect(tmp_path / "bot.db")) as db:
            dump = "\n".join(db.iterdump())
        assert BULLETS in dump  # the mail is there
        assert code not in dump
        assert code not in caplog.text
    files = sorted(tmp_path.glob("bot.db*"))  # noqa: ASYNC240 - a test may wait for a disk
    assert files
    assert not [file for file in files if code.encode() in file.read_bytes()]


@pytest.mark.parametrize(
    "written", ["{0}", "{0:.3} {0[3]}{0[4]}{0[5]}", "Der Code ist {0}.", "{0}!"]
)
async def test_a_code_may_be_written_as_people_do(counter: Counters, written: str) -> None:
    async with counter() as c:
        await c.says(PAIR)
        code = await c.code()
        assert await c.says(written.format(code)) == ["utter_code_right", "move 1?"]


async def test_a_code_counts_once(counter: Counters) -> None:
    """A replayed code: read over somebody's shoulder, or out of an old mail."""
    async with counter() as c:
        await c.says(PAIR)
        code = await c.code()
        await c.says(code, "ja")
        c.clock.move(31 * 60)  # the proof is over
        assert await c.says(f"move {PAIR}") == ASKED
        assert await c.says(code) == ["utter_code_wrong", "utter_ask_code"]
        assert len(c.actions["move"].runs) == 1


async def test_a_used_code_says_so_where_it_is_still_asked_for(counter: Counters) -> None:
    async with counter() as c:
        await c.says(PAIR)
        code = await c.code()
        await c.says(code)
        c.clock.move(31 * 60)
        c.world.dialogue.slots[1]["requested_slot"] = "code"  # type: ignore[attr-defined]
        assert await c.says(code) == ["utter_code_used", "utter_ask_code"]


async def test_a_code_of_another_conversation_is_none(counter: Counters) -> None:
    async with counter() as c:
        await c.says(PAIR)
        code = await c.code()
        assert await c.says(PAIR, who="thief") == ASKED
        assert await c.says(code, who="thief") == ["utter_code_wrong", "utter_ask_code"]
        assert await c.says(code) == ["utter_code_right", "move 1?"]


async def test_a_code_of_another_order_is_none(counter: Counters) -> None:
    async with counter() as c:
        await c.says(PAIR)
        code = await c.code()
        assert await c.says("move order=2 proof=b") == ASKED
        assert await c.says(code) == ["utter_code_wrong", "utter_ask_code"]
        assert not c.actions["move"].proposed


async def test_a_code_that_went_to_an_address_the_order_no_longer_has_is_over(
    counter: Counters,
) -> None:
    """The shop's team takes a stolen mailbox off the order while its thief holds a code."""
    async with counter() as c:
        await c.says(PAIR)
        code = await c.code()
        c.shop.emails["1"] = "new@example.org"
        # Another is on its way, to the address that the order has now.
        assert await c.says(code) == ["utter_code_renewed", "utter_ask_code"]
        assert ("code", 0, "moved", "1") in await c.audit()
        c.shop.emails["1"] = MAILS["1"]
        assert "utter_ask_code" in await c.says(code), "over for good"
        assert not c.actions["move"].proposed
        c.shop.emails["1"] = "new@example.org"
        c.clock.move(61)
        await c.presses("/new_code")
        await c.world.mails()
        assert await c.says(c.mail.code_to("new@example.org")) == ["utter_code_right", "move 1?"]


async def test_tries_that_are_not_even_compared_are_in_the_log(counter: Counters) -> None:
    """Every check is, success or not: who goes on in the pause, and who has no code at all."""
    async with counter() as c:
        await c.says(PAIR)
        for _ in range(5):
            await c.says(WRONG_CODE)
        slots = c.world.dialogue.slots  # type: ignore[attr-defined]
        slots[1]["requested_slot"] = "code"  # the dialogue has an old turn before it
        assert await c.says(WRONG_CODE) == ["utter_code_paused"]
        assert (await c.audit())[-1] == ("code", 0, "paused", "1")
        await c.says("hallo", who="c2")
        slots[2] = {"requested_slot": "code", "order_id": "2"}
        await c.says(WRONG_CODE, who="c2")
        assert (await c.audit())[-1] == ("code", 0, "none", "2")


async def test_a_code_can_be_entered_for_ten_minutes(counter: Counters) -> None:
    async with counter() as c:
        await c.says(PAIR)
        code = await c.code()
        c.clock.move(10 * 60 - 1)
        assert (await c.says(code))[0] == "utter_code_right"
        c.clock.move(31 * 60)
        await c.says(f"move {PAIR}")
        code = await c.code()
        c.clock.move(10 * 60)
        assert await c.says(code) == ["utter_code_renewed", "utter_ask_code"]
        assert (await c.says(await c.code()))[0] == "utter_code_right"


async def test_five_wrong_tries_and_then_a_pause(counter: Counters) -> None:
    async with counter() as c:
        await c.says(PAIR)
        code = await c.code()
        wrong = other_than(code)
        for _ in range(3):
            assert await c.says(wrong) == ["utter_code_wrong", "utter_ask_code"]
        assert await c.says(wrong) == ["utter_code_wrong_last", "utter_ask_code"]
        assert await c.says(wrong) == ["utter_code_paused"]
        assert await c.says(f"move {PAIR}") == ["utter_code_paused"]
        assert await c.says("move order=2 proof=b") == ASKED  # another order has its own
        c.clock.move(15 * 60 + 1)
        assert await c.says(f"move {PAIR}") == ASKED
        assert await c.says(code) == ["utter_code_wrong", "utter_ask_code"]  # that one is over
        assert (await c.says(await c.code()))[0] == "utter_code_right"


async def test_a_new_code_ends_the_one_before_and_not_within_a_minute(counter: Counters) -> None:
    async with counter() as c:
        await c.says(PAIR)
        first = await c.code()
        assert await c.presses("/new_code") == ["utter_code_wait", "utter_ask_code"]
        c.clock.move(61)
        assert await c.says("kein Code angekommen") == ASKED
        second = await c.code()
        assert len(c.mail.sent) == 2
        assert await c.says(first) == ["utter_code_wrong", "utter_ask_code"]
        assert (await c.says(second))[0] == "utter_code_right"


async def test_a_pair_that_was_proven_before_is_not_asked_for_again(counter: Counters) -> None:
    async with counter() as c:
        assert await c.says(f"track {PAIR}") == ["track 1 done"]
        assert await c.says("move order=1") == ASKED
        assert (await c.says(await c.code()))[0] == "utter_code_right"


async def test_another_wish_for_the_same_sends_no_second_mail(counter: Counters) -> None:
    async with counter() as c:
        await c.says(f"track {PAIR}", "move order=1")
        await c.code()
        assert await c.says("move order=1") == ["utter_ask_code"]
        await c.world.mails()
        assert len(c.mail.sent) == 1


async def test_a_corrected_pair_starts_anew(counter: Counters) -> None:
    async with counter() as c:
        assert await c.says("order=1 proof=x") == ASKED
        assert await c.says("proof=a") == ASKED
        assert (await c.says(await c.code()))[0] == "utter_code_right"


async def test_something_else_is_a_digression_and_digits_too_many_get_a_hint(
    counter: Counters,
) -> None:
    async with counter() as c:
        await c.says(PAIR)
        assert await c.says("wie ist das wetter?") == ["digression", "utter_ask_code"]
        for slip in ("12345", "1234567", "Code 12"):
            assert await c.says(slip) == ["utter_unreadable_code", "utter_ask_code"]
        (row,) = await c.world.rows("SELECT tries FROM codes")
        assert row["tries"] == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("an welche Mail?", ["utter_code_where", "utter_ask_code"]),
        ("ok", ["utter_code_later", "utter_ask_code"]),
        ("falsche Bestellnummer", ["utter_ask_order_id"]),
        ("falsche PLZ", ["utter_ask_proof"]),
    ],
)
async def test_whatever_is_said_while_a_code_is_asked_for_leads_on(
    counter: Counters, text: str, said: list[str]
) -> None:
    """A lost mailbox got an answer about the newsletter, "ok" that nothing waits for a yes."""
    async with counter() as c:
        await c.says(PAIR)
        assert await c.says(text) == said
        if said == ["utter_ask_order_id"]:
            assert await c.says("order=2 proof=b") == ASKED
            assert await c.says(await c.code("2")) == ["utter_code_right", "move 2?"]


async def test_a_wish_that_needs_no_code_asks_for_the_pair_again(counter: Counters) -> None:
    """The mail may never come: where the parcel is must not hang on it. The code still counts."""
    async with counter() as c:
        await c.says(PAIR)
        code = await c.code()
        c.world.dialogue.action = "track"  # type: ignore[attr-defined] - as Rasa changes forms
        assert await c.says("wo ist es") == ["utter_ask_proof"]
        assert await c.says(other_than(code)) == ["utter_code_wrong", "utter_ask_code"]
        assert await c.says("proof=a") == ["track 1 done"]
        assert (await c.says("move order=1"))[-1] == "utter_ask_code"
        assert await c.says(code) == ["utter_code_right", "move 1?"]


async def test_a_pair_that_was_proven_since_ends_the_decoy_of_a_slip(counter: Counters) -> None:
    """A slip in the postcode, then the right one elsewhere: no code would ever have come."""
    async with counter() as c:
        assert await c.says("order=1 proof=x") == ASKED
        assert await c.says("track order=1 proof=a") == ["track 1 done"]
        assert await c.says("move order=1") == ASKED
        assert await c.says(await c.code()) == ["utter_code_right", "move 1?"]


async def test_an_address_that_the_customer_gives_gets_no_code(counter: Counters) -> None:
    """Whoever knows the pair could have the code sent to themselves."""
    async with counter() as c:
        await c.says(PAIR, "bitte an thief@example.net schicken", email="thief@example.net")
        await c.world.mails()
        assert {out.address.id for out in c.mail.sent} == {f"thread:{MAILS['1']}"}


@pytest.mark.parametrize("pair", ["order=1 proof=x", "order=9 proof=a", "order=3 proof=c"])
async def test_a_wrong_pair_an_unknown_order_and_one_without_address_sound_alike(
    counter: Counters, pair: str
) -> None:
    async with counter() as c:
        assert await c.says(pair) == ASKED
        for _ in range(3):
            assert await c.says(WRONG_CODE) == ["utter_code_wrong", "utter_ask_code"]
        assert await c.says(WRONG_CODE) == ["utter_code_wrong_last", "utter_ask_code"]
        assert await c.says(WRONG_CODE) == ["utter_code_paused"]
        await c.world.mails()
        assert c.mail.sent == []


async def test_a_decoy_and_a_code_read_the_same_word_by_word(counter: Counters) -> None:
    """All that is said on every way out, and not only the names of the texts."""

    async def told(c: Counter, who: str, pair: str) -> list[str]:
        await c.says(pair, WRONG_CODE, who=who)
        c.clock.move(61)
        await c.presses("/new_code", who=who)
        c.clock.move(11 * 60)
        await c.says(WRONG_CODE, who=who)
        await c.presses("/new_code", who=who)
        await c.says(*[WRONG_CODE] * 5, who=who)
        await c.says(f"move {pair}", who=who)
        return [out.text for out in c.world.channel.sent if out.address.id == who]

    async with counter() as c:
        right = await told(c, "owner", PAIR)
        assert len(right) > 10
        assert await told(c, "stranger", "order=2 proof=x") == right
        assert await told(c, "guesser", "order=9 proof=x") == right


async def test_a_mail_that_was_late_does_not_go_out_with_a_dead_code(counter: Counters) -> None:
    async with counter() as c:
        c.mail.faults.append(Retry(after=11 * 60.0))
        await c.says(PAIR)
        await c.world.store.write(lambda tx: tx.run("UPDATE timers SET due = '2000'"))
        await c.world.wake()
        await c.world.until("SELECT 1 FROM outbox WHERE reason = 'retry'")
        c.clock.move(11 * 60 + 1)
        await c.world.wake()
        (row,) = await c.world.until("SELECT text, reason FROM outbox WHERE state = 'failed'")
        assert row["reason"] == "code_over"
        assert BULLETS in row["text"]
        assert c.mail.sent == []
        await c.world.settled()
        assert await c.world.rows("SELECT * FROM cases") == []  # no agent could do anything


async def test_a_dead_letter_of_a_code_is_sent_with_the_code_or_not_at_all(
    counter: Counters,
) -> None:
    """A replayed row that lost its reference would bring the customer six bullets."""
    from bot.ports import Reject
    from bot.store import dead

    async with counter() as c:
        c.mail.faults.append(Reject("down"))
        await c.says(PAIR)
        await c.world.mails()
        (row,) = await c.world.rows("SELECT id FROM outbox WHERE state = 'failed'")
        now = c.clock()
        await c.world.store.write(lambda tx: dead.replay(tx, row["id"], now))
        await c.world.settled()
        assert (await c.says(c.mail.code_to(MAILS["1"])))[0] == "utter_code_right"


# --- a kill between the steps


def crash_image(folder: Path) -> Path:
    copy = folder / "after"
    copy.mkdir()
    for file in folder.glob("bot.db*"):
        shutil.copy(file, copy / file.name)
    return copy


async def test_killed_before_the_mail_was_made_it_is_made_once(
    counter: Counters, tmp_path: Path
) -> None:
    clock, mail = MovingClock(), FakeMail()
    async with counter(clock=clock) as c:
        await c.says(PAIR)
        assert c.mail.sent == []
        image = crash_image(tmp_path)
    async with counter(image, clock=clock, mail=mail) as c:
        c.world.dialogue.slots[1] = {"order_id": "1", "requested_slot": "code"}  # type: ignore[attr-defined]
        code = await c.code()
        await c.world.mails()
        assert len(mail.sent) == 1
        assert (await c.says(code))[0] == "utter_code_right"


async def test_a_turn_that_is_asked_again_starts_one_code_and_tries_once(
    counter: Counters,
) -> None:
    """Killed after the write and before the result was recorded: the turn comes again."""
    async with counter() as c:
        await c.says(PAIR)
        turn = c.world.dialogue.asked[0]
        action = c.actions["move"]
        again = replace(call_of(turn), understanding=call_of(turn).understanding)
        filling = await c.world.core.identities.fill(action, again)
        assert filling.ask == "code"
        (row,) = await c.world.rows("SELECT count(*) AS n FROM codes")
        assert row["n"] == 1
        code = await c.code()
        await c.says(other_than(code))
        turn = c.world.dialogue.asked[-1]
        call = call_of(turn, order_id="1", requested_slot="code")
        filling = await c.world.core.identities.fill(action, call)
        assert [say.facts for say in filling.says] == [{"left": 4}]
        # Right, and granted, and then killed: the digits are no order's number the second time.
        await c.says(code)
        turn = c.world.dialogue.asked[-1]
        call = call_of(turn, order_id="1", requested_slot="code")
        filling = await c.world.core.identities.fill(action, call)
        assert (filling.ask, filling.slots["order_id"]) == (None, "1")


async def test_a_proof_calls_the_hook_in_its_own_transaction(counter: Counters) -> None:
    calls: list[tuple[int, str, Contact | None]] = []

    def hook(_tx: Tx, conversation: int, proof: Proof, contact: Contact | None) -> None:
        calls.append((conversation, proof.kind, contact))

    async with counter(on_proof=hook) as c:
        await c.says(PAIR)
        await c.says(await c.code())
        await c.says("order=1", who="w", phone="+491713920001")
        await c.says("order=2", who="m", email=MAILS["2"].upper())
        await c.says(f"track {PAIR}", who="p")
    assert calls == [
        (1, "code", Contact("email", MAILS["1"])),
        (3, "channel", Contact("phone", "+491713920001")),
        (4, "channel", Contact("email", MAILS["2"].upper())),
        (5, "pair", None),
    ]
