"""How Slack writes text: https://docs.slack.dev/messaging/formatting-message-text/."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Raw = dict[str, Any]

_TOKEN = r"<(?:[@#!][^<>]+|(?:https?|mailto|tel|slack):[^<>]+)>"  # noqa: S105 (markup)
_ENTITY = r"&(?:amp|lt|gt);"
_KEPT = re.compile(rf"({_TOKEN}|{_ENTITY})")
_LINK = re.compile(
    r"(?P<url>https?://[^\s<>]+[^\s<>.,;:!?)])|(?P<mail>\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
)
_PARTS = re.compile(rf"({_TOKEN})")
_EMOJI = {
    "👍": ":+1:",
    "👋": ":wave:",
    "🙂": ":slightly_smiling_face:",
    "😊": ":blush:",
    "😀": ":grinning:",
    "🎉": ":tada:",
    "✅": ":white_check_mark:",
    "❤️": ":heart:",
    "🙏": ":pray:",
}


def escape(text: str) -> str:
    """Characters that would be markup, escaped; what is markup or escaped already is kept."""
    parts = _KEPT.split(text)
    return "".join(part if index % 2 else _escaped(part) for index, part in enumerate(parts))


def unescape(text: str) -> str:
    """The opposite, for whoever reads."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def typed(text: str, names: Mapping[str, str]) -> str:
    """What becomes of a text that a person types: mentions, links, mail addresses and emoji.

    ``names`` says whose ``@name`` is which user.
    """
    for character, code in _EMOJI.items():
        text = text.replace(character, code)
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<![\w.])@{re.escape(name)}\b", f"<@{names[name]}>", text)
    parts = _PARTS.split(text)
    return "".join(part if index % 2 else _linked(part) for index, part in enumerate(parts))


def rich_text(text: str) -> Raw:
    """The block that Slack makes of a person's text.

    See https://docs.slack.dev/reference/block-kit/blocks/rich-text-block/.
    """
    elements = [_element(part) for part in _PARTS.split(text) if part]
    return {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": elements}],
    }


def mentions(text: str) -> tuple[str, ...]:
    """Who is called by a text: users, groups, and ``!channel``, ``!here``, ``!everyone``."""
    return tuple(found.split("|")[0].split("^")[0] for found in re.findall(r"<([@!][^<>]+)>", text))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _linked(text: str) -> str:
    made, end = "", 0
    for found in _LINK.finditer(text):
        made += _escaped(text[end : found.start()])
        what = _escaped(found[0])
        made += f"<{what}>" if found["url"] else f"<mailto:{what}|{what}>"
        end = found.end()
    return made + _escaped(text[end:])


def _element(part: str) -> Raw:
    if not _PARTS.fullmatch(part):
        return {"type": "text", "text": unescape(part)}
    target, _, label = part[1:-1].partition("|")
    if target.startswith("@"):
        return {"type": "user", "user_id": target[1:]}
    if target.startswith("#"):
        return {"type": "channel", "channel_id": target[1:]}
    if target.startswith("!"):
        return {"type": "broadcast", "range": target[1:]}
    link = {"type": "link", "url": unescape(target)}
    return {**link, "text": unescape(label)} if label else link
