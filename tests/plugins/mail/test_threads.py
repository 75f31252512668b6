"""No foreign mail in anybody's thread: what joins, what is only proposed, what is new."""

from __future__ import annotations

import importlib.resources
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.store import SQLiteStore
from bot.store.migrate import Migrations
from plugins.mail import threads
from plugins.mail.model import Mail, Person
from plugins.mail.receiving.auth_results import Verdict
from plugins.mail.threads import Place

NOW = datetime(2026, 11, 27, 10, tzinfo=UTC)
ANNA, EVE = "anna@example.net", "eve@evil.example"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    folders = [
        Migrations("core", importlib.resources.files("bot.store") / "migrations"),
        Migrations("mail", importlib.resources.files("plugins.mail") / "migrations"),
    ]
    async with SQLiteStore(tmp_path / "bot.db", migrations=folders) as made:
        yield made


def mail(message_id: str = "1@x", sender: str = ANNA, subject: str = "Frage", **more: Any) -> Mail:
    return Mail(message_id, Person(sender), subject, "Hallo", **more)


async def comes(
    store: SQLiteStore, one: Mail, verdict: Verdict = Verdict.NONE, now: datetime = NOW
) -> Place:
    def work(tx: Any) -> Place:
        spot = threads.place(tx, one, one.sender.email, verdict, now)
        threads.keep(tx, spot, one, one.sender.email, verdict, "support", now)
        return spot

    return await store.write(work)


async def answered(store: SQLiteStore, spot: Place, message_id: str) -> None:
    await store.write(lambda tx: threads.note(tx, spot.key, message_id, "out", NOW, "row1"))


async def test_an_answer_of_the_participant_joins(store: SQLiteStore) -> None:
    first = await comes(store, mail())
    await answered(store, first, "2@shop")
    for more in ({"in_reply_to": ("2@shop",)}, {"references": ("1@x", "2@shop", "unknown@y")}):
        again = await comes(store, mail("3@x", subject="ganz anders", **more))
        assert (again.key, again.new) == (first.key, False)


async def test_anybody_else_who_knows_the_message_id_is_only_proposed(store: SQLiteStore) -> None:
    """A colleague who answers, or an attacker who was sent the mail: never in the thread."""
    first = await comes(store, mail())
    await answered(store, first, "2@shop")
    foreign = await comes(store, mail("4@x", EVE, in_reply_to=("2@shop",), references=("1@x",)))
    assert foreign.new
    assert foreign.proposed == first.key


@pytest.mark.parametrize("subject", ["Frage", "Re: Frage", "AW: WG: Frage", "[#4711] Frage"])
async def test_a_subject_or_a_number_joins_nothing(store: SQLiteStore, subject: str) -> None:
    first = await comes(store, mail(subject="[#4711] Frage" if "#" in subject else "Frage"))
    foreign = await comes(store, mail("2@x", EVE, subject=subject))
    assert (foreign.new, foreign.proposed) == (True, None)
    own = await comes(store, mail("3@x", subject=subject))
    assert (own.new, own.proposed) == (True, first.key)


async def test_where_dmarc_passed_once_it_must_pass_again(store: SQLiteStore) -> None:
    first = await comes(store, mail(), Verdict.PASS)
    await answered(store, first, "2@shop")
    forged = await comes(store, mail("3@x", in_reply_to=("2@shop",)), Verdict.NONE)
    assert (forged.new, forged.proposed) == (True, first.key)
    real = await comes(store, mail("4@x", in_reply_to=("2@shop",)), Verdict.PASS)
    assert real.key == first.key


async def test_what_the_senders_own_domain_disowns_never_joins(store: SQLiteStore) -> None:
    first = await comes(store, mail())
    await answered(store, first, "2@shop")
    forged = await comes(store, mail("3@x", in_reply_to=("2@shop",)), Verdict.FAIL)
    assert forged.new
    later = await comes(store, mail("4@x", in_reply_to=("2@shop",)), Verdict.PASS)
    assert later.key == first.key


async def test_a_thread_is_verified_from_the_first_pass_on(store: SQLiteStore) -> None:
    first = await comes(store, mail())
    await comes(store, mail("2@x", in_reply_to=("1@x",)), Verdict.PASS)
    assert (await comes(store, mail("3@x", in_reply_to=("1@x",)))).new
    assert (await comes(store, mail("4@x", in_reply_to=("1@x",)), Verdict.PASS)).key == first.key


