"""WhatsApp and mail in one bot: a code comes by mail, and the conversation goes on there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from plugins.mail.testing_servers import MailServers
from plugins.whatsapp.testing import TwilioSimulator
from tests.conversations.main_job import running
from tests.conversations.test_mail import CODE, JOERG, SECRETS, SHOP, PostOffice, mail_settings
from tests.conversations.test_whatsapp import PUBLIC, Phone
from tests.live.process import BotProcess
from tests.live.records import Records
from tests.live.shop import LiveShop
from tests.live.words import said

pytestmark = pytest.mark.slow

ELSEWHERE = "+491700000042"
"""A number that no order carries."""


@asynccontextmanager
async def shop_on_both(
    folder: Path, servers: MailServers
) -> AsyncIterator[tuple[TwilioSimulator, PostOffice]]:
    async with TwilioSimulator() as twilio:
        whatsapp = twilio.settings()
        secrets = {**SECRETS, "SCHALTER_WHATSAPP_AUTH_TOKEN": whatsapp.pop("auth_token")}
        settings = {
            "bot": {"public_url": PUBLIC},
            "plugins.whatsapp": whatsapp,
            **mail_settings(servers),
        }
        bot = BotProcess(folder, settings, secrets)
        async with running(bot):
            twilio.webhooks_at(bot.url, PUBLIC)
            yield twilio, PostOffice(bot, servers, Records(bot.data), LiveShop(bot.data))


@pytest.mark.parametrize("language", ["de", "en"])
async def test_an_address_is_changed_on_whatsapp_with_a_code_from_the_orders_mailbox(
    tmp_path: Path, servers: MailServers, language: str
) -> None:
    async with shop_on_both(tmp_path, servers) as (twilio, office):
        order = await office.shop.like("B-100235")
        phone = Phone(language, twilio.customer(ELSEWHERE, "Jörg"))
        owner = office.writer(JOERG, language)

        await phone.says(phone.words["move"].format(order))
        await phone.hears("utter_ask_proof")
        await phone.says("20095")
        await phone.hears("utter_code_sent")
        await phone.hears("utter_ask_code")
        mail = await owner.pen.receives()
        assert said("utter_code_mail", mail.text, language), mail.text
        code = CODE.search(mail.text)
        assert code is not None
        assert str(mail.mail["To"]) == JOERG

        # Not where it was asked for: nothing is proven, and it is said where to go.
        await owner.pen.replies(code[1])
        answer = await owner.pen.receives()
        assert said("utter_code_elsewhere", answer.text, language), answer.text
        assert "WhatsApp" in answer.text

        await phone.says(code[1])
        await phone.hears("utter_code_right")
        await phone.hears("utter_ask_new_street")
        await phone.says(phone.words["street"])
        shown = await phone.hears("utter_change_address_propose", "Lindenweg 4, 50674 Köln")
        assert office.records.changes(order) == []
        await phone.presses(shown.buttons[0])
        await phone.hears("utter_change_address_done")
        assert office.records.street(order) == "Lindenweg 4, 50674 Köln"

        # By mail, without the order's number: the code has shown that both are one customer.
        words = {"de": "Und wo ist mein Paket jetzt?", "en": "And where is my parcel now?"}
        await owner.pen.writes({"de": "Lieferung", "en": "Delivery"}[language], words[language])
        shown = await owner.pen.receives()
        assert order in shown.text, shown.text
        customers = office.records.bot("SELECT DISTINCT customer FROM conversations")
        assert len(customers) == 1
    assert not [line for line in servers.complaints() if SHOP in line]


async def test_a_wrong_pair_sounds_the_same_and_sends_nothing(
    tmp_path: Path, servers: MailServers
) -> None:
    async with shop_on_both(tmp_path, servers) as (twilio, office):
        order = await office.shop.like("B-100235")
        phone = Phone("de", twilio.customer(ELSEWHERE, "Mallory"))
        owner = office.writer(JOERG)
        await phone.says(phone.words["move"].format(order))
        await phone.hears("utter_ask_proof")
        await phone.says("50674")
        await phone.hears("utter_code_sent")
        await phone.hears("utter_ask_code")
        await phone.says("123456")
        await phone.hears("utter_code_wrong")
        await owner.pen.gets_nothing(2)
