"""The simulated ``chat.*`` and ``reactions.*``: https://docs.slack.dev/reference/methods."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from plugins.slack.testing_blocks import block_problems, blocks_too_long
from plugins.slack.testing_call import Call, Handler, Rights
from plugins.slack.testing_errors import ApiError, complaints
from plugins.slack.testing_posting import Posting, found
from plugins.slack.testing_rooms import Rooms
from plugins.slack.testing_text import escape
from plugins.slack.testing_wire import author_of, told, with_block_ids
from plugins.slack.testing_world import Channel, Raw, World

POST_LENGTH = 40_000
"""Slack cuts a longer text off, so it is refused here."""
UPDATE_LENGTH = 4_000
"""What ``chat.update`` takes: https://github.com/seratch/ChatGPT-in-Slack/issues/102."""
MOST_ATTACHMENTS = 100
MOST_EMOJI = 50
"""Different ones on a message."""
MOST_OF_ONE = 23
"""Reactions of one person on a message."""


class ChatMethods:
    """Messages and reactions of the app."""

    def __init__(self, world: World, rights: Rights, posting: Posting, rooms: Rooms) -> None:
        self._world, self._rights, self._posting, self._rooms = world, rights, posting, rooms

    def methods(self) -> Mapping[str, Handler]:
        """By name."""
        return {
            "chat.delete": self.delete,
            "chat.getPermalink": self.get_permalink,
            "chat.postEphemeral": self.post_ephemeral,
            "chat.postMessage": self.post_message,
            "chat.update": self.update,
            "reactions.add": self.add_reaction,
            "reactions.get": self.get_reactions,
            "reactions.remove": self.remove_reaction,
        }

    async def post_message(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/chat.postMessage."""
        channel = await self._target(call)
        if not self._world.knows_bot(channel) and "chat:write.public" not in self._world.scopes:
            raise ApiError("not_in_channel")
        if channel.archived:
            raise ApiError("is_archived")
        content = self.content(call, POST_LENGTH)
        content |= self._disguise(call)
        thread = self._thread(channel, call)
        broadcast = bool(thread) and call.flag("reply_broadcast")
        message = await self._posting.post(
            channel, self._rights.me, content, thread=thread, broadcast=broadcast
        )
        return {"channel": channel.id, "ts": message["ts"], "message": dict(message)}

    async def update(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/chat.update.

        Blocks that are not named stay, and hide a new text; an empty array takes them away.
        """
        channel = self._rights.channel(call)
        message = self._message(channel, call.required("ts"))
        if message.get("bot_id") != self._world.bot_id:
            raise ApiError("cant_update_message")
        if channel.archived or not self._world.knows_bot(channel):
            raise ApiError("is_inactive" if channel.archived else "not_in_channel")
        changes = self.content(call, UPDATE_LENGTH)
        await self._posting.edit(channel, message, changes, self._rights.me)
        text = message.get("text", "")
        return {"channel": channel.id, "ts": message["ts"], "text": text, "message": told(message)}

    async def delete(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/chat.delete."""
        channel = self._rights.channel(call)
        message = self._message(channel, call.required("ts"))
        if message.get("bot_id") != self._world.bot_id:
            raise ApiError("cant_delete_message")
        if channel.archived:
            raise ApiError("is_inactive")
        ts = message["ts"]
        await self._posting.delete(channel, message)
        return {"channel": channel.id, "ts": ts}

    async def post_ephemeral(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/chat.postEphemeral."""
        channel = self._rights.inside(call)
        if channel.archived:
            raise ApiError("is_archived")
        user = self._world.users.get(call.required("user"))
        if user is None or user.id not in channel.members:
            raise ApiError("user_not_in_channel")
        content = self.content(call, POST_LENGTH)
        thread = self._thread(channel, call)
        ts = self._world.new_ts()
        made = {"type": "message", **author_of(self._rights.me, self._world), **content, "ts": ts}
        made |= {"channel": channel.id, "is_ephemeral": True}
        user.ephemeral.append(made | ({"thread_ts": thread} if thread else {}))
        await self._world.changed()
        return {"message_ts": ts}

    async def get_permalink(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/chat.getPermalink."""
        channel = self._rights.channel(call)
        message = self._message(channel, call.required("message_ts"))
        place = f"https://{self._world.domain}.slack.com/archives/{channel.id}"
        link = f"{place}/p{message['ts'].replace('.', '')}"
        if (thread := message.get("thread_ts", message["ts"])) != message["ts"]:
            link += f"?thread_ts={thread}&cid={channel.id}"
        return {"channel": channel.id, "permalink": link}

    async def add_reaction(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/reactions.add."""
        channel, message, name = self._reacted(call)
        if channel.archived:
            raise ApiError("is_archived")
        reactions: list[Raw] = message.get("reactions", [])
        mine = [one["name"] for one in reactions if self._world.bot_user in one["users"]]
        if name in mine:
            raise ApiError("already_reacted")
        if len(mine) >= MOST_OF_ONE:
            raise ApiError("too_many_reactions")
        if len(reactions) >= MOST_EMOJI and name not in {one["name"] for one in reactions}:
            raise ApiError("too_many_emoji")
        await self._posting.react(channel, message, name, self._rights.me, add=True)
        return {}

    async def remove_reaction(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/reactions.remove."""
        channel, message, name = self._reacted(call)
        mine = {
            one["name"]
            for one in message.get("reactions", ())
            if self._world.bot_user in one["users"]
        }
        if name not in mine:
            raise ApiError("no_reaction")
        await self._posting.react(channel, message, name, self._rights.me, add=False)
        return {}

    async def get_reactions(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/reactions.get."""
        channel = self._rights.channel(call)
        message = self._message(channel, call.required("timestamp"))
        return {"type": "message", "channel": channel.id, "message": dict(message)}

    def content(self, call: Call, longest: int) -> Raw:
        """What a message says: text, blocks, attachments and metadata. Raises ApiError."""
        if call.text("markdown_text"):
            if call.text("text") or call.arguments.get("blocks"):
                raise ApiError("markdown_text_conflict")
            if len(call.text("markdown_text")) > 12_000:
                raise ApiError("msg_too_long")
        text = call.text("text") or call.text("markdown_text")
        blocks = call.structured("blocks", list, "invalid_blocks_format")
        attachments = call.structured("attachments", list, "invalid_attachments")
        if not (text.strip() or blocks or attachments):
            raise ApiError("no_text")
        if len(text) > longest:
            raise ApiError("msg_too_long")
        content: Raw = {"text": escape(text)} if "text" in call.arguments or text else {}
        if blocks is not None:
            content["blocks"] = self._checked(blocks, "/blocks")
        if attachments is not None:
            content["attachments"] = self._attached(attachments)
        metadata = call.structured("metadata", dict, "invalid_metadata_format")
        if metadata is not None:
            content["metadata"] = _metadata(metadata)
        return content

    def _checked(self, blocks: list[Any], pointer: str) -> list[Raw]:
        if problems := block_problems(blocks, pointer):
            raise complaints("invalid_blocks", problems)
        if blocks_too_long(blocks):
            raise ApiError("msg_blocks_too_long")
        return with_block_ids(blocks)

    def _attached(self, attachments: list[Any]) -> list[Raw]:
        if len(attachments) > MOST_ATTACHMENTS:
            raise ApiError("too_many_attachments")
        made = []
        for index, one in enumerate(attachments):
            if not isinstance(one, dict):
                raise ApiError("invalid_attachments")
            kept = {"id": index + 1, "fallback": "[no preview available]", **one}
            if "blocks" in one:
                kept["blocks"] = self._checked(one["blocks"], f"/attachments/{index}/blocks")
            made.append(kept)
        return made

    def _disguise(self, call: Call) -> Raw:
        """Another name or picture than the app's own makes it a ``bot_message``."""
        given = {name: call.text(name) for name in ("username", "icon_emoji", "icon_url")}
        given = {name: value for name, value in given.items() if value}
        if not given:
            return {}
        self._rights.need("chat:write.customize")
        return {"subtype": "bot_message", **given}

    def _thread(self, channel: Channel, call: Call) -> str:
        thread = call.text("thread_ts")
        if not thread:
            return ""
        parent = channel.messages.get(thread)
        # A reply's timestamp in place of its parent's is against the documentation.
        if parent is None or parent.get("thread_ts", thread) != thread:
            raise ApiError("thread_not_found")
        if parent.get("subtype", "").endswith(("_join", "_leave")):
            raise ApiError("cannot_reply_to_message")
        return thread

    def _message(self, channel: Channel, ts: str) -> Raw:
        message = found(channel, ts)
        if message is None:
            raise ApiError("message_not_found")
        return message

    def _reacted(self, call: Call) -> tuple[Channel, Raw, str]:
        if not (call.text("channel") and call.text("timestamp")):
            raise ApiError("no_item_specified")
        name = call.required("name")
        if not re.fullmatch(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?", name):
            raise ApiError("invalid_name")
        channel = self._rights.inside(call)
        if not re.fullmatch(r"\d+\.\d{6}", call.text("timestamp")):
            raise ApiError("bad_timestamp")
        return channel, self._message(channel, call.text("timestamp")), name

    async def _target(self, call: Call) -> Channel:
        """Where to post: a conversation's id, a public channel's name, or a user's id."""
        meant = call.required("channel")
        if user := self._world.users.get(meant):
            self._rights.need("im:write")
            await asyncio.sleep(0)
            return await self._rooms.direct(self._rights.me, user)
        name = meant.removeprefix("#")
        for channel in self._world.channels.values():
            if channel.name == name and channel.kind in ("public", "private"):
                return self._rights.channel(Call(call.method, {"channel": channel.id}))
        return self._rights.channel(call)


def _metadata(metadata: Raw) -> Raw:
    """https://docs.slack.dev/messaging/message-metadata."""
    if not metadata:
        return {}
    if set(metadata) != {"event_type", "event_payload"} or not metadata["event_type"]:
        raise ApiError("invalid_metadata_format")
    if not isinstance(metadata["event_payload"], dict):
        raise ApiError("invalid_metadata_format")
    return metadata
