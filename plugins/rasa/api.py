"""What other plugins may use: ordinary ``rasa_sdk.Action`` classes as actions of ours.

Needs the extra ``rasa-sdk``: ``pip install schalter[rasa-sdk]``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from bot.messages import ActionCall, Answer, Button, Outcome, Policy, Proposal, Say
from bot.ports import Action
from host.ports import Services

if TYPE_CHECKING:
    import rasa_sdk

READ_ONLY = Policy(read_only=True)
Propose = Callable[[ActionCall], Proposal]


class SdkArguments(BaseModel):
    """Whatever slots there are: an SDK class reads them from its tracker."""

    model_config = ConfigDict(extra="allow")
    order_id: str | None = None


class SdkAction:
    """An SDK class behind the Action port: its tracker, dispatcher and events as it knows them.

    Its literal texts reach the customer as they are, in one language: ``literal_texts`` makes
    ``bot check`` say so.
    """

    Arguments: type[BaseModel] = SdkArguments
    literal_texts = True

    def __init__(self, action: rasa_sdk.Action, policy: Policy, propose: Propose | None) -> None:
        self._action = action
        self._propose = propose
        self.name = str(action.name()).removeprefix("action_")
        self.policy = policy

    async def propose(self, call: ActionCall) -> Proposal | Answer:
        """What would happen, as the given function says it."""
        if self._propose is None:  # sdk_action() refuses this
            return Answer((), Outcome.FAILED, "no_proposal")
        return self._propose(call)

    async def run(self, call: ActionCall) -> Answer:
        """Run the class on a tracker made of what Rasa sent."""
        from rasa_sdk import Tracker
        from rasa_sdk.executor import CollectingDispatcher
        from rasa_sdk.utils import call_potential_coroutine

        tracker = Tracker.from_dict(call.raw["tracker"])
        dispatcher = CollectingDispatcher()
        domain = call.raw.get("domain") or {}
        events = await call_potential_coroutine(self._action.run(dispatcher, tracker, domain))
        says = tuple(_say(message) for message in dispatcher.messages)
        return Answer(says, events=tuple(events or ()))


def sdk_action(
    cls: type[rasa_sdk.Action], *, policy: Policy = READ_ONLY, propose: Propose | None = None
) -> Callable[[Services], Action]:
    """Make ``Registrar.add_action`` take an ordinary SDK class.

    Without a policy the class is read-only by contract; it gets no Shop either way. One that is
    not read-only needs ``propose``, which says in facts what a yes would do. Raises ValueError.
    """
    if not policy.read_only and propose is None:
        raise ValueError(f"{cls.__name__} is not read-only: give sdk_action() a propose function")

    def build(services: Services) -> Action:
        del services
        return SdkAction(cls(), policy, propose)

    return build


def _say(message: Mapping[str, Any]) -> Say:
    buttons = tuple(
        Button(str(button.get("title", "")), str(button.get("payload", "")))
        for button in message.get("buttons") or ()
    )
    response = message.get("response") or message.get("template")
    known = {"text", "buttons", "elements", "custom", "template", "response", "image", "attachment"}
    facts = {key: value for key, value in message.items() if key not in known}
    if response:
        return Say(response=str(response), facts=facts, buttons=buttons)
    links = [str(message[key]) for key in ("image", "attachment") if message.get(key)]
    text = "\n".join(part for part in (message.get("text") or "", *links) if part)
    return Say(text=text, buttons=buttons)
