"""Pure parsing and rendering: what the page posts, and what it is shown."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.messages import Attachment, Outbound

CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
FILE_ID = re.compile(r"[0-9a-f]{64}")
BODY_LIMIT = 64 * 1024
"""Bytes of a JSON body; the longest message allowed fits, whatever its script."""
FILES_PER_MESSAGE = 10
BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Characters that count as letters or symbols and show nothing."""
CONTROLS = {code: None for code in (*range(32), *range(127, 160)) if code not in (9, 10)}


class Fault(Exception):
    """A request that cannot be taken. ``code`` has a text, ``utter_web_<code>``."""

    def __init__(self, status: int, code: str, **facts: object) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.facts = facts


@dataclass(frozen=True, slots=True)
class Post:
    """A message as the page posted it. ``client_id`` is the same at every repeat."""

    client_id: str
    text: str
    payload: str | None
    files: tuple[str, ...]


def parse_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object out of a body. Raises :class:`Fault`."""
    try:
        found = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Fault(400, "not_utf8") from error
    except (ValueError, RecursionError) as error:
        raise Fault(400, "not_json") from error
    if not isinstance(found, dict):
        raise Fault(400, "not_json")
    return found


def parse_post(body: bytes, text_limit: int) -> Post:
    """Read a customer's message. Raises :class:`Fault` with a code that has a text."""
    found = parse_object(body)
    client_id = text_of(found, "client_id")
    if not CLIENT_ID.fullmatch(client_id):
        raise Fault(400, "not_valid")
    files = files_of(found)
    text = clean(text_of(found, "text"))
    payload = clean(text_of(found, "payload")).strip() or None
    if len(text) > text_limit:
        raise Fault(413, "too_long", limit=text_limit)
    if not (visible(text) or payload or files):
        raise Fault(400, "empty")
    return Post(client_id, text, payload, files)


def text_of(found: Mapping[str, Any], key: str) -> str:
    """Read a text that may be missing. Raises :class:`Fault` for anything but a text."""
    value = found.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Fault(400, "not_valid")
    return value


def files_of(found: Mapping[str, Any]) -> tuple[str, ...]:
    """Read the ids of uploaded files, without repeats. Raises :class:`Fault`."""
    files = found.get("attachments") or []
    if not isinstance(files, list) or len(files) > FILES_PER_MESSAGE:
        raise Fault(400, "not_valid")
    if not all(isinstance(file, str) and FILE_ID.fullmatch(file) for file in files):
        raise Fault(400, "not_valid")
    return tuple(dict.fromkeys(files))


def clean(text: str) -> str:
    """Drop what no person typed: control characters and halves of surrogate pairs."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(CONTROLS)
    return text.encode("utf-8", "ignore").decode("utf-8").strip()


def visible(text: str) -> bool:
    """Whether a person would see anything."""
    return any(c not in BLANK and unicodedata.category(c)[0] not in "CZ" for c in text)


def shown_attachment(attachment: Attachment) -> dict[str, Any]:
    """Render a file for a page."""
    return {
        "file": attachment.file,
        "name": attachment.name,
        "content_type": attachment.content_type,
        "size": attachment.size,
        "error": attachment.error,
    }


def first_name(name: str | None) -> str | None:
    """What customers learn of an agent's name: never the whole one."""
    return name.split()[0] if name and name.strip() else None


def shown_outbound(out: Outbound) -> dict[str, Any]:
    """Render what the customer is sent, as the table keeps it."""
    return {
        "text": out.text,
        "name": first_name(out.name),
        "language": out.language,
        "buttons": [{"title": b.title, "payload": b.payload} for b in out.buttons],
        "attachments": [shown_attachment(a) for a in out.attachments],
    }


def shown_post(post: Post, attachments: tuple[Attachment, ...]) -> dict[str, Any]:
    """Render the customer's own message, as the table keeps it."""
    return {
        "text": post.text,
        "payload": post.payload,
        "attachments": [shown_attachment(a) for a in attachments],
    }
