"""What Slack takes as blocks and views.

Written to https://docs.slack.dev/reference/block-kit/: one page for each block, element and
composition object, whose limits and required fields stand here in the same order. Fields that the
page does not name are refused, as Slack does. What slack-sdk's own models say is asked too.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from plugins.slack.testing_rules import (
    Raw,
    Rule,
    Shape,
    anything,
    at,
    boolean,
    by_type,
    integer,
    items,
    one_of,
    string,
)

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
BLOCKS_LENGTH = 13_200
"""All blocks of a message as JSON; https://github.com/slackapi/bolt-js/issues/2509."""
VIEW_SIZE = 250_000  # bytes, https://docs.slack.dev/reference/methods/views.open


def text(longest: int, *, plain: bool = False) -> Rule:
    """A text object: .../block-kit/composition-objects/text-object."""
    words = string(longest)
    kinds: dict[str, Rule] = {
        "plain_text": Shape({"text": words, "emoji": boolean}, ("text",)),
        "mrkdwn": Shape({"text": words, "verbatim": boolean}, ("text",)),
    }
    return by_type({"plain_text": kinds["plain_text"]} if plain else kinds, "text object")


_URL, _ID = string(3000, pattern=r"(?s)[a-z][a-z0-9+.-]*:.+"), string(255)
_STYLE = one_of("primary", "danger")
_CONFIRM = Shape(
    {
        "title": text(100, plain=True),
        "text": text(300),
        "confirm": text(30, plain=True),
        "deny": text(30, plain=True),
        "style": _STYLE,
    },
    ("title", "text", "confirm", "deny"),
)


def _option(*, plain: bool, url: bool = False) -> Shape:
    words = text(75, plain=plain)
    fields: dict[str, Rule] = {"text": words, "value": string(150), "description": words}
    return Shape({**fields, "url": _URL} if url else fields, ("text", "value"))


def _unique_values(value: Raw, pointer: str) -> Iterator[str]:
    options = value.get("options") or [
        option for group in value.get("option_groups") or () for option in group.get("options", ())
    ]
    values = Counter(json.dumps(o.get("value")) for o in options if isinstance(o, dict))
    if any(count > 1 for count in values.values()):
        yield at("option values must be unique", pointer)


_PLAIN = _option(plain=True)
_GROUP = Shape({"label": text(75, plain=True), "options": items(_PLAIN, 100)}, ("label", "options"))
_INPUT: Mapping[str, Rule] = {
    "action_id": _ID,
    "placeholder": text(150, plain=True),
    "focus_on_load": boolean,
}
_SELECT: Mapping[str, Rule] = {**_INPUT, "confirm": _CONFIRM}
_STATIC: Mapping[str, Rule] = {
    **_SELECT,
    "options": items(_PLAIN, 100),
    "option_groups": items(_GROUP, 100),
}
_IDS = items(string(50), 100)
_MOST = {"max_selected_items": integer(1, 10**6)}
_TRIGGERS = items(one_of("on_enter_pressed", "on_character_entered"), 2)
_CHOICES: Mapping[str, Rule] = {
    "action_id": _ID,
    "options": items(_option(plain=False), 10),
    "confirm": _CONFIRM,
    "focus_on_load": boolean,
}
_IMAGE: Mapping[str, Rule] = {
    "image_url": _URL,
    "slack_file": Shape({"id": string(255), "url": _URL}, either=("id", "url")),
    "alt_text": string(2000),
}


def _initial(rule: Rule, kind: str) -> dict[str, Rule]:
    """A select of ids, alone and many: .../block-elements/select-menu-element."""
    filters: dict[str, Rule] = {"filter": anything, "default_to_current_conversation": boolean}
    more = filters if kind == "conversation" else {}
    single = {f"initial_{kind}": rule, "response_url_enabled": boolean}
    many = {f"initial_{kind}s": _IDS, **_MOST}
    return {
        f"{kind}s_select": Shape({**_SELECT, **single, **more}),
        f"multi_{kind}s_select": Shape({**_SELECT, **many, **more}),
    }


