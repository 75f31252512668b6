"""Business hours: weeks, holidays, half days, nights, the changing clock, the turn of a year."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.hours import ALWAYS, WORKDAYS, Hours, Span

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    """A time as the clock in Berlin shows it, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def week(**days: list[str]) -> Hours:
    names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    spans = tuple(tuple(Span.parse(one) for one in days.get(name, [])) for name in names)
    return Hours(week=spans)


@pytest.mark.parametrize(
    ("now", "is_open"),
    [
        ("2026-11-26 07:59:59", False),
        ("2026-11-26 08:00", True),
        ("2026-11-26 17:59:59", True),
        ("2026-11-26 18:00", False),
        ("2026-11-28 12:00", False),  # a Saturday
        ("2026-12-25 12:00", False),  # a Friday, and Christmas
    ],
)
def test_a_plain_week(now: str, is_open: bool) -> None:
    assert WORKDAYS.is_open(at(now)) is is_open


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("2026-11-26 12:00", "2026-11-26 12:00"),
        ("2026-11-26 03:00", "2026-11-26 08:00"),
        ("2026-11-26 18:00", "2026-11-27 08:00"),
        ("2026-11-27 18:00", "2026-11-30 08:00"),
        ("2026-04-02 18:00", "2026-04-07 08:00"),  # over Good Friday and Easter Monday
        ("2026-12-31 18:00", "2027-01-04 08:00"),  # over New Year's Day, a Friday
    ],
)
def test_when_it_opens_next(now: str, then: str) -> None:
    assert WORKDAYS.next_open(at(now)) == at(then)
    assert WORKDAYS.next_open(at(now)).tzinfo is UTC


@pytest.mark.parametrize(
    ("since", "minutes", "due"),
    [
        ("2026-11-26 09:00", 60, "2026-11-26 10:00"),
        ("2026-11-26 17:00", 60, "2026-11-26 18:00"),
        ("2026-11-26 17:30", 60, "2026-11-27 08:30"),
        ("2026-11-27 22:00", 15, "2026-11-30 08:15"),
        ("2026-11-26 09:00", 600 * 2 + 60, "2026-11-30 10:00"),
        ("2026-12-31 17:30", 60, "2027-01-04 08:30"),
        ("2026-11-28 12:00", 0, "2026-11-30 08:00"),
    ],
)
def test_working_time_is_added(since: str, minutes: int, due: str) -> None:
    assert WORKDAYS.add(at(since), timedelta(minutes=minutes)) == at(due)


def test_a_lunch_break_is_no_working_time() -> None:
    hours = week(thu=["8-12", "13:30-18"])
    assert not hours.is_open(at("2026-11-26 12:30"))
    assert hours.next_open(at("2026-11-26 12:30")) == at("2026-11-26 13:30")
    assert hours.add(at("2026-11-26 11:50"), timedelta(minutes=20)) == at("2026-11-26 13:40")


def test_a_state_has_holidays_of_its_own() -> None:
    """All Saints' Day 2027 is a Monday: free in Cologne, a workday in Berlin."""
    day = at("2027-11-01 12:00")
    assert not Hours(week=WORKDAYS.week, state="NW").is_open(day)
    assert Hours(week=WORKDAYS.week, state="BE").is_open(day)
    assert WORKDAYS.is_open(day)


def test_who_works_at_holidays_says_so() -> None:
    assert Hours(week=WORKDAYS.week, with_holidays=False).is_open(at("2026-12-25 12:00"))


def test_own_closed_days_of_one_year_and_of_every_year() -> None:
    hours = Hours(week=WORKDAYS.week, closed=frozenset({"2026-11-27", "11-30"}))
    assert hours.next_open(at("2026-11-26 18:00")) == at("2026-12-01 08:00")
    assert hours.is_open(at("2028-11-27 12:00"))
    assert not hours.is_open(at("2027-11-30 12:00"))


def test_half_days() -> None:
    half = (Span.parse("8-12"),)
    hours = Hours(week=WORKDAYS.week, special={"12-24": half, "2026-12-05": half})
    assert hours.is_open(at("2026-12-24 11:59"))
    assert not hours.is_open(at("2026-12-24 12:00"))
    assert hours.opens(date(2028, 12, 24)) == ()  # a Sunday stays a Sunday
    assert hours.is_open(at("2026-12-05 09:00"))  # that one Saturday is open
    assert not hours.is_open(at("2026-12-12 09:00"))


def test_what_is_closed_in_one_year_wins_over_its_own_half_day() -> None:
    half = (Span.parse("8-12"),)
    hours = Hours(week=WORKDAYS.week, closed=frozenset({"2026-12-24"}), special={"12-24": half})
    assert not hours.is_open(at("2026-12-24 09:00"))
    assert hours.is_open(at("2027-12-24 09:00"))


