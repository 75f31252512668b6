"""Mail: several mailboxes, read by IMAP and answered by SMTP."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from bot.ports import Problem, ReachesEmail
from host.hooks import hookimpl
from host.ports import Registrar
from plugins.mail.personal import Keeper
from plugins.mail.settings import MailSettings


@hookimpl
def bot_register(bot: Registrar) -> None:
    """Add the channel, when there is a table `[plugins.mail]`."""
    bot.add_data(Keeper())  # also of what an earlier set-up left
    if not bot.configured:
        return
    settings = bot.settings(MailSettings)

    from plugins.mail.channel import MailChannel  # imports the libraries for IMAP and SMTP
    from plugins.mail.offline import offline_problems

    channel = MailChannel(settings, public_url=bot.public_url)

    async def online() -> Sequence[Problem]:
        from plugins.mail.online import online_problems

        return await online_problems(settings)

    bot.add_migrations(files(__name__) / "migrations")
    bot.add_channel(channel)
    bot.provide(ReachesEmail, channel)
    bot.add_health(channel.health)
    bot.add_check(lambda: list(offline_problems(settings)))
    bot.add_online_check(online)
