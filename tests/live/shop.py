"""Orders of one's own in the shop of a running bot, so that no test spoils another's."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from plugins.shop.demo import SEED, DemoShop
from plugins.shop.schema import ShopFile


class LiveShop:
    """The demo shop of a data folder; safe beside the running bot."""

    def __init__(self, data: Path) -> None:
        self._shop = DemoShop(data / "shop.db")
        self._numbers = count(300_001)

    async def like(self, number: str) -> str:
        """A new order like a demo order; returns its number."""
        (new,) = await self.many(number, 1)
        return new

    async def many(self, number: str, count: int) -> list[str]:
        """Several new orders like a demo order."""
        made = [f"B-{next(self._numbers)}" for _ in range(count)]
        text = SEED.read_text("utf-8")
        orders = ShopFile.model_validate_json(text, context={"today": self._shop.today()}).orders
        (found,) = (order for order in orders if order.number == number)
        await self._shop.put([found.model_copy(update={"number": new}) for new in made])
        return made
