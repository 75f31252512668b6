"""The dialogue: Rasa Open Source as a neighbour process, spoken to over HTTP."""

from __future__ import annotations

from host.hooks import hookimpl
from host.ports import Registrar
from plugins.rasa.commands import nlu_commands
from plugins.rasa.dialogue import RasaPlugin
from plugins.rasa.personal import TrackerKeeper
from plugins.rasa.settings import RasaSettings


@hookimpl
def bot_register(bot: Registrar) -> None:
    """Register the dialogue, what Rasa calls back, its health and its commands."""
    settings = bot.settings(RasaSettings)
    plugin = RasaPlugin(settings)
    bot.add_dialogue(plugin.dialogue)
    bot.add_routes(plugin.routes)
    bot.add_health(plugin.health)
    bot.add_check(plugin.check)
    bot.add_dialogue_data(settings.project)
    bot.add_data(TrackerKeeper(plugin, settings, bot.data))
    bot.add_command(nlu_commands(settings))
