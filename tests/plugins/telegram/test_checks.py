"""What `bot check` says about the channel, with and without asking Telegram."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from plugins.telegram.offline import offline_problems
from plugins.telegram.online import online_problems
from plugins.telegram.settings import TelegramSettings
from plugins.telegram.testing import TelegramSimulator
from tests.plugins.telegram.conftest import PUBLIC, SECRET

TABLE = "[plugins.telegram]\n"
TOKEN = f"SCHALTER_TELEGRAM_TOKEN=123456789:{'A' * 35}"


def check(folder: Path, settings: str, *more: str) -> str:
    file = folder / "schalter.toml"
    file.write_text(settings, "utf-8")
    (folder / ".env").write_text("\n".join(more), "utf-8")
    bot = Path(sys.executable).with_name("bot")
    command = [str(bot), "--config", str(file), "check", "--data", str(folder / "data")]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    return (done.stdout + done.stderr).decode()


def test_without_a_table_nothing_is_asked_for(tmp_path: Path) -> None:
    assert "telegram" not in check(tmp_path, "")


def test_what_is_missing_is_said_with_a_remedy(tmp_path: Path) -> None:
    assert "set SCHALTER_TELEGRAM_TOKEN in the environment" in check(tmp_path, TABLE)
    called = f'{TABLE}mode = "webhook"\n'
    assert "SCHALTER_TELEGRAM_WEBHOOK_SECRET" in check(tmp_path, called, TOKEN)
    secret = f"SCHALTER_TELEGRAM_WEBHOOK_SECRET={SECRET}"
    assert "set [bot] public_url" in check(tmp_path, called, TOKEN, secret)
    wrong = check(tmp_path, TABLE, "SCHALTER_TELEGRAM_TOKEN=hunter2secret")
    assert "BotFather" in wrong
    assert "hunter2secret" not in wrong


def test_a_token_in_the_file_is_refused(tmp_path: Path) -> None:
    found = check(tmp_path, f'{TABLE}token = "123456789:hunter2secret"\n')
    assert "a secret must not be in this file" in found
    assert "hunter2secret" not in found


@pytest.mark.parametrize(
    ("url", "problems"),
    [
        ("https://bot.example", 0),
        ("https://bot.example:8443", 0),
        ("https://bot.example:88/bot", 0),
        ("https://bot.example:9000", 1),
        ("https://bot.example:99999", 1),
        ("http://bot.example", 1),
        ("", 1),
    ],
)
def test_what_telegram_cannot_call(url: str, problems: int) -> None:
    table = {"token": "1:" + "x" * 30, "mode": "webhook", "webhook_secret": SECRET}
    settings = TelegramSettings.model_validate(table)
    assert len(list(offline_problems(settings, url))) == problems


async def test_a_good_token_is_fine(telegram: TelegramSimulator) -> None:
    settings = TelegramSettings.model_validate(telegram.settings())
    assert await online_problems(settings, "") == []


async def test_a_wrong_token_is_named(telegram: TelegramSimulator) -> None:
    settings = TelegramSettings.model_validate(telegram.settings())
    telegram.becomes_another_bot()
    (problem,) = await online_problems(settings, "")
    assert (problem.what, problem.fatal) == ("Telegram refuses the token", True)
    assert "SCHALTER_TELEGRAM_TOKEN" in problem.fix


async def test_no_network_is_named(telegram: TelegramSimulator) -> None:
    table = telegram.settings(api_url="http://127.0.0.1:9")
    (problem,) = await online_problems(TelegramSettings.model_validate(table), "")
    assert "http://127.0.0.1:9 cannot be reached" in problem.what


@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_the_webhook_of_another_program_is_named(
    telegram: TelegramSimulator, mode: str
) -> None:
    url = f"{telegram.url}/bot{telegram.token}/setWebhook"
    form = {"url": "https://other.example/"}
    async with aiohttp.ClientSession() as session, session.post(url, data=form) as answer:
        assert (await answer.json())["ok"]
    table = telegram.settings(mode=mode, webhook_secret=SECRET)
    (problem,) = await online_problems(TelegramSettings.model_validate(table), PUBLIC)
    assert "another program" in problem.what
    assert problem.fatal is (mode == "polling")
