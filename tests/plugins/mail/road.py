"""The whole road of mails: mailboxes at Dovecot, a bot that is restarted, a server for answers.

``Road.travel`` lays mails and lets the bot live a few times; what must be true then is asked of the
results, each by a list of what is wrong.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.messages import Answer, Say, Turn
from bot.ports import Row
from bot.store.codec import attachments_from_json
from bot.testing import RunningBot, ScriptedDialogue
from bot.testing.world import SETTLED
from plugins.mail.parsing.parse import content, parse
from plugins.mail.receiving.ledger import fingerprint
from plugins.mail.testing_servers import MailServers
from plugins.mail.testing_smtp import FaultySmtp, Taken
from tests.plugins.mail.inbox import box, health, mail_bot
from tests.plugins.mail.pile import US, Laid, mindless, report

_INFO = "info@shop.test"
_PLACES = ((US, "INBOX", "support"), (US, "Offen", "support"), (_INFO, "INBOX", "info"))
_PER_DAY = 5
_OWN_ID = re.compile(rb"^Message-ID: <([^<>]+)>", re.MULTILINE)
_KEY = re.compile(r"\[\[([^\]\s]+)\]\]")
_PATIENCE = 0.2  # seconds that a mail may take on a busy machine
_PAUSE = 0.3  # seconds between two looks at tables of thousands of rows
_IMPORTED = "SELECT 1 FROM mail_imports GROUP BY 1 HAVING count(*) >= :wanted"


class Answers(ScriptedDialogue):
    """Answers whatever it is asked, surely, and names the turn."""

    async def _answer(self, turn: Turn) -> Answer:
        self.replies[turn.text] = Answer((Say(text=f"[[{turn.key}]]\n{turn.text[:200]}"),))
        try:
            return await super()._answer(turn)
        finally:
            del self.replies[turn.text]


class Errors(logging.Handler):
    """Keeps what was logged as an error, or with an exception."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or record.exc_info:
            self.found.append(logging.Formatter().format(record))


@contextmanager
def errors_kept() -> Iterator[Errors]:
    handler = Errors()
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # of aiosmtpd: it warns of itself
    logging.getLogger().addHandler(handler)
    try:
        yield handler
    finally:
        logging.getLogger().removeHandler(handler)


@dataclass
class Reactions:
    """What customers' servers and machines send back: reports, and answers to answers.

    Of so many senders (``every``) one has a mailbox that is gone, and one a machine that answers
    all it gets, and says in no header that it is one; every other of these begins a new thread.
    """

    servers: MailServers
    every: int = 12
    most: int = 400
    laid: list[Laid] = field(default_factory=list)
    bounced: set[str] = field(default_factory=set)

    def __call__(self, taken: Taken) -> None:
        to, own = taken.recipients[0], _OWN_ID.search(taken.content)
        assert own is not None
        kind = zlib.crc32(to.encode()) % (2 * self.every)
        if len(self.laid) >= self.most:
            return
        if kind == 0:
            self.bounced.add(own[1].decode())
            self._lay(Laid(report(f"<{own[1].decode()}>", to), "bounce", machine=True))
        elif kind in (1, 2):
            raw = mindless(f"<{own[1].decode()}>", to, len(self.laid), answers=kind == 1)
            self._lay(Laid(raw, "mindless"))

    def _lay(self, one: Laid) -> None:
        self.laid.append(one)
        self.servers.put(US, one.raw)


