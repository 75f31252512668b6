"""What `bot check` finds out without a look at Telegram."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from bot.ports import Problem
from plugins.telegram.settings import TelegramSettings

WHERE = "channel telegram"
_PORTS = (443, 80, 88, 8443)  # https://core.telegram.org/bots/api#setwebhook


def offline_problems(settings: TelegramSettings, public_url: str) -> Iterator[Problem]:
    """What cannot work with these settings."""
    if settings.mode == "polling":
        return
    if not public_url:
        what = "Telegram cannot call the bot: its address from outside is not known"
        yield Problem(WHERE, what, "set [bot] public_url = 'https://...', or mode = 'polling'")
    elif not public_url.startswith("https://"):
        what = "Telegram calls only https addresses"
        yield Problem(WHERE, what, "set [bot] public_url to one, or mode = 'polling'")
    elif _port(public_url) not in _PORTS:
        what = "Telegram calls only the ports 443, 80, 88 and 8443"
        yield Problem(WHERE, what, "set [bot] public_url to one of them, or mode = 'polling'")


def _port(url: str) -> int | None:
    try:
        return urlsplit(url).port or 443
    except ValueError:  # beyond 65535
        return None
