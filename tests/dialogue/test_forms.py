"""Forms that the action server drives, and the rules around them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dialogue.actions import Call, FakeActions, order_and_proof, slot
from tests.dialogue.rasa import Rasa, names

pytestmark = pytest.mark.rasa

BEGINNINGS = [
    ("Wo ist mein Paket?", "track_order"),
    ("Ich möchte die Lieferadresse ändern", "change_address"),
    ("Ich brauche ein Rücksendeetikett", "return_label"),
    ("I want to send it back", "return_label"),
    ("cancel my order please", "cancel_order"),
]
ALL_FORMS = ("track_order", "change_address", "return_label", "cancel_order")


def begun(form: str, **slots: Any) -> dict[str, Any]:
    """The state of a form that asks for a proof."""
    return {
        "slots": {"order_id": "B-100234", **slots},
        "active_loop": f"{form}_form",
        "requested_slot": "proof",
    }


@pytest.mark.parametrize(("text", "form"), BEGINNINGS)
async def test_a_wish_begins_its_form_and_the_form_its_action(
    rasa: Rasa, actions: FakeActions, text: str, form: str
) -> None:
    answer = await rasa.say(text)
    assert names(answer) == ["utter_ask_order_id"]
    assert answer["state"]["active_loop"] == f"{form}_form"
    assert names(await rasa.say("100234")) == ["utter_ask_proof"]
    answer = await rasa.say("50674")
    assert names(answer) == [f"action_{form}"]
    assert answer["state"]["active_loop"] is None
    assert actions.names == [f"action_{form}"]


async def test_a_form_that_has_everything_runs_its_action_at_once(
    rasa: Rasa, actions: FakeActions
) -> None:
    answer = await rasa.say("Wo bleibt Bestellung 100234? PLZ 50674")
    assert names(answer) == ["action_track_order"]
    assert answer["state"]["active_loop"] is None
    assert [call["next_action"] for call in actions.calls] == [
        "validate_track_order_form",
        "action_track_order",
    ]


SIDE_QUESTIONS = [
    ("hallo", "action_knowledge"),
    ("danke", "action_knowledge"),
    ("bist du ein Roboter?", "action_knowledge"),
    ("was kostet der Versand mit Express?", "action_knowledge"),
    ("Welche Zahlungsarten gibt es?", "action_knowledge"),
    ("wer wird deutscher meister", "action_miss"),
    ("qwxz vbnrtz plkmn", "action_miss"),
    ("ja", "action_confirm"),
]


@pytest.mark.parametrize(("text", "action"), SIDE_QUESTIONS)
async def test_a_side_question_is_answered_and_the_form_goes_on(
    rasa: Rasa, actions: FakeActions, text: str, action: str
) -> None:
    answer = await rasa.say(text, state=begun("track_order"))
    assert names(answer) == [action, "utter_ask_proof"]
    assert answer["state"] == begun("track_order")
    assert names(await rasa.say("50674")) == ["action_track_order"]


@pytest.mark.parametrize("form", ALL_FORMS)
async def test_after_a_side_question_the_server_still_says_what_is_asked_for(
    rasa: Rasa, actions: FakeActions, form: str
) -> None:
    # A slot that is empty because it is not needed: Rasa alone would ask for it again.
    actions.fill = lambda _: [slot("requested_slot", "proof")]
    state = {"slots": {}, "active_loop": f"{form}_form", "requested_slot": "proof"}
    answer = await rasa.say("hallo", state=state)
    assert names(answer) == ["action_knowledge", "utter_ask_proof"]
    assert answer["state"]["requested_slot"] == "proof"


async def test_a_correction_changes_what_was_said(rasa: Rasa, actions: FakeActions) -> None:
    answer = await rasa.say("nein, Bestellung 100871", state=begun("track_order"))
    assert names(answer) == ["utter_ask_proof"]
    assert answer["state"]["slots"] == {"order_id": "B-100871"}


@pytest.mark.parametrize(
    ("text", "form", "other"),
    [
        ("Ich will die Bestellung lieber stornieren", "track_order", "cancel_order"),
        ("wo ist das Paket denn gerade?", "return_label", "track_order"),
        ("please change the delivery address instead", "cancel_order", "change_address"),
    ],
)
async def test_another_wish_switches_the_form(
    rasa: Rasa, actions: FakeActions, text: str, form: str, other: str
) -> None:
    answer = await rasa.say(text, state=begun(form))
    assert names(answer) == ["utter_ask_proof"]
    assert answer["state"] == begun(other)
    assert names(await rasa.say("50674")) == [f"action_{other}"]
    assert actions.names == [f"action_{other}"]


@pytest.mark.parametrize("form", ALL_FORMS)
@pytest.mark.parametrize(
    ("payload", "reply"),
    [
        ("/deny", "utter_form_stopped"),
        ("/goodbye", "action_knowledge"),
        ("/contact_human_agent", "action_handoff"),
        ("/complaint", "action_handoff"),
    ],
)
async def test_a_form_is_stopped(
    rasa: Rasa, actions: FakeActions, form: str, payload: str, reply: str
) -> None:
    answer = await rasa.say(payload=payload, state=begun(form))
    assert names(answer) == [reply]
    assert answer["state"]["active_loop"] is None
    assert answer["state"]["requested_slot"] is None
    assert names(await rasa.say("hallo")) == ["action_knowledge"]


@pytest.mark.parametrize("text", ["doch nicht", "stopp", "vergiss es", "never mind"])
async def test_people_stop_a_form_in_their_words(
    rasa: Rasa, actions: FakeActions, text: str
) -> None:
    answer = await rasa.say(text, state=begun("cancel_order"))
    assert names(answer) == ["utter_form_stopped"]


@pytest.mark.parametrize("form", ALL_FORMS)
async def test_a_no_that_the_form_takes_does_not_stop_it(
    rasa: Rasa, actions: FakeActions, form: str
) -> None:
    actions.fill = lambda _: [slot("proof", "none"), slot("requested_slot", None)]
    answer = await rasa.say(payload="/deny", state=begun(form))
    assert names(answer) == [f"action_{form}"]


@pytest.mark.parametrize(("text", "form"), BEGINNINGS)
async def test_the_same_wish_again_goes_on(
    rasa: Rasa, actions: FakeActions, text: str, form: str
) -> None:
    answer = await rasa.say(text, state=begun(form))
    assert names(answer) == ["utter_form_goes_on", "utter_ask_proof"]
    assert answer["state"] == begun(form)


async def test_an_action_may_start_its_form_again(rasa: Rasa, actions: FakeActions) -> None:
    def unsuccessful(_: Call) -> dict[str, Any]:
        again = {"event": "followup", "name": "track_order_form"}
        return {"events": [slot("proof", None), again]}

    actions.run["action_track_order"] = unsuccessful
    # The number that was wrong is not read out of the same message a second time.
    seen: list[str] = []

    def once(call: Call) -> list[dict[str, Any]]:
        events = order_and_proof(call) if not seen else [slot("requested_slot", "proof")]
        seen.append(call["next_action"])
        return events

    actions.fill = once
    answer = await rasa.say("50674", state=begun("track_order"))
    assert names(answer) == ["action_track_order", "utter_ask_proof"]
    assert answer["state"]["active_loop"] == "track_order_form"


OUTSIDE = [
    ("/affirm", "action_confirm"),
    ("/deny", "action_deny"),
    ("/contact_human_agent", "action_handoff"),
    ("/complaint", "action_handoff"),
    ("/back_to_bot", "action_back_to_bot"),
    ("/out_of_scope", "action_miss"),
    ("/missing_delivery", "action_knowledge"),
    ("/withdraw_contract", "action_knowledge"),
]


@pytest.mark.parametrize(("payload", "action"), OUTSIDE)
async def test_outside_of_a_form_each_intent_has_its_action(
    rasa: Rasa, actions: FakeActions, payload: str, action: str
) -> None:
    answer = await rasa.say(payload=payload)
    assert names(answer) == [action]
    assert actions.names == [action]


# --- a code, which every form may have to ask for


def asks_code(form: str) -> dict[str, Any]:
    """The state of a form that asks for a code."""
    return {**begun(form), "requested_slot": "code"}


@pytest.mark.parametrize("form", ALL_FORMS)
async def test_every_form_can_ask_for_a_code(rasa: Rasa, actions: FakeActions, form: str) -> None:
    actions.fill = lambda _: [
        slot("proof", None),
        slot("code", None),
        slot("requested_slot", "code"),
    ]
    answer = await rasa.say("50674", state=begun(form))
    assert names(answer) == ["utter_ask_code"]
    assert answer["state"] == asks_code(form)
    # Six digits are an order's number to the patterns: the form is asked about them all the same.
    assert names(await rasa.say("482913")) == ["utter_ask_code"]
    assert actions.calls[-1]["tracker"]["slots"]["requested_slot"] == "code"
    actions.fill = lambda _: [slot("order_id", "B-100234"), slot("requested_slot", None)]
    assert names(await rasa.say("482 913")) == [f"action_{form}"]


@pytest.mark.parametrize("form", ALL_FORMS)
async def test_the_button_for_a_new_code_reaches_the_form(
    rasa: Rasa, actions: FakeActions, form: str
) -> None:
    actions.fill = lambda _: [slot("code", None), slot("requested_slot", "code")]
    answer = await rasa.say(payload="/new_code", state=asks_code(form))
    assert names(answer) == ["utter_ask_code"]
    assert actions.calls[-1]["tracker"]["latest_message"]["intent"]["name"] == "new_code"


@pytest.mark.parametrize("form", ALL_FORMS)
async def test_a_side_question_does_not_lose_the_question_for_a_code(
    rasa: Rasa, actions: FakeActions, form: str
) -> None:
    actions.fill = lambda _: [slot("requested_slot", "code")]
    answer = await rasa.say("Welche Zahlungsarten gibt es?", state=asks_code(form))
    assert names(answer) == ["action_knowledge", "utter_ask_code"]
    assert answer["state"] == asks_code(form)


async def test_the_button_for_a_new_code_outside_of_a_form(
    rasa: Rasa, actions: FakeActions
) -> None:
    assert names(await rasa.say(payload="/new_code")) == ["action_knowledge"]
