"""Tokens in place of passwords (XOAUTH2): got, kept fresh, and their end told in time.

A token is renewed after two thirds of its life, so a provider that refuses is heard of while the
last token still works. Microsoft gives a new refresh token each time, and the old one dies 90 days
after it was given: the new one is kept in the store, for as long as the one in the environment is
the one that it comes from.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import aiohttp
from pydantic import SecretStr

from bot.ports import Store, Tx
from bot.store.audit import raise_alarm
from bot.store.codec import stamp
from plugins.mail.settings import Mailbox, MailSettings

log = logging.getLogger(__name__)

ALARM = "mail_login"
_LIFE = 3600.0  # seconds, where the provider does not say (RFC 6749 leaves it open)
_SHORTEST = 60.0  # seconds before its end in which a token is not handed out any more
_LOOKS_EVERY = 30.0  # seconds
_QUIET = timedelta(hours=24)  # between two alarms about the same
_REFUSED_FOR = 300.0  # seconds in which a provider that refused is not asked again
_PROVIDERS_FAULT = 500


class TokenRefused(Exception):
    """The provider gives no token any more: an operator is needed. ``code``: its error code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TokenUnavailable(Exception):
    """The provider cannot be asked now."""


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    renew_at: float
    dead_at: float


class Tokens:
    """The tokens of one mailbox, for IMAP and SMTP."""

    def __init__(
        self,
        box: Mailbox,
        session: aiohttp.ClientSession,
        store: Store | None,
        clock: Callable[[], datetime],
    ) -> None:
        """Without a ``store`` nothing is kept and nobody alarmed: for a check."""
        if box.oauth is None:
            raise ValueError("the mailbox has a password")
        self._box, self._oauth = box, box.oauth
        self._session, self._store, self._clock = session, store, clock
        self._token: _Token | None = None
        self._lock = asyncio.Lock()
        self._refused = ""
        self._refused_until = 0.0
        self._consent_ends: datetime | None = None
        self._unreachable = ""

    async def access(self, *, refused: str | None = None) -> str:
        """A token that is good for a minute at least.

        ``refused``: one that a server did not take: another one is got in its place. Raises
        TokenRefused or TokenUnavailable.
        """
        async with self._lock:
            token = self._token
            now = asyncio.get_running_loop().time()
            if token is None or token.value == refused or now > token.dead_at - _SHORTEST:
                token = await self._renewed()
            return token.value

    def trouble(self) -> str | None:
        """What an operator must do before the login dies, or ``None``."""
        name = self._box.name
        if self._refused:
            return f"{name}: the provider gives no new token ({self._refused}): consent anew"
        days = self._days_left()
        if days is not None and days <= self._oauth.warn_days:
            return f"{name}: the client secret ends in {max(days, 0)} days"
        days = self._consents_days()
        if days is not None and days <= self._oauth.warn_days:
            return f"{name}: the consent ends in {max(days, 0)} days"
        return f"{name}: {self._unreachable}" if self._unreachable else None

    async def watch(self) -> None:
        """Renew in time, and tell operators of what is about to end, until cancelled."""
        while True:
            try:
                await self._look()
            except (TokenRefused, TokenUnavailable):
                pass  # noted, and told
            except Exception:  # an edge: the next look may go well
                log.exception("token not looked after", extra={"mailbox": self._box.name})
            await asyncio.sleep(_LOOKS_EVERY)

    async def _look(self) -> None:
        days = self._days_left()
        if days is not None and days <= self._oauth.warn_days:
            await self._alarm("secret_expires", days=days)
        days = self._consents_days()
        if days is not None and days <= self._oauth.warn_days:
            await self._alarm("consent_expires", days=days)
        async with self._lock:
            token, now = self._token, asyncio.get_running_loop().time()
            if token is not None and now > max(token.renew_at, self._refused_until):
                await self._renewed()

    def _days_left(self) -> int | None:
        last = self._oauth.secret_expires
        if last is None:
            return None
        return (datetime.combine(last, time.min, UTC) - self._clock()).days

    def _consents_days(self) -> int | None:
        """Until the refresh token dies, where the provider says so; Google does for some."""
        return None if self._consent_ends is None else (self._consent_ends - self._clock()).days

    async def _renewed(self) -> _Token:
        if asyncio.get_running_loop().time() < self._refused_until:
            raise TokenRefused(self._refused)
        try:
            answer = await self._ask()
        except TokenRefused as refused:
            self._refused = refused.code
            self._refused_until = asyncio.get_running_loop().time() + _REFUSED_FOR
            log.error(  # noqa: TRY400 - its trace says nothing more
                "the provider gives no token",
                extra={"mailbox": self._box.name, "code": refused.code},
            )
            await self._alarm("token_refused", code=refused.code)
            raise
        except TokenUnavailable as error:
            self._unreachable = str(error)
            raise
        self._refused = self._unreachable = ""
        now, life = asyncio.get_running_loop().time(), _life(answer)
        ends = _seconds(answer.get("refresh_token_expires_in"))
        self._consent_ends = self._clock() + timedelta(seconds=ends) if ends else None
        self._token = _Token(str(answer["access_token"]), now + life * 2 / 3, now + life)
        following = answer.get("refresh_token")
        if isinstance(following, str) and following and self._oauth.grant == "refresh_token":
            await self._keep(following)
        return self._token

    async def _ask(self) -> Mapping[str, Any]:
        form = await self._form()
        try:
            # Secrets are for this address alone: no other one that it names gets them.
            async with self._session.post(
                self._oauth.url, data=form, allow_redirects=False
            ) as response:
                try:
                    answer = await response.json(content_type=None)
                except ValueError as error:
                    raise TokenUnavailable(
                        f"no JSON from the provider ({response.status})"
                    ) from error
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise TokenUnavailable(f"no token: {type(error).__name__}") from error
        if not isinstance(answer, dict):
            raise TokenUnavailable(f"an odd answer from the provider ({status})")
        if status == 200 and isinstance(answer.get("access_token"), str):
            return answer
        code = str(answer.get("error", ""))[:60]
        if status in (408, 429) or status >= _PROVIDERS_FAULT or code in _PASSING:
            raise TokenUnavailable(f"no token: the provider answers {status} {code}".rstrip())
        raise TokenRefused(code if code.isidentifier() else f"http_{status}")

    async def _form(self) -> dict[str, str]:
        form = {"client_id": self._oauth.client_id, "grant_type": self._oauth.grant}
        if self._box.client_secret is not None:
            form["client_secret"] = self._box.client_secret.get_secret_value()
        if self._oauth.scopes:
            form["scope"] = self._oauth.scopes
        first = self._box.refresh_token
        if self._oauth.grant == "refresh_token" and first is not None:
            form["refresh_token"] = await self._latest(first)
        return form

    async def _latest(self, first: SecretStr) -> str:
        name, seed = self._box.name, _seed(first)

        def work(tx: Tx) -> str | None:
            row = tx.row(
                "SELECT refresh_token FROM mail_tokens WHERE mailbox = :name AND seed = :seed",
                name=name,
                seed=seed,
            )
            return None if row is None else str(row["refresh_token"])

        kept = None if self._store is None else await self._store.read(work)
        return kept or first.get_secret_value()

    async def _keep(self, following: str) -> None:
        first = self._box.refresh_token
        if first is None or self._store is None or following == first.get_secret_value():
            return
        name, seed, now = self._box.name, _seed(first), stamp(self._clock())

        def work(tx: Tx) -> None:
            tx.run(
                "INSERT INTO mail_tokens (mailbox, seed, refresh_token, at) VALUES "
                "(:name, :seed, :token, :now) ON CONFLICT (mailbox) DO UPDATE SET "
                "seed = :seed, refresh_token = :token, at = :now",
                name=name,
                seed=seed,
                token=following,
                now=now,
            )

        await self._store.write(work)

    async def _alarm(self, what: str, **facts: Any) -> None:
        told, now = {"mailbox": self._box.name, **facts}, self._clock()
        if self._store is None:
            return
        await self._store.write(
            lambda tx: raise_alarm(
                tx, f"{ALARM}_{what}", told, now, quiet=_QUIET, same=("mailbox",)
            )
        )


