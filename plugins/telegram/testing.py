"""A simulated Telegram on loopback: its Bot API, as strict as the real one, and people who chat.

    async with TelegramSimulator() as telegram:
        settings = TelegramSettings(**telegram.settings())
        ...
        anna = telegram.customer(1001, "Anna")
        await anna.says("Wo ist mein Paket?")
        shown = await anna.receives()          # the next message on her screen

Faults are asked for with :class:`Faults`. Everything that the bot asked is in ``api.requests``.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from bot.testing.screen import Screen
from plugins.telegram.testing_api import BotApi
from plugins.telegram.testing_updates import Updates
from plugins.telegram.testing_wire import (
    chat_of,
    command_entities,
    contact_of,
    document_of,
    location_of,
    mention_entities,
    message_of,
    photo_of,
    user_of,
    voice_of,
)

Raw = dict[str, Any]


@dataclass
class Faults:
    """What goes wrong next. Counts go down by one with each message that the bot sends."""

    too_many: int = 0  # 429
    retry_after: int = 1  # seconds, told with a 429
    broken: int = 0  # 500, the message is not taken
    gateway: int = 0  # 502 from a proxy before the API, in HTML; the message was taken
    cut_after: int = 0  # the connection ends after the message was taken
    cut_before: int = 0  # the connection ends before
    slow: float = 0.0  # seconds before each answer to a send
    refusals: deque[tuple[int, str]] = field(default_factory=deque)  # status and description
    poll: deque[tuple[int, str]] = field(default_factory=deque)  # the same, for getUpdates
    answers: deque[tuple[int, str]] = field(default_factory=deque)  # for answerCallbackQuery
    infos: deque[tuple[int, str]] = field(default_factory=deque)  # for getWebhookInfo
    slow_answers: float = 0.0  # seconds before each of its answers
    duplicate: int = 0  # updates that are brought twice
    reorder: bool = False  # what waits is brought in the wrong order
    delay: float = 0.0  # seconds before an update is brought


@dataclass(frozen=True)
class Shown:
    """A message as it is on somebody's screen."""

    id: int
    text: str = ""
    buttons: tuple[str, ...] = ()  # under the message
    data: tuple[str, ...] = ()  # what they carry
    links: tuple[str, ...] = ()  # addresses of buttons that open one
    keyboard: tuple[str, ...] = ()  # in place of the keyboard
    keyboard_removed: bool = False
    kind: str = "text"  # text, photo or document
    file: bytes | None = None
    name: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)


class Customer(Screen[Shown]):
    """Somebody on Telegram, in a private chat with the bot."""

    def __init__(self, telegram: TelegramSimulator, user_id: int, name: str) -> None:
        super().__init__()
        self._telegram = telegram
        self.user = user_of(user_id, name)
        self.chat = chat_of(user_id, name)
        self.started = False
        self.blocked = False

    async def says(self, text: str, *, to: Shown | None = None) -> Raw:
        """Write, perhaps as an answer to a message; the update."""
        more = {"reply_to_message": to.raw} if to else {}
        return await self.sends({"text": text, "entities": command_entities(text), **more})

    async def starts(self, parameter: str = "") -> Raw:
        """Open the bot's link."""
        return await self.says(f"/start {parameter}".strip())

    async def edits(self, update: Raw, text: str) -> Raw:
        """Change a text or a caption that was sent before."""
        message = dict(update["message"])
        message["caption" if "caption" in message else "text"] = text
        message["edit_date"] = message["date"] + 1
        return await self._telegram.updates.tell({"edited_message": message})

    async def presses(self, title: str, shown: Shown | None = None) -> str:
        """Press a button of the latest message that has it; the query's id."""
        under = shown or next(one for one in reversed(self.messages) if title in one.buttons)
        data = under.data[under.buttons.index(title)]
        return await self.asks(under, data)

    async def asks(self, under: Shown, data: str) -> str:
        """A callback query with this data, as it comes or forged."""
        query = str(secrets.randbelow(10**15))
        self._telegram.api.queries[query] = False
        found = {"id": query, "from": self.user, "chat_instance": "1", "data": data}
        await self._telegram.updates.tell({"callback_query": {**found, "message": under.raw}})
        return query

    async def sends_photo(self, data: bytes, caption: str = "", *, album: str | None = None) -> Raw:
        """Send a picture, with words under it or without; one of an album."""
        content = photo_of(self._telegram.api.keep(data, "photos", ".jpg"), len(data))
        return await self.sends(_with(content, caption, album))

    async def sends_document(
        self, data: bytes, name: str, content_type: str, caption: str = ""
    ) -> Raw:
        """Send a file."""
        kept = self._telegram.api.keep(data, "documents", name)
        return await self.sends(_with(document_of(kept, len(data), name, content_type), caption))

    async def sends_voice(self, data: bytes) -> Raw:
        """Speak."""
        return await self.sends(voice_of(self._telegram.api.keep(data, "voice", ".oga"), len(data)))

    async def sends_place(self, latitude: float, longitude: float, title: str = "") -> Raw:
        """Share a place."""
        return await self.sends(location_of(latitude, longitude, title))

    async def shares_contact(
        self, phone: str, *, user_id: int | None = None, forwarded: bool = False
    ) -> Raw:
        """Share a contact: the own one, if it is not somebody else's ``user_id``."""
        whose = self.user["id"] if user_id is None else user_id
        content = contact_of(phone, self.user["first_name"], whose)
        if forwarded:
            origin = {"type": "hidden_user", "date": 1, "sender_user_name": "?"}
            content = {**content, "forward_origin": origin}
        return await self.sends(content)

    async def sends_sticker(self) -> Raw:
        """A kind of message that has no words."""
        size = {"width": 512, "height": 512, "file_id": "S", "file_unique_id": "S"}
        kinds = {"type": "regular", "is_animated": False, "is_video": False}
        return await self.sends({"sticker": {**size, **kinds}})

    async def sends(self, content: Raw) -> Raw:
        """A message with this content; the update."""
        self.started = True
        message = message_of(self._telegram.api.next_id(), self.user, self.chat, content)
        return await self._telegram.updates.tell({"message": message})

    def blocks(self) -> None:
        """Stop the bot, as Telegram calls it."""
        self.blocked = True


