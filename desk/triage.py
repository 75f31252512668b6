"""Which case comes first, which can wait, and in which language it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from bot.desk import CommandResult, Prioritise, Priority, SetLanguage, Snooze
from bot.ports import Row, Tx
from bot.store import cases, conversations, timers
from desk.handoff import CaseBook

SNOOZE = "desk_snooze"
"""The kind of the timers that wake cases; the subject is the case's number."""
LANGUAGES = ("de", "en")


@dataclass(eq=False, kw_only=True)
class Triage:
    """The commands that order the work. Each is one transaction."""

    book: CaseBook

    def prioritise(self, tx: Tx, command: Prioritise, case: Row) -> CommandResult:
        """Set the priority; anybody may."""
        if command.priority not in get_args(Priority):
            return CommandResult(False, "no_such_priority")
        cases.set_priority(tx, case["id"], command.priority)
        self.book.show(tx, case["id"], self.book.clock())
        return CommandResult(True)

    def snooze(self, tx: Tx, command: Snooze, case: Row) -> CommandResult:
        """Put the case off until then, or until the customer writes; ``None`` wakes it."""
        now = self.book.clock()
        if case["agent"] not in (None, command.agent):
            return self.book.taken(tx, case)
        if command.until is not None and command.until <= now:
            return CommandResult(False, "in_the_past")
        cases.snooze(tx, case["id"], command.until)
        if command.until is None:
            timers.cancel(tx, SNOOZE, str(case["id"]))
        else:
            timers.schedule(tx, SNOOZE, str(case["id"]), command.until)
        self.book.show(tx, case["id"], now)
        return CommandResult(True)

    def set_language(self, tx: Tx, command: SetLanguage, case: Row) -> CommandResult:
        """What the system and the bot say from now on is in this language.

        Detection leaves it alone until the dialogue's next pause: the word "ok" must not undo it.
        """
        if case["agent"] not in (None, command.agent):
            return self.book.taken(tx, case)
        if command.language not in LANGUAGES:
            return CommandResult(False, "no_such_language")
        conversations.fix_language(tx, case["conversation"], command.language)
        self.book.show(tx, case["id"], self.book.clock())
        return CommandResult(True)

    def fired(self, tx: Tx, subject: str, payload: Mapping[str, Any]) -> None:
        """The time of a snooze is over. A :class:`bot.ports.TimerHandler`."""
        del payload
        case = cases.get_row(tx, int(subject))
        if case is not None:
            self._wake(tx, case, "note_woken")

    def heard(self, tx: Tx, conversation: int) -> None:
        """The customer wrote."""
        case = cases.open_case(tx, conversation)
        if case is not None:
            self._wake(tx, case, "note_woken_by_customer")

    def bounced(self, tx: Tx, case: Row) -> None:
        """A message came back."""
        self._wake(tx, case, "note_woken_by_bounce")

    def _wake(self, tx: Tx, case: Row, note: str) -> None:
        # A timer that was left behind finds a case that is closed, taken or awake.
        if cases.snooze(tx, case["id"], None):
            timers.cancel(tx, SNOOZE, str(case["id"]))
            self.book.system_note(tx, case, note)
            self.book.show(tx, case["id"], self.book.clock())
