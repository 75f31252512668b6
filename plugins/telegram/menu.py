"""The menu of commands that Telegram shows beside the text field."""

from __future__ import annotations

import asyncio
import logging

from aiogram import Bot
from aiogram.exceptions import AiogramError
from aiogram.methods import SetMyCommands
from aiogram.types import BotCommand

from bot.ports import Inbox

log = logging.getLogger(__name__)

_COMMANDS = ("start", "human", "help")
_LANGUAGES = {None: "en", "de": "de"}  # Telegram's language, ours; None: all other customers
_ATTEMPTS = 5


async def show_menu(bot: Bot, inbox: Inbox) -> None:
    """Set the menu, in each language. It is only a courtesy: after a while it is given up."""
    for attempt in range(_ATTEMPTS):
        try:
            for theirs, ours in _LANGUAGES.items():
                await bot(SetMyCommands(commands=_menu(inbox, ours), language_code=theirs))
        except AiogramError as error:
            log.info("menu not set", extra={"why": type(error).__name__})
            await asyncio.sleep(5.0 * 2**attempt)
        else:
            return


def _menu(inbox: Inbox, language: str) -> list[BotCommand]:
    return [
        BotCommand(
            command=name,
            description=inbox.texts.render(f"telegram_command_{name}", {}, language=language).text,
        )
        for name in _COMMANDS
    ]
