"""What `bot check --online` finds out about the bot at Telegram."""

from __future__ import annotations

from collections.abc import Sequence

from aiogram import Bot
from aiogram.exceptions import AiogramError
from aiogram.methods import GetWebhookInfo

from bot.ports import Problem
from plugins.telegram.api import CREDENTIALS, opened
from plugins.telegram.names import PATH
from plugins.telegram.offline import WHERE
from plugins.telegram.settings import TelegramSettings


async def online_problems(settings: TelegramSettings, public_url: str) -> Sequence[Problem]:
    """Try the token and look at the webhook; changes nothing."""
    async with opened(settings) as bot:
        try:
            return await _problems(bot, settings, public_url)
        except CREDENTIALS:
            what = "Telegram refuses the token"
            return [Problem(WHERE, what, "check SCHALTER_TELEGRAM_TOKEN, or ask @BotFather")]
        except AiogramError as error:
            what = f"{settings.api_url} cannot be reached ({type(error).__name__})"
            return [Problem(WHERE, what, "look at the network")]


async def _problems(bot: Bot, settings: TelegramSettings, public_url: str) -> list[Problem]:
    await bot.get_me()
    info = await bot(GetWebhookInfo())
    ours = f"{public_url}{PATH}" if public_url else None
    if settings.mode == "polling" and info.url and info.url != ours:
        what = "a webhook of another program is set for this token; polling is not possible"
        return [Problem(WHERE, what, "stop that program, then run `bot telegram unhook`")]
    if settings.mode == "webhook" and info.url and info.url != ours:
        what = "a webhook of another program is set for this token; the bot will set its own"
        return [Problem(WHERE, what, "stop that program, or it loses its messages", fatal=False)]
    if settings.mode == "webhook" and info.last_error_message and info.url == ours:
        what = f"Telegram's last call failed: {info.last_error_message}"
        return [Problem(WHERE, what, "look at [bot] public_url and its proxy", fatal=False)]
    return []
