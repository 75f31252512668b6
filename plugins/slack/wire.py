"""Slack's text to ours and back, and a customer's event to an :class:`Inbound`; pure.

https://docs.slack.dev/messaging/formatting-message-text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.messages import Address, Attachment, Button, Inbound, Kind, Outbound
from plugins.slack.events import Event, EventKind
from plugins.slack.incoming import message_key
from plugins.slack.names import CHANNEL, ROW_EVENT

TEXT_LIMIT = 4_000
"""Characters of a message; Slack takes ten times as many, and asks for no more than these."""
SECTION_LIMIT = 3_000
BUTTONS = 25
"""Elements of one block of actions: https://docs.slack.dev/reference/block-kit/blocks/actions-block."""
TITLE_LIMIT = 75
ACTION = "customer:"
"""What the ``action_id`` of a customer's button begins with; its place follows."""
BUTTON_TEXT_LIMIT = 1_400
"""Characters of a text with buttons: escaped, with all buttons, never more than blocks may have."""
_BLOCKS_LIMIT = 10_000
"""Characters of all blocks together; over about 13,200 Slack answers ``msg_blocks_too_long``."""
_PIECE = 500
"""Characters of which no escaping makes more than a section takes."""
_TOKEN = re.compile(r"<([^<>]*)>")
_URL = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?()\[\]'*_~]")
_EMOJI = re.compile(r":([a-z0-9_+'-]+(?:::skin-tone-[2-6])?):")
_SPACES = re.compile(r"[ \t]{2,}")


def plain(text: str, me: str = "", emoji: Mapping[str, str] | None = None) -> str:
    """What a person reads in Slack's mrkdwn; the mention of the bot (``me``) is taken out.

    ``emoji`` has the characters of the names that occur, as :func:`emoji_of` finds them.
    """
    named = _TOKEN.sub(lambda found: _told(found[1], me), text)
    if me and named != text:
        named = "\n".join(_SPACES.sub(" ", line).strip() for line in named.split("\n"))
    if emoji:
        named = _EMOJI.sub(lambda found: emoji.get(found[1], found[0]), named)
    return named.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def emoji_of(raw: Any) -> dict[str, str]:
    """The characters of the emoji in a message's blocks, by name; some pictures have none."""
    return dict(_emoji(raw.get("blocks"))) if isinstance(raw, Mapping) else {}


def markup(text: str) -> str:
    """Our text as Slack's mrkdwn: escaped, with its links as links, and nobody called by it."""
    parts, end = [], 0
    for link in _URL.finditer(text):
        parts += [escape(text[end : link.start()]), f"<{escape(link[0])}>"]
        end = link.end()
    return "".join([*parts, escape(text[end:])])


def escape(text: str) -> str:
    """The three characters that would be markup, escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def address_of(team: str, event: Event) -> Address:
    """A conversation: direct messages outside of threads, or one thread."""
    if event.direct and not event.thread_ts:
        return Address(CHANNEL, f"{team}/{event.channel}")
    return Address(CHANNEL, f"{team}/{event.channel}/{event.root}")


def place_of(address: Address) -> tuple[str, str]:
    """Channel and thread (``""``: none) of a conversation."""
    _, channel, *thread = address.id.split("/")
    return channel, thread[0] if thread else ""


def inbound(event: Event, team: str, me: str, name: str | None, file_limit: int) -> Inbound:
    """A message that was written, edited or deleted. Its wire id is the event's key."""
    attachments = tuple(_attachment(one, file_limit) for one in event.files)
    text = plain(event.text, me, emoji_of(event.raw)).strip()
    earlier = message_key(event.channel, event.ts)
    if event.kind is EventKind.DELETE:
        kind, text = Kind.DELETE, ""
    elif event.kind is EventKind.EDIT:
        kind = Kind.EDIT
    elif text:
        kind = Kind.TEXT
    else:
        kind = Kind.MEDIA if attachments else _wordless(event)
    return Inbound(
        address=address_of(team, event),
        wire_id=event.key,
        kind=kind,
        text=text,
        attachments=attachments if event.kind is EventKind.MESSAGE else (),
        sender_name=name,
        edits=None if event.kind is EventKind.MESSAGE else earlier,
    )


