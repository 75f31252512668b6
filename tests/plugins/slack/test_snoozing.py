"""When a snoozed case comes back: when people are there again, as `[hours]` says."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from desk.hours import ALWAYS, WORKDAYS, Hours
from plugins.slack.snoozing import snooze_times

BERLIN = ZoneInfo("Europe/Berlin")


def at(hours: Hours, now: str) -> dict[str, str]:
    moment = datetime.fromisoformat(now).replace(tzinfo=BERLIN).astimezone(UTC)
    times = snooze_times(moment, BERLIN, hours.next_open)
    return {name: f"{one.astimezone(BERLIN):%a %m-%d %H:%M}" for name, one in times.items()}


@pytest.mark.parametrize(
    ("now", "workday", "week"),
    [
        ("2026-11-24T10:00", "Wed 11-25 08:00", "Mon 11-30 08:00"),
        ("2026-11-27T17:00", "Mon 11-30 08:00", None),  # a Friday: said once
        ("2026-11-28T12:00", "Mon 11-30 08:00", None),
        ("2026-11-30T07:00", "Tue 12-01 08:00", "Mon 12-07 08:00"),
        ("2026-12-24T10:00", "Mon 12-28 08:00", None),  # the 25th is a holiday
        ("2026-03-28T10:00", "Mon 03-30 08:00", None),  # the clock is put forward
    ],
)
def test_the_next_opening_is_offered(now: str, workday: str, week: str | None) -> None:
    found = at(WORKDAYS, now)
    assert (found["workday"], found.get("week")) == (workday, week)


def test_a_desk_that_never_closes_begins_in_the_morning_all_the_same() -> None:
    found = at(ALWAYS, "2026-11-24T23:30")
    assert (found["hour"], found["workday"]) == ("Wed 11-25 00:30", "Wed 11-25 06:00")
