"""What a desk shows, and what an agent commands there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.messages import Address, Attachment, Author, Kind, Owner, State


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line of a conversation as a desk shows it."""

    id: str
    author: Author
    text: str
    at: datetime
    state: State | None = None
    reason: str | None = None
    attachments: tuple[Attachment, ...] = ()
    name: str | None = None
    kind: Kind = Kind.TEXT
    effect: bool = False  # a draft that reports a finished side effect
    quote: str | None = None  # the text of the earlier message that this one answers


@dataclass(frozen=True, slots=True)
class Case:
    """One concern opened for an agent, with everything that its card shows."""

    id: int
    conversation: int
    address: Address
    reason: str
    priority: str  # "high" | "normal"
    state: str  # "open" | "taken" | "closed"
    opened_at: datetime
    language: str
    owner: Owner
    agent: str | None = None
    taken_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: str | None = None
    customer: str | None = None  # the profile name, where the channel tells one
    intents: tuple[str, ...] = ()  # what the bot understood, latest last
    tried: tuple[str, ...] = ()  # what the bot did: "track_order: done"
    orders: tuple[Mapping[str, Any], ...] = ()  # facts of the orders that were proven or proposed
    desk: str = ""
    updated: int = 0  # raised by every change; the card in place is idempotent by it
    last_in_at: datetime | None = None  # when the customer last wrote
    reply_until: datetime | None = None  # until when free text may be sent; None: no limit


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A line for the thread of a case at a desk."""

    case: int
    line: HistoryLine


@dataclass(frozen=True, slots=True)
class TakeOver:
    """An agent takes the conversation. ``force`` takes it from a colleague."""

    id: str
    case: int
    agent: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """An agent's line to the customer, or a note that stays inside (``internal``)."""

    id: str
    case: int
    agent: str
    text: str
    attachments: tuple[Attachment, ...] = ()
    internal: bool = False


@dataclass(frozen=True, slots=True)
class HandBack:
    """The agent gives the conversation back to the bot.

    ``outcome`` is a sentence that the bot says to the customer; ``note`` stays inside.
    """

    id: str
    case: int
    agent: str
    outcome: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Close:
    """The case ends; the bot speaks again. ``note`` stays inside."""

    id: str
    case: int
    agent: str
    note: str = ""


Command = TakeOver | Line | HandBack | Close


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command did: ``done``, or ``refused`` with a reason code an agent understands.

    ``line`` is the id of the outbox row that an accepted ``Line`` became.
    """

    done: bool
    reason: str | None = None
    line: str | None = None
