"""The terminal as a channel, and `bot chat`."""

from __future__ import annotations

from host.hooks import hookimpl
from host.ports import Registrar
from plugins.console.commands import chat


@hookimpl
def bot_register(bot: Registrar) -> None:
    """Add the command; it opens the channel itself, beside no other."""
    bot.add_command(chat)
