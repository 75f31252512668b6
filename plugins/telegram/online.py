"""What `bot check` and `bot check --online` find out about the bot at Telegram."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aiogram import Bot
from aiogram.exceptions import AiogramError
from aiogram.methods import GetWebhookInfo

from bot.ports import Problem
from plugins.telegram.api import CREDENTIALS, opened
from plugins.telegram.settings import TelegramSettings
from plugins.telegram.webhook import PATH

_WHERE = "channel telegram"


def offline_problems(settings: TelegramSettings, public_url: str) -> Iterator[Problem]:
    """What cannot work with these settings."""
    if settings.mode == "polling":
        return
    if not public_url:
        what = "Telegram cannot call the bot: its address from outside is not known"
        yield Problem(_WHERE, what, "set [bot] public_url = 'https://...', or mode = 'polling'")
    elif not public_url.startswith("https://"):
        what = "Telegram calls only https addresses"
        yield Problem(_WHERE, what, "set [bot] public_url to one, or mode = 'polling'")


async def online_problems(settings: TelegramSettings, public_url: str) -> Sequence[Problem]:
    """Try the token and look at the webhook; changes nothing."""
    async with opened(settings) as bot:
        try:
            return await _problems(bot, settings, public_url)
        except CREDENTIALS:
            what = "Telegram refuses the token"
            return [Problem(_WHERE, what, "check SCHALTER_TELEGRAM_TOKEN, or ask @BotFather")]
        except AiogramError as error:
            what = f"{settings.api_url} cannot be reached ({type(error).__name__})"
            return [Problem(_WHERE, what, "look at the network")]


async def _problems(bot: Bot, settings: TelegramSettings, public_url: str) -> list[Problem]:
    await bot.get_me()
    info = await bot(GetWebhookInfo())
    ours = f"{public_url}{PATH}" if public_url else None
    if settings.mode == "polling" and info.url and info.url != ours:
        what = "a webhook of another program is set for this token; polling is not possible"
        return [Problem(_WHERE, what, "stop that program, then run `bot telegram unhook`")]
    if settings.mode == "webhook" and info.last_error_message and info.url == ours:
        what = f"Telegram's last call failed: {info.last_error_message}"
        return [Problem(_WHERE, what, "look at [bot] public_url and its proxy", fatal=False)]
    return []
