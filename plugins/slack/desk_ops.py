"""The operators' channel: dead letters, broken parts, and the daily digest."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import aiohttp

from bot.ports import Row
from bot.store import audit, dead
from bot.store.codec import unstamp
from plugins.slack import blocks_ops, desk_modals
from plugins.slack import desk_ledger as ledger
from plugins.slack.app import SlackApp
from plugins.slack.blocks import Shown
from plugins.slack.interactions import Answer, Interaction
from plugins.slack.office import Door, Office
from plugins.slack.words import Words

DEAD, BROKEN = "ops:dead:", "ops:broken:"
_MANY = "ops:many"
MOST = 30
"""Dead letters that stand in the channel at once; how many more there are, a line says."""
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_OLD = timedelta(days=1)  # an alarm of before the channel was told of any
_LATE = timedelta(hours=3)  # later than this only a day in which something happened is told


class Ops:
    """Looks again and again, and tells each thing once."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._health_url = ""
        self._suspected: set[str] = set()
        # A look between a retry and its notice would say that it was settled elsewhere.
        self._telling = asyncio.Lock()

    def at(self, base_url: str) -> None:
        """Where this process answers ``/health``."""
        self._health_url = f"{base_url}/health" if base_url else ""

    def register(self, app: SlackApp) -> None:
        """Take the buttons."""
        app.on_action("ops.retry", self.retry)
        app.on_action("ops.details", self.details)

    async def look(self) -> None:
        """Tell what is new and what is over. Raises Retry or SlackRefused."""
        office = self._door.office
        channel = office.settings.ops_channel
        if channel is None:
            return
        async with self._telling:
            await self._letters(office, channel)
        if self._health_url:
            await self._parts(office, channel)

    async def alarms(self) -> None:
        """Post each alarm once, oldest first. Raises Retry or SlackRefused."""
        office = self._door.office
        channel, store, now = office.settings.ops_channel, office.commands.store, office.clock()
        if channel is None:
            return
        last = await store.write(lambda tx: ledger.last_alarm(tx, now - _OLD))
        for row in await store.read(lambda tx: audit.alarms_after(tx, last)):
            shown = blocks_ops.alarm(row, office.words)
            await office.posts.once(f"ops:alarm:{row['id']}", shown, channel)
            await store.write(partial(ledger.saw_alarm, alarm=row["id"]))

    async def digest(self) -> None:
        """Post the digest of today, once, when it is time. Raises Retry or SlackRefused."""
        office = self._door.office
        settings, commands = office.settings, office.commands
        if not (settings.ops_channel and settings.digest_at):
            return
        now = office.clock()
        due = digest_time(now, settings.digest_at, office.words)
        key = f"digest:{due.date().isoformat()}"
        if await office.posts.known(key):
            return
        facts = await commands.digest(due - timedelta(days=1), due)
        if now - due > _LATE and not (facts.turns or facts.cases or facts.dead_letters):
            return  # most often a bot that is new
        shown = blocks_ops.digest(facts, office.words, due, hides=office.veil.on)
        await office.posts.once(key, shown, settings.ops_channel)

    async def retry(self, interaction: Interaction) -> Answer:
        """Try a dead letter again."""
        office = self._door.office
        if not await self._may(office, interaction):
            return None
        async with self._telling:
            await self._retry(office, interaction)
        return None

    async def _retry(self, office: Office, interaction: Interaction) -> None:
        letter, now = interaction.value, office.clock()
        row = await self._row(office, letter)
        became = await office.commands.store.write(lambda tx: dead.replay(tx, letter, now))
        if became == "busy":
            await self._tell(office, interaction, "ops_busy")
        elif row is None or became != "done":
            await self._tell(office, interaction, "ops_gone")
        else:
            agent = await office.people.name(interaction.user, office.commands)
            how = office.words("ops_retried", agent=agent)
            await self._settle(office, letter, blocks_ops.settled(row, office.words, how))

    async def details(self, interaction: Interaction) -> Answer:
        """Show everything of it to who asks."""
        office = self._door.office
        if not await self._may(office, interaction):
            return None
        letter = interaction.value
        row = await office.commands.store.read(lambda tx: dead.show(tx, letter))
        if row is None:
            await self._tell(office, interaction, "ops_gone")
            return None
        view = blocks_ops.details(row, office.words, hides=office.veil.on)
        if not await desk_modals.show(office, interaction, view):
            await self._tell(office, interaction, "press_again")
        return None

    async def _letters(self, office: Office, channel: str) -> None:
        store = office.commands.store
        listed = [dict(row) for row in await store.read(dead.listed)]
        there = {f"{DEAD}{row['id']}": row for row in listed}
        posts = await store.read(lambda tx: ledger.posts_like(tx, DEAD))
        told = {str(post["key"]) for post in posts}
        for key in told - there.keys():
            await self._over(office, key.removeprefix(DEAD))
        new = [row for key, row in there.items() if key not in told]
        room = max(0, MOST - len(told & there.keys()))
        for row in new[:room]:
            await office.posts.once(
                f"{DEAD}{row['id']}", blocks_ops.dead_letter(row, office.words), channel
            )
        rest = len(new) - room
        if rest > 0 or await office.posts.known(_MANY):
            await office.posts.put(_MANY, blocks_ops.many(max(rest, 0), office.words), channel)

    async def _over(self, office: Office, letter: str) -> None:
        """It was settled elsewhere: by ``bot dead``, or by itself."""
        row = {"id": letter, "kind": "", "conversation": None, "attempts": None}
        how = office.words("ops_settled")
        await self._settle(office, letter, blocks_ops.settled(row, office.words, how))

    async def _settle(self, office: Office, letter: str, shown: Shown) -> None:
        key = f"{DEAD}{letter}"
        await office.posts.change(key, shown)
        await office.commands.store.write(lambda tx: ledger.rename(tx, key, f"ops:over:{letter}"))

    async def _parts(self, office: Office, channel: str) -> None:
        lines = await _health(self._health_url)
        if lines is None:
            return
        broken = {name for name, detail in lines.items() if detail is not None}
        # Only what two looks find: a start, or a connection made anew, is no news.
        lasting, self._suspected = broken & self._suspected, broken
        posts = await office.commands.store.read(lambda tx: ledger.posts_like(tx, BROKEN))
        told = {str(post["key"]).removeprefix(BROKEN): post for post in posts}
        for name, detail in lines.items():
            if detail is not None and name in lasting and name not in told:
                shown = blocks_ops.broken(name, detail, office.words)
                await office.posts.once(f"{BROKEN}{name}", shown, channel)
            elif detail is None and name in told:
                await self._mended(office, name, told[name])

    async def _mended(self, office: Office, name: str, post: Row) -> None:
        now = office.clock()
        since = office.words.clock(unstamp(post["at"]), now)
        until = office.words.clock(now, now)
        key = f"{BROKEN}{name}"
        await office.posts.change(key, blocks_ops.mended(name, since, until, office.words))
        over = f"ops:mended:{name}:{post['ts']}"
        await office.commands.store.write(lambda tx: ledger.rename(tx, key, over))

    async def _may(self, office: Office, interaction: Interaction) -> bool:
        channel = office.settings.ops_channel
        if channel is not None and await office.people.belongs(interaction.user, channel):
            return True
        await self._tell(office, interaction, "not_a_member")
        return False

    async def _row(self, office: Office, letter: str) -> Mapping[str, Any] | None:
        listed = await office.commands.store.read(dead.listed)
        return next((dict(row) for row in listed if row["id"] == letter), None)

    async def _tell(self, office: Office, interaction: Interaction, words: str) -> None:
        await office.people.tell(
            interaction.user, interaction.channel, interaction.thread_ts, office.words(words)
        )


async def _health(url: str) -> Mapping[str, str | None] | None:
    """What is broken, with why; ``None`` for what works. Nothing where nobody answers."""
    try:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session, session.get(url) as response:
            told = await response.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
    lines: Sequence[Mapping[str, Any]] = told.get("checks") or ()
    return {str(one["name"]): None if one["ok"] else str(one["detail"]) for one in lines}


def digest_time(now: datetime, at: str, words: Words) -> datetime:
    """When the latest digest was due."""
    hour, minute = map(int, at.split(":"))
    there = words.local(now)
    due = there.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if due > there:
        due -= timedelta(days=1)
    return due
