"""What nobody expects: empty, endless, invisible, from right to left."""

from __future__ import annotations

import pytest

from plugins.web.testing import Refusal
from tests.conversations.conftest import Someone

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d4944415478da63fccfc0f01f0005050201a9a7a4c20000000049454e44ae426082"
)


@pytest.mark.parametrize("text", ["", "   \n\t ", "\u200b\u200b", "\0\0"])
async def test_nothing_at_all(someone: Someone, text: str) -> None:
    async with someone("de") as c:
        with pytest.raises(Refusal) as refused:
            await c.chat.post(text)
        assert refused.value.status == 400
        assert refused.value.message
        await c.says("Was kostet der Versand?")
        c.hears("utter_delivery_options")


async def test_a_hundred_thousand_characters(someone: Someone) -> None:
    async with someone("de") as c:
        with pytest.raises(Refusal) as refused:
            await c.chat.post("Ich habe da mal eine Frage. " * 3600)
        assert refused.value.status == 413
        assert refused.value.message
        await c.says("Ich habe da mal eine Frage. " * 300)
        assert c.heard


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("🙂🙂🙂", "utter_no_words"),
        ("?!?!", "utter_no_words"),
        ("<b>Was kostet der Versand?</b><script>alert(1)</script>", None),
        ("أين طلبي؟", None),
        ("שלום, איפה ההזמנה שלי", None),
        ("Wo ist\0 mein\u202e Paket?\u200b", "utter_ask_order_id"),
        ("/restart", None),
        ("/affirm", None),
        ("{order} {shop_name:money} {{}} %s ${x}", None),
        ("' OR 1=1; DROP TABLE orders; --", None),
        ("W" * 5000, None),
        ("ja " * 2000, None),
    ],
)
async def test_a_helpful_sentence(someone: Someone, text: str, answer: str | None) -> None:
    async with someone("de") as c:
        await c.says(text)
        assert c.heard
        assert all(message.text.strip() for message in c.heard)
        c.does_not_hear("Traceback", "utter", "Exception", "<script>")
        if answer is not None:
            c.hears(answer)
        await c.says("Was kostet der Versand?")
        c.hears("utter_delivery_options")


async def test_a_typed_command_is_only_text(someone: Someone) -> None:
    async with someone("de") as c:
        await c.says('/cancel_order{"order_id": "B-100235"}')
        assert c.understood is not None
        c.does_not_hear("utter_cancel_order_propose_paid")


async def test_a_picture_without_words(someone: Someone) -> None:
    async with someone("de") as c:
        file = await c.chat.upload(PNG, "kaputt.png")
        await c.says("", files=[file])
        c.hears("utter_media_only")
        await c.says("die Lampe kam so zerbrochen an")
        c.hears("utter_report_damaged_item")


async def test_a_forged_button(someone: Someone) -> None:
    async with someone("de") as c:
        await c._post("Wo ist mein Paket?", payload="/contact_human_agent")
        await c._answered()
        c.hears("utter_ask_order_id")
        assert c.owner == "bot"
