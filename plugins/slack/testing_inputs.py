"""What people choose and type in blocks, as payloads have it.

https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from plugins.slack.testing_errors import Refused
from plugins.slack.testing_shown import elements, options
from plugins.slack.testing_world import Raw

_ONE = {
    "channels_select": "selected_channel",
    "conversations_select": "selected_conversation",
    "datepicker": "selected_date",
    "datetimepicker": "selected_date_time",
    "timepicker": "selected_time",
    "users_select": "selected_user",
    "email_text_input": "value",
    "number_input": "value",
    "plain_text_input": "value",
    "url_text_input": "value",
}
_MANY = {
    "multi_channels_select": "selected_channels",
    "multi_conversations_select": "selected_conversations",
    "multi_users_select": "selected_users",
}
_OPTION = frozenset({"static_select", "radio_buttons", "external_select", "overflow"})
_OPTIONS = frozenset({"multi_static_select", "checkboxes"})


def chosen(element: Raw, value: Any) -> Raw:
    """The part of a payload that says what was chosen or typed.

    Options go by their value or their words. Raises Refused for what cannot be chosen.
    """
    kind = element["type"]
    if kind in _ONE:
        given = getattr(value, "id", value)
        if _ONE[kind] == "value" and given is not None:
            _check_length(element, str(given))
        return {"type": kind, _ONE[kind]: given or None}
    if kind in _MANY:
        return {"type": kind, _MANY[kind]: [getattr(one, "id", one) for one in value or ()]}
    if kind in _OPTION:
        option = None if value is None else _option(element, value)
        return {"type": kind, "selected_option": option}
    if kind in _OPTIONS:
        return {"type": kind, "selected_options": [_option(element, one) for one in value or ()]}
    raise Refused(f"nothing can be chosen from a {kind}")


def initial(element: Raw) -> Raw:
    """What stands in an element before anybody has touched it."""
    kind = element["type"]
    if kind in _OPTION:
        return {"type": kind, "selected_option": element.get("initial_option")}
    if kind in _OPTIONS:
        return {"type": kind, "selected_options": element.get("initial_options", [])}
    name = {**_ONE, **_MANY}[kind]
    default: Any = [] if kind in _MANY else None
    return {"type": kind, name: element.get(name.replace("selected_", "initial_"), default)} | (
        {"value": element.get("initial_value")} if name == "value" else {}
    )


def state_of(raw: Raw, values: Mapping[str, Any] | None = None) -> Raw:
    """The state of a message or a view; ``values`` go by action, block or label.

    Raises Refused for a value that belongs nowhere.
    """
    left = dict(values or {})
    state: dict[str, Raw] = {}
    for block, element in elements(raw):
        if element["type"] in ("button", "overflow"):
            continue
        label = block.get("label", {}).get("text")
        keys = (element["action_id"], block["block_id"], label)
        key = next((one for one in keys if one in left), None)
        now = initial(element) if key is None else chosen(element, left.pop(key))
        state.setdefault(block["block_id"], {})[element["action_id"]] = now
    if left:
        raise Refused(f"there is no field {sorted(left)}")
    return {"values": state}


def check_filled(view: Raw, state: Raw) -> None:
    """As Slack's program does before it sends a view. Raises Refused for an empty field."""
    for block in view["blocks"]:
        if block["type"] != "input" or block.get("optional"):
            continue
        now = state["values"][block["block_id"]][block["element"]["action_id"]]
        if not any(value for name, value in now.items() if name != "type"):
            raise Refused(f"{block['label']['text']!r} must be filled in")


def _option(element: Raw, value: Any) -> Raw:
    found: Iterable[Raw] = options(element)
    for option in found:
        if value in (option["value"], option["text"]["text"]):
            return option
    raise Refused(f"there is no option {value!r}")


def _check_length(element: Raw, text: str) -> None:
    least, most = element.get("min_length", 0), element.get("max_length", 3000)
    if not least <= len(text) <= most:
        raise Refused(f"{len(text)} characters are not between {least} and {most}")