class Group(Screen[Shown]):
    """A group with the bot in it."""

    def __init__(self, telegram: TelegramSimulator, group_id: int, title: str) -> None:
        super().__init__()
        self._telegram = telegram
        self.chat = {"id": group_id, "type": "supergroup", "title": title}
        self.started, self.blocked = True, False

    async def hears(self, customer: Customer, text: str, *, to: Shown | None = None) -> Raw:
        """Somebody writes to all, perhaps with the bot's name in it, or as an answer."""
        entities = mention_entities(text) + command_entities(text)
        content: Raw = {"text": text, "entities": entities}
        if to is not None:
            content["reply_to_message"] = to.raw
        number = self._telegram.api.next_id()
        message = message_of(number, customer.user, self.chat, content)
        return await self._telegram.updates.tell({"message": message})


class TelegramSimulator:
    """Telegram, with one bot. An async context manager."""

    def __init__(self, username: str = "muster_shop_bot") -> None:
        self.username = username
        self.faults = Faults()
        self.people: dict[int, Customer | Group] = {}
        self.updates = Updates(self.faults)
        self.api = BotApi(self)
        self.becomes_another_bot()
        self.url = ""
        self._session: aiohttp.ClientSession | None = None

    def settings(self, **more: Any) -> dict[str, Any]:
        """Settings of the channel that fit; the token goes into the environment of a real bot."""
        quick = {"poll_seconds": 1, "per_chat_seconds": 0.0, "burst_seconds": 0.05}
        return {"token": self.token, "api_url": self.url, **quick, **more}

    def customer(self, user_id: int, name: str = "Anna") -> Customer:
        """The customer with this number."""
        made = self.people.setdefault(user_id, Customer(self, user_id, name))
        assert isinstance(made, Customer)
        return made

    def group(self, group_id: int = -1001, title: str = "Nachbarn") -> Group:
        """The group with this number."""
        made = self.people.setdefault(group_id, Group(self, group_id, title))
        assert isinstance(made, Group)
        return made

    def becomes_another_bot(self) -> None:
        """Another id and token; its messages are counted anew."""
        self.bot_id = 700_000_000 + secrets.randbelow(10**6)
        self.token = f"{self.bot_id}:{secrets.token_urlsafe(26)}"
        self.api.counts_anew()

    def listens_at(self, url: str, public_url: str = "") -> None:
        """Where the bot takes webhooks, and the address it is known by from outside."""
        self.updates.local, self.updates.public = url, public_url or url

    async def calls(self, update: Raw, *, secret: str | None = None) -> int:
        """Call the webhook once; the status of the answer. A wrong ``secret`` may be given."""
        return await self.updates.call(update, secret)

    async def __aenter__(self) -> TelegramSimulator:
        self.updates.session = self._session = aiohttp.ClientSession()
        self._runner = web.AppRunner(
            self.api.app(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.updates.close()
        if self._session is not None:
            await self._session.close()
        await self._runner.cleanup()


def _with(content: Raw, caption: str, album: str | None = None) -> Raw:
    words = {"caption": caption} if caption else {}
    return {**content, **words, **({"media_group_id": album} if album else {})}
