"""`bot dead`: what was given up on, and what becomes of it."""

from __future__ import annotations

from host.hooks import hookimpl
from host.ports import Registrar
from plugins.dead_letters.commands import dead
from plugins.dead_letters.routes import dead_routes


@hookimpl
def bot_register(bot: Registrar) -> None:
    """Add the command, and the routes it uses while a bot runs."""
    bot.add_command(dead)
    bot.add_routes(dead_routes)
