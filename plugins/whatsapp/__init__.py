"""WhatsApp through Twilio."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from bot.ports import Problem
from host.hooks import hookimpl
from host.ports import Registrar
from plugins.whatsapp.channel import WhatsAppChannel
from plugins.whatsapp.offline import offline_problems
from plugins.whatsapp.online import online_problems
from plugins.whatsapp.personal import Keeper
from plugins.whatsapp.settings import WhatsAppSettings


@hookimpl
def bot_register(bot: Registrar) -> None:
    """Add the channel, when there is a table `[plugins.whatsapp]`."""
    bot.add_data(Keeper())  # also of what an earlier set-up left
    if not bot.configured:
        return
    settings = bot.settings(WhatsAppSettings)
    channel = WhatsAppChannel(settings, bot.public_url)

    async def online() -> Sequence[Problem]:
        return await online_problems(settings)

    bot.add_migrations(files(__name__) / "migrations")
    bot.add_channel(channel)
    bot.add_health(channel.health)
    bot.add_check(lambda: list(offline_problems(settings, bot.public_url)))
    bot.add_online_check(online)
