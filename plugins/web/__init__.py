"""The web: a chat page for customers, and a desk for agents."""

from __future__ import annotations

from importlib.resources import files

from bot.ports import Route
from host.hooks import hookimpl
from host.ports import Registrar, Services
from plugins.web.api import DeskDoor, MailDoor
from plugins.web.channel import WebChannel
from plugins.web.desk import WebDesk
from plugins.web.desk_token import DeskToken
from plugins.web.pages import page_routes
from plugins.web.personal import KEEPER
from plugins.web.settings import WebSettings


@hookimpl
def bot_register(bot: Registrar) -> None:
    """Serve the chat page and the desk."""
    bot.add_data(KEEPER)
    settings = bot.settings(WebSettings)
    configured = settings.desk_token.get_secret_value() if settings.desk_token else None
    desk = WebDesk(settings, DeskToken(bot.data, configured), bot.public_url)

    def routes(services: Services) -> list[Route]:
        try:
            mail = services.get(MailDoor)
        except LookupError:
            mail = None
        return [*desk.routes(services), *page_routes(settings, desk, services.texts, mail)]

    bot.add_migrations(files(__name__) / "migrations")
    bot.add_channel(WebChannel(settings, bot.public_url))
    bot.add_desk(desk)
    bot.add_routes(routes)
    bot.provide(DeskDoor, desk)
