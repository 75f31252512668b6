"""What happened in Slack, as the plugin's parts get it, and what a part that wants it must do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

Raw = Mapping[str, Any]


class EventKind(StrEnum):
    """What sort of thing happened."""

    MESSAGE = "message"  # somebody wrote; also /me, a file, a reply that the channel sees
    EDIT = "edit"  # of a message; ``text`` is the new one
    DELETE = "delete"  # of a message; ``text`` is what it said, where Slack tells
    REACTION_ADDED = "reaction_added"
    REACTION_REMOVED = "reaction_removed"
    OTHER = "other"  # app_home_opened, channel_archive ...: look at ``type`` and ``raw``


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, once: told by Slack, told again, or found in the history.

    ``key`` is its natural key: the same for Slack's retry and for what the history shows.
    ``ts`` names the message that it is about, ``at`` says when it happened (both as Slack writes
    time: seconds with six decimals, and a string). ``thread_ts`` is the root of the thread that
    the message is in; of a message that begins one (or none) it is empty.
    """

    key: str
    kind: EventKind
    type: str  # Slack's name of the event: message, reaction_added, app_home_opened ...
    channel: str = ""
    ts: str = ""
    at: str = ""
    thread_ts: str = ""
    user: str = ""  # who did it
    text: str = ""  # in Slack's mrkdwn, with its escapes: see ``wire.plain``
    files: tuple[Raw, ...] = ()  # Slack's file objects, for ``SlackApp.download``
    reaction: str = ""  # the name of the emoji
    direct: bool = False  # in a direct message with the bot
    mention: bool = False  # the bot is named in it
    team: str = ""  # of who did it; another one than the bot's in a shared channel
    raw: Raw = field(default_factory=dict)  # Slack's event

    @property
    def root(self) -> str:
        """The ``ts`` of the thread that it belongs to, be it the thread's first message."""
        return self.thread_ts or self.ts

    @property
    def stream(self) -> str:
        """Events of one stream are handled one after the other, in the order of ``at``.

        A thread is one; so is what is written in a direct message outside of its threads.
        """
        return f"{self.channel}/{self.thread_ts if self.direct else self.root}"


@dataclass(frozen=True, slots=True)
class Watched:
    """A channel, or with ``thread_ts`` one thread of it, of which nothing may be missed.

    After a time without a connection it is read from ``since`` on (a ``ts``); without one from
    the last event that was taken from there.
    """

    channel: str
    thread_ts: str = ""
    since: str = ""


class EventHandler(Protocol):
    """A part of the plugin that wants events. Given to ``SlackApp.add_handler``.

    Messages of the bot itself, of other bots, and notices that somebody joined are never given to
    it. An event goes to the first handler that wants it, and to no other.
    """

    def wants(self, event: Event) -> bool:
        """Whether it is for this handler. Asked before the commit: by what is at hand, at once.

        What no handler wants is not kept.
        """

    async def handle(self, event: Event) -> None:
        """Handle an event that is committed. The same one may come again after a crash.

        Raises Retry to be asked again, which holds up only this event's stream; so does any other
        exception, but not for ever. Must raise Retry while the part is not open yet.
        """

    async def watched(self) -> Sequence[Watched]:
        """What to read after a time without a connection, most important first."""


class Malformed(Exception):
    """What Slack sent is no event that can be read."""
