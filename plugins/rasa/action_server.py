"""What Rasa calls back: its action webhook, served by the bot's own HTTP app.

Rasa swallows an exception in an action and saves the turn without an answer, so none gets through:
every call ends in an answer, a typed failure, or a status that our input channel takes as failed.
The n-th call of an action in a turn is counted from the tracker, so that a turn that is asked again
finds the recorded outcomes of its first attempt.
"""

from __future__ import annotations

import hmac
import json
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from bot.messages import ActionCall, Address, Answer, Filling, Say
from bot.ports import Route
from bot.store import codec
from host.ports import Actions, Services

log = logging.getLogger(__name__)

PATH = "/rasa/actions"
_FORM = re.compile(r"validate_(\w+)_form")
_SENDER = re.compile(r"(\d+)\.\d+\.\d+")


class BadRequest(Exception):
    """The body is not what Rasa sends. The text says what is wrong."""


class ActionServer:
    """Serves Rasa's action webhook. ``token`` is what Rasa must send as its bearer token."""

    def __init__(self, *, actions: Actions, token: str) -> None:
        self._actions = actions
        self._expected = f"Bearer {token}".encode()

    def routes(self) -> Sequence[Route]:
        """The route for Rasa."""
        return [web.post(PATH, self._handle)]

    async def _handle(self, request: web.Request) -> web.Response:
        given = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, self._expected):
            return _error(401, "the bearer token is missing or wrong")
        try:
            body = json.loads(await request.read())
            return web.json_response(await self.run(body))
        except (ValueError, BadRequest) as error:
            log.warning("bad action request")
            return _error(400, str(error))
        except LookupError as error:
            return _error(404, str(error))

    async def run(self, body: Any) -> dict[str, Any]:
        """Run the action a request names. Raises BadRequest, or LookupError for an unknown one."""
        name, tracker = _read(body)
        call = _call(body, tracker)
        form = _FORM.fullmatch(name)
        if form is not None and form[1] in self._actions.names():
            number = _calls_before(tracker, f"{form[1]}_form") + 1
            return fill_response(await self._actions.fill(form[1], call, number))
        known = self._actions.names()
        action = next((n for n in (name.removeprefix("action_"), name) if n in known), None)
        if action is None:
            raise LookupError(f"no action '{name}'")
        number = _calls_before(tracker, name) + 1
        return call_response(action, await self._actions.call(action, call, number))


def _read(body: Any) -> tuple[str, Mapping[str, Any]]:
    match body:
        case {"next_action": str(name), "tracker": dict() as tracker}:
            return name, tracker
    raise BadRequest("next_action and tracker are needed")


def _call(body: Mapping[str, Any], tracker: Mapping[str, Any]) -> ActionCall:
    message = tracker.get("latest_message") or {}
    metadata = message.get("metadata") or {}
    sender = _SENDER.fullmatch(str(tracker.get("sender_id")))
    if sender is None or not metadata.get("turn"):
        raise BadRequest("the tracker is not of a turn that the bot asked")
    slots = {
        name: value
        for name, value in codec.unpack(tracker.get("slots") or {}).items()
        if value is not None
    }
    understanding = codec.understanding_from_dict(
        {
            "intent": (message.get("intent") or {}).get("name"),
            "confidence": (message.get("intent") or {}).get("confidence"),
            "entities": message.get("entities"),
        }
    )
    return ActionCall(
        key=metadata["turn"],
        turn=metadata["turn"],
        conversation=int(sender[1]),
        address=Address("", ""),  # the core fills it in from its store
        arguments=slots,
        language=metadata.get("language") or "de",
        text=message.get("text") or "",
        understanding=understanding,
        slots=slots,
        raw=body,
    )


def _calls_before(tracker: Mapping[str, Any], action: str) -> int:
    """How often an action was run, or refused to run, since the customer's message."""
    count = 0
    for event in reversed(tracker.get("events") or ()):
        if event.get("event") == "user":
            break
        kinds = ("action", "action_execution_rejected")
        count += event.get("event") in kinds and event.get("name") == action
    return count


def fill_response(filling: Filling) -> dict[str, Any]:
    """A step of a form, as Rasa wants it. Without slots Rasa rejects the form: a digression.

    What is asked for is said every time, also where nothing was read: when a form begins, and when
    it goes on after a digression, Rasa would else ask for the first slot that is empty, such as a
    proof that was given and checked.
    """
    asked = {"event": "slot", "name": "requested_slot", "value": filling.ask}
    return {"events": [*_slots(filling.slots), asked], "responses": _responses(filling.says)}


def call_response(action: str, answer: Answer) -> dict[str, Any]:
    """An answer as Rasa wants it; reason ``form`` starts a form again, the action's or a named."""
    events = [*_slots(answer.slots), *answer.events]
    kind, _, named = (answer.reason or "").partition(":")
    if kind == "form":
        events.append({"event": "followup", "name": f"{named or action}_form"})
    return {
        "events": events,
        "responses": [{"custom": {"answer": codec.answer_to_dict(answer)}}],
    }


def _responses(says: Sequence[Say]) -> list[dict[str, Any]]:
    if not says:
        return []
    return [{"custom": {"answer": codec.answer_to_dict(Answer(tuple(says)))}}]


def _slots(slots: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"event": "slot", "name": name, "value": codec.pack(value)} for name, value in slots.items()
    ]


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)


def build_routes(services: Services, token: str) -> Sequence[Route]:
    """The routes of the action server."""
    return ActionServer(actions=services.actions, token=token).routes()
