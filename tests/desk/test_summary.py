"""A case in two sentences: only facts, in the team's language, no word of the customer's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.desk import Case
from bot.messages import Address, Answer, Outcome, Owner, Proof, Say, Understanding
from bot.ports import Unavailable
from bot.store import effects
from bot.store.codec import utc_now
from bot.testing import FakeAction, call_of, world
from desk.counter import DeskParts
from desk.expecting import Expecting
from desk.hours import WORKDAYS
from desk.routing import Routing
from desk.summary import Summary
from desk.words import Words
from host.texts import TextsBook

TEXTS = [Path("nlu/domain")]
NOW = datetime(2026, 11, 26, 14, tzinfo=UTC)
CASE = Case(
    id=1,
    conversation=1,
    address=Address("web", "c1"),
    reason="asked",
    priority="normal",
    state="open",
    opened_at=NOW,
    language="en",
    owner=Owner.WAITING,
    waits_since=datetime(2026, 11, 26, 13, 5, tzinfo=UTC),
)


@cache
def book() -> TextsBook:
    return TextsBook(TEXTS)


def summary(language: str, case: Case) -> str:
    expecting = Expecting(texts=book(), hours=WORKDAYS)
    return Summary(words=Words(texts=book(), language=language), expecting=expecting).of(case, NOW)


@pytest.mark.parametrize(
    ("change", "de", "en"),
    [
        (
            {},
            "Worum es geht, hat der Bot nicht erkannt. "
            "Der Bot hat nichts versucht; der Kunde wartet seit heute 14:05 Uhr.",
            "The bot did not make out what it is about. "
            "The bot tried nothing; the customer has been waiting since 14:05 today.",
        ),
        (
            {
                "intents": ("greet", "track_order", "return_item", "track_order", "affirm"),
                "orders": ({"number": "B-1", "state": "shipped"},),
                "tried": ("track_order: ask", "track_order: done", "return_label: refused"),
                "state": "taken",
                "waits_since": None,
            },
            "Anliegen: Sendungsverfolgung und Rücksendung, zur Bestellung B-1 (unterwegs). "
            "Der Bot hat versucht: Paket verfolgen (erledigt) und Rücksendung anmelden "
            "(war nicht möglich); der Kunde hat eine Antwort.",
            "It is about where the parcel is and a return, for order B-1 (on its way). "
            "The bot tried: Track the parcel (done) and Register a return (was not possible); "
            "the customer has an answer.",
        ),
        (
            {
                "orders": ({"number": "B-1"}, {"number": "B-2", "state": "lost_in_space"}),
                "state": "closed",
                "waits_since": None,
            },
            "Anliegen: Bestellung B-1 und B-2 (lost_in_space). "
            "Der Bot hat nichts versucht; der Fall ist abgeschlossen.",
            "It is about order B-1 and B-2 (lost_in_space). "
            "The bot tried nothing; the case is closed.",
        ),
        (
            {
                "intents": ("gift_wrap",),
                "tried": ("gift_wrap: unknown",),
                "waits_since": datetime(2026, 11, 25, 13, 5, tzinfo=UTC),
            },
            "Anliegen: gift wrap. Der Bot hat versucht: gift wrap (Ausgang unbekannt); "
            "der Kunde wartet seit 14:05 Uhr am Mittwoch, 25. November.",
            "It is about gift wrap. The bot tried: gift wrap (outcome unknown); "
            "the customer has been waiting since 14:05 on Wednesday 25 November.",
        ),
    ],
)
def test_the_two_sentences(change: dict[str, Any], de: str, en: str) -> None:
    case = replace(CASE, **change)
    assert summary("de", case) == de
    assert summary("en", case) == en


def test_every_intent_has_a_title() -> None:
    names: set[str] = set()
    for file in sorted(TEXTS[0].glob("*.yml")):
        for one in yaml.safe_load(file.read_text("utf-8")).get("intents") or ():
            names.add(one if isinstance(one, str) else next(iter(one)))
    assert {"track_order", "greet"} <= names
    assert [name for name in sorted(names) if not book().has(f"title_intent_{name}")] == []


class Orders:
    fault: Exception | None = None

    async def order_facts(self, subject: str) -> Mapping[str, Any] | None:
        if self.fault:
            raise self.fault
        return {"number": subject, "state": "packed", "customer": "Anna Weiß"}


async def test_on_the_card_with_what_the_shop_tells(tmp_path: Path) -> None:
    orders, track = Orders(), FakeAction("track_order", read_only=True, proofs=frozenset())
    parts = DeskParts(routing=Routing(desk="desk"), order_facts=orders, language="en")
    async with world(tmp_path, texts=TEXTS, actions=[track], parts=parts) as w:

        async def tracks(turn: Any) -> Answer:
            return await w.core.actions.call("track_order", call_of(turn, order_id="B-7"), 1)

        w.dialogue.replies["wo ist mein geheimes Paket"] = tracks
        w.dialogue.replies["mensch"] = Answer(
            (Say("utter_handoff"),),
            Outcome.HANDOFF,
            "asked",
            understanding=Understanding("track_order", 1.0),
        )
        await w.says("wo ist mein geheimes Paket")
        await w.settled()
        proof = Proof("pair", "B-7", utc_now() + timedelta(minutes=30))
        await w.store.write(lambda tx: effects.grant(tx, 1, proof))
        await w.says("mensch")
        await w.settled()
        shown = w.desk.cards[1].summary
        assert shown.startswith(
            "It is about where the parcel is, for order B-7 (packed). "
            "The bot tried: Track the parcel (done); the customer has been waiting since"
        )
        assert len(re.findall(r"\.(?: |$)", shown)) == 2
        assert "geheim" not in shown
        assert "Anna" not in shown
        orders.fault = Unavailable("down")
        case = await w.core.desk_inbox.case(1)
        assert case is not None
        assert "for order B-7. The bot" in case.summary
        (listed,) = await w.core.desk_inbox.cases()
        assert listed.summary.endswith(case.summary.split(". ", 1)[1])


async def test_an_order_that_was_only_named_is_marked_and_nothing_is_told_of_it(
    tmp_path: Path,
) -> None:
    """A number is all that it takes to have it on a card: what stands there is soon told."""
    parts = DeskParts(routing=Routing(desk="desk"), order_facts=Orders(), language="en")
    move = FakeAction("move", proofs=frozenset({"code"}))
    async with world(tmp_path, texts=TEXTS, actions=[move], parts=parts) as w:

        async def moves(turn: Any) -> Answer:
            return await w.core.actions.call("move", call_of(turn, order_id="B-7"), 1)

        w.dialogue.replies["umleiten"] = moves
        w.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
        for text in ("umleiten", "mensch"):
            await w.says(text)
            await w.settled()
        case = await w.core.desk_inbox.case(1)
        assert case is not None
        assert case.orders == ({"number": "B-7", "proof": "none"},)
        assert "order B-7 (not proven)" in case.summary
        (offered,) = await w.core.desk_inbox.order_actions(1)
        assert {field.value for field in offered.fields} == {""}, "an agent has to look first"
        proof = Proof("code", "B-7", utc_now() + timedelta(minutes=30))
        await w.store.write(lambda tx: effects.grant(tx, 1, replace(proof, kind="pair")))
        await w.store.write(lambda tx: effects.grant(tx, 1, proof))
        case = await w.core.desk_inbox.case(1)
        assert case is not None
        assert case.orders[0]["proof"] == "code"
        assert case.orders[0]["state"] == "packed"
