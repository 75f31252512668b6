"""`bot telegram`: what an operator needs now and then."""

from __future__ import annotations

import asyncio

import rich_click as click

from host.cli import data_option
from host.errors import Fatal
from plugins.telegram.settings import TelegramSettings


def telegram_commands(settings: TelegramSettings) -> click.Group:
    """The group `telegram` with the command unhook."""

    @click.group(name="telegram")
    def telegram() -> None:
        """Look after the bot at Telegram."""

    @telegram.command(name="unhook")
    @data_option
    def unhook() -> None:
        """Remove the webhook of this bot's token, so that the bot can poll."""
        click.echo(asyncio.run(_unhook(settings)))

    return telegram


async def _unhook(settings: TelegramSettings) -> str:
    # Here: aiogram takes seconds to import.
    from aiogram.exceptions import AiogramError
    from aiogram.methods import DeleteWebhook, GetWebhookInfo

    from plugins.telegram.api import opened

    async with opened(settings) as bot:
        try:
            info = await bot(GetWebhookInfo())
            if not info.url:
                return "No webhook is set."
            await bot(DeleteWebhook())
        except AiogramError as error:
            raise Fatal(f"Telegram: {error}") from error
    return "The webhook is removed. What Telegram still holds comes with the next poll."
