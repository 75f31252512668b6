"""What happens to messages in the simulated Slack, by whomever, and what the app hears of it.

https://docs.slack.dev/reference/events/message and the events beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from plugins.slack.testing_events import Events
from plugins.slack.testing_text import mentions
from plugins.slack.testing_wire import author_of, file_of, hidden_file_of, told
from plugins.slack.testing_world import Channel, File, Raw, User, World


class Posting:
    """Post, edit, delete and react. Whether it is allowed was asked before."""

    def __init__(self, world: World, events: Events) -> None:
        self._world, self._events = world, events
        self.url = ""

    async def post(
        self,
        channel: Channel,
        author: User,
        content: Raw,
        *,
        thread: str = "",
        broadcast: bool = False,
        files: Iterable[File] = (),
    ) -> Raw:
        """A new message; as it is kept."""
        files = list(files)
        made = {"type": "message", **author_of(author, self._world)}
        if author.team != self._world.team:
            made |= {"user_team": author.team, "source_team": author.team}
        message = made | content | {"ts": self._world.new_ts()}
        if files:
            message |= {"subtype": "file_share", "upload": False, "display_as_bot": False}
            message["files"] = [file_of(one, self._world, self.url) for one in files]
        if thread:
            self._reply(channel, message, thread, broadcast)
        channel.messages[message["ts"]] = message
        for one in files:
            self._share(one, channel, message)
        if self._world.knows_bot(channel):
            self._tell_new(channel, message, files)
        await self._world.changed()
        return message

    async def edit(self, channel: Channel, message: Raw, changes: Raw, editor: User) -> None:
        """A message gets other content, and a mark that it was edited."""
        before = told(message)
        who = editor.bot_id if editor.is_bot else editor.id
        ts = self._world.new_ts()
        # In whole seconds: two edits within one have the same time.
        message |= changes | {"edited": {"user": who, "ts": f"{ts.partition('.')[0]}.000000"}}
        event = {"subtype": "message_changed", "hidden": True, "previous_message": before}
        self._tell(channel, {**event, "message": told(message), "ts": ts})
        self._tell_mention(channel, told(message))  # an edit mentions again
        await self._world.changed()

    async def unfurl(self, channel: Channel, message: Raw, attachments: list[Raw]) -> None:
        """Slack shows what is behind a link: the message changes, but nobody edited it."""
        before = told(message)
        message["attachments"] = attachments
        event = {"subtype": "message_changed", "hidden": True, "previous_message": before}
        self._tell(channel, {**event, "message": told(message), "ts": self._world.new_ts()})
        await self._world.changed()

    async def delete(self, channel: Channel, message: Raw) -> None:
        """A message goes; when it has replies, a gravestone stays, and the app hears of a change.

        The second is undocumented: https://github.com/42wim/matterbridge/issues/600.
        """
        before, ts = told(message), message["ts"]
        if any(channel.replies(ts)):
            kept = {"type", "ts", "thread_ts", "reply_count", "reply_users", "latest_reply"}
            for name in set(message) - kept:
                del message[name]
            gone = "This message was deleted."
            message |= {"subtype": "tombstone", "text": gone, "user": "USLACKBOT", "hidden": True}
            event: Raw = {"subtype": "message_changed", "message": told(message)}
        else:
            del channel.messages[ts]
            self._count(channel, str(message.get("thread_ts", ts)))
            event = {"subtype": "message_deleted", "deleted_ts": ts}
        event |= {"hidden": True, "previous_message": before, "ts": self._world.new_ts()}
        self._tell(channel, event)
        await self._world.changed()

    async def react(self, channel: Channel, message: Raw, name: str, user: User, add: bool) -> None:
        """Somebody adds a reaction, or takes it back."""
        reactions = {one["name"]: one for one in message.get("reactions", ())}
        one = reactions.setdefault(name, {"name": name, "users": [], "count": 0})
        users = [*one["users"], user.id] if add else [u for u in one["users"] if u != user.id]
        reactions[name] = {"name": name, "users": users, "count": len(users)}
        message["reactions"] = [one for one in reactions.values() if one["count"]]
        if not message["reactions"]:
            del message["reactions"]
        if self._world.knows_bot(channel):
            event: Raw = {
                "type": "reaction_added" if add else "reaction_removed",
                "user": user.id,
                "reaction": name,
                "item": {"type": "message", "channel": channel.id, "ts": message["ts"]},
                "event_ts": self._world.new_ts(),
            }
            if "user" in message:
                event["item_user"] = message["user"]
            self._events.tell(event, shared=channel.shared)
        await self._world.changed()

    async def note(self, channel: Channel, user: User, subtype: str, text: str) -> None:
        """A line of Slack's own, such as that somebody joined."""
        made = {"type": "message", "subtype": subtype, "user": user.id, "text": text}
        message = made | {"ts": self._world.new_ts()}
        channel.messages[message["ts"]] = message
        self._tell(channel, message)
        await self._world.changed()

    def _reply(self, channel: Channel, message: Raw, thread: str, broadcast: bool) -> None:
        parent = channel.messages[thread]
        message |= {"thread_ts": thread}
        if "user" in parent:
            message["parent_user_id"] = parent["user"]
        if broadcast:
            message |= {"subtype": "thread_broadcast", "root": told(parent)}
        replies = [*channel.replies(thread), message]
        parent |= {"thread_ts": thread, **_counted(replies), "is_locked": False}

    def _count(self, channel: Channel, thread: str) -> None:
        """After a reply was deleted."""
        parent, replies = channel.messages.get(thread), list(channel.replies(thread))
        if parent is None:
            return
        if replies:
            parent |= _counted(replies)
        else:
            for name in ("reply_count", "reply_users", "reply_users_count", "latest_reply"):
                parent.pop(name, None)

    def _share(self, file: File, channel: Channel, message: Raw) -> None:
        share = {"ts": message["ts"], "channel_name": channel.name, "team_id": self._world.team}
        if "thread_ts" in message:
            share["thread_ts"] = message["thread_ts"]
        file.shares.setdefault(channel.id, []).append(share)

    def _tell_new(self, channel: Channel, message: Raw, files: list[File]) -> None:
        event = told(message)
        if files and channel.shared:
            event["files"] = [hidden_file_of(one) for one in files]
        self._tell(channel, event)
        self._tell_mention(channel, event)
        for one in files:
            shared = {"type": "file_shared", "file_id": one.id, "file": {"id": one.id}}
            shared |= {"user_id": one.user, "channel_id": channel.id}
            self._events.tell({**shared, "event_ts": self._world.new_ts()}, shared=channel.shared)

    def _tell_mention(self, channel: Channel, message: Raw) -> None:
        called = f"@{self._world.bot_user}" in mentions(message.get("text", ""))
        mine = message.get("user") == self._world.bot_user
        if called and not mine and channel.kind != "im" and self._world.knows_bot(channel):
            asked = {**message, "type": "app_mention", "channel": channel.id}
            self._events.tell({**asked, "event_ts": message["ts"]}, shared=channel.shared)

    def _tell(self, channel: Channel, event: Raw) -> None:
        if not self._world.knows_bot(channel):
            return
        where = {"channel": channel.id, "channel_type": channel.type, "event_ts": event["ts"]}
        self._events.tell({"type": "message", **event, **where}, shared=channel.shared)


def _counted(replies: list[Raw]) -> Raw:
    users = list(dict.fromkeys(one.get("user", one.get("bot_id")) for one in replies))
    return {
        "reply_count": len(replies),
        "reply_users": users[:5],
        "reply_users_count": len(users),
        "latest_reply": replies[-1]["ts"],
    }


def found(channel: Channel, ts: str) -> Raw | None:
    """The message with a timestamp, if there is one that can be worked with."""
    message = channel.messages.get(ts)
    return None if message is None or message.get("subtype") == "tombstone" else message


def visible(channel: Channel) -> list[Raw]:
    """What stands in a channel, outside of threads, oldest first."""
    return [
        message
        for message in channel.messages.values()
        if message.get("thread_ts", message["ts"]) == message["ts"]
        or message.get("subtype") == "thread_broadcast"
    ]


def in_thread(channel: Channel, ts: str) -> list[Raw]:
    """A message and the replies under it, oldest first."""
    parent = channel.messages.get(ts)
    return [] if parent is None else list(chain([parent], channel.replies(ts)))
