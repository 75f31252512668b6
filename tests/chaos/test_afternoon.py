"""A whole afternoon: at its end every message is accounted for, and nothing internal got out."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from plugins.slack.testing import Person, Room, SlackSimulator
from plugins.telegram.testing import TelegramSimulator
from plugins.web.testing import ChatClient
from plugins.whatsapp.testing import TwilioSimulator
from tests.chaos.afternoon import (
    ANSWER,
    JOINED,
    SECRET,
    Colleague,
    Shopper,
    SlackChat,
    Spoken,
    TelegramChat,
    WebChat,
    WhatsAppChat,
    trouble,
    until,
)
from tests.live.process import BotProcess, free_port
from tests.live.records import Records

EACH = 50
"""Customers on each of the four channels."""
SECONDS = 60.0
"""In which all of them come in."""
AGENTS = ("Jana Kurz", "Jonas Weber", "Mia Lang", "Ole Brandt", "Pia Vogt", "Tom Adler")
SEED = 20261126


@dataclass
class Afternoon:
    """Everything that plays a part."""

    bot: BotProcess
    twilio: TwilioSimulator
    telegram: TelegramSimulator
    slack: SlackSimulator
    support: Room
    agents: Sequence[Person]
    shoppers: Sequence[Shopper]

    @property
    def records(self) -> Records:
        return Records(self.bot.data)


@asynccontextmanager
async def afternoon(folder: Path) -> AsyncIterator[Afternoon]:
    """A bot with all channels, whose desk is in Slack."""
    async with AsyncExitStack() as stack:
        twilio = await stack.enter_async_context(TwilioSimulator())
        telegram = await stack.enter_async_context(TelegramSimulator())
        slack = await stack.enter_async_context(SlackSimulator(retry_waits=(0, 1, 2)))
        agents = [slack.person(name.split()[0].lower(), name) for name in AGENTS]
        support = slack.channel("support", *agents)
        bot = _bot(folder, twilio, telegram, slack, support)
        bot.start()
        stack.callback(bot.stop)
        await asyncio.to_thread(bot.wait_ready)
        twilio.webhooks_at(bot.url)
        await slack.socket.connected()
        shoppers = await _shoppers(stack, bot, twilio, telegram, slack)
        yield Afternoon(bot, twilio, telegram, slack, support, agents, shoppers)


def _bot(
    folder: Path,
    twilio: TwilioSimulator,
    telegram: TelegramSimulator,
    slack: SlackSimulator,
    support: Room,
) -> BotProcess:
    whatsapp, chat = twilio.settings(), telegram.settings()
    secrets = {
        "SCHALTER_WHATSAPP_AUTH_TOKEN": whatsapp.pop("auth_token"),
        "SCHALTER_TELEGRAM_TOKEN": chat.pop("token"),
        "SCHALTER_SLACK_BOT_TOKEN": slack.bot_token,
        "SCHALTER_SLACK_APP_TOKEN": slack.app_token,
    }
    port = free_port()
    quick = {"per_channel_seconds": 0.0, "hold_seconds": 0.05}
    settings = {
        "bot": {"public_url": f"http://127.0.0.1:{port}"},
        "handoff": {"desk": "slack", "undo_seconds": 1.0},
        "plugins.whatsapp": whatsapp,
        "plugins.telegram": chat,
        "plugins.slack": {"api_url": slack.api_url, **quick},
        "plugins.slack.desk": {"channel": support.id},
        "plugins.slack.customers": {"burst_seconds": 0.05},
    }
    return BotProcess(folder, settings, secrets, port)


async def _shoppers(
    stack: AsyncExitStack,
    bot: BotProcess,
    twilio: TwilioSimulator,
    telegram: TelegramSimulator,
    slack: SlackSimulator,
) -> list[Shopper]:
    luck = random.Random(SEED)
    found: list[Shopper] = []
    for number in range(EACH):
        own = [random.Random(luck.random()) for _ in range(4)]
        phone = twilio.customer(f"+4917139{number:05}", f"Whats{number}")
        found.append(Shopper(f"w{number}", WhatsAppChat(phone, own[0]), own[0]))
        screen = telegram.customer(5000 + number, f"Tele{number}")
        found.append(Shopper(f"t{number}", TelegramChat(screen), own[1]))
        page = await stack.enter_async_context(ChatClient(bot.url))
        await page.history()
        found.append(Shopper(f"p{number}", WebChat(page, own[2]), own[2]))
        person = slack.person(f"kunde{number}", f"Slack{number}")
        found.append(Shopper(f"s{number}", SlackChat(person, await person.direct()), own[3]))
    return found


async def play(day: Afternoon) -> Spoken:
    """Everybody at once; the bot is killed once and stopped once meanwhile."""
    spoken, over = Spoken(), asyncio.Event()
    luck = random.Random(SEED + 1)
    colleagues = [
        Colleague(
            day.slack,
            day.support,
            agent,
            [one for one in day.agents if one is not agent],
            spoken,
            random.Random(luck.random()),
        )
        for agent in day.agents
    ]
    async with asyncio.TaskGroup() as group:
        working = [group.create_task(one.run(over)) for one in colleagues]
        group.create_task(trouble(over, _faults(day)))
        customers = [group.create_task(one.run(SECONDS)) for one in day.shoppers]
        await asyncio.sleep(SECONDS / 3)
        day.bot.kill()
        await _starts(day)
        await asyncio.sleep(SECONDS / 3)
        assert await asyncio.to_thread(day.bot.stop) == 0
        await _starts(day)
        await asyncio.wait(customers)
        await asyncio.sleep(20)
        over.set()
        await asyncio.wait(working)
    _calm(day)
    return spoken


async def _starts(day: Afternoon) -> None:
    day.bot.start()
    await asyncio.to_thread(day.bot.wait_ready)


def _faults(day: Afternoon) -> list:
    slack, telegram, twilio = day.slack.faults, day.telegram.faults, day.twilio.faults

    def too_many() -> None:
        twilio.too_many, telegram.too_many = 2, 2
        slack.too_many["chat.postMessage"] = slack.too_many["chat.update"] = 2
        slack.too_many["reactions.add"] = 3

    def twice() -> None:
        telegram.duplicate, slack.duplicate, twilio.states_twice = 3, 5, True

    def broken() -> None:
        twilio.broken, telegram.broken, slack.broken["chat.postMessage"] = 1, 1, 1

    return [too_many, twice, broken]


def _calm(day: Afternoon) -> None:
    twilio, telegram, slack = day.twilio.faults, day.telegram.faults, day.slack.faults
    twilio.too_many = telegram.too_many = twilio.broken = telegram.broken = 0
    slack.too_many.clear()
    slack.broken.clear()


async def settled(day: Afternoon) -> bool:
    """Nothing is on its way any more; Slack reads what was missed slowly, as fast as it lets us."""
    if _accepted_by_channel(day) != _sent_by_channel(day):
        return False
    waiting = day.records.bot(
        "SELECT 'in' AS what, count(*) AS n FROM inbox WHERE status = 'pending' UNION ALL "
        "SELECT 'turn', count(*) FROM turns WHERE status = 'frozen' UNION ALL "
        "SELECT 'out', count(*) FROM outbox WHERE state IN ('queued', 'sending') UNION ALL "
        "SELECT 'slack', count(*) FROM slack_events WHERE status = 'open'"
    )
    return not any(row["n"] for row in waiting)


@pytest.mark.slow
@pytest.mark.rasa
@pytest.mark.timeout(900)
async def test_a_whole_afternoon(tmp_path: Path) -> None:
    async with afternoon(tmp_path) as day:
        spoken = await play(day)
        if not await until(lambda: settled(day), 180):
            assert _accepted_by_channel(day) == _sent_by_channel(day)
            raise AssertionError(f"something is still on its way:\n{day.bot.tail()}")
        for shopper in day.shoppers:
            if isinstance(shopper.chat, WebChat):
                await shopper.chat.looks()
        print(spoken.handed_back, spoken.closed, spoken.lost_the_race, len(spoken.lines))
        _every_message_is_accounted_for(day)
        _nothing_internal_got_out(day)
        _every_line_arrived_once(day, spoken)
        _no_answer_after_a_take_over(day)
        _each_case_has_one_card(day)


def _every_message_is_accounted_for(day: Afternoon) -> None:
    """Accepted = answered + open + failed; and accepted is what customers sent, once each."""
    rows = day.records.bot(
        "SELECT i.id, i.status, t.status AS turn, "
        "EXISTS (SELECT 1 FROM outbox o WHERE o.turn = i.turn AND o.op = 'send' "
        "  AND o.state IN ('sent', 'delivered', 'read')) AS said, "
        "EXISTS (SELECT 1 FROM outbox o WHERE o.conversation = i.conversation "
        "  AND o.author = 'agent' AND o.created_at >= i.received_at "
        "  AND o.state IN ('sent', 'delivered', 'read')) AS person, "
        "EXISTS (SELECT 1 FROM cases c WHERE c.conversation = i.conversation "
        "  AND c.closed_at >= i.received_at AND c.agent IS NOT NULL) AS ended, "
        "EXISTS (SELECT 1 FROM cases c WHERE c.conversation = i.conversation "
        "  AND c.state <> 'closed') AS waiting "
        "FROM inbox i LEFT JOIN turns t ON t.key = i.turn"
    )
    assert _accepted_by_channel(day) == _sent_by_channel(day)
    fate = {"answered": 0, "open": 0, "failed": 0}
    for row in rows:
        if row["said"] or row["person"] or row["ended"]:
            fate["answered"] += 1
        elif row["waiting"]:
            fate["open"] += 1
        elif row["turn"] == "dead":
            fate["failed"] += 1
        else:
            raise AssertionError(f"nobody knows what became of {row}")
    assert sum(fate.values()) == len(rows)
    assert fate["answered"] > len(rows) * 0.8, fate
    print(f"accepted {len(rows)} = {fate}")


def _accepted_by_channel(day: Afternoon) -> dict[str, int]:
    rows = day.records.bot("SELECT channel, count(*) AS n FROM inbox GROUP BY channel")
    return {row["channel"]: row["n"] for row in rows}


def _sent_by_channel(day: Afternoon) -> dict[str, int]:
    sent: dict[str, int] = {}
    for shopper in day.shoppers:
        sent[shopper.chat.channel] = sent.get(shopper.chat.channel, 0) + shopper.sent
    return sent


def _nothing_internal_got_out(day: Afternoon) -> None:
    for shopper in day.shoppers:
        assert not any(SECRET in text for text in shopper.chat.screen()), shopper.name
    assert any(SECRET in one["text"] for one in day.records.bot("SELECT text FROM notes"))


def _every_line_arrived_once(day: Afternoon, spoken: Spoken) -> None:
    """Each agent's line is on one screen, once; or the desk says that it may have failed."""
    # Slack shows the agent's name above a line.
    whole = re.compile(rf"{ANSWER} [0-9a-f]+(?:-\w+)?")
    screens = [text for shopper in day.shoppers for text in shopper.chat.screen()]
    shown = [found for text in screens for found in whole.findall(text)]
    assert len(shown) == len(set(shown)), "a line arrived twice"
    rows = day.records.bot("SELECT text, state FROM outbox WHERE author = 'agent' AND op = 'send'")
    kept = {row["text"]: row["state"] for row in rows}
    notes = {row["text"] for row in day.records.bot("SELECT text FROM notes")}
    for text in spoken.lines:
        if text not in shown:  # the case was no longer theirs, or the outcome is shown as unknown
            assert kept.get(text) in ("failed", "unknown") or text in notes, (text, kept.get(text))
    assert len(shown) > 20
    for text in spoken.stopped:
        assert kept.get(text, "cancelled") in ("cancelled", "sent"), text


def _no_answer_after_a_take_over(day: Afternoon) -> None:
    """Between "is with you now" and the end of the case only people and notices are on a screen."""
    bots = {
        (row["conversation"], row["text"])
        for row in day.records.bot(
            "SELECT o.conversation, o.text FROM outbox o JOIN cases c "
            "ON c.conversation = o.conversation WHERE o.author = 'bot' AND o.op = 'send' "
            "AND o.state IN ('sent', 'delivered', 'read') AND c.taken_at IS NOT NULL "
            "AND o.seq > (SELECT min(j.seq) FROM outbox j WHERE j.case_id = c.id "
            f"  AND j.op = 'send' AND j.text LIKE '%{JOINED}%') "
            "AND o.sent_at < coalesce(c.closed_at, '9999')"
        )
    }
    assert bots == set()


def _each_case_has_one_card(day: Afternoon) -> None:
    cases = day.records.bot("SELECT count(*) AS n FROM cases")[0]["n"]
    cards = [one for one in day.support.messages if one.by_bot]
    assert len(cards) == cases > EACH / 2
