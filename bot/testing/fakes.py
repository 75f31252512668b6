"""Fakes that are real implementations of the ports, with faults on request."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

from bot.desk import Case, CaseLine
from bot.messages import (
    Address,
    Answer,
    Features,
    Outbound,
    Outcome,
    Say,
    State,
    Turn,
    Understanding,
)
from bot.ports import DeskInbox, Inbox, Tx

Reply = Answer | Exception | Callable[[Turn], Awaitable[Answer]]


class FakeChannel:
    """Remembers what it sent, and shows it as its customer sees it.

    ``faults`` are raised by the next sends, edits and deletions, one each.
    """

    def __init__(self, name: str = "fake", features: Features | None = None) -> None:
        self.name = name
        self.features = features or Features(burst_seconds=0.0)
        self.sent: list[Outbound] = []
        self.shown: dict[str, str] = {}
        """What the customer sees now: texts by the vendor's id, in order."""
        self._ids = itertools.count(1)
        self.faults: deque[Exception] = deque()
        self.inbox: Inbox | None = None
        self._more = asyncio.Condition()

    def open(self, inbox: Inbox) -> AbstractAsyncContextManager[None]:
        """Nothing to open; the inbox is kept for tests."""

        @asynccontextmanager
        async def opened() -> AsyncIterator[None]:
            self.inbox = inbox
            yield

        return opened()

    async def send(self, out: Outbound) -> str:
        """Remember the message, or raise the next fault."""
        if self.faults:
            raise self.faults.popleft()
        vendor_id = f"v-{next(self._ids)}"
        async with self._more:
            self.sent.append(out)
            self.shown[vendor_id] = out.text
            self._more.notify_all()
        return vendor_id

    async def edit(self, out: Outbound, vendor_id: str) -> None:
        """Change what the customer sees, or raise the next fault."""
        if self.faults:
            raise self.faults.popleft()
        self.shown[vendor_id] = out.text

    async def unsend(self, address: Address, vendor_id: str) -> None:
        """Take away what the customer sees, or raise the next fault."""
        del address
        if self.faults:
            raise self.faults.popleft()
        self.shown.pop(vendor_id, None)

    async def wait(self, count: int, seconds: float = 5.0) -> list[Outbound]:
        """Return what was sent once there are ``count`` messages. Raises TimeoutError."""
        async with asyncio.timeout(seconds), self._more:
            await self._more.wait_for(lambda: len(self.sent) >= count)
        return list(self.sent)


class FakeMail(FakeChannel):
    """A channel for mail, as codes need one: each mailbox is one conversation."""

    def __init__(self, name: str = "mail", features: Features | None = None) -> None:
        super().__init__(name, features)
        self.asked: list[tuple[str, Address | None]] = []

    def address_for(self, tx: Tx, email: str, near: Address | None = None) -> Address:
        """The conversation with a mailbox."""
        del tx
        self.asked.append((email, near))
        return Address(self.name, f"thread:{email}")

    def to(self, email: str) -> list[Outbound]:
        """What a mailbox got."""
        return [out for out in self.sent if out.address.id == f"thread:{email}"]

    def code_to(self, email: str) -> str:
        """The code in the latest mail that a mailbox got. Raises LookupError without one."""
        mails = self.to(email)
        if not mails:
            raise LookupError(f"no mail to {email}")
        return str(mails[-1].facts["code"])


class FakeDesk:
    """Remembers cards and lines by id, as an idempotent desk does."""

    def __init__(self, name: str = "desk") -> None:
        self.name = name
        self.cards: dict[int, Case] = {}
        self.lines: dict[str, CaseLine] = {}
        self.states: dict[str, State] = {}
        self.reasons: dict[str, str | None] = {}
        self.commands: DeskInbox | None = None
        self._more = asyncio.Condition()

    def open(self, commands: DeskInbox) -> AbstractAsyncContextManager[None]:
        """Nothing to open; the inbox is kept for tests."""

        @asynccontextmanager
        async def opened() -> AsyncIterator[None]:
            self.commands = commands
            yield

        return opened()

    async def show(self, case: Case) -> str:
        """Make or update the card."""
        async with self._more:
            self.cards[case.id] = case
            self._more.notify_all()
        return str(case.id)

    async def wait_card(
        self, case: int, fits: Callable[[Case], bool], seconds: float = 5.0
    ) -> Case:
        """Return the card of a case once it is as wanted. Raises TimeoutError."""
        async with asyncio.timeout(seconds), self._more:
            await self._more.wait_for(lambda: case in self.cards and fits(self.cards[case]))
        return self.cards[case]

    async def post(self, line: CaseLine) -> str:
        """Show a line."""
        self.lines[line.line.id] = line
        return line.line.id

    async def mark(self, line: str, state: State, reason: str | None) -> None:
        """Show the state of a line."""
        self.states[line], self.reasons[line] = state, reason


class ScriptedDialogue:
    """Answers by a script: ``replies[text]``, else it echoes. Remembers what it was asked.

    A reply may be an Answer, an exception to raise, or a coroutine function of the turn. The same
    turn key asked again gets the same answer, as the port demands.
    """

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}
        self.asked: list[Turn] = []
        self._answers: dict[str, Answer] = {}

    async def ask(self, turn: Turn) -> Answer:
        """Answer a turn."""
        self.asked.append(turn)
        if turn.key not in self._answers:
            self._answers[turn.key] = await self._answer(turn)
        return self._answers[turn.key]

    async def _answer(self, turn: Turn) -> Answer:
        reply = self.replies.get(turn.payload or turn.text)
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, Answer):
            return _understood(reply)
        if reply is not None:
            return _understood(await reply(turn))
        return _understood(Answer((Say(text=f"echo: {turn.text}"),)))


def _understood(answer: Answer) -> Answer:
    if answer.understanding is not None:
        return answer
    intent = "contact_human_agent" if answer.outcome is Outcome.HANDOFF else "greet"
    return replace(answer, understanding=Understanding(intent, 1.0), state=answer.state or {})
