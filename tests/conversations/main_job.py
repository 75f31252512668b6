"""The main job in a messenger, as a customer goes through it: what all messengers share."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from plugins.web.testing import DeskClient
from tests.live.process import DESK_TOKEN, BotProcess
from tests.live.records import Records
from tests.live.shop import LiveShop
from tests.live.waiting import eventually
from tests.live.words import said

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
_CASE = (
    "SELECT c.id FROM cases c JOIN conversations v ON v.id = c.conversation WHERE v.channel = '{}' "
    "ORDER BY c.id DESC"
)
JOERG, BJOERN = "+494066969001", "+491713920002"
"""Numbers on the orders B-100235 and B-100237 of the demo shop."""

WORDS = {
    "de": {
        "track": "Wo ist mein Paket? Bestellung {0}",
        "label": "Ich brauche ein Rücksendeetikett für {0}",
        "reason": "gefällt mir nicht",
        "move": "Bitte die Lieferadresse von {0} ändern",
        "street": "Lindenweg 4, 50674 Köln",
        "cancel": "Bitte die Bestellung {0} stornieren",
        "photo": "So kam es an",
        "human": "Ich möchte mit einem Menschen sprechen",
        "shipping": "Was kostet der Versand?",
    },
    "en": {
        "track": "Where is my parcel? Order {0}",
        "label": "I need a return label for {0}",
        "reason": "I don't like it",
        "move": "Please change the delivery address of order {0}",
        "street": "Lindenweg 4, 50674 Köln",
        "cancel": "Please cancel order {0}",
        "photo": "This is how it arrived",
        "human": "I want to talk to a person",
        "shipping": "How much is shipping?",
    },
}


class Shown(Protocol):
    """A message on a screen."""

    @property
    def text(self) -> str: ...

    @property
    def buttons(self) -> Sequence[str]: ...


@asynccontextmanager
async def running(bot: BotProcess) -> AsyncIterator[None]:
    """`bot run` until closed. A failure tells what the bot logged."""
    bot.start()
    try:
        await asyncio.to_thread(bot.wait_ready)
        yield
    except BaseException as error:
        error.add_note(bot.tail(60))
        raise
    finally:
        code = await asyncio.to_thread(bot.stop)
    assert code == 0, bot.tail()


@dataclass
class Person(ABC):
    """A customer in some messenger."""

    channel: ClassVar[str]
    photo_alone: ClassVar[str] = "utter_media_only"
    person_asked: ClassVar[str] = "utter_handoff"
    courtesies: ClassVar[bool] = True
    language: str

    @property
    def words(self) -> dict[str, str]:
        return WORDS[self.language]

    @abstractmethod
    async def says(self, text: str) -> object: ...

    @abstractmethod
    async def presses(self, title: str) -> object: ...

    @abstractmethod
    async def sends_photo(self, data: bytes, caption: str = "") -> object: ...

    @abstractmethod
    async def sees(self) -> Any: ...

    async def hears(self, name: str, *parts: str) -> Any:
        """The next message; it must be this text, and hold these parts."""
        shown = await self.sees()
        assert said(name, shown.text, self.language), f"{name}: {shown.text}"
        assert all(part in shown.text for part in parts), shown.text
        return shown


async def has_all_in_state(records: Records, channel: str, state: str) -> None:
    """Everything that went out on a channel gets there."""
    rest = f"SELECT 1 FROM outbox WHERE target = 'channel:{channel}' AND state <> '{state}'"
    await eventually(lambda: not records.bot(rest), 10)


async def moves(person: Person, shop: LiveShop, records: Records) -> None:
    """The address of an order is changed, after a yes."""
    order = await shop.like("B-100235")
    await person.says(person.words["move"].format(order))
    await _enters_code_if_asked(person, order, records)
    await person.says(person.words["street"])
    shown = await person.hears("utter_change_address_propose", "Lindenweg 4, 50674 Köln")
    assert records.changes(order) == []
    await person.presses(shown.buttons[0])
    await person.hears("utter_change_address_done")
    assert records.street(order) == "Lindenweg 4, 50674 Köln"


async def cancels(person: Person, shop: LiveShop, records: Records) -> None:
    """An order is cancelled, after a yes."""
    order = await shop.like("B-100235")
    await person.says(person.words["cancel"].format(order))
    shown = await _proves_if_asked(person, "utter_cancel_order_propose_paid")
    await person.presses(shown.buttons[0])
    await person.hears("utter_cancel_order_done_refund")
    assert len(records.changes(order)) == 1


async def asks_for_a_label(person: Person, order: str) -> None:
    """Up to the yes, after which the label comes."""
    await person.says(person.words["label"].format(order))
    await person.hears("utter_ask_return_reason")
    await person.says(person.words["reason"])
    shown = await person.sees()
    assert len(shown.buttons) == 2, shown.text
    await person.presses(shown.buttons[0])


async def meets_a_person(person: Person, bot: BotProcess, records: Records) -> None:
    """A photo, a person, an answer, and the bot again."""
    await person.sends_photo(PNG)
    await person.hears(person.photo_alone)
    await person.says(person.words["human"])
    await person.hears(person.person_asked)
    async with DeskClient(bot.url, DESK_TOKEN, "Nora Weber") as agent:
        case = records.bot(_CASE.format(person.channel))[0]["id"]
        await agent.take_over(case)
        if person.courtesies:
            await person.hears("utter_agent_joined", "Nora")
        await person.sends_photo(PNG, person.words["photo"])
        fetched = "SELECT 1 FROM inbox WHERE status = 'case' AND attachments LIKE '%\"file\"%'"
        await eventually(lambda: records.bot(fetched), 10)
        await agent.say(case, "Danke, ich sehe es.")
        assert (await person.sees()).text == "Danke, ich sehe es."
        await agent.hand_back(case, outcome="Ein Ersatz kommt.", note="")
        await person.hears("utter_handed_back_outcome", "Ein Ersatz kommt.")
    await person.says(person.words["shipping"])
    await person.hears("utter_delivery_options")


async def _enters_code_if_asked(person: Person, order: str, records: Records) -> None:
    """The pair and the code, where the channel vouches for nothing."""
    shown = await person.sees()
    if said("utter_ask_proof", shown.text, person.language):
        await person.says("20095")
        await person.hears("utter_code_sent")
        await person.hears("utter_ask_code")
        await eventually(lambda: records.code_for(order) is not None, 10)
        await person.says(str(records.code_for(order)))
        await person.hears("utter_code_right")
        shown = await person.sees()
    assert said("utter_ask_new_street", shown.text, person.language), shown.text


async def _proves_if_asked(person: Person, then: str) -> Any:
    """The postcode of B-100235, where the channel vouches for nothing."""
    shown = await person.sees()
    if said("utter_ask_proof", shown.text, person.language):
        await person.says("20095")
        return await person.hears(then)
    assert said(then, shown.text, person.language), f"{then}: {shown.text}"
    return shown
