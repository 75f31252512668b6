"""Cases come back from agents who are silent while a customer waits: a reminder first.

Everything is measured in business hours, so that nobody loses a case overnight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.desk import Release
from bot.ports import Row, Tx
from bot.store import agents, cases, timers, waiting
from bot.store.codec import stamp, unstamp
from desk.handoff import SYSTEM, CaseBook
from desk.ownership import Ownership

CLAIM = "desk_claim"
"""The kind of the timers that watch taken cases; the subject is the case's number."""


@dataclass(eq=False, kw_only=True)
class Claims:
    """``after`` so much working time of waiting comes a reminder (zero: never), and ``grace``
    later the case goes back."""

    book: CaseBook
    ownership: Ownership
    after: timedelta = timedelta()
    grace: timedelta = timedelta(minutes=5)

    def watch(self, tx: Tx, case: Row) -> None:
        """Watch who has a case from now on, if a customer waits there."""
        since = waiting.waits_since(tx, case)
        if self.after and case["state"] == "taken" and since is not None:
            due = self._due(since, case)
            timers.schedule(tx, CLAIM, str(case["id"]), due, {"agent": case["agent"]})

    def heard(self, tx: Tx, conversation: int) -> None:
        """The customer wrote: watch the case, unless a reminder is unheard.

        A timer that is there may stand for the end of a snooze, which this message ended.
        """
        case = cases.open_case(tx, conversation)
        timer = case and timers.find(tx, CLAIM, str(case["id"]))
        if case is not None and (timer is None or "reminded" not in timers.payload(timer)):
            self.watch(tx, case)

    def away(self, tx: Tx, agent: str) -> None:
        """An agent went away: remind at once where a customer waits; by night nobody has to."""
        now = self.book.clock()
        if not self.after or not self.book.expecting.hours.is_open(now):
            return
        for case in waiting.waiting_cases_of(tx, agent):
            if case["snoozed_until"] is not None:
                continue
            timer = timers.find(tx, CLAIM, str(case["id"]))
            if timer is None or not self._is_reminded(case, timers.payload(timer), now):
                self._remind(tx, case, now)

    def fired(self, tx: Tx, subject: str, payload: Mapping[str, Any]) -> None:
        """A timer is due: remind, take the case back, or look again later."""
        case = cases.get_row(tx, int(subject))
        if case is None or case["state"] != "taken":
            return
        since = waiting.waits_since(tx, case)
        if since is None:
            return  # the next message of the customer's sets a new one
        now = self.book.clock()
        if self._is_reminded(case, payload, now):
            self._expire(tx, case)
        elif self._due(since, case) > now:
            self.watch(tx, case)
        else:
            self._remind(tx, case, now)

    def _due(self, since: datetime, case: Row) -> datetime:
        """When a reminder is due; a case that was put off waits until then."""
        begin = max(since, waiting.last_sign_of(case))
        if case["snoozed_until"] is not None:
            begin = max(begin, unstamp(case["snoozed_until"]))
        return self.book.expecting.hours.add(begin, self.after)

    def _is_reminded(self, case: Row, payload: Mapping[str, Any], now: datetime) -> bool:
        """Whether a reminder of today is unheard. One of last night is given again."""
        if "reminded" not in payload or payload["agent"] != case["agent"]:
            return False
        reminded, local = unstamp(payload["reminded"]), self.book.expecting.hours.local
        today = local(reminded).date() == local(now).date()
        return today and waiting.last_sign_of(case) <= reminded

    def _remind(self, tx: Tx, case: Row, now: datetime) -> None:
        expecting, words = self.book.expecting, self.book.words
        since = waiting.waits_since(tx, case) or now
        facts = {
            "agent": agents.name_of(tx, case["agent"]),
            "since": expecting.moment("since", since, now, words.language),
            "minutes": round(self.grace.total_seconds() / 60),
        }
        self.book.system_note(tx, case, "note_claim_reminder", facts)
        due = expecting.hours.add(now, self.grace)
        payload = {"agent": case["agent"], "reminded": stamp(now)}
        timers.schedule(tx, CLAIM, str(case["id"]), due, payload)

    def _expire(self, tx: Tx, case: Row) -> None:
        name = agents.name_of(tx, case["agent"])
        self.book.system_note(tx, case, "note_claim_expired", {"agent": name})
        self.ownership.release(tx, Release("", case["id"], SYSTEM), case)
