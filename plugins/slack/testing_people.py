"""People in the simulated Slack, who do what Slack's own program lets them do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from plugins.slack.testing_errors import Refused
from plugins.slack.testing_inputs import chosen
from plugins.slack.testing_posting import found, in_thread, visible
from plugins.slack.testing_shown import Message, elements, titles
from plugins.slack.testing_text import rich_text, typed
from plugins.slack.testing_views import OpenView
from plugins.slack.testing_wire import with_block_ids
from plugins.slack.testing_world import Channel, Raw, User

if TYPE_CHECKING:
    from plugins.slack.testing import SlackSimulator

PATIENCE = 10.0
"""Seconds that somebody looks at the screen."""
Fits = str | Callable[[Message], Any]
"""A part of the words on a message, or a question about it."""


class Room:
    """A conversation, as somebody sees it who is in it."""

    def __init__(self, slack: SlackSimulator, channel: Channel) -> None:
        self._slack, self.channel = slack, channel

    @property
    def id(self) -> str:
        """The conversation's id."""
        return self.channel.id

    @property
    def name(self) -> str:
        """Its name now."""
        return self.channel.name

    @property
    def members(self) -> set[str]:
        """The ids of those who are in it."""
        return set(self.channel.members)

    @property
    def messages(self) -> list[Message]:
        """What stands in it outside of threads, oldest first; deleted ones are not there."""
        return [self._seen(one) for one in visible(self.channel) if found(self.channel, one["ts"])]

    def thread(self, message: Message | str) -> list[Message]:
        """The replies under a message, oldest first."""
        ts = message if isinstance(message, str) else message.thread
        return [self._seen(one) for one in in_thread(self.channel, ts)[1:]]

    def message(self, ts: str) -> Message:
        """The message with a timestamp. Raises KeyError."""
        return self._seen(self.channel.messages[ts])

    def _seen(self, raw: Raw) -> Message:
        return Message(self._slack.world, self.id, raw["ts"], raw)


