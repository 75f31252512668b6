"""The one connection to Slack, which the customer channel and the desk share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.ports import Reject, Route, Store
from host.ports import Health
from plugins.slack.events import EventHandler
from plugins.slack.interactions import InteractionHandler
from plugins.slack.settings import SlackSettings


class SlackRefused(Reject):
    """Slack answered ``ok: false``. ``reason`` has a sentence, ``error`` is Slack's own code."""

    def __init__(self, reason: str, error: str) -> None:
        super().__init__(reason)
        self.error = error


@dataclass(frozen=True, slots=True)
class Me:
    """Who the bot is, as ``auth.test`` says."""

    team: str
    user: str  # U...
    bot: str  # B...
    app: str = ""  # A...
    name: str = ""
    url: str = ""  # https://<workspace>.slack.com/


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to send: ``path`` is read in pieces."""

    path: Path
    name: str


class SlackApp:
    """Calls, events and interactions. Made once by ``bot_register``; parts register with it there.

    Every part enters :meth:`running` in its own ``open``: the first opens the connection, the last
    one to leave closes it.
    """

    def __init__(self, settings: SlackSettings, public_url: str = "") -> None:
        raise NotImplementedError

    def add_handler(self, handler: EventHandler) -> None:
        """Give events to ``handler``; the first that wants one gets it."""
        raise NotImplementedError

    def on_action(self, prefix: str, handle: InteractionHandler) -> None:
        """A button or menu whose ``action_id`` begins so. The longest prefix wins, here and below.

        It is acknowledged before ``handle`` is called: its answer is not used.
        """
        raise NotImplementedError

    def on_view(self, prefix: str, handle: InteractionHandler) -> None:
        """A modal was submitted whose ``callback_id`` begins so; the answer goes back with it."""
        raise NotImplementedError

    def on_view_closed(self, prefix: str, handle: InteractionHandler) -> None:
        """A modal was closed."""
        raise NotImplementedError

    def on_shortcut(self, callback_id: str, handle: InteractionHandler) -> None:
        """A shortcut was chosen, of a message or a global one."""
        raise NotImplementedError

    def on_command(self, name: str, handle: InteractionHandler) -> None:
        """A slash command (``/name``); the answer is what the user alone sees."""
        raise NotImplementedError

    def on_options(self, prefix: str, handle: InteractionHandler) -> None:
        """An external menu whose ``action_id`` begins so asks for options."""
        raise NotImplementedError

    @asynccontextmanager
    async def running(self, store: Store) -> AsyncIterator[None]:
        """Hold the connection until left; entered by several parts it is one."""
        raise NotImplementedError
        yield

    async def call(self, method: str, /, **arguments: Any) -> Mapping[str, Any]:
        """Call a method of the Web API (``chat.postMessage``); its answer. ``None`` is left out.

        Raises Retry (later: rate limit, outage, not open), :class:`SlackRefused` (never), or, for
        methods that must not be repeated blindly (posting, opening modals), UnknownOutcome.
        """
        raise NotImplementedError

    async def me(self) -> Me:
        """Who the bot is. Asked once. Raises as :meth:`call`."""
        raise NotImplementedError

    def download(self, file: Mapping[str, Any], *, limit: int) -> AsyncIterator[bytes]:
        """Stream a file object's content, at most ``limit`` bytes.

        The token goes to Slack's file host only. Raises Retry, or Refused with ``file_too_big``,
        ``file_gone`` or ``fetch_failed``.
        """
        raise NotImplementedError

    async def upload(
        self, channel: str, thread_ts: str, files: Sequence[Upload], *, text: str = ""
    ) -> list[str]:
        """Share files in a channel or thread (``""``: none) with words; their ids (``F...``).

        Raises as :meth:`call`; UnknownOutcome only from the last step, which shares them.
        """
        raise NotImplementedError

    def routes(self) -> Sequence[Route]:
        """The routes of mode http; none in mode socket."""
        raise NotImplementedError

    async def health(self) -> Health:
        """Red without a working connection, or when an operator must mend something."""
        raise NotImplementedError
