"""Registers a return and hands out its label."""

from __future__ import annotations

from bot.hooks import hookimpl
from bot.ports import Identify, Registrar, Services
from plugins.return_label.action import ReturnLabel
from plugins.shop.api import Carrier, Shop


@hookimpl
def bot_register(bot: Registrar) -> None:
    """Add the action `return_label`."""

    def build(services: Services) -> ReturnLabel:
        return ReturnLabel(
            services.get(Shop), services.get(Carrier), services.get(Identify), services.files
        )

    bot.add_action(build)
