"""An SMTP server that fails on demand, for tests: strict about what it takes.

The real server of ``testing_servers.py`` says whether mails are sound; this one says what real ones
say on their bad days. Each mail is read with Python's strict policy as it is taken.
"""

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
import ssl
from asyncio import Transport
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, Literal, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

At = Literal["greeting", "mail", "rcpt", "data", "content", "dot"]
"""When a fault strikes; "content": after its beginning was read, "dot": when all was taken."""
DROP = ""
"""The fault that is no reply: the connection is gone."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail that was taken. ``options`` are those of MAIL and RCPT."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    options: tuple[str, ...] = ()

    @property
    def mail(self) -> EmailMessage:
        """As a strict reader sees it. Raises what it does not like."""
        made = email.message_from_bytes(self.content, policy=email.policy.strict)
        assert isinstance(made, EmailMessage)
        return made


@dataclass(eq=False)
class FaultySmtp:
    """What the server takes, and how it fails. ``fail`` a step as often as you like."""

    port: int = 0
    password: str = "geheim-und-lang"  # noqa: S105 - of a server that lives as long as a test
    token: str = "token"  # noqa: S105 - the same
    taken: list[Taken] = field(default_factory=list)
    then: Callable[[Taken], None] = lambda _taken: None
    """Called with each mail that was taken, before its server says so."""
    sessions: int = 0
    talks: set[Server] = field(default_factory=set)
    """The connections that are open."""
    _faults: dict[At, list[str]] = field(default_factory=dict)

    def fail(self, at: At, reply: str, times: int = 1) -> None:
        """Answer so ("450 4.7.1 Later"), or ``DROP``, the next times at this step."""
        self._faults.setdefault(at, []).extend([reply] * times)

    def fault(self, at: At) -> str | None:
        """Take the next fault of a step."""
        waiting = self._faults.get(at)
        return waiting.pop(0) if waiting else None

    def good_login(self, login: LoginPassword) -> bool:
        """Whether the password is right."""
        return login.password == self.password.encode()

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's word
        self,
        server: Server,
        _session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take a sender."""
        fault = self.fault("mail")
        if fault is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return server.says(fault, "250 2.1.0 OK")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's word
        self,
        server: Server,
        _session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take a recipient."""
        fault = self.fault("rcpt")
        if fault is None:
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return server.says(fault, "250 2.1.5 OK")

    async def handle_DATA(  # noqa: N802 - aiosmtpd's word
        self, server: Server, _session: Session, envelope: Envelope
    ) -> str:
        """Take the content; a fault that is no refusal comes after it was taken."""
        fault = self.fault("dot")
        if not fault:
            content = envelope.original_content or b""
            made = Taken(
                envelope.mail_from or "",
                tuple(envelope.rcpt_tos),
                content,
                (*envelope.mail_options, *envelope.rcpt_options),
            )
            assert made.mail.keys(), "a mail without headers"
            self.taken.append(made)
            self.then(made)
        return server.says(fault, "250 2.0.0 taken")

    async def auth_XOAUTH2(self, server: Server, args: list[str]) -> AuthResult:  # noqa: N802
        """Take a token: ``user=...^Aauth=Bearer ...^A^A``."""
        said = base64.b64decode(args[1]).decode().split("\x01")
        good = f"auth=Bearer {self.token}" in said
        if not good:
            await server.push("535 5.7.8 The token is not valid")
        return AuthResult(success=good, handled=not good, auth_data=said[0])


class Server(SMTP):
    """One connection of the simulator."""

    def __init__(self, faults: FaultySmtp, **options: Any) -> None:
        super().__init__(faults, hostname="mx.shop.test", ident="ESMTP", **options)
        self._faulty = faults
        faults.sessions += 1

    def says(self, fault: str | None, usual: str) -> str:
        """The reply of a step; no reply where the connection is gone."""
        if fault == DROP:
            self.drop()
        return usual if fault is None else fault or usual

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As in aiosmtpd; also called a second time, for STARTTLS."""
        super().connection_made(transport)
        self._faulty.talks.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        """As in aiosmtpd."""
        self._faulty.talks.discard(self)
        super().connection_lost(error)

    def drop(self) -> None:
        """End the connection as a crash would."""
        if self.transport is not None:
            cast(Transport, self.transport).abort()

    async def ends(self) -> None:
        """Drop it, and wait for what still works at it."""
        self.drop()
        if self._handler_coroutine is not None:
            await asyncio.wait([self._handler_coroutine], timeout=5)

    async def push(self, status: str) -> None:  # type: ignore[override]
        """As in aiosmtpd, with the greeting as a step of its own."""
        if status.startswith("220 mx.shop.test"):
            fault = self._faulty.fault("greeting")
            status = self.says(fault, status)
        await super().push(status)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's word
        """As in aiosmtpd, with what may go wrong before the dot."""
        fault = self._faulty.fault("data")
        if fault is not None:
            await self.push(self.says(fault, "354 go on"))
            return
        if self._faulty.fault("content") is not None:
            await self.push("354 go on")
            await self._reader.read(64)
            self.drop()
            return
        await super().smtp_DATA(arg)


@asynccontextmanager
async def faulty_smtp(
    *, tls: ssl.SSLContext | None = None, implicit: bool = False, **options: Any
) -> AsyncIterator[FaultySmtp]:
    """Run it on a free port of the loopback. ``tls`` offers STARTTLS, or TLS at once.

    ``options`` are aiosmtpd's (``data_size_limit``, ``enable_SMTPUTF8`` ...).
    """
    loop = asyncio.get_running_loop()
    faulty = FaultySmtp()

    def authenticate(
        _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any
    ) -> AuthResult:
        good = not isinstance(data, LoginPassword) or faulty.good_login(data)
        return AuthResult(success=good, handled=False)

    def connection() -> Server:
        starttls = None if implicit else tls
        return Server(
            faulty,
            loop=loop,
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_require_tls=False,
            authenticator=authenticate,
            **{"enable_SMTPUTF8": True, **options},
        )

    server = await loop.create_server(connection, "127.0.0.1", 0, ssl=tls if implicit else None)
    faulty.port = server.sockets[0].getsockname()[1]
    try:
        yield faulty
    finally:
        server.close()
        await asyncio.gather(*(one.ends() for one in list(faulty.talks)))
        await server.wait_closed()
