"""One mailbox: watched in a thread of its own, and every new mail of it taken once.

The ledger decides what is new, not a flag and not a position: after a lost connection, a restart or
a folder that was made anew, all UIDs are compared with it. Flags and moves come after the commit.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any, ParamSpec, TypeVar

from imap_tools.errors import ImapToolsError

from bot.pacing import backoff
from bot.ports import Inbox, Refused, Row, Tx
from bot.store import StoreError
from bot.store.audit import raise_alarm
from bot.store.codec import unstamp
from plugins.mail.line import Line
from plugins.mail.oauth import TokenRefused, Tokens, TokenUnavailable
from plugins.mail.receiving import ledger
from plugins.mail.receiving.hard import Hard
from plugins.mail.receiving.imap import FAULTS, Folder, LoginRefused, NoFolder, Session
from plugins.mail.receiving.intake import Intake
from plugins.mail.receiving.ledger import Source
from plugins.mail.receiving.seen import Fetched
from plugins.mail.settings import Mailbox as Box
from plugins.mail.settings import MailSettings

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
_LONGEST_PAUSE = 300.0  # seconds between two attempts to connect
_REFUSED = 6  # attempts that a refused login counts for: a provider locks who tries too often
_LOOKS_FULLY = 3600.0  # seconds between two comparisons with the whole ledger
_AT_ONCE = 500  # mails of a folder; then the others are looked at
_QUIET = timedelta(hours=1)
_DAY = timedelta(days=1)


class Mailbox:
    """Runs until cancelled; leaves no thread and no socket."""

    def __init__(
        self,
        *,
        settings: MailSettings,
        box: Box,
        inbox: Inbox,
        intake: Intake,
        line: Line,
        tokens: Tokens | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings, self._box, self._inbox = settings, box, inbox
        self._intake, self._line, self._tokens, self._clock = intake, line, tokens, clock
        self._hard = Hard()
        self._shut: set[str] = set()  # folders that the server did not open
        self._from: dict[str, tuple[int, int, float]] = {}  # folder: validity, UID, when compared
        self._refused_token: str | None = None

    async def run(self) -> None:
        """Connect, read, wait for news; anew after every fault."""
        self._line.opened()
        attempt = 0
        while True:
            worked = asyncio.Event()
            try:
                await self._serve(worked)
            except LoginRefused:
                self._line.failed("the server refuses the login", lasting=True)
                await self._alarm("mail_login_refused", {"mailbox": self._box.name}, _DAY)
                attempt = max(attempt, _REFUSED)
            except TokenRefused as error:
                self._line.failed(f"the provider gives no token ({error.code})", lasting=True)
            except TokenUnavailable as error:
                self._line.failed(str(error))
            except FAULTS as error:
                self._line.failed(f"{self._box.imap.host}: {type(error).__name__}")
            except Refused as refused:
                self._line.failed(f"a mail cannot be stored ({refused.reason})")
            except StoreError:
                self._line.failed("the store fails")
            except Exception:  # the edge: whatever it is, mails go on after it
                log.exception("mailbox failed", extra={"mailbox": self._box.name})
                self._line.failed("an error of the bot's own; see the log")
            attempt = 1 if worked.is_set() else attempt + 1
            await asyncio.sleep(backoff(attempt, cap=_LONGEST_PAUSE).total_seconds())

    async def _serve(self, worked: asyncio.Event) -> None:
        session = Session(self._box.imap, self._settings.timeout)
        thread = ThreadPoolExecutor(1, thread_name_prefix=f"imap-{self._box.name}")
        visit = _Visit(session, thread)
        try:
            await self._log_in(visit)
            self._from.clear()  # after a new connection everything is compared
            while True:
                news = False
                for name in self._box.folders:
                    news |= await self._look(visit, name)
                self._line.works()
                worked.set()
                if not news:
                    await self._wait(visit)
        finally:
            await visit.close()

    async def _log_in(self, visit: _Visit) -> None:
        box = self._box
        if self._tokens is None:
            secret = box.password.get_secret_value() if box.password else ""
        else:
            secret = await self._tokens.access(refused=self._refused_token)
        try:
            await visit.call(visit.session.open, box.login, secret, token=self._tokens is not None)
        except LoginRefused:
            if self._tokens is not None and self._refused_token != secret:
                # Revoked before its end, or another server's clock: a new one is worth one try.
                self._refused_token = secret
                raise OSError("token refused") from None
            raise

    async def _wait(self, visit: _Visit) -> None:
        """Until there may be something new: IDLE in the first folder, or a pause."""
        box, pause = self._box, self._settings.poll_seconds
        if box.folders[0] in self._shut:  # no server tells of news in a folder that is not open
            await asyncio.sleep(pause)
            return
        if box.idle and await visit.call(visit.session.can, "IDLE"):
            several = len(box.folders) > 1
            if several:
                try:
                    await visit.call(visit.session.select, box.folders[0])
                except NoFolder:
                    await asyncio.sleep(pause)
                    return
            seconds = self._settings.idle_minutes * 60
            await visit.call(visit.session.idle, min(seconds, pause) if several else seconds)
            return
        await asyncio.sleep(pause)
        await visit.call(visit.session.check)

    async def _look(self, visit: _Visit, name: str) -> bool:
        """Import what is new in a folder; True: something was, and more may be."""
        try:
            folder = await visit.call(visit.session.select, name)
        except NoFolder:
            self._shut.add(name)
            self._line.note(name, f"the folder '{name}' cannot be opened")
            return False
        self._shut.discard(name)
        self._line.note(name, "")
        start = await self._start(visit, name, folder)
        known_to = self._from.get(name)
        now = asyncio.get_running_loop().time()
        first, compared = int(start["first_uid"]), now
        if known_to and known_to[0] == folder.uidvalidity and now - known_to[2] < _LOOKS_FULLY:
            first, compared = max(first, known_to[1]), known_to[2]
        new = await self._new(visit, name, folder, start, first)
        for source in self._hard.forget_all_but(new, name, folder.uidvalidity):
            self._line.note(_about(source), "")
        due, taken = self._hard.order(new, name, folder.uidvalidity), 0
        for uid in due[:_AT_ONCE]:
            source = Source(self._box.name, name, folder.uidvalidity, uid)
            taken += await self._import(visit, source, start)
        await self._file(visit, name, folder)
        if len(due) > _AT_ONCE:
            return taken > 0
        if not self._hard.any(name):
            following = max([first, folder.uidnext, *(uid + 1 for uid in new)])
            self._from[name] = (folder.uidvalidity, following, compared)
            if _is_anew(start):
                # What came before was looked at; from here on any mail that appears is new.
                await self._begin(name, folder.uidvalidity, following, None)
        return taken > 0

    async def _new(
        self, visit: _Visit, name: str, folder: Folder, start: Row, first: int
    ) -> list[int]:
        since: date | None = None
        if _is_anew(start):
            # By day and in the server's time zone, so with a day to spare.
            since = unstamp(start["later_than"]).date() - timedelta(days=1)
        found = await visit.call(visit.session.uids, first, since)
        known = await self._inbox.store.read(
            lambda tx: ledger.imported(tx, self._box.name, name, folder.uidvalidity, first)
        )
        return [uid for uid in found if uid not in known]

    async def _start(self, visit: _Visit, name: str, folder: Folder) -> Row:
        """From where on to import: at the first sight of a folder, and when it was made anew."""
        store, box = self._inbox.store, self._box
        row = await store.read(lambda tx: ledger.folder(tx, box.name, name))
        if row is not None and row["uidvalidity"] == folder.uidvalidity:
            return row
        if row is not None:
            log.warning("UIDVALIDITY changed", extra={"mailbox": box.name})
            return await self._begin(name, folder.uidvalidity, 1, None)
        if box.since is not None:
            after = datetime.combine(box.since, time.min, UTC) - timedelta(microseconds=1)
            return await self._begin(name, folder.uidvalidity, 1, after)
        newest = await visit.call(visit.session.newest) if folder.mails else None
        last, came = newest or (0, datetime(1970, 1, 1, tzinfo=UTC))
        # The lower one: a mail may come in between, and a server may tell a UIDNEXT that is none.
        following = min(folder.uidnext or last + 1, last + 1) if newest else folder.uidnext or 1
        return await self._begin(name, folder.uidvalidity, following, came)

    async def _begin(
        self, name: str, uidvalidity: int, first: int, later_than: datetime | None
    ) -> Row:
        def work(tx: Tx) -> Row | None:
            ledger.begin_at(tx, self._box.name, name, uidvalidity, first, later_than)
            return ledger.folder(tx, self._box.name, name)

        made = await self._inbox.store.write(work)
        if made is None:
            raise LookupError(name)
        return made

    async def _import(self, visit: _Visit, source: Source, start: Row) -> bool:
        self._hard.begin(source)
        try:
            fetched = await self._fetch(visit, source, start)
            outcome = await self._intake.take(fetched, self._box) if fetched else ""
        except (StoreError, Refused):
            self._hard.over(source)  # not its fault
            raise
        except ImapToolsError:
            log.warning("mail not given", extra={"mailbox": source.mailbox, "uid": source.uid})
            await self._tell(source)
            return False
        except FAULTS:
            await self._tell(source)
            raise
        except Exception:  # the edge: the mails behind it are waited for
            log.exception("mail not taken", extra={"mailbox": source.mailbox, "uid": source.uid})
            await self._tell(source)
            return False
        self._hard.over(source)
        self._line.note(_about(source), "")
        if fetched is None:
            return False
        log.info("mail", extra={"mailbox": source.mailbox, "uid": source.uid, "outcome": outcome})
        return True

    async def _fetch(self, visit: _Visit, source: Source, start: Row) -> Fetched | None:
        """``None``: there is nothing to import, for it was deleted or came too early."""
        described = await visit.call(visit.session.describe, source.uid)
        if described is None:
            return None
        if _is_anew(start) and described.arrived <= unstamp(start["later_than"]):
            return None
        limit = self._settings.max_bytes
        if self._hard.given_up(source):
            limit = 0  # the headers at least
        raw = await visit.call(visit.session.fetch, source.uid, described.size, limit)
        if raw is None:
            return None
        size = described.size
        if size <= limit:  # counted by a server that may count otherwise, or not at all
            size = len(raw) if size or len(raw) < limit else limit + 1
        return Fetched(source, raw, size)

    async def _tell(self, source: Source) -> None:
        """One that fails again and again is told to operators; it is tried again all the same."""
        if not self._hard.given_up(source):
            return
        facts = {"mailbox": source.mailbox, "folder": source.folder, "uid": source.uid}
        self._line.note(_about(source), f"{_about(source)} cannot be imported")
        await self._alarm("mail_unreadable", facts, _QUIET)

    async def _alarm(self, kind: str, facts: Mapping[str, Any], quiet: timedelta) -> None:
        now = self._clock()
        with suppress(StoreError):  # told again at the next attempt
            await self._inbox.store.write(
                lambda tx: raise_alarm(tx, kind, facts, now, quiet=quiet, same=("mailbox",))
            )

    async def _file(self, visit: _Visit, name: str, folder: Folder) -> None:
        """Mark or move what was imported and committed."""
        box, store = self._box, self._inbox.store
        mark = partial(ledger.file, mailbox=box.name, name=name, uidvalidity=folder.uidvalidity)
        while uids := await store.read(
            lambda tx: ledger.unfiled(tx, box.name, name, folder.uidvalidity)
        ):
            try:
                if box.mark_seen:
                    await visit.call(visit.session.mark_seen, uids)
                if box.archive is not None:
                    await visit.call(visit.session.move, uids, box.archive)
            except (NoFolder, ImapToolsError) as error:
                self._line.note(f"{name} filing", f"mails stay unmarked in '{name}': {error}")
                return
            self._line.note(f"{name} filing", "")
            await store.write(partial(mark, uids=uids))


def _is_anew(start: Row) -> bool:
    """Whether a folder's mails are told by their date: no UID of it was seen as it is now."""
    return bool(start["first_uid"] == 1)


def _about(source: Source) -> str:
    return f"mail {source.uid} in '{source.folder}'"


class _Visit:
    """A session and the thread that it lives in."""

    def __init__(self, session: Session, thread: ThreadPoolExecutor) -> None:
        self.session, self._thread = session, thread

    async def call(self, work: Callable[P, T], /, *args: P.args, **options: P.kwargs) -> T:
        """Run something of the session's in the thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, partial(work, *args, **options))

    async def close(self) -> None:
        """End what waits there, then the session and the thread."""
        self.session.interrupt()
        with suppress(RuntimeError):
            self._thread.submit(self.session.close)
        await asyncio.shield(asyncio.to_thread(self._thread.shutdown))
