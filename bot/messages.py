"""The words of the core as frozen dataclasses: what comes in, what goes out, and what is decided.

Nothing here does I/O. Times are timezone-aware UTC datetimes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

TextUnits = Literal["characters", "utf16"]
"""What a vendor counts in a text: characters, or UTF-16 code units."""
AGENT_LINE = "agent_line"  # the response that an agent's own words count as, for templates


class Owner(StrEnum):
    """Who speaks to the customer now."""

    BOT = "bot"
    WAITING = "waiting"  # a person is asked for, none has taken over
    AGENT = "agent"


class State(StrEnum):
    """What became of an outbound message. A vendor's report never moves a state back."""

    DRAFT = "draft"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


class Author(StrEnum):
    """Who wrote a message in the history."""

    CUSTOMER = "customer"
    BOT = "bot"
    AGENT = "agent"
    SYSTEM = "system"
    NOTE = "note"  # internal; never leaves the desk


class Kind(StrEnum):
    """What sort of update an inbound message is."""

    TEXT = "text"
    BUTTON = "button"
    MEDIA = "media"
    EDIT = "edit"
    DELETE = "delete"  # the customer deleted a message; ``Inbound.edits`` names it
    LOCATION = "location"  # a place; the text says it for people
    CONTACT = "contact"  # a contact card; the text says it for people
    AUTOMATIC = "automatic"  # a machine's answer (out of office): noted, never answered
    EMPTY = "empty"  # nothing a person could read: no text, no file
    UNKNOWN = "unknown"  # an update kind the channel does not know


