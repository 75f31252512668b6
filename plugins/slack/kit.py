"""Small pieces of Block Kit, each within Slack's limits whatever is put into it.

What people wrote goes into ``rich_text`` or ``plain_text``, which show it as it is: a name such as
``<!channel>`` or ``*bold*`` calls nobody and formats nothing. Limits:
https://docs.slack.dev/reference/block-kit/.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.clean import clean_text

Raw = dict[str, Any]

HEADER, BUTTON, OPTION, LABEL, TITLE = 150, 75, 75, 2000, 24
PLACEHOLDER, CONTEXT, INPUT, SECTION = 150, 300, 3000, 3000
BLOCKS_OF_VIEW = 100
ELLIPSIS = "…"


def width(text: str) -> int:
    """The length as Slack's clients count it, in UTF-16 code units: never less than characters."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, limit: int) -> str:
    """At most ``limit`` long; what was cut off shows as an ellipsis."""
    if width(text) <= limit:
        return text
    room, kept = limit - 1, 0
    for index, character in enumerate(text):
        room -= 2 if ord(character) > 0xFFFF else 1
        if room < 0:
            break
        kept = index + 1
    # A mark or joiner left at the end would cling to the ellipsis.
    while kept and (unicodedata.combining(text[kept - 1]) or text[kept - 1] in "\u200d\ufe0f"):
        kept -= 1
    return text[:kept].rstrip() + ELLIPSIS


def weight(text: str) -> int:
    """The length within a message's JSON, of which Slack takes 13,200 characters."""
    return width(json.dumps(text, ensure_ascii=False)) - 2


def fit(text: str, limit: int) -> str:
    """Cut so that its :func:`weight` is at most ``limit``."""
    while (heavy := weight(text)) > limit:
        text = cut(text, max(1, int(width(text) * limit / heavy) - 1))
    return text


def one_line(text: str) -> str:
    """On one line, without characters that hide or turn around what stands beside them."""
    return " ".join(clean_text(text).split())


