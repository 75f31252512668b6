"""Prepared texts, filled with what is known of a case now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.desk import Case, Macro
from desk.summary import state_term
from desk.words import Words

PREFIX = "macro_"
"""Texts of this name are offered; ``title_macro_...`` is what agents see in the list."""


@dataclass(frozen=True, kw_only=True)
class Macros:
    """The macros of the domain folders."""

    words: Words

    def of(self, case: Case) -> list[Macro]:
        """What can be said in a case, in its language; one that lacks a fact is left out."""
        facts, channel = self.facts(case), case.address.channel
        texts, language = self.words.texts, case.language
        found = []
        for name in texts.names(PREFIX):
            if texts.needs(name, language=language, channel=channel) <= facts.keys():
                text = texts.render(name, facts, language=language, channel=channel).text
                title = self.words.title("macro", name.removeprefix(PREFIX))
                found.append(Macro(name, title, text))
        return found

    def facts(self, case: Case) -> Mapping[str, Any]:
        """``{order}``, the shop's facts of it as ``{order_...}``, and ``{agent}``: a first name."""
        name = case.agent_name or case.agent or ""
        agent, *_ = name.split() or [""]  # customers learn no surnames
        order = case.orders[0] if case.orders else {}
        facts = {f"order_{key}": value for key, value in order.items() if value not in ("", None)}
        if "order_state" in facts:
            facts["order_state"] = state_term(facts["order_state"], self.words)
        if order:
            facts["order"] = order["number"]
        return {**facts, "agent": agent} if agent else facts
