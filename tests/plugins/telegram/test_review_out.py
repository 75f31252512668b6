"""What a hostile tester tries on the way out: pace, refusals, odd texts and files, keyboards."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiogram.exceptions import (
    AiogramError,
    ClientDecodeError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramServerError,
)
from aiogram.methods import SendMessage

from bot.desk import Line, TakeOver
from bot.messages import Address, Answer, Attachment, Button, Outbound, Outcome, Say
from bot.ports import Reject, Retry, UnknownOutcome
from bot.testing import RunningBot
from plugins.telegram import outgoing
from plugins.telegram.api import failure
from plugins.telegram.pace import Pace
from plugins.telegram.testing import Customer, TelegramSimulator
from plugins.telegram.testing_shown import units
from tests.live.waiting import eventually

pytestmark = pytest.mark.slow

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (300).to_bytes(4, "big") * 2 + b"\0" * 64
WIDE = PNG[:16] + (4000).to_bytes(4, "big") + (100).to_bytes(4, "big") + b"\0" * 64
METHOD = SendMessage(chat_id=1, text="x")


async def settled(bot: RunningBot, text: str) -> tuple[str, str | None]:
    (row,) = await bot.until(
        "SELECT state, reason FROM outbox WHERE text = :text "
        "AND state NOT IN ('queued', 'sending')",
        text=text,
    )
    return row["state"], row["reason"]


async def taken_over(bot: RunningBot, anna: Customer) -> None:
    bot.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
    await anna.says("mensch")
    await anna.receives()
    assert (await bot.app.core.desk_inbox.accept(TakeOver("t", 1, "Mia"))).done
    await anna.receives()


async def line(bot: RunningBot, text: str) -> tuple[str, str | None]:
    result = await bot.app.core.desk_inbox.accept(Line(text, 1, "Mia", text))
    assert result.done
    await settled(bot, text)
    lines = await bot.app.core.desk_inbox.history(1)
    (shown,) = [one for one in lines if one.text == text]
    return str(shown.state), shown.reason


# --- pace


async def test_thirty_a_second_in_all(start: Any, telegram: TelegramSimulator) -> None:
    async with start(per_chat_seconds=1.0, burst_seconds=0.0):
        people = [telegram.customer(2000 + number) for number in range(75)]
        await asyncio.gather(*(one.says("Hallo") for one in people))
        await asyncio.gather(*(one.receives(20) for one in people))
    times = sorted(at for at, _ in telegram.api.sends)
    most = max(sum(first <= at < first + 1.0 for at in times) for first in times)
    assert most <= 36  # as many more as come late by a busy machine
    assert times[-1] - times[0] < 15


async def test_one_a_second_to_a_chat(start: Any, anna: Customer, telegram: Any) -> None:
    async with start(per_chat_seconds=1.0) as bot:
        bot.dialogue.replies["Hallo"] = Answer(tuple(Say(text=f"{n}") for n in range(4)))
        await anna.says("Hallo")
        assert [(await anna.receives()).text for _ in range(4)] == ["0", "1", "2", "3"]
    times = [at for at, _ in telegram.api.sends]
    assert all(later - one >= 0.98 for one, later in pairwise(times))


async def test_a_pause_for_a_chat_holds_up_that_chat(
    bot: RunningBot, anna: Customer, telegram: TelegramSimulator
) -> None:
    ben = telegram.customer(1002, "Ben")
    telegram.faults.too_many, telegram.faults.retry_after = 1, 3
    await anna.says("Hallo")
    await eventually(lambda: telegram.faults.too_many == 0, 5)
    begun = time.monotonic()
    await ben.says("Hallo")
    await ben.receives()
    assert time.monotonic() - begun < 2.5
    await anna.receives()
    assert time.monotonic() - begun > 1.0
    assert telegram.api.too_early == []


async def test_nothing_is_asked_of_a_chat_while_it_must_pause(
    bot: RunningBot, anna: Customer, telegram: TelegramSimulator
) -> None:
    telegram.faults.too_many, telegram.faults.retry_after = 1, 3
    await anna.says("Hallo")
    await eventually(lambda: telegram.faults.too_many == 0, 5)
    before = len(typed(telegram))
    await anna.says("Bist du da?")
    await asyncio.sleep(1.0)
    assert len(typed(telegram)) == before
    await anna.receives()
    await anna.receives()


def typed(telegram: TelegramSimulator) -> list[str]:
    return [method for method, _ in telegram.api.requests if method == "sendChatAction"]


async def test_typing_while_the_dialogue_thinks(
    bot: RunningBot, anna: Customer, telegram: TelegramSimulator
) -> None:
    async def slowly(_turn: object) -> Answer:
        await asyncio.sleep(0.3)
        return Answer((Say(text="so"),))

    bot.dialogue.replies["Hallo"] = slowly
    await anna.says("Hallo")
    await anna.receives()
    assert typed(telegram) == ["sendChatAction"]
    await asyncio.sleep(4.2)
    assert typed(telegram) == ["sendChatAction"]


async def test_two_paused_chats_mean_the_bot() -> None:
    pace = Pace(30, 0)
    pace.pause("1", 5)
    await pace.turn("3")
    pace.pause("2", 9)
    with pytest.raises(Retry) as retry:
        await pace.turn("3")
    assert 8 < (retry.value.after or 0) <= 9


# --- refusals


async def test_a_customer_who_blocked_the_bot(bot: RunningBot, anna: Customer) -> None:
    await taken_over(bot, anna)
    anna.blocks()
    assert await line(bot, "Ihr Paket ist da") == ("failed", "telegram_blocked")


@pytest.mark.parametrize(
    ("code", "said", "reason"),
    [
        (400, "Bad Request: chat not found", "telegram_gone"),
        (400, "Bad Request: PEER_ID_INVALID", "telegram_gone"),
        (400, "Bad Request: message is too long", "telegram_too_long"),
        (400, "Bad Request: can't parse entities: can't find end", "telegram_refused"),
        (400, "Bad Request: not enough rights to send text messages", "telegram_group"),
        (400, "Bad Request: have no rights to send a message", "telegram_group"),
        (400, "Bad Request: CHAT_WRITE_FORBIDDEN", "telegram_group"),
        (400, "Bad Request: group chat was upgraded to a supergroup chat", "telegram_group"),
        (400, "Bad Request: something new", "telegram_refused"),
        (403, "Forbidden: user is deactivated", "telegram_gone"),
        (403, "Forbidden: bot was kicked from the supergroup chat", "telegram_group"),
        (403, "Forbidden: bot can't initiate conversation with a user", "telegram_not_started"),
        (403, "Forbidden: something new", "telegram_refused"),
    ],
)
def test_what_telegram_refuses_for_good(code: int, said: str, reason: str) -> None:
    kind = TelegramBadRequest if code == 400 else TelegramForbiddenError
    found = failure(kind(METHOD, said))
    assert isinstance(found, Reject)
    assert found.reason == reason
    assert words(reason) == {"de", "en"}


def words(reason: str) -> set[str]:
    texts: dict[str, Any] = {}
    for path in Path("nlu/domain").glob("*.yml"):
        texts |= yaml.safe_load(path.read_text("utf-8")).get("responses") or {}
    return {one["metadata"]["language"] for one in texts[f"reason_{reason}"]}


def _caused(cause: Exception) -> AiogramError:
    error = TelegramNetworkError(METHOD, "x")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (_caused(TimeoutError()), UnknownOutcome),
        (_caused(aiohttp.ServerDisconnectedError()), UnknownOutcome),
        (_caused(aiohttp.ClientPayloadError()), UnknownOutcome),
        (_caused(aiohttp.ConnectionTimeoutError()), Retry),
        (TelegramServerError(METHOD, "Bad Gateway"), UnknownOutcome),
        (TelegramServerError(METHOD, "Gateway Timeout"), UnknownOutcome),
        (TelegramServerError(METHOD, "Internal Server Error"), Retry),
        (ClientDecodeError("x", ValueError(), "<html>"), UnknownOutcome),
        (TelegramMigrateToChat(METHOD, "upgraded to a supergroup chat", -100), Reject),
    ],
)
def test_what_became_of_a_send(error: AiogramError, kind: type[Exception]) -> None:
    assert isinstance(failure(error), kind)


@pytest.mark.parametrize("fault", ["cut_after", "gateway"])
async def test_a_send_of_unknown_outcome_is_shown(
    bot: RunningBot, anna: Customer, telegram: TelegramSimulator, fault: str
) -> None:
    await taken_over(bot, anna)
    setattr(telegram.faults, fault, 1)
    assert await line(bot, "Ihr Paket ist da") == ("unknown", "unknown")
    assert (await anna.receives()).text == "Ihr Paket ist da"
    await anna.receives_nothing(1.5)


# --- texts and buttons


@pytest.mark.parametrize(
    "text",
    ["😀" * 5000, "x" * 9000, "<b>fett</b> *und* _so_ [a](b) `c` \\ & " * 400, "Ein Satz. " * 900],
    ids=["emoji", "no blanks", "markup", "sentences"],
)
async def test_long_texts_arrive_whole_and_in_order(
    bot: RunningBot, anna: Customer, text: str
) -> None:
    bot.dialogue.replies["Hallo"] = Answer((Say(text=text), Say(text="Ende")))
    await anna.says("Hallo")
    parts: list[str] = []
    while (shown := await anna.receives()).text != "Ende":
        parts.append(shown.text)
    assert all(1 <= units(part) <= 4096 for part in parts)
    assert "".join(parts).replace(" ", "") == text.replace(" ", "")
    if " " in text:
        assert all(f" {part.split()[-1]} " in f" {text} " for part in parts)


async def test_buttons_within_telegrams_limits(bot: RunningBot, anna: Customer) -> None:
    buttons = tuple(Button("Ü" * 40, "/affirm" + f'{{"n": "{n}{"x" * 200}"}}') for n in range(8))
    bot.dialogue.replies["acht"] = Answer((Say(text="Welches?", buttons=buttons),))
    nine = (*buttons, Button("neun", "/deny"))
    bot.dialogue.replies["neun"] = Answer((Say(text="Welches?", buttons=nine),))
    await anna.says("acht")
    shown = await anna.receives()
    assert len(shown.buttons) == 8
    assert all(len(data.encode()) <= 64 for data in shown.data)
    await anna.asks(shown, shown.data[7])
    await anna.receives()
    assert bot.dialogue.asked[-1].payload == buttons[7].payload
    await anna.says("neun")
    assert (await anna.receives()).buttons == ()
    await anna.says("9")
    await anna.receives()
    assert bot.dialogue.asked[-1].payload == "/deny"


async def test_the_keyboard_for_the_number_does_not_stay(bot: RunningBot, anna: Customer) -> None:
    # It covers half of a phone's screen; whoever writes the postcode never presses it.
    bot.dialogue.replies["wo"] = Answer((Say("utter_ask_proof"),), Outcome.ASK)
    yes = Button("button_yes", "/affirm")
    bot.dialogue.replies["12345"] = Answer((Say(text="Dies?", buttons=(yes,)),))
    await anna.says("wo")
    assert len((await anna.receives()).keyboard) == 1
    await anna.says("12345")
    assert len((await anna.receives()).buttons) == 1
    await anna.says("gut")
    assert (await anna.receives()).keyboard_removed
    await anna.says("schön")
    assert not (await anna.receives()).keyboard_removed


# --- files


async def sent_file(bot: RunningBot, anna: Customer, data: bytes, name: str) -> Any:
    kept = await bot.app.files.put_bytes(data, name=name, owner="test")
    bot.dialogue.replies["Etikett"] = Answer((Say(files=(kept.file or "",)),))
    await anna.says("Etikett")
    return await anna.receives()


@pytest.mark.parametrize(
    ("data", "kind"), [(PNG, "photo"), (WIDE, "document"), (b"%PDF-1.4 x", "document")]
)
async def test_pictures_are_shown_and_other_files_sent(
    bot: RunningBot, anna: Customer, data: bytes, kind: str
) -> None:
    shown = await sent_file(bot, anna, data, 'Rück"sende;\\etikett\r\n😀.pdf')
    assert (shown.kind, shown.file) == (kind, data)
    if kind == "document":
        assert shown.name.endswith(".pdf")
        assert "etikett" in shown.name


async def test_an_upload_may_take_longer_than_a_text(
    start: Any, anna: Customer, telegram: TelegramSimulator
) -> None:
    async with start(timeout=1) as bot:
        telegram.faults.slow = 1.5
        assert (await sent_file(bot, anna, b"%PDF-1.4 x", "etikett.pdf")).kind == "document"
        (row,) = await bot.until("SELECT state, attempts FROM outbox WHERE state <> 'sending'")
        assert (row["state"], row["attempts"]) == ("sent", 0)


@dataclass
class OneFile:
    """Files with one of this size."""

    where: Path

    def path(self, _file: str) -> Path | None:
        return self.where if self.where.exists() else None


def test_a_file_over_fifty_megabytes_is_not_tried(tmp_path: Path) -> None:
    path = tmp_path / "film"
    with path.open("wb") as stream:
        stream.truncate(50 * 1024 * 1024 + 1)
    file = Attachment("film.mp4", "video/mp4", path.stat().st_size, "film")
    out = Outbound("1", Address("telegram", "1"), "", attachments=(file,))
    with pytest.raises(Reject) as refused:
        outgoing.file_message(out, OneFile(path), as_photo=False)  # type: ignore[arg-type]
    assert refused.value.reason == "file_too_big"
    path.unlink()
    with pytest.raises(Reject) as refused:
        outgoing.file_message(out, OneFile(path), as_photo=False)  # type: ignore[arg-type]
    assert refused.value.reason == "file_gone"


async def test_a_file_over_twenty_megabytes_is_told(bot: RunningBot, anna: Customer) -> None:
    await anna.sends_document(b"%PDF-1.4" + b"x" * (20 * 1024 * 1024), "a.pdf", "application/pdf")
    assert "Datei" in (await anna.receives()).text
    (row,) = await bot.rows("SELECT attachments FROM inbox")
    assert "file_too_big" in row["attachments"]
