"""Where desks put commands and read cases from."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bot.actions import ActionRunner
from bot.desk import (
    UNPROVEN,
    Act,
    Acted,
    Agent,
    Case,
    Command,
    CommandResult,
    HistoryLine,
    Macro,
    OrderAction,
    Preview,
    Template,
)
from bot.messages import Features
from bot.ports import Files, OrderFacts, Store, Texts, Tx, Unavailable
from bot.store import agents, cases, digest, outbox
from bot.store.digest import Digest
from desk.acting import Acting
from desk.commands import Commands
from desk.expecting import Expecting
from desk.macros import Macros
from desk.senders import Senders
from desk.summary import Summary

_FACTS_TIMEOUT = 5.0  # seconds
log = logging.getLogger(__name__)


@dataclass(eq=False, kw_only=True)
class CoreDeskInbox:
    """The DeskInbox port. ``order_facts`` tells the card about the orders of a case."""

    store: Store
    files: Files
    texts: Texts
    commands: Commands
    actions: ActionRunner
    expecting: Expecting
    acting: Acting
    summary: Summary
    offered: Macros
    senders: Senders
    features: Mapping[str, Features] = field(default_factory=dict)
    order_facts: OrderFacts | None = None

    @property
    def language(self) -> str:
        """The language that the team reads."""
        return self.summary.words.language

    async def accept(self, command: Command) -> CommandResult:
        """Apply a command at once."""
        return await self.store.write(lambda tx: self.commands.apply(tx, command))

    async def look_again(self) -> None:
        """Give lines that wait their undo time anew: a desk that was away hears first what agents
        changed meanwhile."""
        until = self.commands.clock() + self.commands.lines.undo
        await self.store.write(lambda tx: outbox.look_again(tx, until))

    async def cases(self, *, closed: bool = False, desk: str | None = None) -> list[Case]:
        """Open cases, most urgent and then longest waiting first; or the latest closed ones."""

        def work(tx: Tx) -> list[Case]:
            listed = cases.listed(tx, closed=closed, desk=desk)
            return [self.senders.of(tx, case) for case in listed]

        found = await self.store.read(work)
        shown = [self._told(self._with_times(case)) for case in found]
        return shown if closed else sorted(shown, key=_urgency)

    async def case(self, case: int) -> Case | None:
        """One case, with the facts of its orders where the shop tells them."""

        def work(tx: Tx) -> Case | None:
            loaded = cases.load(tx, case)
            return loaded and self.senders.of(tx, loaded)

        found = await self.store.read(work)
        found = found and self._with_times(found)
        if found is None:
            return None
        if self.order_facts is not None:
            facts = [await self._facts_of(self.order_facts, order) for order in found.orders]
            found = replace(found, orders=tuple(facts))
        return self._told(found)

    def _told(self, case: Case) -> Case:
        return replace(case, summary=self.summary.of(case, self.commands.clock()))

    def _with_times(self, case: Case) -> Case:
        if case.waits_since is not None:
            due = self.expecting.due(case.waits_since, case.priority)
            case = replace(case, due_at=due)
        features = self.features.get(case.address.channel, Features())
        if features.reply_window is None or case.last_in_at is None:
            return case
        until = case.last_in_at + timedelta(seconds=features.reply_window)
        return replace(case, reply_until=until)

    @staticmethod
    async def _facts_of(port: OrderFacts, order: Mapping[str, Any]) -> Mapping[str, Any]:
        if order["proof"] == UNPROVEN:
            return order  # what stands on the card is soon told to who asked
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
            return [] if row is None else cases.history(tx, row["conversation"], limit, linked=True)

        return await self.store.read(work)

    async def order_actions(self, case: int) -> list[OrderAction]:
        """What an agent may run for a case, with its order filled in."""
        return await self.acting.offered(case)

    async def preview(self, act: Act) -> Preview:
        """What an order action would do; nothing is changed."""
        return await self.acting.preview(act)

    async def act(self, act: Act) -> Acted:
        """Run an order action, once for each id."""
        return await self.acting.act(act)

    async def introduce(self, agent: Agent) -> None:
        """Keep an agent's name, and show it on the cards that they have."""

        def work(tx: Tx) -> None:
            if agents.introduce(tx, agent.id, agent.name):
                for case in cases.taken_by(tx, agent.id):
                    self.commands.ownership.book.show(tx, case, self.commands.clock())

        await self.store.write(work)

    async def away(self, agent: str) -> None:
        """An agent went away: a reminder comes at once where a customer waits for them."""
        await self.store.write(lambda tx: self.commands.claims.away(tx, agent))

    async def macros(self, case: int) -> list[Macro]:
        """The prepared texts that fit a case, filled with the facts of now."""
        found = await self.case(case)
        return [] if found is None else self.offered.of(found)

    async def templates(self, case: int, line: str = "") -> list[Template]:
        """What may be sent at any time, filled with the facts of now, and a failed line's words."""
        found = await self.case(case)
        if found is None:
            return []
        words = await self.store.read(lambda tx: self.commands.templates.words_of(tx, case, line))
        return self.commands.templates.of(found, words)

    def opens(self, after: datetime) -> datetime:
        """When people are there, from that time on: that time itself while they are."""
        return self.expecting.hours.next_open(after)

    async def digest(self, since: datetime, until: datetime) -> Digest:
        """What happened between two times, in figures that add up."""
        return await self.store.read(lambda tx: digest.of(tx, since, until))


def _urgency(case: Case) -> tuple[bool, int, bool, datetime, int]:
    """What is put off comes last; who has an answer comes after who waits for one."""
    waits = case.waits_since
    rank = ("high", "normal", "low").index(case.priority)
    since = waits or case.opened_at
    return case.snoozed_until is not None, rank, waits is None, since, case.id
