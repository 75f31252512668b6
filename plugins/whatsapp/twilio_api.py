"""Twilio's API through its SDK, over one aiohttp session; and what its failures mean for a send.

The SDK's own HTTP client drops `Retry-After` and does not tell a request that never left from one
that was cut off, so this is one of ours behind the SDK's interface.
"""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from bot.ports import Reject, Retry, UnknownOutcome
from plugins.whatsapp.reasons import PASSING, REASONS, reason_of
from plugins.whatsapp.settings import WhatsAppSettings

API_ERRORS = (TwilioRestException, TwilioServiceException)
"""What the SDK raises for an answer that is an error, in the older and in the newer format."""
_LONGEST_PAUSE = 3600.0  # seconds; a vendor's Retry-After is not believed beyond this
_UNSURE = frozenset({408, 500, 502, 504})
_UNAUTHORISED = frozenset({401, 403})


class SessionClient(AsyncHttpClient):  # type: ignore[misc]  # the SDK is not typed
    """The SDK's HTTP client over our session. Raises Retry for 429 and for what never left."""

    def __init__(self, session: aiohttp.ClientSession, seconds: float) -> None:
        super().__init__(logger=None, is_async=True, timeout=seconds)
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=seconds, connect=min(seconds, 10.0))

    def log_request(self, kwargs: Mapping[str, Any]) -> None:
        """Nothing: a request holds a customer's number and words."""

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Make a request. Raises Retry, UnknownOutcome."""
        del timeout
        as_json = (headers or {}).get("Content-Type") == "application/json"
        try:
            async with self._session.request(
                method,
                url,
                params=params,
                data=None if as_json else data,
                json=data if as_json else None,
                headers={**(headers or {}), **(authorised(*auth) if auth else {})},
                allow_redirects=allow_redirects,
                timeout=self._timeout,
            ) as response:
                text = await response.text(errors="replace")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Retry(None, "vendor_unreachable") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise UnknownOutcome from error
        if response.status == 429:
            raise Retry(pause_of(response.headers.get("Retry-After")), "whatsapp_rate")
        return Response(response.status, text, response.headers)


def authorised(user: str, password: str) -> dict[str, str]:
    """The header for the account's credentials; aiohttp drops it when another host is asked."""
    return {"Authorization": aiohttp.encode_basic_auth(user, password)}


def pause_of(told: str | None) -> float:
    """Seconds to wait for a `Retry-After`: seconds or a date; without one, or a strange one, 1."""
    try:
        seconds = float(told or "1")
    except ValueError:
        seconds = _seconds_until(told or "")
    return min(max(seconds, 0.1), _LONGEST_PAUSE) if not math.isnan(seconds) else 1.0


def _seconds_until(date: str) -> float:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return 1.0
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


@asynccontextmanager
async def opened(settings: WhatsAppSettings) -> AsyncIterator[tuple[Client, aiohttp.ClientSession]]:
    """The SDK's client and the session under it, until closed."""
    async with aiohttp.ClientSession() as session:
        client = Client(
            settings.account_sid,
            settings.auth_token.get_secret_value(),
            http_client=SessionClient(session, settings.timeout),
        )
        client.api.base_url = settings.api_url
        client.content.base_url = settings.content_url
        yield client, session


def failure(error: TwilioRestException | TwilioServiceException) -> Retry | Reject | UnknownOutcome:
    """What an error of the API means for the message that was to be sent."""
    if error.status in _UNAUTHORISED:
        return Retry(60.0, "whatsapp_credentials")  # an operator can mend it
    if error.code in PASSING or error.status == 503:
        return Retry(None, REASONS.get(error.code, "vendor_unreachable"))
    if error.status in _UNSURE or error.status >= 500:
        return UnknownOutcome(error.status)
    return Reject(reason_of(error.code))


def variables_json(variables: Mapping[str, str]) -> str:
    """`ContentVariables`."""
    return json.dumps(variables, ensure_ascii=False)
