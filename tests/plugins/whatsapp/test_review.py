"""What a hostile tester tries: signatures by hand, cuts, skewed clocks, old buttons, odd files."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
import yaml
from aiohttp import web
from yarl import URL

from bot.desk import Line, TakeOver
from bot.messages import Answer, Button, Outcome, Say
from bot.ports import Tx
from bot.store import StoreError
from bot.testing import RunningBot
from plugins.whatsapp import channel as channel_module
from plugins.whatsapp import ledger, wire
from plugins.whatsapp.reasons import reason_of
from plugins.whatsapp.testing import Customer, Sent, TwilioSimulator, sid
from plugins.whatsapp.testing_api import ApiError
from plugins.whatsapp.twilio_api import pause_of
from plugins.whatsapp.webhooks import MESSAGES, STATUS

PUBLIC = "https://bot.shop.example"
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


def created(twilio: TwilioSimulator) -> int:
    asked = twilio.api.requests
    return sum(method == "POST" and path.endswith("/Messages.json") for method, path, _ in asked)


def sign(token: str, url: str, pairs: list[tuple[str, str]]) -> str:
    """As Twilio's documentation tells it: the address, then each name and value, sorted."""
    text = url + "".join(f"{name}{value}" for name, value in sorted(set(pairs)))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


async def post(bot: RunningBot, path: str, body: str | bytes, signature: str) -> int:
    headers = {**FORM, "X-Twilio-Signature": signature}
    url = URL(f"{bot.url}{path}", encoded=True)
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body, headers=headers) as response,
    ):
        return response.status


async def settled(bot: RunningBot, text: str) -> tuple[str, str | None]:
    (row,) = await bot.until(
        "SELECT state, reason FROM outbox WHERE text = :text "
        "AND state NOT IN ('queued', 'sending')",
        text=text,
    )
    return row["state"], row["reason"]


async def ask(bot: RunningBot, anna: Customer, text: str, *buttons: Button) -> None:
    bot.dialogue.replies[text] = Answer((Say(text=f"{text}?", buttons=buttons),), Outcome.ASK)
    await anna.says(text)


async def press(anna: Customer, place: int, title: str, under: str | None) -> None:
    """Press a button of a message that may be older than what Twilio still names."""
    more = {"ButtonPayload": f"choice_{place}", "ButtonText": title, "MessageType": "button"}
    quoted = {} if under is None else {"OriginalRepliedMessageSid": under}
    await anna.says(title, **more, **quoted)


async def taken(bot: RunningBot, anna: Customer) -> None:
    bot.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
    await anna.says("mensch")
    await anna.receives()
    assert (await bot.app.core.desk_inbox.accept(TakeOver("t", 1, "Mia"))).done
    await anna.receives()


async def last_wrote(bot: RunningBot, ago: timedelta) -> None:
    stamp = (datetime.now(UTC) - ago).isoformat(timespec="microseconds")
    sql = "UPDATE conversations SET last_in_at = :at"
    await bot.app.store.write(lambda tx: tx.run(sql, at=stamp))


# --- signatures, computed by hand


async def test_an_address_with_a_port_and_a_path_of_its_own_is_signed(
    start: Any, anna: Customer, twilio: TwilioSimulator
) -> None:
    public = "https://shop.example:8443/bot"
    pairs = list(anna.form(sid("SM"), {"Body": "Grüße & Küsse + 😀", "Empty": ""}).items())
    async with start(public_url=public) as bot:
        signature = sign(twilio.auth_token, f"{public}{MESSAGES}", pairs)
        assert await post(bot, MESSAGES, urlencode(pairs), signature) == 200
        bare = sign(twilio.auth_token, f"https://shop.example/bot{MESSAGES}", pairs)
        assert await post(bot, MESSAGES, urlencode(pairs), bare) == 200
        other = sign(twilio.auth_token, f"https://shop.example:8443{MESSAGES}", pairs)
        assert await post(bot, MESSAGES, urlencode(pairs), other) == 403


