"""The reactions that say what a line is and what became of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from bot.messages import State

INTERNAL = "lock"  # stays inside
EMOJI = {
    State.DRAFT: "pencil2",
    State.QUEUED: "hourglass_flowing_sand",
    State.SENDING: "hourglass_flowing_sand",
    State.SENT: "outbox_tray",
    State.DELIVERED: "white_check_mark",
    State.READ: "eyes",
    State.FAILED: "x",
    State.UNKNOWN: "question",
    State.CANCELLED: "no_entry_sign",
}
OURS = frozenset({INTERNAL, *EMOJI.values()})
# What an agent must know first comes first; among what goes well, the piece that is least far.
_WORST_FIRST = (
    State.FAILED,
    State.UNKNOWN,
    State.DRAFT,
    State.QUEUED,
    State.SENDING,
    State.SENT,
    State.DELIVERED,
    State.READ,
    State.CANCELLED,
)


def whole(states: Iterable[State]) -> State | None:
    """The state of a line that went out in several pieces."""
    found = set(states)
    return next((state for state in _WORST_FIRST if state in found), None)
