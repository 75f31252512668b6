"""Somebody asks for their data, or wants it erased; and somebody only asks."""

from __future__ import annotations

import json

import pytest

from tests.conversations.conftest import BURST, Live, Someone
from tests.live.leftovers import left_in
from tests.live.process import BotProcess
from tests.live.records import Records
from tests.live.shop import LiveShop
from tests.live.waiting import eventually

pytestmark = pytest.mark.slow

COPIES = {
    "de": ["Welche Daten haben Sie über mich?", "schick mir mal bitte meine daten",
           "DSGVO Auskunft bitte", "was habt ihr eigentlich alles über mich gespeichert?"],
    "en": ["send me my data", "What do you know about me?", "I want a copy of my data please",
           "subject access request"],
}  # fmt: skip
ERASING = {
    "de": ["Löschen Sie meine Daten", "bitte lösch alles was ihr von mir habt",
           "Ich verlange die Löschung meiner Daten nach Art. 17 DSGVO."],
    "en": ["delete my data", "please erase everything you have about me",
           "I want to be forgotten, remove my personal data"],
}  # fmt: skip
QUESTIONS = {
    "de": ["Wie lange speichern Sie meine Daten?", "gebt ihr meine daten weiter?", "datenschutz",
           "Wer ist bei Ihnen für den Datenschutz verantwortlich?"],
    "en": ["how long do you keep my data?", "do you share my data with others?", "data protection",
           "who is your data protection officer?"],
}  # fmt: skip


@pytest.mark.parametrize("language", ["de", "en"])
async def test_who_asks_for_their_data_gets_it_as_a_file(someone: Someone, language: str) -> None:
    for text in COPIES[language]:
        async with someone(language) as c, someone(language) as other:
            await other.says("hello from somebody else")
            await c.says(text)
            c.hears("utter_privacy_export", "utter_privacy_reach")
            (file,) = c.files
            made = json.loads(await c.chat.download(file))
            (conversation,) = made["conversations"]
            assert next(one["text"] for one in conversation["messages"]) == text
            assert "hello from somebody else" not in json.dumps(made), "never anybody else's"
            assert file.name.endswith(".json")


@pytest.mark.parametrize("language", ["de", "en"])
async def test_what_is_only_a_question_is_only_answered(
    someone: Someone, records: Records, language: str
) -> None:
    before = records.bot("SELECT count(*) AS n FROM erasures")
    for text in QUESTIONS[language]:
        async with someone(language) as c:
            await c.says(text)
            c.hears("utter_privacy_request")
            assert c.files == []
    assert records.bot("SELECT count(*) AS n FROM erasures") == before


@pytest.mark.parametrize("language", ["de", "en"])
async def test_a_no_erases_nothing(someone: Someone, records: Records, language: str) -> None:
    before = records.bot("SELECT count(*) AS n FROM erasures")
    for text in ERASING[language]:
        async with someone(language) as c:
            await c.says(text)
            c.hears("utter_privacy_erase_propose", "§ 147 AO")
            await c.says("nein danke" if language == "de" else "no thanks")
            c.hears("utter_proposal_dropped")
    assert records.bot("SELECT count(*) AS n FROM erasures") == before


async def test_a_button_says_what_words_did_not(someone: Someone) -> None:
    async with someone("de") as c:
        await c.says("datenschutz")
        await c.presses("Meine Daten bekommen")
        c.hears("utter_privacy_export")
        await c.says("datenschutz")
        await c.presses("Meine Daten löschen")
        c.hears("utter_privacy_erase_propose")


async def test_in_the_middle_of_a_form_the_yes_is_for_the_erasure(
    someone: Someone, records: Records
) -> None:
    """The form went on, asked for its number, and the open proposal lapsed."""
    async with someone("de") as c:
        await c.says("Wo ist mein Paket?")
        c.hears("utter_ask_order_id")
        await c.says("Löschen Sie alle meine Daten")
        c.hears("utter_privacy_erase_propose")
        c.does_not_hear("utter_ask_order_id")
        await c.says("ja")
        c.hears("utter_privacy_erase_done")
    (row,) = records.bot("SELECT * FROM erasures WHERE state = 'asked'")
    assert row["reason"] == "customer"


async def test_a_question_in_a_form_leaves_it_where_it_was(someone: Someone) -> None:
    async with someone("de") as c:
        await c.says("Wo ist mein Paket?")
        await c.says("Welche Daten haben Sie über mich gespeichert?")
        c.hears("utter_privacy_export", "utter_ask_order_id")


async def test_after_a_yes_nothing_is_left_but_the_shops_order(
    live: Live, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With Rasa and its tracker, to the last byte; the order stays, as the law wants it."""
    bot = BotProcess(
        tmp_path_factory.mktemp("erased"),
        {"plugins.web": {"burst_seconds": BURST}, "plugins.privacy": {"goodbye_seconds": 1.0}},
    )
    bot.start()
    try:
        bot.wait_ready()
        records, shop = Records(bot.data), LiveShop(bot.data)
        order = await shop.like("B-100235")
        own = Live(bot, records, shop)
        markers = ("Wo bleibt denn", "markerwort", order)
        async with own.customer("de") as c:
            await c.says(f"Wo bleibt denn {order}, PLZ 20095? markerwort")
            c.hears(order)
            await c.says("löschen Sie bitte alle meine Daten")
            c.hears("utter_privacy_erase_propose")
            assert left_in(bot.data, ("markerwort",))
            await c.says("ja, bitte löschen")
            c.hears("utter_privacy_erase_done")
        bot.kill()  # a kill -9 between the promise and its keeping
        assert left_in(bot.data, ("markerwort",))
        bot.start()
        bot.wait_ready()
        await eventually(
            lambda: records.bot("SELECT 1 FROM erasures WHERE state = 'done'"), seconds=40
        )
        kept = [one for one in left_in(bot.data, markers) if "shop.db" not in one]
        assert kept == []
        assert shop is not None
        assert records.shop("SELECT 1 FROM orders WHERE number = :n", n=order)
    finally:
        assert bot.stop() == 0, bot.tail()
