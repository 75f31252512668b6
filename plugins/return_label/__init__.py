"""Registers a return and hands out its label."""

from __future__ import annotations

from host.hooks import hookimpl
from host.ports import Registrar, Services
from plugins.return_label.action import ReturnLabel
from plugins.shop.api import Carrier, Shop


@hookimpl
def bot_register(bot: Registrar) -> None:
    """Add the action `return_label`."""

    def build(services: Services) -> ReturnLabel:
        return ReturnLabel(services.get(Shop), services.get(Carrier), services.files)

    bot.add_action(build)
