"""One customer over two channels: the dialogue goes on in the other one, with the real model."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conversations.main_job import BJOERN
from tests.conversations.test_both_channels import shop_on_both
from tests.conversations.test_telegram import Chat
from tests.conversations.test_whatsapp import Phone
from tests.live.records import Records
from tests.live.shop import LiveShop

pytestmark = pytest.mark.slow


async def test_nobody_tells_the_story_again_in_the_other_channel(tmp_path: Path) -> None:
    """Telegram vouches for the number that WhatsApp vouched for: which order it is, is known."""
    async with shop_on_both(tmp_path) as (twilio, telegram, bot):
        order = await LiveShop(bot.data).like("B-100237")
        on_whatsapp = Phone("de", twilio.customer(BJOERN, "Björn"))
        await on_whatsapp.says(f"Wo ist mein Paket? Bestellung {order}")
        await on_whatsapp.hears("utter_track_order_delivered")

        on_telegram = Chat("de", telegram.customer(1001, "Björn"))
        await on_telegram.customer.shares_contact(BJOERN)
        await on_telegram.sees()
        await on_telegram.says("Und wo ist mein Paket?")
        shown = await on_telegram.sees()
        assert order in shown.text, shown

        records = Records(bot.data)
        customers = records.bot("SELECT DISTINCT customer FROM conversations")
        assert len(customers) == 1
        proofs = records.bot("SELECT DISTINCT kind FROM proofs")
        assert [row["kind"] for row in proofs] == ["channel"]


async def test_somebody_elses_number_brings_nothing_along(tmp_path: Path) -> None:
    """A stranger who sends Björn's contact card is not Björn."""
    async with shop_on_both(tmp_path) as (twilio, telegram, bot):
        order = await LiveShop(bot.data).like("B-100237")
        on_whatsapp = Phone("de", twilio.customer(BJOERN, "Björn"))
        await on_whatsapp.says(f"Wo ist mein Paket? Bestellung {order}")
        await on_whatsapp.hears("utter_track_order_delivered")

        stranger = Chat("de", telegram.customer(1002, "Mallory"))
        await stranger.customer.shares_contact(BJOERN, user_id=1001)
        await stranger.sees()
        await stranger.says("Und wo ist mein Paket?")
        shown = await stranger.sees()
        assert order not in shown.text, shown
        customers = Records(bot.data).bot("SELECT DISTINCT customer FROM conversations")
        assert len(customers) == 2
