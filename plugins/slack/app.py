"""The one connection to Slack, which the customer channel and the desk share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from yarl import URL

from bot.ports import Retry, Route, Store
from host.ports import Health
from plugins.slack.api import Api, opened
from plugins.slack.dispatch import Dispatch
from plugins.slack.errors import SlackRefused
from plugins.slack.events import EventHandler
from plugins.slack.interactions import Interaction, InteractionHandler, InteractionKind
from plugins.slack.line import Line
from plugins.slack.listening import Listening
from plugins.slack.names import Me
from plugins.slack.pace import Pace
from plugins.slack.settings import SlackSettings
from plugins.slack.transfers import FileHost, Upload
from plugins.slack.webhooks import Webhooks

__all__ = ["Me", "SlackApp", "SlackRefused", "Upload"]


@dataclass(frozen=True, slots=True)
class _Open:
    """What there is only while the app is open."""

    api: Api
    files: FileHost
    listening: Listening


class SlackApp:
    """Calls, events and interactions. Made once by ``bot_register``; parts register with it there.

    Every part enters :meth:`running` in its own ``open``: the first opens the connection, the last
    one to leave closes it.
    """

    def __init__(self, settings: SlackSettings) -> None:
        self.settings = settings
        self._handlers: list[EventHandler] = []
        self._dispatch = Dispatch(self.respond)
        self._pace = Pace(settings.per_channel_seconds)
        self.line = Line(settings.quiet_seconds, listens=settings.mode == "socket")
        secret = settings.signing_secret
        called = settings.mode == "http" and secret is not None
        self._webhooks = Webhooks(secret.get_secret_value()) if called and secret else None
        self._open: _Open | None = None
        self._inside = 0
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._me: Me | None = None

    def add_handler(self, handler: EventHandler) -> None:
        """Give events to ``handler``; the first that wants one gets it."""
        self._handlers.append(handler)

    def on_action(self, prefix: str, handle: InteractionHandler) -> None:
        """A button or menu whose ``action_id`` begins so. The longest prefix wins, here and below.

        It is acknowledged before ``handle`` is called: its answer is not used.
        """
        self._dispatch.on(InteractionKind.ACTION, prefix, handle)

    def on_view(self, prefix: str, handle: InteractionHandler) -> None:
        """A modal was submitted whose ``callback_id`` begins so; the answer goes back with it."""
        self._dispatch.on(InteractionKind.VIEW, prefix, handle)

    def on_view_closed(self, prefix: str, handle: InteractionHandler) -> None:
        """A modal was closed."""
        self._dispatch.on(InteractionKind.CLOSED, prefix, handle)

    def on_shortcut(self, callback_id: str, handle: InteractionHandler) -> None:
        """A shortcut was chosen, of a message or a global one."""
        self._dispatch.on(InteractionKind.SHORTCUT, callback_id, handle)

    def on_command(self, name: str, handle: InteractionHandler) -> None:
        """A slash command (``/name``); the answer is what the user alone sees."""
        self._dispatch.on(InteractionKind.COMMAND, name, handle)

    @asynccontextmanager
    async def running(self, store: Store) -> AsyncIterator[None]:
        """Hold the connection until left; entered by several parts it is one."""
        async with self._opening:
            if self._inside == 0:
                await self._begin(store)
            self._inside += 1
        try:
            yield
        finally:
            async with self._opening:
                self._inside -= 1
                if self._inside == 0:
                    await self._end()

    async def call(self, method: str, /, **arguments: Any) -> Mapping[str, Any]:
        """Call a method of the Web API (``chat.postMessage``); its answer. ``None`` is left out.

        Raises Retry (later: rate limit, outage, not open), :class:`SlackRefused` (never), or, for
        methods that must not be repeated blindly (posting, opening modals), UnknownOutcome.
        """
        return await self._opened().api.call(method, arguments)

    async def me(self) -> Me:
        """Who the bot is. Asked once. Raises as :meth:`call`."""
        if self._me is None:
            answer = await self.call("auth.test")
            self._me = Me(
                team=str(answer["team_id"]),
                user=str(answer["user_id"]),
                bot=str(answer.get("bot_id", "")),
                name=str(answer.get("user", "")),
                url=str(answer.get("url", "")),
            )
        return self._me

    async def respond(self, interaction: Interaction, answer: Mapping[str, Any]) -> None:
        """Answer an interaction by its ``response_url``: five times within half an hour.

        ``{"text": ..., "response_type": "ephemeral"}``, or ``{"delete_original": True}``. Raises
        Retry.
        """
        await self._opened().api.respond(interaction.response_url, answer)

    def download(self, file: Mapping[str, Any], *, limit: int) -> AsyncIterator[bytes]:
        """Stream a file object's content, at most ``limit`` bytes.

        The token goes to Slack's file host only. Raises Retry, or Refused with ``file_too_big``,
        ``file_gone`` or ``fetch_failed``.
        """
        return self._opened().files.download(file, limit)

    async def upload(
        self, channel: str, thread_ts: str, files: Sequence[Upload], *, text: str = ""
    ) -> list[str]:
        """Share files in a channel or thread (``""``: none) with words; their ids (``F...``).

        Raises as :meth:`call`; UnknownOutcome only from the last step, which shares them.
        """
        stored = [(await self.store_file(one), one.name) for one in files]
        await self.share(channel, thread_ts, stored, text=text)
        return [file for file, _ in stored]

    async def store_file(self, upload: Upload) -> str:
        """The first half of :meth:`upload`: the id of a file that nobody sees yet."""
        return await self._opened().files.store(upload)

    async def share(
        self, channel: str, thread_ts: str, stored: Sequence[tuple[str, str]], *, text: str = ""
    ) -> None:
        """The second half of :meth:`upload`: show stored files, given by id and title."""
        await self._opened().files.share(channel, thread_ts, stored, text)

    async def quiet(self, channel: str, thread_ts: str, seconds: float) -> None:
        """Wait until what people wrote in a thread before now is handled; at most so long.

        An interaction is handled at once and may overtake what was written before it.
        """
        await self._opened().listening.quiet(channel, thread_ts, seconds)

    def routes(self) -> Sequence[Route]:
        """The routes of mode http; none in mode socket."""
        return self._webhooks.routes() if self._webhooks is not None else ()

    async def health(self) -> Health:
        """Red without a working connection, or when an operator must mend something."""
        return self.line.health()

    def _opened(self) -> _Open:
        if self._open is None:
            raise Retry(None, "closed")
        return self._open

    async def _begin(self, store: Store) -> None:
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(opened(self.settings))
            api = Api(self.settings, session, self._pace, self.line)
            token = self.settings.bot_token.get_secret_value()
            files = FileHost(session, self.call, token, URL(self.settings.api_url))
            self.line.opened()
            listening = Listening(
                settings=self.settings,
                store=store,
                api=api,
                session=session,
                line=self.line,
                handlers=self._handlers,
                dispatch=self._dispatch,
                webhooks=self._webhooks,
                me=self.me,
                call=self.call,
            )
            self._open = _Open(api, files, listening)
            await stack.enter_async_context(listening.running())
            self._stack = stack.pop_all()

    async def _end(self) -> None:
        await self._stack.aclose()
        self._open = None
        self.line.closed()
