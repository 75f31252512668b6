"""A fake action with a ledger of its own, a fake pair check, and a clock that tests move."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from bot.messages import (
    ActionCall,
    Address,
    Answer,
    Filling,
    Outcome,
    Policy,
    Proposal,
    Say,
    Turn,
    Understanding,
)

PAIR = frozenset({"pair"})
_NOWHERE = Address("", "")  # the core fills it in from its store


class MovingClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2030, 5, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time now."""
        return self.now

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


class FakePairs:
    """Knows pairs of order number and secret, and the orders' addresses.

    ``faults`` are raised by the next checks of a pair. ``calls`` are all questions, by name.
    """

    def __init__(self, pairs: Mapping[str, str], emails: Mapping[str, str] | None = None) -> None:
        self.pairs = dict(pairs)
        self.emails = dict(emails or {})
        self.checked: list[tuple[str, str]] = []
        self.calls: list[str] = []
        self.faults: deque[Exception] = deque()

    async def check_pair(self, subject: str, secret: str) -> bool:
        """Whether the pair is known."""
        self.calls.append("check_pair")
        if self.faults:
            raise self.faults.popleft()
        self.checked.append((subject, secret))
        return self.pairs.get(subject) == secret

    async def check_email(self, subject: str, email: str) -> bool:
        """Whether the order carries the address."""
        self.calls.append("check_email")
        return self.emails.get(subject, "").casefold() == email.casefold() != ""

    async def email_of(self, subject: str) -> str | None:
        """The address on the order."""
        self.calls.append("email_of")
        return self.emails.get(subject)


class OrderArguments(BaseModel):
    """What a fake action needs."""

    order_id: str
    detail: str = ""


class FakeAction:
    """Writes what it did into ``ledger``, by key: what a shop would know after a crash.

    Its form reads ``order=...`` and ``proof=...`` out of the text. ``faults`` are raised by the
    next runs before they do anything, ``fault_after`` after it. ``gate`` and ``propose_gate`` hold
    a run and a proposal that has begun; ``entered`` and ``proposing`` tell that it has.
    """

    Arguments: type[BaseModel] = OrderArguments

    def __init__(
        self,
        name: str = "cancel",
        *,
        read_only: bool = False,
        proofs: frozenset[str] = PAIR,
        ledger: dict[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.name = name
        self.policy = Policy(read_only=read_only, proofs=proofs)
        self.ledger = {} if ledger is None else ledger
        self.runs: list[ActionCall] = []
        self.proposed: list[ActionCall] = []
        self.faults: deque[Exception] = deque()
        self.fault_after: Exception | None = None
        self.entered, self.proposing = asyncio.Event(), asyncio.Event()
        self.gate: asyncio.Event | None = None
        self.propose_gate: asyncio.Event | None = None

    async def fill(self, call: ActionCall) -> Filling:
        """Read ``order=`` and ``proof=``."""
        given = dict(word.split("=", 1) for word in call.text.split() if "=" in word)
        slots = {"order_id": given.get("order"), "proof": given.get("proof")}
        slots = {key: value for key, value in slots.items() if value}
        known = {**call.slots, **slots}
        proven = any(proof.subject == known.get("order_id") for proof in call.proofs)
        missing = [key for key in ("order_id", "proof") if not known.get(key)]
        return Filling(slots, None if proven or not missing else missing[0])

    async def propose(self, call: ActionCall) -> Proposal | Answer:
        """Read the arguments back."""
        self.proposed.append(call)
        self.proposing.set()
        if self.propose_gate is not None:
            await self.propose_gate.wait()
        arguments = dict(call.arguments)
        what = f"{self.name} {arguments['order_id']} {arguments['detail']}".strip()
        return Proposal((Say(text=f"{what}?"),), arguments, version="1")

    async def run(self, call: ActionCall) -> Answer:
        """Do it, once for each key that is given."""
        self.runs.append(call)
        self.entered.set()
        if self.faults:
            raise self.faults.popleft()
        if self.gate is not None:
            await self.gate.wait()
        self.ledger[call.key] = dict(call.arguments)
        if self.fault_after is not None:
            raise self.fault_after
        return self.done(call)

    def done(self, call: ActionCall) -> Answer:
        """What it says when it is done."""
        return Answer((Say(text=f"{self.name} {call.arguments['order_id']} done"),), Outcome.DONE)


class RecoverableAction(FakeAction):
    """Reads back from its ledger what became of a lost call."""

    async def outcome(self, call: ActionCall) -> Answer | None:
        """The answer of a call that is in the ledger."""
        return self.done(call) if call.key in self.ledger else None


class CorrectableAction(RecoverableAction):
    """Takes ``detail=...`` or ``order=...`` in an answer to its proposal for a correction."""

    async def correct(self, call: ActionCall) -> Mapping[str, Any] | None:
        """What the text corrects."""
        given = dict(word.split("=", 1) for word in call.text.split() if "=" in word)
        found = {"detail": given.get("detail"), "order_id": given.get("order")}
        return {key: value for key, value in found.items() if value} or None


def call_of(turn: Turn, intent: str = "affirm", **slots: Any) -> ActionCall:
    """What a dialogue calls an action with in a turn."""
    return ActionCall(
        key=turn.key,
        turn=turn.key,
        conversation=turn.conversation,
        address=_NOWHERE,
        arguments=slots,
        language=turn.language,
        text=turn.text,
        understanding=Understanding(intent, 1.0),
        slots=slots,
    )
