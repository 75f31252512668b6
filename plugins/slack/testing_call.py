"""A call of a method, and who may make it."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from plugins.slack.testing_errors import ApiError
from plugins.slack.testing_world import Channel, Raw, User, World

METHOD_SCOPES = {
    "bots.info": "users:read",
    "chat.delete": "chat:write",
    "chat.postEphemeral": "chat:write",
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "conversations.join": "channels:join",
    "conversations.leave": "channels:manage",
    "files.completeUploadExternal": "files:write",
    "files.delete": "files:write",
    "files.getUploadURLExternal": "files:write",
    "files.info": "files:read",
    "reactions.add": "reactions:write",
    "reactions.get": "reactions:read",
    "reactions.remove": "reactions:write",
    "team.info": "team:read",
    "users.getPresence": "users:read",
    "users.info": "users:read",
    "users.list": "users:read",
    "users.lookupByEmail": "users:read.email",
}
"""https://docs.slack.dev/reference/scopes; those of conversations go by their kind."""
_FAMILIES = {"public": "channels", "private": "groups", "im": "im", "mpim": "mpim"}


@dataclass
class Call:
    """What was asked. Arguments come as JSON, or as a form where objects are JSON in strings."""

    method: str
    arguments: Raw

    def text(self, name: str) -> str:
        """An argument as a string; empty when it is missing."""
        value = self.arguments.get(name)
        return "" if value is None else str(value)

    def required(self, name: str) -> str:
        """An argument that must be there. Raises ApiError."""
        value = self.text(name)
        if not value:
            problem = f"[ERROR] missing required field: {name}"
            raise ApiError("invalid_arguments", response_metadata={"messages": [problem]})
        return value

    def flag(self, name: str) -> bool:
        """An argument that is true or false."""
        return self.text(name).lower() in ("1", "true")

    def number(self, name: str, default: int, most: int) -> int:
        """A count. Raises ApiError."""
        value = self.text(name) or str(default)
        if not value.isdigit() or not 1 <= int(value) <= most:
            raise ApiError("invalid_limit" if name == "limit" else "invalid_arguments")
        return int(value)

    def structured(self, name: str, kind: type[Any], error: str) -> Any:
        """An object or a list, or nothing. Raises ApiError with this error."""
        value = self.arguments.get(name)
        if value in (None, ""):
            return None
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                raise ApiError(error) from None
        if not isinstance(value, kind):
            raise ApiError(error)
        return value


Handler = Callable[[Call], Awaitable[Raw]]


class Rights:
    """What the app may see and do. Every method raises ApiError."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def me(self) -> User:
        """The app's own account."""
        return self._world.users[self._world.bot_user]

    def need(self, scope: str) -> None:
        """The app must have this scope."""
        if scope not in self._world.scopes:
            provided = ",".join(sorted(self._world.scopes))
            raise ApiError("missing_scope", needed=scope, provided=provided)

    def need_for(self, kind: str, what: str) -> None:
        """The app must have the scope for this kind of conversation: ``read``, ``history``..."""
        self.need(f"{_FAMILIES[kind]}:{what}")

    def channel(self, call: Call, name: str = "channel") -> Channel:
        """The conversation that is meant by its id, if the app can know of it."""
        channel = self._world.channels.get(call.text(name))
        if channel is None or (channel.kind != "public" and not self._world.knows_bot(channel)):
            raise ApiError("channel_not_found")
        return channel

    def inside(self, call: Call, name: str = "channel") -> Channel:
        """The conversation that is meant, and the app must be in it."""
        channel = self.channel(call, name)
        if not self._world.knows_bot(channel):
            raise ApiError("not_in_channel")
        return channel

    def user(self, call: Call, name: str = "user") -> User:
        """The account that is meant."""
        user = self._world.users.get(call.required(name))
        if user is None:
            raise ApiError("user_not_found")
        return user


def page(rows: list[Raw], call: Call, *, default: int, most: int) -> tuple[list[Raw], str]:
    """A part of a list, and the cursor of the next one, or nothing.

    See https://docs.slack.dev/apis/web-api/pagination. Raises ApiError.
    """
    limit = call.number("limit", default, most)
    start = 0
    if cursor := call.text("cursor"):
        try:
            start = int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
        except ValueError:
            raise ApiError("invalid_cursor") from None
    end = start + limit
    following = base64.b64encode(f"next:{end}".encode()).decode() if end < len(rows) else ""
    return rows[start:end], following


def paged(name: str, rows: list[Raw], cursor: str, **more: Any) -> Raw:
    """The answer with a page."""
    return {name: rows, **more, "response_metadata": {"next_cursor": cursor}}
