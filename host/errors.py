"""What stops the bot, said in one line to whoever started it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.ports import Problem


class Fatal(Exception):
    """The bot cannot go on. Shown as ``what — how to mend it``; the process exits with 2."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(f"{what} — {fix}" if fix else what)
        self.what = what
        self.fix = fix


class Invalid(Fatal):
    """Settings do not hold. ``problems`` names every finding, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        more = f" (and {len(problems) - 1} more: bot check)" if len(problems) > 1 else ""
        super().__init__(f"{first.where}: {first.what}", f"{first.fix}{more}")
        self.problems = tuple(problems)
