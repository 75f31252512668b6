"""The desk's words in its own language: what agents read is in ``nlu/domain/slack_desk.yml``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.numbers import format_currency

from bot.ports import Texts
from plugins.slack.kit import cut, one_line

_CODE = 80  # characters of a code without a word
_LOCALES = {"de": "de_DE", "en": "en_GB"}


@dataclass(frozen=True)
class Words:
    """Texts of the desk; ``language`` and ``zone`` are the agents'."""

    texts: Texts
    language: str = "de"
    zone: tzinfo = field(default_factory=lambda: ZoneInfo("Europe/Berlin"))

    def __call__(self, name: str, /, **facts: Any) -> str:
        """A text of the desk. Raises LookupError."""
        return self.texts.render(f"slack_{name}", facts, language=self.language).text

    def name_of(self, kind: str, value: str) -> str:
        """A word for a code (an intent, a state); the code itself where there is none."""
        for name in (f"slack_{kind}_{value}", f"title_{kind}_{value}"):
            if self.texts.has(name):
                return self.texts.render(name, {}, language=self.language).text
        return cut(one_line(value.replace("_", " ")), _CODE) or "–"

    def reason(self, code: str, **facts: Any) -> str:
        """The sentence of a reason code; ``taken_by:<name>`` carries a name."""
        name, _, agent = code.partition(":")
        known = {"agent": cut(one_line(agent), _CODE), **facts} if agent else facts
        if self.texts.has(f"reason_{name}"):
            return self.texts.render(f"reason_{name}", known, language=self.language).text
        return self("refused", code=cut(one_line(name.replace("_", " ")), _CODE))

    def alarm(self, kind: str, facts: Mapping[str, Any]) -> str:
        """The sentence of an alarm that has one."""
        return self.texts.render(f"alarm_{kind}", facts, language=self.language).text

    def alarm_advice(self, kind: str) -> str:
        """What to do about an alarm."""
        own = f"alarm_advice_{kind}"
        name = own if self.texts.has(own) else "alarm_advice"
        return self.texts.render(name, {}, language=self.language).text

    def said(self, name: str, language: str, **facts: Any) -> str:
        """A text in another language than the desk's: the customer's."""
        return self.texts.render(f"slack_{name}", facts, language=language).text

    def money(self, value: str) -> str:
        """An amount such as ``84.90 EUR`` as people write it; anything else as it is."""
        found = re.fullmatch(r"(-?\d+(?:\.\d+)?) ([A-Z]{3})", value)
        if found is None:
            return value
        locale = _LOCALES.get(self.language, "en_GB")
        return str(format_currency(Decimal(found[1]), found[2], locale=locale))

    def duration(self, time: timedelta) -> str:
        """Minutes, or hours where they are many."""
        minutes = round(time.total_seconds() / 60)
        if minutes < 120:
            return self("minutes", count=minutes)
        return self("hours", count=round(minutes / 60))

    def day(self, at: datetime) -> str:
        """A day, with its weekday."""
        style = "EEEE, d. MMMM" if self.language == "de" else "EEEE d MMMM"
        locale = _LOCALES.get(self.language, "en_GB")
        return str(format_date(self.local(at).date(), style, locale=locale))

    def local(self, at: datetime) -> datetime:
        """A time where the agents are."""
        return at.astimezone(self.zone)

    def clock(self, at: datetime, now: datetime) -> str:
        """The time of day; with the day when it is another one."""
        there = self.local(at)
        locale = _LOCALES.get(self.language, "en_GB")
        time = str(format_time(there.time(), "HH:mm", locale=locale))
        if there.date() == self.local(now).date():
            return time
        style = "EEE d. MMM" if self.language == "de" else "EEE d MMM"
        return f"{format_date(there.date(), style, locale=locale)} {time}"