async def test_the_query_is_signed_letter_by_letter(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    path = f"{STATUS}?row=a%2Fb.1&x=%C3%BC+1"
    pairs = [("MessageSid", sid("SM")), ("MessageStatus", "sent")]
    signature = sign(twilio.auth_token, f"{PUBLIC}{path}", pairs)
    assert await post(bot, path, urlencode(pairs), signature) == 200
    assert await post(bot, f"{STATUS}?row=a/b.1&x=%C3%BC+1", urlencode(pairs), signature) == 403
    assert await post(bot, STATUS, urlencode(pairs), signature) == 403


async def test_repeated_names_are_signed_once_each(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    more = [("Body", "Hallo"), ("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234")]
    pairs = [*anna.form(sid("SM"), {}).items(), *more]
    signature = sign(twilio.auth_token, f"{PUBLIC}{MESSAGES}", pairs)
    assert await post(bot, MESSAGES, urlencode(pairs), signature) == 200
    left_out = [pair for pair in pairs if pair != ("Digits", "1234")]
    assert await post(bot, MESSAGES, urlencode(left_out), signature) == 403


@pytest.mark.parametrize(
    "body", [b"Body=\xfc\xff&MessageSid=x", b"Body=%ff&MessageSid=x", b"&".join([b"a=1"] * 501)]
)
async def test_a_body_that_cannot_be_read_is_refused(bot: RunningBot, body: bytes) -> None:
    assert await post(bot, MESSAGES, body, "AAAA") == 400
    assert await bot.rows("SELECT * FROM inbox") == []


async def test_names_of_customers_hold_no_control_characters(
    bot: RunningBot, twilio: TwilioSimulator
) -> None:
    eve = twilio.customer("+491713920009", "Eve\x00\x1b[31m\r\n\u202eadmin" + "x" * 200)
    await eve.says("Hallo")
    await eve.receives()
    ((name,),) = [tuple(row.values()) for row in map(dict, await bot.rows(_NAMES))]
    assert name.isprintable()
    assert len(name) <= 80


_NAMES = "SELECT name FROM conversations"


# --- nothing twice, nothing lost


async def test_a_full_disk_after_the_send_sends_nothing_twice(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_tx: Tx, _row: str, _sid: str) -> None:
        raise StoreError("the disk is full")

    twilio.faults.states = ()
    monkeypatch.setattr(ledger, "note_sid", full)
    await anna.says("Hallo")
    assert await settled(bot, "echo: Hallo") == ("sent", None)
    assert created(twilio) == 1


async def test_a_clock_ahead_of_twilios_sends_nothing_twice(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_module.WhatsAppChannel, "settles_after", timedelta(0))
    twilio.clock_shift = timedelta(minutes=-5)
    twilio.faults.cut_after, twilio.faults.states = 1, ()
    await anna.says("Hallo")
    assert (await settled(bot, "echo: Hallo"))[0] == "sent"
    assert created(twilio) == 1


@pytest.mark.parametrize("kind", ["buttons", "file"])
async def test_what_the_list_shows_without_its_content_is_found(
    bot: RunningBot,
    anna: Customer,
    twilio: TwilioSimulator,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """A message from a content, or with a file on its way, may be listed without words or file."""
    monkeypatch.setattr(channel_module.WhatsAppChannel, "settles_after", timedelta(0))
    shown = twilio.api._shown

    def bare(message: Sent) -> dict[str, Any]:
        return {**shown(message), "body": "", "num_media": "0"}

    monkeypatch.setattr(twilio.api, "_shown", bare)
    made = await bot.app.files.put_bytes(b"%PDF-1.4 label", name="a.pdf", owner="x")
    files, buttons = (str(made.file),), (Button("Ja", "/affirm"),)
    say = Say(text="Gut?", buttons=buttons) if kind == "buttons" else Say(text="", files=files)
    bot.dialogue.replies["los"] = Answer((say,))
    twilio.faults.cut_after, twilio.faults.states = 1, ()
    await anna.says("los")
    await bot.until("SELECT 1 FROM outbox WHERE op = 'send' AND state = 'sent'")
    assert created(twilio) == 1


@pytest.mark.parametrize("kind", ["buttons", "file"])
async def test_states_before_the_answer_count_for_buttons_and_files_too(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator, kind: str
) -> None:
    made = await bot.app.files.put_bytes(b"%PDF-1.4 label", name="a.pdf", owner="x")
    files, buttons = (str(made.file),), (Button("Ja", "/affirm"),)
    say = Say(text="Gut?", buttons=buttons) if kind == "buttons" else Say(text="", files=files)
    bot.dialogue.replies["los"] = Answer((say,))
    twilio.faults.states, twilio.faults.states_twice = ("read", "failed", "sent"), True
    await anna.says("los")
    await bot.until("SELECT 1 FROM outbox WHERE op = 'send' AND state = 'read'")
    while len(twilio.answers) < 7:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    (row,) = await bot.rows("SELECT state FROM outbox WHERE op = 'send'")
    assert row["state"] == "read"


async def test_a_timeout_after_the_request_left_is_looked_up_first(
    start: Any, anna: Customer, twilio: TwilioSimulator
) -> None:
    async with start(timeout=0.2) as bot:
        twilio.faults.slow, twilio.faults.states = 0.5, ()
        await anna.says("Hallo")
        await bot.until("SELECT 1 FROM whatsapp_sent")
        async with asyncio.timeout(2):
            while not any(  # noqa: ASYNC110
                method == "GET" for method, _, _ in twilio.api.requests
            ):
                await asyncio.sleep(0.02)
        assert created(twilio) == 1


async def test_a_state_that_comes_after_a_look_up_in_vain_stops_the_second_send(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_module.WhatsAppChannel, "settles_after", timedelta(0))
    monkeypatch.setattr("bot.outbox.backoff", lambda _attempt, **_: timedelta(seconds=0.5))
    twilio.faults.cut_after, twilio.faults.hidden, twilio.faults.states = 1, 1, ()
    await anna.says("Hallo")
    await bot.until("SELECT 1 FROM outbox WHERE reason = 'not_sent' AND state = 'queued'")
    await twilio.reports(twilio.api.messages[0], "delivered")
    await bot.until("SELECT 1 FROM outbox WHERE op = 'send' AND state = 'delivered'")
    assert created(twilio) == 1


async def test_a_late_state_settles_an_unknown_outcome(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def in_vain(_self: object, _out: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(channel_module.WhatsAppChannel, "look_up", in_vain)
    twilio.faults.cut_after, twilio.faults.states = 1, ()
    await anna.says("Hallo")
    assert (await settled(bot, "echo: Hallo"))[0] == "unknown"
    (message,) = twilio.api.messages
    for state in ("delivered", "sent"):
        assert await twilio.reports(message, state) == 200
    assert await settled(bot, "echo: Hallo") == ("delivered", None)


async def test_a_state_of_a_row_that_is_not_ours_changes_nothing(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    await anna.says("Hallo")
    await bot.until("SELECT 1 FROM outbox WHERE op = 'send' AND state = 'delivered'")
    rows = await bot.rows("SELECT * FROM outbox")
    for path in (f"{STATUS}?row=nobody", STATUS, f"{STATUS}?row={rows[0]['id']}"):
        form = {"MessageSid": sid("SM"), "MessageStatus": "read"}
        assert await twilio.calls(form, path) == 200
    assert await bot.rows("SELECT * FROM outbox") == rows


async def test_too_many_contents_hold_everybody_too(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_body: object) -> None:
        monkeypatch.undo()
        raise ApiError(429, 20429, "Too Many Requests")

    twilio.faults.retry_after = "0.6"
    monkeypatch.setattr(twilio.api, "_check_content", busy)
    bea = twilio.customer("+491713920002", "Bea")
    await ask(bot, anna, "frage", Button("Ja", "/affirm"))
    await bot.until("SELECT 1 FROM outbox WHERE reason = 'whatsapp_rate'")
    await bea.says("Hallo")
    await bea.receives_nothing(0.2)
    assert created(twilio) == 0
    await bea.receives()
    assert (await anna.receives()).buttons == ("Ja",)


async def test_a_refused_connection_is_tried_again(
    start: Any, anna: Customer, twilio: TwilioSimulator
) -> None:
    async with start(api_url="http://127.0.0.1:9") as bot:
        await anna.says("Hallo")
        (row,) = await bot.until("SELECT state, reason FROM outbox WHERE attempts > 0")
        assert dict(row) == {"state": "queued", "reason": "vendor_unreachable"}


async def test_a_content_that_twilio_never_knows_is_not_made_each_second(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbox.backoff", lambda _attempt, **_: timedelta(minutes=5))
    twilio.faults.codes.append(21655)
    await ask(bot, anna, "frage", Button("Ja", "/affirm"))
    (row,) = await bot.until("SELECT not_before FROM outbox WHERE reason = 'whatsapp_template'")
    rest = datetime.fromisoformat(row["not_before"]) - datetime.now(UTC)
    assert rest > timedelta(minutes=4)


async def test_a_passing_fault_is_not_called_a_refusal(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overloaded(_form: object) -> None:
        raise ApiError(503, 20503, "Service Unavailable")

    monkeypatch.setattr(twilio.api, "_take", overloaded)
    await anna.says("Hallo")
    (row,) = await bot.until("SELECT state, reason FROM outbox WHERE attempts = 1")
    assert dict(row) == {"state": "queued", "reason": "vendor_unreachable"}


# --- how long to wait


def test_retry_after_is_seconds_or_a_date() -> None:
    later = datetime.now(UTC) + timedelta(seconds=90)
    assert pause_of("7") == 7.0
    assert 85 < pause_of(format_datetime(later, usegmt=True)) <= 90
    assert 85 < pause_of(format_datetime(later.replace(tzinfo=None))) <= 90


@pytest.mark.parametrize(
    "told", [None, "", "soon", "nan", "-nan", "inf", "-5", "1e400", "Mon, 01 Jan 1990 00:00:00 GMT"]
)
def test_a_strange_retry_after_is_a_pause_that_can_be_waited(told: str | None) -> None:
    assert 0 < pause_of(told) <= 3600


async def test_too_many_requests_with_a_date_hold_the_message_until_then(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    until = datetime.now(UTC) + timedelta(seconds=600)
    twilio.faults.too_many = 1
    twilio.faults.retry_after = format_datetime(until, usegmt=True)
    await anna.says("Hallo")
    (row,) = await bot.until("SELECT not_before FROM outbox WHERE reason = 'whatsapp_rate'")
    assert abs(datetime.fromisoformat(row["not_before"]) - until) < timedelta(seconds=5)


# --- buttons


async def test_an_old_list_that_twilio_no_longer_names_is_read_by_its_title(
    bot: RunningBot, anna: Customer
) -> None:
    await ask(bot, anna, "alt", Button("Rechnung", "/get_invoice"), Button("Nein", "/deny"))
    await anna.receives()
    await ask(bot, anna, "neu", Button("Stornieren", "/affirm"), Button("Behalten", "/deny"))
    await anna.receives()
    await press(anna, 1, "Rechnung", None)
    await anna.receives()
    turn = bot.dialogue.asked[-1]
    assert (turn.payload, turn.text) == (None, "Rechnung")


async def test_a_button_without_a_quote_is_the_latest_questions(
    bot: RunningBot, anna: Customer
) -> None:
    await ask(bot, anna, "alt", Button("Ja", '/affirm{"proposal": "1"}'))
    await anna.receives()
    await ask(bot, anna, "neu", Button("Ja", '/affirm{"proposal": "2"}'))
    await anna.receives()
    await press(anna, 1, "Ja", None)
    await anna.receives()
    assert bot.dialogue.asked[-1].payload == '/affirm{"proposal": "2"}'


async def test_a_button_under_an_unknown_message_means_nothing_else(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    await ask(bot, anna, "alt", Button("Ja", "/affirm"))
    await anna.receives()
    twilio.faults.too_many, twilio.faults.retry_after = 1, "60"
    await ask(bot, anna, "neu", Button("Alles löschen", "/delete_account"))
    await bot.until("SELECT 1 FROM outbox WHERE attempts = 1")
    await press(anna, 1, "Ja", sid("SM"))
    await bot.until("SELECT 1 FROM inbox WHERE text = 'Ja'")
    (row,) = await bot.rows("SELECT payload FROM inbox WHERE text = 'Ja'")
    assert row["payload"] is None


async def test_a_button_of_another_customer_means_nothing(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    await ask(bot, anna, "frage", Button("Ja", '/affirm{"proposal": "1"}'))
    shown = await anna.receives()
    eve = twilio.customer("+491713920002", "Eve")
    await press(eve, 1, "Ja", shown.sid)
    await eve.receives()
    turn = bot.dialogue.asked[-1]
    assert (turn.payload, turn.text) == (None, "Ja")


@pytest.mark.parametrize("choice", ["choice_0", "choice_3", "choice_99", "choice_²", "choice_-1"])
async def test_a_place_that_was_not_offered_means_nothing(
    bot: RunningBot, anna: Customer, choice: str
) -> None:
    await ask(bot, anna, "frage", Button("Ja", "/affirm"), Button("Nein", "/deny"))
    shown = await anna.receives()
    more = {"ButtonPayload": choice, "OriginalRepliedMessageSid": shown.sid}
    await anna.says("Ja", ButtonText="Ja", MessageType="button", **more)
    await anna.receives()
    assert bot.dialogue.asked[-1].payload is None


def test_what_fills_a_content_is_what_whatsapp_takes() -> None:
    """Error 21656: no line break, no tab, no more than four blanks in a row."""
    text = "Summe:\t10 €      inkl. MwSt.\n \nFertig\u2028gut"
    made = wire.content_of(text, (Button("Ja", "/affirm"),), "Wählen", "de")
    assert made.variables == {"1": "Summe: 10 € inkl. MwSt.", "2": "Fertig gut"}


# --- the window


async def test_a_file_alone_never_goes_out_as_a_template_without_it(
    start: Any, anna: Customer, twilio: TwilioSimulator
) -> None:
    made = twilio.api.approve("Hallo, {{1}}")
    template = {"content_sid": made, "language": "de", "variables": {"1": "{text}"}}
    async with start(templates=[template]) as bot:
        await taken(bot, anna)
        await last_wrote(bot, timedelta(hours=25))
        twilio.clock_shift = timedelta(hours=25)
        label = await bot.app.files.put_bytes(b"%PDF-1.4 label", name="a.pdf", owner="x")
        await bot.app.core.desk_inbox.accept(Line("1", 1, "Mia", "", (label,)))
        (row,) = await bot.until(
            "SELECT state, reason FROM outbox WHERE attachments <> '[]' "
            "AND state NOT IN ('queued', 'sending')"
        )
        assert dict(row) == {"state": "failed", "reason": "window_closed"}


@pytest.mark.parametrize(
    ("ago", "state"),
    [
        (timedelta(hours=24), "failed"),
        (timedelta(hours=24) - timedelta(seconds=50), "failed"),
        (timedelta(hours=24) - timedelta(seconds=90), "sent"),
    ],
)
async def test_the_window_is_open_for_a_day_less_a_minute_for_the_way(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator, ago: timedelta, state: str
) -> None:
    twilio.faults.states = ()
    await taken(bot, anna)
    await last_wrote(bot, ago)
    await bot.app.core.desk_inbox.accept(Line("1", 1, "Mia", "Noch da?"))
    assert (await settled(bot, "Noch da?"))[0] == state


async def test_a_message_that_comes_while_a_send_waits_opens_the_window(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    await taken(bot, anna)
    twilio.faults.too_many, twilio.faults.retry_after = 1, "0.4"
    await bot.app.core.desk_inbox.accept(Line("1", 1, "Mia", "Noch da?"))
    await bot.until("SELECT 1 FROM outbox WHERE reason = 'whatsapp_rate'")
    await last_wrote(bot, timedelta(hours=25))
    await anna.says("Ja, hier.")
    assert (await anna.receives()).text == "Noch da?"


async def test_what_is_too_long_for_a_template_is_refused_here(
    start: Any, anna: Customer, twilio: TwilioSimulator
) -> None:
    made = twilio.api.approve("Hallo, {{1}}")
    template = {"content_sid": made, "language": "de", "variables": {"1": "{text}"}}
    async with start(templates=[template]) as bot:
        await taken(bot, anna)
        await last_wrote(bot, timedelta(hours=25))
        twilio.clock_shift = timedelta(hours=25)
        long, short = "wort " * 240 + "Ende", "Ihr Paket ist da."
        for text in (long, short):
            await bot.app.core.desk_inbox.accept(Line(text[:5], 1, "Mia", text))
        assert await settled(bot, long) == ("failed", "whatsapp_template_long")
        assert (await settled(bot, short))[0] in ("sent", "delivered")
        assert bot.app.texts.has("reason_whatsapp_template_long")


# --- files of customers


@pytest.fixture
async def elsewhere() -> AsyncIterator[tuple[str, list[str | None]]]:
    """Another host, and the credentials that it was shown."""
    shown: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        shown.append(request.headers.get("Authorization"))
        return web.Response(body=PNG, content_type="image/png")

    app = web.Application()
    app.router.add_get("/stored", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/stored", shown
    await runner.cleanup()


class Moved(dict[str, tuple[bytes, str]]):
    """Files that lie on another host."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def __getitem__(self, _name: str) -> tuple[bytes, str]:
        raise web.HTTPTemporaryRedirect(self.url)


async def test_credentials_do_not_follow_a_redirect(
    bot: RunningBot,
    anna: Customer,
    twilio: TwilioSimulator,
    elsewhere: tuple[str, list[str | None]],
) -> None:
    url, shown = elsewhere
    twilio.api._media = Moved(url)
    await anna.sends_file(PNG, "image/png", "bitte")
    await anna.receives()
    assert [a.error for a in bot.dialogue.asked[0].attachments] == [None]
    assert shown == [None]


@pytest.mark.parametrize(
    ("data", "content_type", "reason"),
    [
        (b"", "image/png", "file_empty"),
        (b"MZ\x90\0" + b"\0" * 64, "image/jpeg", "file_type"),
        (PNG + b"\0" * 1024 * 1024, "image/png", "file_too_big"),
    ],
)
async def test_a_file_that_is_not_taken_is_said(
    start: Any, anna: Customer, data: bytes, content_type: str, reason: str
) -> None:
    async with start(media_mb=1) as bot:
        await anna.sends_file(data, content_type, "bitte")
        await anna.receives()
        assert [a.error for a in bot.dialogue.asked[0].attachments] == [reason]


# --- files of ours


async def links(bot: RunningBot, anna: Customer, *contents: bytes) -> list[str]:
    """The links by which files went out to a customer."""
    put = bot.app.files.put_bytes
    made = [await put(data, name=f"{data[-1:].decode()}.pdf", owner="x") for data in contents]
    files = tuple(str(one.file) for one in made)
    bot.dialogue.replies["etikett"] = Answer((Say(text="", files=files),))
    await anna.says("etikett")
    return [(await anna.receives()).media[0].removeprefix(PUBLIC) for _ in files]


async def test_a_link_opens_its_own_file_only(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    one, two = await links(bot, anna, b"%PDF-1.4 one", b"%PDF-1.4 two!")
    token_one, token_two = (link.split("/")[3].rsplit(".", 2) for link in (one, two))
    mixed = [token_one[0], *token_two[1:]]
    longer = [token_two[0], "zzzzzz", token_two[2]]
    cut = [*token_one[:2], token_one[2][:-1]]
    forged = [".".join(parts) for parts in (mixed, longer, cut)]
    for token in (*forged, "ü.%00.x", "..%2F..%2Fsecret", ".", "x" * 5000):
        status, data, _ = await twilio.opens(f"{PUBLIC}/whatsapp/media/{token}/a.pdf")
        assert (status in (400, 404), b"%PDF" in data) == (True, False), token
    assert (await twilio.opens(PUBLIC + two))[:2] == (200, b"%PDF-1.4 two!")


async def test_a_link_answers_head_and_ranges_and_hides_nothing_behind_caches(
    bot: RunningBot, anna: Customer
) -> None:
    (link,) = await links(bot, anna, b"%PDF-1.4 one")
    async with aiohttp.ClientSession(bot.url) as session:
        async with session.head(link) as head:
            assert (head.status, head.headers["Content-Length"]) == (200, "12")
            assert head.headers["Content-Type"] == "application/pdf"
            assert "no-store" in head.headers["Cache-Control"]
            assert head.headers["X-Content-Type-Options"] == "nosniff"
        async with session.get(link, headers={"Range": "bytes=5-7"}) as part:
            assert (part.status, await part.read()) == (206, b"1.4")
        async with session.post(link) as refused:
            assert refused.status == 405


# --- what an agent reads


def words_of(reason: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ("whatsapp", "system"):
        responses = yaml.safe_load(Path(f"nlu/domain/{name}.yml").read_text("utf-8"))["responses"]
        for variant in responses.get(f"reason_{reason}", ()):
            found[variant["metadata"]["language"]] = variant["text"]
    return found


CODES = {
    63016: ("Antwortfenster", "reply window"),
    63003: ("nicht bei WhatsApp", "not on WhatsApp"),
    63024: ("nicht bei WhatsApp", "not on WhatsApp"),
    21610: ("abbestellt", "unsubscribed"),
    21211: ("Telefonnummer", "phone number"),
    63014: ("blockiert", "blocked"),
    63015: ("Sandbox", "sandbox"),
    63017: ("viele Nachrichten", "many messages"),
    63038: ("Tag", "day"),
}


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_a_sentence_in_both_languages(code: int) -> None:
    words = words_of(reason_of(code))
    german, english = CODES[code]
    assert german in words["de"]
    assert english in words["en"]


@pytest.mark.parametrize("code", [63012, 63018])
def test_no_sentence_promises_a_repeat_that_a_late_failure_does_not_get(code: int) -> None:
    form = {"MessageSid": sid("SM"), "MessageStatus": "undelivered", "ErrorCode": str(code)}
    receipt = wire.parse_status(form)
    assert receipt is not None
    words = words_of(str(receipt.reason))
    assert "weiter versucht" not in words["de"]
    assert "tried again" not in words["en"]


# --- long texts


LONG = (
    "Das Paket (z. B. Nr. 100234) kommt ca. um 10 Uhr, d. h. am 3. Dezember. "
    "Frau Dr. Müller-Lüdenscheidt nimmt es an! 👩‍👩‍👧‍👦🇩🇪 Passt das?\n\n"
)


@pytest.mark.parametrize(
    "text", [LONG * 40, "😀" * 3300, "Donaudampf" * 400, "a " * 1600, ("x" * 1599 + "😀 ") * 2]
)
async def test_no_word_of_a_long_text_is_lost(bot: RunningBot, anna: Customer, text: str) -> None:
    bot.dialogue.replies["lang"] = Answer((Say(text=text),))
    await anna.says("lang")
    rows = await bot.until("SELECT text FROM outbox WHERE op = 'send' ORDER BY seq")
    parts = [(await anna.receives()).text for _ in rows]
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(0 < len(part.encode("utf-16-le")) // 2 <= 1600 for part in parts)


# --- errors of another shape, and logs


async def test_an_error_in_the_newer_format_is_a_refusal(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 9457, which the SDK raises as another class."""

    def refuses(_form: object) -> None:
        problem = {"type": "about:blank", "title": "Bad", "status": 400, "code": 21610}
        raise web.HTTPBadRequest(text=json.dumps(problem), content_type="application/problem+json")

    monkeypatch.setattr(twilio.api, "_take", refuses)
    await anna.says("Hallo")
    assert await settled(bot, "echo: Hallo") == ("failed", "whatsapp_opted_out")
    assert created(twilio) == 1


@pytest.mark.parametrize(
    "fault", ["refused", "broken", "cut_before", "cut_after", "webhooks", "media"]
)
async def test_logs_hold_no_number_no_words_and_no_token(
    bot: RunningBot,
    anna: Customer,
    twilio: TwilioSimulator,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    monkeypatch.setattr(channel_module.WhatsAppChannel, "settles_after", timedelta(0))
    caplog.set_level(logging.DEBUG)
    if fault == "webhooks":
        await twilio.calls(anna.form(sid("SM"), {"Body": "Geheimnis"}), signature="falsch")
        await twilio.calls(anna.form("", {"Body": "Geheimnis"}))
    elif fault == "media":
        twilio.api.media_faults += [404]
    elif fault == "refused":
        twilio.faults.codes.append(21211)
    else:
        setattr(twilio.faults, fault, 1)
    await anna.sends_file(PNG, "image/png", "Geheimnis")
    await settled(bot, "echo: Geheimnis")
    logged = "\n".join(_everything(record) for record in caplog.records)
    assert logged
    secrets = (anna.number, anna.number[1:], "Geheimnis", twilio.auth_token)
    assert [one for one in secrets if one in logged] == []


def _everything(record: logging.LogRecord) -> str:
    said = [record.getMessage(), str(record.__dict__.get("args")), str(vars(record))]
    if record.exc_info and record.exc_info[1]:
        said.append(repr(record.exc_info[1]))
    return "\n".join(said)
