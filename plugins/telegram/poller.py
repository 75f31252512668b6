"""Long polling: one process at a time, and the offset moves with what was committed."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from aiogram import Bot
from aiogram.exceptions import (
    AiogramError,
    TelegramConflictError,
    TelegramRetryAfter,
)
from aiogram.methods import DeleteWebhook, GetWebhookInfo

from bot.ports import Inbox
from plugins.telegram import ledger
from plugins.telegram.api import CREDENTIALS, UPDATES, GetRawUpdates
from plugins.telegram.intake import Intake
from plugins.telegram.line import REFUSED, Line
from plugins.telegram.names import PATH, Malformed, Me, update_id

log = logging.getLogger(__name__)

_ELSEWHERE = (
    "another program polls with the same token: stop it, or give this bot a token of its own"
)
_OTHER_WEBHOOK = (
    "a webhook of another program is set for this token: "
    "stop that program, then run `bot telegram unhook`"
)
_WAITS = "another process of this bot polls"
_LEASE_BEYOND = 20.0  # seconds over a poll that a batch may take to be committed
_LONGEST_PAUSE = 15.0


@dataclass(eq=False, kw_only=True)
class Poller:
    """Asks for updates until it is cancelled; nothing ends it before."""

    bot: Bot
    inbox: Inbox
    intake: Intake
    line: Line
    seconds: int
    public_url: str
    holder: str
    """Who has the lease. With the same name after a kill, nobody waits for the lease's end."""
    _me: Me | None = None
    _pause: float = 0.0

    async def run(self) -> None:
        """Poll forever."""
        try:
            while True:
                await self._once()
                await asyncio.sleep(self._pause)
        finally:
            await self._release()

    async def _once(self) -> None:
        try:
            await self._poll()
        except TelegramConflictError as error:
            self._conflict(error)
        except CREDENTIALS:
            self._failed(REFUSED, lasting=True)
        except TelegramRetryAfter as error:
            self._failed("Telegram asks for a pause")
            self._pause = float(error.retry_after)
        except AiogramError as error:
            self._failed(f"Telegram cannot be reached ({type(error).__name__})")
        except ledger.LeaseLost:
            self._failed(_WAITS)
        except Exception as error:  # an edge: a full disk, for instance; the updates come again
            log.exception("updates not accepted")
            self._failed(f"updates cannot be kept ({type(error).__name__})")

    async def _poll(self) -> None:
        me = await self._identity()
        if not await self._leased(me):
            self.line.heard(_WAITS)
            self._pause = self.seconds / 2
            return
        now = datetime.now(UTC)
        offset = await self.inbox.store.read(lambda tx: ledger.offset(tx, me.id, now))
        raws = await self.bot(
            GetRawUpdates(offset=offset, timeout=self.seconds, allowed_updates=UPDATES),
            request_timeout=self.seconds + 10,
        )
        if raws:
            following = max(update_id(raw) for raw in raws) + 1
            try:
                await self._take(raws, me, following)
            except Malformed:  # alone; the next one is asked for
                await self._take([], me, following)
        self.line.heard()
        self._pause = 0.0

    async def _take(self, raws: list[dict[str, object]], me: Me, following: int) -> None:
        now = datetime.now(UTC)
        await self.intake.take(
            raws, me, lambda tx: ledger.advance(tx, me.id, self.holder, following, now)
        )

    async def _identity(self) -> Me:
        if self._me is None:
            user = await self.bot.get_me()
            info = await self.bot(GetWebhookInfo())
            if self.public_url and info.url == f"{self.public_url}{PATH}":
                await self.bot(DeleteWebhook())  # ours, from when the mode was webhook
            self._me = Me(user.id, user.username or "")
        return self._me

    async def _leased(self, me: Me) -> bool:
        now, seconds = datetime.now(UTC), self.seconds + _LEASE_BEYOND
        return await self.inbox.store.write(
            lambda tx: ledger.claim(tx, me.id, self.holder, now, seconds)
        )

    def _conflict(self, error: TelegramConflictError) -> None:
        webhook = "webhook" in error.message.lower()
        self._failed(_OTHER_WEBHOOK if webhook else _ELSEWHERE, lasting=True)
        self._pause = _LONGEST_PAUSE  # two that poll in turn would only end each other's polls

    def _failed(self, trouble: str, *, lasting: bool = False) -> None:
        self.line.failed(trouble, lasting=lasting)
        self._pause = min(max(2 * self._pause, 0.5), _LONGEST_PAUSE)

    async def _release(self) -> None:
        me = self._me
        if me is not None:
            await self.inbox.store.write(lambda tx: ledger.release(tx, me.id, self.holder))