# RFC 6749 5.2 has none of these for the token endpoint; Microsoft and others send them.
_PASSING = {"temporarily_unavailable", "server_error", "slow_down", "internal_failure"}


def _seed(first: SecretStr) -> str:
    return hashlib.sha256(first.get_secret_value().encode()).hexdigest()


def _life(answer: Mapping[str, Any]) -> float:
    life = _seconds(answer.get("expires_in"))
    return life if life is not None and life < 30 * 24 * 3600 else _LIFE


def _seconds(told: Any) -> float | None:
    """A time that a provider tells, as a number or in words; ``None``: it tells none."""
    try:
        seconds = float(told)
    except (TypeError, ValueError):
        return None
    return seconds if 0 < seconds < 10 * 366 * 24 * 3600 else None


@asynccontextmanager
async def opened_tokens(
    settings: MailSettings, store: Store, clock: Callable[[], datetime]
) -> AsyncIterator[dict[str, Tokens]]:
    """The tokens of the mailboxes that log in with them, by name, looked after until closed."""
    boxes = [box for box in settings.mailboxes if box.oauth is not None]
    if not boxes:
        yield {}
        return
    timeout = aiohttp.ClientTimeout(total=settings.timeout)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        made = {box.name: Tokens(box, session, store, clock) for box in boxes}
        tasks = [asyncio.create_task(one.watch()) for one in made.values()]
        try:
            yield made
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
