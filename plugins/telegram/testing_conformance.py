"""Telegram in the conformance suite, polling and with a webhook, at the simulated Telegram."""

from __future__ import annotations

import asyncio
import json
import mimetypes
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any, ClassVar

import aiohttp

from bot.ports import Channel
from bot.store.migrate import Migrations
from bot.testing.conformance_wire import Fault, Harness, Seen, Taken, Update
from plugins.telegram.channel import TelegramChannel
from plugins.telegram.settings import TelegramSettings
from plugins.telegram.testing import Raw, Shown, TelegramSimulator
from plugins.telegram.testing_wire import document_of, message_of

PUBLIC = "https://bot.shop.example"
SECRET = "a-secret-of-the-webhook_1"  # noqa: S105 - of the simulated Telegram
_CONFIRMED_WITHIN = 8.0
"""Seconds until an update that was polled counts as not confirmed: the bot is gone."""


class Phone:
    """A :class:`bot.testing.conformance_wire.Wire`: one customer at the simulated Telegram."""

    def __init__(self, telegram: TelegramSimulator, **settings: Any) -> None:
        self.telegram = telegram
        self.customer = telegram.customer(1001, "Anna")
        self.customer.started = True
        self.settings: Mapping[str, Any] = telegram.settings(**settings)

    def listens_at(self, url: str) -> None:
        """As in the protocol."""
        self.telegram.listens_at(url, PUBLIC)

    def text(self, text: str) -> Update:
        """As in the protocol."""
        return self._message({"text": text})

    def file(self, data: bytes, name: str, text: str = "") -> Update:
        """As in the protocol."""
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        kept = self.telegram.api.keep(data, "documents", name)
        content = document_of(kept, len(data), name, kind)
        return self._message({**content, **({"caption": text} if text else {})})

    def press(self, title: str) -> Update:
        """As in the protocol."""
        customer = self.customer
        under = next(one for one in reversed(customer.messages) if title in one.buttons)
        found = {"from": customer.user, "chat_instance": "1", "message": under.raw}
        data = under.data[under.buttons.index(title)]
        self.telegram.api.queries["4711"] = False
        update = self._update({"callback_query": {"id": "4711", **found, "data": data}})
        return Update(self._name(update), lambda: self.brings(update))

    def unknown(self) -> Update:
        """As in the protocol."""
        return self._message({"dice": {"emoji": "🎲", "value": 3}})

    def malformed(self) -> Sequence[Update]:
        """As in the protocol."""
        return [
            self._refused("no message", {"message": "Hallo"}),
            self._refused("a list", {"message": [1, 2]}),
        ]

    def oversized(self) -> Sequence[Update]:
        """As in the protocol: longer than anybody can write on Telegram."""
        customer = self.customer
        message = message_of(1, customer.user, customer.chat, {"text": "a" * 20_000})
        return [self._refused("text", {"message": message})]

    async def seen(self) -> Sequence[Seen]:
        """As in the protocol."""
        return [_seen(shown) for shown in list(self.customer.messages)]

    def fail(self, fault: Fault, times: int = 1) -> None:
        """As in the protocol."""
        faults = self.telegram.faults
        match fault:
            case Fault.TOO_MANY:
                faults.too_many = times
            case Fault.BROKEN:
                faults.broken = times
            case Fault.CUT_BEFORE:
                faults.cut_before = times
            case Fault.CUT_AFTER:
                faults.cut_after = times
            case Fault.REJECTED:
                faults.refusals.extend([(403, "Forbidden: bot was blocked by the user")] * times)
            case Fault.FAILS_LATER:
                raise ValueError("Telegram reports nothing later")

    async def brings(self, update: Raw) -> Taken:
        """An attempt: with the next poll, until the offset is beyond it."""
        pending = await self.telegram.updates.put(update, repeat=True)
        try:
            async with asyncio.timeout(_CONFIRMED_WITHIN):
                await pending.confirmed.wait()
        except TimeoutError:
            return Taken.FAILED
        return Taken.ACCEPTED

    def _refused(self, _name: str, content: Raw) -> Update:
        """What can only be left out: the offset moves on, and nothing of it is kept."""
        update = self._update(content)

        async def bring() -> Taken:
            taken = await self.brings(update)
            return Taken.REFUSED if taken is Taken.ACCEPTED else taken

        return Update(self._name(update), bring)

    def _message(self, content: Raw) -> Update:
        customer = self.customer
        number = self.telegram.api.next_id()
        message = message_of(number, customer.user, customer.chat, content)
        update = self._update({"message": message})
        wire_id = f"{self.telegram.bot_id}/{customer.chat['id']}/{number}"
        return Update(wire_id, lambda: self.brings(update))

    def _name(self, update: Raw) -> str:
        return f"{self.telegram.bot_id}/u{update['update_id']}"

    def _update(self, content: Raw) -> Raw:
        return self.telegram.updates.number(content)


