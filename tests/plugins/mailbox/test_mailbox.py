"""The demo's mailbox: what it keeps, who may see it, and that it stands in for no real mail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.messages import Author
from bot.ports import ReachesEmail, Tx
from bot.store import conversations, outbox
from bot.store.codec import utc_now
from bot.testing.running import RunningBot, running_bot
from plugins.mailbox.api import Mailbox, ShownMail

TO = "anna@example.org"


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[RunningBot]:
    plugins = {"web": {"announce": False}, "knowledge": {}, "mailbox": {"keep": 3}}
    async with running_bot(tmp_path, plugins) as running:
        yield running


async def mail(bot: RunningBot, text: str, to: str = TO) -> str:
    """Queue a mail as the core does, and wait until it has left; return its row."""
    reaches = bot.app.plugins.get(ReachesEmail)

    def queue(tx: Tx) -> str:
        address = reaches.address_for(tx, to)
        conversation = conversations.ensure(tx, address, None, "de", utc_now())
        return outbox.insert_send(
            tx, conversation=conversation, author=Author.SYSTEM, text=text, now=utc_now()
        )

    row = await bot.store.write(queue)
    await bot.until("SELECT 1 FROM outbox WHERE id = :row AND state = 'sent'", row=row)
    return row


async def shown(bot: RunningBot) -> list[dict[str, object]]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{bot.url}/mailbox/mails") as answer,
    ):
        assert answer.status == 200
        mails: list[dict[str, object]] = (await answer.json())["mails"]
        return mails


async def test_a_mail_is_shown_newest_first_and_told_by_its_row(bot: RunningBot) -> None:
    await mail(bot, "eins")
    row = await mail(bot, "zwei: 123456", to="Anna@Example.ORG ")
    first, second = await shown(bot)
    assert (first["text"], second["text"]) == ("zwei: 123456", "eins")
    assert first["to"] == second["to"] == TO
    assert first["subject"]
    mailbox = bot.app.plugins.get(Mailbox)
    (told,) = await bot.store.read(lambda tx: mailbox.mails(tx, [row, "none"]))
    assert told == ShownMail(TO, str(first["subject"]), "zwei: 123456")
