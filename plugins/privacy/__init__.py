"""Data protection: what is kept about a customer, copied out, erased, and dropped by age."""

from __future__ import annotations

from host.hooks import hookimpl
from host.ports import Registrar
from plugins.privacy.action import ErasePersonalData, PrivacyRequest
from plugins.privacy.commands import customer, privacy
from plugins.privacy.counter import DataCounter
from plugins.privacy.routes import privacy_routes
from plugins.privacy.settings import PrivacySettings
from plugins.privacy.work import NIGHTLY, Privacy


@hookimpl
def bot_register(bot: Registrar) -> None:
    """Add commands, the two actions, and what works beside the bot."""
    bot.add_command(customer)
    bot.add_command(privacy)
    made = Privacy(settings=bot.settings(PrivacySettings))
    bot.add_timer(NIGHTLY, made.at_night)
    bot.add_background(made.running)
    bot.add_health(made.health)
    bot.add_routes(lambda services: privacy_routes(services, lambda: DataCounter(made.retention)))
    bot.add_action(PrivacyRequest)
    bot.add_action(lambda services: ErasePersonalData(services, made.build(services).eraser))
