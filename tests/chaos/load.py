"""Dozens of customers at once, each after something, who keep trying as the chat page does."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import aiohttp

from plugins.web.testing import ChatClient, ChatMessage, Refusal
from tests.live.records import Records
from tests.live.shop import LiveShop
from tests.live.waiting import eventually
from tests.live.words import said

ANSWER_SECONDS = 600.0
"""So long a customer waits for an answer, or tries to send, while things are killed."""
NOTICES = ("utter_delay", "utter_already_done", "utter_code_sent", "utter_code_right")
"""What comes before an answer."""


@dataclass
class Wish:
    """One order and the one change that its customer wants."""

    order: str
    kind: str | None  # the shop's kind of change; None: only a look
    detail: str = ""
    confirmed: bool = False  # a yes to the proposal was accepted
    told: bool = False  # the customer heard that it is done


@dataclass
class Load:
    """What all customers did and heard."""

    accepted: list[str] = field(default_factory=list)  # client ids
    wishes: list[Wish] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    replies: int = 0
    stopping: bool = False


class Shopper:
    """One customer after another wish, with a conversation of their own."""

    def __init__(
        self,
        url: str,
        load: Load,
        orders: dict[str, Iterator[str]],
        records: Records,
        seed: int,
    ) -> None:
        self._url = url
        self._records = records
        self._load = load
        self._orders = orders
        self._random = random.Random(seed)
        self._chat = ChatClient(url)

    async def run(self) -> None:
        """Go on until the load is stopped; after a surprise, as somebody new."""
        while not self._load.stopping:
            async with ChatClient(self._url) as self._chat:
                await self._open_page()
                while not self._load.stopping:
                    flow = self._random.choice(
                        [self._move, self._move, self._send_back, self._cancel, self._track]
                    )
                    if not await flow():
                        break

    async def _open_page(self) -> None:
        """The page reads its history first: from then on the browser has its cookie."""
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                try:
                    await self._chat.history()
                except (aiohttp.ClientError, Refusal):
                    await asyncio.sleep(0.05)
                else:
                    return

    async def _move(self) -> bool:
        number = self._random.randint(1, 99)
        wish = self._wish("B-100235", "address", f"Lindenweg {number}")
        return (
            await self._hears(f"Lieferadresse von {wish.order} ändern, PLZ 20095", "ask_code")
            and await self._hears(await self._code(wish.order), "ask_new_street")
            and await self._hears(f"Lindenweg {number}, 50674 Köln", "change_address_propose")
            and await self._yes(wish, "change_address_done")
        )

    async def _send_back(self) -> bool:
        wish = self._wish("B-100237", "return")
        return (
            await self._hears(f"Retourenlabel für {wish.order}, PLZ 70173", "ask_return_reason")
            and await self._hears("keine Angabe", "return_label_propose")
            and await self._yes(wish, "return_label_done")
        )

    async def _cancel(self) -> bool:
        wish = self._wish("B-100235", "cancel")
        return await self._hears(
            f"Bestellung {wish.order} stornieren, PLZ 20095", "cancel_order_propose_paid"
        ) and await self._yes(wish, "cancel_order_done_refund")

    async def _track(self) -> bool:
        wish = self._wish("B-100234", None)
        return await self._hears(
            f"Wo ist {wish.order}? PLZ 50674", "track_order_shipped"
        ) and await self._hears("Was kostet der Versand?", "delivery_options")

    async def _code(self, order: str) -> str:
        """What the mailbox shows: also a mail comes late while things are killed."""
        await eventually(lambda: self._records.code_for(order) is not None, ANSWER_SECONDS)
        return str(self._records.code_for(order))

    async def _yes(self, wish: Wish, done: str) -> bool:
        wish.confirmed = True
        if not await self._hears("ja", done):
            return False
        wish.told = True
        return self._random.random() < 0.5 or await self._hears("ja", done)

    def _wish(self, like: str, kind: str | None, detail: str = "") -> Wish:
        wish = Wish(next(self._orders[like]), kind, detail)
        self._load.wishes.append(wish)
        return wish

    async def _hears(self, text: str, *expected: str) -> bool:
        reply = await self._ask(text)
        if any(said(f"utter_{name}", reply, "de") for name in expected):
            return True
        self._load.surprises.append(f"> {text}\n  {reply}")
        return False

    async def _ask(self, text: str) -> str:
        client_id = secrets.token_urlsafe(12)
        number = await self._post(text, client_id)
        self._load.accepted.append(client_id)
        wanted = _answer_to(number)
        try:
            message = await self._chat.wait(wanted, patience=ANSWER_SECONDS)
        except TimeoutError:
            return "(no answer)"
        self._load.replies += 1
        return message.text

    async def _post(self, text: str, client_id: str) -> int:
        while True:
            try:
                return await self._chat.post(text, client_id=client_id, patience=ANSWER_SECONDS)
            except aiohttp.ClientError:  # the answer was cut off: once more, under the same id
                await asyncio.sleep(0.05)


def _answer_to(number: int) -> Callable[[ChatMessage], bool]:
    def wanted(message: ChatMessage) -> bool:
        notice = any(said(name, message.text, "de") for name in NOTICES)
        return message.direction == "out" and message.id > number and not notice

    return wanted


async def orders_for(shop: LiveShop, each: int) -> dict[str, Iterator[str]]:
    """Enough orders of the kinds that the customers need."""
    kinds = ("B-100234", "B-100235", "B-100237")
    return {kind: iter(await shop.many(kind, each)) for kind in kinds}
