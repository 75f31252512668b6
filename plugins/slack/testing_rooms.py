"""Who comes into conversations and leaves them, and what becomes of the conversations."""

from __future__ import annotations

import time

from plugins.slack.testing_events import Events
from plugins.slack.testing_posting import Posting
from plugins.slack.testing_world import Channel, Raw, User, World

_LETTER = {"public": "C", "private": "G"}


class Rooms:
    """Changes of channels and of who is in them. Whether they are allowed was asked before."""

    def __init__(self, world: World, events: Events, posting: Posting) -> None:
        self._world, self._events, self._posting = world, events, posting

    async def join(self, channel: Channel, user: User, inviter: User | None = None) -> None:
        """Somebody comes in: https://docs.slack.dev/reference/events/member_joined_channel."""
        if user.id in channel.members:
            return
        channel.members.add(user.id)
        if channel.kind in _LETTER:
            await self._posting.note(
                channel, user, _named(channel, "join"), f"<@{user.id}> has joined the channel"
            )
            invited = {"inviter": inviter.id} if inviter else {}
            self._member("member_joined_channel", channel, user, **invited)
        await self._world.changed()

    async def leave(self, channel: Channel, user: User) -> None:
        """Somebody goes, or is put out. When it is the bot, it hears of it in two ways."""
        if user.id not in channel.members:
            return
        await self._posting.note(
            channel, user, _named(channel, "leave"), f"<@{user.id}> has left the channel"
        )
        self._member("member_left_channel", channel, user)
        channel.members.discard(user.id)
        if user.id == self._world.bot_user:
            self._tell(channel, f"{channel.type}_left", actor=user)
        await self._world.changed()

    async def archive(self, channel: Channel, actor: User, *, back: bool = False) -> None:
        """Archived, or taken back: https://docs.slack.dev/reference/events/channel_archive."""
        channel.archived = not back
        self._tell(channel, f"{channel.type}_{'unarchive' if back else 'archive'}", actor)
        await self._world.changed()

    async def rename(self, channel: Channel, name: str) -> None:
        """A new name: https://docs.slack.dev/reference/events/channel_rename."""
        channel.name = name
        about = {"id": channel.id, "name": name, "created": channel.created}
        event = {"type": f"{channel.type}_rename", "channel": about}
        if channel.kind == "public" or self._world.knows_bot(channel):
            self._events.tell({**event, "event_ts": self._world.new_ts()}, shared=channel.shared)
        await self._world.changed()

    async def delete(self, channel: Channel, actor: User) -> None:
        """Gone for good: https://docs.slack.dev/reference/events/channel_deleted."""
        self._tell(channel, f"{channel.type}_deleted", actor)
        del self._world.channels[channel.id]
        await self._world.changed()

    async def direct(self, user: User, other: User) -> Channel:
        """The direct messages of two, new or not."""
        channel = self._world.direct(user.id, other.id)
        if channel is None:
            channel = self._world.add_channel("", "im", {user.id, other.id}, shared=False)
            about = {"id": channel.id, "created": int(time.time())}
            event = {"type": "im_created", "user": user.id, "channel": about}
            if self._world.knows_bot(channel):
                self._events.tell({**event, "event_ts": self._world.new_ts()})
        return channel

    def _member(self, kind: str, channel: Channel, user: User, **more: str) -> None:
        if not self._world.knows_bot(channel):
            return
        event: Raw = {
            "type": kind,
            "user": user.id,
            "channel": channel.id,
            "channel_type": _LETTER[channel.kind],
            "team": user.team,
            "event_ts": self._world.new_ts(),
        }
        self._events.tell(event | more, shared=channel.shared)

    def _tell(self, channel: Channel, kind: str, actor: User) -> None:
        left = kind.endswith("_left")
        if channel.kind != "public" and not self._world.knows_bot(channel) and not left:
            return
        event = {"type": kind, "channel": channel.id, "event_ts": self._world.new_ts()}
        who = {} if left else {"user": actor.id}
        self._events.tell({**event, **who}, shared=channel.shared)


def _named(channel: Channel, what: str) -> str:
    return f"{channel.type}_{what}"
