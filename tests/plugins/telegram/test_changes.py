"""An agent's lines that are edited and deleted on Telegram, by the rules of its Bot API."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.messages import Answer, Outcome, Say
from bot.ports import Row
from bot.testing import RunningBot, Seat
from plugins.telegram.testing import Customer, TelegramSimulator

HOURS = 3600


async def mia_with(bot: RunningBot, anna: Customer) -> Seat:
    bot.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
    await anna.says("mensch")
    await anna.receives()
    mia = Seat(bot.app.core.desk_inbox, "Mia Berg")
    await mia.takes_over()
    await anna.receives()
    return mia


async def says(mia: Seat, bot: RunningBot, anna: Customer, text: str) -> str:
    line = (await mia.says(text)).line or ""
    await bot.until("SELECT 1 FROM outbox WHERE 'out:' || id = :id AND state = 'sent'", id=line)
    await anna.receives()
    return line


async def becomes(bot: RunningBot, op: str, state: str) -> Row:
    sql = "SELECT * FROM outbox WHERE op = :op AND state = :state"
    (row,) = await bot.until(sql, op=op, state=state)
    return row


async def test_an_edit_changes_the_message_in_place(bot: RunningBot, anna: Customer) -> None:
    mia = await mia_with(bot, anna)
    line = await says(mia, bot, anna, "Ihr Paket ist gestern da")
    before = anna.messages[-1]
    await mia.edits(line, "Ihr Paket ist morgen da <b>")
    await anna.sees(lambda screen: screen[-1].text == "Ihr Paket ist morgen da <b>")
    assert anna.messages[-1].id == before.id
    await becomes(bot, "edit", "sent")
    history = await bot.app.core.desk_inbox.history(1)
    assert (history[-1].text, history[-1].edited) == ("Ihr Paket ist morgen da <b>", True)


async def test_an_edit_whose_answer_was_lost_is_made_again_and_is_no_failure(
    bot: RunningBot, anna: Customer, telegram: TelegramSimulator
) -> None:
    """The second time Telegram says "message is not modified"."""
    mia = await mia_with(bot, anna)
    line = await says(mia, bot, anna, "alt")
    telegram.faults.cut_after = 1
    await mia.edits(line, "neu")
    row = await becomes(bot, "edit", "sent")
    assert row["attempts"] >= 1
    assert anna.messages[-1].text == "neu"


async def test_a_line_is_deleted(bot: RunningBot, anna: Customer) -> None:
    mia = await mia_with(bot, anna)
    line = await says(mia, bot, anna, "für jemand anderen")
    assert (await mia.unsends(line)).done
    await anna.sees(lambda screen: all(one.text != "für jemand anderen" for one in screen))
    await becomes(bot, "unsend", "sent")
    history = await bot.app.core.desk_inbox.history(1)
    assert (history[-1].state, history[-1].reason) == ("cancelled", "unsent")


async def test_what_is_gone_already_counts_as_deleted(
    bot: RunningBot, anna: Customer, telegram: TelegramSimulator
) -> None:
    mia = await mia_with(bot, anna)
    line = await says(mia, bot, anna, "weg")
    telegram.faults.cut_after = 1
    await mia.unsends(line)
    row = await becomes(bot, "unsend", "sent")
    assert row["attempts"] >= 1


async def test_after_48_hours_the_agent_is_told_that_it_stays(
    bot: RunningBot, anna: Customer
) -> None:
    mia = await mia_with(bot, anna)
    line = await says(mia, bot, anna, "von vorgestern")
    sent = anna.messages[-1]
    old = {**sent.raw, "date": sent.raw["date"] - 49 * HOURS}
    await anna.changes(sent, replace(sent, raw=old))
    await mia.unsends(line)
    await becomes(bot, "unsend", "failed")
    history = await bot.app.core.desk_inbox.history(1)
    assert (history[-1].state, history[-1].reason) == ("sent", "not_unsent_old")
    assert anna.messages[-1].text == "von vorgestern"


@pytest.mark.parametrize("way", ["edits", "unsends"])
async def test_who_has_blocked_the_bot_sees_no_change_and_the_agent_is_told(
    bot: RunningBot, anna: Customer, way: str
) -> None:
    mia = await mia_with(bot, anna)
    line = await says(mia, bot, anna, "bleibt")
    anna.blocks()
    await (mia.edits(line, "neu") if way == "edits" else mia.unsends(line))
    await bot.until("SELECT 1 FROM outbox WHERE op <> 'send' AND state = 'failed'")
    history = await bot.app.core.desk_inbox.history(1)
    wanted = {"edits": "not_edited", "unsends": "not_unsent"}[way]
    assert (history[-1].state, history[-1].reason) == ("sent", wanted)


async def test_an_edit_waits_as_long_as_telegram_asks(
    bot: RunningBot, anna: Customer, telegram: TelegramSimulator
) -> None:
    mia = await mia_with(bot, anna)
    line = await says(mia, bot, anna, "alt")
    telegram.faults.too_many = 1
    await mia.edits(line, "neu")
    await mia.says("danach")
    await anna.sees(lambda screen: [one.text for one in screen[-2:]] == ["neu", "danach"])
    assert telegram.api.too_early == []
