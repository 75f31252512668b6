"""The wire between the bot and Rasa: one turn, whole or not at all, and never twice."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from tests.dialogue.actions import FakeActions, slot
from tests.dialogue.rasa import Rasa, names

pytestmark = pytest.mark.rasa
TEXT_OF_100K = "Wo ist mein Paket? " * 5300


async def test_a_turn_is_answered_with_names_facts_and_what_was_understood(
    rasa: Rasa, actions: FakeActions
) -> None:
    answer = await rasa.say("Wo ist mein Paket 100234?")
    assert answer["intent"] == "track_order"
    assert answer["confidence"] > 0.8
    assert answer["entities"] == [
        {"entity": "order_id", "value": "B-100234", "start": 18, "end": 24}
    ]
    assert answer["replies"] == [{"response": "utter_ask_proof", "facts": {"order_id": "B-100234"}}]
    assert answer["state"] == {
        "slots": {"order_id": "B-100234"},
        "active_loop": "track_order_form",
        "requested_slot": "proof",
    }
    message = actions.calls[0]["tracker"]["latest_message"]
    assert message["text"] == "Wo ist mein Paket 100234?"
    assert message["metadata"] == {"turn": "turn 0", "language": "de"}


async def test_the_same_key_gets_the_same_answer_and_runs_nothing(
    rasa: Rasa, actions: FakeActions
) -> None:
    first = await rasa.say("Wo ist 100234?", turn="k1")
    await rasa.say("50674", turn="k2")
    done = list(actions.names)
    assert await rasa.say("something else", turn="k1") == first
    assert actions.names == done == ["action_track_order"]


async def test_a_turn_that_the_tracker_saw_without_its_end_is_incomplete(
    rasa: Rasa, actions: FakeActions
) -> None:
    rasa.note(
        {
            "event": "user",
            "text": "wo ist 100234",
            "parse_data": {"intent": {"name": "track_order", "confidence": 1.0}, "entities": []},
            "metadata": {"turn": "half", "language": "de"},
        }
    )
    assert await rasa.turn("wo ist 100234", turn="half") == (200, {"status": "incomplete"})
    assert actions.calls == []


async def test_a_turn_whose_action_failed_is_not_kept_and_runs_when_asked_again(
    rasa: Rasa, actions: FakeActions
) -> None:
    await rasa.say("Wo ist 100234?", turn="k1")
    actions.down = True
    status, answer = await rasa.turn("50674", turn="k2")
    assert status == 502
    assert "validate_track_order_form" not in answer["error"]
    assert "50674" not in answer["error"]
    actions.down = False
    answer = await rasa.say("50674", turn="k2")
    assert names(answer) == ["action_track_order"]
    assert actions.names == ["action_track_order"]


async def test_a_new_tracker_is_seeded_and_the_form_goes_on(
    rasa: Rasa, actions: FakeActions
) -> None:
    state = {
        "slots": {"order_id": "B-100234", "no_such_slot": 1},
        "active_loop": "track_order_form",
        "requested_slot": "proof",
    }
    answer = await rasa.say("50674", state=state)
    assert names(answer) == ["action_track_order"]
    assert actions.calls[-1]["tracker"]["slots"]["order_id"] == "B-100234"
    assert "no_such_slot" not in actions.calls[-1]["tracker"]["slots"]
    assert answer["state"]["active_loop"] is None


async def test_a_tracker_that_exists_is_not_seeded_again(rasa: Rasa, actions: FakeActions) -> None:
    await rasa.say("hallo")
    state = {"slots": {"order_id": "B-1"}, "active_loop": "track_order_form"}
    answer = await rasa.say("guten Tag", state=state)
    assert answer["state"] == {"slots": {}, "active_loop": None, "requested_slot": None}


async def test_what_was_said_meanwhile_comes_first_in_one_piece(
    rasa: Rasa, actions: FakeActions
) -> None:
    history = [
        {"by": "customer", "text": "ist da ein Mensch?"},
        {"by": "agent", "text": "Ja, ich bin Nora."},
        {"by": "customer", "text": "das hat sich erledigt"},
    ]
    answer = await rasa.say("danke", history=history)
    assert answer["intent"] == "thank_you"
    assert names(answer) == ["action_knowledge"]
    said = [
        (event["event"], event["text"])
        for event in actions.calls[0]["tracker"]["events"]
        if event["event"] in ("user", "bot")
    ]
    assert said == [
        ("user", "ist da ein Mensch?"),
        ("bot", "Ja, ich bin Nora."),
        ("user", "das hat sich erledigt"),
        ("user", "danke"),
    ]


@pytest.mark.parametrize(
    "text", ["/restart", "/session_start", "  /deny", '/greet{"order_id": "1"}']
)
async def test_what_somebody_types_is_never_a_command(
    rasa: Rasa, actions: FakeActions, text: str
) -> None:
    first = await rasa.say("hallo", turn="k1")
    answer = await rasa.say(text)
    assert answer["confidence"] < 1
    assert answer["intent"] not in ("restart", "session_start")
    assert all(entity["value"] != "1" for entity in answer["entities"])
    assert actions.calls[-1]["tracker"]["latest_message"]["text"] == text
    assert await rasa.say("hallo", turn="k1") == first


async def test_a_button_says_its_intent_and_brings_its_values(
    rasa: Rasa, actions: FakeActions
) -> None:
    payload = '/return_item{"return_reason": "too_small"}'
    answer = await rasa.say(payload=payload)
    assert (answer["intent"], answer["confidence"]) == ("return_item", 1.0)
    entities = actions.calls[0]["tracker"]["latest_message"]["entities"]
    assert [(e["entity"], e["value"]) for e in entities] == [("return_reason", "too_small")]
    assert actions.calls[0]["next_action"] == "validate_return_label_form"


@pytest.mark.parametrize("payload", ["/restart", "/no_such_intent", "affirm", "/affirm{", ""])
async def test_a_payload_that_is_none_of_ours_is_refused(
    rasa: Rasa, actions: FakeActions, payload: str
) -> None:
    status, answer = await rasa.turn(payload=payload)
    assert status == 400
    assert answer["error"].startswith("payload: ")
    assert actions.calls == []


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("Bearer", 401),
        ("Bearer wrong", 401),
        ("Bearer ümlaut".encode().decode("latin-1"), 401),
    ],
)
async def test_nobody_gets_in_without_the_token(
    rasa: Rasa, actions: FakeActions, header: str | None, status: int
) -> None:
    headers = {"Authorization": header or ""}
    for path in ("turn", "parse"):
        got = await rasa.post(path, {"turn": "k", "sender": "s", "text": "t"}, headers=headers)
        assert got == (status, {"error": "the bearer token is missing or wrong"})


BAD: list[tuple[str, Any, str]] = [
    ("turn", b"{", "the body is not JSON in UTF-8"),
    ("turn", b'{"turn": "\xff"}', "the body is not JSON in UTF-8"),
    ("turn", b"[]", "the body is not a JSON object"),
    ("turn", {"sender": "1.1", "text": "a"}, "turn: expected a string of 1 to 255 characters"),
    ("turn", {"turn": "k", "sender": ""}, "sender: expected a string of 1 to 255 characters"),
    (
        "turn",
        {"turn": "k", "sender": "s" * 256},
        "sender: expected a string of 1 to 255 characters",
    ),
    ("turn", {"turn": "k", "sender": "1.1", "text": 5}, "text: expected a string"),
    ("turn", {"turn": "k", "sender": "1.1", "state": []}, "state: expected an object"),
    (
        "turn",
        {"turn": "k", "sender": "1.1", "history": [{"by": "cat", "text": "meow"}]},
        "history: expected objects with by (customer, bot or agent) and text",
    ),
    ("parse", {"texts": "a"}, "texts: expected a list"),
    ("parse", {"texts": [1]}, "texts: expected a list of strings"),
    ("parse", {"texts": ["a"] * 2001}, "texts: at most 2000 in one request"),
]


@pytest.mark.parametrize(("path", "body", "message"), BAD)
async def test_a_bad_body_is_named_without_a_trace(
    rasa: Rasa, actions: FakeActions, path: str, body: Any, message: str
) -> None:
    assert await rasa.post(path, body) == (400, {"error": message})
    assert actions.calls == []


async def test_turns_of_one_conversation_wait_for_each_other_and_not_for_a_second(
    rasa: Rasa, actions: FakeActions
) -> None:
    await rasa.say("hallo")
    start = time.monotonic()
    answers = await asyncio.gather(*(rasa.say("hallo", turn=f"g{n}") for n in range(8)))
    # Rasa's own lock would take a second for each of them.
    assert time.monotonic() - start < 5
    assert all(names(answer) == ["action_knowledge"] for answer in answers)
    assert len(actions.names) == 9


@pytest.mark.parametrize(
    "text",
    ["", "   ", "?!", "👍👍", "\u200b\u200f", "\x00", "مرحبا", "<b>hi</b>", TEXT_OF_100K, "///"],
    ids=lambda text: repr(text[:10]),
)
async def test_any_text_gets_an_answer(rasa: Rasa, actions: FakeActions, text: str) -> None:
    answer = await rasa.say(text)
    assert answer["replies"]


async def test_literal_texts_and_buttons_of_an_ordinary_action_come_through(
    rasa: Rasa, actions: FakeActions
) -> None:
    buttons = [{"title": "Ja", "payload": "/affirm"}]
    said = [
        {"text": "Guten Tag", "buttons": buttons},
        {"response": "utter_ask_order_id", "name": "Nora"},
        {"image": "https://example.org/a.png"},
    ]
    actions.run["action_knowledge"] = lambda _: {
        "events": [slot("order_id", "B-100234")],
        "responses": said,
    }
    answer = await rasa.say("hallo")
    assert answer["replies"][0] == {"text": "Guten Tag", "buttons": buttons}
    assert answer["replies"][1] == {"response": "utter_ask_order_id", "facts": {"name": "Nora"}}
    assert answer["replies"][2]["image"] == "https://example.org/a.png"
    assert answer["state"]["slots"] == {"order_id": "B-100234"}


async def test_many_texts_are_understood_in_one_request(rasa: Rasa) -> None:
    texts = ["Wo ist 100234?", "", "/restart", "an Lindenweg 4, 50674 Köln", TEXT_OF_100K, "ä" * 9]
    status, answer = await rasa.post("parse", {"texts": texts})
    assert status == 200
    results = answer["results"]
    assert len(results) == len(texts)
    assert results[0]["intent"] == "track_order"
    assert results[1]["intent"] == "nlu_fallback"
    assert results[0]["ranking"][0]["intent"] == "track_order"
    assert len(results[0]["ranking"]) == 3
    assert all(rank["intent"] != "nlu_fallback" for one in results for rank in one["ranking"])
    assert {e["entity"]: e["value"] for e in results[3]["entities"]} == {
        "street": "Lindenweg 4",
        "postal_code": "50674",
        "city": "Köln",
    }


async def test_health_names_the_model(rasa: Rasa) -> None:
    async with rasa.session.get("/webhooks/schalter/") as got:
        answer = json.loads(await got.text())
    assert answer["status"] == "ready"
    assert answer["model"].endswith(".tar.gz")
