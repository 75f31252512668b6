"""Real mail servers for tests: Dovecot for IMAP and Exim for SMTP, in a folder of their own.

``mail_servers()`` starts both on free ports of the loopback and ends them. Exim takes a mail only
when its headers are well-formed (``verify = header_syntax``) and delivers it into the mailboxes
that Dovecot serves. Every address has a mailbox, with the same password; some local parts begin
with a word that makes trouble, see :class:`Trouble`.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from string import Template

from plugins.mail import testing_config
from plugins.mail.model import OWN_HEADER

PASSWORD = "geheim-und-lang"  # noqa: S105 - of servers that live as long as a test
AUTHSERV = "mx.shop.test"
"""The authserv-id under which Exim says whether a sender is who it says."""
_PROGRAMS = {
    "dovecot-imapd": "/usr/lib/dovecot/imap",
    "dovecot-lmtpd": "/usr/lib/dovecot/lmtp",
    "exim4-daemon-light": "/usr/sbin/exim4",
}
_START = 15.0  # seconds until a server must listen


class Trouble(StrEnum):
    """Beginnings of local parts to which Exim delivers nothing."""

    UNKNOWN = "unknown-"  # 550 5.1.1 at RCPT
    FULL = "full-"  # 552 5.2.2 at RCPT
    LATER = "later-"  # 451 4.7.1 at RCPT
    BOUNCES = "closed-"  # taken, and returned with a report


def missing() -> list[str]:
    """The Debian packages that are not installed; without them nothing here works."""
    return [package for package, program in _PROGRAMS.items() if not Path(program).exists()]


_WITH_US = ("sh", "-c", '"$@" & cat >/dev/null; kill $!; wait $!', "sh")
"""Ends a server when its standard input ends: also with tests that were killed."""


@dataclass
class MailServers:
    """Both servers while they run."""

    folder: Path
    imap: int = 0  # ports: plain with STARTTLS ...
    imaps: int = 0  # ... and TLS from the first byte
    smtp: int = 0
    smtps: int = 0
    lmtp: int = 0  # from Exim to Dovecot
    certificate: Path = Path()
    provoked: set[str] = field(default_factory=lambda: {f"<{one}" for one in Trouble})
    """What stands in the complaints that tests cause on purpose."""
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def trust(self) -> ssl.SSLContext:
        """A context that trusts the servers' certificate (for ``localhost``)."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def maildir(self, address: str, folder: str = "INBOX") -> Path:
        """Where the mails of an address lie."""
        root = self.folder / "mail" / address.lower()
        return root if folder == "INBOX" else root / f".{folder}"

    def mails(self, address: str, folder: str = "INBOX") -> list[bytes]:
        """The mails of an address, oldest first."""
        box = self.maildir(address, folder)
        files = [file for part in ("new", "cur") for file in (box / part).glob("*")]
        # Dovecot writes microseconds without leading zeros.
        padded = {file: re.sub(r"\.M(\d+)P", _padded, file.name) for file in files}
        return [file.read_bytes() for file in sorted(files, key=padded.__getitem__)]

    def put(self, address: str, raw: bytes, folder: str = "INBOX", at: float = 0.0) -> None:
        """Lay a mail into a mailbox, past Exim: for what no server takes. ``at``: as time.time."""
        box, owner = self.maildir(address, folder), _owner()
        for part in (self.maildir(address), box):
            part.mkdir(parents=True, exist_ok=True)
            os.chown(part, owner.pw_uid, owner.pw_gid)
        for name in ("tmp", "new", "cur"):
            (box / name).mkdir(exist_ok=True)
            os.chown(box / name, owner.pw_uid, owner.pw_gid)
        name = f"{time.time_ns()}.{os.urandom(4).hex()}.test"
        (box / "tmp" / name).write_bytes(raw)
        os.chown(box / "tmp" / name, owner.pw_uid, owner.pw_gid)
        if at:
            os.utime(box / "tmp" / name, (at, at))
        (box / "tmp" / name).rename(box / "new" / name)

    def empty(self) -> None:
        """Forget all mailboxes: the next one of a name begins with another UIDVALIDITY."""
        for box in (self.folder / "mail").iterdir():
            shutil.rmtree(box)

    def sent_by_bots(self) -> list[bytes]:
        """Every mail of a bot's that Exim took, also where its mailbox was emptied since."""
        return [file.read_bytes() for file in sorted((self.folder / "kept").glob("new/*"))]

    def complaints(self) -> list[str]:
        """What Exim did not like: refused mails, and its own errors."""
        log = self.folder / "log" / "main"
        lines = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
        panic = self.folder / "log" / "panic"
        more = panic.read_text("utf-8", "replace").splitlines() if panic.exists() else []
        return [line for line in lines if re.search(r"rejected|syntax error", line)] + more

    def start_imap(self) -> None:
        """Start Dovecot, at first or again."""
        program = ["/usr/sbin/dovecot", "-F", "-c", str(self.folder / "dovecot.conf")]
        self._running["imap"] = self._start(program, self.imap)

    def stop_imap(self) -> None:
        """End Dovecot, and with it every session."""
        self._stop("imap")

    def start_smtp(self) -> None:
        """Start Exim, at first or again."""
        ports = f"127.0.0.1.{self.smtp}:127.0.0.1.{self.smtps}"
        config = str(self.folder / "exim.conf")
        program = ["/usr/sbin/exim4", "-C", config, "-bdf", "-q5s", "-oX", f"<: {ports}"]
        self._running["smtp"] = self._start(program, self.smtp)

    def stop_smtp(self) -> None:
        """End Exim."""
        self._stop("smtp")

    def close(self) -> None:
        """End what runs, at once: Dovecot takes a second for its farewell, in every test."""
        for name in list(self._running):
            self._stop(name, farewell=False)

    def _start(self, program: list[str], port: int) -> subprocess.Popen[bytes]:
        with (self.folder / "servers.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own words
                [*_WITH_US, *program],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + _START
        while time.monotonic() < until and process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return process
            time.sleep(0.05)
        _end(process)
        said = (self.folder / "servers.log").read_text("utf-8", "replace")[-2000:]
        raise RuntimeError(f"{program[0]} does not listen: {said}")

    def _stop(self, name: str, *, farewell: bool = True) -> None:
        process = self._running.pop(name, None)
        if process is None:
            return
        if farewell and process.stdin is not None:
            process.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):  # its sessions, too
        os.killpg(process.pid, signal.SIGKILL)
    with process:  # closes its input, and waits
        pass


