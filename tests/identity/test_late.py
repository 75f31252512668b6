"""Answers that take hours, as by mail: a yes, a code, a postcode, long after the question."""

from __future__ import annotations

from pathlib import Path

from bot.messages import Features
from bot.store.codec import stamp
from bot.testing import FakeChannel
from tests.identity.conftest import ANY, MAILS, Counters

DAY, HOUR = 24 * 3600, 3600
ASKED = ["utter_code_sent", "utter_ask_code"]
AGAIN = ["utter_yes_needs_proof", "utter_ask_proof"]


def slow() -> FakeChannel:
    """Whose customers answer within two weeks."""
    return FakeChannel("fake", Features(burst_seconds=0.0, session_pause=14 * DAY))


async def test_a_verified_yes_counts_days_later(counter: Counters) -> None:
    """The read-back lived for a quarter of an hour: by mail, nobody ever got an address changed."""
    async with counter(channel=slow()) as c:
        assert await c.says("move order=1", email=MAILS["1"]) == ["move 1?"]
        c.clock.move(2 * DAY)
        assert await c.says("ja", email=MAILS["1"]) == ["move 1 done"]
        assert (await c.audit())[-1] == ("channel", 1, "email", "1")
        c.clock.move(3 * HOUR)
        again = await c.says("ja", email=MAILS["1"])
        assert again == ["utter_already_done", "move 1 done"]
        assert len(c.actions["move"].runs) == 1


async def test_in_a_chat_a_proposal_still_ends_after_minutes(counter: Counters) -> None:
    async with counter() as c:
        assert await c.says("move order=1", email=MAILS["1"]) == ["move 1?"]
        c.clock.move(15 * 60 + 1)
        assert await c.says("ja", email=MAILS["1"]) == ["utter_nothing_open"]


async def test_a_yes_after_two_weeks_runs_nothing(counter: Counters) -> None:
    async with counter(channel=slow()) as c:
        await c.says("move order=1", email=MAILS["1"])
        c.clock.move(14 * DAY + 1)
        assert await c.says("ja", email=MAILS["1"]) == ["utter_nothing_open"]
        assert not c.actions["move"].runs


async def test_a_late_yes_whose_proof_is_over_is_kept_until_there_is_one(counter: Counters) -> None:
    """Asked for details and then for a yes again, a customer who takes hours would never arrive."""
    async with counter(channel=slow(), kinds=ANY) as c:
        assert await c.says("cancel order=1 proof=a") == ["cancel 1?"]
        c.clock.move(3 * HOUR)
        assert await c.says("ja") == AGAIN
        assert not c.actions["cancel"].runs
        c.clock.move(3 * HOUR)
        assert await c.says("proof=a") == ["cancel 1 done"]
        assert [run.key for run in c.actions["cancel"].runs] == [
            row["id"] for row in await c.world.rows("SELECT id FROM proposals")
        ]
        assert (await c.says("ja"))[0] == "utter_already_done"


async def test_wrong_details_do_not_prove_a_late_yes(counter: Counters) -> None:
    async with counter(channel=slow(), kinds=ANY) as c:
        await c.says("cancel order=1 proof=a")
        c.clock.move(3 * HOUR)
        await c.says("ja")
        assert (await c.says("proof=x"))[0] == "utter_pair_wrong"
        assert not c.actions["cancel"].runs


async def test_a_late_yes_to_an_address_is_proven_by_a_code(counter: Counters) -> None:
    async with counter(channel=slow()) as c:
        await c.says("order=1 proof=a")
        assert await c.says(await c.code()) == ["utter_code_right", "move 1?"]
        c.clock.move(3 * HOUR)
        assert await c.says("ja") == AGAIN
        assert await c.says("proof=a") == ASKED
        assert await c.says(await c.code()) == ["utter_code_right", "move 1 done"]


async def test_no_counts_also_while_a_proof_is_asked_for(counter: Counters) -> None:
    async with counter(channel=slow(), kinds=ANY) as c:
        await c.says("cancel order=1 proof=a")
        c.clock.move(3 * HOUR)
        await c.says("ja")
        assert await c.says("nein") == ["utter_proposal_dropped"]
        assert await c.says("cancel order=1 proof=a") == ["cancel 1?"]
        assert not c.actions["cancel"].runs


