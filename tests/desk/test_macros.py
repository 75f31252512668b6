"""Prepared texts: filled with the facts of now, in the customer's language; none with a gap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.desk import Agent, Case, TakeOver
from bot.messages import Answer, Outcome
from bot.testing import FakeAction, call_of, world
from desk.counter import DeskParts
from desk.macros import Macros
from desk.routing import Routing
from desk.words import Words
from host.texts import TextsBook
from tests.desk.test_summary import CASE

TEXTS = [Path("nlu/domain")]
SHOP = {"shop_name": "Lindenhof", "refund_days": 5}
ORDER = {"number": "B-1", "state": "shipped", "lines": "1 × Teekanne", "total": "20 EUR"}
ALL = [
    "macro_ask_order_number",
    "macro_ask_photo",
    "macro_damaged_on_arrival",
    "macro_delivery_delayed",
    "macro_out_of_stock",
    "macro_refund_timing",
    "macro_return_received",
    "macro_thank_you",
]


def texts(
    case: Case = CASE,
    agent: str | None = "Mia",
    *,
    formality: str = "Sie",
    shop: Mapping[str, Any] = SHOP,
    language: str = "de",
) -> dict[str, tuple[str, str]]:
    book = TextsBook(TEXTS, formality=formality, facts=shop)
    holds = replace(case, agent=agent, agent_name=agent)
    macros = Macros(words=Words(texts=book, language=language))
    return {one.name: (one.title, one.text) for one in macros.of(holds)}


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("formality", ["Sie", "du"])
def test_eight_good_ones_in_both_languages_and_ways_of_address(
    language: str, formality: str
) -> None:
    found = texts(replace(CASE, language=language, orders=(ORDER,)), formality=formality)
    assert list(found) == ALL
    said = "\n".join(text for _, text in found.values())
    assert "{" not in said
    assert "–" not in said
    assert (" Ihre" in said) is (language == "de" and formality == "Sie")
    assert (" du " in said) is (language == "de" and formality == "du")
    assert len({title for title, _ in found.values()}) == len(ALL)


def test_live_facts_are_filled_in() -> None:
    found = texts(replace(CASE, language="de", orders=(ORDER, {"number": "B-2"})))
    assert "Bestellung B-1 ist gerade unterwegs" in found["macro_delivery_delayed"][1]
    assert "B-1 (1 × Teekanne)" in found["macro_damaged_on_arrival"][1]
    assert "5 Tage" in found["macro_refund_timing"][1]
    assert "Mia von Lindenhof" in found["macro_thank_you"][1]


def test_titles_are_in_the_teams_language_and_texts_in_the_customers() -> None:
    title, text = texts(replace(CASE, language="en"), language="de")["macro_ask_photo"]
    assert title == "Um ein Foto bitten"
    assert text.startswith("Could you please")


def test_what_lacks_a_fact_is_not_offered() -> None:
    assert list(texts(CASE, None)) == [
        "macro_ask_order_number",
        "macro_ask_photo",
        "macro_refund_timing",
    ]
    assert "macro_refund_timing" not in texts(CASE, shop={"shop_name": "Lindenhof"})
    without_lines = {"number": "B-1", "state": "shipped", "lines": ""}
    found = texts(replace(CASE, orders=(without_lines,)))
    assert "macro_damaged_on_arrival" not in found
    assert "macro_delivery_delayed" in found


def test_a_shop_adds_its_own_in_a_domain_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text(
        "responses:\n  macro_gift:\n  - text: 'Für {order} packen wir ein.'\n", "utf-8"
    )
    book = TextsBook([*TEXTS, tmp_path], facts=SHOP)
    macros = Macros(words=Words(texts=book)).of(replace(CASE, orders=(ORDER,)))
    (mine,) = [one for one in macros if one.name == "macro_gift"]
    assert (mine.title, mine.text) == ("gift", "Für B-1 packen wir ein.")


class Orders:
    async def order_facts(self, subject: str) -> Mapping[str, Any] | None:
        return {**ORDER, "number": subject}


async def test_at_a_desk(tmp_path: Path) -> None:
    track = FakeAction("track_order", read_only=True, proofs=frozenset())
    parts = DeskParts(routing=Routing(desk="desk"), order_facts=Orders())
    async with world(tmp_path, texts=TEXTS, actions=[track], parts=parts) as w:

        async def tracks(turn: Any) -> Answer:
            answer = await w.core.actions.call("track_order", call_of(turn, order_id="B-7"), 1)
            return replace(answer, outcome=Outcome.HANDOFF, reason="asked")

        w.dialogue.replies["mensch"] = tracks
        await w.says("mensch")
        await w.settled()
        inbox = w.core.desk_inbox
        assert "macro_thank_you" not in [one.name for one in await inbox.macros(1)]
        await inbox.introduce(Agent("U1", "Mia Braun"))
        await inbox.accept(TakeOver("t", 1, "U1"))
        found = {one.name: one.text for one in await inbox.macros(1)}
        assert "B-7" in found["macro_out_of_stock"]
        assert "Mia von Lindenhof" in found["macro_thank_you"]
        assert "Braun" not in " ".join(found.values())
        assert await inbox.macros(99) == []
