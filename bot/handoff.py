"""Who speaks to the customer: cases, the owner, and the commands that change them.

Everything here is one transaction and waits for nothing, so that a take-over works at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bot.clean import clean_text
from bot.desk import (
    Case,
    Close,
    Command,
    CommandResult,
    HandBack,
    HistoryLine,
    Line,
    TakeOver,
)
from bot.inbox import mark_line, post_line, wake_if_waiting
from bot.messages import AGENT_LINE, Answer, Author, Features, Owner, Say, State
from bot.outbox import is_stale
from bot.ports import Files, OrderFacts, Row, Store, Texts, Tx, Unavailable
from bot.rendering import Piece, Renderer
from bot.store import cases, conversations, effects, outbox, turns
from bot.store.codec import Clock, answer_from_dict, decode, new_id, utc_now

# Reasons that an agent should see before others.
URGENT = frozenset({"complaint", "outcome_unknown", "action_failed", "pair_attempts"})
_FACTS_TIMEOUT = 5.0  # seconds
log = logging.getLogger(__name__)


@dataclass(eq=False, kw_only=True)
class Handoff:
    """Opens cases and applies commands.

    ``desk`` tells which desk gets a case for a reason and a language; ``undo_seconds`` is how long
    an agent's line waits before it leaves.
    """

    renderer: Renderer
    desk: Callable[[str, str], str]
    undo_seconds: float = 0.0
    clock: Clock = utc_now

    def __post_init__(self) -> None:
        self._undo = timedelta(seconds=self.undo_seconds)

    def open_case(self, tx: Tx, conversation: Row, reason: str) -> int:
        """Open a case (or return the open one); a bot's conversation waits for a person now."""
        now = self.clock()
        priority = "high" if reason in URGENT else "normal"
        existing = cases.open_case(tx, conversation["id"])
        if existing is not None:
            if priority == "high" and existing["priority"] != "high":
                cases.raise_priority(tx, existing["id"], reason, priority)
            self._show(tx, existing["id"], now)
            return int(existing["id"])
        desk = self.desk(reason, conversation["language"])
        case = cases.insert(
            tx, conversation["id"], desk=desk, reason=reason, priority=priority, now=now
        )
        if conversation["owner"] == Owner.BOT:
            conversations.change_owner(tx, conversation["id"], Owner.WAITING)
        self._show(tx, case, now)
        unfetched = {f"in:{row['id']}" for row in turns.unfetched(tx, conversation["id"])}
        for line in cases.history(tx, conversation["id"], limit=20):
            if line.id not in unfetched:  # shown when its files are there
                post_line(tx, conversation["id"], line.id, now)
        tx.notify("owner", conversation["id"])
        return case

    def apply(self, tx: Tx, command: Command) -> CommandResult:
        """Apply a command once; the same id again gives the same result."""
        known = cases.known_command(tx, command.id)
        if known is not None:
            return known
        case = cases.get_row(tx, command.case)
        if case is None:
            return CommandResult(False, "no_such_case")
        result = self._apply(tx, command, case)
        cases.note_command(
            tx,
            id=command.id,
            kind=type(command).__name__,
            case=command.case,
            agent=command.agent,
            result=result,
            now=self.clock(),
        )
        return result

    def _apply(self, tx: Tx, command: Command, case: Row) -> CommandResult:
        if isinstance(command, Line) and command.internal:
            return self._note(tx, command, case)
        if case["state"] == "closed":
            return CommandResult(False, "case_closed")
        match command:
            case TakeOver():
                return self._take_over(tx, command, case)
            case Line():
                return self._line(tx, command, case)
            case HandBack():
                return self._hand_back(tx, command, case)
            case Close():
                return self._close(tx, command, case)

    def _take_over(self, tx: Tx, command: TakeOver, case: Row) -> CommandResult:
        now = self.clock()
        if case["agent"] == command.agent:
            return CommandResult(True)
        if case["agent"] is not None and not command.force:
            return CommandResult(False, f"taken_by:{case['agent']}")
        conversation = case["conversation"]
        cases.take(tx, case["id"], command.agent, now)
        conversations.change_owner(tx, conversation, Owner.AGENT)
        effects.lapse(tx, conversation)
        for row in outbox.draft_stale(tx, conversation):
            mark_line(tx, row, now)
        self._hand_open_turns(tx, conversation, now)
        first, *_ = command.agent.split() or [""]  # customers learn no surnames
        facts = {"agent": first or command.agent}
        self._notice(tx, conversation, Say("utter_agent_joined", facts), case["id"], now)
        self._show(tx, case["id"], now)
        tx.notify("takeover", conversation)
        tx.notify("owner", conversation)
        return CommandResult(True)

    def _hand_open_turns(self, tx: Tx, conversation: int, now: datetime) -> None:
        frozen = turns.frozen(tx, conversation)
        if frozen is not None:
            turns.finish(tx, frozen["key"], "handed", now)
            self.tell_effects(tx, frozen)
        waiting = [row["id"] for row in turns.pending(tx, conversation)]
        turns.take_messages(tx, waiting, "case", None)
        wake_if_waiting(tx, conversation, now)
        if frozen is not None:
            tx.notify("turn", frozen["key"])

    def tell_effects(self, tx: Tx, turn: Row) -> None:
        """Say what a turn did that a person has now: as a draft, marked, once an agent owns it.

        The rows are named by turn and call, so that telling them again adds none.
        """
        for record in effects.finished(tx, turn["key"]):
            answer = answer_from_dict(decode(record["result"]))
            conversation = conversations.get(tx, turn["conversation"])
            if answer.reason == "outcome_unknown":
                self.open_case(tx, conversation, answer.reason)
                conversation = conversations.get(tx, turn["conversation"])
            self.say_answer(tx, conversation, turn, answer, tag=f"effect{record['number']}")

    def say_answer(
        self, tx: Tx, conversation: Row, turn: Row, answer: Answer, *, tag: str | None = None
    ) -> bool:
        """Queue what a turn says, as a draft where a person spoke since; True when it goes out."""
        stale = is_stale(conversation, turn["owner_version"])
        case = cases.open_case(tx, conversation["id"])
        ids = self.renderer.queue(
            tx,
            conversation,
            answer.says,
            now=self.clock(),
            turn=turn["key"],
            language=turn["language"],
            state=State.DRAFT if stale else State.QUEUED,
            effect=answer.effect,
            case=case["id"] if case else None,
            owner_version=turn["owner_version"],
            tag=tag,
        )
        for line in ids:
            post_line(tx, conversation["id"], f"out:{line}", self.clock())
        return not stale

    def _line(self, tx: Tx, command: Line, case: Row) -> CommandResult:
        if case["agent"] is None:
            return CommandResult(False, "not_taken")
        if case["agent"] != command.agent:
            return CommandResult(False, f"taken_by:{case['agent']}")
        text = clean_text(command.text)
        if not text and not command.attachments:
            return CommandResult(False, "empty")
        channel = conversations.address(tx, case["conversation"]).channel
        if command.attachments and not self.renderer.takes_files(channel):
            return CommandResult(False, "files_not_here")
        return CommandResult(True, line=self._queue_line(tx, command, text, case))

    def _queue_line(self, tx: Tx, command: Line, text: str, case: Row) -> str:
        now = self.clock()
        conversation = conversations.get(tx, case["conversation"])
        whole = Piece(text, attachments=command.attachments)
        part, line = new_id(), ""
        pieces = self.renderer.pieces(conversation["channel"], whole, conversation["language"])
        for number, piece in enumerate(pieces):
            row = outbox.insert_send(
                tx,
                conversation=conversation,
                author=Author.AGENT,
                name=command.agent,
                text=piece.text,
                attachments=piece.attachments,
                response=None if number else AGENT_LINE,
                part=part,
                case=case["id"],
                not_before=now + self._undo,
                now=now,
            )
            line = f"out:{row}"
            post_line(tx, conversation["id"], line, now)
        return line

    def _note(self, tx: Tx, command: Line, case: Row) -> CommandResult:
        text = clean_text(command.text)
        if not text and not command.attachments:
            return CommandResult(False, "empty")
        return CommandResult(True, line=self._keep_note(tx, command.agent, text, case, command))

    def _keep_note(
        self, tx: Tx, agent: str, text: str, case: Row, command: Line | None = None
    ) -> str:
        now = self.clock()
        line = cases.insert_note(
            tx,
            case=case["id"],
            conversation=case["conversation"],
            agent=agent,
            text=text,
            attachments=command.attachments if command else (),
            now=now,
        )
        post_line(tx, case["conversation"], line, now, case=case)
        return line

    def _hand_back(self, tx: Tx, command: HandBack, case: Row) -> CommandResult:
        refusal = self._may_end(case, command.agent)
        if refusal is not None:
            return refusal
        if note := clean_text(command.note):
            self._keep_note(tx, command.agent, note, case)
        outcome = clean_text(command.outcome)
        say = (
            Say("utter_handed_back_outcome", {"outcome": outcome})
            if outcome
            else Say("utter_handed_back")
        )
        self._end(tx, case, say, outcome or "handed_back")
        return CommandResult(True)

    def _close(self, tx: Tx, command: Close, case: Row) -> CommandResult:
        refusal = self._may_end(case, command.agent, untaken=True)
        if refusal is not None:
            return refusal
        if note := clean_text(command.note):
            self._keep_note(tx, command.agent, note, case)
        self._end(tx, case, Say("utter_case_closed"), "closed")
        return CommandResult(True)

    def _may_end(self, case: Row, agent: str, *, untaken: bool = False) -> CommandResult | None:
        if case["agent"] is None:
            return None if untaken else CommandResult(False, "not_taken")
        return None if case["agent"] == agent else CommandResult(False, f"taken_by:{case['agent']}")

    def back_to_bot(self, tx: Tx, conversation: Row) -> bool:
        """The waiting customer wants the bot again; False when nobody waited."""
        case = cases.open_case(tx, conversation["id"])
        if case is None or conversation["owner"] != Owner.WAITING:
            return False
        now = self.clock()
        cases.close(tx, case["id"], cases.CUSTOMER_BACK, now)
        conversations.change_owner(tx, conversation["id"], Owner.BOT)
        self._show(tx, case["id"], now)
        tx.notify("owner", conversation["id"])
        return True

    def _end(self, tx: Tx, case: Row, say: Say, outcome: str) -> None:
        now = self.clock()
        conversation = case["conversation"]
        outbox.hurry(tx, conversation, now)
        cases.close(tx, case["id"], outcome, now)
        conversations.change_owner(tx, conversation, Owner.BOT)
        conversations.new_session(tx, conversation, resumed=True)
        self._notice(tx, conversation, say, case["id"], now)
        self._show(tx, case["id"], now)
        tx.notify("owner", conversation)

    def _notice(self, tx: Tx, conversation: int, say: Say, case: int, now: datetime) -> None:
        row = conversations.get(tx, conversation)
        ids = self.renderer.queue(tx, row, [say], now=now, author=Author.SYSTEM, case=case)
        for line in ids:
            post_line(tx, conversation, f"out:{line}", now)

    def _show(self, tx: Tx, case: int, now: datetime) -> None:
        row = cases.get_row(tx, case)
        assert row is not None  # noqa: S101 - foreign key
        outbox.tell_desk(tx, "show", row, str(case), now)
        cases.touch(tx, case)


