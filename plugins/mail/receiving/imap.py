"""One session at an IMAP server. Everything here waits for the server: it belongs into a thread.

imap-tools opens the connection and knows the commands; what it reads of a mail is not used, since
originals are wanted as they are.
"""

from __future__ import annotations

import imaplib
import re
import select
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError
from imap_tools.utils import encode_folder

from plugins.mail.settings import ImapServer

_KEEPALIVE = 60  # seconds of silence until the connection is tried
_HEAD = 512 * 1024  # bytes of a mail over the limit that are fetched
_AT_ONCE = 100  # UIDs in one command
_CONNECT = 10.0  # seconds at most to be connected
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_NUMBER = re.compile(rb"\bUID (\d+)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
_DATE = re.compile(rb'\bINTERNALDATE "([^"]+)"')
_PASSING = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]")  # RFC 5530, 9051: not the login's fault

FAULTS = (ImapToolsError, imaplib.IMAP4.error, OSError, EOFError, ValueError)
"""What this module raises when the connection or the server is at fault."""


class LoginRefused(Exception):
    """The server does not take the login."""


class NoFolder(Exception):
    """The server does not open a folder."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as it was selected. ``uidnext`` 0: the server does not say."""

    uidvalidity: int
    uidnext: int
    mails: int


@dataclass(frozen=True, slots=True)
class Described:
    """What the server says of a mail."""

    size: int
    arrived: datetime