async def test_a_form_that_begins_anew_does_not_know_of_an_old_yes(counter: Counters) -> None:
    """The dialogue ends a form at a "no" by itself, and the core does not hear of it."""
    async with counter(channel=slow(), kinds=ANY) as c:
        await c.says("cancel order=1 proof=a")
        c.clock.move(3 * HOUR)
        await c.says("ja")
        assert await c.says("cancel order=1 proof=a") == ["cancel 1?"]
        assert not c.actions["cancel"].runs


async def test_what_is_different_now_is_read_back(counter: Counters) -> None:
    async with counter(channel=slow(), kinds=ANY) as c:
        await c.says("cancel order=1 proof=a")
        c.clock.move(3 * HOUR)
        await c.says("ja")
        await c.world.store.write(lambda tx: tx.run("UPDATE proposals SET version = '0'"))
        assert await c.says("proof=a") == ["cancel 1?"]
        assert not c.actions["cancel"].runs


async def test_a_verified_mail_does_not_vouch_for_the_yes_before_it(counter: Counters) -> None:
    """Who forged the yes would have it carried out by whatever the customer writes next."""
    async with counter(channel=slow()) as c:
        assert await c.says("move order=1", email=MAILS["1"]) == ["move 1?"]
        assert await c.says("ja") == AGAIN
        assert await c.says("proof=?", email=MAILS["1"]) == ["move 1?"]
        assert not c.actions["move"].runs
        assert await c.says("ja", email=MAILS["1"]) == ["move 1 done"]


async def test_a_kill_in_the_middle_of_what_a_late_yes_runs_is_no_second_change(
    counter: Counters, tmp_path: Path
) -> None:
    async with counter(channel=slow(), kinds=ANY) as c:
        await c.says("cancel order=1 proof=a")
        c.clock.move(3 * HOUR)
        await c.says("ja")
        await c.says("proof=a")
        (call,) = await c.world.rows("SELECT * FROM calls WHERE effect = 1")
        assert (call["action"], call["name"], call["status"]) == ("cancel", "cancel", "done")
        # As the file is when the process dies before the result is written.
        await c.world.store.write(
            lambda tx: tx.run("UPDATE calls SET result = NULL, status = 'started' WHERE effect = 1")
        )
    async with counter(tmp_path, clock=c.clock, channel=slow(), kinds=ANY) as after:
        await after.world.until("SELECT 1 FROM calls WHERE effect = 1 AND result IS NOT NULL")
        assert not after.actions["cancel"].runs


async def test_a_late_code_gets_a_new_one_at_once(counter: Counters) -> None:
    async with counter(channel=slow()) as c:
        assert await c.says("order=1 proof=a") == ASKED
        late = await c.code()
        c.clock.move(3 * HOUR)
        assert await c.says(late) == ["utter_code_renewed", "utter_ask_code"]
        assert await c.says(late) == ["utter_code_wrong", "utter_ask_code"]
        assert await c.says(await c.code()) == ["utter_code_right", "move 1?"]


async def test_a_late_code_of_a_wrong_pair_looks_the_same_and_sends_nothing(
    counter: Counters,
) -> None:
    async with counter(channel=slow()) as c:
        assert await c.says("order=1 proof=x") == ASKED
        c.clock.move(3 * HOUR)
        assert await c.says("123456") == ["utter_code_renewed", "utter_ask_code"]
        await c.world.mails()
        assert c.mail.sent == []


async def test_late_codes_do_not_go_on_for_ever(counter: Counters) -> None:
    """Each is a mail to whoever the order belongs to."""
    async with counter(channel=slow()) as c:
        await c.says("order=1 proof=a")
        for _ in range(4):
            c.clock.move(HOUR)
            assert (await c.says("123456"))[0] == "utter_code_renewed"
        c.clock.move(HOUR)
        assert await c.says("123456") == ["utter_code_attempts"]


async def test_a_code_from_last_week_begins_with_the_pair(counter: Counters) -> None:
    async with counter(channel=slow()) as c:
        await c.says("order=1 proof=a")
        c.clock.move(7 * DAY)
        before = stamp(c.clock())
        await c.world.store.write(
            lambda tx: tx.run("DELETE FROM codes WHERE expires_at < :now", now=before)
        )
        expected = ["utter_code_expired", "utter_proof_needed", "utter_ask_proof"]
        assert await c.says("123456") == expected
        assert await c.says("proof=a") == ASKED
