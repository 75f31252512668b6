"""Running one turn on Rasa's own processor, whole or not at all.

Rasa swallows an exception in an action, goes on as if the action had said nothing and saves that.
Here such a turn ends at once and leaves the tracker as it was, so that the bot can ask it again.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Sequence
from typing import Any

from rasa.core.actions.action import Action, ActionExecutionRejection
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.core.processor import MessageProcessor
from rasa.engine.constants import PLACEHOLDER_MESSAGE, PLACEHOLDER_TRACKER
from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME
from rasa.shared.core.constants import (
    ACTION_LISTEN_NAME,
    DEFAULT_SLOT_NAMES,
    REQUESTED_SLOT,
    USER_INTENT_BACK,
    USER_INTENT_RESTART,
    USER_INTENT_SESSION_START,
)
from rasa.shared.core.events import (
    ActionExecuted,
    ActiveLoop,
    BotUttered,
    Event,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

from components.endpoint import PooledEndpoint, check_answers_quickly
from components.tracker import KeptTrackers
from components.wire import Past, State, TurnRequest, replies, understood

CHANNEL = "schalter"
_NOTHING = {"intent": {"name": DEFAULT_NLU_FALLBACK_INTENT_NAME, "confidence": 1.0}}
_COMMANDS = frozenset({USER_INTENT_BACK, USER_INTENT_RESTART, USER_INTENT_SESSION_START})
_COMMAND = re.compile(r"^[\s/]+")


class TurnFailed(BaseException):
    """A turn did not end whole. Not an Exception, since Rasa catches those around an action."""


class UnknownIntent(ValueError):
    """A payload names an intent that the model does not have."""


class TurnProcessor(MessageProcessor):
    """Rasa's processor, with failures that come through and connections that are kept."""

    @classmethod
    def of(cls, processor: MessageProcessor) -> TurnProcessor:
        """A view of `processor` that shares its model, its stores and its domain."""
        view = copy.copy(processor)
        view.__class__ = cls
        if view.action_endpoint is not None:
            view.action_endpoint = PooledEndpoint.like(view.action_endpoint)
            check_answers_quickly()
        return view

    @property
    def trackers(self) -> KeptTrackers:
        """Where trackers are kept. Raises TypeError where that is not our own store.

        Rasa wraps a store in one that reports its failures.
        """
        store = getattr(self.tracker_store, "_tracker_store", self.tracker_store)
        if not isinstance(store, KeptTrackers):
            raise TypeError("trackers are kept in a store of another kind")
        return store

    async def answer(self, request: TurnRequest) -> dict[str, Any]:
        """Run the turn, or give the answer again that it had. Raises TurnFailed, UnknownIntent."""
        tracker = await self.get_tracker(request.sender)
        start = _find(tracker, request.turn)
        if start is None:
            start = await self._run(request, tracker)
        return self._describe(tracker, start)

    def parse(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """What the model makes of each text, all in one pass through its components."""
        messages = [_as_plain_text(text) for text in texts]
        asked = [message for message in messages if message.text.strip()]
        target = self.model_metadata.nlu_target
        results = iter(
            self.graph_runner.run(
                inputs={
                    PLACEHOLDER_MESSAGE: asked,
                    PLACEHOLDER_TRACKER: DialogueStateTracker.from_events(CHANNEL, []),
                },
                targets=[target],
            )[target]
            if asked
            else ()
        )
        return [
            next(results).as_dict(only_output_properties=True) if message.text.strip() else _NOTHING
            for message in messages
        ]

    async def close(self) -> None:
        """Close the connections to the action server."""
        if isinstance(self.action_endpoint, PooledEndpoint):
            await self.action_endpoint.close()

    async def _run(self, request: TurnRequest, tracker: DialogueStateTracker) -> int:
        output = CollectingOutputChannel()
        if not tracker.applied_events():
            await self._update_tracker_session(tracker, output)
            tracker.update_with_events(self._seed(request.state), self.domain)
        tracker.update_with_events(_past(request.history), self.domain)
        start = len(tracker.events)
        # Made after the session's start: what is older than that is not read back.
        tracker.update(self._user_event(request), self.domain)
        tracker = await self.run_action_extract_slots(output, tracker)
        await self._run_prediction_loop(output, tracker)
        if _end(tracker, start) is None:
            raise TurnFailed("the dialogue did not come to an end")
        await self.save_tracker(tracker)
        return start

    def _user_event(self, request: TurnRequest) -> UserUttered:
        if request.payload is not None:
            parsed = self._parse_payload(request.payload.intent, request.payload.entities)
        else:
            parsed = self.parse([request.text])[0]
        kept = {
            "text": request.text,
            "intent": parsed["intent"],
            "entities": list(parsed.get("entities", ())),
            "intent_ranking": parsed.get("intent_ranking", [])[:4],
        }
        return UserUttered(
            request.text,
            kept["intent"],
            kept["entities"],
            kept,
            input_channel=CHANNEL,
            metadata={"turn": request.turn, "language": request.language},
        )

    def _parse_payload(self, intent: str, entities: Iterable[Any]) -> dict[str, Any]:
        if intent not in self.domain.intents or intent in _COMMANDS:
            raise UnknownIntent(intent)
        return {"intent": {"name": intent, "confidence": 1.0}, "entities": list(entities)}

    def _seed(self, state: State) -> list[Event]:
        known = {slot.name for slot in self.domain.slots} - DEFAULT_SLOT_NAMES
        events: list[Event] = [
            SlotSet(name, value) for name, value in state.slots.items() if name in known
        ]
        if state.active_loop in self.domain.form_names:
            events += [
                ActiveLoop(state.active_loop),
                SlotSet(REQUESTED_SLOT, state.requested_slot),
            ]
        return events

    async def _run_action(self, action: Action, *args: Any, **kwargs: Any) -> bool:
        run = action.run

        async def run_or_fail(*run_args: Any) -> list[Event]:
            try:
                return await run(*run_args)
            except ActionExecutionRejection:
                raise
            except Exception as error:
                raise TurnFailed(f"{action.name()}: {type(error).__name__}") from error

        action.run = run_or_fail
        return await super()._run_action(action, *args, **kwargs)

    def _describe(self, tracker: DialogueStateTracker, start: int) -> dict[str, Any]:
        end = _end(tracker, start)
        if end is None:
            return {"status": "incomplete"}
        events = list(tracker.events)[: end + 1]
        turn = events[start:]
        said = [event.as_dict() for event in turn if isinstance(event, BotUttered)]
        then = DialogueStateTracker.from_events(tracker.sender_id, events, self.domain.slots)
        parsed = understood(turn[0].parse_data, DEFAULT_NLU_FALLBACK_INTENT_NAME)
        return {"status": "done", "replies": replies(said), **parsed, "state": _state(then)}


def _as_plain_text(text: str) -> UserMessage:
    """A message in which no leading "/" is left: Rasa would take what follows for an intent.

    Blanks in its place keep the positions of the entities.
    """
    message = UserMessage(text="")
    message.text = _COMMAND.sub(lambda found: " " * len(found[0]), text)
    return message


def _past(history: Iterable[Past]) -> list[Event]:
    events: list[Event] = [
        UserUttered(past.text, use_text_for_featurization=False)
        if past.by == "customer"
        else BotUttered(past.text, metadata={"by": past.by})
        for past in history
    ]
    # The dialogue goes on as after any other turn: it listens.
    return [*events, ActionExecuted(ACTION_LISTEN_NAME)] if events else []


def _find(tracker: DialogueStateTracker, turn: str) -> int | None:
    for index, event in enumerate(tracker.events):
        if isinstance(event, UserUttered) and event.metadata.get("turn") == turn:
            return index
    return None


def _end(tracker: DialogueStateTracker, start: int) -> int | None:
    """The position of the `action_listen` that ended the turn which begins at `start`."""
    for index, event in enumerate(list(tracker.events)[start + 1 :], start + 1):
        if isinstance(event, UserUttered):
            return None
        if isinstance(event, ActionExecuted) and event.action_name == ACTION_LISTEN_NAME:
            return index
    return None


def _state(tracker: DialogueStateTracker) -> dict[str, Any]:
    return {
        "slots": {
            slot.name: slot.value
            for slot in tracker.slots.values()
            if slot.value is not None and slot.name not in DEFAULT_SLOT_NAMES
        },
        "active_loop": tracker.active_loop_name,
        "requested_slot": tracker.get_slot(REQUESTED_SLOT) if tracker.active_loop_name else None,
    }