ELEMENTS: dict[str, Rule] = {
    "button": Shape(
        {
            "text": text(75, plain=True),
            "action_id": _ID,
            "url": _URL,
            "value": string(2000, shortest=0),
            "style": _STYLE,
            "confirm": _CONFIRM,
            "accessibility_label": string(75),
        },
        ("text",),
    ),
    "checkboxes": Shape(
        {**_CHOICES, "initial_options": items(anything, 10)}, ("options",), more=_unique_values
    ),
    "radio_buttons": Shape(
        {**_CHOICES, "initial_option": anything}, ("options",), more=_unique_values
    ),
    "datepicker": Shape({**_SELECT, "initial_date": string(10, 10, r"\d{4}-\d\d-\d\d")}),
    "timepicker": Shape(
        {**_SELECT, "initial_time": string(5, 5, r"\d\d:\d\d"), "timezone": string(100)}
    ),
    "datetimepicker": Shape({**_SELECT, "initial_date_time": integer(10**9, 10**10 - 1)}),
    "image": Shape(_IMAGE, ("alt_text",), either=("image_url", "slack_file")),
    "overflow": Shape(
        {
            "action_id": _ID,
            "options": items(_option(plain=True, url=True), 5, 2),
            "confirm": _CONFIRM,
        },
        ("options",),
        more=_unique_values,
    ),
    "plain_text_input": Shape(
        {
            **_INPUT,
            "initial_value": string(3000, shortest=0),
            "multiline": boolean,
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
            "dispatch_action_config": Shape({"trigger_actions_on": _TRIGGERS}),
        }
    ),
    "email_text_input": Shape({**_INPUT, "initial_value": string(3000)}),
    "url_text_input": Shape({**_INPUT, "initial_value": string(3000)}),
    "number_input": Shape(
        {
            **_INPUT,
            "is_decimal_allowed": boolean,
            "initial_value": string(100),
            "min_value": string(100),
            "max_value": string(100),
        },
        ("is_decimal_allowed",),
    ),
    "static_select": Shape(
        {**_STATIC, "initial_option": anything},
        either=("options", "option_groups"),
        more=_unique_values,
    ),
    "multi_static_select": Shape(
        {**_STATIC, **_MOST, "initial_options": items(anything, 100)},
        either=("options", "option_groups"),
        more=_unique_values,
    ),
    "external_select": Shape(
        {**_SELECT, "initial_option": anything, "min_query_length": integer(0, 100)}
    ),
    **_initial(string(50), "user"),
    **_initial(string(50), "conversation"),
    **_initial(string(50), "channel"),
}

_TEXT_INPUTS = frozenset({"plain_text_input", "email_text_input", "url_text_input", "number_input"})
_ACTIONS = {
    name: rule for name, rule in ELEMENTS.items() if name != "image" and name not in _TEXT_INPUTS
}
_ACCESSORIES = {name: rule for name, rule in ELEMENTS.items() if name not in _TEXT_INPUTS}
_INPUTS = {
    name: rule for name, rule in ELEMENTS.items() if name not in ("button", "overflow", "image")
}
_CONTEXT: dict[str, Rule] = {
    "image": ELEMENTS["image"],
    "mrkdwn": text(3000),
    "plain_text": text(3000),
}
_BLOCK: Mapping[str, Rule] = {"block_id": _ID}

