"""Shows the customer that an answer is being written, where a channel can."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.messages import Answer, Turn
from bot.ports import Channel, Next, ShowsTyping, Store
from bot.store import conversations


@dataclass(eq=False, kw_only=True)
class TypingHint:
    """A middleware: the channel's hint stands while the dialogue thinks."""

    store: Store
    channels: Mapping[str, Channel]

    async def __call__(self, turn: Turn, ask: Next) -> Answer:
        """Ask, with the hint shown meanwhile."""
        address = await self.store.read(lambda tx: conversations.address(tx, turn.conversation))
        channel = self.channels.get(address.channel)
        if not isinstance(channel, ShowsTyping):
            return await ask(turn)
        async with channel.typing(address):
            return await ask(turn)
