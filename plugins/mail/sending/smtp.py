"""Hands mails to the server that sends them on.

One connection for each mail: the server hears from us a few times a minute at most, and drops what
is silent for longer. Decision 0017 has the figures.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from bot.ports import Retry, UnknownOutcome
from plugins.mail.oauth import TokenRefused, Tokens, TokenUnavailable
from plugins.mail.sending.replies import Step, failure
from plugins.mail.settings import SmtpServer

# Together they stay below the minute that the outbox gives a channel: past it nobody knows more.
_BEFORE = 25.0  # seconds until the server has taken sender and recipient
_AFTER = 30.0  # seconds for the content and the server's last word
_GOODBYE = 2.0
_AT_ONCE = 3  # connections; Microsoft 365 allows a mailbox no more
_LOST = (SMTPServerDisconnected, SMTPTimeoutError, OSError, TimeoutError)
_DOT = re.compile(rb"^\.", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Login:
    """Who hands in. With ``tokens`` (XOAUTH2) there is no password."""

    user: str
    password: str = ""
    tokens: Tokens | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One connection, logged in. ``utf8``: it takes addresses beyond ASCII."""

    client: SMTP
    until: float  # of the loop's clock: by then the server must have taken sender and recipient
    utf8: bool
    size: int | None  # bytes that it takes; None: it does not say

    async def hand_over(
        self, sender: str, recipient: str, content: bytes, *, key: str, utf8: bool = False
    ) -> None:
        """Hand over one mail. ``key`` comes back in a report about it, where the server can.

        Raises Retry, Reject, or UnknownOutcome for an answer that was lost on its way.
        """
        try:
            async with asyncio.timeout_at(self.until):
                await self._envelope(sender, recipient, len(content), key, utf8)
        except _LOST as error:
            raise Retry(None, "mail_unreachable") from error
        await self._content(content)

    async def _envelope(self, sender: str, recipient: str, size: int, key: str, utf8: bool) -> None:
        knows = self.client.supports_extension
        options = [f"SIZE={size}"] if knows("size") else []
        options += ["SMTPUTF8"] if utf8 else []
        reports = knows("dsn")
        options += ["RET=HDRS", f"ENVID={key}"] if reports else []
        encoding = "utf-8" if utf8 else "ascii"
        step: Step = "sender"
        try:
            await self.client.mail(sender, options=options, encoding=encoding)
            step = "recipient"
            asked = ["NOTIFY=FAILURE,DELAY"] if reports else []
            await self.client.rcpt(recipient, options=asked, encoding=encoding)
            step = "content"
            code, text = await self.client.execute_command(b"DATA")
        except SMTPResponseException as error:
            raise failure(error.code, error.message, step) from error
        if code != 354:
            raise failure(code, text, step)

    async def _content(self, content: bytes) -> None:
        protocol = self.client.protocol
        if protocol is None:
            raise Retry(None, "mail_unreachable")
        try:
            protocol.write(_DOT.sub(b"..", content) + b".\r\n")
            code, text = await protocol.read_response(timeout=_AFTER)
        except (SMTPException, *_LOST) as error:
            # It may have read the dot that ends the mail, and sent the mail on.
            raise UnknownOutcome from error
        if code != 250:
            raise failure(code, text, "content")


class Relay:
    """The server that takes the mails of one mailbox. ``tls``: what it must prove itself with."""

    def __init__(self, server: SmtpServer, login: Login, tls: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._login = login
        self._tls = tls or ssl.create_default_context()
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self.trouble: str | None = None
        """Why nothing can be handed in now: a reason code, for /health."""

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Wait for a turn, connect and log in. Raises Retry."""
        client: SMTP | None = None
        until = asyncio.get_running_loop().time() + _BEFORE
        try:
            async with asyncio.timeout_at(until):
                await self._turns.acquire()
        except TimeoutError:
            raise Retry(None, "mail_busy") from None
        try:
            client = self._client()
            await self._connect(client, until)
            yield Session(client, until, client.supports_extension("smtputf8"), _size(client))
        finally:
            self._turns.release()
            await _close(client)

    def _client(self) -> SMTP:
        server = self._server
        return SMTP(
            hostname=server.host,
            port=server.at,
            use_tls=server.tls == "implicit",
            start_tls=server.tls == "starttls",
            tls_context=None if server.tls == "none" else self._tls,
            timeout=_BEFORE,
            local_hostname="[127.0.0.1]",
        )

    async def _connect(self, client: SMTP, until: float) -> None:
        step: Step = "hello"
        try:
            async with asyncio.timeout_at(until):
                await client.connect()
                step = "login"
                await self._log_in(client)
        except Retry as retry:
            raise self._noted(retry) from retry.__cause__
        except SMTPResponseException as error:
            raise self._noted(failure(error.code, error.message, step)) from error
        except _LOST as error:
            raise self._noted(Retry(None, _why(error))) from error
        except SMTPException as error:  # it offers no TLS, or no way to log in that we know
            reason = "mail_tls" if step == "hello" else "mail_credentials"
            raise self._noted(Retry(None, reason)) from error
        self.trouble = None

    async def _log_in(self, client: SMTP) -> None:
        await client.ehlo()
        user, tokens = self._login.user, self._login.tokens
        if tokens is None:
            await client.login(user, self._login.password)
            return
        try:
            token = await tokens.access()
            try:
                await client.auth_xoauth2(user, token)
            except SMTPAuthenticationError:  # it may have been taken back since we got it
                await client.auth_xoauth2(user, await tokens.access(refused=token))
        except TokenRefused as error:
            raise Retry(None, "mail_credentials") from error
        except TokenUnavailable as error:
            raise Retry(None, "mail_unreachable") from error

    def _noted(self, error: Exception) -> Exception:
        self.trouble = error.reason if isinstance(error, Retry) else None
        return error


async def _close(client: SMTP | None) -> None:
    """Say goodbye: what was taken stays taken, whatever becomes of the connection."""
    if client is None:
        return
    try:
        with suppress(SMTPException, *_LOST, ValueError):
            if client.is_connected:
                async with asyncio.timeout(_GOODBYE):
                    await client.quit()
    finally:
        client.close()


def _size(client: SMTP) -> int | None:
    told = client.esmtp_extensions.get("size", "")
    return int(told) if told.isdigit() and int(told) > 0 else None


def _why(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "mail_tls"
        cause = cause.__cause__ or cause.__context__
    return "mail_unreachable"
