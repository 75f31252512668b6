"""What a hostile tester tries on polls and calls: leases, conflicts, kills, secrets, silence."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner

from bot.store import StoreError
from bot.testing import RunningBot
from plugins.telegram import commands, ledger, poller
from plugins.telegram.endpoint import Endpoint
from plugins.telegram.intake import Intake
from plugins.telegram.online import online_problems
from plugins.telegram.settings import TelegramSettings
from plugins.telegram.testing import Customer, TelegramSimulator
from tests.live.waiting import eventually
from tests.plugins.telegram.conftest import PUBLIC, SECRET

pytestmark = pytest.mark.slow

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


async def ask(telegram: TelegramSimulator, method: str, **given: Any) -> tuple[int, Any]:
    """Ask the simulated API as another program would."""
    url = f"{telegram.url}/bot{telegram.token}/{method}"
    form = {key: one if isinstance(one, str) else json.dumps(one) for key, one in given.items()}
    async with aiohttp.ClientSession() as session, session.post(url, data=form) as answer:
        return answer.status, await answer.json()


async def health(bot: RunningBot) -> Mapping[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"{bot.url}/health") as answer:
        (line,) = (one for one in (await answer.json())["checks"] if one["name"] == "telegram")
    found: Mapping[str, Any] = line
    return found


async def until_red(bot: RunningBot) -> str:
    async with asyncio.timeout(15):
        while (line := await health(bot))["ok"]:  # noqa: ASYNC110 - it is asked for over HTTP
            await asyncio.sleep(0.05)
    return str(line["detail"])


# --- the lease and the offset


async def test_one_holds_the_lease(bot: RunningBot) -> None:
    write = bot.app.store.write
    later = NOW + timedelta(seconds=46)
    assert await write(lambda tx: ledger.claim(tx, 1, "a", NOW, 45))
    assert await write(lambda tx: ledger.claim(tx, 1, "a", NOW, 45))
    assert not await write(lambda tx: ledger.claim(tx, 1, "b", NOW, 45))
    assert await write(lambda tx: ledger.claim(tx, 2, "b", NOW, 45))
    assert await write(lambda tx: ledger.claim(tx, 1, "b", later, 45))
    with pytest.raises(ledger.LeaseLost):
        await write(lambda tx: ledger.advance(tx, 1, "a", 5, later))
    await write(lambda tx: ledger.release(tx, 1, "a"))
    assert not await write(lambda tx: ledger.claim(tx, 1, "a", later, 45))
    await write(lambda tx: ledger.release(tx, 1, "b"))
    assert await write(lambda tx: ledger.claim(tx, 1, "a", later, 45))


async def test_an_offset_of_last_week_is_not_used(bot: RunningBot) -> None:
    # Telegram: after a week without updates their numbers begin anew, at random.
    write, read = bot.app.store.write, bot.app.store.read
    await write(lambda tx: ledger.claim(tx, 1, "a", NOW, 45))
    assert await read(lambda tx: ledger.offset(tx, 1, NOW)) is None
    await write(lambda tx: ledger.advance(tx, 1, "a", 7, NOW))
    assert await read(lambda tx: ledger.offset(tx, 1, NOW + timedelta(days=5))) == 7
    assert await read(lambda tx: ledger.offset(tx, 1, NOW + timedelta(days=7))) is None


async def test_a_killed_bot_polls_again_at_once(
    start: Any, anna: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a kill leaves behind: a lease that nobody gave back, for 45 seconds by default.
    async def killed(_self: object) -> None: ...

    monkeypatch.setattr(poller.Poller, "_release", killed)
    async with start(poll_seconds=25) as bot:
        await anna.says("Hallo")
        await anna.receives()
        del bot
    async with start(poll_seconds=25):
        await anna.says("Guten Tag")
        assert (await anna.receives(5)).text == "echo: Guten Tag"


async def test_a_kill_between_the_poll_and_the_commit_loses_nothing(
    start: Any, anna: Customer, telegram: TelegramSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start() as bot:
        reached = asyncio.Event()

        async def stuck(*_given: object, **_more: object) -> None:
            reached.set()
            await asyncio.Event().wait()

        with monkeypatch.context() as patch:
            patch.setattr(Intake, "take", stuck)
            await anna.says("eins")
            await anna.says("zwei")
            await reached.wait()
            assert await bot.rows("SELECT * FROM inbox") == []
    async with start() as bot:
        assert (await anna.receives()).text == "echo: eins\nzwei"
        await eventually(lambda: telegram.updates.waiting() == 0, 5)
        assert len(await bot.rows("SELECT * FROM inbox")) == 2


async def test_a_full_disk_holds_up_and_loses_nothing(
    bot: RunningBot, anna: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = 0

    async def full(*_messages: object, **_more: object) -> list[bool]:
        nonlocal failed
        failed += 1
        raise StoreError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(bot.app.core.inbox, "accept", full)
        await anna.says("Hallo")
        await eventually(lambda: failed >= 2, 10)
        assert "cannot be kept" in (await health(bot))["detail"]
    assert (await anna.receives()).text == "echo: Hallo"


async def test_more_than_a_hundred_updates_come_in_turn(
    start: Any, telegram: TelegramSimulator
) -> None:
    people = [telegram.customer(3000 + number) for number in range(130)]
    telegram.updates.held = True
    async with start(per_second=1000.0):
        for one in people:
            await one.says("Hallo")
        telegram.updates.release()
        await asyncio.gather(*(one.receives(20) for one in people))
    assert [len(one.messages) for one in people] == [1] * 130


# --- others with the same token


async def test_another_poller_is_named(bot: RunningBot, telegram: TelegramSimulator) -> None:
    await asyncio.sleep(0.5)
    other = asyncio.create_task(ask(telegram, "getUpdates", timeout=5))
    detail = await until_red(bot)
    assert "another program polls with the same token" in detail
    other.cancel()
    await asyncio.gather(other, return_exceptions=True)


async def test_the_webhook_of_another_is_named_and_removed_by_hand(
    bot: RunningBot, anna: Customer, telegram: TelegramSimulator
) -> None:
    await asyncio.sleep(0.5)
    await ask(telegram, "setWebhook", url="https://other.example/hook")
    assert "bot telegram unhook" in await until_red(bot)
    settings = TelegramSettings.model_validate(telegram.settings())
    (problem,) = await online_problems(settings, PUBLIC)
    assert "bot telegram unhook" in problem.fix
    group = commands.telegram_commands(settings)
    result = await asyncio.to_thread(CliRunner().invoke, group, ["unhook"])
    assert "removed" in result.output
    assert telegram.updates.hook == ""


async def test_the_own_webhook_is_removed_although_telegram_stumbles(
    start: Any, anna: Customer, telegram: TelegramSimulator
) -> None:
    await ask(telegram, "setWebhook", url=f"{PUBLIC}/telegram/updates")
    telegram.faults.infos.append((500, "Internal Server Error"))
    async with start():
        await anna.says("Hallo")
        assert (await anna.receives()).text == "echo: Hallo"
    assert telegram.updates.hook == ""


async def test_a_refused_token_is_said_at_once(start: Any, telegram: TelegramSimulator) -> None:
    async with start() as bot:
        telegram.becomes_another_bot()
        assert "SCHALTER_TELEGRAM_TOKEN" in await until_red(bot)


async def test_telegrams_pause_for_polls_is_kept(
    bot: RunningBot, anna: Customer, telegram: TelegramSimulator
) -> None:
    telegram.faults.poll.append((429, "Too Many Requests: retry after 2"))
    await eventually(lambda: not telegram.faults.poll, 5)
    await anna.says("Hallo")
    begun = time.monotonic()
    await anna.receives()
    assert time.monotonic() - begun > 1.0


# --- the webhook


async def post(url: str, body: Any, headers: dict[str, str]) -> int:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=data, headers=headers) as answer,
    ):
        return answer.status


@pytest.mark.parametrize(
    "secret", [None, "", SECRET[:-1], SECRET + "x", SECRET.upper(), "ü", f" {SECRET}x"]
)
async def test_a_call_without_the_secret_is_refused(
    start: Any, anna: Customer, telegram: TelegramSimulator, secret: str | None
) -> None:
    async with start(mode="webhook") as bot:
        update = {"update_id": 1, "message": {"text": "x"}}
        headers = {} if secret is None else {"X-Telegram-Bot-Api-Secret-Token": secret}
        assert await post(f"{bot.url}/telegram/updates", update, headers) == 403
        assert await bot.rows("SELECT * FROM inbox") == []


async def test_the_webhook_takes_what_comes(
    start: Any, anna: Customer, telegram: TelegramSimulator
) -> None:
    async with start(mode="webhook") as bot:
        await eventually(lambda: bool(telegram.updates.hook), 10)
        said = await anna.says("Hallo")
        assert (await anna.receives()).text == "echo: Hallo"
        assert await telegram.calls(said) == 204
        await anna.receives_nothing()
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        for body in (b"", b"[" * 100_000, b"\xff", b"null", [], {"update_id": "1"}, {"a": 1}):
            assert await post(f"{bot.url}/telegram/updates", body, headers) == 400, body
        assert await post(f"{bot.url}/telegram/updates", b"x" * 300_000, headers) == 413


async def test_a_webhook_that_telegram_refuses_is_said(start: Any) -> None:
    async with start(mode="webhook", public_url="https://bot.shop.example:9000") as bot:
        detail = await until_red(bot)
    assert "refuses https://bot.shop.example:9000/telegram/updates" in detail
    assert "only on ports" in detail


async def test_a_webhook_that_cannot_be_called_is_said(
    start: Any, anna: Customer, telegram: TelegramSimulator
) -> None:
    async with start(mode="webhook", quiet_seconds=1.5, poll_seconds=1) as bot:
        await eventually(lambda: bool(telegram.updates.hook), 10)
        telegram.updates.secret = "of-another-program"
        await anna.says("Hallo")
        assert "Wrong response from the webhook: 403" in await until_red(bot)


async def test_there_is_no_webhook_while_the_bot_polls(bot: RunningBot) -> None:
    headers = {"X-Telegram-Bot-Api-Secret-Token": ""}
    assert await post(f"{bot.url}/telegram/updates", {"update_id": 1}, headers) == 404


async def test_a_call_while_the_bot_stops_is_put_off(
    start: Any, anna: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Endpoint] = []
    whole = Endpoint.__init__

    def noted(self: Endpoint, secret: str) -> None:
        seen.append(self)
        whole(self, secret)

    monkeypatch.setattr(Endpoint, "__init__", noted)
    async with start(mode="webhook"):
        await eventually(lambda: seen[0].me is not None, 10)
    assert seen[0].intake is None


# --- silence


@pytest.mark.parametrize("ends", [True, False], ids=["ends", "hangs"])
async def test_a_poller_that_stops_turns_health_red(
    start: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    async def stopped(_self: object) -> None:
        if not ends:
            await asyncio.Event().wait()

    monkeypatch.setattr(poller.Poller, "run", stopped)
    async with start(quiet_seconds=1.5) as bot:
        assert "nothing heard from Telegram" in await until_red(bot)
        await asyncio.sleep(1.2)
    assert len([one for one in caplog.records if "nothing heard" in one.getMessage()]) == 1


async def test_logs_hold_neither_token_nor_words(
    start: Any, anna: Customer, telegram: TelegramSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with start() as bot:
        telegram.faults.cut_before, telegram.faults.broken = 1, 1
        telegram.faults.poll.extend([(500, "x"), (409, "Conflict: terminated")])
        await anna.says("Geheimnis")
        await anna.sends(
            {"photo": [{"file_id": "x", "file_unique_id": "x", "width": 1, "height": 1}]}
        )
        await bot.until("SELECT 1 FROM inbox WHERE text = 'Geheimnis'", 30)
        await asyncio.sleep(2)
    shown = "".join(f"{vars(record)}{record.exc_text or ''}" for record in caplog.records)
    assert telegram.token.partition(":")[2] not in shown
    assert "Geheimnis" not in shown


# --- the simulator is no kinder than Telegram


async def test_the_simulator_refuses_what_telegram_refuses(telegram: TelegramSimulator) -> None:
    anna = telegram.customer(1001)
    anna.started = True
    png = "x"
    row = [{"text": "a", "callback_data": "x" * 65}]
    for method, given, said in (
        ("sendMessage", {"text": "x"}, "chat_id"),
        ("sendMessage", {"chat_id": 1001}, "text"),
        ("sendMessage", {"chat_id": 1001, "text": " "}, "empty"),
        ("sendMessage", {"chat_id": 1001, "text": "😀" * 2049}, "too long"),
        ("sendMessage", {"chat_id": 1001, "text": "x", "colour": "red"}, "unknown"),
        ("sendMessage", {"chat_id": 9, "text": "x"}, "chat not found"),
        (
            "sendMessage",
            {"chat_id": 1001, "text": "x", "reply_markup": {"inline_keyboard": [row]}},
            "BUTTON_DATA_INVALID",
        ),
        (
            "sendMessage",
            {
                "chat_id": 1001,
                "text": "x",
                "reply_markup": {"inline_keyboard": [[{"text": "a", "url": "x"}]]},
            },
            "BUTTON_URL_INVALID",
        ),
        ("sendPhoto", {"chat_id": 1001, "photo": png}, "wrong file"),
        ("sendChatAction", {"chat_id": 1001, "action": "dancing"}, "wrong parameter action"),
        ("answerCallbackQuery", {"callback_query_id": "1"}, "too old"),
        ("getUpdates", {"limit": 101}, "limit"),
        ("setWebhook", {"url": "https://x.example:9000/"}, "ports"),
        ("setWebhook", {"url": "http://x.example/"}, "HTTPS"),
        ("setWebhook", {"url": "https://x.example/", "secret_token": "ü"}, "unallowed"),
        ("setMyCommands", {"commands": [{"command": "A", "description": "x"}]}, "COMMAND"),
        ("getFile", {"file_id": "x"}, "wrong file_id"),
    ):
        status, body = await ask(telegram, method, **given)
        assert (status, body["ok"]) == (400, False), (method, given)
        assert said in body["description"], body
    assert (await ask(telegram, "sendFax"))[0] == 404


async def test_the_simulators_offset_and_memory_are_telegrams(telegram: TelegramSimulator) -> None:
    anna = telegram.customer(1001)
    numbers = [(await anna.says(f"{n}"))["update_id"] for n in range(5)]

    async def poll(**given: Any) -> list[int]:
        status, body = await ask(telegram, "getUpdates", **given)
        assert status == 200
        return [update["update_id"] for update in body["result"]]

    assert await poll(limit=2) == numbers[:2]
    assert await poll() == numbers
    assert await poll(offset=numbers[2]) == numbers[2:]
    assert await poll() == numbers[2:]
    assert await poll(offset=-1) == numbers[4:]
    assert await poll() == numbers[4:]
    telegram.updates.later = 25 * 3600
    assert await poll() == []
    waiting = asyncio.create_task(ask(telegram, "getUpdates", timeout=5))
    await asyncio.sleep(0.1)
    await ask(telegram, "setWebhook", url="https://x.example/")
    assert (await waiting)[0] == 409
    assert (await ask(telegram, "getUpdates"))[0] == 409
    await ask(telegram, "setWebhook", url="")
    assert (await ask(telegram, "getUpdates"))[0] == 200


def test_settings_that_cannot_work(tmp_path: Path) -> None:
    good: dict[str, Any] = {"token": "1:" + "x" * 30}
    TelegramSettings.model_validate(good)
    for more in (
        {"token": "abc"},
        {"mode": "webhook"},
        {"mode": "webhook", "webhook_secret": "short"},
        {"mode": "webhook", "webhook_secret": "with spaces and more"},
        {"poll_seconds": 50, "quiet_seconds": 60.0},
        {"start": {"a_b": {"payload": "/x"}}},
        {"unknown": 1},
    ):
        with pytest.raises(ValueError, match=r".+"):
            TelegramSettings.model_validate({**good, **more})
