"""What a hostile tester tries on the way in: odd updates, albums, edits, contacts, groups."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from bot.desk import TakeOver
from bot.messages import Answer, Button, Outcome, Say, Turn
from bot.testing import RunningBot
from plugins.telegram.names import GREET, HUMAN, WRITE_PRIVATELY
from plugins.telegram.testing import Customer, TelegramSimulator
from plugins.telegram.testing_wire import contact_of, location_of, message_of, photo_of, user_of
from tests.live.waiting import eventually

pytestmark = pytest.mark.slow

JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 64
NUMBER = "+491713920001"


async def inbox(bot: RunningBot) -> list[dict[str, Any]]:
    return [dict(row) for row in await bot.rows("SELECT * FROM inbox ORDER BY id")]


async def asked(bot: RunningBot, count: int) -> list[Turn]:
    """The first turns that the dialogue was asked; no more come."""
    await eventually(lambda: len(bot.dialogue.asked) >= count, 10)
    await asyncio.sleep(0.3)
    assert len(bot.dialogue.asked) == count, bot.dialogue.asked
    return bot.dialogue.asked


async def taken_over(bot: RunningBot, anna: Customer) -> None:
    bot.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
    await anna.says("mensch")
    await anna.receives()
    assert (await bot.app.core.desk_inbox.accept(TakeOver("t", 1, "Mia"))).done
    await anna.receives()


# --- albums


async def test_an_album_between_others_words_is_one_message(
    bot: RunningBot, anna: Customer, telegram: TelegramSimulator
) -> None:
    ben = telegram.customer(1002, "Ben")
    telegram.updates.held = True
    await anna.sends_photo(JPEG, album="a1")
    await ben.says("Hallo")
    await anna.sends_photo(JPEG + b"2", "zwei Fotos", album="a1")
    await ben.says("Wie geht's?")
    await anna.sends_photo(JPEG + b"3", album="a1")
    telegram.updates.release()
    assert (await anna.receives()).text == "echo: zwei Fotos"
    await ben.receives()
    rows = [row for row in await inbox(bot) if row["wire_id"].split("/")[-2] == "1001"]
    assert len(rows) == 1
    (turn,) = [turn for turn in bot.dialogue.asked if "Fotos" in turn.text]
    assert [file.error for file in turn.attachments] == [None] * 3


async def test_an_album_over_several_polls_is_one_turn(start: Any, anna: Customer) -> None:
    async with start(burst_seconds=1.0) as bot:
        await anna.sends_photo(JPEG, album="a1")
        await asyncio.sleep(0.2)
        await anna.sends_photo(JPEG + b"2", "zwei Fotos", album="a1")
        await asyncio.sleep(0.2)
        await anna.sends_photo(JPEG + b"3", album="a1")
        assert (await anna.receives()).text == "echo: zwei Fotos"
        (turn,) = await asked(bot, 1)
        assert len(turn.attachments) == 3
        await anna.receives_nothing()


async def test_an_album_with_a_photo_that_cannot_be_had(
    bot: RunningBot, anna: Customer, telegram: TelegramSimulator
) -> None:
    telegram.updates.held = True
    await anna.sends_photo(JPEG, "schau", album="a1")
    gone = photo_of("no-such-file", 100)
    await anna.sends({**gone, "media_group_id": "a1"})
    await anna.sends_photo(JPEG + b"3", album="a1")
    telegram.updates.release()
    assert "Datei" in (await anna.receives()).text
    assert (await anna.receives()).text == "echo: schau"
    (turn,) = await asked(bot, 1)
    assert [file.error for file in turn.attachments] == [None, "fetch_failed", None]


async def test_a_caption_of_an_album_is_edited_before_the_freeze(
    start: Any, anna: Customer, telegram: TelegramSimulator
) -> None:
    async with start(burst_seconds=1.5) as bot:
        telegram.updates.held = True
        first = await anna.sends_photo(JPEG, "Kapput", album="a1")
        await anna.sends_photo(JPEG + b"2", album="a1")
        telegram.updates.release()
        await bot.until("SELECT 1 FROM inbox")
        await anna.edits(first, "Kaputt")
        assert (await anna.receives()).text == "echo: Kaputt"
        (turn,) = await asked(bot, 1)
        assert len(turn.attachments) == 2


# --- edits


async def test_an_edit_that_changes_nothing_is_no_message(bot: RunningBot, anna: Customer) -> None:
    # Telegram: an edited_message may be triggered by fields that are not in use here.
    said = await anna.says("Schau https://shop.example")
    await anna.receives()
    await anna.edits(said, "Schau https://shop.example")
    await asked(bot, 1)
    await anna.receives_nothing()
    await anna.edits(said, "Schau mal")
    assert (await anna.receives()).text == "echo: Schau mal"
    await anna.edits(said, "Schau mal")
    await anna.receives_nothing()
    await anna.edits(said, "Schau https://shop.example")  # back again is a change
    assert (await anna.receives()).text == "echo: Schau https://shop.example"


async def test_an_edit_that_changes_nothing_of_a_photo(bot: RunningBot, anna: Customer) -> None:
    said = await anna.sends_photo(JPEG, "schau")
    await anna.receives()
    await anna.edits(said, "schau")
    await asked(bot, 1)
    await anna.edits(said, "schau her")
    assert (await anna.receives()).text == "echo: schau her"


async def test_edits_before_and_after_the_freeze(start: Any, anna: Customer) -> None:
    async with start(burst_seconds=1.0) as bot:
        said = await anna.says("Wo ist B-1?")
        await bot.until("SELECT 1 FROM inbox")
        await anna.edits(said, "Wo ist B-2?")
        assert (await anna.receives()).text == "echo: Wo ist B-2?"
        await anna.edits(said, "Wo ist B-3?")
        assert (await anna.receives()).text == "echo: Wo ist B-3?"
        one, two = await asked(bot, 2)
        assert (one.text, two.kind) == ("Wo ist B-2?", "edit")


async def test_an_edit_under_an_agent_is_shown_as_one(bot: RunningBot, anna: Customer) -> None:
    await taken_over(bot, anna)
    said = await anna.says("Nummer 12")
    await bot.until("SELECT 1 FROM inbox WHERE text = 'Nummer 12' AND status = 'case'")
    await anna.edits(said, "Nummer 13")
    await bot.until("SELECT 1 FROM inbox WHERE text = 'Nummer 13' AND status = 'case'")
    lines = await bot.app.core.desk_inbox.history(1)
    assert [(line.text, line.kind) for line in lines if line.text.startswith("Nummer")] == [
        ("Nummer 12", "text"),
        ("Nummer 13", "edit"),
    ]


async def test_a_command_by_an_edit_is_the_command(bot: RunningBot, anna: Customer) -> None:
    said = await anna.says("/humann")
    await anna.receives()
    await anna.edits(said, "/human")
    await anna.receives()
    assert (await asked(bot, 2))[-1].payload == HUMAN


async def test_a_live_location_does_not_chatter(
    bot: RunningBot, anna: Customer, telegram: TelegramSimulator
) -> None:
    sent = await anna.sends(location_of(50.9, 6.9, ""))
    await anna.receives()
    for step in range(3):
        message = {**sent["message"], **location_of(50.9 + step / 100, 6.9, ""), "edit_date": 2}
        await telegram.updates.tell({"edited_message": message})
    await anna.receives_nothing()
    assert len(await inbox(bot)) == 1


async def test_what_an_answer_quotes_is_shown(bot: RunningBot, anna: Customer) -> None:
    await taken_over(bot, anna)
    own = await anna.says("Nummer 12")
    ours = anna.messages[0]
    await anna.sends({"text": "Meine", "reply_to_message": own["message"]})
    await anna.says("Deine", to=ours)
    await bot.until("SELECT 1 FROM inbox WHERE text = 'Deine' AND status = 'case'")
    quotes = {line.text: line.quote for line in await bot.app.core.desk_inbox.history(1)}
    assert (quotes["Meine"], quotes["Deine"]) == ("Nummer 12", ours.text)


# --- commands


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        ("/human bitte, es ist dringend", HUMAN),
        ("/human\nbitte", HUMAN),
        ("/help was kannst du?", None),
        ("/start wo ist mein Paket?", None),
        ("/start " + "x" * 3000, GREET),
        ('/start track_B-1"}', "/track_order"),
        ("/start track_", "/track_order"),
        ("/start track", "/track_order"),
        ("/start TRACK", GREET),
        ("/start 🎁", GREET),
        ("/start track_B-100234", '/track_order{"order_id": "B-100234"}'),
        ("/start\ttrack_B-100234 ", '/track_order{"order_id": "B-100234"}'),
        ("/track_order", None),
        ('/affirm{"proposal": "1"}', None),
        ("/human_resources", None),
        ("/", None),
    ],
)
async def test_odd_commands(start: Any, anna: Customer, text: str, payload: str | None) -> None:
    table = {"track": {"payload": "/track_order", "entity": "order_id"}}
    async with start(start=table) as bot:
        await anna.says(text)
        await anna.receives()
        turns = bot.dialogue.asked
        assert [turn.payload for turn in turns] in ([payload], [] if payload is None else [payload])


# --- the shared number


async def phone(bot: RunningBot) -> str | None:
    (row,) = await bot.rows("SELECT phone FROM conversations")
    found: str | None = row["phone"]
    return found


async def test_only_the_own_number_proves(bot: RunningBot, anna: Customer) -> None:
    own = contact_of(NUMBER, "Anna", 1001)["contact"]
    nobody = {key: value for key, value in own.items() if key != "user_id"}
    origin = {"type": "user", "date": 1, "sender_user": user_of(1001, "Anna")}
    other_bot = {"id": 5, "is_bot": True, "first_name": "Kontakte", "username": "kontaktebot"}
    for content in (
        {"contact": nobody},
        {"contact": {**own, "user_id": 1002}},
        {"contact": own, "forward_origin": origin},
        {"contact": own, "via_bot": other_bot},
        {"contact": {**own, "phone_number": "keine"}},
    ):
        await anna.sends(content)
        await anna.receives()
        assert await phone(bot) is None, content
    await anna.sends({"contact": {**own, "phone_number": NUMBER.lstrip("+")}})
    await anna.receives()
    assert await phone(bot) == NUMBER


async def test_a_contact_in_a_group_or_by_an_edit_proves_nothing(
    bot: RunningBot, anna: Customer, telegram: TelegramSimulator
) -> None:
    sent = await anna.says("Hallo")
    await anna.receives()
    own = contact_of(NUMBER, "Anna", 1001)
    message = {key: value for key, value in sent["message"].items() if key != "text"}
    await telegram.updates.tell({"edited_message": {**message, **own, "edit_date": 2}})
    group = telegram.group()
    shared = message_of(telegram.api.next_id(), anna.user, group.chat, own)
    await telegram.updates.tell({"message": shared})
    await asyncio.sleep(0.3)
    assert await phone(bot) is None


# --- buttons


async def test_queries_are_answered_whatever_they_hold(
    bot: RunningBot, anna: Customer, telegram: TelegramSimulator
) -> None:
    yes = Button("button_yes", "/affirm")
    bot.dialogue.replies["Hallo"] = Answer((Say(text="Wirklich?", buttons=(yes,)),))
    await anna.says("Hallo")
    shown = await anna.receives()
    chat = {"id": 1001, "type": "private", "first_name": "Anna"}
    gone = {"chat": chat, "message_id": shown.id, "date": 0}
    group = {**shown.raw, "chat": telegram.group().chat}
    queries: list[dict[str, Any]] = [
        {"message": shown.raw, "data": "x" * 64},
        {"message": shown.raw, "data": "0" * 32 + "/1"},
        {"message": shown.raw, "data": shown.data[0][:-1] + "9"},
        {"message": shown.raw, "data": ""},
        {"message": gone, "data": "unknown"},
        {"message": group, "data": shown.data[0]},
        {"inline_message_id": "i", "data": "x"},
        {"message": shown.raw, "game_short_name": "chess"},
        {"message": {"of": "a kind to come"}, "data": "x"},
        {"message": {"chat": chat, "of": "a kind to come"}, "data": "x"},
    ]
    for number, content in enumerate(queries):
        telegram.api.queries[str(number)] = False
        found = {"id": str(number), "from": anna.user, "chat_instance": "1", **content}
        await telegram.updates.tell({"callback_query": found})
    await bot.until("SELECT 1 FROM inbox WHERE wire_id LIKE '%u%'")
    await eventually(lambda: all(telegram.api.queries.values()), 5)
    assert [turn.payload for turn in bot.dialogue.asked] == [None]


async def test_a_button_of_an_inaccessible_message_counts(
    bot: RunningBot, anna: Customer, telegram: TelegramSimulator
) -> None:
    yes = Button("button_yes", "/affirm")
    bot.dialogue.replies["Hallo"] = Answer((Say(text="Wirklich?", buttons=(yes,)),))
    await anna.says("Hallo")
    shown = await anna.receives()
    gone = {"chat": anna.chat, "message_id": shown.id, "date": 0}
    telegram.api.queries["1"] = False
    found = {"id": "1", "from": anna.user, "chat_instance": "1", "data": shown.data[0]}
    await telegram.updates.tell({"callback_query": {**found, "message": gone}})
    await anna.receives()
    assert bot.dialogue.asked[-1].payload == "/affirm"


async def test_the_data_of_another_customers_button_means_nothing(
    bot: RunningBot, anna: Customer, telegram: TelegramSimulator
) -> None:
    yes = Button("button_yes", "/affirm")
    bot.dialogue.replies["Hallo"] = Answer((Say(text="Wirklich?", buttons=(yes,)),))
    await anna.says("Hallo")
    shown = await anna.receives()
    eve = telegram.customer(666, "Eve")
    await eve.says("Guten Tag")
    hers = await eve.receives()
    query = await eve.asks(hers, shown.data[0])
    assert "lesen" in (await eve.receives()).text
    assert telegram.api.queries[query]
    assert "/affirm" not in [turn.payload for turn in bot.dialogue.asked]


async def test_a_query_is_answered_although_telegram_stumbles(
    bot: RunningBot, anna: Customer, telegram: TelegramSimulator
) -> None:
    yes = Button("button_yes", "/affirm")
    bot.dialogue.replies["Hallo"] = Answer((Say(text="Wirklich?", buttons=(yes,)),))
    await anna.says("Hallo")
    shown = await anna.receives()
    telegram.faults.answers.append((500, "Internal Server Error"))
    query = await anna.presses(shown.buttons[0])
    await anna.receives()
    await eventually(lambda: telegram.api.queries[query], 5)


async def test_a_query_is_answered_although_the_bot_stops(
    start: Any, anna: Customer, telegram: TelegramSimulator
) -> None:
    yes = Button("button_yes", "/affirm")
    async with start() as bot:
        bot.dialogue.replies["Hallo"] = Answer((Say(text="Wirklich?", buttons=(yes,)),))
        await anna.says("Hallo")
        shown = await anna.receives()
        telegram.faults.slow_answers = 0.5
        query = await anna.presses(shown.buttons[0])
        await bot.until("SELECT 1 FROM inbox WHERE kind = 'button'")
    assert telegram.api.queries[query]


# --- groups


async def test_a_group_is_left_alone(
    bot: RunningBot, anna: Customer, telegram: TelegramSimulator
) -> None:
    group = telegram.group()
    for text in ("Hallo zusammen", "/help", "/help@anderer_bot", "frag @muster_shop_botx", "@"):
        await group.hears(anna, text)
    await group.receives_nothing(0.6)
    assert await inbox(bot) == []


async def test_a_group_is_told_to_write_privately(
    bot: RunningBot, anna: Customer, telegram: TelegramSimulator
) -> None:
    group = telegram.group()
    text = "👨‍👩‍👧‍👦 hey @Muster_Shop_Bot wo ist B-100234?"
    bot.dialogue.replies[WRITE_PRIVATELY] = Answer((Say("utter_write_privately"),))
    await group.hears(anna, text)
    shown = await group.receives()
    assert shown.links == ("https://t.me/muster_shop_bot?start=group",)
    await group.hears(anna, "Wie bitte?", to=shown)
    await group.receives()
    await group.hears(anna, "/human@muster_shop_bot")
    await group.receives()
    assert {turn.payload for turn in bot.dialogue.asked} == {WRITE_PRIVATELY}


# --- kinds


async def test_service_messages_and_channels_are_no_talk(
    bot: RunningBot, anna: Customer, telegram: TelegramSimulator
) -> None:
    channel = {"id": -100, "type": "channel", "title": "Neues"}
    post = {"message_id": 1, "date": 1, "chat": channel, "sender_chat": channel, "text": "Neu"}
    group = telegram.group().chat
    moved = message_of(2, anna.user, {**group, "type": "group"}, {"migrate_to_chat_id": -1009})
    member = {"chat": anna.chat, "from": anna.user, "date": 1}
    for content in (
        {"channel_post": post},
        {"edited_channel_post": post},
        {"message": moved},
        {"my_chat_member": member},
        {"business_message": message_of(3, anna.user, anna.chat, {"text": "privat"})},
        {"guest_message": message_of(4, anna.user, anna.chat, {"text": "als Gast"})},
        {"poll": {"id": "1", "question": "?"}},
        {},
    ):
        await telegram.updates.put(telegram.updates.number(content), repeat=True)
    await anna.sends({"pinned_message": message_of(1, anna.user, anna.chat, {"text": "x"})})
    await anna.says("Hallo")
    assert (await anna.receives()).text == "echo: Hallo"
    assert [row["text"] for row in await inbox(bot)] == ["Hallo"]


@pytest.mark.parametrize(
    "content",
    [
        {"dice": {"emoji": "🎲", "value": 3}},
        {"story": {"id": 1, "chat": {"id": 1, "type": "private"}}},
        {"of_a_kind_to_come": {"what": 1}},
        {"dice": {"of": "another shape"}},
    ],
    ids=["dice", "story", "new", "broken"],
)
async def test_what_has_no_words_is_kept_and_answered(
    bot: RunningBot, anna: Customer, content: dict[str, Any]
) -> None:
    await anna.sends(content)
    assert "lesen" in (await anna.receives()).text
    assert [row["kind"] for row in await inbox(bot)] == ["unknown"]


async def test_an_update_that_breaks_the_parser_does_not_stop_the_others(
    bot: RunningBot,
    anna: Customer,
    telegram: TelegramSimulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # The same update would come again and again, and nobody would be heard any more.
    from plugins.telegram import wire

    whole = wire._said

    def broken(message: Any, wire_id: str) -> Any:
        if message.text == "kaputt":
            raise ZeroDivisionError
        return whole(message, wire_id)

    monkeypatch.setattr(wire, "_said", broken)
    telegram.updates.held = True
    await anna.says("kaputt")
    ben = telegram.customer(1002, "Ben")
    await ben.says("Hallo")
    telegram.updates.release()
    assert (await ben.receives()).text == "echo: Hallo"
    assert "lesen" in (await anna.receives()).text
    assert any(record.levelno >= logging.ERROR for record in caplog.records)


async def test_another_bots_chats_are_others(
    start: Any, anna: Customer, telegram: TelegramSimulator
) -> None:
    # Each bot counts messages anew: after a new token the numbers come again.
    async with start():
        await anna.says("Hallo")
        await anna.receives()
    telegram.becomes_another_bot()
    async with start():
        await anna.says("Guten Tag")
        assert (await anna.receives()).text == "echo: Guten Tag"
