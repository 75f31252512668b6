"""`[hours]` and `[handoff]`: what can be set, and what is refused with words that help."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from desk.hours import WORKDAYS, Span
from desk.routing import Concern, Route
from host.errors import Fatal, Invalid
from host.plugins import load as load_plugins
from host.settings import Settings, load
from host.wiring import routing_of, wire
from tests.core.shell import QuietDesk


def read(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "schalter.toml"
    file.write_text(text, "utf-8")
    return load(file, {})


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(Invalid) as caught:
        read(tmp_path, text)
    return "\n".join(f"{one.where}: {one.what} ({one.fix})" for one in caught.value.problems)


def test_the_default_is_a_plain_week_in_berlin() -> None:
    assert Settings().hours.hours() == WORKDAYS


def test_everything_set(tmp_path: Path) -> None:
    hours = read(
        tmp_path,
        """
        [hours]
        time_zone = "Europe/Vienna"
        monday = ["08:00-12:00", "13:00-17:30"]
        friday = "8-14"
        saturday = ["22-2"]
        wednesday = []
        state = "BY"
        closed = ["2026-12-28", "12-31"]
        special = {"12-24" = ["8-12"], "2026-12-30" = []}
        """,
    ).hours.hours()
    assert hours.week[0] == (Span(480, 720), Span(780, 1050))
    assert hours.week[2] == ()
    assert hours.week[4] == (Span(480, 840),)
    assert hours.week[5] == (Span(1320, 1560),)
    assert hours.opens(date(2026, 12, 24)) == (Span(480, 720),)
    assert hours.opens(date(2026, 12, 30)) == ()
    assert hours.opens(date(2026, 12, 28)) == ()
    assert hours.opens(date(2029, 12, 31)) == ()
    assert hours.opens(date(2026, 1, 6)) == ()  # Epiphany, in Bavaria
    assert str(hours.zone) == "Europe/Vienna"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "monday = []\ntuesday = []\nwednesday = []\nthursday = []\nfriday = []",
            "closed on every day of the week, so that nobody would ever answer",
        ),
        ('monday = ["8-25"]', "a time that no day has"),
        ('monday = ["8-12", "11-14"]', "overlap or are not in order"),
        ('monday = ["frueh"]', "is no opening time"),
        ("monday = [8]", "is no list of opening times"),
        ('state = "XX"', "no German state 'XX'"),
        ('time_zone = "Europe/Koeln"', "no time zone 'Europe/Koeln'"),
        ('closed = ["24.12."]', "'24.12.' is no day"),
        ('closed = ["02-30"]', "'02-30' is no day"),
        ('special = {"Heiligabend" = ["8-12"]}', "'Heiligabend' is no day"),
        ('moonday = ["8-12"]', "did you mean 'monday'?"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, words: str) -> None:
    said = refused(tmp_path, f"[hours]\n{text}")
    assert words in said
    assert "[hours" in said


def test_every_day_closed_one_by_one_is_refused_too(tmp_path: Path) -> None:
    first = date(2024, 1, 1)
    days = [f'"{first + timedelta(days=n):%m-%d}"' for n in range(366)]
    said = refused(tmp_path, f"[hours]\nclosed = [{', '.join(days)}]")
    assert "every day is closed" in said


def test_answer_times_by_priority(tmp_path: Path) -> None:
    settings = read(tmp_path, "[handoff]\nanswer_minutes = {high = 5, low = 960}")
    assert settings.handoff.answers() == {
        "high": timedelta(minutes=5),
        "normal": timedelta(minutes=60),
        "low": timedelta(minutes=960),
    }
    assert "answer_minutes" in refused(tmp_path, "[handoff]\nanswer_minutes = {high = 0}")


RULES = """
[handoff]
desk = "quiet"
[[handoff.rules]]
reasons = ["complaint"]
languages = ["en"]
hours = "open"
place = "C123"
priority = "low"
[[handoff.rules]]
intents = ["get_refund"]
desk = "other"
"""


def test_rules_are_read_in_order(tmp_path: Path) -> None:
    settings = read(tmp_path, RULES)
    routing = routing_of(settings, {"quiet": QuietDesk(), "other": QuietDesk()})
    noon = datetime(2026, 11, 26, 11, tzinfo=UTC)
    assert routing.route(Concern("complaint", None, "en"), noon) == Route("quiet", "C123", "low")
    assert routing.route(Concern("asked", "get_refund", "de"), noon) == Route("other")
    assert routing.route(Concern("asked", None, "de"), noon) == Route("quiet")


def test_a_rule_that_names_an_unknown_desk_is_named(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match=r"\[\[handoff.rules\]\] number 2: no such desk: 'other'"):
        routing_of(read(tmp_path, RULES), {"quiet": QuietDesk()})


@pytest.mark.parametrize(
    "rule", ['hours = "night"', 'priority = "urgent"', 'languages = ["fr"]', 'reason = "x"']
)
def test_a_rule_that_cannot_be_is_named(tmp_path: Path, rule: str) -> None:
    assert "handoff.rules.0" in refused(tmp_path, f"[[handoff.rules]]\n{rule}")


def support_hours(tmp_path: Path, text: str, language: str) -> str:
    settings = read(tmp_path, text)
    wiring = wire(settings, load_plugins(settings, tmp_path), tmp_path)
    return wiring.texts.fill("{support_hours}", {}, language=language)


def test_what_is_told_about_the_hours_does_not_contradict_them(tmp_path: Path) -> None:
    text = '[hours]\nfriday = "8-14"'
    said = support_hours(tmp_path, text, "de")
    assert said == "Montag bis Donnerstag, 8 bis 18 Uhr; Freitag, 8 bis 14 Uhr"


def test_the_shop_may_say_its_hours_in_its_own_words(tmp_path: Path) -> None:
    text = '[plugins.knowledge]\nsupport_hours = {de = "werktags", en = "on workdays"}'
    assert support_hours(tmp_path, text, "en") == "on workdays"
