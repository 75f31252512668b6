"""What people do with buttons, menus, modals, shortcuts and slash commands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Raw = Mapping[str, Any]


class InteractionKind(StrEnum):
    """What was done."""

    ACTION = "action"  # a button or menu of a message, a modal or the home tab
    VIEW = "view"  # a modal was submitted
    CLOSED = "closed"  # a modal was closed (if its ``notify_on_close`` is set)
    SHORTCUT = "shortcut"  # a shortcut of a message, or a global one
    COMMAND = "command"  # a slash command


@dataclass(frozen=True, slots=True)
class Interaction:
    """One thing that somebody did.

    ``id`` is the same when Slack repeats itself: make a command's id of it. ``trigger_id`` opens a
    modal within three seconds. ``replayed`` says that the bot was ended after it was taken and
    before it was handled: then nothing can be opened, and no immediate answer arrives.
    """

    id: str
    kind: InteractionKind
    name: str  # action_id, callback_id, or the command with its slash
    user: str
    trigger_id: str = ""
    channel: str = ""
    message_ts: str = ""  # of the message with the button, or of the shortcut's message
    thread_ts: str = ""  # the root of the thread that this message is in; "" for a root itself
    value: str = ""  # of a button; the chosen value, user or day of a menu; a menu's search text
    text: str = ""  # what stands after a slash command
    response_url: str = ""
    view: Raw = field(default_factory=dict)  # of a modal: state, private_metadata, callback_id
    message: Raw = field(default_factory=dict)  # the message with the button, or the shortcut's
    raw: Raw = field(default_factory=dict)  # Slack's payload
    replayed: bool = False


Answer = Mapping[str, Any] | None
"""The immediate answer: ``{"response_action": "errors", ...}`` for a view, ``{"text": ...}`` for a
command, ``{"options": [...]}`` for options; ``None`` closes the modal, or says nothing."""

InteractionHandler = Callable[[Interaction], Awaitable[Answer]]
"""Called at once, beside the streams. For a view, a command or options the answer must be there
within two and a half seconds. An exception is logged; a view then stays open with Slack's own
notice, and an action, shortcut, closed view or command that raised Retry is called again (with
``replayed`` set) for a while."""
