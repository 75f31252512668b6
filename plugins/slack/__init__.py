"""Slack: one app for agents and for customers."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from bot.ports import Problem
from host.hooks import hookimpl
from host.ports import Registrar
from plugins.slack.commands import slack_commands
from plugins.slack.offline import offline_problems
from plugins.slack.personal import Keeper
from plugins.slack.settings import SlackSettings


@hookimpl
def bot_register(bot: Registrar) -> None:
    """Add desk and channel, each when it has its table; the manifest can be had before."""
    made: list[SlackSettings] = []
    bot.add_command(slack_commands(made, bot.public_url))  # it comes before there are tokens
    bot.add_data(keeper := Keeper())  # also of what an earlier set-up left
    if not bot.configured:
        return
    settings = bot.settings(SlackSettings)
    made.append(settings)

    from plugins.slack.app import SlackApp  # imports Slack's SDK
    from plugins.slack.channel import SlackChannel
    from plugins.slack.desk import add_desk

    app = keeper.app = SlackApp(settings)

    async def online() -> Sequence[Problem]:
        from plugins.slack.online import online_problems

        return await online_problems(settings)

    bot.add_migrations(resources.files(__name__) / "migrations")
    bot.add_health(app.health)
    bot.add_check(lambda: list(offline_problems(settings, bot.public_url)))
    bot.add_online_check(online)
    if settings.customers is not None:
        bot.add_channel(SlackChannel(app, settings.customers))  # it has the app's routes
    else:
        bot.add_routes(lambda _services: app.routes())
    add_desk(bot, app, settings)
