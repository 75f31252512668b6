"""Each limit of Block Kit: the last that is taken, and the first that is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from plugins.slack.testing import Room
from plugins.slack.testing_blocks import block_problems, view_problems

from .conftest import CARD, button, section

Raw = dict[str, Any]


def plain(length: int) -> Raw:
    return {"type": "plain_text", "text": "x" * length}


def option(text: int = 5, value: str = "v") -> Raw:
    return {"text": plain(text), "value": value}


def options(count: int) -> list[Raw]:
    return [option(value=str(number)) for number in range(count)]


def select(**more: Any) -> Raw:
    return {"type": "static_select", "action_id": "s", "options": options(1), **more}


def overflow(count: int) -> Raw:
    return {"type": "overflow", "action_id": "o", "options": options(count)}


def actions(*elements: Raw) -> Raw:
    return {"type": "actions", "elements": list(elements)}


def context(count: int) -> Raw:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * count}


def labelled(element: Raw, label: int = 5) -> Raw:
    return {"type": "input", "block_id": "i", "label": plain(label), "element": element}


def text_input(**more: Any) -> Raw:
    return {"type": "plain_text_input", "action_id": "t", **more}


def modal(**more: Any) -> Raw:
    made = {"type": "modal", "title": plain(5), "submit": plain(5), "blocks": [section("x")]}
    return made | more


def many_buttons(count: int) -> Raw:
    return actions(*(button(action=str(number)) for number in range(count)))


BLOCKS: dict[str, tuple[int, Callable[[int], Raw]]] = {
    "section text": (3000, lambda n: section("x" * n)),
    "section fields": (
        10,
        lambda n: {"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * n},
    ),
    "a field": (2000, lambda n: {"type": "section", "fields": [plain(n)]}),
    "header": (150, lambda n: {"type": "header", "text": plain(n)}),
    "block_id": (255, lambda n: {"type": "divider", "block_id": "x" * n}),
    "context elements": (10, context),
    "actions elements": (25, many_buttons),
    "button text": (75, lambda n: actions(button("x" * n))),
    "button value": (2000, lambda n: actions(button(value="x" * n))),
    "action_id": (255, lambda n: actions(button(action="x" * n))),
    "select options": (100, lambda n: actions(select(options=options(n)))),
    "option text": (75, lambda n: actions(select(options=[option(n)]))),
    "option value": (150, lambda n: actions(select(options=[option(value="x" * n)]))),
    "placeholder": (150, lambda n: actions(select(placeholder=plain(n)))),
    "overflow options": (5, lambda n: actions(overflow(n))),
    "input label": (2000, lambda n: labelled(text_input(), n)),
    "max_length of an input": (3000, lambda n: labelled(text_input(max_length=n))),
    "confirm title": (
        100,
        lambda n: actions(
            {
                **button(),
                "confirm": {
                    "title": plain(n),
                    "text": plain(5),
                    "confirm": plain(5),
                    "deny": plain(5),
                },
            }
        ),
    ),
    "image alt_text": (
        2000,
        lambda n: {"type": "image", "image_url": "https://x.example/a.png", "alt_text": "x" * n},
    ),
    "markdown": (12_000, lambda n: {"type": "markdown", "text": "x" * n}),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_may_be_so_large_and_no_larger(name: str) -> None:
    limit, make = BLOCKS[name]
    assert block_problems([make(limit)]) == []
    assert block_problems([make(limit + 1)]) != []


VIEWS: dict[str, tuple[int, Callable[[int], Raw]]] = {
    "title": (24, lambda n: modal(title=plain(n))),
    "submit": (24, lambda n: modal(submit=plain(n))),
    "close": (24, lambda n: modal(close=plain(n))),
    "private_metadata": (3000, lambda n: modal(private_metadata="x" * n)),
    "callback_id": (255, lambda n: modal(callback_id="x" * n)),
    "blocks": (100, lambda n: modal(blocks=[section("x")] * n)),
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_may_be_so_large_and_no_larger(name: str) -> None:
    limit, make = VIEWS[name]
    assert view_problems(make(limit)) == []
    assert view_problems(make(limit + 1)) != []


REFUSED: dict[str, Raw] = {
    "an unknown block": {"type": "card_of_cards"},
    "no type": {"text": plain(5)},
    "an unknown element": actions({"type": "slider", "action_id": "a"}),
    "an unknown field": {**section("x"), "colour": "red"},
    "an empty text": section(""),
    "a section of nothing": {"type": "section"},
    "a header in mrkdwn": {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
    "a button in mrkdwn": actions({**button(), "text": {"type": "mrkdwn", "text": "x"}}),
    "a button without text": actions({"type": "button", "action_id": "a"}),
    "an unknown style": actions({**button(), "style": "warning"}),
    "an overflow of one": actions(overflow(1)),
    "a select of nothing": actions(select(options=[])),
    "options and groups": actions(select(option_groups=[])),
    "an action twice in a block": actions(button(), button("Other")),
    "an option twice": actions(select(options=[option(), option()])),
    "a text input in actions": actions(text_input()),
    "a button in an input": labelled(button()),
    "an input without a label": {"type": "input", "element": text_input()},
    "a button in a context": {"type": "context", "elements": [button()]},
    "an image without words": {"type": "image", "image_url": "https://x.example/a.png"},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_block_is_refused(name: str) -> None:
    assert len(block_problems([REFUSED[name]])) >= 1


def test_the_same_action_may_stand_in_two_blocks_but_no_block_twice() -> None:
    row = {"type": "section", "text": plain(5), "accessory": button()}
    assert block_problems([row, row]) == []
    assert block_problems([{**row, "block_id": "b"}] * 2) != []


def test_what_is_no_view_is_refused() -> None:
    without_submit = modal(blocks=[labelled(text_input())])
    del without_submit["submit"]
    without_title = modal()
    del without_title["title"]
    home = {"type": "home", "title": plain(5), "blocks": [section("x")]}
    bad: tuple[Raw, ...] = (
        without_submit,
        without_title,
        home,
        modal(blocks=[]),
        modal(blocks=[{"type": "markdown", "text": "x"}]),
        {"type": "dialog"},
    )
    for view in bad:
        assert view_problems(view) != []
    assert view_problems({"type": "home", "blocks": [section("x")]}) == []


async def test_the_api_names_the_place(web: AsyncWebClient, support: Room) -> None:
    with pytest.raises(SlackApiError) as refused:
        await web.chat_postMessage(channel=support.id, text="x", blocks=[section("x" * 3001)])
    answer = refused.value.response
    assert answer["error"] == "invalid_blocks"
    problem = "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    assert answer["errors"] == [problem]
    assert answer["response_metadata"]["messages"] == [f"[ERROR] {problem}"]
    assert support.messages == []


@pytest.mark.parametrize(
    ("blocks", "error"),
    [
        ([section("x")] * 51, "invalid_blocks"),
        ([section("x" * 2900)] * 5, "msg_blocks_too_long"),
        ("[{", "invalid_blocks_format"),
    ],
)
async def test_too_many_too_long_or_no_json(
    web: AsyncWebClient, support: Room, blocks: Any, error: str
) -> None:
    with pytest.raises(SlackApiError) as refused:
        await web.chat_postMessage(channel=support.id, text="x", blocks=blocks)
    assert refused.value.response["error"] == error


async def test_blocks_of_attachments_are_looked_at_too(web: AsyncWebClient, support: Room) -> None:
    with pytest.raises(SlackApiError, match="invalid_blocks"):
        await web.chat_postMessage(
            channel=support.id, text="x", attachments=[{"blocks": [{"type": "nope"}]}]
        )
    attachment = {"color": "#ff0000", "blocks": CARD}
    await web.chat_postMessage(channel=support.id, text="Fall", attachments=[attachment])
    (message,) = support.messages
    assert message.words == "Fall\n*Neuer Fall*"
    assert message.buttons == ("Übernehmen",)
