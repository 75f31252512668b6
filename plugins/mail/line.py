"""Whether a mailbox is read: what `/health` says of it."""

from __future__ import annotations

import asyncio
import logging

log = logging.getLogger(__name__)


class Line:
    """The line to one mailbox. A failure turns it red at once only when it needs an operator."""

    def __init__(self, name: str, quiet_seconds: float) -> None:
        self.name = name
        self._quiet = quiet_seconds
        self._lost_at: float | None = None
        self._why = ""
        self._lasting = False
        self._notes: dict[str, str] = {}
        self._told = False

    def opened(self) -> None:
        """The bot starts: the time of silence begins."""
        self._lost_at, self._why, self._lasting = self._now(), "not connected yet", False

    def works(self) -> None:
        """All is well."""
        if self._told:
            log.warning("mailbox is read again", extra={"mailbox": self.name})
        self._lost_at, self._why, self._lasting, self._told = None, "", False, False

    def failed(self, why: str, *, lasting: bool = False) -> None:
        """It cannot be read; ``lasting`` needs an operator."""
        self._lost_at = self._now() if self._lost_at is None else self._lost_at
        self._why, self._lasting = why, lasting
        if not self._told and self.trouble() is not None:
            log.error("mailbox is not read: %s", why, extra={"mailbox": self.name})
            self._told = True

    def note(self, subject: str, what: str) -> None:
        """A trouble beside the line, of one folder; an empty one is over."""
        if what and subject not in self._notes:
            log.error("mailbox: %s", what, extra={"mailbox": self.name})
        self._notes.pop(subject, None)
        if what:
            self._notes[subject] = what

    def trouble(self) -> str | None:
        """What is wrong, in words for an operator; ``None``: nothing, or not for long yet."""
        notes = "; ".join(self._notes.values())
        if self._lost_at is not None:
            silent = self._now() - self._lost_at
            if self._lasting or silent > self._quiet:
                return f"{self.name}: {self._why}"
        return f"{self.name}: {notes}" if notes else None

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
