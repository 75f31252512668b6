"""When a snoozed case comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, tzinfo

_EARLIEST = time(6)
"""Nobody begins with what was put off at midnight, also where it is never closed."""


def snooze_times(
    now: datetime, zone: tzinfo, opens: Callable[[datetime], datetime]
) -> Mapping[str, datetime]:
    """The moments of the choices. ``zone`` is the agents'; ``opens`` tells when people are there.

    Where the next working day begins the next week, it is said once.
    """
    today = now.astimezone(zone).date()

    def morning(day: date) -> datetime:
        return opens(datetime.combine(day, _EARLIEST, zone))

    times = {
        "hour": now + timedelta(hours=1),
        "hours": now + timedelta(hours=3),
        "workday": morning(today + timedelta(days=1)),
        "week": morning(today + timedelta(days=7 - today.weekday())),
    }
    return {name: at for name, at in times.items() if name != "week" or at > times["workday"]}
