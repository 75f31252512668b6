"""Mails that cannot be imported now: after all the others, and not again at once."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from plugins.mail.receiving.ledger import Source

_ATTEMPTS = 4
_RESTS = 3600.0  # seconds until the next attempt after these


@dataclass
class Hard:
    """Counts attempts. A mail at which the connection breaks each time must not stop the others."""

    _tried: dict[Source, int] = field(default_factory=dict)
    _rests_until: dict[Source, float] = field(default_factory=dict)

    def order(self, uids: Iterable[int], folder: str, uidvalidity: int) -> list[int]:
        """What is to be tried now: the ones that failed last, the ones that rest not at all."""
        tried = {
            one.uid: count
            for one, count in self._tried.items()
            if (one.folder, one.uidvalidity) == (folder, uidvalidity)
        }
        now = time.monotonic()
        resting = {one.uid for one, until in self._rests_until.items() if until > now} & set(tried)
        return sorted(set(uids) - resting, key=lambda uid: (tried.get(uid, 0), uid))

    def forget_all_but(self, uids: Iterable[int], folder: str, uidvalidity: int) -> list[Source]:
        """Those of a folder that are not there any more: somebody deleted them, or moved them."""
        there = {(uidvalidity, uid) for uid in uids}
        gone = [
            one
            for one in self._tried
            if one.folder == folder and (one.uidvalidity, one.uid) not in there
        ]
        for source in gone:
            self.over(source)
        return gone

    def begin(self, source: Source) -> None:
        """It is tried. Whether that ends well is told by :meth:`over`."""
        self._tried[source] = self._tried.get(source, 0) + 1
        if self.given_up(source):
            self._rests_until[source] = time.monotonic() + _RESTS

    def over(self, source: Source) -> None:
        """It is imported, or gone, or was not at fault."""
        self._tried.pop(source, None)
        self._rests_until.pop(source, None)

    def given_up(self, source: Source) -> bool:
        """Whether it has failed so often that only its headers are asked for."""
        return self._tried.get(source, 0) >= _ATTEMPTS

    def any(self, folder: str) -> bool:
        """Whether a folder has one."""
        return any(one.folder == folder for one in self._tried)
