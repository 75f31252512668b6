"""Which desk gets a case, and where it stands there: the first rule that fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.desk import Priority
from desk.hours import ALWAYS, Hours

# Reasons that an agent should see before others.
URGENT = frozenset(
    {"complaint", "outcome_unknown", "action_failed", "pair_attempts", "code_attempts"}
)


@dataclass(frozen=True, slots=True)
class Concern:
    """What is known of a case when it opens. ``intent``: of the latest turn, if it was told."""

    reason: str
    intent: str | None
    language: str

    @property
    def priority(self) -> Priority:
        """What the reason alone gives it."""
        return "high" if self.reason in URGENT else "normal"


@dataclass(frozen=True, slots=True)
class Route:
    """Where a case goes. ``place``: where at the desk; empty: its usual one."""

    desk: str
    place: str = ""
    priority: Priority = "normal"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Fits where each of its conditions does (an empty one always), and says where and how soon."""

    reasons: frozenset[str] = frozenset()
    intents: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    priorities: frozenset[str] = frozenset()
    hours: Literal["open", "closed"] | None = None
    desk: str | None = None
    place: str = ""
    priority: Priority | None = None

    def fits(self, concern: Concern, *, is_open: bool) -> bool:
        """Whether a case is one of these."""
        wanted = (
            (self.reasons, concern.reason),
            (self.intents, concern.intent),
            (self.languages, concern.language),
            (self.priorities, concern.priority),
        )
        in_time = self.hours is None or (self.hours == "open") is is_open
        return in_time and all(not names or one in names for names, one in wanted)


@dataclass(frozen=True, kw_only=True)
class Routing:
    """The rules, in order. ``desk`` gets what no rule names another for."""

    desk: str
    rules: Sequence[Rule] = ()
    hours: Hours = ALWAYS

    def route(self, concern: Concern, at: datetime) -> Route:
        """Where a case goes that opens then."""
        is_open = self.hours.is_open(at)
        for rule in self.rules:
            if rule.fits(concern, is_open=is_open):
                return Route(rule.desk or self.desk, rule.place, rule.priority or concern.priority)
        return Route(self.desk, priority=concern.priority)
