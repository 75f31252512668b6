"""A token endpoint as Microsoft and Google document theirs: strict, and with faults on demand.

Sources: RFC 6749 (5.1, 5.2, 6), learn.microsoft.com "Microsoft identity platform and OAuth 2.0
authorization code flow" and "... client credentials flow" (refresh tokens of 90 days, a new one
with each answer, spaces between scopes), developers.google.com "Using OAuth 2.0 for Web Server
Applications" (no new refresh token; ``invalid_grant`` for one that was revoked).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Literal

from aiohttp import web
from multidict import MultiMapping

CLIENT, SECRET, REFRESH = "client-1", "secret-of-the-app", "first-refresh-token"
Provider = Literal["microsoft", "google"]


@dataclass
class TokenServer:
    """What it gave and what it shall refuse. ``valid`` are access tokens that servers take."""

    provider: Provider = "microsoft"
    url: str = ""
    life: int = 3599
    consent: int | None = None
    """Seconds for which Google's refresh token is good, where the user consented for a time."""
    client: str = CLIENT
    secret: str = SECRET
    user: str = "support@shop.test"
    refresh_tokens: set[str] = field(default_factory=lambda: {REFRESH})
    valid: set[str] = field(default_factory=set)
    asked: list[dict[str, str]] = field(default_factory=list)
    fault: tuple[int, str] | None = None
    """A status and a body for every request from now on."""

    @property
    def introspection_url(self) -> str:
        """Where Dovecot asks whether a token is good; the token is put at the end."""
        return f"{self.url}/tokeninfo?token="

    def revoke_all(self) -> None:
        """The consent is withdrawn: neither kind of token is good any more."""
        self.refresh_tokens.clear()
        self.valid.clear()

    async def _token(self, request: web.Request) -> web.Response:
        if self.fault is not None:
            status, body = self.fault
            return web.Response(status=status, text=body, content_type="application/json")
        if request.content_type != "application/x-www-form-urlencoded":
            return _error("invalid_request")
        form = await request.post()
        if len(form) != len(set(form)) or not all(isinstance(one, str) for one in form.values()):
            return _error("invalid_request")
        asked = {name: str(value) for name, value in form.items()}
        self.asked.append(asked)
        wrong = self._wrong(form)
        return wrong if wrong is not None else self._given(asked)

    def _wrong(self, form: MultiMapping[object]) -> web.Response | None:
        if form.get("client_id") != self.client:
            return _error(
                "unauthorized_client" if self.provider == "microsoft" else "invalid_client", 401
            )
        if form.get("client_secret") != self.secret:
            return _error("invalid_client", 401)
        grant, scope = form.get("grant_type"), str(form.get("scope", ""))
        if self.provider == "microsoft" and (not scope or "," in scope):
            return _error("invalid_scope")
        if grant == "client_credentials":
            if self.provider == "google":
                return _error("unsupported_grant_type")
            return None if scope.endswith("/.default") else _error("invalid_scope")
        if grant != "refresh_token":
            return _error("unsupported_grant_type")
        known = form.get("refresh_token") in self.refresh_tokens
        return None if known else _error("invalid_grant")

    def _given(self, asked: dict[str, str]) -> web.Response:
        made = token_urlsafe(24)
        self.valid.add(made)
        answer = {"token_type": "Bearer", "expires_in": self.life, "access_token": made}
        if self.provider == "microsoft" and "offline_access" in asked["scope"].split():
            following = token_urlsafe(24)
            self.refresh_tokens.add(following)
            answer["refresh_token"] = following
        if self.consent is not None:
            answer["refresh_token_expires_in"] = self.consent
        return web.json_response(answer)

    async def _info(self, request: web.Request) -> web.Response:
        if request.query.get("token") not in self.valid:
            return web.json_response({"active": False})
        return web.json_response({"active": True, "username": self.user})


def _error(code: str, status: int = 400) -> web.Response:
    answer = {"error": code, "error_description": "AADSTS0: a sentence that nobody may rely on"}
    return web.json_response(answer, status=status)


@asynccontextmanager
async def token_server(provider: Provider = "microsoft") -> AsyncIterator[TokenServer]:
    """Serve on the loopback until closed."""
    server = TokenServer(provider)
    app = web.Application()
    app.router.add_post("/token", server._token)
    app.router.add_get("/tokeninfo", server._info)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        await runner.cleanup()
