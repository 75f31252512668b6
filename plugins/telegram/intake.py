"""One road for updates, however they come: read, accept, and answer what was pressed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramBadRequest
from aiogram.methods import AnswerCallbackQuery

from bot.messages import Inbound, Kind
from bot.ports import Inbox, Tx
from plugins.telegram import ledger
from plugins.telegram.names import Malformed, Me
from plugins.telegram.settings import Start
from plugins.telegram.wire import Parsed, join_albums, parse

log = logging.getLogger(__name__)

_ATTEMPTS = 3
_PAUSE = 1.0  # seconds between them
_CLOSES_WITHIN = 2.0


class Intake:
    """Takes updates for the inbox. ``close`` it: queries are answered beside."""

    def __init__(self, bot: Bot, inbox: Inbox, starts: Mapping[str, Start]) -> None:
        self._bot = bot
        self._inbox = inbox
        self._starts = starts
        self._answering: set[asyncio.Task[None]] = set()

    async def take(
        self, raws: Sequence[Mapping[str, Any]], me: Me, cursor: Callable[[Tx], None] | None = None
    ) -> None:
        """Accept updates in one transaction with ``cursor``. Raises Malformed for a single one.

        Among several, one that is malformed is left out: it would come again and again.
        """
        parsed = [await self._resolved(one) for one in join_albums(self._parsed(raws, me))]
        messages = [one.message for one in parsed if one.message is not None]
        if messages or cursor is not None:
            await self._inbox.accept(*messages, cursor=cursor)
        for one in parsed:
            if one.query is not None:
                self._answer(one.query)

    async def close(self) -> None:
        """End what is still being answered, after a moment: nobody does it later."""
        if self._answering:
            await asyncio.wait(set(self._answering), timeout=_CLOSES_WITHIN)
        for task in set(self._answering):
            task.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)

    def _parsed(self, raws: Sequence[Mapping[str, Any]], me: Me) -> list[Parsed]:
        found = []
        for raw in raws:
            try:
                found.append(parse(raw, me, self._starts))
            except Malformed as error:
                log.warning("malformed update", extra={"why": str(error)})
                if len(raws) == 1:
                    raise
        return found

    async def _resolved(self, parsed: Parsed) -> Parsed:
        """With what the button means; one that we do not know is nothing that can be read."""
        message, pressed = parsed.message, parsed.pressed
        if message is None or pressed is None:
            return parsed
        address = message.address.id
        button = await self._inbox.store.read(
            lambda tx: ledger.button(tx, address, pressed.key, pressed.place)
        )
        if button is None:
            return replace(parsed, message=_unknown(message))
        said = replace(message, text=button.title, payload=button.payload)
        return replace(parsed, message=said)

    def _answer(self, query: str) -> None:
        task = asyncio.create_task(self._answered(query))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answered(self, query: str) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                await self._bot(AnswerCallbackQuery(callback_query_id=query))
            except AiogramError as error:
                log.info("query not answered", extra={"why": type(error).__name__})
                if isinstance(error, TelegramBadRequest):
                    return  # too old, or answered before; the button rests by itself
            else:
                return
            if attempt < _ATTEMPTS:
                await asyncio.sleep(_PAUSE)


def _unknown(message: Inbound) -> Inbound:
    kind = Kind.BUTTON if message.text else Kind.UNKNOWN
    return replace(message, kind=kind)
