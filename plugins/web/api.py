"""What other plugins may use of the web plugin."""

from __future__ import annotations

from typing import Protocol

from plugins.web.assets import Pages, is_local
from plugins.web.events import ALIVE, HEARTBEAT, Listener, Listeners, event, start_events
from plugins.web.serving import Handler, explainer, json_response, route
from plugins.web.wire import Fault

__all__ = [
    "ALIVE",
    "HEARTBEAT",
    "DeskDoor",
    "Fault",
    "Handler",
    "Listener",
    "Listeners",
    "MailDoor",
    "Pages",
    "event",
    "explainer",
    "is_local",
    "json_response",
    "route",
    "start_events",
]


class DeskDoor(Protocol):
    """The port that tells where the desk is (the web plugin provides it)."""

    def url(self, base_url: str) -> str:
        """The desk's address with its token, which is in the fragment: it reaches no server's log.

        Whoever has it can answer customers: show it to the operator only.
        """


class MailDoor(Protocol):
    """The port that tells where the demo's mail is shown (the mailbox plugin provides it)."""

    def url(self, base_url: str) -> str:
        """The page's address. It answers only browsers on this machine."""
