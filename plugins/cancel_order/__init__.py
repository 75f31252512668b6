"""Cancels an order while it has not left, and offers a return where it has."""

from __future__ import annotations

from host.hooks import hookimpl
from host.ports import Registrar, Services
from plugins.cancel_order.action import CancelOrder
from plugins.shop.api import Shop


@hookimpl
def bot_register(bot: Registrar) -> None:
    """Add the action `cancel_order`."""

    def build(services: Services) -> CancelOrder:
        return CancelOrder(services.get(Shop))

    bot.add_action(build)
