"""The Dialogue port: Rasa, started by us or running elsewhere."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence

import aiohttp

from bot.messages import Answer, Turn
from bot.ports import Problem, Route, Unavailable
from host.ports import Health, Services
from plugins.rasa.action_server import PATH, build_routes
from plugins.rasa.client import RasaClient
from plugins.rasa.settings import RasaSettings
from plugins.rasa.sidecar import Endpoint, Sidecar
from plugins.rasa.training import PARTS, Project, carried_slots, installer

log = logging.getLogger(__name__)


class RasaPlugin:
    """What the plugin registers: the token that both sides share, and the dialogue.

    ``progress`` may be replaced before the bot runs: it is told what a long start is doing.
    """

    def __init__(self, settings: RasaSettings) -> None:
        self._settings = settings
        given = settings.actions_token
        self._actions_token = given.get_secret_value() if given else secrets.token_urlsafe(32)
        self.progress: Callable[[str], None] = log.info
        self._dialogue: RasaDialogue | None = None

    def dialogue(self, services: Services) -> RasaDialogue:
        """Build the dialogue."""
        self._dialogue = RasaDialogue(
            self._settings, services, self._actions_token, lambda text: self.progress(text)
        )
        return self._dialogue

    def routes(self, services: Services) -> Sequence[Route]:
        """Build the routes that Rasa calls back."""
        return build_routes(services, self._actions_token)

    def check(self) -> Sequence[Problem]:
        """What ``bot check`` says of the project: it has to be there, and uv to install it."""
        if self._settings.url is not None:
            return ()
        where, project = "[plugins.rasa] project", self._settings.project.resolve()
        missing = [name for name in PARTS if not (project / name).exists()]
        if missing:
            what = f"{project} lacks {', '.join(missing)}"
            return (Problem(where, what, "name the folder of the Rasa project, or leave it out"),)
        if (project / ".venv").exists():
            return ()
        try:
            installer()
        except Unavailable as error:
            return (Problem("rasa", str(error)),)
        return ()

    @property
    def is_built(self) -> bool:
        """Whether a bot was built with it: then its Rasa has the tracker open, or will have."""
        return self._dialogue is not None

    def endpoint(self) -> Endpoint:
        """Where Rasa answers now. Raises Unavailable."""
        if self._dialogue is not None:
            return self._dialogue.endpoint()
        return _elsewhere(self._settings)

    async def health(self) -> Health:
        """Whether Rasa can be asked."""
        if self._dialogue is None:
            return Health("rasa", False, "not started")
        return self._dialogue.health()


class RasaDialogue:
    """Asks Rasa. As an async context manager it starts and stops the sidecar, without waiting."""

    def __init__(
        self,
        settings: RasaSettings,
        services: Services,
        actions_token: str,
        say: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._services = services
        self._actions_token = actions_token
        self._say = say
        self._session: aiohttp.ClientSession | None = None
        self._client: RasaClient | None = None
        self._sidecar: Sidecar | None = None
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> RasaDialogue:
        # No limit of our own: the core's ask_timeout is the one that counts.
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        carried = carried_slots(self._services.dialogue_data)
        self._client = RasaClient(self._session, carried)
        if self._settings.url is None:
            self._sidecar = self._make_sidecar(self._session)
            self._running = asyncio.create_task(self._sidecar.run(), name="rasa sidecar")
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def _make_sidecar(self, session: aiohttp.ClientSession) -> Sidecar:
        return Sidecar(
            project=Project.of(self._settings, self._services.dialogue_data),
            session=session,
            actions_url=f"{self._services.base_url}{PATH}",
            actions_token=self._actions_token,
            data=self._services.data,
            say=self._say,
        )

    async def ready(self) -> None:
        """Return when Rasa can be asked. Raises Unavailable when it cannot start."""
        if self._sidecar is not None:
            await self._sidecar.ready()

    async def ask(self, turn: Turn) -> Answer:
        """Ask one turn. Raises Unavailable."""
        if self._client is None:
            raise Unavailable("rasa is not open")
        endpoint = self.endpoint()
        return await self._client.ask(turn, endpoint.url, endpoint.token)

    def endpoint(self) -> Endpoint:
        """Where Rasa answers now. Raises Unavailable."""
        if self._sidecar is not None:
            return self._sidecar.endpoint()
        return _elsewhere(self._settings)

    def health(self) -> Health:
        """Whether Rasa can be asked now."""
        try:
            self.endpoint()
        except Unavailable as error:
            return Health("rasa", False, str(error))
        return Health("rasa", True)


def _elsewhere(settings: RasaSettings) -> Endpoint:
    if settings.url is None:
        raise Unavailable("rasa is not open")
    token = settings.token
    return Endpoint(settings.url, token.get_secret_value() if token else "")