BLOCKS: dict[str, Rule] = {
    "actions": Shape(
        {**_BLOCK, "elements": items(by_type(_ACTIONS, "element of actions"), 25)}, ("elements",)
    ),
    "context": Shape(
        {**_BLOCK, "elements": items(by_type(_CONTEXT, "element of context"), 10)}, ("elements",)
    ),
    "divider": Shape(_BLOCK),
    "header": Shape({**_BLOCK, "text": text(150, plain=True)}, ("text",)),
    "image": Shape(
        {**_BLOCK, **_IMAGE, "title": text(2000, plain=True)},
        ("alt_text",),
        either=("image_url", "slack_file"),
    ),
    "markdown": Shape({**_BLOCK, "text": string(12_000)}, ("text",)),
    "rich_text": Shape({**_BLOCK, "elements": items(anything, 1000)}, ("elements",)),
    "section": Shape(
        {
            **_BLOCK,
            "text": text(3000),
            "fields": items(text(2000), 10),
            "accessory": by_type(_ACCESSORIES, "accessory"),
            "expand": boolean,
        },
        either=("text", "fields"),
        both=True,
    ),
}
_INPUT_BLOCK = Shape(
    {
        **_BLOCK,
        "label": text(2000, plain=True),
        "element": by_type(_INPUTS, "element of input"),
        "hint": text(2000, plain=True),
        "optional": boolean,
        "dispatch_action": boolean,
    },
    ("label", "element"),
)
_VIEW_BLOCK = by_type(
    {**{k: v for k, v in BLOCKS.items() if k != "markdown"}, "input": _INPUT_BLOCK}, "view block"
)
_MESSAGE_BLOCK = by_type({**BLOCKS, "input": _INPUT_BLOCK}, "message block")
_VIEW: Mapping[str, Rule] = {
    "blocks": items(_VIEW_BLOCK, VIEW_BLOCKS),
    "private_metadata": string(3000, shortest=0),
    "callback_id": string(255, shortest=0),
    "external_id": string(255, shortest=0),
}
_VIEWS: dict[str, Rule] = {
    "home": Shape(_VIEW, ("blocks",)),
    "modal": Shape(
        {
            **_VIEW,
            "title": text(24, plain=True),
            "submit": text(24, plain=True),
            "close": text(24, plain=True),
            "clear_on_close": boolean,
            "notify_on_close": boolean,
            "submit_disabled": boolean,
        },
        ("blocks", "title"),
    ),
}


def block_problems(blocks: Any, pointer: str = "/blocks") -> list[str]:
    """What is wrong with the blocks of a message; nothing, mostly."""
    found = list(items(_MESSAGE_BLOCK, MESSAGE_BLOCKS, least=0)(blocks, pointer))
    return found or [*_repeated(blocks, pointer), *_sdk_problems(blocks, pointer)]


def blocks_too_long(blocks: Any) -> bool:
    """Whether they are too much together, although each is short enough."""
    return len(json.dumps(blocks, ensure_ascii=False)) > BLOCKS_LENGTH


def view_problems(view: Any) -> list[str]:
    """What is wrong with a view; nothing, mostly."""
    found = list(by_type(_VIEWS, "view")(view, "/view"))
    if found:
        return found
    inputs = any(block["type"] == "input" for block in view["blocks"])
    if view["type"] == "modal" and inputs and "submit" not in view:
        found.append(at("missing required field: submit", "/view"))
    found += _repeated(view["blocks"], "/view/blocks")
    try:
        View(**view).validate_json()
    except SlackObjectFormationError as error:
        found.append(at(str(error), "/view"))
    return found or list(_sdk_problems(view["blocks"], "/view/blocks"))


def elements_of(block: Raw) -> list[Raw]:
    """What can be pressed, chosen or filled in a block."""
    found = [block.get("accessory"), block.get("element")]
    if block["type"] == "actions":
        found += block["elements"]
    return [element for element in found if element and element["type"] in ELEMENTS]


def _repeated(blocks: list[Raw], pointer: str) -> Iterator[str]:
    """Ids that must be unique: of blocks among each other, of actions in their block."""
    block_ids = Counter(block["block_id"] for block in blocks if "block_id" in block)
    for value in (value for value, count in block_ids.items() if count > 1):
        yield at(f"`block_id` {value} already exists", pointer)
    for index, block in enumerate(blocks):
        actions = Counter(one["action_id"] for one in elements_of(block) if "action_id" in one)
        for value in (value for value, count in actions.items() if count > 1):
            yield at(f"`action_id` {value} already exists", f"{pointer}/{index}/elements")


def _sdk_problems(blocks: list[Raw], pointer: str) -> Iterator[str]:
    """What slack-sdk's models refuse in addition."""
    for index, block in enumerate(blocks):
        try:
            parsed = Block.parse(dict(block))
            if parsed is not None and block["type"] != "rich_text":
                parsed.validate_json()
        except SlackObjectFormationError as error:
            yield at(str(error), f"{pointer}/{index}")