@dataclass(eq=False, kw_only=True)
class CoreDeskInbox:
    """The DeskInbox port. ``order_facts`` tells the card about the orders of a case."""

    store: Store
    files: Files
    texts: Texts
    handoff: Handoff
    features: Mapping[str, Features] = field(default_factory=dict)
    order_facts: OrderFacts | None = None

    async def accept(self, command: Command) -> CommandResult:
        """Apply a command at once."""
        return await self.store.write(lambda tx: self.handoff.apply(tx, command))

    async def cases(self, *, closed: bool = False, desk: str | None = None) -> list[Case]:
        """Open (or the latest closed) cases."""
        found = await self.store.read(lambda tx: cases.listed(tx, closed=closed, desk=desk))
        return [self._with_window(case) for case in found]

    async def case(self, case: int) -> Case | None:
        """One case, with the facts of its orders where the shop tells them."""
        found = await self.store.read(lambda tx: cases.load(tx, case))
        found = found and self._with_window(found)
        if found is None or self.order_facts is None:
            return found
        facts = [await self._facts_of(self.order_facts, order) for order in found.orders]
        return replace(found, orders=tuple(facts))

    def _with_window(self, case: Case) -> Case:
        features = self.features.get(case.address.channel, Features())
        if features.reply_window is None or case.last_in_at is None:
            return case
        until = case.last_in_at + timedelta(seconds=features.reply_window)
        return replace(case, reply_until=until)

    @staticmethod
    async def _facts_of(port: OrderFacts, order: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(_FACTS_TIMEOUT):
                return {**order, **(await port.order_facts(order["number"]) or {})}
        except Unavailable:
            return order  # the card is worth showing without them
        except Exception:  # an edge: a plugin's own fault must not hide the case
            log.exception("no order facts")
            return order

    async def history(self, case: int, *, limit: int = 200) -> list[HistoryLine]:
        """The conversation of a case, oldest first; empty when there is no such case."""

        def work(tx: Tx) -> list[HistoryLine]:
            row = cases.get_row(tx, case)
            return [] if row is None else cases.history(tx, row["conversation"], limit)

        return await self.store.read(work)
