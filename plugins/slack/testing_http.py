"""Signed calls of the app's own address, in place of Socket Mode.

https://docs.slack.dev/apis/events-api/using-http-request-urls and
https://docs.slack.dev/authentication/verifying-requests-from-slack.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import aiohttp

from plugins.slack.testing_events import ACK_SECONDS, Delivery, NotAcknowledged

_AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"


def signature(secret: str, timestamp: str, body: str) -> str:
    """What stands in ``X-Slack-Signature``."""
    signed = hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256)
    return f"v0={signed.hexdigest()}"


class HttpMode:
    """Calls to the app."""

    def __init__(self, secret: str, url: str, session: aiohttp.ClientSession) -> None:
        self._secret, self.url, self._session = secret, url, session
        self.ack_seconds = ACK_SECONDS
        self.statuses: list[int] = []
        """Statuses that the app gave to our calls."""

    @property
    def away(self) -> bool:
        """Never: whether somebody is there shows in each call."""
        return False

    async def bring(self, delivery: Delivery) -> Any:
        """Call the app once; what it answers."""
        if delivery.kind == "events_api":
            body, form = json.dumps(delivery.payload), False
        elif delivery.kind == "interactive":
            body, form = urlencode({"payload": json.dumps(delivery.payload)}), True
        else:
            body, form = urlencode(delivery.payload), True
        headers = {}
        if delivery.attempt:
            headers["X-Slack-Retry-Num"] = str(delivery.attempt)
            headers["X-Slack-Retry-Reason"] = delivery.reason.replace("timeout", "http_timeout")
        try:
            async with asyncio.timeout(self.ack_seconds):
                status, answer, answered = await self.call(body, form=form, headers=headers)
        except TimeoutError:
            raise NotAcknowledged("timeout") from None
        except aiohttp.ClientError:
            raise NotAcknowledged("connection_failed") from None
        if not 200 <= status < 300:
            final = answered.get("X-Slack-No-Retry") == "1"
            raise NotAcknowledged("no_retry" if final else "http_error")
        try:
            return json.loads(answer) if answer else None
        except ValueError:
            return {"text": answer}  # plain words answer a slash command

    async def call(
        self,
        body: str,
        *,
        form: bool = False,
        timestamp: str = "",
        signed: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, str, dict[str, str]]:
        """Call the app with any body: status, answer and headers of the answer.

        ``timestamp`` may be an old one, ``signed`` a wrong signature. Raises aiohttp.ClientError.
        """
        timestamp = timestamp or str(int(time.time()))
        kind = "application/x-www-form-urlencoded" if form else "application/json"
        made = signature(self._secret, timestamp, body) if signed is None else signed
        sent = {
            "User-Agent": _AGENT,
            "Content-Type": kind,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": made,
            **(headers or {}),
        }
        data = BytesIO(body.encode())
        async with self._session.post(self.url, data=data, headers=sent) as response:
            self.statuses.append(response.status)
            return response.status, await response.text(), dict(response.headers)

    async def verifies_url(self) -> bool:
        """Whether the app answers the challenge that comes when its address is entered.

        See https://docs.slack.dev/reference/events/url_verification.
        """
        challenge = secrets.token_urlsafe(24)
        asked = {"token": "deprecated", "challenge": challenge, "type": "url_verification"}
        status, answer, _ = await self.call(json.dumps(asked))
        if status != 200:
            return False
        try:
            return bool(json.loads(answer).get("challenge") == challenge)
        except (ValueError, AttributeError):
            return answer == challenge
