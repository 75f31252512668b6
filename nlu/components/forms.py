"""Forms whose next question is decided elsewhere."""

from __future__ import annotations

from rasa.core.actions.forms import FormAction
from rasa.shared.core.constants import REQUESTED_SLOT
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker


def ask_the_same_again(form: FormAction) -> None:
    """Let a form go on, after a side question, with what it asked before.

    Rasa would ask for the first slot that is empty. Here the action server decides what is asked,
    and slots may stay empty: a postcode is dropped as soon as it has proven an order.
    """
    first_empty = form._find_next_slot_to_request

    def asked_before(tracker: DialogueStateTracker, domain: Domain) -> str | None:
        asked = tracker.get_slot(REQUESTED_SLOT)
        if asked in form.required_slots(domain) and tracker.get_slot(asked) is None:
            return str(asked)
        return first_empty(tracker, domain)

    form._find_next_slot_to_request = asked_before  # type: ignore[method-assign]
