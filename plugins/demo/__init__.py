"""`bot demo`: everything at once, without an account and without settings."""

from __future__ import annotations

from host.hooks import hookimpl
from host.ports import Registrar
from plugins.demo.commands import demo


@hookimpl
def bot_register(bot: Registrar) -> None:
    """Add the command."""
    bot.add_command(demo)
