"""What agents write in the thread of a case. Only the lines of who has it go to the customer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bot.desk import CommandResult, Edit, Line, Unsend
from bot.messages import Attachment, State
from bot.ports import Retry, Row, Tx
from bot.store import lines
from bot.store.codec import unstamp
from plugins.slack import blocks_lines, marks
from plugins.slack import desk_ledger as ledger
from plugins.slack.blocks import customer_of, holder_of
from plugins.slack.desk_cards import Cards
from plugins.slack.desk_files import take_files
from plugins.slack.desk_ledger import Place
from plugins.slack.desk_people import agent_of, user_of
from plugins.slack.desk_wire import (
    Raw,
    command_of,
    is_all_internal,
    is_internal,
    plain,
    sent_by_menu,
    time_of,
    users_in,
    without_mark,
)
from plugins.slack.events import Event, EventKind, Watched
from plugins.slack.office import Door, Office

log = logging.getLogger(__name__)
NOTE = ":note"
"""After a message's command: the note that it was kept as."""
_WHY_INSIDE = {
    "not_taken": "kept_inside",
    "taken_by": "kept_inside_taken",
    "case_closed": "kept_inside_closed",
    "explicit": "kept_inside_explicit",
    "edited": "kept_inside_edited",
    "marked": "kept_inside_marked",
    "written_before": "kept_inside_early",
}
"""The words for why a line stays inside, where its own first line does not say so."""
_EACH_TIME = frozenset({"edited", "marked", "written_before"})
"""Somebody meant these for the customer; the others are said once."""
_WORTH_UNDOING = 0.5  # seconds; a button for less is gone before it is seen
_WRITTEN = frozenset({EventKind.MESSAGE, EventKind.EDIT, EventKind.DELETE})


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody wrote in a thread."""

    place: Place
    ts: str
    user: str
    agent: str
    text: str
    attachments: tuple[Attachment, ...] = ()
    sent: str = ""  # what is added to the command where the message's menu sends it

    @property
    def command(self) -> str:
        """The command that the message is."""
        return command_of(self.place.channel, self.ts) + self.sent


class Threads:
    """Takes what is written in threads of cases. An :class:`plugins.slack.events.EventHandler`.

    ``channels`` are those that have, or may have, cases.
    """

    def __init__(self, door: Door, channels: set[str]) -> None:
        self._door = door
        self._channels = channels
        self._hinted: set[tuple[int, str, str]] = set()

    def wants(self, event: Event) -> bool:
        """Whether it was written in a thread of a channel with cases."""
        return event.kind in _WRITTEN and bool(event.thread_ts) and event.channel in self._channels

    async def watched(self) -> Sequence[Watched]:
        """The threads of open cases, the latest first."""
        places = await self._door.office.commands.store.read(ledger.open_cases)
        return [Watched(place.channel, place.ts, place.ts) for place in places]

    async def handle(self, event: Event) -> None:
        """Apply it. Raises Retry."""
        office = self._door.office
        place = await office.commands.store.read(
            lambda tx: ledger.case_at(tx, event.channel, event.thread_ts)
        )
        if place is None:
            if await office.commands.store.read(partial(ledger.is_posting, channel=event.channel)):
                raise Retry(0.3, "posting")  # somebody is quicker than our own note of the card
            await _moved(office, event)
            return  # a thread of the people's own
        match event.kind:
            case EventKind.MESSAGE:
                await self._wrote(office, place, event)
            case EventKind.EDIT:
                await self._edited(office, place, event)
            case _:
                await self._deleted(office, place, event)

    async def _wrote(self, office: Office, place: Place, event: Event) -> None:
        if not await office.people.belongs(event.user, place.channel):
            log.warning("slack desk: a stranger wrote", extra={"case": place.case})
            return
        files, bad = await take_files(office, event.files)
        text = await read(office, event.raw or {"text": event.text})
        agent = await office.people.agent(event.user, office.commands)
        said = Said(place, event.ts, event.user, agent, without_mark(text), files)
        why = _why_inside(office, text)
        if bad or why is not None:
            await self.keep(office, said)
            await self._say_bad(office, said, bad, internal=is_internal(text))
            if why and not bad:
                await self._hint(office, said, why)
            return
        result = await office.commands.accept(
            Line(
                said.command,
                place.case,
                agent,
                said.text,
                said.attachments,
                at=time_of(said.ts),
            )
        )
        await self._after(office, said, result)

    async def _after(self, office: Office, said: Said, result: CommandResult) -> None:
        if result.done:
            await accepted(office, said, result)
            return
        code = (result.reason or "").partition(":")[0]
        await self.keep(office, said)
        if code in _WHY_INSIDE:
            await self._hint(office, said, code)
            return
        words = f"{office.why(result.reason)} {office.words('all_or_nothing')}"
        if code == "empty":
            words = office.words("nothing_to_send")
        await office.people.tell(said.user, said.place.channel, said.place.ts, words)

    async def keep(self, office: Office, said: Said) -> None:
        """Keep a message as a note, and show at once that it is one, be there words or not."""
        await office.commands.accept(
            Line(
                said.command + NOTE,
                said.place.case,
                said.agent,
                said.text,
                said.attachments,
                internal=True,
            )
        )
        await mark(office, said.place, said.ts, marks.INTERNAL)

    async def _say_bad(
        self, office: Office, said: Said, bad: dict[str, str], *, internal: bool
    ) -> None:
        if not bad:
            return
        why = [
            office.words("bad_file", name=name, why=office.why(code)) for name, code in bad.items()
        ]
        if not internal:
            why.append(office.words("all_or_nothing"))
        await office.people.tell(said.user, said.place.channel, said.place.ts, "\n".join(why))

    async def _hint(self, office: Office, said: Said, why: str) -> None:
        """Say to whom it may surprise why a line stays inside."""
        key = (said.place.case, said.user, why)
        if key in self._hinted and why not in _EACH_TIME:
            return
        self._hinted.add(key)
        case = await office.case(said.place.case)
        agent = holder_of(case) if case is not None else ""
        words = office.words(_WHY_INSIDE[why], agent=agent or "–")
        await office.people.tell(said.user, said.place.channel, said.place.ts, words)

    async def _edited(self, office: Office, place: Place, event: Event) -> None:
        text = await read(office, event.raw or {"text": event.text})
        if is_internal(text):
            await self._withdraw(office, place, event, text)
            return
        line = await _line(office, place, event.ts)
        agent = agent_of(event.user)
        result = await office.commands.accept(
            Edit(f"slack-edit:{event.key}", place.case, agent, line, text)
        )
        code = (result.reason or "").partition(":")[0]
        if code == "no_such_line":
            await self._note_again(office, place, event, text)
            case = await office.case(place.case)
            if case is not None and case.agent == agent:
                said = Said(place, event.ts, event.user, agent, text)
                await self._hint(office, said, "edited")
        elif code:
            words = office.words("corrected") if code == "corrected" else office.why(result.reason)
            await office.people.tell(event.user, place.channel, place.ts, words)

    async def _note_again(self, office: Office, place: Place, event: Event, text: str) -> None:
        """A note was changed: what is kept says so too."""
        command = f"{command_of(place.channel, event.ts)}{NOTE}:{event.at}"
        agent = agent_of(event.user)
        await office.commands.accept(Line(command, place.case, agent, text, internal=True))

    async def _withdraw(self, office: Office, place: Place, event: Event, text: str) -> None:
        """A line became a note by its edit: what went out is taken back where it can be."""
        await self._deleted(office, place, event)
        await self._note_again(office, place, event, without_mark(text))

    async def _deleted(self, office: Office, place: Place, event: Event) -> None:
        line, rows = await office.commands.store.read(lambda tx: line_of(tx, place, event.ts))
        if not rows:
            return
        # A history shows that a message is gone, not whose it was; nobody else can delete it.
        agent = agent_of(event.user) if event.user else str(rows[0]["name"])
        user = user_of(agent)
        result = await office.commands.accept(
            Unsend(f"slack-delete:{event.key}", place.case, agent, line)
        )
        code = (result.reason or "").partition(":")[0]
        if result.done:
            return
        words = office.words("cannot_unsend") if code == "cannot_unsend" else office.why(code)
        await office.people.tell(user, place.channel, place.ts, words)
        if event.kind is EventKind.DELETE:
            await self._stands(office, place, event.ts)

    async def _stands(self, office: Office, place: Place, ts: str) -> None:
        """The customer still has it: so it must stay to be seen in the thread."""
        case = await office.case(place.case)
        if case is None:
            return
        store = office.commands.store
        rows = await store.read(lambda tx: ledger.lines_at(tx, place.channel, ts))
        for row in rows:
            found = await office.line(case, row["line"])
            if found is not None and found.state is not State.CANCELLED:
                await Cards(office).again(case, found)


async def _moved(office: Office, event: Event) -> None:
    """Say where a case is whose card was deleted: its old thread may still be written in."""
    case = await office.commands.store.read(
        lambda tx: ledger.case_before(tx, event.channel, event.thread_ts)
    )
    if case is None or event.kind is not EventKind.MESSAGE:
        return
    await mark(office, Place(case, event.channel, event.thread_ts), event.ts, marks.INTERNAL)
    words = office.words("card_moved", case=case)
    await office.people.tell(event.user, event.channel, event.thread_ts, words)


def _why_inside(office: Office, text: str) -> str | None:
    """Why a message stays inside, whoever has the case; empty where it says so itself."""
    if is_internal(text):
        return "" if is_all_internal(text) else "marked"
    return "explicit" if office.settings.reply_mode == "explicit" else None


async def _line(office: Office, place: Place, ts: str) -> str:
    """What names the line that a message is."""
    command, _ = await office.commands.store.read(lambda tx: line_of(tx, place, ts))
    return command


def line_of(tx: Tx, place: Place, ts: str) -> tuple[str, list[Row]]:
    """The line that a message became last, by its command, with its rows.

    Each time that the menu sends it, it is another one.
    """
    command = command_of(place.channel, ts)
    found, number = (command, lines.rows_of(tx, place.case, command)), 0
    while rows := lines.rows_of(tx, place.case, name := command + sent_by_menu(number)):
        found, number = (name, rows), number + 1
    return found


async def accepted(office: Office, said: Said, result: CommandResult) -> None:
    """A line goes to the customer: show it at once, and offer to stop it."""
    place = said.place

    def queued(tx: Tx) -> float:
        rows = lines.rows_of(tx, place.case, result.line or "")
        if not ledger.lines_at(tx, place.channel, said.ts):  # nothing later is known yet
            ledger.want_mark(tx, place.channel, said.ts, marks.EMOJI[State.QUEUED])
        return min((_left(office, row) for row in rows), default=0.0)

    left = await office.commands.store.write(queued)
    office.marks.ring()
    case = await office.case(place.case)
    if left >= _WORTH_UNDOING and case is not None:
        shown = blocks_lines.undo(
            place.case, said.command, customer_of(case, office.words), office.words
        )
        await office.people.tell(said.user, place.channel, place.ts, shown)


def _left(office: Office, row: Row) -> float:
    """Seconds in which a row can be stopped."""
    if not lines.waits(row):
        return 0.0
    return (unstamp(row["not_before"]) - office.clock()).total_seconds()


async def mark(office: Office, place: Place, ts: str, emoji: str) -> None:
    """Give a message a reaction."""
    await office.commands.store.write(lambda tx: ledger.want_mark(tx, place.channel, ts, emoji))
    office.marks.ring()


async def read(office: Office, raw: Raw) -> str:
    """The words of a message, with names for who is mentioned. Raises Retry."""
    names = {user: await office.people.name(user, office.commands) for user in users_in(raw)}
    # Customers learn no surnames.
    return plain(raw, lambda user: names.get(user, "").partition(" ")[0])