@dataclass
class Road:
    """``folder`` is the bot's; ``smtp`` takes what it sends."""

    servers: MailServers
    smtp: FaultySmtp
    folder: Path
    mails: Sequence[Laid] = field(repr=False)
    lives: int
    dialogue: Answers = field(default_factory=Answers)
    seconds: float = 0.0
    in_time: bool = False
    trouble: list[str] = field(default_factory=list)
    """What ``/health`` said at the end."""

    def __post_init__(self) -> None:
        self.reactions = Reactions(self.servers)
        self.smtp.then = self.reactions

    @property
    def laid(self) -> list[Laid]:
        return [*self.mails, *self.reactions.laid]

    @asynccontextmanager
    async def travel(self) -> AsyncIterator[Journey]:
        """Live several times, and be asked at the end of the last life."""
        began = time.monotonic()
        for number in range(self.lives):
            mails = self.mails[number :: self.lives]
            half = len(mails) // 2
            await asyncio.to_thread(self._lay, mails[:half])
            async with self._bot() as bot:
                await asyncio.to_thread(self._lay, mails[half:])
                if number < self.lives - 1:
                    await self._imported(bot, (number + 1 - 0.4) / self.lives)
                if number == 0:
                    await asyncio.to_thread(self._made_anew)
                if number == self.lives - 1:
                    await self._all_done(bot)
                    self.seconds = time.monotonic() - began
                    line = await health(bot)
                    self.trouble = [] if line["ok"] else [line["detail"]]
                    yield await Journey.of(bot, self)

    def _bot(self) -> Any:
        out = {"host": "localhost", "port": self.smtp.port, "tls": "none"}
        support = box(self.servers, "support", since="2020-01-01", folders=["INBOX", "Offen"])
        boxes = (
            {**support, "smtp": out},
            {**box(self.servers, "info", since="2020-01-01"), "smtp": out},
        )
        return mail_bot(
            self.folder,
            *boxes,
            dialogue=self.dialogue,
            automatic_per_day=_PER_DAY,
            idle_minutes=0.1,
        )

    def _lay(self, mails: Sequence[Laid]) -> None:
        for number, one in enumerate(mails):
            # Copies lie anywhere; a thread's mails in order in one place.
            place = _PLACES[number % 3] if one.kind == "copy" else _PLACES[0]
            self.servers.put(place[0], one.raw, place[1])

    def _made_anew(self) -> None:
        """The server comes back with another UIDVALIDITY: no UID is what it was."""
        self.servers.stop_imap()
        for file in self.servers.maildir(US).glob("dovecot*"):
            file.unlink()
        self.servers.start_imap()

    async def _imported(self, bot: RunningBot, part: float) -> None:
        wanted = int(len(self.mails) * part)
        await self._until(lambda: bot.rows(_IMPORTED, wanted=wanted))

    async def _all_done(self, bot: RunningBot) -> None:
        async def done() -> bool:
            return await self._all_imported(bot) and bool(await bot.rows(SETTLED))

        self.in_time = await self._until(done)

    async def _until(self, done: Callable[[], Awaitable[object]]) -> bool:
        """Whether it was so in time: where it was not, the results tell why."""
        until = time.monotonic() + 60 + len(self.mails) * _PATIENCE
        while not await done():
            if time.monotonic() > until:
                return False
            await asyncio.sleep(_PAUSE)
        return True

    async def _all_imported(self, bot: RunningBot) -> bool:
        for address, folder, name in _PLACES:
            lying = sum(1 for _ in self.servers.maildir(address, folder).glob("[nc][eu][wr]/*"))
            (row,) = await bot.rows(
                "SELECT count(*) AS n FROM mail_imports i JOIN mail_folders f ON "
                "f.mailbox = i.mailbox AND f.folder = i.folder AND f.uidvalidity = i.uidvalidity "
                "WHERE i.mailbox = :name AND i.folder = :folder",
                name=name,
                folder=folder,
            )
            if row["n"] < lying:
                return False
        return True


