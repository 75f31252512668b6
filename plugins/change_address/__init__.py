"""Sends an order to another address while it has not left."""

from __future__ import annotations

from host.hooks import hookimpl
from host.ports import Registrar, Services
from plugins.change_address.action import ChangeAddress
from plugins.shop.api import Shop


@hookimpl
def bot_register(bot: Registrar) -> None:
    """Add the action `change_address`."""

    def build(services: Services) -> ChangeAddress:
        return ChangeAddress(services.get(Shop))

    bot.add_action(build)
