"""Commands of agents: each is applied at once, in one transaction, and once."""

from __future__ import annotations

from dataclasses import dataclass

from bot.desk import Close, Command, CommandResult, HandBack, Line, TakeOver
from bot.ports import Row, Tx
from bot.store import cases
from bot.store.codec import Clock, utc_now
from desk.lines import Lines
from desk.ownership import Ownership


@dataclass(eq=False, kw_only=True)
class Commands:
    """Applies commands, and remembers what each did."""

    ownership: Ownership
    lines: Lines
    clock: Clock = utc_now

    def apply(self, tx: Tx, command: Command) -> CommandResult:
        """Apply a command once; the same id again gives the same result."""
        known = cases.known_command(tx, command.id)
        if known is not None:
            return known
        case = cases.get_row(tx, command.case)
        if case is None:
            return CommandResult(False, "no_such_case")
        result = self._apply(tx, command, case)
        cases.note_command(
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
        if case["state"] == "closed":
            return CommandResult(False, "case_closed")
        match command:
            case TakeOver():
                return self.ownership.take_over(tx, command, case)
            case Line():
                return self.lines.send(tx, command, case)
            case HandBack():
                return self.ownership.hand_back(tx, command, case)
            case Close():
                return self.ownership.close(tx, command, case)
            case _:
                return CommandResult(False, "not_here")
