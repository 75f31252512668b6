"""The simulated ``conversations.*``: https://docs.slack.dev/reference/methods."""

from __future__ import annotations

from collections.abc import Mapping

from plugins.slack.testing_call import Call, Handler, Rights, page, paged
from plugins.slack.testing_errors import ApiError
from plugins.slack.testing_posting import in_thread, visible
from plugins.slack.testing_rooms import Rooms
from plugins.slack.testing_wire import channel_of, listed
from plugins.slack.testing_world import Raw, World

_TYPES = {"public_channel": "public", "private_channel": "private", "im": "im", "mpim": "mpim"}


class ConversationMethods:
    """Conversations and what was said in them."""

    def __init__(self, world: World, rights: Rights, rooms: Rooms) -> None:
        self._world, self._rights, self._rooms = world, rights, rooms

    def methods(self) -> Mapping[str, Handler]:
        """By name."""
        return {
            "conversations.history": self.history,
            "conversations.info": self.info,
            "conversations.join": self.join,
            "conversations.leave": self.leave,
            "conversations.list": self.list,
            "conversations.members": self.members,
            "conversations.open": self.open,
            "conversations.replies": self.replies,
            "users.conversations": self.mine,
        }

    async def info(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/conversations.info."""
        channel = self._rights.channel(call)
        self._rights.need_for(channel.kind, "read")
        return {"channel": channel_of(channel, self._world)}

    async def list(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/conversations.list."""
        return self._listed(call, mine=False)

    async def mine(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/users.conversations: where the app is."""
        return self._listed(call, mine=True)

    async def leave(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/conversations.leave."""
        channel = self._rights.channel(call)
        if channel.kind in ("im", "mpim"):
            raise ApiError("method_not_supported_for_channel_type")
        if not self._world.knows_bot(channel):
            return {"not_in_channel": True}
        await self._rooms.leave(channel, self._rights.me)
        return {}

    async def members(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/conversations.members."""
        channel = self._rights.channel(call)
        self._rights.need_for(channel.kind, "read")
        rows, cursor = page(
            [{"id": one} for one in sorted(channel.members)], call, default=100, most=1000
        )
        return {
            "members": [one["id"] for one in rows],
            "response_metadata": {"next_cursor": cursor},
        }

    async def history(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/conversations.history: the newest first."""
        channel = self._rights.channel(call)
        self._rights.need_for(channel.kind, "history")
        if not self._world.knows_bot(channel):
            raise ApiError("not_in_channel")
        metadata = call.flag("include_all_metadata")
        rows = [
            listed(one, metadata=metadata)
            for one in reversed(visible(channel))
            if _between(one["ts"], call)
        ]
        part, cursor = page(rows, call, default=100, most=999)
        return paged("messages", part, cursor, has_more=bool(cursor), pin_count=0)

    async def replies(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/conversations.replies: the oldest first.

        The parent comes first on each page. With a reply's timestamp only that reply comes.
        """
        channel = self._rights.channel(call)
        self._rights.need_for(channel.kind, "history")
        if not self._world.knows_bot(channel):
            raise ApiError("not_in_channel")
        thread = in_thread(channel, call.required("ts"))
        if not thread:
            raise ApiError("thread_not_found")
        metadata = call.flag("include_all_metadata")
        parent, *rest = (listed(one, metadata=metadata) for one in thread)
        rows = [one for one in rest if _between(one["ts"], call)]
        part, cursor = page(rows, call, default=1000, most=1000)
        return paged("messages", [parent, *part], cursor, has_more=bool(cursor))

    async def open(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/conversations.open, with one user."""
        if call.text("channel"):
            channel = self._rights.channel(call)
            return {"no_op": True, "already_open": True, "channel": {"id": channel.id}}
        ids = call.required("users").strip("[]").replace('"', "").split(",")
        users = [self._world.users.get(one.strip()) for one in ids]
        if None in users:
            raise ApiError("user_not_found")
        people = [user for user in users if user is not None]
        if len(people) > 1:
            self._rights.need("mpim:write")
            members = {one.id for one in people} | {self._world.bot_user}
            channel = self._world.add_channel("mpdm", "mpim", members, shared=False)
            return {"channel": {"id": channel.id}}
        self._rights.need("im:write")
        (user,) = people
        if user.is_bot:
            raise ApiError("cannot_dm_bot")
        if user.deleted:
            raise ApiError("user_disabled")
        before = self._world.direct(user.id, self._world.bot_user)
        channel = await self._rooms.direct(user, self._rights.me)
        there = {} if before is None else {"no_op": True, "already_open": True}
        full = channel_of(channel, self._world)
        return {**there, "channel": full if call.flag("return_im") else {"id": channel.id}}

    async def join(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/conversations.join: public channels only."""
        channel = self._rights.channel(call)
        if channel.kind != "public":
            raise ApiError("method_not_supported_for_channel_type")
        if channel.archived:
            raise ApiError("is_archived")
        if self._world.knows_bot(channel):
            known = {"warning": "already_in_channel"}
            told = {"response_metadata": {"warnings": ["already_in_channel"]}}
            return {"channel": channel_of(channel, self._world), **known, **told}
        await self._rooms.join(channel, self._rights.me)
        return {"channel": channel_of(channel, self._world)}

    def _listed(self, call: Call, *, mine: bool) -> Raw:
        types = (call.text("types") or "public_channel").replace(" ", "").split(",")
        if set(types) - set(_TYPES):
            raise ApiError("invalid_types")
        kinds = {_TYPES[one] for one in types}
        for kind in sorted(kinds):
            self._rights.need_for(kind, "read")
        rows = [
            channel_of(one, self._world)
            for one in self._world.channels.values()
            if one.kind in kinds
            and (self._world.knows_bot(one) or (one.kind == "public" and not mine))
            and not (one.archived and call.flag("exclude_archived"))
        ]
        return paged("channels", *page(rows, call, default=100, most=1000))


def _between(ts: str, call: Call) -> bool:
    """Whether a timestamp lies between ``oldest`` and ``latest``, ends only if ``inclusive``."""
    oldest, latest = call.text("oldest") or "0", call.text("latest")
    try:
        low, high = float(oldest), float(latest) if latest else float("inf")
    except ValueError:
        raise ApiError("invalid_ts_oldest") from None
    if call.flag("inclusive"):
        return low <= float(ts) <= high
    return low < float(ts) < high
