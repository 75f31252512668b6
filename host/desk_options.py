"""Settings of the agents' side: ``[handoff]`` and ``[hours]``."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from bot.desk import Priority
from desk.hours import STATES, Hours, Span
from desk.routing import Rule
from host.options import Options

_OFFICE = (Span.parse("08:00-18:00"),)


class AnswerMinutes(Options):
    """Working minutes in which a person should have answered, by priority."""

    high: int = Field(default=15, ge=5, le=60 * 24 * 7, description="Minutes, 5 or more")
    normal: int = Field(default=60, ge=5, le=60 * 24 * 7, description="Minutes, 5 or more")
    low: int = Field(default=480, ge=5, le=60 * 24 * 7, description="Minutes, 5 or more")


class RuleOptions(Options):
    """``[[handoff.rules]]``: a rule fits where all that it names does."""

    reasons: tuple[str, ...] = Field(default=(), description="Why the case opened: 'complaint'")
    intents: tuple[str, ...] = Field(default=(), description="What the customer wants, as in nlu/")
    languages: tuple[Literal["de", "en"], ...] = ()
    priorities: tuple[Priority, ...] = ()
    hours: Literal["open", "closed"] | None = None
    desk: str | None = Field(default=None, description="A desk's name; default: [handoff] desk")
    place: str = Field(
        default="", description="Where at the desk: a channel in Slack, for instance"
    )
    priority: Priority | None = Field(default=None, description="The priority that it gives")

    def rule(self) -> Rule:
        """The rule."""
        return Rule(
            reasons=frozenset(self.reasons),
            intents=frozenset(self.intents),
            languages=frozenset(self.languages),
            priorities=frozenset(self.priorities),
            hours=self.hours,
            desk=self.desk,
            place=self.place,
            priority=self.priority,
        )


class HandoffOptions(Options):
    """``[handoff]``: who gets the cases, and when customers can count on an answer."""

    desk: str | None = Field(
        default=None, description="A desk's name; needed when there are several"
    )
    undo_seconds: float = Field(
        default=5, ge=0, le=60, description="Seconds in which an agent can take a line back"
    )
    language: Literal["de", "en"] | None = Field(
        default=None, description="In which agents read; default: [bot] language"
    )
    answer_minutes: AnswerMinutes = AnswerMinutes()
    claim_minutes: float = Field(
        default=20,
        ge=0,
        description="Working minutes that a customer waits for a silent agent; 0: never ends",
    )
    claim_grace_minutes: float = Field(
        default=5, gt=0, description="Working minutes from the reminder until the case goes back"
    )
    rules: tuple[RuleOptions, ...] = ()

    def answers(self) -> dict[str, timedelta]:
        """The working time until a person should have answered, by priority."""
        minutes = self.answer_minutes.model_dump()
        return {priority: timedelta(minutes=count) for priority, count in minutes.items()}


def _spans(value: object) -> object:
    """Opening times: ``"08:00-18:00"`` or a list of them, one after the other."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple) or not all(isinstance(one, str | Span) for one in value):
        raise ValueError("is no list of opening times, such as ['08:00-12:00', '13:00-18:00']")
    spans = tuple(one if isinstance(one, Span) else Span.parse(one) for one in value)
    for before, after in pairwise(spans):
        if after.start < before.end:
            raise ValueError("its opening times overlap or are not in order")
    return spans


def _day(text: str) -> str:
    """A day of one year (``2026-12-28``), or of every year (``12-24``)."""
    try:
        date.fromisoformat(text if len(text) > 5 else f"2024-{text}")
    except ValueError:
        raise ValueError(f"'{text}' is no day, such as '2026-12-28' or '12-24'") from None
    return text


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"there is no time zone '{name}'")
    return name


def _written(spans: tuple[Span, ...]) -> list[str]:
    return [str(span) for span in spans]


Spans = Annotated[
    tuple[Span, ...], BeforeValidator(_spans), PlainSerializer(_written, when_used="json")
]
Day = Annotated[str, AfterValidator(_day)]
_TIMES = "Opening times, such as ['08:00-12:00', '13:00-18:00']; [] is closed"


class HoursOptions(Options):
    """``[hours]``: when people answer."""

    time_zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="Europe/Berlin", description="A name such as 'Europe/Berlin'"
    )
    monday: Spans = Field(default=_OFFICE, description=_TIMES)
    tuesday: Spans = Field(default=_OFFICE, description=_TIMES)
    wednesday: Spans = Field(default=_OFFICE, description=_TIMES)
    thursday: Spans = Field(default=_OFFICE, description=_TIMES)
    friday: Spans = Field(default=_OFFICE, description=_TIMES)
    saturday: Spans = Field(default=(), description=_TIMES)
    sunday: Spans = Field(default=(), description=_TIMES)
    holidays: bool = Field(default=True, description="Closed on Germany's public holidays")
    state: str | None = Field(
        default=None, description="A German state in two letters, for its holidays: 'NW'"
    )
    closed: tuple[Day, ...] = Field(
        default=(), description="Days: '2026-12-28', or '12-24' for every year"
    )
    special: dict[Day, Spans] = Field(
        default_factory=dict, description="Opening times of a day: {'12-24' = ['08:00-12:00']}"
    )

    @model_validator(mode="after")
    def _some_time(self) -> HoursOptions:
        if self.state is not None and self.state not in STATES:
            raise ValueError(f"state: no German state '{self.state}': {', '.join(sorted(STATES))}")
        hours = self.hours()
        if not any(hours.week):
            raise ValueError(
                "it is closed on every day of the week, so that nobody would ever answer: "
                "give a day opening times, such as monday = ['08:00-18:00']"
            )
        first = date(2024, 1, 1)  # a leap year: every day that can be closed
        if not any(hours.opens(first + timedelta(days=ahead)) for ahead in range(366)):
            raise ValueError("every day is closed: open one of them")
        return self

    def hours(self) -> Hours:
        """The hours."""
        week = (self.monday, self.tuesday, self.wednesday, self.thursday, self.friday)
        return Hours(
            week=(*week, self.saturday, self.sunday),
            zone=ZoneInfo(self.time_zone),
            with_holidays=self.holidays,
            state=self.state,
            closed=frozenset(self.closed),
            special=dict(self.special),
        )
