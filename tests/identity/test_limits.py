"""Limits against guessing: by identity, by order and in all; and what they leave the owner."""

from __future__ import annotations

import json

from bot.testing import FakeMail
from identity.limits import Limits
from tests.identity.conftest import MAILS, PHONE, Counter, Counters

ASKED = ["utter_code_sent", "utter_ask_code"]
PAIR = "order=1 proof=a"
WRONG = ["utter_pair_wrong", "utter_ask_order_id"]


async def guesses(c: Counter, count: int, order: str = "1") -> list[str]:
    """Wrong pairs, each of somebody new: a web chat's cookie costs nothing."""
    last: list[str] = []
    for number in range(count):
        last = await c.says(f"track order={order} proof=x{number}", who=f"cookie-{number}-{order}")
    return last


async def test_a_number_does_not_begin_anew_on_another_channel(counter: Counters) -> None:
    async with counter() as c:
        for number in range(4):
            assert await c.says("track order=2 proof=x", who=f"t{number}", phone=PHONE) == WRONG
        last = await c.says("track order=2 proof=x", who="t5", phone=PHONE)
        assert last == ["utter_pair_locked"]
        assert await c.says("track order=2 proof=b", who="t6", phone=PHONE) == ["utter_pair_locked"]
        assert await c.says("track order=2 proof=b", who="else") == ["track 2 done"]


async def test_a_mailbox_does_not_begin_anew_in_another_thread(counter: Counters) -> None:
    async with counter() as c:
        for number in range(5):
            box = {"email": ("Eve@Example.net", "eve@example.net")[number % 2]}
            last = await c.says("track order=2 proof=x", who=f"thread-{number}", **box)
        assert last == ["utter_pair_locked"]


async def test_after_ten_wrong_pairs_an_order_needs_a_code(counter: Counters) -> None:
    """With cookies that cost nothing a postcode would be found; a mailbox is not."""
    async with counter() as c:
        assert await guesses(c, 10) == WRONG
        asked = len(c.shop.checked)
        assert await c.says("track order=1 proof=x", who="guesser") == ASKED
        assert await c.says(f"track {PAIR}", who="owner") == ASKED
        assert len(c.shop.checked) == asked + 2
        assert (await c.says(await c.code(), who="owner")) == ["utter_code_right", "track 1 done"]
        assert await c.says("track order=1", who="phone", phone=PHONE) == ["track 1 done"]
        assert await c.says("track order=2 proof=b", who="other") == ["track 2 done"]
        c.clock.move(24 * 3600 + 1)
        assert await c.says(f"track {PAIR}", who="later") == ["track 1 done"]


async def test_an_order_that_nobody_has_is_limited_alike(counter: Counters) -> None:
    async with counter() as c:
        await guesses(c, 10, "999")
        assert await c.says("track order=999 proof=x", who="guesser") == ASKED


async def test_without_mail_a_limited_order_goes_to_a_person_unchecked(counter: Counters) -> None:
    async with counter(sends=False) as c:
        await guesses(c, 10)
        asked = len(c.shop.checked)
        assert await c.says(f"track {PAIR}", who="owner") == ["utter_pair_limited"]
        assert await c.says("track order=1 proof=x", who="guesser") == ["utter_pair_limited"]
        assert len(c.shop.checked) == asked
        cases = await c.world.core.desk_inbox.cases()
        assert {case.reason for case in cases} == {"pair_limited"}
        assert await c.says("track order=1", who="phone", phone=PHONE) == ["track 1 done"]


async def test_a_burst_alarms_once_and_then_pairs_alone_do_not_suffice(counter: Counters) -> None:
    """One guess at each of many orders passes every other limit."""
    async with counter(limits=Limits(wrong_per_hour=20)) as c:
        for number in range(20):
            await c.says(f"track order={1000 + number} proof=x", who=f"cookie-{number}")
        (alarm,) = await c.world.rows("SELECT kind, facts FROM alarms")
        assert alarm["kind"] == "identity_burst"
        assert json.loads(alarm["facts"]) == {"limit": "wrong_per_hour", "count": 20}
        assert await c.says("track order=1001 proof=x", who="next") == ASKED
        assert await c.says("track order=2 proof=b", who="owner") == ASKED
        assert (await c.says(await c.code("2"), who="owner"))[-1] == "track 2 done"
        assert len(await c.world.rows("SELECT 1 FROM alarms")) == 1
        c.clock.move(3600 + 1)
        assert await c.says("track order=2 proof=b", who="later") == ["track 2 done"]


