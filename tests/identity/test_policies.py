"""Which proofs suffice: as an action declares, by setting, and where no code can be sent."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest
from pydantic import BaseModel

from bot.messages import Features
from bot.testing import FakeAction, FakeChannel
from host.errors import Fatal, Invalid
from host.identity import KEY_FILE, KEY_VARIABLE, key_of
from host.settings import load
from identity.policies import Policies
from plugins.change_address.action import ChangeAddress
from tests.identity.conftest import ANY, MAILS, PHONE, STRONG, Counters

ASKED = ["utter_code_sent", "utter_ask_code"]
PAIR = "order=1 proof=a"


def test_an_address_is_changed_by_channel_or_code_alone() -> None:
    """A parcel's label has the order's number and the postcode on it."""
    assert ChangeAddress.policy.proofs == STRONG


@pytest.mark.parametrize(
    ("without", "sends", "expected"),
    [
        ("agent", True, STRONG),
        ("pair", True, STRONG),
        ("agent", False, STRONG),
        ("pair", False, STRONG | {"pair"}),
    ],
)
def test_what_an_installation_without_mail_takes(
    without: str, sends: bool, expected: frozenset[str]
) -> None:
    policies = Policies({}, without, sends)  # type: ignore[arg-type]
    assert policies.of(FakeAction("move", proofs=STRONG)).proofs == expected
    assert policies.of(FakeAction("track", proofs=ANY)).proofs == ANY


async def test_the_number_or_the_verified_mail_on_the_order_needs_no_code(
    counter: Counters,
) -> None:
    async with counter() as c:
        assert await c.says("order=1", phone=PHONE) == ["move 1?"]
        assert await c.says("order=2", who="c2", email=MAILS["2"].upper()) == ["move 2?"]
        assert await c.says("order=1", who="c3", email=MAILS["2"]) == ["utter_ask_proof"]
        assert await c.audit() == [
            ("channel", 1, "phone", "1"),
            ("channel", 1, "email", "2"),
            ("channel", 0, "email", "1"),
        ]


async def test_a_verified_address_counts_for_its_mail_alone(counter: Counters) -> None:
    """The next mail of the thread may be anybody's."""
    async with counter() as c:
        await c.says("hallo", email=MAILS["1"])
        assert await c.says("move order=1") == ["utter_ask_proof"]


@pytest.mark.parametrize("burst", [0.0, 0.3])
async def test_a_verified_mail_does_not_vouch_for_what_waits_before_it(
    counter: Counters, burst: float
) -> None:
    """A forged one, and the customer's own a moment later: asked together, or one by one."""
    channel = FakeChannel("fake", Features(burst_seconds=burst))
    async with counter(channel=channel) as c:
        await asyncio.gather(c.world.says("move order=1"), c.world.says("hallo", email=MAILS["1"]))
        c.clock.move(1)
        await c.world.wake()
        await c.world.settled()
        said = [out.response or out.text for out in channel.sent]
        assert said[0] == "utter_ask_proof"
        assert "move 1?" not in said
        assert await c.world.rows("SELECT 1 FROM proofs") == []


async def test_a_mail_that_is_not_verified_confirms_nothing_that_a_verified_one_proved(
    counter: Counters,
) -> None:
    """Somebody who forges the sender of the next mail would correct the address and say yes."""
    async with counter() as c:
        assert await c.says("move order=1", email=MAILS["1"]) == ["move 1?"]
        asked = ["utter_yes_needs_proof", "utter_ask_proof"]
        assert await c.says("ja") == asked
        assert await c.says("ja", email=MAILS["2"]) == asked
        assert not c.actions["move"].runs
        assert await c.says("move order=1", email=MAILS["1"]) == ["move 1?"]
        assert await c.says("ja", email=MAILS["1"].upper()) == ["move 1 done"]


async def test_without_mail_a_right_pair_goes_to_a_person_who_knows_why(counter: Counters) -> None:
    async with counter(sends=False) as c:
        assert await c.says("order=1 proof=x") == ["utter_pair_wrong", "utter_ask_order_id"]
        assert await c.says(PAIR) == ["utter_code_needed"]
        (case,) = await c.world.core.desk_inbox.cases()
        assert (case.reason, case.owner) == ("code_needed", "waiting")
        assert not c.actions["move"].proposed
        texts = c.world.core.inbox.texts
        assert "Bestelldaten stimmen" in texts.render("reason_code_needed", {}, language="de").text


async def test_without_mail_the_channel_still_suffices(counter: Counters) -> None:
    async with counter(sends=False) as c:
        assert await c.says("order=1", phone=PHONE) == ["move 1?"]


async def test_without_mail_a_pair_may_suffice_by_setting(counter: Counters) -> None:
    async with counter(sends=False, policies=Policies(without_code="pair")) as c:
        assert await c.says(PAIR) == ["move 1?"]
        assert await c.says("ja") == ["move 1 done"]


