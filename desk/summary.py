"""A case in two sentences, made from facts: what it is about, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.desk import UNPROVEN, Case
from desk.expecting import Expecting
from desk.words import Words

# What is said in every conversation, and tells nothing about this one.
_SMALL_TALK = frozenset(
    (
        *("affirm", "back_to_bot", "bot_challenge", "contact_human_agent", "deny", "goodbye"),
        *("greet", "nlu_fallback", "out_of_scope", "share_contact", "thank_you", "write_privately"),
    )
)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Nothing is invented, and no word of the customer's is repeated."""

    words: Words
    expecting: Expecting

    def of(self, case: Case, now: datetime) -> str:
        """Two sentences in the team's language; the second is true until the case changes."""
        return f"{self._about(case)} {self._so_far(case, now)}"

    def _about(self, case: Case) -> str:
        named = dict.fromkeys(one for one in case.intents if one not in _SMALL_TALK)
        wants = [self.words.title("intent", intent) for intent in named]
        orders = [self._order(order) for order in case.orders]
        match bool(wants), bool(orders):
            case True, True:
                name = "summary_wants_order"
            case True, False:
                name = "summary_wants"
            case False, True:
                name = "summary_order"
            case _:
                name = "summary_unclear"
        return self.words.say(name, {"wants": wants, "orders": orders})

    def _order(self, order: Mapping[str, Any]) -> str:
        if order.get("proof") == UNPROVEN:
            return self.words.say("summary_order_unproven", {"order": order["number"]})
        if not order.get("state"):
            return str(order["number"])
        facts = {"order": order["number"], "state": state_term(order["state"], self.words)}
        return self.words.say("summary_order_state", facts)

    def _so_far(self, case: Case, now: datetime) -> str:
        facts = {"waits": self._waits(case, now), "tried": self._tried(case)}
        return self.words.say("summary_tried" if facts["tried"] else "summary_not_tried", facts)

    def _tried(self, case: Case) -> list[str]:
        ended = dict(one.rsplit(": ", 1) for one in case.tried)
        return [
            self.words.say(
                "summary_one_tried",
                {
                    "action": self.words.title("action", name),
                    "ended": self.words.title("outcome", outcome),
                },
            )
            for name, outcome in ended.items()
        ]

    def _waits(self, case: Case, now: datetime) -> str:
        if case.state == "closed":
            return self.words.say("summary_closed")
        if case.waits_since is None:
            return self.words.say("summary_answered")
        since = self.expecting.moment("since", case.waits_since, now, self.words.language)
        return self.words.say("summary_waits", {"since": since})


def state_term(state: str, words: Words) -> str:
    """An order's state for the spec ``term``, where there is a word for it."""
    return f"order_{state}" if words.texts.has(f"term_order_{state}") else state
