"""What an agent wrote in Slack, as the customer should read it. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from bot.clean import clean_text

Raw = Mapping[str, Any]
Name = Callable[[str], str]
"""The name of a user by id; empty where it is not known."""

INTERNAL = "//"
_MARKED = re.compile(rf"^[^\S\n]*(?:>[^\S\n]*)*(?:(?:•|\d+\.)[^\S\n]*)?{INTERNAL}", re.MULTILINE)
"""Also in a list or a quotation, whose marks :func:`plain` writes."""
_TOKEN = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
COMMAND = "slack:"
TS = re.compile(r"\d+\.\d+")
"""A time as Slack writes it, which names a message too."""
SENT = ":sent"
"""After a message's command: a line that it became by its menu."""


def command_of(channel: str, ts: str) -> str:
    """The id of the command that a message is: by it the message is found again."""
    return f"{COMMAND}{channel}:{ts}"


def sent_by_menu(number: int) -> str:
    """What is added to a message's command when its menu sends it for the ``number``-th time."""
    return f"{SENT}{number or ''}"


def time_of(ts: str) -> datetime:
    """When a message was written, by Slack's clock."""
    return datetime.fromtimestamp(float(ts), UTC)


def message_of(command: str | None) -> tuple[str, str] | None:
    """Channel and ``ts`` of the message that a command was."""
    if command is None or not command.startswith(COMMAND):
        return None
    channel, _, ts = command.removeprefix(COMMAND).partition(":")
    ts = ts.partition(":")[0]
    return (channel, ts) if TS.fullmatch(ts) else None


def is_internal(text: str) -> bool:
    """Whether a message, or one line of it, says of itself that it stays inside: then all does."""
    return _MARKED.search(clean_text(text)) is not None


def is_all_internal(text: str) -> bool:
    """Whether it says so at once, in its first line."""
    return _MARKED.match(clean_text(text)) is not None


def without_mark(text: str) -> str:
    """The words after ``//``."""
    return clean_text(text).removeprefix(INTERNAL).strip()


def users_in(raw: Raw) -> set[str]:
    """Whom a message mentions."""
    return set(re.findall(r"<@(\w+)", str(raw.get("text", ""))))


def plain(raw: Raw, name_of: Name) -> str:
    """The words of a message, without Slack's markup.

    The blocks that Slack made of it say what is bold, an emoji or a mention; the text is only read
    where there are none.
    """
    blocks = [one for one in raw.get("blocks") or () if _is(one, "rich_text")]
    if not blocks:
        return from_text(str(raw.get("text", "")), name_of)
    parts = [_element(one, name_of) for block in blocks for one in _all(block)]
    return "\n".join(part.rstrip("\n") for part in parts).strip()


def from_text(text: str, name_of: Name) -> str:
    """Words out of Slack's mrkdwn."""

    def words(found: re.Match[str]) -> str:
        kind, target, label = found[1], found[2], found[3]
        if kind == "@":
            return f"@{name_of(target) or label or target}"
        if kind:
            return f"{'#' if kind == '#' else '@'}{label or target}"
        return _linked(target, label or "")

    return html.unescape(_TOKEN.sub(words, text)).strip()


def _element(raw: Raw, name_of: Name, deep: int = 0) -> str:
    kind = raw.get("type")
    if kind == "rich_text_list":
        return "\n".join(_items(raw, name_of, deep))
    inside = "".join(_piece(one, name_of) for one in _all(raw))
    if kind == "rich_text_quote":
        return "\n".join(f"> {line}" for line in inside.split("\n"))
    return inside


def _items(raw: Raw, name_of: Name, deep: int) -> Iterable[str]:
    ordered, first = raw.get("style") == "ordered", int(raw.get("offset") or 0) + 1
    indent = "  " * min(int(raw.get("indent") or 0), 8)
    for number, item in enumerate(_all(raw), first):
        mark = f"{number}." if ordered else "•"
        yield f"{indent}{mark} {_element(item, name_of, deep + 1)}"


def _piece(raw: Raw, name_of: Name) -> str:
    kind = raw.get("type")
    if kind == "emoji":
        return _emoji(raw)
    if kind == "link":
        return _linked(str(raw.get("url", "")), str(raw.get("text", "")))
    if kind == "user":
        user = str(raw.get("user_id", ""))
        return f"@{name_of(user) or user}"
    if kind in ("channel", "usergroup", "broadcast"):
        return f"@{raw.get('range') or raw.get('usergroup_id') or raw.get('channel_id')}"
    return str(raw.get("text") or raw.get("fallback") or "")


def _emoji(raw: Raw) -> str:
    """Its character; a picture of the workspace's own has only a name."""
    try:
        return "".join(chr(int(code, 16)) for code in str(raw["unicode"]).split("-"))
    except (KeyError, ValueError, OverflowError):
        return f":{raw.get('name', '')}:"


def _linked(url: str, label: str) -> str:
    url = url.removeprefix("mailto:").removeprefix("tel:")
    same = not label or label == url or url.endswith(f"//{label}")
    return url if same else f"{label} ({url})"


def _all(raw: Raw) -> Iterable[Raw]:
    return [one for one in raw.get("elements") or () if isinstance(one, Mapping)]


def _is(raw: Any, kind: str) -> bool:
    return isinstance(raw, Mapping) and raw.get("type") == kind
