"""What the parts of the channel share. Nothing here imports aiogram, which takes seconds."""

from __future__ import annotations

from dataclasses import dataclass

CHANNEL = "telegram"
PATH = "/telegram/updates"
"""Where Telegram calls."""
TEXT_LIMIT = 4096
"""UTF-16 units of a message, both ways."""
FETCH_LIMIT = 20 * 1024 * 1024
"""Bytes of a file that a bot can fetch (``getFile``)."""
BUTTONS = 8
"""Under one message; more are hard to survey on a phone. Telegram itself allows 100."""
TITLE_LIMIT = 40
"""Characters of a button's title; a longer one is cut on a phone."""
GREET, HUMAN = "/greet", "/contact_human_agent"
SHARE_CONTACT, WRITE_PRIVATELY = "/share_contact", "/write_privately"


class Malformed(Exception):
    """Not an update of Telegram's."""


@dataclass(frozen=True, slots=True)
class Me:
    """The bot as Telegram knows it."""

    id: int
    username: str

    def message(self, chat: int | str, number: int) -> str:
        """The id of a message: each bot counts for itself."""
        return f"{self.id}/{chat}/{number}"

    @staticmethod
    def number_of(message: str) -> int:
        """The number in the id of a message."""
        return int(message.rpartition("/")[2])

    def update(self, number: int) -> str:
        """The id of an update that is no message."""
        return f"{self.id}/u{number}"


def update_id(raw: object) -> int:
    """The number of an update. Raises :class:`Malformed`."""
    number = raw.get("update_id") if isinstance(raw, dict) else None
    if not isinstance(number, int) or isinstance(number, bool):
        raise Malformed("no update_id")
    return number
