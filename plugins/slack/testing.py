"""A simulated Slack on loopback: one workspace, as strict as the real one, and people in it.

    async with SlackSimulator() as slack:
        jonas = slack.person("jonas", "Jonas Weber")
        support = slack.channel("support", jonas)
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        ...
        await slack.socket.connected()              # Socket Mode; or slack.listens_at(url)
        card = await slack.wait_message(support, "Neuer Fall")
        await jonas.presses(card, "Übernehmen")
        line = await jonas.writes(support, "Guten Tag!", thread=card)
        await slack.until(lambda: "white_check_mark" in line.bot_reactions)

Faults are asked for with ``slack.faults``. Everything that the app asked is in
``slack.api.requests``; every event that it was told in ``slack.events.told``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import aiohttp
from aiohttp import web

from plugins.slack.testing_api import OPEN, WebApi
from plugins.slack.testing_call import Call, Rights
from plugins.slack.testing_chat import ChatMethods
from plugins.slack.testing_conversations import ConversationMethods
from plugins.slack.testing_directory import DirectoryMethods
from plugins.slack.testing_errors import ApiError, Refused
from plugins.slack.testing_events import ACK_SECONDS, RETRY_WAITS, Events, NotAcknowledged
from plugins.slack.testing_faults import Faults
from plugins.slack.testing_files import FileMethods
from plugins.slack.testing_http import HttpMode
from plugins.slack.testing_interactions import Interactions
from plugins.slack.testing_manifest import install
from plugins.slack.testing_people import PATIENCE, Fits, Person, Room, suits
from plugins.slack.testing_posting import Posting
from plugins.slack.testing_rooms import Rooms
from plugins.slack.testing_shown import Message
from plugins.slack.testing_socket import SocketMode
from plugins.slack.testing_views import OpenView, ViewMethods
from plugins.slack.testing_world import Raw, User, World

__all__ = [
    "Faults",
    "Message",
    "NotAcknowledged",
    "OpenView",
    "Person",
    "Refused",
    "Room",
    "SlackSimulator",
]

T = TypeVar("T")


class SlackSimulator:
    """Slack, with one workspace and one app in it. An async context manager.

    ``retry_waits`` are the seconds before each retry of an event, ``ack_seconds`` those in which
    the app must answer; the defaults are Slack's. ``seed`` decides which of several connections
    gets an envelope.
    """

    def __init__(
        self,
        bot_name: str = "schalter",
        *,
        retry_waits: Sequence[float] = RETRY_WAITS,
        ack_seconds: float = ACK_SECONDS,
        seed: int = 0,
    ) -> None:
        self.faults = Faults()
        self.world = World(bot_name)
        self.signing_secret = secrets.token_hex(16)
        self.url = self.api_url = ""
        self._ack_seconds = ack_seconds
        self._session: aiohttp.ClientSession | None = None
        self.http: HttpMode | None = None
        """Calls of the app's address, after :meth:`listens_at`."""
        rights = Rights(self.world)
        self.api = WebApi(self.world, self.faults, rights)
        self.rates = self.api.rates
        self.events = Events(self.world, self.faults)
        self.events.retry_waits = retry_waits
        self.socket = SocketMode(self.world, self.faults, seed)
        self.socket.ack_seconds = ack_seconds
        self.events.transport = self.socket
        self.posting = Posting(self.world, self.events)
        self.rooms = Rooms(self.world, self.events, self.posting)
        self.files = FileMethods(self.world, rights, self.posting, self.events, self.faults)
        self.views = ViewMethods(self.world, rights)
        chat = ChatMethods(self.world, rights, self.posting, self.rooms)
        self.interactions = Interactions(self.world, self.events, self.views, chat, self.posting)
        for methods in (
            chat,
            ConversationMethods(self.world, rights, self.rooms),
            DirectoryMethods(self.world, rights),
            self.files,
            self.views,
        ):
            self.api.add(methods.methods())
        self.api.add({OPEN: self._connection})

    @property
    def bot_token(self) -> str:
        """The token that starts with ``xoxb-``."""
        return self.api.bot_token

    @property
    def app_token(self) -> str:
        """The app-level token, for Socket Mode; it starts with ``xapp-``."""
        return self.api.app_token

    @property
    def scopes(self) -> set[str]:
        """What the bot is granted; take some away to have calls refused and events withheld."""
        return self.world.scopes

    @property
    def subscriptions(self) -> set[str]:
        """The events that the app's settings ask for."""
        return self.world.subscriptions

    @property
    def bot_user(self) -> User:
        """The app's own account."""
        return self.world.users[self.world.bot_user]

    def settings(self, **more: Any) -> dict[str, Any]:
        """What an app must know; the secrets go into the environment of a real bot."""
        return {
            "bot_token": self.bot_token,
            "app_token": self.app_token,
            "signing_secret": self.signing_secret,
            "api_url": self.api_url,
            **more,
        }

    def person(self, name: str, real_name: str = "", **more: Any) -> Person:
        """An account: more of :class:`User` may be given (``is_bot``, ``deleted``, ``tz``...)."""
        known = (one for one in self.world.users.values() if one.name == name)
        user = next(known, None)
        if user is None:
            user = self.world.add_user(name, real_name or name.title(), **more)
        return Person(self, user)

    def other_bot(self, name: str) -> Person:
        """Another app's bot, which writes too."""
        ids = {"bot_id": self.world.new_id("B"), "app_id": self.world.new_id("A")}
        return self.person(name, is_bot=True, **ids)

    def stranger(self, name: str, real_name: str = "", team: str = "T0OTHERTEAM") -> Person:
        """Somebody of another workspace, for shared channels."""
        return self.person(name, real_name, team=team)

    def channel(
        self,
        name: str,
        *members: Person,
        kind: str = "public",
        bot: bool = True,
        shared: bool = False,
    ) -> Room:
        """The channel with this name, with these people in it; a new one also has the app.

        ``kind`` is ``public``, ``private`` or ``mpim``. Direct messages: :meth:`Person.direct`.
        """
        ids = {one.id for one in members} | ({self.world.bot_user} if bot else set())
        for channel in self.world.channels.values():
            if channel.name == name:
                channel.members |= {one.id for one in members}
                return Room(self, channel)
        return Room(self, self.world.add_channel(name, kind, ids, shared))

    def listens_at(self, url: str) -> HttpMode:
        """From now on events and interactions are posted to this address, signed."""
        if self._session is None:
            raise RuntimeError("the simulator is not open")
        self.http = HttpMode(self.signing_secret, url, self._session)
        self.http.ack_seconds = self._ack_seconds
        self.events.transport = self.http
        return self.http

    def installs(self, manifest: Raw) -> None:
        """Install the app as its manifest says: only these scopes, events, shortcuts, commands.

        Raises ValueError for a manifest that Slack would not take, and names the places.
        """
        install(self.world, manifest)

    async def unfurls(self, message: Message, title: str = "Titel") -> None:
        """Show a preview of a link in a message: ``message_changed`` comes without an edit."""
        channel = self.world.channels[message.channel]
        shown = {"id": 1, "title": title, "from_url": "https://x.example", "fallback": title}
        await self.posting.unfurl(channel, message.raw, [shown])

    def uninstalls(self) -> None:
        """Somebody removes the app: https://docs.slack.dev/reference/events/app_uninstalled."""
        self._goodbye({"type": "app_uninstalled"}, "account_inactive")

    def revokes_token(self) -> None:
        """The bot's token ends: https://docs.slack.dev/reference/events/tokens_revoked."""
        tokens = {"oauth": [], "bot": [self.world.bot_user]}
        self._goodbye({"type": "tokens_revoked", "tokens": tokens}, "token_revoked")

    async def until(self, holds: Callable[[], T | None], *, seconds: float = PATIENCE) -> T:
        """Wait until something is true, asked after every change; what it was.

        Raises TimeoutError.
        """
        result: T = await self.world.until(holds, seconds)
        return result

    async def wait_message(
        self,
        room: Room,
        fits: Fits = "",
        *,
        thread: Message | str | None = None,
        seconds: float = PATIENCE,
    ) -> Message:
        """Wait for a message of the app that fits, in a channel or a thread; the oldest one.

        Edits count: a message fits as soon as it has the words. Raises TimeoutError, which says
        what is there instead.
        """

        def seen() -> list[Message]:
            return room.messages if thread is None else room.thread(thread)

        def fitting() -> Message | None:
            return next((one for one in seen() if one.by_bot and suits(one, fits)), None)

        try:
            return await self.until(fitting, seconds=seconds)
        except TimeoutError:
            raise TimeoutError(f"no message with {fits!r}; there are {seen()}") from None

    async def __aenter__(self) -> SlackSimulator:
        self._session = aiohttp.ClientSession()
        self._runner = web.AppRunner(
            self._app(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.api_url = f"{self.url}/api/"
        self.socket.url = self.url.replace("http", "ws", 1)
        self.files.url = self.posting.url = self.interactions.url = self.url
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.events.close()
        await self.socket.close()
        if self._session is not None:
            await self._session.close()
        await self._runner.cleanup()

    def _app(self) -> web.Application:
        async def upload(request: web.Request) -> web.StreamResponse:
            return await self.api.guarded("upload", request, self.files.uploaded)

        async def download(request: web.Request) -> web.StreamResponse:
            allowed = self.api.authorized(request)
            return await self.api.guarded(
                "download", request, lambda request: self.files.download(request, allowed)
            )

        async def respond(request: web.Request) -> web.StreamResponse:
            return await self.api.guarded("response_url", request, self.interactions.respond)

        app = web.Application(client_max_size=256 * 1024 * 1024)
        app.add_routes(
            [
                web.route("*", "/api/{method}", self.api.serve),
                web.get("/link/", self.socket.serve),
                web.post("/upload/v1/{ticket}", upload),
                web.get("/files-pri/{place}/{name:.+}", download),
                web.post("/hooks/{hook}", respond),
            ]
        )
        return app

    async def _connection(self, _call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/apps.connections.open."""
        if not self.socket.enabled or not self.world.features.socket_mode:
            raise ApiError("forbidden_team")
        return {"url": self.socket.ticket()}

    def _goodbye(self, event: Raw, state: str) -> None:
        self.events.tell({**event, "event_ts": self.world.new_ts()})
        self.api.state = state
