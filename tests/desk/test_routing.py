"""Which desk gets a case: the first rule that fits, else the default."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.desk import TakeOver
from bot.messages import Answer, Outcome, Say, Understanding
from bot.testing import World, world
from desk.counter import DeskParts
from desk.hours import WORKDAYS
from desk.routing import Concern, Route, Routing, Rule

TEXTS = [Path("nlu/domain")]
NOON = datetime(2026, 11, 26, 11, tzinfo=UTC)
NIGHT = datetime(2026, 11, 26, 23, tzinfo=UTC)


def of(reason: str = "asked", intent: str | None = None, language: str = "de") -> Concern:
    return Concern(reason, intent, language)


RULES = (
    Rule(reasons=frozenset({"complaint"}), hours="closed", place="C-night", priority="high"),
    Rule(reasons=frozenset({"complaint"}), place="C-complaints"),
    Rule(intents=frozenset({"get_refund", "payment_issue"}), desk="money", priority="low"),
    Rule(languages=frozenset({"en"}), place="C-english"),
    Rule(priorities=frozenset({"high"}), place="C-urgent"),
)


@pytest.mark.parametrize(
    ("concern", "at", "route"),
    [
        (of(), NOON, Route("slack")),
        (of("complaint"), NOON, Route("slack", "C-complaints", "high")),
        (of("complaint"), NIGHT, Route("slack", "C-night", "high")),
        (of(intent="get_refund"), NOON, Route("money", "", "low")),
        (of("complaint", "get_refund"), NOON, Route("slack", "C-complaints", "high")),
        (of(language="en"), NOON, Route("slack", "C-english")),
        (of("pair_attempts"), NOON, Route("slack", "C-urgent", "high")),
        (of("pair_attempts", language="en"), NOON, Route("slack", "C-english", "high")),
    ],
)
def test_the_first_rule_that_fits_wins(concern: Concern, at: datetime, route: Route) -> None:
    assert Routing(desk="slack", rules=RULES, hours=WORKDAYS).route(concern, at) == route


def test_without_rules_the_default_desk_gets_everything() -> None:
    assert Routing(desk="web").route(of("complaint"), NIGHT) == Route("web", priority="high")


async def asks(w: World, intent: str) -> None:
    w.dialogue.replies["mensch"] = Answer(
        (Say("utter_handoff"),), Outcome.HANDOFF, "asked", understanding=Understanding(intent, 1.0)
    )
    await w.says("mensch")
    await w.settled()


async def test_a_case_goes_where_the_rule_says_by_the_intent_of_its_own_turn(
    tmp_path: Path,
) -> None:
    """The intent was written after the case had opened: rules saw the turn before."""
    rules = [Rule(intents=frozenset({"get_refund"}), place="C-money", priority="low")]
    parts = DeskParts(routing=Routing(desk="desk", rules=rules))
    async with world(tmp_path, texts=TEXTS, parts=parts) as w:
        await asks(w, "get_refund")
        case = await w.core.desk_inbox.case(1)
        assert case is not None
        assert (case.desk, case.place, case.priority) == ("desk", "C-money", "low")
        assert w.desk.cards[1].place == "C-money"
        assert (await w.core.desk_inbox.accept(TakeOver("t", 1, "Mia"))).done
        (after,) = await w.core.desk_inbox.cases()
        assert after.place == "C-money"


async def test_a_second_more_urgent_reason_leaves_the_case_where_it_is(tmp_path: Path) -> None:
    rules = [Rule(reasons=frozenset({"complaint"}), place="C-complaints")]
    parts = DeskParts(routing=Routing(desk="desk", rules=rules))
    async with world(tmp_path, texts=TEXTS, parts=parts) as w:
        await asks(w, "contact_human_agent")
        w.dialogue.replies["wut"] = Answer(
            (Say("utter_handoff_complaint"),), Outcome.HANDOFF, "complaint"
        )
        await w.says("wut")
        await w.settled()
        case = await w.core.desk_inbox.case(1)
        assert case is not None
        assert (case.place, case.priority, case.reason) == ("", "high", "complaint")