class HookedPhone(Phone):
    """The same, where Telegram calls the bot."""

    async def brings(self, update: Raw) -> Taken:
        """An attempt: a call."""
        return await self._calls(update)

    def malformed(self) -> Sequence[Update]:
        """As in the protocol: what has not the secret, and what is no update."""
        odd, good = self._update({"message": "Hallo"}), self._good()
        return [
            Update("no secret", lambda: self._calls(good, secret="")),
            Update("wrong secret", lambda: self._calls(good, secret=SECRET[:-1])),
            Update("no JSON", lambda: self._calls(b"Hallo")),
            Update("no update", lambda: self._calls({"message": {}})),
            Update("a list", lambda: self._calls(b"[]")),
            Update("no message", lambda: self._calls(odd)),
        ]

    def oversized(self) -> Sequence[Update]:
        """As in the protocol."""
        huge = json.dumps({**self._good(), "more": "a" * 300_000}).encode()
        return [*super().oversized(), Update("body", lambda: self._calls(huge))]

    def _good(self) -> Raw:
        """An update that is taken, if nothing else speaks against it."""
        customer = self.customer
        message = message_of(1, customer.user, customer.chat, {"text": "Hallo"})
        return self._update({"message": message})

    def _refused(self, _name: str, content: Raw) -> Update:
        update = self._update(content)
        return Update(_name, lambda: self._calls(update))

    async def _calls(self, update: Raw | bytes, secret: str | None = None) -> Taken:
        while not self.telegram.updates.hook:  # noqa: ASYNC110 - Telegram calls whom it was told
            await asyncio.sleep(0.02)
        try:
            while (status := await self.telegram.updates.call(update, secret)) == 503:  # noqa: ASYNC110 - as a vendor tries again
                await asyncio.sleep(0.05)  # it has just started, and is called again
        except aiohttp.ClientError:
            return Taken.FAILED
        if status < 300:
            return Taken.ACCEPTED
        return Taken.REFUSED if status < 500 else Taken.FAILED


def _seen(shown: Shown) -> Seen:
    files = (shown.file,) if shown.file is not None else ()
    return Seen(shown.text, shown.buttons, files)


class TelegramHarness(Harness):
    """Telegram by long polling."""

    faults: ClassVar[frozenset[Fault]] = frozenset(Fault) - {Fault.FAILS_LATER}
    migrations: ClassVar[Sequence[Migrations]] = (
        Migrations("telegram", files("plugins.telegram") / "migrations"),
    )

    def channel(self, settings: Mapping[str, Any]) -> Channel:
        """As in the base class."""
        return TelegramChannel(TelegramSettings.model_validate(settings), PUBLIC)

    @asynccontextmanager
    async def wire(self) -> AsyncIterator[Phone]:
        """As in the base class."""
        async with TelegramSimulator() as telegram:
            yield Phone(telegram)


class TelegramWebhookHarness(TelegramHarness):
    """Telegram with a webhook."""

    @asynccontextmanager
    async def wire(self) -> AsyncIterator[Phone]:
        """As in the base class."""
        async with TelegramSimulator() as telegram:
            yield HookedPhone(telegram, mode="webhook", webhook_secret=SECRET)
