"""Runs Rasa as a child process: starts it, waits for it, watches it, starts it again.

It ends with its parent however that goes: it follows our end of its standard input.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bot.pacing import backoff
from bot.ports import Unavailable
from plugins.rasa import training
from plugins.rasa.training import Project

log = logging.getLogger(__name__)

_START_TIMEOUT = 120.0  # seconds; importing Rasa takes most of a start
_WATCH_EVERY = 10.0  # seconds
_STARTS = 3  # in vain, and it never ran: then somebody has to mend it
_DEAF_LIMIT = 3  # health checks in a row without an answer, then it is started anew
_STOP_TIMEOUT = 5.0  # seconds


@dataclass(frozen=True)
class Endpoint:
    """Where Rasa answers now."""

    url: str
    token: str


class Sidecar:
    """One Rasa process. ``say`` is told what a long start is doing."""

    def __init__(
        self,
        *,
        project: Project,
        session: aiohttp.ClientSession,
        actions_url: str,
        actions_token: str,
        data: Path,
        say: Callable[[str], None],
    ) -> None:
        self._project = project
        self._session = session
        self._actions_url = actions_url
        self._actions_token = actions_token
        self._data = data
        self._say = say
        self._token = secrets.token_urlsafe(32)
        self._endpoint: Endpoint | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def pid(self) -> int | None:
        """The process id of Rasa, while it runs."""
        return self._process.pid if self._process else None

    def endpoint(self) -> Endpoint:
        """Where to ask. Raises Unavailable while Rasa is not there."""
        if self._endpoint is None:
            raise Unavailable("rasa is starting")
        return self._endpoint

    async def ready(self) -> None:
        """Return at the first start's end. Raises Unavailable when it cannot start."""
        await asyncio.shield(self._ready)

    async def run(self) -> None:
        """Prepare, then keep Rasa running until cancelled."""
        try:
            model = await self._prepare()
            failures = 0
            while True:
                lived = await self._live(model)
                failures = 1 if lived else failures + 1
                self._still_worth_it(failures)
                wait = backoff(failures, base=0.5, cap=30.0)
                log.error("rasa ended", extra={"again_in": round(wait.total_seconds(), 1)})
                await asyncio.sleep(wait.total_seconds())
        except Unavailable as error:
            log.error("rasa cannot run: %s", error)  # noqa: TRY400 - the text says it all
            self._give_up(error)
        except Exception as error:  # an edge: whoever waits for Rasa must hear of it
            log.exception("rasa cannot run")
            self._give_up(Unavailable(f"rasa cannot run: {type(error).__name__}, see the log"))
        finally:
            self._project.stop.set()
            await self._stop()

    def _still_worth_it(self, failures: int) -> None:
        if failures >= _STARTS and not self._ready.done():
            raise Unavailable(f"rasa does not start — {self._data}/rasa.log says why")

    def _give_up(self, error: Unavailable) -> None:
        if not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # somebody may never ask

    async def _prepare(self) -> Path:
        await asyncio.to_thread(training.prepare_environment, self._project, self._say)
        return await asyncio.to_thread(training.train, self._project, self._say)

    async def _live(self, model: Path) -> bool:
        """Run one process until it ends or goes deaf; True when it had answered."""
        try:
            await self._start(model)
        except (TimeoutError, Unavailable, OSError):
            log.exception("rasa did not start")
            await self._stop()
            return False
        if not self._ready.done():
            self._ready.set_result(None)
        await self._watch()
        await self._stop()
        return True

    async def _start(self, model: Path) -> None:
        self._say("Starting Rasa (some seconds, most of it its own import) ...")
        log_file = (self._data / "rasa.log").open("ab")
        try:
            self._process = await asyncio.create_subprocess_exec(
                str(self._project.python),
                str(self._project.folder / "serve.py"),
                "--model",
                str(model),
                "--follow-stdin",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log_file,
                env=self._environment(),
                # Ctrl-C is ours: Rasa must answer until the last turn has ended.
                start_new_session=True,
            )
        finally:
            log_file.close()
        async with asyncio.timeout(_START_TIMEOUT):
            port = await self._port(self._process)
        self._endpoint = Endpoint(f"http://127.0.0.1:{port}", self._token)
        log.info("rasa runs", extra={"pid": self._process.pid, "port": port})

    def _environment(self) -> dict[str, str]:
        return {
            **training.own_environment(),
            "SCHALTER_TOKEN": self._token,
            "SCHALTER_ACTIONS_URL": self._actions_url,
            "SCHALTER_ACTIONS_TOKEN": self._actions_token,
            "SCHALTER_TRACKER_DB": str(self._data / "rasa.db"),
        }

    async def _port(self, process: asyncio.subprocess.Process) -> int:
        assert process.stdout is not None  # noqa: S101 - a pipe, as asked for
        async for line in process.stdout:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                return int(json.loads(line)["port"])
        raise Unavailable(f"rasa ended while starting — its log says why: {self._data}/rasa.log")

    async def _watch(self) -> None:
        """Return when the process has ended, or answers no more."""
        assert self._process is not None  # noqa: S101 - started before
        ended = asyncio.ensure_future(self._process.wait())
        deaf = 0
        try:
            while deaf < _DEAF_LIMIT:
                done, _ = await asyncio.wait([ended], timeout=_WATCH_EVERY)
                if done:
                    return
                deaf = 0 if await self._answers() else deaf + 1
        finally:
            self._endpoint = None
            ended.cancel()
            await asyncio.gather(ended, return_exceptions=True)

    async def _answers(self) -> bool:
        endpoint = self.endpoint()
        headers = {"Authorization": f"Bearer {endpoint.token}"}
        timeout = aiohttp.ClientTimeout(total=_WATCH_EVERY)
        try:
            url = f"{endpoint.url}/webhooks/schalter/"
            async with self._session.get(url, headers=headers, timeout=timeout) as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def _stop(self) -> None:
        process, self._process, self._endpoint = self._process, None, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()  # Rasa follows it
        try:
            async with asyncio.timeout(_STOP_TIMEOUT):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
