"""A whole bot whose desk is in the simulated Slack, with a customer on a channel that remembers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.messages import Address, Answer, Attachment, Features, Inbound, Kind, Outcome, Say
from bot.store.codec import new_id
from bot.testing.fakes import FakeChannel, ScriptedDialogue
from bot.testing.running import GivenPlugin, RunningBot, running_bot
from host.hooks import hookimpl
from host.ports import Registrar
from plugins.slack.testing import Message, Person, Room, SlackSimulator
from plugins.slack.testing_installed import install_for
from plugins.slack.wanted import Wanted

UNDO = 1.2
"""Seconds; long enough to press a button in a test, short enough to wait for."""
PERSON = "Ich möchte mit einem Menschen sprechen"
HANDED_OVER = "Ich hole jemanden dazu."


class FakeChannelPlugin:
    """Registers a channel that remembers what it sent."""

    def __init__(self, channel: FakeChannel) -> None:
        self._channel = channel

    @hookimpl
    def bot_register(self, bot: Registrar) -> None:
        """Add the channel."""
        bot.add_channel(self._channel)


@dataclass
class DeskBench:
    """What a test of the desk works with. ``bot`` is the running one."""

    slack: SlackSimulator
    support: Room
    ops: Room
    jana: Person
    jonas: Person
    channel: FakeChannel
    bot: RunningBot
    dialogue: ScriptedDialogue = field(default_factory=ScriptedDialogue)

    async def says(
        self,
        text: str,
        *,
        who: str = "erika",
        name: str = "Erika Mustermann",
        wire_id: str | None = None,
        **more: Any,
    ) -> str:
        """A customer writes; the wire id."""
        assert self.channel.inbox is not None
        wire = wire_id or new_id()
        message = Inbound(
            Address("fake", who), wire, text=text, sender_name=name, **{"kind": Kind.TEXT, **more}
        )
        await self.channel.inbox.accept(message)
        return wire

    async def sends_file(self, data: bytes, name: str, text: str = "", who: str = "erika") -> None:
        """A customer sends a file that is stored already."""
        files = self.bot.app.files
        kept = await files.put_bytes(data, name=name, owner="fake")
        await self.says(text, who=who, kind=Kind.MEDIA, attachments=(kept,))

    async def case(self, who: str = "erika", name: str = "Erika Mustermann") -> Message:
        """A customer asks for a person; the card."""
        before = {one.ts for one in self.cards}
        await self.says(PERSON, who=who, name=name)
        return await self.slack.wait_message(
            self.support, lambda one: one.ts not in before and name in one.words
        )

    @property
    def cards(self) -> list[Message]:
        """The bot's messages in the channel, outside of threads."""
        return [one for one in self.support.messages if one.by_bot]

    def thread(self, card: Message) -> list[Message]:
        """What stands under a card."""
        return self.support.thread(card)

    async def line(self, card: Message, words: str) -> Message:
        """A message of the bot's in a thread, as soon as it is there."""
        return await self.slack.wait_message(self.support, words, thread=card)

    async def taken(self, who: Person | None = None, customer: str = "erika") -> Message:
        """A case that an agent has taken over; its card."""
        names = {"erika": "Erika Mustermann"}
        card = await self.case(customer, names.get(customer, customer.title()))
        agent = who or self.jana
        await agent.presses(card, "Übernehmen")
        await self.sees(card, agent.user.real_name)
        return card

    async def sees(self, card: Message, words: str) -> None:
        """Wait until a message says something."""
        await self.slack.until(lambda: words in card.words)

    async def reaction(self, message: Message, emoji: str) -> None:
        """Wait until the only reaction of the bot is this."""
        await self.slack.until(lambda: message.bot_reactions == [emoji])

    async def reaches(self, text: str, seconds: float = 10.0) -> None:
        """Wait until the customer sees exactly this text. Raises TimeoutError."""
        await self.bot.until(
            "SELECT 1 FROM outbox WHERE text = :text AND op = 'send' AND state = 'sent'",
            seconds,
            text=text,
        )
        assert text in self.customer_saw, self.customer_saw

    @property
    def customer_saw(self) -> list[str]:
        """Every text that left, in order."""
        return [one.text for one in self.channel.sent]

    async def settled(self) -> None:
        """Wait until nothing is on its way in either direction."""
        await self.slack.events.settled()
        await self.bot.until(
            "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE state IN ('queued', 'sending')) "
            "AND NOT EXISTS (SELECT 1 FROM slack_events WHERE status = 'open') "
            "AND NOT EXISTS (SELECT 1 FROM inbox WHERE status = 'pending')",
            20.0,
        )
        await self.bot.until(
            "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM slack_marks WHERE want <> shown)", 20.0
        )


def script() -> ScriptedDialogue:
    """A dialogue that hands over when a person is asked for."""
    dialogue = ScriptedDialogue()
    handed = Answer((Say(text=HANDED_OVER),), Outcome.HANDOFF, "asked")
    dialogue.replies[PERSON] = handed
    return dialogue


@asynccontextmanager
async def desk_bot(
    folder: Path,
    slack: SlackSimulator,
    *,
    desk: Mapping[str, Any] | None = None,
    features: Features | None = None,
    channel: FakeChannel | None = None,
    dialogue: ScriptedDialogue | None = None,
    undo_seconds: float = UNDO,
    app: Mapping[str, Any] | None = None,
    more: Mapping[str, Mapping[str, Any]] | None = None,
    rules: Sequence[Mapping[str, Any]] = (),
) -> AsyncIterator[DeskBench]:
    """Run a bot on ``folder``; entered again with the same folder it is a restart.

    ``desk`` and ``app`` are settings, ``more`` are other built-in plugins with theirs, ``rules``
    are those of ``[[handoff.rules]]``.
    """
    jana, jonas = slack.person("jana", "Jana Kurz"), slack.person("jonas", "Jonas Weber")
    support = slack.channel("support", jana, jonas)
    ops = slack.channel("ops", jana)
    known = features or Features(burst_seconds=0.0, attachments_in=True, attachments_out=True)
    channel = channel or FakeChannel(features=known)
    dialogue = dialogue or script()
    customers = (app or {}).get("customers")
    install_for(slack, Wanted(direct=customers is not None, channels=customers is not None))
    table = {
        "api_url": slack.api_url,
        "per_channel_seconds": 0.0,
        "hold_seconds": 0.05,
        # A digest would come among what a test of the evening looks for.
        "desk": {"channel": support.id, "ops_channel": ops.id, "digest_at": "", **(desk or {})},
        **(app or {}),
    }
    secrets = {
        "SCHALTER_SLACK_BOT_TOKEN": slack.bot_token,
        "SCHALTER_SLACK_APP_TOKEN": slack.app_token,
    }
    given = [GivenPlugin("fake", FakeChannelPlugin(channel))]
    async with running_bot(
        folder,
        {"knowledge": {}, "slack": table, **(more or {})},
        dialogue,
        environment=secrets,
        given=given,
        handoff={"undo_seconds": undo_seconds, "rules": list(rules)},
    ) as bot:
        await slack.socket.connected()
        yield DeskBench(slack, support, ops, jana, jonas, channel, bot, dialogue)


__all__ = ["HANDED_OVER", "PERSON", "UNDO", "Attachment", "DeskBench", "desk_bot", "script"]
