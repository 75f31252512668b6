"""When a snoozed case comes back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from plugins.slack.desk_settings import DeskSettings


def snooze_times(now: datetime, settings: DeskSettings) -> Mapping[str, datetime]:
    """The moments of the choices, in the desk's time zone."""
    times = _times(now, settings)
    if times["monday"] == times["tomorrow"]:  # on a Sunday
        del times["monday"]
    return times


def _times(now: datetime, settings: DeskSettings) -> dict[str, datetime]:
    today = now.astimezone(settings.zone).date()
    monday = today + timedelta(days=7 - today.weekday())
    return {
        "hour": now + timedelta(hours=1),
        "hours": now + timedelta(hours=3),
        "tomorrow": _morning(today + timedelta(days=1), settings),
        "monday": _morning(monday, settings),
    }


def _morning(day: date, settings: DeskSettings) -> datetime:
    return datetime.combine(day, settings.opens, settings.zone)
