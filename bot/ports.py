"""The Protocols between the core and its plugins.

An optional ability is a second small Protocol. A plugin implements what it needs and hands it to
the :class:`Registrar` in its ``bot_register`` hook.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from aiohttp import web
from pydantic import BaseModel

from bot.desks import Desk as Desk
from bot.desks import DeskInbox as DeskInbox
from bot.faults import Refused as Refused
from bot.faults import Reject as Reject
from bot.faults import Retry as Retry
from bot.faults import Unavailable as Unavailable
from bot.faults import UnknownOutcome as UnknownOutcome
from bot.messages import (
    ActionCall,
    Address,
    Answer,
    Attachment,
    Features,
    Filling,
    Inbound,
    Outbound,
    Policy,
    Proposal,
    Receipt,
    RenderedText,
    Speaker,
    Turn,
)

T = TypeVar("T")
P = TypeVar("P")
S = TypeVar("S", bound=BaseModel)

Route = web.AbstractRouteDef
Row = Mapping[str, Any]


class Tx(Protocol):
    """One transaction. Synchronous: it runs as a whole in the store's thread."""

    def rows(self, sql: str, /, **values: Any) -> list[Row]:
        """Return all rows of a query with ``:name`` parameters."""

    def row(self, sql: str, /, **values: Any) -> Row | None:
        """Return the first row or ``None``."""

    def run(self, sql: str, /, **values: Any) -> int:
        """Execute a statement; return the number of rows it changed."""

    def notify(self, topic: str, subject: Any = None) -> None:
        """Tell the listeners of a topic after the commit."""


class Store(Protocol):
    """The durable tables. A write is one transaction, committed when the call returns."""

    async def write(self, work: Callable[[Tx], T], /) -> T:
        """Run ``work`` in one transaction; an exception rolls it (and nothing else) back."""

    async def read(self, work: Callable[[Tx], T], /) -> T:
        """Run a reading ``work`` on a snapshot of what is committed."""


class Texts(Protocol):
    """The words, by language, formality and channel."""

    def render(
        self,
        response: str,
        facts: Mapping[str, Any],
        *,
        language: str,
        channel: str | None = None,
        key: str = "",
    ) -> RenderedText:
        """Render a response; ``key`` picks one of several equal variants, always the same one.

        Raises LookupError when there is no such response. A missing fact shows as a dash.
        """

    def fill(self, pattern: str, facts: Mapping[str, Any], *, language: str) -> str:
        """Fill the placeholders (``{order}``, ``{expected:date}``) of a pattern of a plugin's."""

    def lacks(self, pattern: str, facts: Mapping[str, Any]) -> Sequence[str]:
        """The facts of a pattern that :meth:`fill` would not find."""

    def has(self, response: str) -> bool:
        """Whether there is a response of that name."""

    def names(self, prefix: str = "") -> Sequence[str]:
        """The responses whose name begins so."""

    def needs(self, response: str, *, language: str, channel: str | None = None) -> frozenset[str]:
        """The facts a response needs and that not every text has. Raises LookupError."""


class Files(Protocol):
    """Stored attachments, named by the sha256 of their content."""

    async def put(
        self,
        chunks: AsyncIterator[bytes],
        *,
        name: str,
        owner: str,
        limit: int,
        content_type: str | None = None,
        days: float | None = None,
    ) -> Attachment:
        """Stream a file in. ``limit`` in bytes; ``days`` until it expires (None: the setting).

        The type is read from the content, not believed. Raises :class:`Refused` with
        ``file_too_big``, ``file_type`` or ``file_empty``.
        """

    async def put_bytes(self, data: bytes, *, name: str, owner: str) -> Attachment:
        """Store bytes that we made ourselves (a label)."""

    def path(self, file: str) -> Path | None:
        """Where a stored file lies, or ``None`` when there is none of that name."""

    async def describe(self, file: str) -> Attachment | None:
        """Name, type and size of a stored file."""


class Inbox(Protocol):
    """Where a channel puts what its vendor tells it."""

    store: Store
    files: Files
    texts: Texts

    async def accept(
        self, *messages: Inbound, cursor: Callable[[Tx], None] | None = None
    ) -> list[bool]:
        """Commit messages and return, for each, whether it was new. Answer the vendor after this.

        ``cursor`` runs in the same transaction: the plugin's own ledger or offset.
        """

    async def receipt(self, *receipts: Receipt) -> None:
        """Note what the vendor reports about sent messages; early, late and double are fine."""

    async def speaker(self, address: Address) -> Speaker:
        """Who speaks to this identity now; the bot where no conversation exists yet."""


class Channel(Protocol):
    """A messaging service."""

    name: str
    features: Features

    def open(self, inbox: Inbox) -> AbstractAsyncContextManager[None]:
        """Pollers and sockets live inside."""

    async def send(self, out: Outbound) -> str:
        """Send one message; return the vendor's id. Raises Retry, Reject or UnknownOutcome."""


@runtime_checkable
class WebhookChannel(Protocol):
    """A channel that is called over HTTP."""

    def routes(self, inbox: Inbox) -> Sequence[Route]:
        """The routes that are mounted in the one HTTP app."""


@runtime_checkable
class MediaChannel(Protocol):
    """A channel whose attachments are fetched before the turn."""

    def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """Stream what ``attachment.ref`` names. Raises Retry or Refused."""


