"""The Web API through Slack's SDK, and what its failures mean for a call."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.ports import Retry, UnknownOutcome
from plugins.slack import errors
from plugins.slack.errors import SlackRefused, cut_off, refusal
from plugins.slack.line import Line
from plugins.slack.pace import Pace
from plugins.slack.settings import SlackSettings

_NEVER_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_LONGEST_PAUSE = 3600.0
_TRANSIENT = 500

# The SDK logs requests with their texts at DEBUG, which it decides by this logger's own level.
_sdk_log = logging.getLogger("slack_sdk.web.schalter")
_sdk_log.setLevel(logging.WARNING)


@asynccontextmanager
async def opened(settings: SlackSettings) -> AsyncIterator[aiohttp.ClientSession]:
    """The session for everything that is asked of Slack, until closed."""
    timeout = aiohttp.ClientTimeout(total=settings.timeout, sock_connect=settings.timeout / 2)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield session


class Api:
    """Calls methods, at the pace that Slack allows."""

    def __init__(
        self, settings: SlackSettings, session: aiohttp.ClientSession, pace: Pace, line: Line
    ) -> None:
        self._pace, self._line, self._session = pace, line, session
        self._app_token = settings.app_token
        self._client = AsyncWebClient(
            token=settings.bot_token.get_secret_value(),
            base_url=settings.api_url,
            session=session,
            retry_handlers=[],  # what may be repeated is decided here, and by the outbox
            logger=_sdk_log,
        )

    async def call(self, method: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call with the bot token; the answer. Raises Retry, SlackRefused or UnknownOutcome."""
        return (await self.answer(method, arguments))[0]

    async def answer(
        self, method: str, arguments: Mapping[str, Any]
    ) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """The same, with the headers of the answer."""
        channel = str(arguments.get("channel") or arguments.get("channel_id") or "")
        await self._pace.turn(method, channel)
        try:
            response = await self._client.api_call(method, data=_form(arguments))
        except SlackApiError as error:
            raise self._noted(method, channel, error) from None
        except (aiohttp.ClientError, TimeoutError, SlackClientError) as error:
            if isinstance(error, _NEVER_LEFT):
                raise Retry(None, errors.UNREACHABLE) from error
            raise cut_off(method) from error
        self._line.worked(method, channel)
        return _body(response), response.headers

    async def respond(self, url: str, answer: Mapping[str, Any]) -> None:
        """Post to the address of an interaction. Raises Retry or SlackRefused."""
        try:
            async with self._session.post(url, json=answer) as response:
                if response.status == 429 or response.status >= _TRANSIENT:
                    raise Retry(None, errors.UNREACHABLE)
                if response.status != 200:  # used up, or too late
                    raise SlackRefused("slack_trigger", f"response_url {response.status}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Retry(None, errors.UNREACHABLE) from error

    async def connection_url(self) -> str:
        """An address for one WebSocket. Raises Retry or SlackRefused."""
        token = self._app_token.get_secret_value() if self._app_token else ""
        try:
            response = await self._client.api_call("apps.connections.open", params={"token": token})
        except SlackApiError as error:
            raise _meaning("apps.connections.open", error) from None
        except (aiohttp.ClientError, TimeoutError, SlackClientError) as error:
            raise Retry(None, errors.UNREACHABLE) from error
        return str(_body(response).get("url", ""))

    def _noted(self, method: str, channel: str, error: SlackApiError) -> Exception:
        failure = _meaning(method, error)
        if isinstance(failure, SlackRefused):
            needed = str(_read(error)[1].get("needed", ""))
            self._line.refused(method, channel, failure, needed)
        elif isinstance(failure, Retry) and failure.reason == errors.RATE:
            self._pace.pause(method, channel, failure.after or 1.0)
        elif isinstance(failure, Retry) and failure.reason == errors.CREDENTIALS:
            self._line.credentials()
        return failure


def _meaning(method: str, error: SlackApiError) -> Retry | SlackRefused | UnknownOutcome:
    status, _, code = _read(error)
    if status == 429 or code in ("ratelimited", "rate_limited"):
        return Retry(_retry_after(error), errors.RATE)
    if status == 503:  # the request was not let in
        return Retry(None, errors.UNREACHABLE)
    if status >= _TRANSIENT or not code:
        return cut_off(method)
    return refusal(method, code)


def _form(arguments: Mapping[str, Any]) -> dict[str, str]:
    """A form: many methods that read do not take JSON. What is nested goes as JSON in a field."""
    made = {}
    for name, value in arguments.items():
        if value is None:
            continue
        if isinstance(value, str):
            made[name] = value
        elif isinstance(value, bool):
            made[name] = "true" if value else "false"
        elif isinstance(value, int | float):
            made[name] = str(value)
        else:
            made[name] = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return made


def _body(response: Any) -> Mapping[str, Any]:
    data = response.data
    return data if isinstance(data, dict) else {}


def _read(error: SlackApiError) -> tuple[int, Mapping[str, Any], str]:
    """Status, body and code of an error; nothing where it was no answer of the API's own."""
    response: Any = error.response
    status = getattr(response, "status_code", getattr(response, "status", 0))
    data = getattr(response, "data", None)
    body = data if isinstance(data, dict) else {}
    return int(status), body, str(body.get("error", ""))


def _retry_after(error: SlackApiError) -> float:
    headers: Any = getattr(error.response, "headers", None) or {}
    given = {str(name).lower(): value for name, value in headers.items()}.get("retry-after", "1")
    try:
        return min(max(float(given), 0.1), _LONGEST_PAUSE)
    except ValueError:
        return 1.0
