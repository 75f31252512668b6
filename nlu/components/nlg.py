"""Words without texts: the bot renders, Rasa only says which response and with what facts."""

from __future__ import annotations

from typing import Any

from rasa.core.nlg.generator import NaturalLanguageGenerator
from rasa.shared.core.constants import DEFAULT_SLOT_NAMES
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

_NOT_FACTS = frozenset({"domain_responses", "buttons", "custom", "image", "attachment", "text"})


class NamesAndFacts(NaturalLanguageGenerator):
    """Answers a request for a response with its name and the facts that its text may use.

    Facts are the slots that are set and what an action passed along; the action's win.
    """

    def __init__(
        self, endpoint_config: EndpointConfig | None = None, domain: Domain | None = None
    ) -> None:
        """Both are what Rasa passes to every generator; neither is needed."""

    async def generate(
        self,
        utter_action: str,
        tracker: DialogueStateTracker,
        output_channel: str,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Name `utter_action` and collect its facts."""
        facts = {
            slot.name: slot.value
            for slot in tracker.slots.values()
            if slot.value is not None and slot.name not in DEFAULT_SLOT_NAMES
        }
        facts |= {name: value for name, value in kwargs.items() if name not in _NOT_FACTS}
        return {"custom": {"response": utter_action, "facts": facts}}
