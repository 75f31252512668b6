"""Commands of agents: each is applied at once, in one transaction, and once."""

from __future__ import annotations

from dataclasses import dataclass

from bot.desk import (
    Again,
    Assign,
    Close,
    Command,
    CommandResult,
    Edit,
    HandBack,
    Line,
    Link,
    Prioritise,
    Release,
    SendTemplate,
    SetLanguage,
    Snooze,
    Stop,
    TakeOver,
    Unlink,
    Unsend,
)
from bot.ports import Row, Tx
from bot.store import cases, commands
from bot.store.codec import Clock, utc_now
from desk.changes import Changes
from desk.claims import Claims
from desk.lines import Lines
from desk.linking import Linking
from desk.ownership import Ownership
from desk.templates import Templates
from desk.triage import Triage


@dataclass(eq=False, kw_only=True)
class Commands:
    """Applies commands, and remembers what each did."""

    ownership: Ownership
    lines: Lines
    changes: Changes
    templates: Templates
    triage: Triage
    claims: Claims
    linking: Linking
    clock: Clock = utc_now

    def apply(self, tx: Tx, command: Command) -> CommandResult:
        """Apply a command once; the same id again gives the same result."""
        known = commands.known(tx, command.id)
        if known is not None:
            return known
        case = cases.get_row(tx, command.case)
        if case is None:
            return CommandResult(False, "no_such_case")
        result = self._apply(tx, command, case)
        if result.done:
            cases.note_seen(tx, command.case, command.agent, self.clock())
        commands.note(
            tx,
            id=command.id,
            kind=type(command).__name__,
            case=command.case,
            agent=command.agent,
            result=result,
            now=self.clock(),
        )
        return result

    def _apply(self, tx: Tx, command: Command, case: Row) -> CommandResult:
        if isinstance(command, Line) and command.internal:
            return self.lines.note(tx, command, case)
        match command:
            case Link():
                return self.linking.link(tx, command, case)
            case Unlink():
                return self.linking.part(tx, command, case)
        if case["state"] == "closed":
            return CommandResult(False, "case_closed")
        match command:
            case Line() | Again() | Stop() | Edit() | Unsend():
                return self._line(tx, command, case)
            case SendTemplate():
                return self.templates.send(tx, command, case)
            case Prioritise():
                return self.triage.prioritise(tx, command, case)
            case Snooze():
                return self._watched(tx, command, self.triage.snooze(tx, command, case))
            case SetLanguage():
                return self.triage.set_language(tx, command, case)
            case _:
                return self._owner(tx, command, case)

    def _line(
        self, tx: Tx, command: Line | Again | Stop | Edit | Unsend, case: Row
    ) -> CommandResult:
        match command:
            case Line():
                return self.lines.send(tx, command, case)
            case Again():
                return self.lines.again(tx, command, case)
            case Stop():
                return self.changes.stop(tx, command, case)
            case Edit():
                return self.changes.edit(tx, command, case)
            case Unsend():
                return self.changes.unsend(tx, command, case)

    def _owner(
        self, tx: Tx, command: TakeOver | Assign | Release | HandBack | Close, case: Row
    ) -> CommandResult:
        match command:
            case TakeOver():
                return self._watched(tx, command, self.ownership.take_over(tx, command, case))
            case Assign():
                return self._watched(tx, command, self.ownership.assign(tx, command, case))
            case Release():
                return self.ownership.release(tx, command, case)
            case HandBack():
                return self.ownership.hand_back(tx, command, case)
            case Close():
                return self.ownership.close(tx, command, case)

    def _watched(
        self, tx: Tx, command: TakeOver | Assign | Snooze, result: CommandResult
    ) -> CommandResult:
        """A case that somebody has got, or that comes back at another time, is watched anew."""
        case = cases.get_row(tx, command.case)
        if result.done and case is not None:
            self.claims.watch(tx, case)
        return result
