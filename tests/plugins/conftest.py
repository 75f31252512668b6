"""A conversation about orders on a real core and the demo shop, with a stand-in for Rasa.

The stand-in follows the rules in `stories/`: a form goes on until nothing is asked for, then its
action is called; what the form does not take is a digression. What a message means is told by the
test, where the words do not say it plainly.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bot.actions import ActionRunner
from bot.messages import (
    ActionCall,
    Address,
    Answer,
    Entity,
    Features,
    Outbound,
    Outcome,
    Say,
    Turn,
    Understanding,
)
from bot.ports import Action
from bot.store.codec import utc_now
from bot.testing import FakeChannel, FakeMail, World, world
from host.texts import TextsBook
from plugins.knowledge.settings import KnowledgeSettings
from plugins.shop.carrier_demo import DemoCarrier
from plugins.shop.demo import DemoShop

DOMAIN = Path(__file__).parents[2] / "nlu" / "domain"
FORMS = {
    "track_order": "track_order",
    "cancel_order": "cancel_order",
    "change_shipping_address": "change_address",
    "get_return_label": "return_label",
    "return_item": "return_label",
}
PLAIN = {
    "affirm": r"ja\b|yes\b|ok",
    "deny": r"nein\b|no\b|doch nicht",
    "contact_human_agent": r"mensch|human",
}
BUILTINS = {"affirm": "confirm", "deny": "deny", "contact_human_agent": "handoff"}


class RuleDialogue:
    """The stand-in. `heard` says what a text means."""

    def __init__(self) -> None:
        self.heard: dict[str, Understanding] = {}
        self.runner: ActionRunner | None = None
        self.answers: dict[str, Answer] = {}

    async def ask(self, turn: Turn) -> Answer:
        if turn.key not in self.answers:
            self.answers[turn.key] = await self._answer(turn)
        return self.answers[turn.key]

    async def _answer(self, turn: Turn) -> Answer:
        assert self.runner is not None
        understood = self._understand(turn)
        state: dict[str, Any] = {"slots": {}, "form": None, "asked": None, **(turn.state or {})}
        intent = understood.intent or ""
        began = state["form"] is None and intent in FORMS
        form = FORMS[intent] if began else state["form"]
        call = ActionCall(
            key=turn.key,
            turn=turn.key,
            conversation=turn.conversation,
            address=Address("fake", "c1"),
            arguments=state["slots"],
            language=turn.language,
            text=turn.text,
            understanding=understood,
            slots={**state["slots"], "requested_slot": state["asked"]},
        )
        if form is not None:
            answer = await self._form(form, call, state, began)
            if answer is not None:
                return replace(answer, understanding=understood)
        if form is not None and intent == "deny":
            answer, state = Answer((Say("utter_form_stopped"),)), {**state, "form": None}
        else:
            answer = await self.runner.call(BUILTINS.get(intent, "miss"), call, 1)
            asked = (Say(f"utter_ask_{state['asked']}", state["slots"]),) if form else ()
            answer = replace(answer, says=(*answer.says, *asked))
        return replace(answer, understanding=understood, state=_after(state, answer))

    async def _form(
        self, form: str, call: ActionCall, state: dict[str, Any], began: bool
    ) -> Answer | None:
        assert self.runner is not None
        filling = await self.runner.fill(form, call, 1)
        if not filling.slots:
            assert not began, "Rasa would ask for the first empty slot, whatever that is"
            return None
        slots = {**state["slots"], **filling.slots}
        if filling.ask is not None:
            says = (*filling.says, Say(f"utter_ask_{filling.ask}", slots))
            then = {"slots": slots, "form": form, "asked": filling.ask}
            return Answer(says, Outcome.ASK, state=then)
        answer = await self.runner.call(form, replace(call, arguments=slots), 1)
        then = _after({"slots": slots, "form": None, "asked": None}, answer)
        return replace(answer, says=(*filling.says, *answer.says), state=then)

    def _understand(self, turn: Turn) -> Understanding:
        if turn.payload is not None:
            intent, _, given = turn.payload[1:].partition("{")
            slots = json.loads("{" + given) if given else {}
            found = tuple(Entity(name, value) for name, value in slots.items())
            return Understanding(intent, 1.0, found)
        if turn.text in self.heard:
            return self.heard[turn.text]
        for intent, pattern in PLAIN.items():
            if re.match(pattern, turn.text, re.IGNORECASE):
                return Understanding(intent, 0.9)
        return Understanding("nlu_fallback", 0.3)


def _after(state: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    slots = {**state["slots"], **answer.slots}
    kept = {name: value for name, value in slots.items() if value is not None}
    return {**state, "slots": kept, "asked": state["asked"] if state["form"] else None}


class Clock:
    def __init__(self) -> None:
        self.now: datetime | None = None

    def __call__(self) -> datetime:
        return self.now or utc_now()


@dataclass
class Talk:
    """A customer and what they read. `shop` is the demo shop as it really is afterwards."""

    world: World
    dialogue: RuleDialogue
    shop: DemoShop
    carrier: DemoCarrier
    clock: Clock
    mail: FakeMail
    enters_codes: bool = True
    seen: int = 0
    last: list[Outbound] = field(default_factory=list)
    _ids: count[int] = field(default_factory=lambda: count(1))

    async def says(self, text: str, intent: str | None = None, **entities: str) -> str:
        """Write, and read everything that comes back as one text."""
        if intent is not None:
            found = tuple(Entity(name, value) for name, value in entities.items())
            self.dialogue.heard[text] = Understanding(intent, 0.95, found)
        await self.world.says(text)
        return await self._read()

    async def presses(self, title: str) -> str:
        """Press a button of the last answer."""
        button = next(one for out in self.last for one in out.buttons if one.title == title)
        await self.world.says(title, payload=button.payload)
        return await self._read()

    @property
    def buttons(self) -> list[str]:
        return [button.title for out in self.last for button in out.buttons]

    @property
    def attachments(self) -> list[str]:
        return [one.name for out in self.last for one in out.attachments]

    async def _read(self) -> str:
        text = await self._answer()
        if self.enters_codes and self.last and self.last[-1].response == "utter_ask_code":
            await self.world.mails()
            if self.mail.sent:  # whose order it is, reads the mail and goes on
                await self.world.says(str(self.mail.sent[-1].facts["code"]))
                return await self._answer()
        return text

    async def _answer(self) -> str:
        turn = next(self._ids)
        for _ in range(500):
            (row,) = await self.world.rows(
                "SELECT count(*) AS n FROM turns WHERE status <> 'frozen'"
            )
            if row["n"] >= turn:
                break
            await asyncio.sleep(0.01)
        (queued,) = await self.world.rows(
            "SELECT count(*) AS n FROM outbox WHERE op = 'send' AND target = 'channel:fake'"
        )
        sent = await self.world.channel.wait(queued["n"])
        self.last, self.seen = sent[self.seen :], len(sent)
        return "\n".join(out.text for out in self.last)


Talking = Callable[..., AbstractAsyncContextManager[Talk]]
Build = Callable[[DemoShop, DemoCarrier, Any], Action]


@pytest.fixture
def talking(tmp_path: Path) -> Talking:
    """Open a conversation with one action: `async with talking(build, language="de") as talk`."""

    numbers = count()

    @asynccontextmanager
    async def opened(
        *builds: Build,
        language: str = "de",
        formality: str = "Sie",
        shop: DemoShop | None = None,
        enters_codes: bool = True,
    ) -> AsyncIterator[Talk]:
        clock, dialogue, folder = Clock(), RuleDialogue(), tmp_path / str(next(numbers))
        folder.mkdir()
        made = shop or DemoShop(folder / "shop.db", now=clock)
        carrier = DemoCarrier(made.database, now=clock)
        facts = KnowledgeSettings().facts()
        book = TextsBook([DOMAIN], formality=formality, facts=facts)
        channel = FakeChannel(
            features=Features(burst_seconds=0.0, buttons=10, attachments_out=True)
        )
        async with world(
            folder,
            texts=book,
            identify=made,
            channel=channel,
            dialogue=dialogue,  # type: ignore[arg-type]
            detect=lambda _text, _current, _first: language,
            clock=clock,
            mail=(mail := FakeMail()),
        ) as live:
            dialogue.runner = live.core.actions
            for build in builds:
                live.core.actions.add(build(made, carrier, live.core))
            yield Talk(live, dialogue, made, carrier, clock, mail, enters_codes)

    return opened