def escape(text: str) -> str:
    """For a message's ``text``: no mention, no link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(text: str, limit: int, *, emoji: bool = False) -> Raw:
    """A text object that is shown as it is; ``emoji`` makes a picture of ``:name:``."""
    return {"type": "plain_text", "text": cut(text, limit) or "–", "emoji": emoji}


def header(text: str) -> Raw:
    """A big line."""
    return {"type": "header", "text": plain(one_line(text), HEADER)}


def small(*texts: str) -> Raw:
    """Small grey words."""
    shown = [plain(text, CONTEXT) for text in texts if text][:10]
    return {"type": "context", "elements": shown}


def words(text: str, *, bold: bool = False, italic: bool = False, strike: bool = False) -> Raw:
    """A piece of a line, as it is."""
    style = {"bold": bold, "italic": italic, "strike": strike}
    chosen = {name: True for name, on in style.items() if on}
    return {"type": "text", "text": text, **({"style": chosen} if chosen else {})}


def moment(at: datetime, form: str, fallback: str) -> Raw:
    """A time in the reader's own time zone; ``form`` as in Slack's date element."""
    told = {"timestamp": int(at.timestamp()), "format": form, "fallback": fallback}
    return {"type": "date", **told}


def person(user: str) -> Raw:
    """A mention, which notifies who is in the channel."""
    return {"type": "user", "user_id": user}


def line(*parts: Raw | None) -> Raw:
    """One paragraph."""
    return {"type": "rich_text_section", "elements": _full(parts)}


def quote(*parts: Raw | None) -> Raw:
    """A paragraph with a bar at its left."""
    return {"type": "rich_text_quote", "elements": _full(parts)}


def bullets(lines: Iterable[Sequence[Raw]]) -> Raw:
    """Paragraphs with a dot each."""
    shown = [{"type": "rich_text_section", "elements": _full(parts)} for parts in lines]
    return {"type": "rich_text_list", "style": "bullet", "elements": shown}


def lines(paragraphs: Sequence[Sequence[Raw]]) -> Raw:
    """Several short lines in one paragraph."""
    parts: list[Raw] = []
    for paragraph in paragraphs:
        if parts:
            parts.append(words("\n"))
        parts += paragraph
    return line(*parts)


def rich(*elements: Raw) -> Raw:
    """A block of paragraphs. Without any it shows a dash, as Slack wants something."""
    full = [element for element in elements if element["elements"]]
    return {"type": "rich_text", "elements": full or [line(words("–"))]}


def _full(parts: Iterable[Raw | None]) -> list[Raw]:
    """Slack refuses empty texts."""
    return [part for part in parts if part is not None and part.get("text", "x")]


def confirm(title: str, text: str, yes: str, no: str) -> Raw:
    """A question before a button counts."""
    return {
        "title": plain(title, 100),
        "text": plain(text, 300),
        "confirm": plain(yes, 30),
        "deny": plain(no, 30),
    }


def button(title: str, action: str, value: str, *, style: str = "", ask: Raw | None = None) -> Raw:
    """A button; ``style`` is ``primary`` or ``danger``."""
    made: Raw = {"type": "button", "text": plain(title, BUTTON, emoji=True)}
    made |= {"action_id": action, "value": value}
    if style:
        made["style"] = style
    return made | ({"confirm": ask} if ask else {})


def actions(*elements: Raw, block: str = "") -> Raw:
    """A row of what can be pressed."""
    return {"type": "actions", **({"block_id": block} if block else {}), "elements": list(elements)}


def option(title: str, value: str, more: str = "") -> Raw:
    """One choice."""
    made: Raw = {"text": plain(title, OPTION), "value": value}
    return made | ({"description": plain(more, OPTION)} if more else {})


def select(
    action: str, options: Sequence[Raw], *, placeholder: str = "", chosen: str | None = None
) -> Raw:
    """A menu; ``chosen`` is the value that it shows first."""
    made: Raw = {"type": "static_select", "action_id": action, "options": list(options)[:100]}
    if placeholder:
        made["placeholder"] = plain(placeholder, PLACEHOLDER)
    return made | _chosen(options, chosen)


def radio(action: str, options: Sequence[Raw], *, chosen: str | None = None) -> Raw:
    """Choices that all are seen at once, ten at most."""
    made: Raw = {"type": "radio_buttons", "action_id": action, "options": list(options)[:10]}
    return made | _chosen(options, chosen)


def checkbox(action: str, title: str, *, on: bool = False) -> Raw:
    """One box to tick, with the value ``yes``."""
    made = option(title, "yes")
    box: Raw = {"type": "checkboxes", "action_id": action, "options": [made]}
    return box | ({"initial_options": [made]} if on else {})


def _chosen(options: Sequence[Raw], value: str | None) -> Raw:
    first = next((one for one in options if one["value"] == value), None)
    return {"initial_option": first} if first else {}


def typed(
    action: str, *, value: str = "", placeholder: str = "", long: bool = False, most: int = INPUT
) -> Raw:
    """A field to write in."""
    made: Raw = {"type": "plain_text_input", "action_id": action, "multiline": long}
    made["max_length"] = min(most, INPUT)
    if value:
        made["initial_value"] = cut(value, made["max_length"])
    if placeholder:
        made["placeholder"] = plain(placeholder, PLACEHOLDER)
    return made


def field(
    block: str,
    label: str,
    element: Raw,
    *,
    hint: str = "",
    optional: bool = False,
    dispatch: bool = False,
) -> Raw:
    """A labelled input of a modal; ``dispatch`` tells of each choice at once."""
    made: Raw = {"type": "input", "block_id": block, "label": plain(label, LABEL)}
    made |= {"element": element, "optional": optional}
    if hint:
        made["hint"] = plain(hint, LABEL)
    return made | ({"dispatch_action": True} if dispatch else {})


def section(text: str, accessory: Raw | None = None, block: str = "") -> Raw:
    """Words, with a button beside them."""
    made: Raw = {"type": "section", "text": plain(text, SECTION)}
    if block:
        made["block_id"] = block
    return made | ({"accessory": accessory} if accessory else {})


def modal(
    callback: str,
    title: str,
    blocks: Sequence[Raw],
    *,
    keep: str = "",
    submit: str = "",
    close: str = "",
) -> Raw:
    """A modal; ``keep`` comes back with what is submitted. Without ``submit`` it only shows."""
    made: Raw = {"type": "modal", "callback_id": callback, "title": plain(title, TITLE)}
    made |= {"blocks": list(blocks)[:BLOCKS_OF_VIEW], "private_metadata": keep}
    if submit:
        made["submit"] = plain(submit, TITLE)
    return made | ({"close": plain(close, TITLE)} if close else {})


def entered(view: Mapping[str, Any], block: str) -> str:
    """What was entered in a field of a submitted modal: text, chosen value, user or time."""
    state = view.get("state", {}).get("values", {}).get(block, {})
    for given in state.values():
        if given.get("selected_option"):
            return str(given["selected_option"]["value"])
        if given.get("selected_options"):
            return ",".join(str(one["value"]) for one in given["selected_options"])
        for name in ("value", "selected_user", "selected_date_time"):
            if given.get(name):
                return str(given[name])
    return ""
