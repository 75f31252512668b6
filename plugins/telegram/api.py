"""The Bot API through aiogram, and what its failures mean for a send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    AiogramError,
    ClientDecodeError,
    RestartingTelegram,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import TelegramMethod
from aiogram.types import Message

from bot.ports import Reject, Retry, UnknownOutcome
from plugins.telegram.pace import RATE
from plugins.telegram.settings import TelegramSettings

UPDATES = ["message", "edited_message", "callback_query"]
"""The kinds of update that the bot asks for."""
CREDENTIALS = (TelegramUnauthorizedError, TelegramNotFound)  # 404: no bot has such a token
UNREACHABLE = "vendor_unreachable"
_NEVER_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_LONGEST_PAUSE = 3600.0
_REASONS = (
    ("blocked by the user", "telegram_blocked"),
    ("user is deactivated", "telegram_gone"),
    ("chat not found", "telegram_gone"),
    ("peer_id_invalid", "telegram_gone"),
    ("can't initiate conversation", "telegram_not_started"),
    ("bot was kicked", "telegram_group"),
    ("not a member", "telegram_group"),
    ("not enough rights", "telegram_group"),
    ("have no rights", "telegram_group"),
    ("chat_write_forbidden", "telegram_group"),
    ("upgraded to a supergroup", "telegram_group"),
    ("message is too long", "telegram_too_long"),
    ("file is too big", "file_too_big"),
    ("wrong file", "telegram_file"),
    ("photo_", "telegram_file"),
    ("image_process", "telegram_file"),
)


class GetRawUpdates(TelegramMethod[list[dict[str, Any]]]):
    """``getUpdates`` without a look at the updates: one that is odd must not stop the others."""

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"

    offset: int | None = None
    timeout: int | None = None
    allowed_updates: list[str] | None = None

    if TYPE_CHECKING:

        def __init__(
            self, *, offset: int | None, timeout: int, allowed_updates: list[str]
        ) -> None: ...


@asynccontextmanager
async def opened(settings: TelegramSettings) -> AsyncIterator[Bot]:
    """The bot at Telegram, until closed."""
    server = TelegramAPIServer.from_base(settings.api_url)
    session = AiohttpSession(api=server, timeout=settings.timeout)
    bot = Bot(settings.token.get_secret_value(), session=session)
    try:
        yield bot
    finally:
        await session.close()


async def message_id(bot: Bot, method: TelegramMethod[Message], seconds: int | None = None) -> int:
    """Send within so many seconds, and return the message's number. Raises AiogramError.

    One that was sent and that aiogram cannot read (a new kind of field) was sent all the same.
    """
    try:
        return (await bot(method, request_timeout=seconds)).message_id
    except ClientDecodeError as error:
        match error.data:
            case {"ok": True, "result": {"message_id": int(number)}}:
                return number
        raise


def failure(error: AiogramError) -> Retry | Reject | UnknownOutcome:
    """What an error means for the message that was to be sent."""
    match error:
        case TelegramRetryAfter():
            return Retry(min(float(error.retry_after), _LONGEST_PAUSE), RATE)
        case TelegramEntityTooLarge():  # aiogram counts it among the network's errors
            return Reject("file_too_big")
        case TelegramNetworkError():
            never_left = isinstance(error.__cause__, _NEVER_LEFT)
            return Retry(None, UNREACHABLE) if never_left else UnknownOutcome()
        case TelegramUnauthorizedError() | TelegramNotFound():
            return Retry(60.0, "telegram_credentials")  # an operator can mend it
        case RestartingTelegram():
            return Retry(None, UNREACHABLE)
        case TelegramServerError():
            # A gateway does not know what became of the request behind it.
            gateway = "gateway" in error.message.lower() or "timeout" in error.message.lower()
            return UnknownOutcome() if gateway else Retry(None, UNREACHABLE)
        case ClientDecodeError():
            return UnknownOutcome()
        case TelegramBadRequest() | TelegramForbiddenError() | TelegramMigrateToChat():
            return Reject(reason_of(error.message))
    return Retry(None, "telegram_refused")


def reason_of(description: str) -> str:
    """The reason for what Telegram says; a general one for what is not listed."""
    said = description.lower()
    return next((reason for words, reason in _REASONS if words in said), "telegram_refused")
