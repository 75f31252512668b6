"""The channel's own tables: where polling goes on, who polls, and what buttons mean."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.messages import Button
from bot.ports import Tx

# Telegram: after a week without updates the ids may start anew, at random and perhaps lower.
_OFFSET_IS_GOOD_FOR = timedelta(days=6)
_CLAIM = """
INSERT INTO telegram_poller (bot, holder, until) VALUES (:bot, :holder, :until)
ON CONFLICT (bot) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE holder = excluded.holder OR until < :now
"""


class LeaseLost(Exception):
    """Another process polls now; what this one fetched must not be committed by it."""


def claim(tx: Tx, bot: int, holder: str, now: datetime, seconds: float) -> bool:
    """Take or renew the lease; False while another process has it."""
    until = _stamp(now + timedelta(seconds=seconds))
    return bool(tx.run(_CLAIM, bot=bot, holder=holder, until=until, now=_stamp(now)))


def release(tx: Tx, bot: int, holder: str) -> None:
    """Let another process have the lease at once."""
    tx.run(
        "UPDATE telegram_poller SET until = '' WHERE bot = :bot AND holder = :holder",
        bot=bot,
        holder=holder,
    )


def offset(tx: Tx, bot: int, now: datetime) -> int | None:
    """The update to ask for next; ``None``: the earliest that Telegram still has."""
    row = tx.row("SELECT next, at FROM telegram_poller WHERE bot = :bot", bot=bot)
    if row is None or row["at"] is None:
        return None
    fresh = datetime.fromisoformat(row["at"]) > now - _OFFSET_IS_GOOD_FOR
    return int(row["next"]) if fresh else None


def advance(tx: Tx, bot: int, holder: str, following: int, now: datetime) -> None:
    """Move on, in the transaction that accepts the updates. Raises :class:`LeaseLost`."""
    moved = tx.run(
        "UPDATE telegram_poller SET next = :next, at = :at WHERE bot = :bot AND holder = :holder",
        next=following,
        at=_stamp(now),
        bot=bot,
        holder=holder,
    )
    if not moved:
        raise LeaseLost


def keep_buttons(tx: Tx, key: str, address: str, buttons: Sequence[Button]) -> None:
    """Note what the buttons of a message mean, before it leaves."""
    tx.run(
        "INSERT OR REPLACE INTO telegram_buttons (key, address, buttons) "
        "VALUES (:key, :address, :buttons)",
        key=key,
        address=address,
        buttons=json.dumps([[one.title, one.payload] for one in buttons]),
    )


def button(tx: Tx, address: str, key: str, place: int) -> Button | None:
    """A button that was shown to this chat."""
    known = tx.row(
        "SELECT buttons FROM telegram_buttons WHERE key = :key AND address = :address",
        key=key,
        address=address,
    )
    buttons = json.loads(known["buttons"]) if known else []
    return Button(*buttons[place - 1]) if 1 <= place <= len(buttons) else None


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
