"""Thousands of mails to lay into a mailbox: always the same ones for the same number.

Hypothesis makes the seeds, which takes it long. The rest are seeds and broken mails of our own that
were damaged once more, with the headers that people and machines send.
"""

from __future__ import annotations

import os
import pickle
import random
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from plugins.mail.testing_mails import Made, made, mutated

CORPUS = Path(__file__).parent / "corpus"
US = "support@shop.test"
_MACHINES = (
    "Auto-Submitted: auto-replied",
    "Auto-Submitted: auto-generated (vacation)",
    "X-Auto-Response-Suppress: All",
    "Precedence: bulk",
    "List-Id: Neues <neues.liste.test>\nList-Unsubscribe: <mailto:weg@liste.test>",
    "Return-Path: <>",
    "X-Schalter-Message: 0123456789abcdef",
    "X-Autoreply: yes",
)
_QUOTE = """Am 27.11.2026 um 10:00 schrieb Kranich Kontor <support@shop.test>:
> Guten Tag, hier steht die alte Antwort {quoted}.
> Viele Grüße"""
_INSERTED = (b"\n\n", b"\r", b"\0", b"--", b"=?", b"<", b'"', b"\xff", b":", b"(", b"\n ", b";")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Laid:
    """A mail as it lies in a mailbox. ``markers`` and ``files`` must be found again in it.

    ``machine``: nobody may answer it.
    """

    raw: bytes
    kind: str
    markers: tuple[str, ...] = ()
    files: tuple[bytes, ...] = ()
    machine: bool = False

    @property
    def fetched(self) -> bytes:
        """As a server gives it out: Dovecot ends lines properly and has no NUL."""
        return re.sub(rb"\r?\n", b"\r\n", self.raw).replace(b"\0", b"\x80")


