"""What a shop or carrier raises. Import them from `plugins.shop.api`."""

from __future__ import annotations

from bot.ports import Unavailable
from plugins.shop.model import Reason


class ShopError(Exception):
    """The base of all errors of the Shop and Carrier ports; never shown to a customer."""


class OrderNotFound(ShopError):
    """There is no order with that number. Never tell a customer so: say what a wrong pair says."""


class NotAllowed(ShopError):
    """The shop's rules forbid the change now; `reason` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class OrderChanged(ShopError):
    """The order has moved on since it was read: `current` is its version now.

    Read it again, then ask the customer again.
    """

    def __init__(self, current: int) -> None:
        super().__init__(f"the order is at version {current} now")
        self.current = current


class KeyReused(ShopError):
    """The key already names another change: a fault of the caller, never of the customer."""


class ShopUnavailable(ShopError, Unavailable):
    """The shop or carrier did not answer.

    The outcome of a change is unknown until it is looked up by its key.
    """