async def test_a_forged_thread_does_not_catch_the_answers_of_others(store: SQLiteStore) -> None:
    """Eve uses the Message-ID of a mail to Anna for her own: Anna's answer stays with Anna."""
    anna = await comes(store, mail())
    await answered(store, anna, "2@shop")
    eve = await comes(store, mail("2@shop", EVE))
    assert eve.key != anna.key
    assert (await comes(store, mail("3@x", in_reply_to=("2@shop",)))).key == anna.key
    assert (await comes(store, mail("4@x", EVE, in_reply_to=("2@shop",)))).key == eve.key


async def test_a_mail_without_a_sender_joins_nothing(store: SQLiteStore) -> None:
    first = await comes(store, mail(sender=""))
    again = await comes(store, mail("2@x", sender="", in_reply_to=("1@x",)))
    assert again.key != first.key


async def test_an_old_subject_is_not_proposed(store: SQLiteStore) -> None:
    await comes(store, mail())
    later = await comes(store, mail("2@x"), now=NOW + timedelta(days=120))
    assert later.proposed is None


async def test_we_reach_an_address_in_a_thread_of_its_own_or_in_its_own(store: SQLiteStore) -> None:
    anna = await comes(store, mail())

    def work(tx: Any) -> tuple[str, str, str]:
        return (
            threads.reach(tx, "Anna@Example.net", anna.key, "support", NOW),
            threads.reach(tx, EVE, anna.key, "support", NOW),
            threads.reach(tx, EVE, None, "support", NOW),
        )

    near, other, again = await store.write(work)
    assert near == anna.key
    assert other == again != anna.key
    await store.write(lambda tx: threads.note(tx, other, "5@shop", "out", NOW, "row"))
    assert (await comes(store, mail("6@x", EVE, in_reply_to=("5@shop",)))).key == other


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("Re: AW: Fwd: Frage", "Frage"),
        ("RE[2]: Frage", "Frage"),
        ("Antw:  Frage  zu  x", "Frage zu x"),
        ("Retoure: geht das?", "Retoure: geht das?"),
        ("", ""),
        ("Re:", ""),
    ],
)
def test_what_mail_programs_put_in_front_of_a_subject(subject: str, base: str) -> None:
    assert threads.base_subject(subject) == base


async def test_an_answer_repeats_a_subject_of_the_thread_theirs_or_ours(
    store: SQLiteStore,
) -> None:
    """The subject of a code's mail was asked in front of the digits that answered it."""

    def code(number: int) -> Any:
        subject = f"Ihr Code für die Bestellung B-{number}"
        return lambda tx: threads.note(
            tx, first.key, f"{number}@shop", "out", NOW, "row1", subject=subject
        )

    first = await comes(store, mail())
    assert not first.repeats
    await store.write(code(2))
    await store.write(code(3))
    answer = {"in_reply_to": ("2@shop",)}
    for number, (subject, repeats) in enumerate(
        [
            ("AW: Frage", True),
            ("AW: Ihr Code für die Bestellung B-2", True),
            ("Re: Ihr Code für die Bestellung B-3", True),
            ("Re: Frage", True),
            ("Und noch etwas", False),
            ("", False),
        ]
    ):
        spot = await comes(store, mail(f"{number}@y", subject=subject, **answer))
        assert (spot.key, spot.repeats) == (first.key, repeats), subject


async def test_an_answer_goes_under_the_subject_of_the_mail_it_answers(store: SQLiteStore) -> None:
    key = await store.write(lambda tx: threads.reach(tx, ANNA, None, "support", NOW))
    await store.write(lambda tx: threads.note(tx, key, "2@shop", "out", NOW, "row1"))
    for subject, told in (("AW: Ihr Code", "Ihr Code"), ("", "Ihr Code"), ("Re: Neu", "Neu")):
        await comes(store, mail(f"{told}{subject}@y", subject=subject, in_reply_to=("2@shop",)))
        row = await store.read(lambda tx: threads.get(tx, key))
        assert row is not None
        assert row["subject"] == told
