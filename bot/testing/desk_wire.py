"""What a desk gives the desk suite: a harness, and a room where agents sit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol


class Told(Exception):
    """The desk did not do what an agent wanted, and told them so. Its text is what they read."""


@dataclass(frozen=True, slots=True)
class ThreadLine:
    """A line in the thread of a case, as agents see it.

    ``by`` is ``customer``, ``bot``, ``agent``, ``system`` (a notice to the customer) or ``note``.
    ``state`` is that of an agent's line: ``waiting``, ``sent``, ``failed``, ``unknown`` or
    ``cancelled``; ``draft`` is one of the bot's that an agent can send; of any other it is empty.
    ``files`` are the contents.
    """

    text: str
    by: str
    state: str = ""
    files: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """Another conversation on a card: the same customer's, or one that may be (``proposed``)."""

    name: str
    proposed: bool


class Sitting(Protocol):
    """An agent at the desk, who does what people can do there: in the one case that there is.

    What the desk refuses raises :class:`Told`. A line is named by its text, as people point at it.
    """

    name: str

    async def takes_over(self, *, force: bool = False) -> None:
        """Speak to the customer from now on; ``force``: also in a colleague's case, when asked."""

    async def says(self, text: str, *files: tuple[str, bytes]) -> None:
        """Write in the case, for the customer, as one who has the case does; files by name."""

    async def notes(self, text: str) -> None:
        """Write in the case what is for colleagues."""

    async def takes_back(self, text: str) -> None:
        """Undo an own line within its undo time."""

    async def edits(self, text: str, to: str) -> None:
        """Change an own line."""

    async def deletes(self, text: str) -> None:
        """Delete an own line."""

    async def sends_again(self, text: str) -> None:
        """Send a line that did not arrive once more."""

    async def sends_draft(self, text: str) -> None:
        """Send what the bot drafted as it is."""

    async def edits_draft(self, text: str, to: str) -> None:
        """Change what the bot drafted, and send that."""

    async def drops_draft(self, text: str) -> None:
        """Discard what the bot drafted."""

    async def releases(self) -> None:
        """Give the case back to the desk."""

    async def assigns(self, to: Sitting) -> None:
        """Give the case to a colleague."""

    async def hands_back(self, outcome: str = "") -> None:
        """Give the conversation back to the bot."""

    async def closes(self, outcome: str = "") -> None:
        """End the case."""

    async def knows(self) -> Sequence[Known]:
        """What the card names of the customer's other conversations."""

    async def links(self, name: str) -> None:
        """Say that a proposed conversation, by its customer's name, is the same customer's."""

    async def parts(self, name: str) -> None:
        """Say that a conversation, linked or proposed, is not the same customer's."""

    async def reads(self) -> Sequence[str]:
        """The texts of the whole history, of all channels."""

    async def thread(self) -> Sequence[ThreadLine]:
        """The thread of the case, in order."""

    async def holder(self) -> str | None:
        """The name on the card of who has the case; ``None``: nobody, or it is over."""

    async def cards(self) -> int:
        """How many cards of open cases the desk shows."""


class Room(Protocol):
    """Where agents sit: a browser's pages, a Slack channel. It outlives the bot."""

    def listens_at(self, url: str) -> None:
        """Where the bot listens from now on; another one after a restart."""

    async def agent(self, name: str) -> Sitting:
        """Somebody sits down."""


class DeskHarness:
    """Brings a desk to the suite. Made without arguments."""

    brings: ClassVar[frozenset[str]] = frozenset()
    """The channels that the desk's plugin registers itself, by name."""

    def room(self) -> AbstractAsyncContextManager[Room]:
        """A new room."""
        raise NotImplementedError

    def plugins(self, room: Room, wire: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """The built-in plugins to load, by name, with their settings.

        ``wire``: settings of the channel under test where the desk's plugin brings it; else empty.
        """
        raise NotImplementedError

    def environment(self, room: Room) -> Mapping[str, str]:
        """The secrets."""
        raise NotImplementedError
