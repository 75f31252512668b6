"""Telegram, by long polling or webhook."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from socket import gethostname

from bot.ports import Problem
from host.hooks import hookimpl
from host.ports import Registrar
from plugins.telegram.channel import TelegramChannel
from plugins.telegram.commands import telegram_commands
from plugins.telegram.offline import offline_problems
from plugins.telegram.personal import Keeper
from plugins.telegram.settings import TelegramSettings


@hookimpl
def bot_register(bot: Registrar) -> None:
    """Add the channel, when there is a table `[plugins.telegram]`."""
    bot.add_data(Keeper())  # also of what an earlier set-up left
    if not bot.configured:
        return
    settings = bot.settings(TelegramSettings)
    # One process at a time has the folder, so a name made of it is nobody else's.
    holder = f"{gethostname()}:{bot.data.absolute()}"
    channel = TelegramChannel(settings, bot.public_url, holder)

    async def online() -> Sequence[Problem]:
        from plugins.telegram.online import online_problems  # imports aiogram

        return await online_problems(settings, bot.public_url)

    bot.add_migrations(files(__name__) / "migrations")
    bot.add_channel(channel)
    bot.add_health(channel.health)
    bot.add_check(lambda: list(offline_problems(settings, bot.public_url)))
    bot.add_online_check(online)
    bot.add_command(telegram_commands(settings))