def message_of(out: Outbound) -> dict[str, Any]:
    """The arguments of ``chat.postMessage`` for a text, without where it goes."""
    made: dict[str, Any] = {
        **words_of(out),
        "metadata": {"event_type": ROW_EVENT, "event_payload": {"row": out.id}},
        "unfurl_links": False,
        "unfurl_media": False,
    }
    return made


def words_of(out: Outbound) -> dict[str, Any]:
    """Text and blocks of a message; blocks only where text alone does not do."""
    text = markup(out.text)
    blocks: list[dict[str, Any]] = []
    if out.buttons or (out.name and len(text) <= _BLOCKS_LIMIT):
        name = out.name or ""
        if name:
            shown = {"type": "plain_text", "text": name[:SECTION_LIMIT], "emoji": False}
            blocks.append({"type": "context", "elements": [shown]})
        blocks += [_section(piece) for piece in _pieces(out.text)]
        if out.buttons:
            blocks.append({"type": "actions", "elements": list(_buttons(out))})
    return {"text": text, "blocks": blocks or None}


def row_of(message: Mapping[str, Any]) -> str:
    """The row of the outbox that a message in a history was sent for; ``""`` for none."""
    metadata = message.get("metadata")
    if not isinstance(metadata, Mapping) or metadata.get("event_type") != ROW_EVENT:
        return ""
    payload = metadata.get("event_payload")
    return str(payload.get("row", "")) if isinstance(payload, Mapping) else ""


def place_pressed(action_id: str) -> int:
    """The place of a button that was pressed; -1 for what is none of ours."""
    given = action_id.removeprefix(ACTION)
    return int(given) if given.isascii() and given.isdigit() and len(given) < 3 else -1


def _told(token: str, me: str) -> str:
    target, _, label = token.partition("|")
    if target.startswith("@"):
        return "" if me and target == f"@{me}" else f"@{label.lstrip('@') or target[1:]}"
    if target.startswith("#"):
        return f"#{label or target[1:]}"
    if target.startswith("!"):
        return label or f"@{target[1:].partition('^')[0]}"
    address = re.sub(r"^(?:mailto|tel):", "", target)
    if not label or label == address or f"//{label}" in target:
        return address
    return label if target.startswith("tel:") else f"{label} ({address})"


def _emoji(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping):
        name, codes = node.get("name"), node.get("unicode")
        if node.get("type") == "emoji" and isinstance(name, str) and isinstance(codes, str):
            try:
                yield name, "".join(chr(int(code, 16)) for code in codes.split("-"))
            except (ValueError, OverflowError):
                return
        for one in ("elements", "text"):
            yield from _emoji(node.get(one))
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for one in node:
            yield from _emoji(one)


def _wordless(event: Event) -> Kind:
    """A mention and nothing else is empty; a forwarded message or a call is nothing we can read."""
    return Kind.EMPTY if event.text.strip() else Kind.UNKNOWN


def _attachment(file: Mapping[str, Any], limit: int) -> Attachment:
    size = file.get("size")
    gone = file.get("mode") in ("tombstone", "hidden_by_limit") or not file.get("id")
    big = isinstance(size, int) and size > limit
    return Attachment(
        name=str(file.get("name") or file.get("title") or "file"),
        content_type=str(file.get("mimetype") or "application/octet-stream"),
        size=size if isinstance(size, int) else None,
        ref=str(file.get("id", "")),
        error="file_gone" if gone else "file_too_big" if big else None,
    )


def _pieces(text: str) -> list[str]:
    """The text for sections: usually in one; shorter where escaping makes it too long."""
    made = markup(text)
    if len(made) <= SECTION_LIMIT:
        return [made]
    return [markup(text[start : start + _PIECE]) for start in range(0, len(text), _PIECE)]


def _section(text: str) -> dict[str, Any]:
    # Verbatim: otherwise Slack makes mentions and links of what only looks like one.
    words = {"type": "mrkdwn", "text": text, "verbatim": True}
    return {"type": "section", "text": words, "expand": True}


def _buttons(out: Outbound) -> Iterator[dict[str, Any]]:
    for place, button in enumerate(out.buttons):
        yield _button(out.id, place, button)


def _button(row: str, place: int, button: Button) -> dict[str, Any]:
    title = {"type": "plain_text", "text": button.title, "emoji": True}
    return {"type": "button", "text": title, "action_id": f"{ACTION}{place}", "value": row}
