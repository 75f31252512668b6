"""The workspace behind the simulated Slack: who and what there is. Nothing here has any effect."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Raw = dict[str, Any]

KINDS = {"public": "channel", "private": "group", "im": "im", "mpim": "mpim"}
"""What an event calls each kind of conversation (``channel_type``)."""

SCOPES = frozenset(
    {
        "app_mentions:read",
        "channels:history",
        "channels:join",
        "channels:read",
        "chat:write",
        "commands",
        "files:read",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "im:write",
        "mpim:history",
        "mpim:read",
        "reactions:read",
        "reactions:write",
        "team:read",
        "users:read",
        "users:read.email",
    }
)
"""What the bot is granted, when a test says nothing else."""

SUBSCRIPTIONS = frozenset(
    {
        "app_home_opened",
        "app_mention",
        "app_uninstalled",
        "channel_archive",
        "channel_deleted",
        "channel_left",
        "channel_rename",
        "channel_unarchive",
        "file_shared",
        "group_archive",
        "group_deleted",
        "group_left",
        "group_rename",
        "group_unarchive",
        "im_created",
        "member_joined_channel",
        "member_left_channel",
        "message.channels",
        "message.groups",
        "message.im",
        "message.mpim",
        "reaction_added",
        "reaction_removed",
        "tokens_revoked",
    }
)
"""The events that the app's settings ask for, when a test says nothing else."""


@dataclass
class User:
    """An account. ``team`` is another workspace's for a guest in a shared channel."""

    id: str
    name: str
    real_name: str
    team: str
    email: str = ""
    presence: str = "active"
    is_bot: bool = False
    is_admin: bool = False
    is_restricted: bool = False
    deleted: bool = False
    tz: str = "Europe/Berlin"
    locale: str = "de-DE"
    bot_id: str = ""
    app_id: str = ""
    ephemeral: list[Raw] = field(default_factory=list)
    """Messages that only this user saw, in order."""


@dataclass
class Channel:
    """A conversation: public, private, im or mpim. ``shared`` with another workspace."""

    id: str
    name: str
    kind: str = "public"
    members: set[str] = field(default_factory=set)
    archived: bool = False
    shared: bool = False
    creator: str = ""
    created: int = 0
    messages: dict[str, Raw] = field(default_factory=dict)
    """By timestamp, oldest first; replies are among them."""

    def replies(self, ts: str) -> Iterator[Raw]:
        """The replies under a message, oldest first."""
        return (m for m in self.messages.values() if m.get("thread_ts") == ts != m["ts"])

    @property
    def type(self) -> str:
        """What events call its kind."""
        return KINDS[self.kind]


@dataclass
class Features:
    """What is switched on in the app's settings; None means whatever is asked for."""

    shortcuts: dict[str, str] | None = None
    """Their kinds (``message``, ``global``) by ``callback_id``."""
    commands: set[str] | None = None
    interactivity: bool = True
    socket_mode: bool = True
    home_tab: bool = True
    messages: bool = True
    """Whether people may write to the app directly."""


@dataclass
class File:
    """A file. Its ticket takes the upload; ``shares`` says where it can be seen."""

    id: str
    name: str
    size: int
    user: str
    ticket: str = ""
    title: str = ""
    data: bytes | None = None
    complete: bool = False
    deleted: bool = False
    created: int = 0
    shares: dict[str, list[Raw]] = field(default_factory=dict)


class World:
    """Users, conversations and files of one workspace, with one app in it."""

    def __init__(self, bot_name: str) -> None:
        self._ids = itertools.count(1)
        self._last_ts = 0
        self._waiting = asyncio.Condition()
        self.team = self.new_id("T")
        self.domain = "musterteam"
        self.app_id = self.new_id("A")
        self.bot_id = self.new_id("B")
        self.scopes = set(SCOPES)
        self.subscriptions = set(SUBSCRIPTIONS)
        self.features = Features()
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, File] = {}
        me = self.add_user(bot_name, bot_name.title(), is_bot=True)
        me.bot_id, me.app_id = self.bot_id, self.app_id
        self.bot_user = me.id

    def new_id(self, prefix: str) -> str:
        """An id as Slack makes them."""
        return f"{prefix}0{next(self._ids):04d}{secrets.token_hex(3).upper()}"

    def new_ts(self) -> str:
        """A timestamp that is later than any before."""
        self._last_ts = max(self._last_ts + 1, time.time_ns() // 1000)
        return f"{self._last_ts // 10**6}.{self._last_ts % 10**6:06d}"

    def add_user(self, name: str, real_name: str, **more: Any) -> User:
        """An account, of this workspace if no ``team`` is given."""
        bot = bool(more.get("is_bot"))
        more = {"team": self.team, "email": "" if bot else f"{name}@muster.example", **more}
        user = User(self.new_id("U"), name, real_name, **more)
        self.users[user.id] = user
        return user

    def add_channel(self, name: str, kind: str, members: set[str], shared: bool) -> Channel:
        """A conversation."""
        prefix = {"public": "C", "private": "C", "im": "D", "mpim": "G"}[kind]
        now = int(time.time())
        creator = next(iter(members), self.bot_user)
        channel = Channel(
            self.new_id(prefix), name, kind, members, shared=shared, creator=creator, created=now
        )
        self.channels[channel.id] = channel
        return channel

    def direct(self, user: str, other: str) -> Channel | None:
        """The direct messages of two users, if there are any yet."""
        pair = {user, other}
        return next(
            (c for c in self.channels.values() if c.kind == "im" and c.members == pair), None
        )

    def knows_bot(self, channel: Channel) -> bool:
        """Whether the bot is in a conversation."""
        return self.bot_user in channel.members

    async def changed(self) -> None:
        """Something happened: whoever waits looks again."""
        async with self._waiting:
            self._waiting.notify_all()

    async def until(self, holds: Callable[[], Any], seconds: float) -> Any:
        """What ``holds`` returns as soon as it is true. Raises TimeoutError."""
        async with asyncio.timeout(seconds), self._waiting:
            return await self._waiting.wait_for(holds)
