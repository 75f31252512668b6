"""The road through Slack, and an agent's line side by side with the web desk.

    uv run python -m benchmarks.slack

Bots, simulated Slack and customers run in this one process on temporary folders; the disk's fsync
is part of it, the internet is not. Ratios between the lines say more than the lines.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bot.messages import Address, Features, Inbound, Outbound
from bot.store.codec import new_id
from bot.testing import FakeChannel
from bot.testing.running import GivenPlugin, RunningBot, running_bot
from plugins.slack.testing import Message, SlackSimulator
from plugins.slack.testing_desk import PERSON, DeskBench, FakeChannelPlugin, desk_bot, script
from plugins.slack.testing_events import Delivery
from plugins.web.testing import DeskClient
from plugins.web.testing_bot import TOKEN

THREADS = 50
ROUNDS = 6
ALONE = 40
Says = Callable[[int, str], Awaitable[object]]


class Clocked(FakeChannel):
    """A channel of customers that notes when each text reached it."""

    def __init__(self) -> None:
        super().__init__(features=Features(burst_seconds=0))
        self.at: dict[str, float] = {}

    async def send(self, out: Outbound) -> str:
        """Note when it was."""
        self.at[out.text] = time.perf_counter()
        return await super().send(out)

    async def ask_for_people(self) -> None:
        """Each customer asks for a person."""
        if self.inbox is None:
            raise RuntimeError("the channel is not open")
        for number in range(THREADS):
            who = Address("fake", f"c{number}")
            await self.inbox.accept(
                Inbound(who, new_id(), text=PERSON, sender_name=f"Kunde {number:03}.")
            )

    async def took(self, says: Says, case: int, text: str) -> float:
        """Seconds from when an agent writes until the customer has it."""
        started = time.perf_counter()
        await says(case, text)
        async with asyncio.timeout(60):
            while text not in self.at:  # noqa: ASYNC110 - nothing that is measured polls
                await asyncio.sleep(0.0005)
        return self.at[text] - started


async def alone(channel: Clocked, says: Says, name: str) -> list[float]:
    """One line after the other, in one case after the other."""
    return [await channel.took(says, n % THREADS, f"{name} {n}") for n in range(ALONE)]


async def together(channel: Clocked, says: Says, name: str) -> list[float]:
    """A line in every case at once, some rounds."""
    found: list[float] = []
    for turn in range(ROUNDS):
        lines = [channel.took(says, n, f"{name} {turn}/{n}") for n in range(THREADS)]
        found += await asyncio.gather(*lines)
    return found


@asynccontextmanager
async def at_slack(folder: Path, **app: Any) -> AsyncIterator[tuple[Clocked, Says, list[float]]]:
    """A bot whose agent in Slack has all cases; how she writes, and how long each ack took."""
    channel, acks = Clocked(), list[float]()
    table = {"per_channel_seconds": 0.0, **app}
    async with (
        SlackSimulator() as slack,
        desk_bot(folder, slack, channel=channel, undo_seconds=0.0, app=table) as bench,
    ):
        cards = await _taken(bench, channel)
        bring = slack.socket.bring

        async def timed(delivery: Delivery) -> Any:
            started = time.perf_counter()
            answer = await bring(delivery)
            acks.append(time.perf_counter() - started)
            return answer

        slack.socket.bring = timed  # type: ignore[method-assign]

        async def says(case: int, text: str) -> None:
            await bench.jana.writes(bench.support, text, thread=cards[case])

        yield channel, says, acks


async def _taken(bench: DeskBench, channel: Clocked) -> Sequence[Message]:
    await channel.ask_for_people()
    names = [f"Kunde {number:03}." for number in range(THREADS)]
    cards = [await bench.slack.wait_message(bench.support, name, seconds=120) for name in names]
    for card in cards:
        await bench.jana.presses(card, "Übernehmen")
        await bench.sees(card, bench.jana.user.real_name)
    await bench.settled()
    return cards


@asynccontextmanager
async def at_web(folder: Path) -> AsyncIterator[tuple[Clocked, Says]]:
    """A bot whose agent at the web desk has all cases, and how she writes."""
    channel = Clocked()
    async with (
        running_bot(
            folder,
            {"knowledge": {}, "web": {"announce": False}},
            script(),
            environment={"SCHALTER_WEB_DESK_TOKEN": TOKEN},
            given=[GivenPlugin("fake", FakeChannelPlugin(channel))],
        ) as bot,
        DeskClient(bot.url, TOKEN, "Jana Kurz") as jana,
    ):
        await channel.ask_for_people()
        cases = await _cases(bot)
        for case in cases:
            await jana.take_over(case)

        async def says(case: int, text: str) -> None:
            await jana.say(cases[case], text)

        yield channel, says


async def _cases(bot: RunningBot) -> list[int]:
    await bot.until("SELECT 1 WHERE (SELECT count(*) FROM cases) = :all", 60.0, all=THREADS)
    return [row["id"] for row in await bot.rows("SELECT id FROM cases ORDER BY id")]


def shown(name: str, seconds: Sequence[float], base: float) -> str:
    """A line of the table: percentiles in milliseconds, and the median's ratio to ``base``."""
    cuts = quantiles(seconds, n=100)
    ms = [1000 * one for one in (median(seconds), cuts[94], cuts[98])]
    figures = " ".join(f"{one:9.1f}" for one in ms)
    return f"{name:44} {len(seconds):6} {figures} {median(seconds) / base:8.2f}"


async def main() -> None:
    """Measure and print."""
    async with AsyncExitStack() as stack:

        def folder() -> Path:
            return Path(stack.enter_context(tempfile.TemporaryDirectory()))

        web, web_says = await stack.enter_async_context(at_web(folder()))
        slack, says, acks = await stack.enter_async_context(at_slack(folder(), hold_seconds=0.0))
        held, held_says, _ = await stack.enter_async_context(at_slack(folder(), hold_seconds=0.3))
        at_web_desk = await alone(web, web_says, "web alone")
        at_slack_desk = await alone(slack, says, "slack alone")
        with_hold = await alone(held, held_says, "held alone")
        acks_alone = [*acks]
        web_at_once = await together(web, web_says, "web")
        acks.clear()
        slack_at_once = await together(slack, says, "slack")
    base, busy = median(at_web_desk), median(web_at_once)
    print(f"{'milliseconds':44} {'count':>6} {'p50':>9} {'p95':>9} {'p99':>9} {'ratio':>8}")
    print(shown("line to customer, web desk, alone", at_web_desk, base))
    print(shown("line to customer, Slack, alone, hold 0", at_slack_desk, base))
    print(shown("line to customer, Slack, alone, hold 0.3", with_hold, base))
    print(shown("event to acknowledgement, alone", acks_alone, base))
    print(shown(f"line to customer, web desk, {THREADS} at once", web_at_once, busy))
    print(shown(f"line to customer, Slack, {THREADS} at once", slack_at_once, busy))
    print(shown(f"event to acknowledgement, {THREADS} at once", acks, busy))


if __name__ == "__main__":
    asyncio.run(main())
