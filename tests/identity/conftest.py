"""A form in front of a real core, with a shop, a mailbox and a clock that the test moves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bot.messages import Answer, Outbound, Outcome, Say, Turn, Understanding
from bot.testing import (
    FakeAction,
    FakeChannel,
    FakeMail,
    FakePairs,
    MovingClock,
    ScriptedDialogue,
    World,
    call_of,
    world,
)

TEXTS = [Path("nlu/domain")]
STRONG = frozenset({"channel", "code"})
ANY = frozenset({"pair", "channel", "code"})
PAIRS = {"1": "a", "2": "b", "3": "c"}
MAILS = {"1": "anna@example.org", "2": "ben@example.org"}  # order 3 has none
PHONE = "+491713920001"


class FakeShop(FakePairs):
    """Order 1 carries a phone number, too."""

    def __init__(self) -> None:
        super().__init__(PAIRS, MAILS)

    async def check_phone(self, subject: str, phone: str) -> bool:
        self.calls.append("check_phone")
        return (subject, phone) == ("1", PHONE)


class FormDialogue(ScriptedDialogue):
    """Keeps a form open until nothing is asked for, as Rasa does; slots by conversation."""

    def __init__(self) -> None:
        super().__init__()
        self.world: World | None = None
        self.action = "move"
        self.slots: dict[int, dict[str, Any]] = defaultdict(dict)

    async def _answer(self, turn: Turn) -> Answer:
        assert self.world is not None
        actions, slots = self.world.core.actions, self.slots[turn.conversation]
        word = (turn.payload or turn.text).lstrip("/").split()[0].partition("{")[0]
        if word in ("track", "move", "cancel"):
            self.action, slots["requested_slot"] = word, None
        names = {
            "ja": "confirm",
            "nein": "deny",
            "affirm": "confirm",
            "mensch": "handoff",
            "zurück": "back_to_bot",
        }
        before: tuple[Say, ...] = ()
        if name := names.get(word):
            answer = await actions.call(name, call_of(turn, **slots), 1)
            kind, _, named = (answer.reason or "").partition(":")
            if kind != "form":
                return answer
            self.action, before = named, answer.says
            slots.update({**answer.slots, "requested_slot": None})
        call = call_of(turn, "new_code" if word == "new_code" else "none", **slots)
        filling = await actions.fill(self.action, call, 1)
        filling = replace(filling, says=(*before, *filling.says))
        if not filling.slots and not before:
            again = Say(f"utter_ask_{filling.ask}") if filling.ask else Say(text="?")
            return Answer((Say(text="digression"), again), Outcome.ASK)
        slots.update(filling.slots)
        slots["requested_slot"] = filling.ask
        if filling.ask is not None:
            asks = Say(f"utter_ask_{filling.ask}")
            return Answer((*filling.says, asks), Outcome.ASK)
        known = {key: value for key, value in slots.items() if value is not None}
        answer = await actions.call(self.action, replace(call, arguments=known, slots=known), 1)
        return replace(answer, says=(*filling.says, *answer.says), understanding=Understanding("x"))


@dataclass
class Counter:
    """What a test works with: ``says`` returns the names of the texts that came back."""

    world: World
    clock: MovingClock
    mail: FakeMail
    shop: FakeShop
    actions: Mapping[str, FakeAction]

    async def says(self, *texts: str, who: str = "c1", **vouched: str) -> list[str]:
        """Write, one after the other; what the last one was answered with."""
        heard: list[Outbound] = []
        for text in texts:
            before = len(self.world.channel.sent)
            await self.world.says(text, who=who, **vouched)  # type: ignore[arg-type]
            await self.world.settled()
            heard = self.world.channel.sent[before:]
        return [out.response or out.text for out in heard]

    async def presses(self, payload: str, who: str = "c1") -> list[str]:
        """Press a button that was offered."""
        before = len(self.world.channel.sent)
        await self.world.says(payload, who=who, payload=payload)
        await self.world.settled()
        return [out.response or out.text for out in self.world.channel.sent[before:]]

    async def code(self, order: str = "1") -> str:
        """The code that the mailbox of an order has by now."""
        await self.world.mails()
        return self.mail.code_to(MAILS[order])

    async def audit(self, *columns: str) -> list[tuple[Any, ...]]:
        """The checks in the audit log, in order; not what was linked by them."""
        columns = columns or ("kind", "ok", "reason", "subject")
        checks = "kind NOT IN ('link', 'unlink', 'proposal')"
        rows = await self.world.rows(
            f"SELECT {', '.join(columns)} FROM audit WHERE {checks} ORDER BY id"
        )
        return [tuple(row[column] for column in columns) for row in rows]


Counters = Callable[..., AbstractAsyncContextManager[Counter]]
WRONG_CODE = "000000"


def other_than(code: str) -> str:
    """Six digits that are not the code."""
    return f"{(int(code) + 1) % 10**6:06}"


@pytest.fixture
def counter(tmp_path: Path) -> Counters:
    """Open it: ``async with counter() as c``; again is a restart on the same data."""

    @asynccontextmanager
    async def opened(
        folder: Path | None = None,
        *,
        clock: MovingClock | None = None,
        mail: FakeMail | None = None,
        sends: bool = True,
        kinds: frozenset[str] = STRONG,
        channel: FakeChannel | None = None,
        **identity: Any,
    ) -> AsyncIterator[Counter]:
        clock, mail, dialogue = clock or MovingClock(), mail or FakeMail(), FormDialogue()
        shop = FakeShop()
        actions = [
            FakeAction("move", proofs=kinds),
            FakeAction("track", read_only=True, proofs=ANY),
            FakeAction("cancel", proofs=ANY),
        ]
        async with world(
            folder or tmp_path,
            texts=TEXTS,
            actions=actions,
            identify=shop,
            channel=channel,
            dialogue=dialogue,
            clock=clock,
            mail=mail if sends else None,
            identity=identity,
        ) as w:
            dialogue.world = w
            yield Counter(w, clock, mail, shop, {action.name: action for action in actions})

    return opened
