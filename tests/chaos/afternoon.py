"""An afternoon at a shop: customers on four channels, and agents who sit in Slack."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import aiohttp

from plugins.slack.testing import Message, NotAcknowledged, Person, Refused, Room, SlackSimulator
from plugins.telegram.testing import Customer as TelegramCustomer
from plugins.web.testing import ChatClient
from plugins.whatsapp.testing import Customer as WhatsAppCustomer
from plugins.whatsapp.webhooks import MESSAGES

PERSON = "Ich möchte mit einem Menschen sprechen"
QUESTIONS = ("Was kostet der Versand?", "Wie lange dauert eine Lieferung?", "Wie zahle ich?")
SECRET = "GEHEIM"
"""Stands in everything that must stay inside."""
ANSWER = "Antwort Nr."
JOINED = "ist jetzt für Sie da"
TAKE, BACK, DONE = "Übernehmen", "Zurück an den Bot", "Erledigt"


class Chat(Protocol):
    """One customer's end of a channel."""

    channel: ClassVar[str]

    async def sends(self, text: str) -> None:
        """Write until it was taken, sometimes twice as a vendor does."""

    def screen(self) -> Sequence[str]:
        """Everything that arrived, in order."""


@dataclass
class WhatsAppChat:
    channel: ClassVar[str] = "whatsapp"
    customer: WhatsAppCustomer
    luck: random.Random

    async def sends(self, text: str) -> None:
        number = len(self.customer.twilio.answers)
        form = self.customer.form(f"SM{self.luck.getrandbits(128):032x}", {"Body": text})
        self.customer.twilio.api.inbound.add(form["MessageSid"])
        self.customer.wrote_at = self.customer.twilio.now()
        times = 0
        while times < 1 + (self.luck.random() < 0.2):  # Twilio repeats what it got no answer to
            with suppress(aiohttp.ClientError):
                times += await self.customer.twilio.calls(form, MESSAGES) == 200
            await asyncio.sleep(0.05)
        assert len(self.customer.twilio.answers) > number

    def screen(self) -> Sequence[str]:
        return [shown.text for shown in self.customer.phone]


@dataclass
class TelegramChat:
    channel: ClassVar[str] = "telegram"
    customer: TelegramCustomer

    async def sends(self, text: str) -> None:
        await self.customer.says(text)

    def screen(self) -> Sequence[str]:
        return [shown.text for shown in self.customer.messages]


@dataclass
class WebChat:
    channel: ClassVar[str] = "web"
    client: ChatClient
    luck: random.Random
    seen: dict[int, str] = field(default_factory=dict)

    async def sends(self, text: str) -> None:
        name = f"{self.luck.getrandbits(64):016x}"
        for _ in range(1 + (self.luck.random() < 0.2)):
            await self.client.post(text, client_id=name, patience=60)

    async def looks(self) -> None:
        """Read the page anew."""
        found = await self.client.history()
        self.seen = {one.id: one.text for one in found if one.direction == "out"}

    def screen(self) -> Sequence[str]:
        return list(self.seen.values())


@dataclass
class SlackChat:
    channel: ClassVar[str] = "slack"
    person: Person
    room: Room

    async def sends(self, text: str) -> None:
        await self.person.writes(self.room, text)

    def screen(self) -> Sequence[str]:
        return [one.words for one in self.room.messages if one.by_bot]


@dataclass
class Shopper:
    """A customer who asks, perhaps for a person, and goes on writing meanwhile."""

    name: str
    chat: Chat
    luck: random.Random
    sent: int = 0

    async def run(self, seconds: float) -> None:
        """Come in at some time, and write a few messages."""
        await asyncio.sleep(self.luck.random() * seconds)
        await self._says(self.luck.choice(QUESTIONS))
        if self.luck.random() < 0.4:
            await self._says(PERSON)
            await self._says("Es eilt ein wenig")
            await self._says(self.luck.choice(QUESTIONS))
        await self._says("Danke schön")

    async def _says(self, text: str) -> None:
        await self.chat.sends(text)
        self.sent += 1
        await asyncio.sleep(0.5 + self.luck.random() * 3)


@dataclass
class Spoken:
    """What agents wrote: to customers, by the name of the agent, and what they took back."""

    lines: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    handed_back: int = 0
    closed: int = 0
    lost_the_race: int = 0


@dataclass
class Colleague:
    """An agent in Slack: takes the next case, answers, and ends it or keeps it."""

    slack: SlackSimulator
    support: Room
    person: Person
    others: Sequence[Person]
    spoken: Spoken
    luck: random.Random

    async def run(self, over: asyncio.Event) -> None:
        """Work until the afternoon is over."""
        while not over.is_set():
            card = self._next_card()
            # A bot that restarts answers nobody: Slack says so, and people try again.
            with suppress(NotAcknowledged, Refused, TimeoutError):
                if card is not None and await self._takes(card):
                    await self._works_on(card)
            await asyncio.sleep(0.2 + self.luck.random())

    def _next_card(self) -> Message | None:
        free = [one for one in self.support.messages if one.by_bot and TAKE in one.buttons]
        return self.luck.choice(free[:6]) if free else None

    async def _takes(self, card: Message) -> bool:
        await self.person.presses(card, TAKE)
        mine = f"Betreut von {self.person.user.real_name}"
        with suppress(TimeoutError):
            await self.slack.until(lambda: mine in card.words, seconds=5)
            return True
        self.spoken.lost_the_race += 1
        for view in reversed(self.person.views):
            await self.person.closes(view)
        return False

    async def _works_on(self, card: Message) -> None:
        number = f"{self.luck.getrandbits(48):x}"
        colleague = self.luck.choice(self.others)
        await self.person.writes(self.support, f"// {SECRET} {number} nett", thread=card)
        await colleague.writes(self.support, f"{SECRET} {number} kenne ich", thread=card)
        await self._answers(card, f"{ANSWER} {number}")
        if self.luck.random() < 0.2:
            text = f"{ANSWER} {number}-falsch"
            line = await self.person.writes(self.support, text, thread=card)
            await self.person.deletes(line)
            self.spoken.stopped.append(text)
        await asyncio.sleep(self.luck.random() * 2)
        await self._answers(card, f"{ANSWER} {number}-b")
        await self._ends(card)

    async def _answers(self, card: Message, text: str) -> None:
        await self.person.writes(self.support, text, thread=card)
        self.spoken.lines.append(text)

    async def _ends(self, card: Message) -> None:
        way = self.luck.random()
        if way < 0.7:
            await self.person.presses(card, BACK)
            view = await self.person.sees_view("Der Bot übernimmt wieder")
            if not await self.person.submits(view, {"pick": "answered"}):
                self.spoken.handed_back += 1
        elif way < 0.85:
            await self.person.presses(card, DONE)
            view = await self.person.sees_view("zu Ende")
            if not await self.person.submits(view, {"outcome": "Hat sich erledigt"}):
                self.spoken.closed += 1


async def trouble(
    over: asyncio.Event, faults: Sequence[Callable[[], None]], every: float = 2.0
) -> None:
    """Let one thing after the other go wrong until the afternoon is over."""
    number = 0
    while not over.is_set():
        faults[number % len(faults)]()
        number += 1
        await asyncio.sleep(every)


async def until(holds: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Whether something came true in so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not await holds():  # noqa: ASYNC110 - tables have no event
                await asyncio.sleep(0.5)
            return True
    return False