class Session:
    """One connection. :meth:`interrupt` alone may be called from another thread."""

    def __init__(self, server: ImapServer, timeout: float) -> None:
        self._server, self._timeout = server, timeout
        self._box: BaseMailBox | None = None
        self._interrupted = False

    def open(self, user: str, secret: str, *, token: bool) -> None:
        """Connect and log in. Raises LoginRefused, or one of FAULTS."""
        self._box = self._connected()
        if self._interrupted:
            raise OSError("interrupted")
        sock = self._client.sock
        sock.settimeout(self._timeout)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE)
        try:
            if token:
                self._box.xoauth2(user, secret, initial_folder=None)
            elif user.isascii() and secret.isascii():
                self._box.login(user, secret, initial_folder=None)
            else:
                self._box.login_utf8(user, secret, initial_folder=None)
        except imaplib.IMAP4.abort:
            raise
        except (ImapToolsError, imaplib.IMAP4.error) as error:
            if any(code in str(error) for code in _PASSING):
                raise OSError("the server cannot check the login") from error
            raise LoginRefused from error
        self._client.capability()

    def _connected(self) -> BaseMailBox:
        server, timeout = self._server, min(self._timeout, _CONNECT)
        if server.tls == "none":
            return MailBoxUnencrypted(server.host, server.at, timeout=timeout)
        if server.tls == "starttls":
            return MailBoxStartTls(
                server.host, server.at, timeout=timeout, ssl_context=server.trust()
            )
        return MailBox(server.host, server.at, timeout=timeout, ssl_context=server.trust())

    @property
    def _client(self) -> Any:
        if self._box is None:
            raise OSError("not connected")
        return self._box.client

    def can(self, ability: str) -> bool:
        """Whether the server has a capability."""
        _, said = self._client.capability()
        return ability.encode() in (said[0] or b"").upper().split()

    def select(self, name: str, *, readonly: bool = False) -> Folder:
        """Open a folder. Raises NoFolder."""
        status, said = self._client.select(encode_folder(name), readonly)
        if status != "OK":
            raise NoFolder((said[0] or b"").decode("utf-8", "replace"))
        validity, following = self._number("UIDVALIDITY"), self._number("UIDNEXT")
        if validity is None:
            raise NoFolder("it has no UIDVALIDITY")
        self._client.untagged_responses.pop("EXISTS", None)
        mails = int(said[0]) if said and said[0] and said[0].isdigit() else 0
        return Folder(validity, following or 0, mails)

    def _number(self, name: str) -> int | None:
        said = self._client.response(name)[1]
        return int(said[-1]) if said and said[-1] and said[-1].isdigit() else None

    def uids(self, first: int, since: date | None = None) -> list[int]:
        """The UIDs from one on, lowest first. ``since``: that came on that day or later."""
        words = f"UID {first}:*"
        if since is not None:
            words += f" SINCE {since.day}-{_month(since)}-{since.year}"
        status, said = self._client.uid("SEARCH", words)
        _expect(status, said)
        found = {int(word) for line in said if line for word in line.split()}
        return sorted(uid for uid in found if uid >= first)  # `*` is the last one in any case

    def newest(self) -> tuple[int, datetime] | None:
        """The last mail's UID, and when it came; of a folder that is not empty."""
        found = self._fetched(self._client.fetch("*", "(UID RFC822.SIZE INTERNALDATE)"))
        uid = _NUMBER.search(found[0]) if found else None
        return None if found is None or uid is None else (int(uid[1]), _described(found[0]).arrived)

    def describe(self, uid: int) -> Described | None:
        """Size and date of a mail; ``None``: it is gone."""
        found = self._fetched(self._client.uid("FETCH", str(uid), "(UID RFC822.SIZE INTERNALDATE)"))
        return None if found is None else _described(found[0])

    def fetch(self, uid: int, size: int, limit: int) -> bytes | None:
        """A mail, or its beginning where it is larger than ``limit``; ``None``: it is gone.

        ``limit`` 0: its headers alone. It is not marked as read by that. Raises ImapToolsError
        where the server gives nothing of what it says is there.
        """
        part = "BODY.PEEK[]" if size <= limit else f"BODY.PEEK[]<0.{min(_HEAD, limit)}>"
        if not size:  # the server does not say: not more than what is wanted, whatever it is
            part = f"BODY.PEEK[]<0.{limit}>"
        part = part if limit else "BODY.PEEK[HEADER]"
        found = self._fetched(self._client.uid("FETCH", str(uid), f"(UID {part})"))
        if found is not None and size and not found[1]:
            raise ImapToolsError("an empty answer")
        return None if found is None else found[1]

    def _fetched(self, answer: tuple[str, list[Any]]) -> tuple[bytes, bytes] | None:
        """What stands around the literal, and the literal."""
        status, said = answer
        _expect(status, said)
        around, literal = b"", b""
        for piece in said:
            if isinstance(piece, tuple):
                around += piece[0]
                literal = literal or piece[1]
            elif isinstance(piece, bytes):
                around += b" " + piece
        return (around, literal) if _NUMBER.search(around) else None

    def mark_seen(self, uids: Sequence[int]) -> None:
        """Mark mails as read; those that are gone are no error."""
        for some in _chunks(uids):
            _expect(*self._client.uid("STORE", some, "+FLAGS.SILENT", "(\\Seen)"))

    def move(self, uids: Sequence[int], name: str) -> None:
        """Move mails into a folder, which is made when it is missing."""
        folder = encode_folder(name)
        for some in _chunks(uids):
            if self.can("MOVE"):
                if self._client.uid("MOVE", some, folder)[0] != "OK":
                    self._client.create(folder)
                    _expect(*self._client.uid("MOVE", some, folder))
                continue
            if not self.can("UIDPLUS"):  # to expunge would delete what others have marked
                raise NoFolder("the server can neither MOVE nor UIDPLUS")
            if self._client.uid("COPY", some, folder)[0] != "OK":
                self._client.create(folder)
                _expect(*self._client.uid("COPY", some, folder))
            _expect(*self._client.uid("STORE", some, "+FLAGS.SILENT", "(\\Deleted)"))
            _expect(*self._client.uid("EXPUNGE", some))

    def idle(self, seconds: float) -> bool:
        """Wait for news in the selected folder (RFC 2177); False: there were none in time."""
        client = self._client
        until = time.monotonic() + seconds
        if client.untagged_responses.pop("EXISTS", None):
            return True  # it came with the last answers, after the folder was searched
        tag = client._command("IDLE")
        while client._get_response() is not None:  # None: the server waits with us
            if client.tagged_commands[tag] is not None:
                _expect(*client.tagged_commands.pop(tag))
        try:
            while not client.untagged_responses.get("EXISTS"):
                left = until - time.monotonic()
                if left <= 0 or not self._readable(left):
                    break
                client._get_response()
                if client.untagged_responses.get("BYE"):
                    raise OSError("the server says good-bye")
        finally:
            if not self._interrupted:
                client.send(b"DONE\r\n")
                while client.tagged_commands[tag] is None:
                    client._get_response()
                client.tagged_commands.pop(tag)
        return bool(client.untagged_responses.pop("EXISTS", None))

    def _readable(self, seconds: float) -> bool:
        """Wait for bytes: in the reader's buffer, in TLS, or on the wire."""
        sock, reader = self._client.sock, self._client.file
        sock.settimeout(0)
        try:
            with suppress(BlockingIOError, ssl.SSLWantReadError):
                if reader.peek(1):
                    return True
            poller = select.poll()
            poller.register(sock, select.POLLIN)
            return bool(poller.poll(seconds * 1000))
        finally:
            sock.settimeout(self._timeout)

    def check(self) -> None:
        """Ask whether the server is there."""
        _expect(*self._client.noop())

    def interrupt(self) -> None:
        """End whatever waits, from another thread: it raises one of FAULTS there."""
        self._interrupted = True
        box = self._box
        if box is not None:
            with suppress(OSError):
                # Not SSLSocket's own: it takes the TLS away under the thread that reads.
                socket.socket.shutdown(box.client.sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Say good-bye where anybody listens, and close the socket."""
        box, self._box = self._box, None
        if box is None:
            return
        with suppress(*FAULTS):
            if not self._interrupted:
                box.client.sock.settimeout(2.0)
                box.client.logout()
        with suppress(*FAULTS):
            box.client.shutdown()


def _expect(status: str, said: Sequence[Any]) -> None:
    if status != "OK":
        words = said[0] if said and isinstance(said[0], bytes) else b""
        raise ImapToolsError(words.decode("utf-8", "replace")[:200])


def _month(day: date) -> str:
    return _MONTHS[3 * day.month - 3 : 3 * day.month]


def _chunks(uids: Sequence[int]) -> list[str]:
    starts = range(0, len(uids), _AT_ONCE)
    return [",".join(map(str, uids[start : start + _AT_ONCE])) for start in starts]


def _described(around: bytes) -> Described:
    size, arrived = _SIZE.search(around), _DATE.search(around)
    when = datetime.now(UTC)  # a server that does not say is asked because of something new
    if arrived is not None:
        with suppress(ValueError):
            # 17-Jul-1996 02:44:25 -0700
            when = parsedate_to_datetime(arrived[1].decode("ascii", "replace").replace("-", " ", 2))
            when = when if when.tzinfo else when.replace(tzinfo=UTC)  # of "-0000"
    return Described(int(size[1]) if size else 0, when)
