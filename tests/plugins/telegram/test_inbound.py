"""What comes in: once, in order, of every kind."""

from __future__ import annotations

from bot.messages import Answer, Button, Say
from bot.testing import RunningBot
from plugins.telegram.names import GREET, HUMAN
from plugins.telegram.testing import Customer, TelegramSimulator

JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 64
PDF = b"%PDF-1.4 x"


async def inbox(bot: RunningBot) -> list[dict[str, object]]:
    return [dict(row) for row in await bot.rows("SELECT * FROM inbox ORDER BY id")]


async def test_a_text_is_answered(bot: RunningBot, anna: Customer) -> None:
    await anna.says("Hallo")
    assert (await anna.receives()).text == "echo: Hallo"
    (row,) = await bot.rows("SELECT name, phone, address FROM conversations")
    assert dict(row) == {"name": "Anna", "phone": None, "address": "1001"}


async def test_a_button_is_pressed(
    bot: RunningBot, anna: Customer, telegram: TelegramSimulator
) -> None:
    yes = Button("button_yes", '/affirm{"proposal": "' + "x" * 80 + '"}')
    bot.dialogue.replies["Hallo"] = Answer((Say(text="Wirklich?", buttons=(yes,)),))
    await anna.says("Hallo")
    shown = await anna.receives()
    query = await anna.presses(shown.buttons[0])
    await anna.receives()
    assert bot.dialogue.asked[-1].payload == yes.payload
    assert bot.dialogue.asked[-1].text == shown.buttons[0]
    assert telegram.api.queries[query]


async def test_commands(bot: RunningBot, anna: Customer) -> None:
    for text in ("/start", "/help", "/human", "/HUMAN@muster_shop_bot", "/unbekannt"):
        await anna.says(text)
        await anna.receives()
    payloads = [turn.payload for turn in bot.dialogue.asked]
    assert payloads == [GREET, GREET, HUMAN, HUMAN, None]


async def test_photo_largest_and_album(bot: RunningBot, anna: Customer) -> None:
    await anna.sends_photo(JPEG, "so", album="a1")
    await anna.sends_photo(JPEG + b"2", album="a1")
    assert (await anna.receives()).text == "echo: so"
    (turn,) = bot.dialogue.asked
    assert len(turn.attachments) == 2
    await anna.receives_nothing()


async def test_an_unknown_kind_is_answered(bot: RunningBot, anna: Customer) -> None:
    await anna.sends_sticker()
    shown = await anna.receives()
    assert "lesen" in shown.text
    assert not bot.dialogue.asked
