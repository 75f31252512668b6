"""The main job on WhatsApp: `bot run`, the real model, the demo shop, a simulated Twilio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from plugins.web.testing import DeskClient
from plugins.whatsapp.testing import Customer, Shown, TwilioSimulator
from tests.live.process import DESK_TOKEN, BotProcess
from tests.live.records import Records
from tests.live.shop import LiveShop
from tests.live.waiting import eventually
from tests.live.words import said

PUBLIC = "https://bot.shop.example"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
JOERG, BJOERN = "+494066969001", "+491713920002"
"""Numbers on the orders B-100235 and B-100237 of the demo shop."""


class Phone:
    """A customer who looks for a certain answer."""

    def __init__(self, customer: Customer, language: str) -> None:
        self.customer = customer
        self.language = language

    async def hears(self, name: str, *parts: str) -> Shown:
        """The next message; it must be this text, and hold these parts."""
        shown = await self.customer.receives(30)
        assert said(name, shown.text, self.language), f"{name}: {shown.text}"
        assert all(part in shown.text for part in parts), shown.text
        return shown


@asynccontextmanager
async def shop_on_whatsapp(folder: Path) -> AsyncIterator[tuple[TwilioSimulator, BotProcess]]:
    """A running bot whose only vendor is the simulated one."""
    async with TwilioSimulator() as twilio:
        table = twilio.settings()
        token = {"SCHALTER_WHATSAPP_AUTH_TOKEN": table.pop("auth_token")}
        settings = {"bot": {"public_url": PUBLIC}, "plugins.whatsapp": table}
        bot = BotProcess(folder, settings, token)
        bot.start()
        try:
            await asyncio.to_thread(bot.wait_ready)
            twilio.webhooks_at(bot.url, PUBLIC)
            yield twilio, bot
        finally:
            code = await asyncio.to_thread(bot.stop)
        assert code == 0, bot.tail()


WORDS = {
    "de": {
        "track": "Wo ist mein Paket? Bestellung {0}",
        "label": "Ich brauche ein Rücksendeetikett für {0}",
        "reason": "gefällt mir nicht",
        "move": "Bitte die Lieferadresse von {0} ändern",
        "street": "Lindenweg 4, 50674 Köln",
        "cancel": "Bitte die Bestellung {0} stornieren",
        "yes": "Ja",
        "photo": "So kam es an",
        "human": "Ich möchte mit einem Menschen sprechen",
        "thanks": "Was kostet der Versand?",
    },
    "en": {
        "track": "Where is my parcel? Order {0}",
        "label": "I need a return label for {0}",
        "reason": "I don't like it",
        "move": "Please change the delivery address of order {0}",
        "street": "Lindenweg 4, 50674 Köln",
        "cancel": "Please cancel order {0}",
        "yes": "Yes",
        "photo": "This is how it arrived",
        "human": "I want to talk to a person",
        "thanks": "How much is shipping?",
    },
}


@pytest.mark.parametrize("language", ["de", "en"])
async def test_the_main_job(tmp_path: Path, language: str) -> None:
    words = WORDS[language]
    async with shop_on_whatsapp(tmp_path) as (twilio, bot):
        shop, records = LiveShop(bot.data), Records(bot.data)
        bjoern = Phone(twilio.customer(BJOERN, "Björn"), language)
        joerg = Phone(twilio.customer(JOERG, "Jörg"), language)

        # The number on the order is the proof: nobody is asked for a postcode.
        order = await shop.like("B-100237")
        await bjoern.customer.says(words["track"].format(order))
        await bjoern.hears("utter_track_order_delivered")

        await joerg.customer.says(words["move"].format(moved := await shop.like("B-100235")))
        await joerg.hears("utter_ask_new_street")
        await joerg.customer.says(words["street"])
        shown = await joerg.hears("utter_change_address_propose", "Lindenweg 4, 50674 Köln")
        assert records.changes(moved) == []
        await joerg.customer.presses(shown.buttons[0])
        await joerg.hears("utter_change_address_done")
        assert records.street(moved) == "Lindenweg 4, 50674 Köln"

        await joerg.customer.says(words["cancel"].format(stopped := await shop.like("B-100235")))
        shown = await joerg.hears("utter_cancel_order_propose_paid")
        await joerg.customer.presses(shown.buttons[0])
        await joerg.hears("utter_cancel_order_done_refund")
        assert len(records.changes(stopped)) == 1

        await a_label(bjoern, twilio, words, order)
        await a_person(joerg, bot, records, words)


async def a_label(phone: Phone, twilio: TwilioSimulator, words: dict[str, str], order: str) -> None:
    """The label comes as a PDF behind a link of ours."""
    customer = phone.customer
    await customer.says(words["label"].format(order))
    for _ in range(6):
        shown = await customer.receives(30)
        if shown.media:
            break
        if said("utter_ask_return_reason", shown.text, phone.language):
            await customer.says(words["reason"])
        elif len(shown.buttons) == 2:
            await customer.presses(shown.buttons[0])
    status, content, content_type = await twilio.opens(shown.media[0])
    assert (status, content[:5], content_type) == (200, b"%PDF-", "application/pdf")


async def a_person(phone: Phone, bot: BotProcess, records: Records, words: dict[str, str]) -> None:
    """A photo, a person, an answer, and the bot again."""
    customer = phone.customer
    await customer.sends_file(PNG, "image/png")
    await phone.hears("utter_media_only")
    await customer.says(words["human"])
    await phone.hears("utter_handoff")
    async with DeskClient(bot.url, DESK_TOKEN, "Nora Weber") as agent:
        case = records.bot("SELECT id FROM cases")[0]["id"]
        await agent.take_over(case)
        await phone.hears("utter_agent_joined", "Nora")
        await customer.sends_file(PNG, "image/png", words["photo"])
        await agent.say(case, "Danke, ich sehe es.")
        assert (await customer.receives(30)).text == "Danke, ich sehe es."
        await agent.hand_back(case, outcome="Ein Ersatz kommt.", note="")
        await phone.hears("utter_handed_back_outcome", "Ein Ersatz kommt.")
    await customer.says(words["thanks"])
    await phone.hears("utter_delivery_options")
    sent = "SELECT 1 FROM outbox WHERE op = 'send' AND state <> 'delivered'"
    await eventually(lambda: not records.bot(sent), 10)