@runtime_checkable
class LooksUp(Protocol):
    """A channel that can look up what became of a send (``unknown_send = "ask"``)."""

    async def look_up(self, out: Outbound) -> str | None:
        """The vendor's id when it was sent, ``None`` when it certainly was not.

        Raises Retry when that cannot be told now.
        """


@runtime_checkable
class ShowsTyping(Protocol):
    """A channel that can show the customer that an answer is being written."""

    def typing(self, address: Address) -> AbstractAsyncContextManager[None]:
        """Show it until the context ends. Raises nothing: it is only a courtesy."""


@runtime_checkable
class Edits(Protocol):
    """A channel that can change the text of what it sent (``Features.edits``)."""

    async def edit(self, out: Outbound, vendor_id: str) -> None:
        """Let the sent message say ``out.text``; to do it twice does no harm.

        Raises Retry, Reject (a code that says so: ``not_edited...``) or UnknownOutcome.
        """


@runtime_checkable
class Unsends(Protocol):
    """A channel that can delete what it sent, at the customer's (``Features.unsends``)."""

    async def unsend(self, address: Address, vendor_id: str) -> None:
        """Delete the sent message; one that is gone is no error.

        Raises Retry, Reject (a code that says so: ``not_unsent...``) or UnknownOutcome.
        """


@runtime_checkable
class SendsTemplates(Protocol):
    """A channel that may write outside of its reply window, in words approved before."""

    def template_for(self, out: Outbound) -> str | None:
        """The name of the template that says what ``out`` says, in its language; or ``None``."""


class Dialogue(Protocol):
    """What decides the answer."""

    async def ask(self, turn: Turn) -> Answer:
        """Answer a turn. The same key asked again gives the same answer. Raises Unavailable."""


class Action(Protocol):
    """What changes or reads the world for a turn. ``name`` is without the ``action_`` prefix."""

    name: str
    policy: Policy
    Arguments: type[BaseModel]

    async def propose(self, call: ActionCall) -> Proposal | Answer:
        """What would happen, in facts; or what is missing, or why not. Reads only.

        A read-only action is run at once instead; its ``propose`` is never called.
        """

    async def run(self, call: ActionCall) -> Answer:
        """Do it. ``call.key`` is the idempotency key for the shop."""


@runtime_checkable
class Fills(Protocol):
    """An action that collects its arguments in a form."""

    async def fill(self, call: ActionCall) -> Filling:
        """Read slots out of the message; say what to ask next."""


@runtime_checkable
class Corrects(Protocol):
    """An action whose open proposal can be corrected instead of dropped ("nein, Hausnummer 14")."""

    async def correct(self, call: ActionCall) -> Mapping[str, Any] | None:
        """New arguments read out of ``call.text``, or ``None`` when it holds no correction."""


@runtime_checkable
class Recoverable(Protocol):
    """An action that can read back what became of a call whose result was lost."""

    async def outcome(self, call: ActionCall) -> Answer | None:
        """The answer of the call that was made under ``call.key``; ``None``: not settled."""


@runtime_checkable
class Undoable(Protocol):
    """An action whose effect can be taken back."""

    async def undo(self, call: ActionCall) -> Answer:
        """Take back what was done under ``call.key``."""


class Identify(Protocol):
    """The port that checks a pair (a plugin provides it; the demo shop does)."""

    async def check_pair(self, subject: str, secret: str) -> bool:
        """Whether secret (postcode or e-mail) belongs to the subject (order number).

        Takes as long when the subject does not exist. Raises Unavailable.
        """


@runtime_checkable
class IdentifiesPhone(Protocol):
    """An :class:`Identify` that also knows the phone numbers on an order."""

    async def check_phone(self, subject: str, phone: str) -> bool:
        """Whether the order carries the number (``+49...``). Raises Unavailable."""


@runtime_checkable
class IdentifiesEmail(Protocol):
    """An :class:`Identify` that also knows the e-mail address on an order."""

    async def check_email(self, subject: str, email: str) -> bool:
        """Whether the order carries the address, in any spelling. Raises Unavailable."""

    async def email_of(self, subject: str) -> str | None:
        """The address that a code for the order goes to; None: no such order, or it has none.

        Takes as long when the order does not exist. Raises Unavailable.
        """


class ReachesEmail(Protocol):
    """The port by which the core writes to an e-mail address (a channel for mail provides it)."""

    def address_for(self, tx: Tx, email: str, near: Address | None = None) -> Address:
        """The address of a conversation with that mailbox: a thread of its own.

        ``near``: of the conversation that caused it. Where that is a mail thread with the same
        mailbox, it is that thread.
        """


class OrderFacts(Protocol):
    """The port that tells a case card about an order (a plugin provides it)."""

    async def order_facts(self, subject: str) -> Mapping[str, Any] | None:
        """Flat facts of one order for an agent's card, or ``None``."""


Next = Callable[[Turn], Awaitable[Answer]]
Middleware = Callable[[Turn, Next], Awaitable[Answer]]
TimerHandler = Callable[[Tx, str, Mapping[str, Any]], None]  # (tx, subject, payload)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something ``bot check`` found. ``fix`` says how to mend it; ``fatal`` ones make it exit 2."""

    where: str
    what: str
    fix: str = ""
    fatal: bool = True
