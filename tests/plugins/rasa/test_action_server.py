"""What Rasa calls back: the token, the count of calls, forms, and ordinary rasa_sdk classes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.messages import ActionCall, Answer, Filling, Outcome, Policy, Say
from plugins.rasa.action_server import PATH, ActionServer, fill_response
from plugins.rasa.api import SdkAction, sdk_action

TOKEN = "t0ken"


class FakeActions:
    """Remembers its calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ActionCall, int]] = []
        self.answer = Answer((Say("utter_x", {"n": 1}),), slots={"order_id": "B-100234"})
        self.filling = Filling({"order_id": "B-100234"}, "proof")

    def names(self) -> Sequence[str]:
        return ["track_order", "confirm"]

    async def call(self, action: str, call: ActionCall, number: int) -> Answer:
        self.calls.append((action, call, number))
        return self.answer

    async def fill(self, action: str, call: ActionCall, number: int) -> Filling:
        self.calls.append((f"fill {action}", call, number))
        return self.filling


def body(action: str, *events: dict[str, Any], turn: str | None = "k1") -> dict[str, Any]:
    return {
        "next_action": action,
        "sender_id": "12.1.0",
        "domain": {},
        "tracker": {
            "sender_id": "12.1.0",
            "slots": {"order_id": "B-100234", "proof": None},
            "latest_message": {
                "text": "wo ist 100234",
                "intent": {"name": "track_order", "confidence": 0.9},
                "entities": [{"entity": "order_id", "value": "B-100234", "start": 7, "end": 13}],
                "metadata": {"turn": turn, "language": "de"},
            },
            "events": [{"event": "action", "name": action}, {"event": "user"}, *events],
        },
    }


@pytest.fixture
def actions() -> FakeActions:
    return FakeActions()


@pytest.fixture
async def url(actions: FakeActions) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes(ActionServer(actions=actions, token=TOKEN).routes())
    async with TestServer(app) as server:
        yield str(server.make_url(PATH))


async def post(url: str, data: Any, token: str = TOKEN) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(url, json=data) as response,
    ):
        return response.status, await response.json()


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x", "tök"])
async def test_nobody_without_the_token_reaches_an_action(
    url: str, actions: FakeActions, token: str
) -> None:
    status, answer = await post(url, body("action_track_order"), token)
    assert status == 401
    assert "token" in answer["error"]
    assert not actions.calls


async def test_the_call_carries_turn_conversation_slots_and_understanding(
    url: str, actions: FakeActions
) -> None:
    status, answer = await post(url, body("action_track_order"))
    assert status == 200
    assert {"event": "slot", "name": "order_id", "value": "B-100234"} in answer["events"]
    assert answer["responses"][0]["custom"]["answer"]["says"][0]["response"] == "utter_x"
    ((action, call, number),) = actions.calls
    assert (action, number, call.turn, call.conversation) == ("track_order", 1, "k1", 12)
    assert call.arguments == {"order_id": "B-100234"}
    assert call.understanding.entities[0].value == "B-100234"


async def test_calls_are_counted_since_the_customers_message(
    url: str, actions: FakeActions
) -> None:
    again = {"event": "action", "name": "action_track_order"}
    other = {"event": "action", "name": "action_listen"}
    await post(url, body("action_track_order", again, other, again))
    assert actions.calls[0][2] == 3


async def test_a_rejected_form_counts_as_run(url: str, actions: FakeActions) -> None:
    rejected = {"event": "action_execution_rejected", "name": "track_order_form"}
    await post(url, body("validate_track_order_form", rejected))
    assert actions.calls[0][0] == "fill track_order"
    assert actions.calls[0][2] == 2


async def test_a_form_step_names_the_next_slot(url: str) -> None:
    _, answer = await post(url, body("validate_track_order_form"))
    assert answer["events"] == [
        {"event": "slot", "name": "order_id", "value": "B-100234"},
        {"event": "slot", "name": "requested_slot", "value": "proof"},
    ]


def test_a_form_step_that_reads_nothing_still_names_the_next_slot() -> None:
    # After a digression Rasa asked for a proof that had been given long ago.
    assert fill_response(Filling(ask="new_street"))["events"] == [
        {"event": "slot", "name": "requested_slot", "value": "new_street"}
    ]


async def test_reason_form_starts_the_form_again(url: str, actions: FakeActions) -> None:
    actions.answer = Answer((), Outcome.ASK, "form")
    _, answer = await post(url, body("action_track_order"))
    assert {"event": "followup", "name": "track_order_form"} in answer["events"]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ([], 400),
        ({"next_action": "action_track_order"}, 400),
        (body("action_track_order", turn=None), 400),
        (body("action_unheard_of"), 404),
    ],
)
async def test_what_is_not_a_call_gets_a_clear_status(url: str, data: Any, status: int) -> None:
    got, answer = await post(url, data)
    assert got == status
    assert answer["error"]


class HelloWorld(Action):
    """As in Rasa's own documentation."""

    def name(self) -> str:
        return "action_hello_world"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        order = tracker.get_slot("order_id")
        dispatcher.utter_message(text=f"Hello {order}", buttons=[{"title": "A", "payload": "/a"}])
        dispatcher.utter_message(response="utter_greet", name="Eva")
        return [SlotSet("seen", True)]


async def test_an_ordinary_sdk_action_runs_unchanged() -> None:
    action = sdk_action(HelloWorld)(None)  # type: ignore[arg-type]
    assert isinstance(action, SdkAction)
    assert action.name == "hello_world"
    assert action.policy.read_only
    call = ActionCall("k", "k", 1, None, {}, "en", raw=body("action_hello_world"))  # type: ignore[arg-type]
    answer = await action.run(call)
    assert answer.says[0].text == "Hello B-100234"
    assert answer.says[0].buttons[0].payload == "/a"
    assert (answer.says[1].response, answer.says[1].facts) == ("utter_greet", {"name": "Eva"})
    assert answer.events[0]["name"] == "seen"


def test_an_sdk_action_with_a_side_effect_needs_something_to_read_back() -> None:
    with pytest.raises(ValueError, match="propose"):
        sdk_action(HelloWorld, policy=Policy(read_only=False))
