"""What a channel gives the conformance suite: a harness, and a simulated vendor with a customer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

from bot.ports import Channel
from bot.store.migrate import Migrations

if TYPE_CHECKING:
    from bot.testing.conformance_bot import ConformingBot
    from bot.testing.running import RunningBot

    AnyBot: TypeAlias = ConformingBot | RunningBot


class Taken(StrEnum):
    """What became of an update at the bot, as the vendor sees it."""

    ACCEPTED = "accepted"  # the vendor will not bring it again
    REFUSED = "refused"  # for good, and said so: a 4xx
    FAILED = "failed"  # the vendor will bring it again: a 5xx, a cut connection


class Fault(StrEnum):
    """What goes wrong at the vendor with the next messages that the bot sends."""

    TOO_MANY = "too_many"  # "later", certainly not taken: a 429
    BROKEN = "broken"  # the vendor's own fault: a 500
    REJECTED = "rejected"  # for good
    CUT_BEFORE = "cut_before"  # the connection ends, the message was not taken
    CUT_AFTER = "cut_after"  # the connection ends, the message was taken
    FAILS_LATER = "fails_later"  # taken, and reported as failed later


@dataclass(frozen=True, slots=True)
class Update:
    """Something that the customer does. ``id`` is the wire id under which the inbox keeps it.

    ``bring`` is the vendor's attempt to bring it; called again it is the vendor's repeat.
    """

    id: str
    bring: Callable[[], Awaitable[Taken]]


@dataclass(frozen=True, slots=True)
class Seen:
    """A message as the customer has it. ``files`` are the contents."""

    text: str = ""
    buttons: tuple[str, ...] = ()
    files: tuple[bytes, ...] = ()


class Wire(Protocol):
    """A simulated vendor with one customer. Nothing is brought before ``Update.bring``."""

    settings: Mapping[str, Any]
    """What :meth:`Harness.channel` needs, as JSON: a bot in another process gets it too."""

    def listens_at(self, url: str) -> None:
        """Where the bot listens from now on; another one after a restart."""

    def text(self, text: str) -> Update:
        """The customer writes."""

    def file(self, data: bytes, name: str, text: str = "") -> Update:
        """The customer sends a file, with words under it or without."""

    def press(self, title: str) -> Update:
        """The customer presses a button of a message that was seen."""

    def unknown(self) -> Update:
        """An update of a kind that the channel does not know."""

    def malformed(self) -> Sequence[Update]:
        """What is no update at all, or comes from nobody we know."""

    def oversized(self) -> Sequence[Update]:
        """Updates above the limits for one request."""

    async def seen(self) -> Sequence[Seen]:
        """What the customer has, in order."""

    def fail(self, fault: Fault, times: int = 1) -> None:
        """Let the next messages go wrong. Only what :attr:`Harness.faults` lists is asked for."""


class Harness:
    """Brings a channel to the suite. Made without arguments, also in another process."""

    faults: ClassVar[frozenset[Fault]] = frozenset()
    """What the simulated vendor can do wrong; each adds tests."""
    keeps_unknown: ClassVar[bool] = True
    """Whether updates of an unknown kind are kept and answered; else they are refused."""
    shows_agents: ClassVar[bool] = True
    """Whether the customer also gets what no turn of his asked for: an agent's lines."""
    migrations: ClassVar[Sequence[Migrations]] = ()

    def channel(self, settings: Mapping[str, Any]) -> Channel:
        """The channel, made from :attr:`Wire.settings`."""
        raise NotImplementedError

    def wire(self) -> AbstractAsyncContextManager[Wire]:
        """A new simulated vendor."""
        raise NotImplementedError

    @asynccontextmanager
    async def beside(self, bot: AnyBot, settings: Mapping[str, Any]) -> AsyncIterator[None]:
        """What else runs with the bot; nothing, for most."""
        del bot, settings
        yield
