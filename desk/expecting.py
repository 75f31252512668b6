"""When a person answers: the due time of a case, and how customers and agents are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.ports import Texts
from desk.hours import ALWAYS, DAY, Hours, Span

_SAID_IN_MINUTES = timedelta(minutes=90)  # what takes longer is said as a time of the day
_QUARTER = timedelta(minutes=15)
ANSWER = {
    "high": timedelta(minutes=15),
    "normal": timedelta(minutes=60),
    "low": timedelta(minutes=480),
}


@dataclass(frozen=True, kw_only=True)
class Expecting:
    """``answer``: the working time in which a person should have answered, by priority."""

    texts: Texts
    hours: Hours = ALWAYS
    answer: Mapping[str, timedelta] = field(default_factory=lambda: ANSWER)

    def due(self, since: datetime, priority: str) -> datetime:
        """When somebody who waits since then should have an answer."""
        return self.hours.add(since, self.answer[priority])

    def facts(
        self,
        now: datetime,
        priority: str,
        language: str,
        *,
        since: datetime | None = None,
        channel: str | None = None,
    ) -> dict[str, Any]:
        """``{person_when}``: a sentence that says when a person answers, as it fits a channel.

        ``since``: the customer waits already; where that time is over, a new one begins now.
        """
        return {"person_when": self._sentence(now, priority, language, since or now, channel)}

    def _sentence(
        self, now: datetime, priority: str, language: str, since: datetime, channel: str | None
    ) -> str:
        if not self.hours.is_open(now):
            when = self.moment("from", self.hours.next_open(now), now, language)
            return self._say("person_closed", {"when": when}, language, channel)
        due = self.due(since, priority)
        if due <= now:
            due = self.due(now, priority)
        today = self.hours.local(due).date() == self.hours.local(now).date()
        if today and due - now <= _SAID_IN_MINUTES:
            minutes = -(-(due - now) // timedelta(minutes=5)) * 5
            return self._say("person_within", {"minutes": minutes}, language, channel)
        when = self.moment("by", _rounded_up(due), now, language)
        return self._say("person_by", {"when": when}, language, channel)

    def moment(self, how: str, at: datetime, now: datetime, language: str) -> str:
        """A time in words: ``from`` it on, ``by`` it, or ``since`` it."""
        local = self.hours.local(at)
        days = (local.date() - self.hours.local(now).date()).days
        which = {0: "today", 1: "tomorrow"}.get(days, "day")
        return self._say(f"when_{how}_{which}", {"time": local, "day": local}, language)

    def opening_times(self, language: str) -> str:
        """The usual week in words: "Montag bis Freitag, 8 bis 18 Uhr"."""
        week = self.hours.week
        if all(spans == (Span(0, DAY),) for spans in week):
            return self._say("hours_always", {}, language)
        lines, first = [], 0
        for day in range(7):
            if day < 6 and week[day + 1] == week[day]:
                continue
            if week[day]:
                lines.append(self._days(first, day, language))
            first = day + 1
        return "; ".join(lines)

    def _days(self, first: int, last: int, language: str) -> str:
        spans = [
            self._say("hours_span", {"start": span.start, "end": _end(span)}, language)
            for span in self.hours.week[first]
        ]
        monday = datetime(2024, 1, 1)
        days = {"first": monday + timedelta(days=first), "last": monday + timedelta(days=last)}
        name = "hours_day" if first == last else "hours_days"
        return self._say(name, {**days, "spans": spans}, language)

    def _say(
        self, response: str, facts: Mapping[str, Any], language: str, channel: str | None = None
    ) -> str:
        return self.texts.render(response, facts, language=language, channel=channel).text


def _end(span: Span) -> int:
    return span.end if span.end <= DAY else span.end - DAY


def _rounded_up(at: datetime) -> datetime:
    over = (at - at.replace(minute=0, second=0, microsecond=0)) % _QUARTER
    return at + (_QUARTER - over) if over else at
