"""What `bot check` says about the channel, and what `--online` finds out at Telegram."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from host.cli import main
from plugins.telegram.online import online_problems
from plugins.telegram.settings import TelegramSettings
from plugins.telegram.testing import TelegramSimulator

TABLE = "[plugins.telegram]\n"
TOKEN = "SCHALTER_TELEGRAM_TOKEN=123456789:" + "A" * 35
WEBHOOK_SECRET = "SCHALTER_TELEGRAM_WEBHOOK_SECRET=at-least-16-letters"
PUBLIC = "https://bot.shop.example"


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


@pytest.fixture
async def telegram() -> object:
    async with TelegramSimulator() as simulator:
        yield simulator


async def test_the_right_token_is_fine_and_a_wrong_one_is_named(
    telegram: TelegramSimulator,
) -> None:
    right = TelegramSettings(**telegram.settings())
    assert await online_problems(right, PUBLIC) == []
    wrong = TelegramSettings(**{**telegram.settings(), "token": "987654321:" + "B" * 35})
    (problem,) = await online_problems(wrong, PUBLIC)
    assert (problem.what, problem.fatal) == ("Telegram refuses the token", True)
    assert "SCHALTER_TELEGRAM_TOKEN" in problem.fix


async def test_no_network_is_named() -> None:
    away = TelegramSettings(token="987654321:" + "B" * 35, api_url="http://127.0.0.1:9")
    (problem,) = await online_problems(away, PUBLIC)
    assert problem.what.startswith("http://127.0.0.1:9 cannot be reached")