def test_a_night_shift_belongs_to_the_day_on_which_it_begins() -> None:
    hours = week(fri=["22-2"])
    assert hours.is_open(at("2026-11-27 23:00"))
    assert hours.is_open(at("2026-11-28 01:59"))
    assert not hours.is_open(at("2026-11-28 02:00"))
    assert not hours.is_open(at("2026-11-27 01:00"))
    assert hours.add(at("2026-11-27 21:00"), timedelta(hours=3)) == at("2026-11-28 01:00")


def test_spans_that_meet_at_midnight_are_one_stretch() -> None:
    hours = week(fri=["20-24"], sat=["0-4"])
    assert hours.add(at("2026-11-27 23:00"), timedelta(hours=2)) == at("2026-11-28 01:00")


def test_spans_that_overlap_over_midnight_count_once() -> None:
    hours = week(fri=["22-4"], sat=["2-6"])
    assert hours.add(at("2026-11-27 22:00"), timedelta(hours=7)) == at("2026-11-28 05:00")


@pytest.mark.parametrize(
    ("day", "real"),
    [("2026-03-28", 7), ("2026-10-24", 9), ("2026-11-28", 8)],
    ids=["the clock skips an hour", "the clock repeats an hour", "an ordinary night"],
)
def test_a_night_in_which_the_clock_changes_has_other_hours(day: str, real: int) -> None:
    hours = week(sat=["22-6"])
    begin = at(f"{day} 22:00")
    end = hours.add(begin, timedelta(hours=real))
    assert end.astimezone(BERLIN).strftime("%H:%M") == "06:00"
    assert not hours.is_open(end)
    assert hours.is_open(end - timedelta(seconds=1))


def test_a_shift_until_half_past_two_ends_at_the_second_one_when_the_clock_repeats_it() -> None:
    hours = week(sat=["22-2:30"])
    assert hours.add(at("2026-10-24 22:00"), timedelta(hours=5.5)) == datetime(
        2026, 10, 25, 1, 30, tzinfo=UTC
    )


def test_an_opening_time_that_the_clock_skips_opens_for_nothing() -> None:
    hours = week(sun=["2-3", "9-12"])
    assert hours.next_open(at("2026-03-29 00:30")) == at("2026-03-29 09:00")


def test_a_day_in_summer_opens_by_the_clock_on_the_wall() -> None:
    assert WORKDAYS.next_open(datetime(2026, 7, 1, 0, tzinfo=UTC)).hour == 6
    assert WORKDAYS.next_open(datetime(2026, 1, 7, 0, tzinfo=UTC)).hour == 7


def test_always_is_always() -> None:
    now = at("2026-12-25 03:00")
    assert ALWAYS.is_open(now)
    assert ALWAYS.next_open(now) == now
    assert ALWAYS.add(now, timedelta(hours=30)) == now + timedelta(hours=30)


def test_what_never_opens_says_so() -> None:
    with pytest.raises(LookupError):
        week().next_open(at("2026-11-26 12:00"))
    with pytest.raises(LookupError):
        week().add(at("2026-11-26 12:00"), timedelta(minutes=1))


@pytest.mark.parametrize("text", ["8", "8-25", "8:60-9", "24-2", "9-9", "morgens", "", "8-12-18"])
def test_what_is_no_opening_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"opening time|opens for no time|a time that no day has"):
        Span.parse(text)


def test_how_opening_times_can_be_written() -> None:
    assert Span.parse("08:30 – 12:00") == Span.parse("8:30-12") == Span(510, 720)
    assert Span.parse("22-2") == Span(22 * 60, 26 * 60)
    assert Span.parse("0-24") == Span(0, 1440)


def open_by_the_wall(hours: Hours, now: datetime) -> bool:
    """Whether it is open, told the slow way: from the local day and the one before."""
    local = now.astimezone(BERLIN)
    minutes = local.hour * 60 + local.minute
    today, yesterday = local.date(), local.date() - timedelta(days=1)
    here = any(span.start <= minutes < span.end for span in hours.opens(today))
    return here or any(minutes < span.end - 1440 for span in hours.opens(yesterday))


SPANS = st.tuples(st.integers(0, 47), st.integers(1, 30)).map(
    lambda pair: Span(pair[0] * 30, (pair[0] + pair[1]) * 30)
)
WEEKS = st.lists(st.lists(SPANS, max_size=2).map(tuple), min_size=7, max_size=7).map(tuple)
NOW = st.integers(0, 20_000).map(lambda n: datetime(2026, 11, 2, tzinfo=UTC) + timedelta(minutes=n))


@settings(max_examples=20, deadline=None)
@given(week=WEEKS, now=NOW, minutes=st.integers(1, 240))
def test_added_time_is_counted_minute_by_minute(
    week: tuple[tuple[Span, ...], ...], now: datetime, minutes: int
) -> None:
    hours = Hours(week=week)
    assert hours.is_open(now) is open_by_the_wall(hours, now)
    if not any(week):
        return
    due, left = now, minutes
    while left:
        left -= open_by_the_wall(hours, due)
        due += timedelta(minutes=1)
    assert hours.add(now, timedelta(minutes=minutes)) == due
