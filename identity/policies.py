"""Which proofs guard an action in this installation: as it declares, changed by settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from bot.messages import Policy
from bot.ports import Action, Fills, Problem

PAIR, CHANNEL, CODE = "pair", "channel", "code"
KINDS = frozenset({PAIR, CHANNEL, CODE})
WithoutCode = Literal["agent", "pair"]


@dataclass(frozen=True, slots=True)
class Policies:
    """What suffices for which action.

    ``proofs`` are the operator's own sets by action; ``sends_codes`` says whether a code can be
    sent here at all. Where it cannot, an action that takes a code and no pair goes to a person
    (``without_code="agent"``) or takes a pair after all (``"pair"``).
    """

    proofs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    without_code: WithoutCode = "agent"
    sends_codes: bool = False

    def of(self, action: Action) -> Policy:
        """What guards an action here."""
        kinds = self.proofs.get(action.name, action.policy.proofs)
        if self._lacks_code(kinds) and self.without_code == "pair":
            kinds = kinds | {PAIR}
        return (
            action.policy if kinds == action.policy.proofs else replace(action.policy, proofs=kinds)
        )

    def takes_code(self, policy: Policy) -> bool:
        """Whether a code suffices and can be sent."""
        return self.sends_codes and CODE in policy.proofs

    def _lacks_code(self, kinds: frozenset[str]) -> bool:
        return not self.sends_codes and CODE in kinds and PAIR not in kinds

    def problems(self, actions: Sequence[Action], where: Callable[[str], str]) -> Iterator[Problem]:
        """What is wrong with the operator's sets. ``where`` names the setting of an action."""
        names = {action.name for action in actions}
        for name, kinds in self.proofs.items():
            if name not in names:
                fix = f"possible: {', '.join(sorted(names))}"
                yield Problem(where(name), "there is no such action", fix)
            for kind in sorted(kinds - KINDS):
                fix = f"possible: {', '.join(sorted(KINDS))}"
                yield Problem(where(name), f"there is no proof '{kind}'", fix)
        for action in actions:
            yield from self._of_one(action, where)

    def _of_one(self, action: Action, where: str) -> Iterator[Problem]:
        policy, kinds = action.policy, self.of(action).proofs
        asks = isinstance(action, Fills) and policy.subject in action.Arguments.model_fields
        if action.name in self.proofs and not asks:
            what = "it asks for no order, so that nobody could ever prove one"
            yield Problem(f"{where} {action.name}", what, "take it out")
        if more := (kinds & KINDS) - policy.proofs:
            told = ", ".join(f"'{kind}'" for kind in sorted(more))
            what = f"{told} suffices here, and not by what it declares: weaker than it was made"
            fix = "check proofs and without_code in [identity], if that is not meant"
            yield Problem(f"action {action.name}", what, fix, fatal=False)
        if self.without_code == "agent" and self._lacks_code(kinds):
            what = "takes a one-time code, and nothing here can send one: a person does it"
            fix = 'set up mail, or without_code = "pair" in [identity]'
            yield Problem(f"action {action.name}", what, fix, fatal=False)
