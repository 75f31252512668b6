"""Shows cases and lines: cards in place, threads under them, and what became of each line."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial

from bot.desk import Case, CaseLine, HistoryLine
from bot.messages import Author, State
from bot.ports import Retry, Row, Tx
from bot.store import drafts, lines
from plugins.slack import blocks_lines, blocks_trouble, marks
from plugins.slack import desk_ledger as ledger
from plugins.slack.blocks import Shown, card, changes_at
from plugins.slack.desk_files import send_files
from plugins.slack.desk_ledger import Place
from plugins.slack.desk_wire import message_of
from plugins.slack.errors import MEND_SECONDS, MENDABLE, SlackRefused
from plugins.slack.office import Office

log = logging.getLogger(__name__)
_BEFORE = 60  # lines of the history that the transcript looks at
_ARRIVED = frozenset({State.SENT, State.DELIVERED, State.READ})
_TROUBLE = frozenset({State.FAILED, State.UNKNOWN})
_CHANGES_WAITING = frozenset({Author.CUSTOMER, Author.AGENT})
"""With what these say a customer begins to wait for a person, or has waited."""
_UNANSWERED = frozenset({State.FAILED, State.CANCELLED})
_DECIDED = frozenset({drafts.SENT, drafts.DROPPED})
_UNSAID = frozenset({State.QUEUED, State.SENDING, State.DRAFT})


class CardGone(Retry):
    """Somebody deleted the card of a thread: there is another one for the next try."""


@dataclass(frozen=True)
class Cards:
    """The outbox's side of the desk."""

    office: Office

    async def show(self, case: Case) -> Place:
        """Make or update the card. Raises Retry or Reject."""
        case = await self.office.veil.case(case)
        place = await self.office.commands.store.read(partial(ledger.place_of, case=case.id))
        channel = self._wanted(case) if place is None else place.channel
        now = self.office.clock()
        shown = card(case, self.office.words, now, reveals=self.office.veil.on)
        is_open = case.state != "closed"
        try:
            # A card that somebody deleted comes again: else its customer would wait unseen.
            ts = await self.office.posts.put(f"case:{case.id}", shown, channel, renew=is_open)
        except SlackRefused as refused:
            if refused.reason not in MENDABLE:
                raise
            usual = self.office.settings.channel
            if place is not None or channel == usual:
                raise Retry(MEND_SECONDS, refused.reason) from refused
            # A rule names a channel that the bot cannot use: no case may get lost by that.
            log.exception("slack desk: no card in the channel that a rule names")
            channel = usual
            ts = await self.office.posts.put(f"case:{case.id}", shown, channel)
        post = await self.office.commands.store.read(
            lambda tx: ledger.post_of(tx, f"case:{case.id}")
        )
        made = Place(case.id, channel if post is None else post["channel"], ts)
        note = partial(
            ledger.has_card,
            place=made,
            is_open=is_open,
            refresh_at=changes_at(case, now),
        )
        await self.office.commands.store.write(note)
        renewed = place is not None and place.ts != ts
        await self._before(case, made, renewed=renewed)
        return made

    def _wanted(self, case: Case) -> str:
        """Where a card is to be: where a rule says, unless customers are there."""
        customers = self.office.app.settings.customers
        if customers is not None and case.place in customers.allowed_channels:
            log.error("slack desk: a rule names a channel of customers", extra={"case": case.id})
            return self.office.settings.channel
        return case.place or self.office.settings.channel

    async def post(self, post: CaseLine) -> str:
        """Show a line in the case's thread. Raises Retry or Reject."""
        case = await self.office.case(post.case)
        if case is None:
            return ""
        place = await self.place(case)
        line = await self.office.veil.line(case, post.line)
        store = self.office.commands.store
        row = await store.read(lambda tx: ledger.line_row(tx, line.id))
        own = message_of(line.command)
        if row is not None:
            ts = str(row["ts"])
        elif own is not None and own[0] == place.channel:
            ts = own[1]  # the agent's own message, which stands there already
        else:
            shown = blocks_lines.line_message(case, line, self.office.words)
            try:
                ts = await self._put(f"line:{line.id}", shown, place)
            except CardGone:
                await self._renew(case)
                raise
        now = self.office.clock()

        def note(tx: Tx) -> None:
            ledger.note_line(tx, place, line, ts)
            if line.author in _CHANGES_WAITING:
                ledger.refresh_at(tx, case.id, now)

        await store.write(note)
        await self._mark(place, ts, line.id, line.author)
        if own is None:
            await send_files(self.office, place, line)
        await self._trouble(case, place, line, ts)
        return ts

    async def mark(self, line: str, state: State, reason: str | None) -> None:
        """Show what became of a line."""
        store = self.office.commands.store
        now = self.office.clock()

        def note(tx: Tx) -> Row | None:
            known = ledger.set_state(tx, line, state, reason)
            if known is not None and state in _UNANSWERED:
                ledger.refresh_at(tx, known["case_id"], now)
            return known

        row = await store.write(note)
        if row is None:
            return  # not posted yet; when it is, it has its state
        place = Place(row["case_id"], row["channel"], "")
        if reason not in _DECIDED:  # a message that says who decided needs no mark
            await self._mark(place, row["ts"], line, Author(row["author"]))
        await self._told(row, state, reason)

    async def place(self, case: Case) -> Place:
        """Where the card is; it is made where there is none yet."""
        place = await self.office.commands.store.read(partial(ledger.place_of, case=case.id))
        return await self.show(case) if place is None else place

    async def again(self, case: Case, line: HistoryLine) -> None:
        """Show a line by a message of its own, as the one that showed it does not any more."""
        place = await self.place(case)
        shown = blocks_lines.line_message(case, line, self.office.words)
        ts = await self._put(f"line:{line.id}", shown, place)

        def moved(tx: Tx) -> None:
            ledger.unplace(tx, line.id)
            ledger.note_line(tx, place, line, ts)

        await self.office.commands.store.write(moved)
        await self._mark(place, ts, line.id, line.author)

    async def _before(self, case: Case, place: Place, *, renewed: bool) -> None:
        """What was said before the case, in one message; once for each card."""
        key = f"before:{case.id}:{place.ts}" if renewed else f"before:{case.id}"
        store = self.office.commands.store
        known = await store.read(lambda tx: ledger.post_of(tx, key))
        if known is not None and known["ts"]:
            return
        later = await store.read(lambda tx: ledger.posts_like(tx, f"{key}:"))
        if later and not renewed:
            return  # the card is not the first one
        said = await self.office.history(case, _BEFORE)
        # A draft has buttons of its own, which a message with many lines has not.
        earlier = [
            line
            for line in said
            if renewed or (line.at <= case.opened_at and line.state is not State.DRAFT)
        ]
        if earlier:
            shown = blocks_lines.transcript(case, earlier, self.office.words)
            await self._put(key, shown, place)

        def note(tx: Tx) -> None:
            if not earlier:
                ledger.attempt(tx, key, place.channel, place.ts, self.office.clock())
                ledger.posted(tx, key, "-", "")
            for line in earlier:
                if line.channel is not None:
                    continue  # it belongs to the thread of another case, or will
                ledger.note_line(tx, place, line, "")

        await store.write(note)

    async def _put(self, key: str, shown: Shown, place: Place) -> str:
        try:
            return await self.office.posts.once(key, shown, place.channel, place.ts)
        except SlackRefused as refused:
            if refused.error == "thread_not_found":
                raise CardGone(0.5, "card_gone") from refused
            if refused.reason in MENDABLE:
                raise Retry(MEND_SECONDS, refused.reason) from refused
            raise

    async def _renew(self, case: Case) -> None:
        """The card was deleted with nothing under it: make it anew."""
        whole = await self.office.commands.case(case.id) or case
        # The card must differ from what the ledger has of it, or nothing would be asked of Slack.
        forget = partial(ledger.forget, key=f"case:{case.id}")
        await self.office.commands.store.write(forget)
        await self.show(whole)

    async def _mark(self, place: Place, ts: str, line: str, author: Author) -> None:
        """Note which reaction a message should have: of all pieces that it went out in."""
        if not ts or author is Author.CUSTOMER:
            return

        def want(tx: Tx) -> None:
            if author is Author.NOTE:
                if not ledger.is_sent(tx, place.channel, ts):
                    ledger.want_mark(tx, place.channel, ts, marks.INTERNAL)
                return
            known = ledger.line_row(tx, line)
            states = {State(row["state"]) for row in lines.rows_of(tx, place.case, line)}
            states = states or {State(known["state"])} if known and known["state"] else states
            state = marks.whole(states)
            if state is not None and (author is Author.AGENT or state not in _UNSAID):
                ledger.want_mark(tx, place.channel, ts, marks.EMOJI[state])

        await self.office.commands.store.write(want)
        self.office.marks.ring()

    async def _told(self, row: Row, state: State, reason: str | None) -> None:
        """Say in words what an agent must know, and take it back when it is over."""
        key = trouble_key(row["channel"], row["ts"], row["line"])
        change = bool(reason) and state in _ARRIVED
        told = await self.office.posts.known(key)
        settled = told and state not in _TROUBLE and not await self._is_in_trouble(row)
        drafted, decided = state is State.DRAFT, reason in _DECIDED
        if not (state in _TROUBLE or change or settled or drafted or decided):
            return
        case = await self.office.case(row["case_id"])
        if case is None:
            return
        line = await self.office.line(case, row["line"])
        if line is None:
            return
        place = await self.place(case)
        if decided:
            shown = blocks_lines.settled(line, self.office.words, str(reason), line.name or "–")
            await self.office.posts.change(f"line:{line.id}", shown)
        if drafted:
            await self._draft(case, line, row["ts"])
        if settled and state in _ARRIVED:
            shown = blocks_lines.settled(line, self.office.words, "arrived", "")
            await self.office.posts.change(key, shown)
        if told and state is State.FAILED:  # until now it was not known
            await self.office.posts.change(key, await self._what_can_be_done(case, line))
        await self._trouble(case, place, line, row["ts"])

    async def _is_in_trouble(self, row: Row) -> bool:
        """Whether a piece of the message that a line is a piece of did not arrive."""
        rows = await self.office.commands.store.read(
            lambda tx: lines.rows_of(tx, row["case_id"], row["line"])
        )
        return any(State(one["state"]) in _TROUBLE for one in rows)

    async def _draft(self, case: Case, line: HistoryLine, ts: str) -> None:
        """What the bot was about to say stays inside now, and an agent may send it."""
        if ts:
            shown = blocks_lines.line_message(case, line, self.office.words)
            await self.office.posts.change(f"line:{line.id}", shown)
        else:
            await self.again(case, line)  # it stands among others, where it would not be seen

    async def _trouble(self, case: Case, place: Place, line: HistoryLine, ts: str) -> None:
        key = trouble_key(place.channel, ts, line.id)
        if line.state in _TROUBLE:
            await self._put(key, await self._what_can_be_done(case, line), place)
        elif line.reason and line.state in _ARRIVED:
            shown = blocks_lines.unchanged(line, self.office.words)
            await self._put(f"{key}:{line.reason}", shown, place)

    async def _what_can_be_done(self, case: Case, line: HistoryLine) -> Shown:
        offers = blocks_trouble.is_for_template(line)
        return blocks_trouble.trouble(
            case.id,
            line,
            self.office.words,
            contact=case.contact or "",
            templates=offers and bool(await self.office.commands.templates(case.id)),
        )


def trouble_key(channel: str, ts: str, line: str) -> str:
    """One for all pieces of a message."""
    return f"trouble:{channel}:{ts}" if ts else f"trouble:{line}"
