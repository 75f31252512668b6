"""The demo's mailbox: the mails that the bot would have sent, on a page of this machine."""

from __future__ import annotations

from importlib.resources import files

from bot.ports import ReachesEmail
from host.hooks import hookimpl
from host.ports import Registrar
from plugins.mailbox.api import Mailbox
from plugins.mailbox.channel import MailboxChannel
from plugins.mailbox.personal import KEEPER
from plugins.mailbox.settings import MailboxSettings
from plugins.web.api import MailDoor


@hookimpl
def bot_register(bot: Registrar) -> None:
    """Stand in for a mail server, when there is a table `[plugins.mailbox]`.

    It provides the same port as the plugin that sends mail, so that they are never on together.
    """
    bot.add_data(KEEPER)
    if not bot.configured:
        return
    mailbox = MailboxChannel(bot.settings(MailboxSettings))
    bot.add_migrations(files(__name__) / "migrations")
    bot.add_channel(mailbox)
    bot.provide(ReachesEmail, mailbox)
    bot.provide(Mailbox, mailbox)
    bot.provide(MailDoor, mailbox)
