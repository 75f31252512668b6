"""The e-mail address that a customer leaves while nobody is there."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bot.messages import Answer, Owner, Say, Turn
from bot.ports import Next, Store, Tx
from bot.store import cases, conversations, waiting
from desk.certainty import ASKING
from desk.handoff import CaseBook

_ADDRESS = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_FEW_WORDS = 60  # characters around an address: "Sie erreichen mich unter ..."


@dataclass(eq=False, kw_only=True)
class Contacts:
    """Keeps an address for the card, and nothing else of the message."""

    store: Store
    book: CaseBook

    async def notice(self, turn: Turn, ask: Next) -> Answer:
        """A middleware: thank for an address, and ask the dialogue only about what else is said."""
        found = None if turn.payload is not None else _ADDRESS.search(turn.text)
        if found is None:
            return await ask(turn)
        contact = found[0]
        if not await self.store.write(lambda tx: self._keep(tx, turn.conversation, contact)):
            return await ask(turn)
        thanks = Say("utter_contact_kept", {"contact": contact})
        rest = turn.text.replace(contact, "")
        # With a number beside it, it may be about an order.
        if len(rest) <= _FEW_WORDS and not re.search(r"[?\d]", rest):
            return Answer((thanks,))
        answer = await ask(turn)
        return replace(answer, says=(thanks, *answer.says))

    def _keep(self, tx: Tx, conversation: int, contact: str) -> bool:
        """False for an address that answers a form, or that nobody waits for."""
        case = cases.open_case(tx, conversation)
        if case is None or conversations.get(tx, conversation)["owner"] != Owner.WAITING:
            return False
        if waiting.asked_last(tx, conversation).startswith(ASKING):
            return False
        if case["contact"] != contact:
            waiting.set_contact(tx, case["id"], contact)
            self.book.show(tx, case["id"], self.book.clock())
        return True
