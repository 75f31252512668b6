"""Slack: one app for agents and for customers."""

from __future__ import annotations

from importlib.resources import files

from host.hooks import hookimpl
from host.ports import Registrar
from plugins.slack.app import SlackApp
from plugins.slack.desk import add_desk
from plugins.slack.settings import SlackSettings


@hookimpl
def bot_register(bot: Registrar) -> None:
    """Add the desk, when there is a table `[plugins.slack.desk]`."""
    if not bot.configured:
        return
    settings = bot.settings(SlackSettings)
    app = SlackApp(settings)
    bot.add_migrations(files(__name__) / "migrations")
    bot.add_health(app.health)
    bot.add_routes(lambda _services: app.routes())
    add_desk(bot, app, settings)
