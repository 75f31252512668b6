"""What somebody learns who tries: nothing from words, work or time, and no code by guessing."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import Turn
from bot.ports import Row, Store, Tx
from bot.store import personal
from bot.store.personal_core import TABLES
from bot.testing import call_of
from identity.keys import Keyed
from identity.limits import Limits
from identity.reading import (
    LATER,
    NEW_CODE,
    OTHER_ORDER,
    OTHER_SECRET,
    UNREADABLE,
    WHERE,
    beside,
    read,
)
from tests.identity.conftest import MAILS, Counter, Counters, FakeShop

PAIR = "order=1 proof=a"
TRIED = {
    "right": PAIR,
    "wrong": "order=1 proof=x",
    "unknown": "order=9 proof=a",
    "without an address": "order=3 proof=c",
}
ROOMY = Limits(
    wrong_pairs=10**6,
    starts=10**6,
    codes_per_order=10**6,
    tries_per_order=10**6,
    wrong_per_hour=10**6,
    codes_per_hour=10**6,
)


# --- guessing


@pytest.mark.timeout(180)
async def test_a_thousand_guesses_over_many_conversations_find_no_code(counter: Counters) -> None:
    """The thief knows the pair (a parcel's label has it) and takes a new cookie whenever paused.

    Twenty-five guesses at codes that exist are all that a day gives, at a million possibilities.
    """
    async with counter(limits=replace(Limits(), wrong_per_hour=10**6)) as c:
        randomly, guesses, answers = random.Random(1), 0, set[str]()
        for thief in range(200):
            turn = await turn_of(c, f"thief-{thief}")
            await step(c, turn, PAIR, f"{thief}")
            for _ in range(5):
                asks = {"order_id": "1", "requested_slot": "code"}
                digits = f"{randomly.randrange(10**6):06}"
                filling = await step(c, turn, digits, f"{guesses}", **asks)
                answers |= {say.response for say in filling.says}
                guesses += 1
        assert answers == {"utter_code_wrong", "utter_code_wrong_last"}
        await c.world.mails()
        assert guesses == 1000
        assert not c.actions["move"].proposed
        assert await c.world.rows("SELECT 1 FROM proofs") == []
        (row,) = await c.world.rows(
            "SELECT sum(tries) AS tries, sum(mailed) AS mails FROM codes WHERE mailed"
        )
        assert row["tries"] <= 5 * row["mails"] <= 25
        (noted,) = await c.world.rows("SELECT count(*) AS n FROM audit WHERE kind = 'code'")
        assert noted["n"] == 1000
        # The owner is not shut out: the channel and a person are always there.
        assert await c.says("order=1", who="owner", email=MAILS["1"]) == ["move 1?"]


# --- the same work


@dataclass
class SpyStore:
    """Writes down the statements of what goes through it."""

    store: Store
    said: list[str] = field(default_factory=list)

    async def write(self, work: Callable[[Tx], Any], /) -> Any:
        self.said.append("write")
        return await self.store.write(lambda tx: work(_Spy(tx, self.said)))

    async def read(self, work: Callable[[Tx], Any], /) -> Any:
        self.said.append("read")
        return await self.store.read(lambda tx: work(_Spy(tx, self.said)))


@dataclass
class _Spy:
    tx: Tx
    said: list[str]

    def rows(self, sql: str, /, **values: Any) -> list[Row]:
        self.said.append(sql)
        return self.tx.rows(sql, **values)

    def row(self, sql: str, /, **values: Any) -> Row | None:
        self.said.append(sql)
        return self.tx.row(sql, **values)

    def run(self, sql: str, /, **values: Any) -> int:
        self.said.append(sql)
        return self.tx.run(sql, **values)

    def notify(self, topic: str, subject: Any = None) -> None:
        self.said.append(f"notify {topic}")
        self.tx.notify(topic, subject)


async def turn_of(c: Counter, who: str) -> Turn:
    await c.says("hallo", who=who)
    return c.world.dialogue.asked[-1]


async def step(c: Counter, turn: Turn, text: str, key: str, **slots: Any) -> Any:
    """One step of the form, as the action server asks for it."""
    call = replace(call_of(turn, "none", **slots), text=text, turn=key)
    return await c.world.core.identities.fill(c.actions["move"], call)


async def test_every_pair_costs_the_same_statements_and_the_same_questions_to_the_shop(
    counter: Counters,
) -> None:
    async with counter(limits=ROOMY) as c:
        identities: Any = c.world.core.identities
        done: dict[str, list[list[str]]] = {}
        for name, pair in TRIED.items():
            turn = await turn_of(c, name)
            identities.store, c.shop.calls = SpyStore(c.world.store), []
            spy = identities.store
            order = pair.split()[0].removeprefix("order=")
            asks = {"order_id": order, "requested_slot": "code"}
            await step(c, turn, pair, f"{name}-1")
            await step(c, turn, "000000", f"{name}-2", **asks)
            c.clock.move(61)
            await step(c, turn, "neuer Code", f"{name}-3", **asks)
            c.clock.move(11 * 60)
            await step(c, turn, "000000", f"{name}-4", **asks)
            identities.store = c.world.store
            done[name] = [spy.said, c.shop.calls]
        assert done["right"][1] == ["check_pair", *["email_of"] * 5]
        assert len(done["right"][0]) > 50
        for name in TRIED:
            assert done[name] == done["right"], name


# --- the copy of one's data


async def test_the_copy_that_the_chat_hands_out_tells_nothing_about_a_pair(
    counter: Counters,
) -> None:
    """It had the rows of codes and checks: whether the pair was right, and the order's address."""

    async def copied(c: Counter, conversation: int) -> dict[str, Any]:
        tables = [table for table in TABLES if not table.internal]
        return await c.world.store.read(
            lambda tx: personal.export(tx, tables, personal.gather(tx, [conversation]))
        )

    async with counter() as c:
        for number, pair in enumerate(TRIED.values(), 1):
            await c.says(pair, "000000", who=f"c{number}")
        copies = [await copied(c, number) for number in range(1, len(TRIED) + 1)]
        assert all("inbox" in copy and "calls" in copy for copy in copies)
        assert MAILS["1"] not in str(copies)
        assert {"codes", "audit", "attempts", "links", "alarms"}.isdisjoint(copies[0])
        shapes = [
            {name: [sorted(row) for row in rows] for name, rows in copy.items()} for copy in copies
        ]
        assert all(shape == shapes[0] for shape in shapes)


# --- the same time


class ChattyShop(FakeShop):
    """Takes ten milliseconds longer where there is an address: what the test must notice."""

    async def email_of(self, subject: str) -> str | None:
        if subject in MAILS:
            await asyncio.sleep(0.01)
        return await super().email_of(subject)


ROUNDS = 120


async def shifts(c: Counter) -> dict[str, float]:
    """How much longer a right pair takes than each other, as a part of what a step takes.

    Each round tries all of them in another order, so that a slow moment of the machine hits all
    alike; the median of the rounds' differences leaves out what hit one.
    """
    turn, randomly = await turn_of(c, "thief"), random.Random(7)
    took: dict[str, list[float]] = {name: [] for name in TRIED}
    for number in range(ROUNDS + 10):
        names = list(TRIED)
        randomly.shuffle(names)
        for name in names:
            began = time.perf_counter()
            filling = await step(c, turn, TRIED[name], f"{turn.key}-{number}-{name}")
            took[name].append(time.perf_counter() - began)
            assert filling.ask == "code"
    usual = statistics.median(took["right"][10:])
    return {
        name: statistics.median(
            right - other for right, other in zip(took["right"][10:], times[10:], strict=True)
        )
        / usual
        for name, times in took.items()
        if name != "right"
    }


async def test_a_right_pair_takes_as_long_as_any_other(counter: Counters) -> None:
    async with counter(limits=ROOMY) as c:
        # A difference that is there shows each time; one of a busy machine does not.
        for _ in range(3):
            found = await shifts(c)
            if all(abs(shift) < 0.15 for shift in found.values()):
                return
        raise AssertionError(found)


async def test_the_comparison_of_times_notices_ten_milliseconds(counter: Counters) -> None:
    async with counter(limits=ROOMY, identify=ChattyShop()) as c:
        found = await shifts(c)
        assert found["unknown"] > 0.15, found


# --- codes and what is read as one


@given(st.text(min_size=1, max_size=40))
def test_a_code_is_always_six_digits_and_fits_its_own_row_alone(row: str) -> None:
    keyed = Keyed()
    digits = keyed.digits(row)
    assert len(digits) == 6
    assert digits.isdecimal()
    assert keyed.fits(row, keyed.hash(row, digits), digits)
    assert not keyed.fits(f"{row}x", keyed.hash(row, digits), digits)
    assert not Keyed().fits(row, keyed.hash(row, digits), digits)


@given(st.text(min_size=1, max_size=40), st.integers(0, 999_999))
def test_no_digits_fit_a_decoy(row: str, number: int) -> None:
    keyed = Keyed()
    assert not keyed.fits(row, keyed.hash(row, ""), f"{number:06}")


def test_codes_are_spread_over_all_digits() -> None:
    keyed = Keyed()
    codes = {keyed.digits(str(number)) for number in range(2000)}
    assert len(codes) > 1990
    for place in range(6):
        assert {code[place] for code in codes} == set("0123456789")


@given(
    st.integers(0, 999_999),
    st.sampled_from(
        ["{}", " {} ", "{}.", "{}!", "Code {}", "der code ist {}", "mein Code: {}", "{} danke"]
    ),
    st.sampled_from(["", " ", "-", "\u2013"]),
)
def test_six_digits_are_a_code_in_every_spelling(number: int, around: str, between: str) -> None:
    digits = f"{number:06}"
    for size in (2, 3):
        parts = between.join(digits[at : at + size] for at in range(0, 6, size))
        assert read(around.format(parts), None) == digits


@given(st.text(max_size=200))
def test_whatever_is_written_is_read_without_an_exception(text: str) -> None:
    found = read(text, None)
    words = (None, NEW_CODE, UNREADABLE, WHERE, OTHER_ORDER, OTHER_SECRET, LATER)
    assert found in words or (len(found) == 6 and found.isdecimal())


@pytest.mark.parametrize(
    "text",
    [
        "B-100234",
        "b 100234",
        "#100234",
        "Bestellung 100234",
        "die Bestellnummer ist 100234",
        "order 100234",
        "B-100235, PLZ 20095",
        "100235, 20095",
        "PLZ 50674",
        "postcode 50674",
        "anna.482913@example.org",
        "Lindenweg 4, 50674 Köln",
        "wie lange dauert der Versand?",
        "ich habe einen Gutscheincode 12",
        "100235 20095",
        "100235, PLZ 20095",
        "Lindenweg 4, 506744 Köln",
        "falsche Bestellnummer, ich meine B-100248",
        "Wo ist mein Paket?",
        "mein Paket ist nicht mehr da",
        "eins zwei drei",
    ],
)
def test_orders_postcodes_and_questions_are_no_code(text: str) -> None:
    assert read(text, None) is None


@pytest.mark.parametrize(
    "text",
    [
        "neuer Code",
        "Neuen Code bitte",
        "ich habe keinen Code bekommen",
        "kein Code angekommen",
        "keine E-Mail bekommen",
        "der Code ist nicht angekommen",
        "Code kam nicht an",
        "es ist nichts angekommen",
        "bitte nochmal einen Code schicken",
        "new code please",
        "I didn't get the code",
        "no email arrived",
        "send it again",
        "resend the code",
        "I can't find any email",
        "ich finde keine Mail",
    ],
)
def test_people_ask_for_a_new_code_in_their_words(text: str) -> None:
    assert read(text, None) == NEW_CODE


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("an welche E-Mail-Adresse ging das?", WHERE),
        ("which email did you send it to?", WHERE),
        ("ich habe keinen Zugriff mehr auf die Mail", WHERE),
        ("I no longer have access to that email", WHERE),
        ("die E-Mail-Adresse gibt es nicht mehr", WHERE),
        ("I can't access it, no access to my inbox", WHERE),
        ("falsche Bestellnummer", OTHER_ORDER),
        ("ich glaube, die Bestellnummer war falsch", OTHER_ORDER),
        ("wrong order number", OTHER_ORDER),
        ("die PLZ stimmt nicht", OTHER_SECRET),
        ("wrong postcode", OTHER_SECRET),
        ("ok", LATER),
        ("Moment bitte", LATER),
        ("ja, danke!", LATER),
        ("ich schaue nach", LATER),
        ("one moment please", LATER),
        ("vier acht zwei neun eins drei", "482913"),
        ("Der Code lautet: vier acht zwo neun eins 3", "482913"),
        ("four eight two nine one three", "482913"),
        ("482913, neue Adresse: Lindenweg 4, 50674 Köln", "482913"),
        ("Code 482 913. Bitte an Lindenweg 4, 50674 Köln", "482913"),
    ],
)
def test_what_else_people_say_while_a_code_is_asked_for(text: str, meant: str) -> None:
    assert read(text, None) == meant


def test_what_stands_beside_a_code_is_read_too() -> None:
    rest = "neue Adresse: Lindenweg 4, 50674 Köln"
    assert beside(f"482913, {rest}", "482913") == rest
    assert beside("der Code ist 482 913 danke", "482913") == ""


@pytest.mark.parametrize(
    "text", ["12345", "1234567", "12 34 5", "48291", "code 4829", "482913 482914"]
)
def test_digits_that_are_no_code_get_a_hint(text: str) -> None:
    assert read(text, None) == UNREADABLE