class Person:
    """Somebody with an account, or another bot.

    What the app must answer (presses, submissions, commands) is waited for: NotAcknowledged is
    raised when it does not answer within three seconds. Refused is raised for what Slack's
    program would not let a person do.
    """

    def __init__(self, slack: SlackSimulator, user: User) -> None:
        self._slack, self.user = slack, user

    @property
    def id(self) -> str:
        """The account's id."""
        return self.user.id

    @property
    def name(self) -> str:
        """The name that is written after an @."""
        return self.user.name

    @property
    def presence(self) -> str:
        """``active`` or ``away``."""
        return self.user.presence

    @presence.setter
    def presence(self, value: str) -> None:
        self.user.presence = value

    async def writes(
        self,
        room: Room,
        text: str,
        *,
        thread: Message | str | None = None,
        broadcast: bool = False,
        raw: bool = False,
    ) -> Message:
        """Write into a conversation or a thread; ``broadcast``: also to the channel.

        Slack makes markup of what is typed: ``@name``, links, mail addresses, characters that
        must be escaped. With ``raw`` the text is taken as it is.
        """
        channel = self._inside(room)
        names = {one.name: one.id for one in self._slack.world.users.values()}
        made = text if raw else typed(text, names)
        content = {"text": made, "blocks": with_block_ids([rich_text(made)])}
        message = await self._slack.posting.post(
            channel, self.user, content, thread=self._thread(thread), broadcast=broadcast
        )
        return Message(self._slack.world, channel.id, message["ts"], message)

    async def uploads(
        self,
        room: Room,
        files: Mapping[str, bytes],
        text: str = "",
        *,
        thread: Message | str | None = None,
    ) -> Message:
        """Send files, by name, with words or without."""
        channel = self._inside(room)
        kept = [self._slack.files.add(name, data, self.user) for name, data in files.items()]
        names = {one.name: one.id for one in self._slack.world.users.values()}
        message = await self._slack.posting.post(
            channel,
            self.user,
            {"text": typed(text, names)},
            thread=self._thread(thread),
            files=kept,
        )
        return Message(self._slack.world, channel.id, message["ts"], message)

    async def edits(self, message: Message, text: str) -> None:
        """Change the own message."""
        channel, kept = self._own(message)
        names = {one.name: one.id for one in self._slack.world.users.values()}
        made = typed(text, names)
        changes = {"text": made, "blocks": with_block_ids([rich_text(made)])}
        await self._slack.posting.edit(channel, kept, changes, self.user)

    async def deletes(self, message: Message) -> None:
        """Delete the own message."""
        await self._slack.posting.delete(*self._own(message))

    async def reacts(self, message: Message, name: str) -> None:
        """Add a reaction."""
        await self._react(message, name, add=True)

    async def unreacts(self, message: Message, name: str) -> None:
        """Take a reaction back."""
        await self._react(message, name, add=False)

    async def presses(self, where: Message | OpenView, what: str) -> None:
        """Press a button, or choose from a menu, by its words or its action."""
        for block, element in elements(where.raw):
            is_menu = element["type"] != "button"
            if what in titles(element) or (what == element["action_id"] and not is_menu):
                picked = chosen(element, what) if is_menu else {}
                await self._press(where, block, element, picked)
                return
        raise Refused(f"there is no button {what!r}: {where.buttons}")

    async def chooses(self, where: Message | OpenView, action_id: str, value: Any) -> None:
        """Choose a value from the menu with this action: an option, a person, a day..."""
        for block, element in elements(where.raw):
            if element["action_id"] == action_id:
                await self._press(where, block, element, chosen(element, value))
                return
        raise Refused(f"there is no menu {action_id!r}")

    async def submits(
        self, view: OpenView, values: Mapping[str, Any] | None = None
    ) -> dict[str, str]:
        """Submit a modal, filled in by action, block or label.

        What the app complains about, by block; nothing when it took it.
        """
        self._open(view)
        return await self._slack.interactions.submit(self.user, view, values or {})

    async def closes(self, view: OpenView) -> None:
        """Close a modal."""
        self._open(view)
        await self._slack.interactions.close(self.user, view)

    async def shortcut(self, callback_id: str, message: Message | None = None) -> None:
        """Use a shortcut, on a message or from anywhere."""
        await self._slack.interactions.shortcut(self.user, callback_id, message)

    async def slash(self, room: Room, command: str, text: str = "") -> Any:
        """Use a command; the app's answer."""
        return await self._slack.interactions.slash(self.user, self._inside(room), command, text)

    async def opens_home(self) -> None:
        """Look at the app's home tab: https://docs.slack.dev/reference/events/app_home_opened."""
        if not self._slack.world.features.home_tab:
            raise Refused("the app has no home tab")
        channel = await self._slack.rooms.direct(self.user, self._slack.bot_user)
        event: Raw = {"type": "app_home_opened", "user": self.id, "channel": channel.id}
        event |= {"tab": "home", "event_ts": self._slack.world.new_ts()}
        if home := self._slack.views.homes.get(self.id):
            event["view"] = dict(home.raw)
        self._slack.events.tell(event)

    async def direct(self, other: Person | None = None) -> Room:
        """Direct messages with the app, or with somebody else."""
        user = self._slack.bot_user if other is None else other.user
        return Room(self._slack, await self._slack.rooms.direct(self.user, user))

    async def joins(self, room: Room) -> None:
        """Come into a channel."""
        await self._slack.rooms.join(room.channel, self.user)

    async def leaves(self, room: Room) -> None:
        """Leave a channel."""
        await self._slack.rooms.leave(room.channel, self.user)

    async def invites(self, room: Room, who: Person | None = None) -> None:
        """Bring somebody into a channel; the app, if nobody is named."""
        user = self._slack.bot_user if who is None else who.user
        await self._slack.rooms.join(self._inside(room), user, self.user)

    async def removes(self, room: Room, who: Person | None = None) -> None:
        """Put somebody out of a channel; the app, if nobody is named."""
        user = self._slack.bot_user if who is None else who.user
        await self._slack.rooms.leave(self._inside(room), user)

    async def archives(self, room: Room) -> None:
        """Archive a channel."""
        await self._slack.rooms.archive(room.channel, self.user)

    async def unarchives(self, room: Room) -> None:
        """Take a channel out of the archive."""
        await self._slack.rooms.archive(room.channel, self.user, back=True)

    async def renames(self, room: Room, name: str) -> None:
        """Give a channel another name."""
        await self._slack.rooms.rename(room.channel, name)

    async def deletes_room(self, room: Room) -> None:
        """Delete a channel for good."""
        await self._slack.rooms.delete(room.channel, self.user)

    @property
    def views(self) -> list[OpenView]:
        """The modals on the screen, the one on top last."""
        return list(self._slack.views.stacks.get(self.id, ()))

    @property
    def home(self) -> OpenView | None:
        """The app's home tab."""
        return self._slack.views.homes.get(self.id)

    @property
    def ephemeral(self) -> list[Message]:
        """Messages that nobody else saw, oldest first."""
        world = self._slack.world
        return [
            Message(world, one["channel"], one["ts"], one, ephemeral=True)
            for one in self.user.ephemeral
        ]

    async def sees_view(self, fits: str = "", *, seconds: float = PATIENCE) -> OpenView:
        """Wait for a modal on top with these words in it or in its title. Raises TimeoutError."""

        def top() -> OpenView | None:
            view = self.views[-1] if self.views else None
            return view if view and fits in f"{view.title}\n{view.words}" else None

        return await self._slack.until(top, seconds=seconds)

    async def sees_ephemeral(self, fits: Fits = "", *, seconds: float = PATIENCE) -> Message:
        """Wait for the latest message only for this person that fits. Raises TimeoutError."""

        def latest() -> Message | None:
            seen = (one for one in reversed(self.ephemeral) if not one.deleted)
            return next((one for one in seen if suits(one, fits)), None)

        return await self._slack.until(latest, seconds=seconds)

    async def _press(
        self, where: Message | OpenView, block: Raw, element: Raw, picked: Raw
    ) -> None:
        if isinstance(where, OpenView):
            self._open(where)
        elif where.deleted:
            raise Refused("the message is gone")
        await self._slack.interactions.press(self.user, where, block, element, picked)

    async def _react(self, message: Message, name: str, *, add: bool) -> None:
        channel = self._slack.world.channels[message.channel]
        kept = found(channel, message.ts)
        if kept is None or channel.archived:
            raise Refused("is_archived" if channel.archived else "message_not_found")
        if (self.id in message.reactions.get(name, ())) is add:
            raise Refused("already_reacted" if add else "no_reaction")
        await self._slack.posting.react(channel, kept, name, self.user, add)

    def _inside(self, room: Room) -> Channel:
        if self.user.deleted:
            raise Refused("account_inactive")
        if room.channel.archived:
            raise Refused("is_archived")
        if self.id not in room.channel.members:
            raise Refused("not_in_channel")
        to_app = room.channel.kind == "im" and self._slack.world.knows_bot(room.channel)
        if to_app and not self._slack.world.features.messages:
            raise Refused("sending messages to this app has been turned off")
        return room.channel

    def _own(self, message: Message) -> tuple[Channel, Raw]:
        channel = self._slack.world.channels[message.channel]
        kept = found(channel, message.ts)
        if kept is None or kept.get("user") != self.id:
            raise Refused("only the own messages, as long as they are there")
        return channel, kept

    def _open(self, view: OpenView) -> None:
        if view not in self.views and view is not self.home:
            raise Refused("the view is not open")

    def _thread(self, thread: Message | str | None) -> str:
        return thread.thread if isinstance(thread, Message) else thread or ""


def suits(message: Message, fits: Fits) -> bool:
    """Whether a message is the one that is looked for."""
    return bool(fits in message.words if isinstance(fits, str) else fits(message))
