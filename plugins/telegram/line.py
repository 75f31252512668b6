"""Whether the bot hears from Telegram: what `/health` says of it."""

from __future__ import annotations

import asyncio
import logging

from host.ports import Health
from plugins.telegram.names import CHANNEL

log = logging.getLogger(__name__)

REFUSED = "Telegram refuses the token: check SCHALTER_TELEGRAM_TOKEN"


class Line:
    """The line to Telegram. A failure turns it red at once only when it does not pass by itself."""

    def __init__(self, quiet_seconds: float) -> None:
        self._quiet = quiet_seconds
        self._heard_at: float | None = None
        self._trouble = ""
        self._lasting = False
        self._told = False

    def opened(self) -> None:
        """The bot starts: the time of silence begins."""
        self._heard_at = self._now()

    def heard(self, note: str = "") -> None:
        """All is well; ``note`` is shown beside it."""
        self._heard_at, self._trouble, self._lasting = self._now(), note, False

    def failed(self, trouble: str, *, lasting: bool = False) -> None:
        """Something went wrong; ``lasting`` needs an operator."""
        self._trouble, self._lasting = trouble, lasting

    def health(self) -> Health:
        """Red after a silence that is too long, and for what an operator must mend."""
        if self._heard_at is None:
            return Health(CHANNEL, False, "not open")
        silent = self._now() - self._heard_at
        if self._lasting:
            return Health(CHANNEL, False, self._trouble)
        if silent > self._quiet:
            since = f"nothing heard from Telegram for {silent:.0f} s"
            return Health(CHANNEL, False, f"{since}: {self._trouble or 'no answer'}")
        return Health(CHANNEL, True, self._trouble)

    async def watch(self) -> None:
        """Log once when it turns red, and once when it is well again."""
        while True:
            health = self.health()
            if not health.ok and not self._told:
                log.error("telegram: %s", health.detail)
                self._told = True
            elif health.ok and self._told:
                log.warning("telegram: updates come again")
                self._told = False
            await asyncio.sleep(min(1.0, self._quiet / 4))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