class Outcome(StrEnum):
    """How a turn or an action ended."""

    DONE = "done"
    ASK = "ask"  # something is missing or a yes is awaited
    REFUSED = "refused"
    FAILED = "failed"
    HANDOFF = "handoff"


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks to a customer now; ``name`` is the agent's while one owns the conversation."""

    owner: Owner = Owner.BOT
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """One identity on one channel: a phone number, a chat id, a mailbox."""

    channel: str
    id: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a message.

    ``file`` is its name in ``Files`` once it was fetched; until then ``ref`` says where it lies.
    """

    name: str
    content_type: str
    size: int | None = None
    file: str | None = None
    ref: str | None = None
    error: str | None = None  # a reason code when fetching was given up


@dataclass(frozen=True, slots=True)
class Inbound:
    """One update of a vendor, parsed.

    ``wire_id`` names the vendor's *update* (not the message), so that an edit is not a duplicate.
    ``payload`` is what a button of ours carried; it is only honoured for buttons that were offered
    and for ``Features.commands``. ``phone`` is a number (``+49...``) that the channel vouches for:
    the sender's own, as WhatsApp delivers it or as a shared contact shows it. ``email`` is an
    address that the channel vouches for, for this message alone. ``folded`` is quoted text: shown
    to agents, never asked. ``person`` is a reason code: a case opens, and no machine answers.
    """

    address: Address
    wire_id: str
    kind: Kind = Kind.TEXT
    text: str = ""
    payload: str | None = None
    attachments: tuple[Attachment, ...] = ()
    sender_name: str | None = None
    edits: str | None = None  # wire id of the message that this one edits or deletes
    quotes: str | None = None  # wire id, or vendor's id, of the message that this one answers
    phone: str | None = None
    email: str | None = None
    folded: str = ""
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Button:
    """A choice offered to the customer. ``title`` is shown; ``payload`` comes back."""

    title: str
    payload: str


@dataclass(frozen=True, slots=True)
class RenderedText:
    """A text ready to be shown, with its buttons."""

    text: str
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Say:
    """One thing to say: the name of a text and its facts, rendered by ``host.texts``.

    ``text`` is a literal instead (an ordinary rasa_sdk action, or an agent's line). ``buttons``
    name texts too: ``Button("button_yes", "/affirm")`` is titled with the response ``button_yes``.
    ``files`` are names in ``Files``. A ``courtesy`` tells nothing that is to be done or known, and
    is said only where that disturbs nobody (``Features.courtesies``).
    """

    response: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    buttons: tuple[Button, ...] = ()
    files: tuple[str, ...] = ()
    text: str | None = None
    courtesy: bool = False


@dataclass(frozen=True, slots=True)
class Entity:
    """A piece of a message that was recognised; ``start``/``end`` are character positions."""

    entity: str
    value: str
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Understanding:
    """What the dialogue made of a message."""

    intent: str | None = None
    confidence: float = 0.0
    entities: tuple[Entity, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a turn or an action says and how it ended.

    ``slots`` are slots of the dialogue to set (``None`` empties one). ``reason`` is a short code
    for ``handoff``, ``refused`` and ``failed`` (agents see the text ``reason_<code>``); ``miss``
    says that nothing was understood, ``form`` that the action's form is to start again, and
    ``form:<action>`` that this one's is.
    ``effect`` marks an answer that reports a finished side effect. ``state`` is what the dialogue
    wants back at the next turn, ``events`` are for the dialogue itself: the core stores both and
    never looks inside.
    """

    says: tuple[Say, ...] = ()
    outcome: Outcome = Outcome.DONE
    reason: str | None = None
    slots: Mapping[str, Any] = field(default_factory=dict)
    effect: bool = False
    understanding: Understanding | None = None
    state: Mapping[str, Any] | None = None
    events: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Past:
    """A line of the history, as a dialogue gets it after a hand-back."""

    by: Author
    text: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One inbound message or a burst of short ones, frozen before it is asked."""

    key: str
    conversation: int
    session: int  # of the dialogue; a new number starts with a clean tracker
    text: str
    language: str
    kind: Kind = Kind.TEXT
    payload: str | None = None
    attachments: tuple[Attachment, ...] = ()
    state: Mapping[str, Any] | None = None
    history: tuple[Past, ...] = ()
    resumed: bool = False  # the first turn after a hand-back: a form that was open is over
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Outbound:
    """A rendered message for one channel: one message of the vendor's.

    ``id`` is the same at every repeat: a dedupe key. ``created_at`` is when it was queued: a
    look-up need not search before that. ``response`` and ``facts`` are what the text was rendered
    from (none: a literal text). ``template`` names the approved template that goes out in place of
    the text: the core's choice outside of the reply window, or (with no ``response``) an agent's.
    """

    id: str
    address: Address
    text: str
    buttons: tuple[Button, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    author: Author = Author.BOT
    language: str = "de"
    name: str | None = None  # the agent who wrote it, for channels that show a name
    response: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    template: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What guards an action. Not read-only always needs the customer's yes.

    ``proofs`` names the kinds that suffice (``pair``, ``channel``, ``code``); ``subject`` is the
    argument that the proof must be about (an order number); ``secret`` the argument that completes
    a pair. An empty ``proofs`` needs none.
    """

    read_only: bool
    proofs: frozenset[str] = frozenset()
    subject: str = "order_id"
    secret: str = "proof"  # noqa: S105 - the name of an argument


@dataclass(frozen=True, slots=True)
class Proof:
    """Evidence of who the customer is, about one subject, until ``expires``."""

    kind: str
    subject: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Proposal:
    """A concrete side effect, read back to the customer, waiting for one yes.

    ``says`` must name what will change. ``version`` is the order's version it was made on.
    """

    says: tuple[Say, ...]
    arguments: Mapping[str, Any]
    subject: str = ""
    version: str = ""
    slots: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ActionCall:
    """What an action gets. ``key`` is the idempotency key: the proposal's id in ``run``.

    ``actor`` is ``customer`` or an agent's name. ``text``, ``entities`` and ``intent`` are the
    message's, for reading slots out of it; ``slots`` the dialogue's working memory; ``raw`` what
    the dialogue sent, for adapters of its own action classes.
    """

    key: str
    turn: str
    conversation: int
    address: Address
    arguments: Mapping[str, Any]
    language: str
    version: str = ""  # of the order, as the proposal was made on it
    proofs: tuple[Proof, ...] = ()
    actor: str = "customer"
    text: str = ""
    understanding: Understanding = field(default_factory=Understanding)
    slots: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Filling:
    """What a form knows after a message: ``slots`` to set, and the slot to ask for next.

    ``failed`` is set by the core when reading it failed: the action then calls a person.

    ``ask`` is ``None`` when nothing is missing. ``says`` come before the question (a correction of
    what was entered, for instance). No ``slots`` means: this message was about something else.
    """

    slots: Mapping[str, Any] = field(default_factory=dict)
    ask: str | None = None
    says: tuple[Say, ...] = ()
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a vendor reports about a sent message, by the vendor's id."""

    channel: str
    vendor_id: str
    state: State
    reason: str | None = None
    row: str | None = None  # the Outbound's id, where the report names it: settles an unknown one


@dataclass(frozen=True, slots=True)
class Features:
    """What a channel can do. The core reads this and never a channel's name.

    A message with more ``buttons`` than the channel shows, or a longer title or text, goes out as
    numbered text, and the number is understood as the answer. ``commands`` are payloads that
    customers may bring without a button that was offered: the channel's own menu. Without
    ``files_with_text`` each file is a message of its own, after the text. ``joined``: all that one
    answer says is one message. ``reply_window``: seconds
    after the customer's last message in which free text may be sent. ``burst_seconds``: short
    messages that come within it are one turn. ``unknown_send``: what to do about a send whose
    outcome is not known: ``dedupe``, ``ask`` or ``show``. ``edits``, ``unsends``: what was sent can
    be changed or deleted at the customer's (the Protocols ``Edits`` and ``Unsends``).
    ``certainty``: below this confidence an answer is a draft for an agent, and the customer gets a
    receipt. ``automatic_per_day``: how many messages of ours that no person wrote a conversation
    gets within 24 hours. ``session_pause``: seconds of silence after which the dialogue starts
    anew, for a channel whose answers may take days (``None``: the setting). As long a read-back
    waits there for its yes, whose proof is then looked for anew. ``courtesies``: what only keeps a
    customer company is said (``Say.courtesy``).
    """

    text_limit: int = 4000  # of one message, in ``text_units``
    text_units: TextUnits = "characters"
    buttons: int = 3  # how many it shows; 0: numbered text instead
    button_title: int | None = None  # characters of a title
    button_text: int | None = None  # length of a text that may have buttons
    commands: frozenset[str] = frozenset()
    attachments_in: bool = False
    attachments_out: bool = False
    attachment_limit: int = 10 * 1024 * 1024  # bytes
    files_with_text: bool = True
    joined: bool = False
    reply_window: float | None = None
    burst_seconds: float = 1.5
    unknown_send: str = "show"
    edits: bool = False
    unsends: bool = False
    certainty: float = 0.0
    automatic_per_day: int | None = None
    session_pause: float | None = None
    courtesies: bool = True
