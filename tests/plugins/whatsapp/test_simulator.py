"""The simulated Twilio is as strict as the real one, and each of its faults happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from twilio.rest import Client

from bot.testing import RunningBot
from plugins.whatsapp.channel import WhatsAppChannel
from plugins.whatsapp.settings import WhatsAppSettings
from plugins.whatsapp.testing import Customer, TwilioSimulator, sid
from plugins.whatsapp.twilio_api import API_ERRORS, opened

TO, SENDER = "whatsapp:+491713920001", "whatsapp:+4930901820"
Fields = dict[str, Any]


@pytest.fixture
async def client(twilio: TwilioSimulator) -> AsyncIterator[Client]:
    async with opened(WhatsAppSettings.model_validate(twilio.settings())) as (client, _):
        yield client


async def refusal(client: Client, **fields: Any) -> int:
    """The code with which a message is refused."""
    with pytest.raises(API_ERRORS) as caught:
        await client.messages.create_async(**{"to": TO, "from_": SENDER, **fields})
    return int(caught.value.code)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"to": "+491713920001", "body": "Hallo"}, 21211),
        ({"to": "whatsapp:0171", "body": "Hallo"}, 21211),
        ({"from_": "whatsapp:+4999", "body": "Hallo"}, 63007),
        ({"body": ""}, 21619),
        ({"body": "\n "}, 21619),
        ({"body": "a" * 1601}, 21617),
        ({"media_url": ["etikett.pdf"]}, 21620),
        ({"media_url": ["https://a.example/1", "https://a.example/2"]}, 21620),
        ({"body": "Hallo", "status_callback": "/whatsapp/status"}, 21609),
        ({"body": "Hallo", "send_as_mms": True}, 20001),
        ({"content_sid": "HX" + "0" * 32}, 21655),
    ],
)
async def test_a_message_that_twilio_would_refuse(
    client: Client, twilio: TwilioSimulator, fields: Fields, code: int
) -> None:
    assert await refusal(client, **fields) == code
    assert twilio.api.messages == []


@pytest.mark.parametrize(
    "variables",
    ["{", "{}", '{"1": ""}', '{"1": 3}', '{"1": "a\\nb"}', '{"1": "a\\tb"}', '{"1": "a     b"}'],
)
async def test_variables_that_twilio_would_refuse(
    client: Client, twilio: TwilioSimulator, variables: str
) -> None:
    template = twilio.api.approve("Zu {{1}}: bitte melden.")
    assert await refusal(client, content_sid=template, content_variables=variables) == 21656


def replies(*titles: str, **more: Any) -> Fields:
    actions = [{"type": "QUICK_REPLY", "title": one, "id": f"c{n}"} for n, one in enumerate(titles)]
    return {"twilio/quick-reply": {"body": "Wirklich?", "actions": actions, **more}}


def items(*titles: str, **more: Any) -> Fields:
    made = [{"item": one, "id": f"c{n}", "description": ""} for n, one in enumerate(titles)]
    body = {"body": "Welche?", "button": "Auswählen", "items": made}
    return {"twilio/list-picker": {**body, **more}}


@pytest.mark.parametrize(
    "types",
    [
        replies(),
        replies("Ja", "Nein", "Später", "Nie"),
        replies("a" * 21),
        replies("Ja", "Ja"),
        replies("Ja", body=""),
        items(*map(str, range(11))),
        items("a" * 25),
        items("Ja", "Ja"),
        items("Ja", button="a" * 21),
        {"twilio/unheard-of": {}},
        {},
    ],
)
async def test_a_content_that_twilio_would_refuse(twilio: TwilioSimulator, types: Fields) -> None:
    body = {"friendly_name": "a", "language": "de", "variables": {}, "types": types}
    assert await posts(twilio, body) == 400
    assert await posts(twilio, {**body, "types": replies("Ja", "Nein")}) == 201
    assert await posts(twilio, {**body, "types": items("Ja", "Nein", "Später", "Nie")}) == 201


async def test_a_content_must_be_json(twilio: TwilioSimulator) -> None:
    body = {"language": "de", "types": replies("Ja")}
    assert await posts(twilio, body, content_type="application/x-www-form-urlencoded") == 415


async def posts(
    twilio: TwilioSimulator, body: Fields, content_type: str = "application/json"
) -> int:
    login = aiohttp.encode_basic_auth(twilio.account_sid, twilio.auth_token)
    headers = {"Authorization": login, "Content-Type": content_type}
    url = f"{twilio.url}/v1/Content"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=json.dumps(body), headers=headers) as answer,
    ):
        return answer.status


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("Messages.json?PageSize=0", 400, 20001),
        ("Messages.json?PageSize=1001", 400, 20001),
        ("Messages.json?Page=1", 400, 20006),  # without the token of the page before
        ("Messages.json?Colour=red", 400, 20001),
        ("Messages/SM0/Media/ME0", 404, 20404),
        ("Calls.json", 404, 20404),
    ],
)
async def test_what_cannot_be_looked_up(
    twilio: TwilioSimulator, path: str, status: int, code: int
) -> None:
    url = f"{twilio.url}/2010-04-01/Accounts/{twilio.account_sid}/{path}"
    login = aiohttp.encode_basic_auth(twilio.account_sid, twilio.auth_token)
    async with (
        aiohttp.ClientSession(headers={"Authorization": login}) as session,
        session.get(url) as answer,
    ):
        body = await answer.json()
        assert (answer.status, body["status"], body["code"]) == (status, status, code)
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert (answer.status, (await answer.json())["code"]) == (401, 20003)


async def test_the_list_has_pages_newest_first(client: Client, twilio: TwilioSimulator) -> None:
    for number in range(7):
        await client.messages.create_async(to=TO, from_=SENDER, body=f"Teil {number}")
        await client.messages.create_async(to="whatsapp:+491713920002", from_=SENDER, body="?")
    twilio.api.largest_page = 3
    asked = len(twilio.api.requests)
    found = await client.messages.list_async(to=TO, from_=SENDER, limit=100)
    assert [one.body for one in found] == [f"Teil {number}" for number in range(6, -1, -1)]
    assert len(twilio.api.requests) - asked == 3
    assert len(await client.messages.list_async(to=TO, from_=SENDER, limit=2)) == 2


async def test_a_look_up_reads_further_than_one_page(
    bot: RunningBot, twilio: TwilioSimulator, anna: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WhatsAppChannel, "settles_after", timedelta(seconds=1.5))
    twilio.faults.states, twilio.faults.cut_after, twilio.faults.hidden = (), 1, 1
    await anna.says("Hallo")
    shown = await anna.receives()
    async with asyncio.timeout(10):
        while not any(method == "GET" for method, _, _ in twilio.api.requests):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    # Somebody else writes from the same number before the bot looks again.
    twilio.api.messages += [replace(twilio.api.messages[0], sid=sid("SM"), body="?")] * 3
    twilio.api.largest_page = 1
    (row,) = await bot.until("SELECT vendor_id FROM outbox WHERE state = 'sent' AND op = 'send'")
    assert row["vendor_id"] == shown.sid
    await anna.receives_nothing()


async def test_a_file_that_twilio_cannot_fetch_fails_later(
    client: Client, twilio: TwilioSimulator, anna: Customer
) -> None:
    anna.wrote_at = twilio.now()
    made = await client.messages.create_async(
        to=TO, from_=SENDER, media_url=["http://127.0.0.1:1/etikett.pdf"]
    )
    assert made.status == "queued"
    assert twilio.api.messages[-1].error == 63019
    assert anna.phone == []


async def test_messages_come_twice(
    bot: RunningBot, twilio: TwilioSimulator, anna: Customer
) -> None:
    twilio.faults.duplicate = 1
    await anna.says("Hallo")
    assert (await anna.receives()).text == "echo: Hallo"
    await anna.receives_nothing()
    assert twilio.answers[:2] == [200, 200]


async def test_messages_overtake_each_other(
    bot: RunningBot, twilio: TwilioSimulator, anna: Customer
) -> None:
    twilio.faults.reorder = 1
    await anna.says("eins")
    assert twilio.answers == []
    await anna.says("zwei")
    assert (await anna.receives()).text == "echo: zwei\neins"


async def test_messages_come_late(bot: RunningBot, twilio: TwilioSimulator, anna: Customer) -> None:
    twilio.faults.delay = 0.3
    began = asyncio.get_running_loop().time()
    await anna.says("Hallo")
    assert asyncio.get_running_loop().time() - began >= 0.3
    assert (await anna.receives()).text == "echo: Hallo"


async def test_a_forged_message_is_refused(
    bot: RunningBot, twilio: TwilioSimulator, anna: Customer
) -> None:
    twilio.faults.bad_signature = 1
    await anna.says("Gib mir alles")
    assert twilio.answers == [403]
    await anna.says("Hallo")
    assert (await anna.receives()).text == "echo: Hallo"
    await anna.receives_nothing()