class Pile:
    """Makes mails. The same ``number`` makes the same ones."""

    def __init__(self, count: int, number: int = 1) -> None:
        self._chance = random.Random(number)
        self._whole, self._broken = _seeds(max(count // 10, 20), number)
        self._broken += [path.read_bytes() for path in sorted(CORPUS.glob("*.eml"))]
        self._number = 0
        self.mails = self._made(count)

    def _made(self, count: int) -> list[Laid]:
        """So many different mails, and copies of a tenth of them among them."""
        makers = (
            self._as_it_is,
            self._person,
            self._damaged,
            self._person,
            self._damaged_person,
            self._thread,
            self._machine,
            self._damaged,
            self._quoting,
            self._ours,
        )
        mails: dict[bytes, Laid] = {}
        while len(mails) < count:
            for make in makers:
                mails.update({one.fetched: one for one in make()})
        found = list(mails.values())[:count]
        for one in self._chance.sample(found, count // 10):
            # Anywhere: before the original is imported, and long after.
            found.insert(self._chance.randrange(len(found)), self._copied(one))
        return found

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _head(self, number: int, more: str = "", who: str = "") -> bytes:
        who = who or f"Kunde {number} <kunde{number}@kunde.test>"
        return f"{more}From: {who}\nMessage-ID: <{number}@kunde.test>\nTo: {US}\n".encode()

    def _as_it_is(self) -> list[Laid]:
        one = self._chance.choice(self._whole)
        return [Laid(one.raw, "as it is", one.markers, one.files)]

    def _person(self) -> list[Laid]:
        return [self._whole_one("person")]

    def _machine(self) -> list[Laid]:
        return [self._whole_one("machine", f"{self._chance.choice(_MACHINES)}\n")]

    def _ours(self) -> list[Laid]:
        return [self._whole_one("ours", who=f"Shop <{US}>")]

    def _whole_one(self, kind: str, more: str = "", who: str = "") -> Laid:
        one = self._chance.choice(self._whole)
        raw = self._head(self._next(), more, who) + one.raw
        return Laid(raw, kind, one.markers, one.files, machine=kind != "person")

    def _damaged(self) -> list[Laid]:
        return [Laid(self._shaken(self._chance.choice(self._broken)), "damaged")]

    def _damaged_person(self) -> list[Laid]:
        raw = self._shaken(self._chance.choice(self._broken))
        return [Laid(self._head(self._next()) + raw, "damaged person")]

    def _quoting(self) -> list[Laid]:
        number = self._next()
        own, quoted = f"mk{number}eigen", f"mk{number}alt"
        text = _QUOTE.format(quoted=quoted)
        if self._chance.random() < 0.8:
            text = f"Danke, und {own}?\n\n{text}"
        markers = tuple(marker for marker in (own, quoted) if marker in text)
        head = "Content-Type: text/plain; charset=utf-8\nSubject: AW: Frage\n"
        return [Laid(self._head(number, head) + f"\n{text}\n".encode(), "quoting", markers)]

    def _thread(self) -> list[Laid]:
        """One person who writes again and again, always in answer to the mail before."""
        number, found = self._next(), []
        who = f"Kunde {number} <kunde{number}@kunde.test>"
        for at in range(self._chance.choice((1, 2, 2, 7))):
            head = f"From: {who}\nMessage-ID: <{number}.{at}@kunde.test>\nSubject: Re: Frage\n"
            if at:
                head += f"References: <{number}.{at - 1}@kunde.test>\n"
            text = f"Noch eine Frage mk{number}x{at}"
            found.append(Laid(f"{head}\n{text}\n".encode(), "thread", (text.split()[-1],)))
        return found

    def _copied(self, one: Laid) -> Laid:
        """The same bytes again, or as another of our servers would have got the mail."""
        way = b"Received: from here by there; Fri, 27 Nov 2026 10:00:00 +0100\n"
        if one.kind in ("person", "machine", "quoting", "thread") and self._chance.random() < 0.5:
            return Laid(way + one.raw, "copy", machine=True)
        return Laid(one.raw, "copy", machine=True)

    def _shaken(self, raw: bytes) -> bytes:
        made, chance = bytearray(raw), self._chance
        for _ in range(chance.randint(1, 4)):
            at = chance.randint(0, len(made))
            until = min(len(made), at + chance.randint(0, 60))
            what = chance.choice(("cut", "double", "insert", "turn", "swap"))
            if what == "cut":
                del made[at:until]
            elif what == "double":
                made[at:at] = made[at:until]
            elif what == "insert":
                made[at:at] = chance.choice(_INSERTED)
            elif what == "turn" and at < len(made):
                made[at] ^= chance.randint(1, 255)
            elif what == "swap":
                made[at:until] = bytes(reversed(made[at:until]))
        return bytes(made)


def _seeds(count: int, number: int) -> tuple[list[Made], list[bytes]]:
    """Drawn in a process of their own: Hypothesis also draws from the constants of all modules that
    are loaded, which differ with the tests that run.
    """
    program = [sys.executable, "-m", "tests.plugins.mail.pile", str(count), str(number)]
    done = subprocess.run(
        program,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        check=True,
    )
    whole, broken = pickle.loads(done.stdout)
    return whole, broken


def _drawn(strategy: st.SearchStrategy[T], count: int, number: int) -> list[T]:
    found: list[T] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(one: T) -> None:
        found.append(one)

    draw()
    return found


def report(sent: str, to: str) -> bytes:
    """What a mail system says of a mail that it could not deliver (RFC 3464)."""
    return (
        f"Return-Path: <>\nFrom: MAILER-DAEMON@mx.kunde.test\nTo: {US}\n"
        "Subject: Undelivered Mail Returned to Sender\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="r"\n\n'
        "--r\n\nIt could not be delivered.\n"
        "--r\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.kunde.test\n\n"
        f"Final-Recipient: rfc822; {to}\nAction: failed\nStatus: 5.1.1\n"
        f"--r\nContent-Type: text/rfc822-headers\n\nMessage-ID: {sent}\n--r--\n"
    ).encode()


def mindless(sent: str, to: str, number: int, *, answers: bool) -> bytes:
    """A machine that answers everything, and says in no header that it is one."""
    head = f"From: <{to}>\nTo: {US}\nSubject: Danke\nMessage-ID: <r{number}@kunde.test>\n"
    if answers:
        head += f"In-Reply-To: {sent}\n"
    return f"{head}\nWir haben alles bekommen. Vorgang {number}.\n".encode()


def _write_seeds() -> None:
    count, number = int(sys.argv[1]), int(sys.argv[2])
    drawn = (_drawn(made(), count, number), _drawn(mutated(), count, number))
    sys.stdout.buffer.write(pickle.dumps(drawn))


if __name__ == "__main__":
    _write_seeds()