@dataclass
class Journey:
    """What became of everything. Each method lists what is wrong."""

    road: Road
    imports: list[Row]
    inbox: Mapping[str, Row]
    turns: Mapping[str, Row]
    outbox: list[Row]
    kept: Mapping[str, Path]

    @classmethod
    async def of(cls, bot: RunningBot, road: Road) -> Journey:
        imports = await bot.rows("SELECT * FROM mail_imports")
        inbox = await bot.rows("SELECT * FROM inbox WHERE channel = 'mail'")
        turns = await bot.rows("SELECT * FROM turns")
        outbox = await bot.rows("SELECT * FROM outbox WHERE target = 'channel:mail'")
        kept = {row["file"]: bot.files.path(row["file"]) for row in imports if row["file"]}
        return cls(
            road,
            imports,
            {row["wire_id"]: row for row in inbox},
            {row["key"]: row for row in turns},
            outbox,
            {file: path for file, path in kept.items() if path is not None},
        )

    def lost(self) -> list[str]:
        """Mails that are not imported, not kept byte for byte, or not shown with all they say."""
        known = {row["hash"] for row in self.imports}
        wrong = []
        for one in self.road.laid:
            mark = fingerprint(one.fetched)
            if mark.content not in known and mark.raw not in self.kept:
                wrong.append(f"not imported: {one.kind} {one.raw!r}")
            elif mark.raw in self.kept:
                if self.kept[mark.raw].read_bytes() != one.fetched:
                    wrong.append(f"not kept as it was: {one.kind} {one.raw!r}")
                if said := self._unsaid(one, mark.content):
                    wrong.append(f"not shown: {said} of {one.kind} {one.raw!r}")
        return wrong

    def unseen(self) -> list[str]:
        """Mails that are neither in the inbox nor of a kind that need not be."""
        return [
            f"{row['outcome']}: UID {row['uid']}"
            for row in self.imports
            if row["outcome"] not in ("duplicate", "own") and row["hash"] not in self.inbox
        ]

    def _unsaid(self, one: Laid, wire_id: str) -> list[object]:
        """What of a mail is neither in its message nor in one of the message's files."""
        row = self.inbox.get(wire_id)
        if row is None:
            return []
        named, there = attachments_from_json(row["attachments"]), parse(one.fetched).parts
        if len(named) < len(there) and named[-1:] and named[-1].error != "file_too_many":
            return [f"{len(there) - len(named)} files"]
        text, data = _files(one.fetched)
        text = f"{row['text']}\n{row['folded']}\n{text}"
        return [each for each in one.markers if each not in text] + [
            each for each in one.files if each not in data
        ]

    def unanswered(self) -> list[str]:
        """Messages of people that nobody has or had."""
        wrong = []
        for row in self.inbox.values():
            if row["kind"] == "automatic" or row["status"] == "case":
                continue
            turn = self.turns.get(row["turn"] or "")
            if turn is None or turn["status"] not in ("done", "handed"):
                wrong.append(f"{row['id']} {row['status']}: {dict(turn or {})}")
        return wrong

    def answered_wrongly(self) -> list[str]:
        """Answers that came twice, to machines, or to a thread more often than it may."""
        keys = Counter(key for one in self.road.smtp.taken for key in _KEY.findall(_text(one)))
        wrong = [f"answered {count} times: {key}" for key, count in keys.items() if count > 1]
        ids = Counter(one.mail["Message-ID"] for one in self.road.smtp.taken)
        wrong += [f"sent {count} times: {key}" for key, count in ids.items() if count > 1]
        taken_by = Counter(row["turn"] for row in self.inbox.values() if row["turn"])
        wrong += [f"in {count} messages: {key}" for key, count in taken_by.items() if count > 1]
        for one in self.road.laid:
            row = self.inbox.get(fingerprint(one.fetched).content)
            if one.machine and one.kind != "copy" and row is not None and row["turn"] in keys:
                wrong.append(f"a machine was answered: {dict(row)} {one.kind} {one.raw!r}")
        automatic: defaultdict[int, int] = defaultdict(int)
        for row in self.outbox:
            automatic[row["conversation"]] += row["sent_at"] is not None
        return wrong + [
            f"{count} answers to one thread: {key}"
            for key, count in automatic.items()
            if count > _PER_DAY
        ]

    def uidvalidities(self) -> Mapping[tuple[str, str], int]:
        """How many each folder had."""
        each = {(row["mailbox"], row["folder"], row["uidvalidity"]) for row in self.imports}
        return Counter((mailbox, folder) for mailbox, folder, _ in each)

    def answers(self) -> int:
        """How many mails went out."""
        return len(self.road.smtp.taken)

    def broken(self) -> list[str]:
        """Rows of the outbox that did not go as they should."""
        bounced = self.road.reactions.bounced
        return [
            f"{row['state']} {row['reason']}: {row['id']}"
            for row in self.outbox
            if row["state"] not in ("sent", "draft", "cancelled")
            and not (row["state"] == "failed" and row["vendor_id"] in bounced)
        ]

    def not_failed(self) -> list[str]:
        """Mails that came back, and are not marked so."""
        failed = {row["vendor_id"] for row in self.outbox if row["state"] == "failed"}
        return sorted(self.road.reactions.bounced - failed)


def _text(taken: Taken) -> str:
    body = taken.mail.get_body(("plain",))
    return "" if body is None else str(body.get_content())


def _files(raw: bytes, depth: int = 0) -> tuple[str, list[bytes]]:
    """The files of a mail and of the mails among them, and what stands in all of these."""
    parts = parse(raw).parts
    found = [content(raw, part.index) for part in parts]
    texts = [data.decode("latin-1") for data in found]
    for part, data in zip(parts, list(found), strict=True):
        if part.content_type == "message/rfc822" and depth < 12:
            text, more = _files(data, depth + 1)
            texts += [parse(data).text, text]
            found += more
    return "\n".join(texts), found
