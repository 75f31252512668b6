"""Machines that answer machines: two bots of ours, and others that say nothing of what they are."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.testing import RunningBot
from bot.testing.world import SETTLED
from plugins.mail.testing_servers import MailServers
from plugins.mail.testing_smtp import Taken, faulty_smtp
from tests.plugins.mail.inbox import box, mail_bot, watched
from tests.plugins.mail.pile import mindless

pytestmark = pytest.mark.slow

_PER_DAY = 4
_THREADS = 3
_OURS = re.compile(
    rb"^(?:X-Schalter-Message|Auto-Submitted|X-Auto-Response-Suppress):.*\r\n", re.MULTILINE
)


def table(servers: MailServers, name: str, **more: Any) -> dict[str, Any]:
    return box(servers, name, address=f"{name}@loops.test", **more)


async def quiet(*bots: RunningBot) -> None:
    """Return when nobody has had anything to say for a while."""
    async with asyncio.timeout(60):
        calm = 0
        while calm < 6:
            await asyncio.sleep(0.5)
            calm = calm + 1 if all([await bot.rows(SETTLED) for bot in bots]) else 0


async def sent(bot: RunningBot) -> int:
    (row,) = await bot.rows(
        "SELECT count(*) AS n FROM outbox WHERE target = 'channel:mail' AND sent_at IS NOT NULL"
    )
    return int(row["n"])


def relayed(servers: MailServers, change: Callable[[bytes], bytes]) -> Callable[[Taken], None]:
    """A server between the two that changes what it passes on."""

    def bring(taken: Taken) -> None:
        for to in taken.recipients:
            servers.put(to, change(taken.content))

    return bring


async def test_two_bots_of_ours_fall_silent_at_once(servers: MailServers, tmp_path: Path) -> None:
    """Over real servers: the first one's mail says that a machine wrote it, and the other hears."""
    one, other = table(servers, "erste"), table(servers, "zweite")
    async with mail_bot(tmp_path / "1", one) as first, mail_bot(tmp_path / "2", other) as second:
        await watched(first)
        await watched(second)
        # Somebody has forged the second one's address into a question to the first.
        servers.put("erste@loops.test", mindless("<x@y>", "zweite@loops.test", 1, answers=False))
        await first.until("SELECT 1 FROM outbox WHERE sent_at IS NOT NULL AND op = 'send'", 20)
        await second.until("SELECT 1 FROM mail_imports", 20)
        await quiet(first, second)
        assert (await sent(first), await sent(second)) == (1, 0)


async def test_two_bots_fall_silent_when_nothing_tells_that_they_are(
    servers: MailServers, tmp_path: Path
) -> None:
    """A server between them that takes away every header by which one could know."""
    async with faulty_smtp() as smtp:
        smtp.then = relayed(servers, lambda raw: _OURS.sub(b"", raw))
        out = {"host": "localhost", "port": smtp.port, "tls": "none"}
        limits = {"automatic_per_day": _PER_DAY, "threads_per_day": _THREADS}
        one, other = table(servers, "dritte", smtp=out), table(servers, "vierte", smtp=out)
        async with (
            mail_bot(tmp_path / "1", one, **limits) as first,
            mail_bot(tmp_path / "2", other, **limits) as second,
        ):
            await watched(first)
            await watched(second)
            raw = mindless("<x@y>", "vierte@loops.test", 1, answers=False)
            servers.put("dritte@loops.test", raw)
            await first.until("SELECT 1 FROM outbox WHERE sent_at IS NOT NULL AND op = 'send'", 20)
            await quiet(first, second)
            assert 1 <= await sent(first) <= _PER_DAY
            assert await sent(second) <= _PER_DAY


async def test_a_machine_that_begins_a_new_thread_each_time_is_not_answered_for_ever(
    servers: MailServers, tmp_path: Path
) -> None:
    """It names no mail that it answers, so that no thread ever reaches its limit."""
    async with faulty_smtp() as smtp:
        numbers = iter(range(1000))

        def answer(taken: Taken) -> None:
            to = taken.recipients[0]
            servers.put("fuenfte@loops.test", mindless("", to, next(numbers), answers=False))

        smtp.then = answer
        out = {"host": "localhost", "port": smtp.port, "tls": "none"}
        limits = {"automatic_per_day": _PER_DAY, "threads_per_day": _THREADS}
        async with mail_bot(tmp_path, table(servers, "fuenfte", smtp=out), **limits) as bot:
            await watched(bot)
            servers.put("fuenfte@loops.test", mindless("", "amt@kunde.test", 999, answers=False))
            await bot.until("SELECT 1 FROM outbox WHERE sent_at IS NOT NULL AND op = 'send'", 20)
            await quiet(bot)
            assert 1 <= await sent(bot) <= _PER_DAY * _THREADS
            reasons = await bot.rows("SELECT DISTINCT reason FROM cases")
            assert [row["reason"] for row in reasons] == ["mail_too_many"]  # a person looks at it
