"""When people answer: the opening times of a week, holidays, closed days and shorter ones.

Times come in and go out as timezone-aware UTC datetimes. What is worked is real time: an hour that
the clock skips or repeats in between is not counted, or is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

DAY = 24 * 60  # minutes
STATES = frozenset(one for one in holidays.list_supported_countries()["DE"] if len(one) == 2)
"""The German states by their usual two letters, as the library `holidays` names them."""

_SPAN = re.compile(r"\s*(\d{1,2})(?::(\d{2}))?\s*[-–]\s*(\d{1,2})(?::(\d{2}))?\s*")
_AHEAD = 800  # days in which some opening must lie; two years, and a bit


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Open from ``start`` to ``end``, in minutes after the day's midnight.

    An ``end`` beyond 1440 lies in the next day: the span belongs to the day on which it begins.
    """

    start: int
    end: int

    @classmethod
    def parse(cls, text: str) -> Span:
        """Read ``8-18``, ``08:30-12:00`` or, over midnight, ``22-2``. Raises ValueError."""
        match = _SPAN.fullmatch(text)
        if match is None:
            raise ValueError(f"'{text}' is no opening time, such as '08:00-18:00'")
        start = _minutes(match[1], match[2], text)
        end = _minutes(match[3], match[4], text)
        if start in (DAY, end):
            raise ValueError(f"'{text}' opens for no time")
        return cls(start, end if end > start else end + DAY)

    def __str__(self) -> str:
        end = self.end if self.end <= DAY else self.end - DAY
        return f"{self.start // 60:02}:{self.start % 60:02}-{end // 60:02}:{end % 60:02}"


def _minutes(hour: str, minute: str | None, text: str) -> int:
    minutes = int(hour) * 60 + int(minute or 0)
    if minutes > DAY or int(minute or 0) > 59:
        raise ValueError(f"'{text}' names a time that no day has")
    return minutes


Week = tuple[tuple[Span, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Hours:
    """Business hours. ``week`` has seven entries, Monday first.

    ``state`` is one of :data:`STATES`; ``None`` keeps only the holidays of all Germany. ``closed``
    and ``special`` name days: ``2026-12-28``, or ``12-24`` for every year. A special day of one
    year is open as it says, whatever day it is; one of every year only where it would be open at
    all, so that a half day on a Sunday stays a Sunday.
    """

    week: Week
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Berlin"))
    with_holidays: bool = True
    state: str | None = None
    closed: frozenset[str] = frozenset()
    special: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)

    def is_open(self, at: datetime) -> bool:
        """Whether people answer at that time."""
        return next((start <= at for start, _ in self._from(at)), False)

    def next_open(self, at: datetime) -> datetime:
        """The time itself when it is open, else when it opens next.

        Raises LookupError when it never does.
        """
        for start, _ in self._from(at):
            return start
        raise LookupError("never open")

    def add(self, at: datetime, working: timedelta) -> datetime:
        """When so much working time has passed. Raises LookupError when there is not so much."""
        left = working
        for start, end in self._from(at):
            if left <= end - start:
                return start + left
            left -= end - start
        raise LookupError("never open for so long")

    def opens(self, day: date) -> tuple[Span, ...]:
        """The opening times that begin on a day."""
        this, every = day.isoformat(), f"{day:%m-%d}"
        usual = self.week[day.weekday()]
        if this in self.closed:
            return ()
        if this in self.special:
            return self.special[this]
        off = every in self.closed or (
            self.with_holidays and day in _days_off(self.state, day.year)
        )
        return () if off or not usual else self.special.get(every, usual)

    def local(self, at: datetime) -> datetime:
        """A time as the clock on the wall shows it."""
        return at.astimezone(self.zone)

    def _from(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Opening times after ``at`` (the first is cut to what is left), in order, none twice."""
        today, over = self.local(at).date(), at
        for ahead in range(-2, _AHEAD):  # a span may begin a day before it ends
            day = today + timedelta(days=ahead)
            for span in sorted(self.opens(day)):
                start, end = self._utc(day, span.start), self._utc(day, span.end, end=True)
                if end > max(start, over):
                    yield max(start, over), end
                    over = end

    def _utc(self, day: date, minutes: int, *, end: bool = False) -> datetime:
        days, minutes = divmod(minutes, DAY)
        clock = time(minutes // 60, minutes % 60, tzinfo=self.zone)
        at = datetime.combine(day + timedelta(days=days), clock)
        first = at.astimezone(UTC)
        # A time that the clock shows twice: open from the first until the second.
        return max(first, at.replace(fold=1).astimezone(UTC)) if end else first


@cache
def _days_off(state: str | None, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("DE", subdiv=state, years=year))


ALWAYS = Hours(week=((Span(0, DAY),),) * 7, with_holidays=False)
"""Somebody is always there."""
WORKDAYS = Hours(week=((Span(8 * 60, 18 * 60),),) * 5 + ((), ()))
"""The default: Monday to Friday, 8 to 18."""
