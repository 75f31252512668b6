"""Who writes, on channels where anybody can do so in somebody else's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from bot.desk import Case
from bot.messages import Address
from bot.ports import Row, Tx
from bot.store import cases, conversations
from bot.store.customers import WrittenBy
from desk.handoff import CaseBook

TellSender = Callable[[Tx, Address], WrittenBy | None]


@dataclass(frozen=True, kw_only=True)
class Senders:
    """``tell`` asks a channel, by its name."""

    tell: Mapping[str, TellSender] = field(default_factory=dict)

    def of(self, tx: Tx, case: Case) -> Case:
        """A case with its sender."""
        tell = self.tell.get(case.address.channel)
        return case if tell is None else replace(case, sender=tell(tx, case.address))

    def heard(self, tx: Tx, conversation: int, book: CaseBook) -> None:
        """The customer wrote: what the card says of the sender is about the latest message."""
        row: Row = conversations.get(tx, conversation)
        case = cases.open_case(tx, conversation) if row["channel"] in self.tell else None
        if case is not None:
            book.show(tx, case["id"], book.clock())
