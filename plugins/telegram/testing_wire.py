"""The objects of the simulated Telegram, written to https://core.telegram.org/bots/api."""

from __future__ import annotations

import re
import time
from typing import Any

Raw = dict[str, Any]

_COMMAND = re.compile(r"/\w+(?:@\w+)?")
_MENTION = re.compile(r"@\w+")


def user_of(user_id: int, name: str) -> Raw:
    """A person."""
    return {"id": user_id, "is_bot": False, "first_name": name, "language_code": "de"}


def chat_of(user_id: int, name: str) -> Raw:
    """The private chat with a person."""
    return {"id": user_id, "type": "private", "first_name": name}


def message_of(message_id: int, sender: Raw, chat: Raw, content: Raw) -> Raw:
    """A message."""
    content = {key: value for key, value in content.items() if value not in ([], None)}
    common = {"message_id": message_id, "from": sender, "chat": chat, "date": int(time.time())}
    return {**common, **content}


def command_entities(text: str) -> list[Raw]:
    """The command at the start of a text."""
    found = _COMMAND.match(text)
    return [{"type": "bot_command", "offset": 0, "length": found.end()}] if found else []


def mention_entities(text: str) -> list[Raw]:
    """Names with an @, measured in UTF-16 units as Telegram does."""
    return [
        {
            "type": "mention",
            "offset": _units(text[: found.start()]),
            "length": _units(found[0]),
        }
        for found in _MENTION.finditer(text)
        if not text.startswith("/")
    ]


def photo_of(file_id: str, size: int) -> Raw:
    """A picture in three sizes; the middle one of the list is the largest."""
    sizes = [(90, 60, f"{file_id}-s", 1), (1280, 853, file_id, size), (320, 213, f"{file_id}-m", 2)]
    return {
        "photo": [
            {"width": w, "height": h, "file_id": f, "file_unique_id": f"u{f}", "file_size": s}
            for w, h, f, s in sizes
        ]
    }


def document_of(file_id: str, size: int, name: str, content_type: str) -> Raw:
    """A file."""
    known = {"file_id": file_id, "file_unique_id": f"u{file_id}", "file_size": size}
    return {"document": {**known, "file_name": name, "mime_type": content_type}}


def voice_of(file_id: str, size: int) -> Raw:
    """A voice message."""
    known = {"file_id": file_id, "file_unique_id": f"u{file_id}", "file_size": size}
    return {"voice": {**known, "duration": 3, "mime_type": "audio/ogg"}}


def location_of(latitude: float, longitude: float, title: str) -> Raw:
    """A place; with a title it is a venue."""
    location = {"latitude": latitude, "longitude": longitude}
    if not title:
        return {"location": location}
    venue = {"location": location, "title": title, "address": "Domkloster 4, Köln"}
    return {"location": location, "venue": venue}


def contact_of(phone: str, name: str, user_id: int) -> Raw:
    """A contact."""
    return {"contact": {"phone_number": phone, "first_name": name, "user_id": user_id}}


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
