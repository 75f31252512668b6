"""What is written where no code counts: in answer to its mail, or after too many tries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.messages import Answer, Kind, Outcome, Say, Turn, Understanding
from bot.ports import Next, Store, Texts, Tx
from bot.store.codec import Clock, stamp, utc_now
from identity import reading
from identity.codes import PAUSE
from identity.proofs import PROOF_LIFE

_DISOWNED = timedelta(days=2)
"""How long after a mail with a code its reader may say that they never asked for one."""
_CERTAIN = Understanding(None, 1.0)
_PAUSED = "utter_code_paused"


@dataclass(frozen=True, kw_only=True)
class MisplacedCode:
    """A middleware: says where digits belong, or that there is a pause. They are not looked at.

    It also answers who got a code and never asked for one.

    Whoever answers the mail may never have asked for a code, so that it must prove nothing here
    and must not be used up; and whoever did ask needs to hear where to go on. After too many tries
    another code would be taken for the number of an order.
    """

    store: Store
    texts: Texts
    clock: Clock = utc_now

    async def __call__(self, turn: Turn, ask: Next) -> Answer:
        """Answer who writes six digits out of place, or that a mail with a code was not theirs."""
        if turn.kind is not Kind.TEXT or turn.payload:
            return await ask(turn)
        if reading.disowns(turn.text) and await self._channel(turn, _DISOWNED):
            return _only("utter_code_not_asked")
        meant = reading.read(turn.text, None)
        if meant is None or not meant.isdigit():
            return await ask(turn)
        if await self.store.read(lambda tx: self._is_paused(tx, turn.conversation)):
            return _only(_PAUSED)
        channel = await self._channel(turn, PROOF_LIFE)
        if channel is None:
            return await ask(turn)
        where = f"code_on_{channel}"
        if not self.texts.has(f"term_{where}"):
            where = "code_there"
        return _only("utter_code_elsewhere", where=where)

    async def _channel(self, turn: Turn, life: timedelta) -> str | None:
        since = self.clock() - life
        return await self.store.read(lambda tx: self._asked_on(tx, turn.conversation, since))

    def _asked_on(self, tx: Tx, conversation: int, since: datetime) -> str | None:
        """The channel on which the latest code whose mail went here was asked for."""
        row = tx.row(
            "SELECT v.channel, c.conversation FROM outbox o JOIN codes c ON c.id = o.secret "
            "JOIN conversations v ON v.id = c.conversation WHERE o.conversation = :here "
            "AND c.created_at > :since ORDER BY o.seq DESC LIMIT 1",
            here=conversation,
            since=stamp(since),
        )
        own = tx.row(
            "SELECT 1 FROM codes WHERE conversation = :here AND state = 'open' "
            "AND expires_at > :now LIMIT 1",
            here=conversation,
            now=stamp(self.clock()),
        )
        if row is None or own is not None or row["conversation"] == conversation:
            return None
        return str(row["channel"])

    def _is_paused(self, tx: Tx, conversation: int) -> bool:
        """Whether the pause is the latest thing that was said: digits may be an order's later."""
        latest = tx.row(
            "SELECT response, created_at FROM outbox WHERE conversation = :here AND op = 'send' "
            "ORDER BY seq DESC LIMIT 1",
            here=conversation,
        )
        return (
            latest is not None
            and latest["response"] == _PAUSED
            and latest["created_at"] > stamp(self.clock() - PAUSE)
        )


def _only(response: str, **facts: str) -> Answer:
    return Answer((Say(response, facts),), Outcome.ASK, understanding=_CERTAIN)
