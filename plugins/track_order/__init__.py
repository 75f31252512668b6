"""Where an order is: its state, its parcels, and when they come."""

from __future__ import annotations

from host.hooks import hookimpl
from host.ports import Registrar, Services
from plugins.shop.api import Shop
from plugins.track_order.action import TrackOrder


@hookimpl
def bot_register(bot: Registrar) -> None:
    """Add the action `track_order`."""

    def build(services: Services) -> TrackOrder:
        return TrackOrder(services.get(Shop), services.texts)

    bot.add_action(build)
