"""What a desk shows, and what an agent commands there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from bot.messages import Address, Attachment, Author, Kind, Owner, State

if TYPE_CHECKING:
    from bot.store.customers import Related, WrittenBy

Priority = Literal["high", "normal", "low"]


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
    folded: str = ""  # what the message quotes; shown when somebody wants to see it
    command: str | None = None  # of an agent's line: the id of the command that made it
    edited: bool = False  # of an agent's line: its text was changed after it was accepted
    repeated: bool = False  # of an agent's line: it was sent again, as another line
    channel: str | None = None  # of a line in another conversation of the customer's


UNPROVEN = "none"  # "proof" of an order that somebody only named


@dataclass(frozen=True, slots=True)
class Case:
    """One concern opened for an agent, with everything that its card shows."""

    id: int
    conversation: int
    address: Address
    reason: str
    priority: str  # "high" | "normal" | "low"
    state: str  # "open" | "taken" | "closed"
    opened_at: datetime
    language: str
    owner: Owner
    agent: str | None = None  # an id; ``agent_name`` is for people
    agent_name: str | None = None
    taken_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: str | None = None
    customer: str | None = None  # the profile name, where the channel tells one
    contact: str | None = None  # an e-mail address that the customer left while nobody was there
    intents: tuple[str, ...] = ()  # what the bot understood, latest last
    tried: tuple[str, ...] = ()  # what the bot did: "track_order: done"
    orders: tuple[Mapping[str, Any], ...] = ()  # "number" and "proof"; facts of a proven one
    desk: str = ""
    place: str = ""  # where at the desk, by the rule that chose it; empty: its usual one
    updated: int = 0  # raised by every change; the card in place is idempotent by it
    last_in_at: datetime | None = None  # when the customer last wrote
    reply_until: datetime | None = None  # until when free text may be sent; None: no limit
    waits_since: datetime | None = None  # the customer, for a person's answer; None: has one
    due_at: datetime | None = None  # when a person should have answered, by hours and priority
    snoozed_until: datetime | None = None
    summary: str = ""  # two sentences made from facts, in the desk's language
    person: int = 0  # the customer's number, over all channels
    related: tuple[Related, ...] = ()  # the customer's other conversations; proposed ones first
    sender: WrittenBy | None = None  # where anybody can pretend to be somebody


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A line for the thread of a case at a desk."""

    case: int
    line: HistoryLine


@dataclass(frozen=True, slots=True)
class Agent:
    """Who sits at a desk: ``id`` is unique there, ``name`` is for people."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class _Command:
    id: str  # the same id twice is one command
    case: int
    agent: str


@dataclass(frozen=True, slots=True)
class TakeOver(_Command):
    """An agent takes the conversation. ``force`` takes it from a colleague.

    ``at``: when, by the clock that the desk dates lines with; without it, now.
    """

    force: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line(_Command):
    """An agent's line to the customer, or a note that stays inside (``internal``).

    ``at``: when it was written, by the same clock as :attr:`TakeOver.at`. One of before the agent
    had the case is refused (``written_before``): it was not meant for the customer. ``draft``: the
    bot's draft that it takes the place of.
    """

    text: str
    attachments: tuple[Attachment, ...] = ()
    internal: bool = False
    at: datetime | None = None
    draft: str = ""


@dataclass(frozen=True, slots=True)
class Stop(_Command):
    """Take a line back within its undo time. ``line`` names any row of it, or its command."""

    line: str


@dataclass(frozen=True, slots=True)
class Edit(_Command):
    """Change a line: what goes out within the undo time, later by an edit or a correction."""

    line: str
    text: str


@dataclass(frozen=True, slots=True)
class Unsend(_Command):
    """Delete a line: a Stop within the undo time, later at the customer's; or discard a draft."""

    line: str


@dataclass(frozen=True, slots=True)
class Again(_Command):
    """Send a line that failed, or whose outcome is unknown, once more: a new row that names it."""

    line: str


@dataclass(frozen=True, slots=True)
class SendTemplate(_Command):
    """Send an approved template with its variables; ``line``: one that failed and is meant."""

    template: str
    values: Mapping[str, str]
    line: str = ""


@dataclass(frozen=True, slots=True)
class Assign(_Command):
    """Give a case to a colleague (``to``), who then speaks; or to oneself."""

    to: str


@dataclass(frozen=True, slots=True)
class Release(_Command):
    """Give a taken case back to the desk: the customer waits for a person again."""


@dataclass(frozen=True, slots=True)
class Prioritise(_Command):
    """Set the priority of a case."""

    priority: Priority


@dataclass(frozen=True, slots=True)
class Snooze(_Command):
    """Put a case off ``until`` then or the customer's next message; ``None`` wakes it."""

    until: datetime | None


@dataclass(frozen=True, slots=True)
class SetLanguage(_Command):
    """Set the language (``de``, ``en``) in which a conversation goes on."""

    language: str


@dataclass(frozen=True, slots=True)
class HandBack(_Command):
    """The agent gives the conversation back to the bot.

    ``outcome`` is a sentence that the bot says to the customer; ``note`` stays inside.
    """

    outcome: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Close(_Command):
    """The case ends; the bot speaks again. ``outcome`` and ``note`` stay inside."""

    note: str = ""
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Link(_Command):
    """Say that conversation ``other`` is the same customer's: proposed or not."""

    other: int


@dataclass(frozen=True, slots=True)
class Unlink(_Command):
    """Say that conversation ``other`` is not the same customer's: linked or only proposed."""

    other: int


_LineCommand = Line | Stop | Edit | Unsend | Again | SendTemplate
_CaseCommand = TakeOver | Assign | Release | Prioritise | Snooze | SetLanguage | HandBack | Close
Command = _LineCommand | _CaseCommand | Link | Unlink


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command did: ``done``, or ``refused`` with a reason code an agent understands.

    ``line`` is the id of the last outbox row that an accepted ``Line`` became. ``reason`` may also
    say how it was done (``corrected``: the edit went out as a message of its own).
    """

    done: bool
    reason: str | None = None
    line: str | None = None


@dataclass(frozen=True, slots=True)
class Macro:
    """A prepared text: ``text`` is filled with the facts of the case, in its language."""

    name: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class ActField:
    """One argument of an order action, or variable of a template: its value, where it has one."""

    name: str
    title: str
    value: str = ""
    required: bool = True


@dataclass(frozen=True, slots=True)
class Template:
    """A channel's approved text, with ``{{name}}`` for each field; a desk gets both filled."""

    name: str
    title: str
    text: str
    fields: tuple[ActField, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderAction:
    """An action that an agent may run for a case."""

    name: str
    title: str
    fields: tuple[ActField, ...]
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """What an action would do (``possible``), or why not; ``act`` is what to confirm it with."""

    possible: bool
    text: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""


@dataclass(frozen=True, slots=True)
class Act(_Command):
    """An agent's confirmed order action; ``id`` is its idempotency key. Not a transaction."""

    action: str
    arguments: Mapping[str, Any]
    version: str = ""
    tell: bool = True  # say the result to the customer


@dataclass(frozen=True, slots=True)
class Acted:
    """What became of an :class:`Act`; ``text`` says it as the customer would read it."""

    done: bool
    text: str
    reason: str | None = None
