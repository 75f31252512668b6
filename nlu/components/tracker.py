"""Rasa's SQL tracker store, with the trackers of the latest conversations kept in memory.

Reading a tracker back costs more the longer it is. A tracker that is being worked on is not kept:
a turn that fails leaves nothing behind, and the next one reads what was saved.
"""

from __future__ import annotations

import itertools
import math
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.events import Event
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import StaticPool

VACUUM_AT_ONCE = 64 * 1024 * 1024
"""Bytes of a tracker file that is written anew in some tenths of a second."""
KEPT = 500
"""Conversations kept in memory, some 100 kB each."""


class KeptTrackers(SQLTrackerStore):
    """For one process alone, to which a conversation always goes while it lives."""

    engine: Engine

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As Rasa's; nothing is kept yet."""
        self._kept: OrderedDict[str, DialogueStateTracker] = OrderedDict()
        self._saved: dict[str, int] = {}
        super().__init__(*args, **kwargs)
        if self.engine.dialect.name == "sqlite":
            # One connection for good: for SQLite files a new one is opened each time otherwise.
            self.engine = sa.create_engine(self.engine.url, poolclass=StaticPool)
            sa.event.listen(self.engine, "connect", _do_not_wait_for_the_disk)
            self.sessionmaker = sessionmaker(bind=self.engine)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """The tracker, if there is one. It is kept no longer, until it is saved again."""
        tracker = self._kept.pop(sender_id, None)
        if tracker is None:
            self._saved.pop(sender_id, None)
            tracker = await super().retrieve(sender_id)
        return tracker

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Save what is new, and keep the tracker."""
        await super().save(tracker)
        self._kept[tracker.sender_id] = tracker
        self._saved[tracker.sender_id] = len(tracker.events)
        if len(self._kept) > KEPT:
            forgotten, _ = self._kept.popitem(last=False)
            del self._saved[forgotten]

    def forget(self, conversations: Iterable[int]) -> None:
        """Forget all trackers of conversations; overwritten, also in the log beside the file.

        A large file is written anew only at night, by `old`: turns would have to wait for it.
        """
        with self.session_scope() as session:
            for conversation in conversations:
                session.execute(_FORGET, {"first": f"{conversation}.", "last": f"{conversation}/"})
                session.commit()
                for sender in [one for one in self._kept if one.startswith(f"{conversation}.")]:
                    del self._kept[sender], self._saved[sender]
        self._scrub(most=VACUUM_AT_ONCE)

    def old(self, before: float, *, drop: bool) -> int:
        """How many trackers had no event since then (seconds since 1970); ``drop`` forgets them."""
        with self.session_scope() as session:
            senders = [row[0] for row in session.execute(_OLD, {"before": before})]
            for sender in senders if drop else ():
                session.execute(_FORGET_ONE, {"sender": sender})
                session.commit()  # each by itself: a turn waits for none of it long
                self._kept.pop(sender, None)
                self._saved.pop(sender, None)
        if drop:
            self._scrub()
        return len(senders)

    def _scrub(self, most: float = math.inf) -> None:
        if self.engine.dialect.name != "sqlite":
            return
        cursor = self.engine.raw_connection().cursor()
        ((pages,),) = cursor.execute("PRAGMA page_count").fetchall()
        ((size,),) = cursor.execute("PRAGMA page_size").fetchall()
        if pages * size <= most:
            cursor.execute("VACUUM")  # what was moved between pages is not overwritten
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _additional_events(
        self, session: Session, tracker: DialogueStateTracker
    ) -> Iterator[Event]:
        saved = self._saved.get(tracker.sender_id)
        if saved is None:
            return super()._additional_events(session, tracker)
        return itertools.islice(tracker.events, saved, None)


_FORGET = sa.text("DELETE FROM events WHERE sender_id >= :first AND sender_id < :last")
_FORGET_ONE = sa.text("DELETE FROM events WHERE sender_id = :sender")
_OLD = sa.text("SELECT sender_id FROM events GROUP BY sender_id HAVING max(timestamp) < :before")


def _do_not_wait_for_the_disk(connection: Any, _record: object) -> None:
    """A turn that a power cut takes away is asked again: the bot's store is the truth."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA secure_delete=ON")