async def test_wrong_codes_are_a_burst_too(counter: Counters) -> None:
    async with counter(limits=Limits(wrong_per_hour=20)) as c:
        for number in range(4):
            await c.says(PAIR, *["000000"] * 5, who=f"cookie-{number}")
        (alarm,) = await c.world.rows("SELECT facts FROM alarms")
        assert json.loads(alarm["facts"])["limit"] == "wrong_per_hour"


async def test_a_mailbox_gets_five_codes_a_day_and_the_sixth_sounds_the_same(
    counter: Counters,
) -> None:
    """Somebody who knows the pair must not flood the owner's mailbox."""
    async with counter() as c:
        for number in range(7):
            assert await c.says(PAIR, who=f"c{number}") == ASKED
        await c.world.mails()
        assert len(c.mail.to(MAILS["1"])) == 5
        reasons = [line[2] for line in await c.audit() if line[0] == "code_sent"]
        assert reasons == [""] * 5 + ["limited_order"] * 2
        assert await c.says("order=1", who="owner", phone=PHONE) == ["move 1?"]


async def test_who_does_not_know_the_pair_cannot_use_up_the_owners_codes(
    counter: Counters,
) -> None:
    async with counter() as c:
        for number in range(12):
            await c.says("order=1 proof=x", *["000000"] * 5, who=f"cookie-{number}")
        assert await c.says(PAIR, who="owner") == ASKED
        assert (await c.says(await c.code(), who="owner"))[-1] == "move 1?"


async def test_somebody_who_asks_for_a_sixth_code_gets_a_person(counter: Counters) -> None:
    async with counter() as c:
        for order in ("1", "2", "9", "8", "7"):  # right, wrong, unknown: all count
            assert await c.says(f"move order={order} proof=a") == ASKED
        assert await c.says("move order=6 proof=a") == ["utter_code_attempts"]
        (case,) = await c.world.core.desk_inbox.cases()
        assert (case.reason, case.priority) == ("code_attempts", "high")


async def test_the_fifth_code_can_still_be_entered_and_a_right_one_counts_no_more(
    counter: Counters,
) -> None:
    async with counter() as c:
        for order in ("9", "8", "7", "6", "1"):
            await c.says(f"move order={order} proof=a")
        assert (await c.says(await c.code()))[0] == "utter_code_right"
        assert await c.says("move order=2 proof=b") == ASKED


async def test_codes_of_all_customers_have_a_limit_and_an_alarm(counter: Counters) -> None:
    limits = Limits(codes_per_hour=10, codes_per_order=100)
    async with counter(limits=limits, mail=FakeMail()) as c:
        for number in range(12):
            assert await c.says("order=2 proof=b", who=f"c{number}") == ASKED
        await c.world.mails()
        assert len(c.mail.sent) == 10
        (alarm,) = await c.world.rows("SELECT facts FROM alarms")
        assert json.loads(alarm["facts"])["limit"] == "codes_per_hour"


async def test_old_counts_are_forgotten_and_addresses_do_not_stay(counter: Counters) -> None:
    async with counter() as c:
        await c.says("order=2 proof=b", who="m")
        c.clock.move(11 * 60)
        await c.says("order=9 proof=b", who="n")
        (row,) = await c.world.rows("SELECT email FROM codes WHERE subject = '2'")
        assert row["email"] is None
        c.clock.move(3 * 24 * 3600)
        await c.says(PAIR, who="o")
        assert [row["subject"] for row in await c.world.rows("SELECT subject FROM codes")] == ["1"]
        assert await c.world.rows("SELECT 1 FROM attempts WHERE subject <> '1'") == []
