"""What each part of the plugin asks of Slack, and which scopes that takes.

Of a method: the page of each at https://docs.slack.dev/reference/methods. Of an event: the page of
each at https://docs.slack.dev/reference/events.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from plugins.slack.settings import SlackSettings

PUBLIC, PRIVATE, DIRECT = "channels", "groups", "im"
"""How a scope names the kinds of conversations; a channel's id does not tell its kind."""

SCOPE_OF_METHOD = {
    "auth.test": "",
    "chat.delete": "chat:write",
    "chat.postEphemeral": "chat:write",
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "conversations.history": "*:history",
    "conversations.info": "*:read",
    "conversations.list": "*:read",
    "conversations.members": "*:read",
    "conversations.replies": "*:history",
    "files.completeUploadExternal": "files:write",
    "files.delete": "files:write",
    "files.getUploadURLExternal": "files:write",
    "files.info": "files:read",
    "reactions.add": "reactions:write",
    "reactions.remove": "reactions:write",
    "users.getPresence": "users:read",
    "users.info": "users:read",
    "views.open": "",
    "views.update": "",
}
"""Those of ``apps.connections.open`` are the app token's: ``connections:write``."""
SCOPE_OF_EVENT = {
    "app_uninstalled": "",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "tokens_revoked": "",
}
_MESSAGES = {PUBLIC: "message.channels", PRIVATE: "message.groups", DIRECT: "message.im"}


@dataclass(frozen=True, slots=True)
class Part:
    """What a part of the plugin asks for: methods, in which conversations, and what else."""

    methods: frozenset[str]
    kinds: frozenset[str]
    events: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()  # that no method or event needs

    def all_scopes(self) -> set[str]:
        """Everything that Slack must grant for it."""
        found = set(self.scopes)
        for method in self.methods:
            scope = SCOPE_OF_METHOD[method]
            found |= {scope.replace("*", kind) for kind in self.kinds}
        return (found | {SCOPE_OF_EVENT[event] for event in self.all_events()}) - {""}

    def all_events(self) -> set[str]:
        """Everything that Slack must tell for it."""
        return {*self.events, *(_MESSAGES[kind] for kind in self.kinds)}


SHARED = frozenset(
    {
        "auth.test",
        "conversations.history",
        "conversations.replies",
        "files.completeUploadExternal",
        "files.getUploadURLExternal",
        "files.info",
    }
)
"""What both the desk and customers need: who one is, what was missed, and files."""
CHECKED = frozenset({"conversations.info", "chat.postMessage", "chat.delete"})
"""What `bot check --online` calls for each channel of the settings."""
_FOR_CUSTOMERS = frozenset(
    {"chat.delete", "chat.postMessage", "chat.update", "files.delete", "users.info"}
)
DESK = Part(
    methods=SHARED
    | CHECKED
    | {
        "chat.postEphemeral",
        "chat.update",
        "conversations.members",
        "files.delete",
        "reactions.add",
        "reactions.remove",
        "users.getPresence",
        "users.info",
        "views.open",
        "views.update",
    },
    kinds=frozenset({PUBLIC, PRIVATE}),
    scopes=frozenset({"commands"}),  # shortcuts and the slash command
)
DIRECT_MESSAGES = Part(
    methods=SHARED | _FOR_CUSTOMERS | {"conversations.list"}, kinds=frozenset({DIRECT})
)
ALLOWED_CHANNELS = Part(
    methods=SHARED | CHECKED | _FOR_CUSTOMERS,
    # Not app_mention: that the bot is named is seen in the messages, which threads need anyway.
    kinds=frozenset({PUBLIC, PRIVATE}),
)
ALWAYS = Part(
    methods=frozenset({"auth.test"}),
    kinds=frozenset(),
    events=frozenset({"app_uninstalled", "tokens_revoked"}),
)


def parts_of(*, desk: bool, direct: bool, channels: bool) -> list[Part]:
    """The parts that are switched on."""
    parts = [(True, ALWAYS), (desk, DESK), (direct, DIRECT_MESSAGES), (channels, ALLOWED_CHANNELS)]
    return [part for is_on, part in parts if is_on]


def parts_in(settings: SlackSettings) -> list[Part]:
    """The parts that are switched on by the settings."""
    customers = settings.customers
    return parts_of(
        desk=settings.desk is not None,
        direct=customers is not None and customers.direct_messages,
        channels=customers is not None and bool(customers.allowed_channels),
    )


def scopes_of(parts: Iterable[Part]) -> list[str]:
    """The scopes of the bot token."""
    return sorted({scope for part in parts for scope in part.all_scopes()})


def events_of(parts: Iterable[Part]) -> list[str]:
    """The events to subscribe to."""
    return sorted({event for part in parts for event in part.all_events()})
