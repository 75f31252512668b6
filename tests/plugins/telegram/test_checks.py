"""What `bot check` says about the channel, and what `--online` finds out at Telegram."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner

from host.cli import main
from plugins.telegram.offline import offline_problems
from plugins.telegram.online import online_problems
from plugins.telegram.settings import TelegramSettings
from plugins.telegram.testing import TelegramSimulator
from tests.plugins.telegram.conftest import PUBLIC, SECRET

TABLE = "[plugins.telegram]\n"
TOKEN = "SCHALTER_TELEGRAM_TOKEN=123456789:" + "A" * 35
WEBHOOK_SECRET = "SCHALTER_TELEGRAM_WEBHOOK_SECRET=at-least-16-letters"


def check(folder: Path, settings: str, *secrets: str) -> tuple[int, str]:
    file = folder / "schalter.toml"
    file.write_text(settings, "utf-8")
    (folder / ".env").write_text("\n".join(secrets), "utf-8")
    done = CliRunner().invoke(
        main, ["--config", str(file), "check", "--data", str(folder / "data")]
    )
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("settings", "secrets", "said"),
    [
        (TABLE, (), "token: is missing — set SCHALTER_TELEGRAM_TOKEN in the environment"),
        (TABLE, ("SCHALTER_TELEGRAM_TOKEN=abc",), "is not a bot's token: 123456789:AA..."),
        (f'{TABLE}token = "1:x"\n', (), "a secret must not be in this file"),
        (f'{TABLE}mode = "webhok"\n', (TOKEN,), "should be 'polling' or 'webhook'"),
        (f"{TABLE}poll_second = 3\n", (TOKEN,), "unknown key — did you mean 'poll_seconds'?"),
        (f"{TABLE}quiet_seconds = 5\n", (TOKEN,), "one and a half times poll_seconds"),
        (f'{TABLE}mode = "webhook"\n', (TOKEN,), "set SCHALTER_TELEGRAM_WEBHOOK_SECRET in .env"),
        (
            f'{TABLE}mode = "webhook"\n',
            (TOKEN, "SCHALTER_TELEGRAM_WEBHOOK_SECRET=short"),
            "must be 16 to 256 letters",
        ),
        (
            f'{TABLE}mode = "webhook"\n',
            (TOKEN, WEBHOOK_SECRET),
            "set [bot] public_url = 'https://...', or mode = 'polling'",
        ),
        (
            f'[bot]\npublic_url = "http://x.example"\n{TABLE}mode = "webhook"\n',
            (TOKEN, WEBHOOK_SECRET),
            "Telegram calls only https addresses",
        ),
        (
            f'{TABLE}share_number_at = ["utter_ask_prof"]\n',
            (TOKEN,),
            "share_number_at names 'utter_ask_prof', and there is no such text",
        ),
    ],
)
def test_what_is_missing_is_said_with_a_remedy(
    tmp_path: Path, settings: str, secrets: tuple[str, ...], said: str
) -> None:
    code, found = check(tmp_path, settings, *secrets)
    assert (code, said in found) == (2, True), found


def test_with_a_token_everything_is_in_order(tmp_path: Path) -> None:
    assert check(tmp_path, TABLE, TOKEN)[0] == 0
    assert "telegram" not in check(tmp_path, "")[1]


def test_a_wrong_token_is_not_shown(tmp_path: Path) -> None:
    assert "hunter2secret" not in check(tmp_path, TABLE, "SCHALTER_TELEGRAM_TOKEN=hunter2secret")[1]
    in_file = f'{TABLE}token = "123456789:hunter2secret"\n'
    assert "hunter2secret" not in check(tmp_path, in_file)[1]


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