async def test_an_operator_can_ask_for_a_code_where_the_action_takes_a_pair(
    counter: Counters,
) -> None:
    policies = Policies({"cancel": STRONG}, sends_codes=True)
    async with counter(policies=policies) as c:
        assert await c.says(f"cancel {PAIR}") == ASKED
        assert (await c.says(await c.code()))[0] == "utter_code_right"
        assert await c.says("ja") == ["cancel 1 done"]


async def test_the_pair_of_a_code_proves_nothing_by_itself(counter: Counters) -> None:
    """Else "where is my order" would tell whether the pair was right, and nobody counted it."""
    async with counter() as c:
        await c.says(PAIR)
        assert await c.says("track order=1") == ["utter_ask_proof"]


async def test_a_proof_ends_after_half_an_hour_also_for_the_yes(counter: Counters) -> None:
    async with counter() as c:
        await c.says(PAIR)
        await c.says(await c.code())
        c.clock.move(14 * 60)
        await c.says("move order=1")
        c.clock.move(14 * 60)
        assert await c.says("move order=1") == ["move 1?"]
        c.clock.move(2 * 60 + 1)
        assert await c.says("ja") == ["utter_nothing_open"]
        assert not c.actions["move"].runs


# --- settings


def settings(folder: Path, text: str) -> Path:
    path = folder / "schalter.toml"
    path.write_text(text, "utf-8")
    return path


def test_proofs_are_read_by_action(tmp_path: Path) -> None:
    text = '[identity]\nproofs = {cancel_order = ["code"]}\nwithout_code = "pair"\n'
    options = load(settings(tmp_path, text), {}).identity
    policies = options.policies(sends_codes=True)
    assert policies.of(FakeAction("cancel_order", proofs=ANY)).proofs == {"code"}
    assert options.limits().wrong_per_hour == 100


@pytest.mark.parametrize(
    "table",
    [
        'proofs = {cancel_order = ["passport"]}',
        "proofs = {cancel_order = []}",  # no proof at all is never meant
        'without_code = "nobody"',
        "wrong_per_hour = 0",
        'key = "in the file"',
    ],
)
def test_what_cannot_be_is_refused_by_name(tmp_path: Path, table: str) -> None:
    with pytest.raises(Invalid) as caught:
        load(settings(tmp_path, f"[identity]\n{table}\n"), {})
    assert any("[identity" in problem.where for problem in caught.value.problems)


def test_a_set_for_an_action_that_is_not_there_is_found() -> None:
    policies = Policies({"chancel": STRONG, "move": frozenset({"passport"})}, sends_codes=True)
    actions = [FakeAction("move"), FakeAction("cancel")]
    found = [
        (p.where, p.what)
        for p in policies.problems(actions, lambda name: f"[identity.proofs] {name}")
    ]
    assert found == [
        ("[identity.proofs] chancel", "there is no such action"),
        ("[identity.proofs] move", "there is no proof 'passport'"),
    ]


def test_an_operator_hears_what_goes_to_a_person() -> None:
    (problem,) = Policies().problems([FakeAction("move", proofs=STRONG), FakeAction("x")], str)
    assert (problem.where, problem.fatal) == ("action move", False)
    assert "person" in problem.what


@pytest.mark.parametrize(
    "policies",
    [
        Policies({"move": frozenset({"pair", "code"})}, sends_codes=True),
        Policies({}, "pair", sends_codes=False),
    ],
)
def test_an_operator_hears_what_is_weaker_than_it_was_made(policies: Policies) -> None:
    """An address change by a parcel's label: possible, and never by oversight."""
    (problem,) = policies.problems([FakeAction("move", proofs=STRONG), FakeAction("x")], "")
    assert (problem.where, problem.fatal) == ("action move", False)
    assert "'pair'" in problem.what


def test_fewer_proofs_than_declared_are_no_finding() -> None:
    policies = Policies({"track": frozenset({"code"})}, sends_codes=True)
    assert not [*policies.problems([FakeAction("track", proofs=ANY)], "")]


def test_proofs_for_what_asks_for_no_order_are_refused() -> None:
    """Nobody could ever prove one, and the customer would be asked for it without end."""
    policies = Policies({"knowledge": frozenset({"code"})}, sends_codes=True)

    class Question(FakeAction):
        Arguments = BaseModel

    (problem, *_) = policies.problems([Question("knowledge", read_only=True)], "[proofs]")
    assert (problem.where, problem.fatal) == ("[proofs] knowledge", True)


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    key = key_of({}, tmp_path)()
    path = tmp_path / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(key) == 64
    assert key_of({}, tmp_path)() == key
    assert key_of({}, tmp_path / "other")() != key
    assert [file.name for file in (tmp_path / "other").iterdir()] == [KEY_FILE]


def test_the_key_of_the_environment_wins_and_must_be_long(tmp_path: Path) -> None:
    assert key_of({KEY_VARIABLE: "k" * 32}, tmp_path)() == b"k" * 32
    assert not (tmp_path / KEY_FILE).exists()
    with pytest.raises(Fatal, match="too short"):
        key_of({KEY_VARIABLE: "secret"}, tmp_path)()
    (tmp_path / KEY_FILE).write_text("")
    with pytest.raises(Fatal, match="no key"):
        key_of({}, tmp_path)()
