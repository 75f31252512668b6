"""The shop: the ports that actions ask (api.py), and a demo shop and carrier behind them."""

from __future__ import annotations

from bot.ports import Identify, OrderFacts
from host.hooks import hookimpl
from host.ports import Health, Registrar
from plugins.shop.api import Carrier, Shop, ShopUnavailable
from plugins.shop.carrier_demo import DemoCarrier
from plugins.shop.commands import shop_commands
from plugins.shop.demo import DemoShop
from plugins.shop.settings import ShopSettings


@hookimpl
def bot_register(bot: Registrar) -> None:
    """Provide the demo shop and carrier, what proves an order, and `bot shop`."""
    settings = bot.settings(ShopSettings)
    shop = DemoShop(bot.data / "shop.db", settings)

    async def health() -> Health:
        try:
            await shop.change_by_key("")
        except ShopUnavailable as error:
            return Health("shop", ok=False, detail=str(error))
        return Health("shop", ok=True)

    bot.provide(Shop, shop)
    bot.provide(Carrier, DemoCarrier(shop.database, settings))
    bot.provide(Identify, shop)
    bot.provide(OrderFacts, shop)
    bot.add_health(health)
    bot.add_command(shop_commands(settings))
