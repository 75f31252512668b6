"""What comes in: signed, once, of every kind."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import aiohttp
import pytest

from bot.testing import RunningBot
from plugins.whatsapp.testing import Customer, TwilioSimulator, sid
from plugins.whatsapp.webhooks import MESSAGES, STATUS

Start = Callable[..., AbstractAsyncContextManager[RunningBot]]
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


async def inbox(bot: RunningBot) -> list[dict[str, object]]:
    return [dict(row) for row in await bot.rows("SELECT * FROM inbox ORDER BY id")]


async def test_a_text_is_answered(bot: RunningBot, anna: Customer, twilio: TwilioSimulator) -> None:
    await anna.says("Hallo")
    assert (await anna.receives()).text == "echo: Hallo"
    (row,) = await bot.rows("SELECT name, phone, address FROM conversations")
    assert dict(row) == {"name": "Anna", "phone": anna.number, "address": anna.number}
    assert twilio.answers[0] == 200


async def test_a_repeated_webhook_is_one_message(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    form = anna.form(sid("SM"), {"Body": "Hallo"})
    anna.wrote_at = twilio.now()
    assert [await twilio.calls(form) for _ in range(3)] == [200, 200, 200]
    assert (await anna.receives()).text == "echo: Hallo"
    await anna.receives_nothing()
    assert len(await inbox(bot)) == 1


async def test_a_sid_counts_once_whatever_comes_with_it_also_after_a_restart(
    start: Start, anna: Customer, twilio: TwilioSimulator
) -> None:
    form = anna.form(sid("SM"), {"Body": "Hallo"})
    async with start() as bot:
        anna.wrote_at = twilio.now()
        assert await twilio.calls(form) == 200
        assert (await anna.receives()).text == "echo: Hallo"
        assert await twilio.calls({**form, "Body": "Anders"}) == 200
    async with start() as bot:
        assert await twilio.calls({**form, "Body": "Anders"}) == 200
        await anna.receives_nothing()
        assert [row["text"] for row in await inbox(bot)] == ["Hallo"]


async def test_of_two_signatures_the_first_must_fit(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    form = anna.form(sid("SM"), {"Body": "Hallo"})
    right = twilio._validator.compute_signature(f"https://bot.shop.example{MESSAGES}", form)
    for first, second, status in (("AAAA", right, 403), (f"{right},{right}", right, 403)):
        headers = [("X-Twilio-Signature", first), ("X-Twilio-Signature", second)]
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{bot.url}{MESSAGES}", data=form, headers=headers) as response,
        ):
            assert response.status == status
    assert await inbox(bot) == []


@pytest.mark.parametrize("signature", ["", "AAAA", "ünlesbar".encode().decode("latin-1")])
async def test_what_twilio_did_not_sign_is_refused(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator, signature: str
) -> None:
    form = anna.form(sid("SM"), {"Body": "Hallo"})
    assert await twilio.calls(form, signature=signature) == 403
    assert await twilio.calls(form, STATUS, signature=signature) == 403
    assert await inbox(bot) == []


async def test_a_signature_for_another_address_or_form_is_refused(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    form = anna.form(sid("SM"), {"Body": "Hallo"})
    right = twilio._validator.compute_signature(f"https://bot.shop.example{MESSAGES}", form)
    assert await twilio.calls({**form, "Body": "Anders"}, signature=right) == 403
    elsewhere = twilio._validator.compute_signature(f"{bot.url}{MESSAGES}", form)
    assert await twilio.calls(form, signature=elsewhere) == 403
    assert await twilio.calls(form, signature=right) == 200


async def test_a_proxys_headers_are_not_asked(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    form = anna.form(sid("SM"), {"Body": "Hallo"})
    headers = {
        "X-Twilio-Signature": twilio._validator.compute_signature(
            f"https://bot.shop.example{MESSAGES}", form
        ),
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
        "Host": "10.0.0.7:8080",
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{bot.url}{MESSAGES}", data=form, headers=headers) as response,
    ):
        assert response.status == 200


async def test_without_a_public_address_everything_is_refused(
    start: object, anna: Customer, twilio: TwilioSimulator
) -> None:
    async with start(public_url=None) as bot:  # type: ignore[operator]
        twilio.webhooks_at(bot.url)
        assert await twilio.calls(anna.form(sid("SM"), {"Body": "Hallo"})) == 403


@pytest.mark.parametrize(
    "more",
    [
        {"MessageSid": ""},
        {"MessageSid": "x"},
        {"From": "whatsapp:anna"},
        {"From": "+491713920001"},
        {"NumMedia": "many"},
        {"NumMedia": "-1"},
        {"NumMedia": "9999"},
        {"NumMedia": "1"},
    ],
)
async def test_a_malformed_message_is_refused(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator, more: dict[str, str]
) -> None:
    assert await twilio.calls(anna.form(sid("SM"), {"Body": "Hallo", **more})) == 400
    assert await inbox(bot) == []


async def test_another_kind_of_body_is_refused(bot: RunningBot) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{bot.url}{MESSAGES}", json={"Body": "x"}) as response:
            assert response.status == 415
        huge = io.BytesIO(b"Body=" + b"x" * 300_000)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        async with session.post(f"{bot.url}{MESSAGES}", data=huge, headers=form) as response:
            assert response.status == 413


async def test_json_is_refused_for_what_it_is_only_when_its_signature_fits(
    bot: RunningBot, twilio: TwilioSimulator
) -> None:
    """Twilio signs JSON by a hash in the address; its messages are forms."""
    body, other = b'{"Body": "Hallo"}', b'{"Body": "Anders"}'
    path = f"{MESSAGES}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    signature = twilio._validator.compute_signature(f"https://bot.shop.example{path}", {})
    json = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=json) as session:
        for data, given, status in [
            (body, signature, 415),
            (other, signature, 403),
            (body, signature[::-1], 403),
            (body, "", 403),
        ]:
            headers = {"X-Twilio-Signature": given}
            async with session.post(f"{bot.url}{path}", data=data, headers=headers) as answer:
                assert answer.status == status
    assert await inbox(bot) == []


async def test_files_are_fetched_before_the_turn(bot: RunningBot, anna: Customer) -> None:
    await anna.sends_files([(PNG, "image/png"), (b"%PDF-1.4 x", "application/pdf")], "so kam es an")
    await anna.receives()
    (turn,) = bot.dialogue.asked
    assert turn.text == "so kam es an"
    assert [(a.name, a.content_type, a.error) for a in turn.attachments] == [
        ("image-1.png", "image/png", None),
        ("application-2.pdf", "application/pdf", None),
    ]


async def test_ten_files_keep_their_order_and_a_disguised_one_is_told(
    bot: RunningBot, anna: Customer
) -> None:
    files = [(PNG + bytes([number]), "image/png") for number in range(9)]
    await anna.sends_files([*files, (b"MZ\x90\0" + b"\0" * 64, "image/jpeg")], "alle")
    await anna.receives()
    (turn,) = bot.dialogue.asked
    assert [a.name for a in turn.attachments[:9]] == [f"image-{n}.png" for n in range(1, 10)]
    assert [a.error for a in turn.attachments] == [None] * 9 + ["file_type"]


async def test_a_file_that_is_not_there_yet_is_fetched_again(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    twilio.api.media_faults += [404, 503]
    await anna.sends_file(PNG, "image/png", "bitte")
    await anna.receives()
    assert [a.error for a in bot.dialogue.asked[0].attachments] == [None]


async def test_a_file_that_cannot_be_fetched_is_said(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    twilio.api.media_faults += [500] * 9
    await anna.sends_file(PNG, "image/png")
    assert "nicht annehmen" in (await anna.receives()).text


async def test_credentials_go_to_twilio_only(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    form = {"NumMedia": "1", "MediaUrl0": f"{bot.url}/health", "MediaContentType0": "image/png"}
    anna.wrote_at = twilio.now()
    assert await twilio.calls(anna.form(sid("MM"), form)) == 200
    assert "nicht annehmen" in (await anna.receives()).text


async def test_a_place_is_noted(bot: RunningBot, anna: Customer) -> None:
    await anna.sends_place("52.52", "13.405", "Alexanderplatz")
    assert "Standort" in (await anna.receives()).text
    (row,) = await inbox(bot)
    assert (row["kind"], row["text"]) == ("location", "Alexanderplatz\n52.52, 13.405")


async def test_a_contact_card_is_noted(bot: RunningBot, anna: Customer) -> None:
    card = b"BEGIN:VCARD\nVERSION:3.0\nFN:Bea\nEND:VCARD\n"
    await anna.sends_file(card, "text/vcard")
    assert "Kontakt" in (await anna.receives()).text
    (row,) = await inbox(bot)
    assert row["kind"] == "contact"


async def test_what_has_no_words_is_answered(bot: RunningBot, anna: Customer) -> None:
    await anna.sends_unknown()
    assert "nicht lesen" in (await anna.receives()).text
    (row,) = await inbox(bot)
    assert row["kind"] == "unknown"


async def test_a_reply_names_what_it_quotes(bot: RunningBot, anna: Customer) -> None:
    await anna.says("Hallo")
    shown = await anna.receives()
    await anna.replies_to(shown, "Das meine ich")
    await anna.receives()
    _, row = await inbox(bot)
    assert row["quotes"] == shown.sid
