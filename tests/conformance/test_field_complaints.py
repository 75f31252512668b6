"""What users of other bot frameworks complain about, each as a test named after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bot.desk import Line
from bot.messages import Answer, Say, Turn
from bot.store.codec import new_id
from bot.testing import RunningBot, running_bot
from bot.testing.conformance import Fault, Harness, Taken
from bot.testing.conformance_bot import HANDOFF
from bot.testing.conformance_in import PICTURE
from bot.testing.conformance_scene import Scene, playing
from plugins.telegram.testing import TelegramSimulator
from plugins.telegram.testing_conformance import TelegramHarness, TelegramWebhookHarness
from plugins.whatsapp.testing import sid
from plugins.whatsapp.testing_conformance import PUBLIC, Phone, WhatsAppHarness
from plugins.whatsapp.webhooks import MESSAGES

HARNESSES = [WhatsAppHarness, TelegramHarness, TelegramWebhookHarness]
EVERY = pytest.mark.parametrize("harness", HARNESSES, ids=lambda harness: harness.__name__)
REPORTS_LATER = pytest.mark.parametrize(
    "harness", [one for one in HARNESSES if Fault.FAILS_LATER in one.faults]
)
Made = type[Harness]


@asynccontextmanager
async def whatsapp(folder: Path) -> AsyncIterator[tuple[Scene, Phone]]:
    async with playing(WhatsAppHarness(), folder) as now:
        assert isinstance(now.wire, Phone)
        yield now, now.wire


async def line_of(now: Scene, text: str) -> str:
    """An agent takes over if none has, and writes; the row."""
    rows = await now.bot.rows("SELECT id FROM cases WHERE state = 'taken'")
    if not rows:
        await now.says(HANDOFF)
    case = rows[0]["id"] if rows else await now.bot.taken_over()
    await now.bot.settled()
    result = await now.bot.core.desk_inbox.accept(Line(new_id(), case, "Jana Berg", text))
    assert result.done
    return str(result.line)


async def marked(now: Scene, line: str) -> tuple[str, str | None]:
    """What became of a line, and that the desk shows the same."""
    await now.bot.settled(30)
    (row,) = await now.bot.rows(
        "SELECT state, reason FROM outbox WHERE id = :id", id=line.removeprefix("out:")
    )
    assert now.bot.desk.states[line] == row["state"]
    return row["state"], row["reason"]


@REPORTS_LATER
async def test_accepted_but_never_shown(harness: Made, tmp_path: Path) -> None:
    # The vendor takes the message and drops it later: the agent sees it failed, and why.
    async with playing(harness(), tmp_path) as now:
        await line_of(now, "Guten Tag")
        await now.bot.settled()
        now.wire.fail(Fault.FAILS_LATER)
        line = await line_of(now, "Ihr Paket ist da")
        await now.bot.until(
            "SELECT 1 FROM outbox WHERE text = 'Ihr Paket ist da' AND state = 'failed'"
        )
        state, reason = await marked(now, line)
        assert (state, bool(reason)) == ("failed", True)
        assert "Ihr Paket ist da" not in [one.text for one in await now.wire.seen()]


@EVERY
async def test_double_answers_after_a_vendors_retry(harness: Made, tmp_path: Path) -> None:
    # A slow turn: the vendor gives up waiting and brings the same message again and again.
    async with playing(harness(), tmp_path) as now:
        thinking = asyncio.Event()

        async def slowly(turn: Turn) -> Answer:
            await thinking.wait()
            return Answer((Say(text=f"echo: {turn.text}"),))

        now.bot.dialogue.replies["Wo ist mein Paket?"] = slowly
        update = await now.says("Wo ist mein Paket?")
        await now.bot.until("SELECT 1 FROM turns")
        for _ in range(5):
            assert await update.bring() is Taken.ACCEPTED
        thinking.set()
        assert await now.all_seen() == ["echo: Wo ist mein Paket?"]
        assert await update.bring() is Taken.ACCEPTED  # and once more when it was answered
        assert await now.all_seen() == ["echo: Wo ist mein Paket?"]


@EVERY
async def test_messages_that_arrive_while_a_turn_runs_are_dropped(
    harness: Made, tmp_path: Path
) -> None:
    async with playing(harness(), tmp_path) as now:
        thinking = asyncio.Event()

        async def slowly(_turn: Turn) -> Answer:
            await thinking.wait()
            return Answer((Say(text="echo: eins"),))

        now.bot.dialogue.replies["eins"] = slowly
        await now.says("eins")
        await now.bot.until("SELECT 1 FROM turns")
        for word in ("zwei", "drei"):
            await now.says(word)
        thinking.set()
        assert await now.all_seen() == ["echo: eins", "echo: zwei\ndrei"]


@EVERY
async def test_several_short_messages_get_several_wrong_answers(
    harness: Made, tmp_path: Path
) -> None:
    async with playing(harness(), tmp_path) as now:
        for text in ("Hallo", "ich wollte fragen", "wo mein Paket ist"):
            now.brings(now.wire.text(text))
            await asyncio.sleep(0)
        await now.bot.until("SELECT 1 FROM turns")
        await now.all_seen()
        (turn,) = now.bot.dialogue.asked
        assert set(turn.text.split("\n")) == {"Hallo", "ich wollte fragen", "wo mein Paket ist"}
        assert len(await now.all_seen()) == 1


@EVERY
async def test_attachments_that_vanish_silently(harness: Made, tmp_path: Path) -> None:
    # One that cannot be had is told to the customer; what was written beside it is answered.
    async with playing(harness(), tmp_path) as now:
        limit = now.bot.channel.features.attachment_limit
        await now.does(now.wire.file(PICTURE + b"\0" * limit, "film.png", "So kam es an"))
        refusal, answer = await now.all_seen()
        assert answer == "echo: So kam es an"
        assert "Datei" in refusal
        file = await now.bot.files.put_bytes(PICTURE, name="etikett.png", owner="test")
        now.bot.dialogue.replies["Etikett"] = Answer(
            (Say(text="Hier ist es", files=(file.file or "",)),)
        )
        now.wire.fail(Fault.REJECTED)  # the words are rejected: the file must not go out alone
        await now.says("Etikett")
        await now.bot.settled(30)
        rows = (await now.bot.sent())[-2:]
        assert [row["state"] for row in rows] == ["failed", "failed"]
        assert all(row["reason"] for row in rows)


async def test_text_outside_the_window_that_looks_sent(tmp_path: Path) -> None:
    # After a day there is no free text: the line is refused here, with the reason, and not sent.
    async with whatsapp(tmp_path) as (now, phone):
        await line_of(now, "Guten Tag")
        await now.bot.settled()
        await now.bot.store.write(lambda tx: tx.run(_YESTERDAY))
        asked = len(phone.twilio.api.messages)
        line = await line_of(now, "Ihr Paket ist da")
        assert await marked(now, line) == ("failed", "window_closed")
        assert len(phone.twilio.api.messages) == asked


_YESTERDAY = "UPDATE conversations SET last_in_at = '2020-01-01T00:00:00.000000+00:00'"


@EVERY
async def test_failed_sends_nobody_sees(harness: Made, tmp_path: Path) -> None:
    # Without a case too: they are counted, listed, and have a reason.
    async with playing(harness(), tmp_path) as now:
        now.wire.fail(Fault.REJECTED)
        await now.says("Hallo")
        await now.bot.settled(30)
        (row,) = await now.bot.sent()
        assert row["state"] == "failed"
        assert row["reason"]
        text = now.bot.core.inbox.texts
        assert text.has(f"reason_{row['reason']}"), row["reason"]
        # With one, the agent who wrote sees it turn red.
        await line_of(now, "Guten Tag")
        await now.bot.settled()
        now.wire.fail(Fault.REJECTED)
        state, reason = await marked(now, await line_of(now, "Ihr Paket ist da"))
        assert (state, reason) == ("failed", row["reason"])


@pytest.mark.parametrize(
    "proxy",
    [
        {"Host": "10.0.0.7:8080"},
        {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "inner.example"},
        {"Forwarded": "for=10.0.0.7;proto=http;host=inner.example"},
    ],
    ids=["host", "x-forwarded", "forwarded"],
)
async def test_signature_checks_broken_by_a_proxy(proxy: dict[str, str], tmp_path: Path) -> None:
    # The address that was configured is what was signed; what a proxy tells changes nothing.
    async with whatsapp(tmp_path) as (now, phone):
        form = phone.customer.form(sid("SM"), {"Body": "Hallo", "MessageType": "text"})
        phone.customer.wrote_at = phone.twilio.now()
        signed = phone.twilio._validator.compute_signature(f"{PUBLIC}{MESSAGES}", form)
        inner = phone.twilio._validator.compute_signature(f"http://inner.example{MESSAGES}", form)
        async with aiohttp.ClientSession() as session:
            for signature, status in ((inner, 403), (signed, 200)):
                headers = {**proxy, "X-Twilio-Signature": signature}
                url = f"{now.bot.url}{MESSAGES}"
                async with session.post(url, data=form, headers=headers) as answer:
                    assert answer.status == status
        await now.bot.until("SELECT 1 FROM turns")
        assert await now.all_seen() == ["echo: Hallo"]


@EVERY
async def test_sequences_of_outbound_messages_in_the_wrong_order(
    harness: Made, tmp_path: Path
) -> None:
    # Each send meets another fault; what comes after it waits for it.
    async with playing(harness(), tmp_path) as now:
        parts = [f"Teil {number}" for number in range(1, 7)]
        now.bot.dialogue.replies["Hallo"] = Answer(tuple(Say(text=part) for part in parts))
        now.wire.fail(Fault.TOO_MANY, 2)
        if now.bot.channel.features.unknown_send == "ask":
            now.wire.fail(Fault.CUT_AFTER, 1)
            now.wire.fail(Fault.CUT_BEFORE, 1)
        else:
            now.wire.fail(Fault.BROKEN, 1)
        await now.says("Hallo")
        await now.bot.settled(30)
        assert [one.text for one in await now.wire.seen()] == parts


async def test_a_poller_that_dies_silently(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # No successful poll for a while: /health turns red, and the log says so once.
    async with TelegramSimulator() as telegram:
        table = telegram.settings(quiet_seconds=2)
        token = {"SCHALTER_TELEGRAM_TOKEN": table.pop("token")}
        plugins = {"knowledge": {}, "web": {"announce": False}, "telegram": table}
        async with running_bot(tmp_path, plugins, environment=token) as bot:
            await until_healthy(bot, True)
            caplog.clear()
            telegram.faults.poll.extend([(500, "Internal Server Error")] * 1000)
            assert "nothing heard from Telegram" in await until_healthy(bot, False)
            await asyncio.sleep(1.2)
            told = [one for one in caplog.records if "nothing heard" in one.getMessage()]
            assert len(told) == 1
            telegram.faults.poll.clear()
            await until_healthy(bot, True)


async def until_healthy(bot: RunningBot, wanted: bool) -> str:
    """Look at /health until the poller is as wanted; what it says."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(20):
        while True:
            async with session.get(f"{bot.url}/health") as answer:
                lines = (await answer.json())["checks"]
            (line,) = (one for one in lines if one["name"] == "telegram")
            if line["ok"] is wanted:
                return str(line["detail"])
            await asyncio.sleep(0.05)