def _padded(match: re.Match[str]) -> str:
    return f".M{match[1]:0>6}P"


@contextmanager
def mail_servers(*, introspection_url: str = "", exim: bool = True) -> Iterator[MailServers]:
    """Start both servers; end them with the context. Raises RuntimeError when one does not start.

    Without ``exim`` Dovecot is alone, for tests that send elsewhere or nothing.
    ``introspection_url``: where Dovecot asks about a token (XOAUTH2, OAUTHBEARER): ``GET`` with
    the token at the end must answer ``{"active": true, "username": ...}``.
    """
    folder = Path(tempfile.mkdtemp(prefix="mail-"))
    imap, imaps, smtp, smtps, lmtp = _free_ports(5)
    servers = MailServers(folder, imap, imaps, smtp, smtps, lmtp)
    try:
        owner = _owner()
        folder.chmod(0o755)
        for name in ("mail", "spool", "log", "kept"):
            (folder / name).mkdir()
            os.chown(folder / name, owner.pw_uid, owner.pw_gid)
        servers.certificate = _certificate(folder)
        _configure(servers, owner, introspection_url)
        servers.start_imap()
        if exim:
            servers.start_smtp()
        yield servers
    finally:
        servers.close()
        shutil.rmtree(folder, ignore_errors=True)


def _owner() -> pwd.struct_passwd:
    """Who owns the mails: Dovecot serves none of root's."""
    return pwd.getpwnam("mail") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def _free_ports(count: int) -> list[int]:
    bound = [socket.socket() for _ in range(count)]
    try:
        for one in bound:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in bound]
    finally:
        for one in bound:
            one.close()


def _certificate(folder: Path) -> Path:
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", f"{key}", "-out", f"{certificate}"]
    program = ["/usr/bin/openssl", *request.split(), *names, *files]
    subprocess.run(program, check=True, capture_output=True)  # noqa: S603 - our own words
    key.chmod(0o644)  # of a test that lasts minutes; Exim reads it as another user
    return certificate


def _configure(servers: MailServers, owner: pwd.struct_passwd, introspection_url: str) -> None:
    values = {
        "folder": servers.folder,
        "imap": servers.imap,
        "imaps": servers.imaps,
        "smtp": servers.smtp,
        "smtps": servers.smtps,
        "lmtp": servers.lmtp,
        "password": PASSWORD,
        "authserv": AUTHSERV,
        "own": OWN_HEADER,
        "uid": owner.pw_uid,
        "gid": owner.pw_gid,
        "user": owner.pw_name,
        "group": grp.getgrgid(owner.pw_gid).gr_name,
        **{trouble.name.lower(): trouble.value for trouble in Trouble},
    }
    tokens = Template(testing_config.TOKENS).substitute(values) if introspection_url else ""
    plain = testing_config.DOVECOT
    if os.geteuid() != 0:
        plain += testing_config.DOVECOT_UNPRIVILEGED
    dovecot = Template(plain).substitute(values, tokens=tokens)
    (servers.folder / "dovecot.conf").write_text(dovecot)
    (servers.folder / "exim.conf").write_text(Template(testing_config.EXIM).substitute(values))
    url = f"introspection_mode = get\nintrospection_url = {introspection_url}\n"
    (servers.folder / "tokens.conf").write_text(url + "username_attribute = username\n")
