"""What checks of who somebody is work with, and when none of them helps."""

from __future__ import annotations

from dataclasses import dataclass

from bot.identity import Standing
from bot.messages import Policy
from bot.ports import Identify, Store, Tx
from bot.store import cases
from bot.store.codec import Clock
from identity.codes import Codes
from identity.limits import Limits, Who
from identity.policies import PAIR, Policies
from identity.proofs import OnProof


@dataclass(frozen=True, kw_only=True)
class Means:
    """What checks of who somebody is work with."""

    store: Store
    identify: Identify | None
    codes: Codes
    limits: Limits
    policies: Policies
    on_proof: OnProof
    clock: Clock


@dataclass(frozen=True, kw_only=True)
class Impasse:
    """Decides when nothing but a pause or a person helps."""

    means: Means

    def reason(
        self, tx: Tx, policy: Policy, standing: Standing, who: Who, subject: str
    ) -> str | None:
        """Why an action cannot be proven now, whatever the customer enters; or ``None``."""
        if not subject or not policy.proofs or standing.proves(policy, subject):
            return None
        now, codes, limits = self.means.clock(), self.means.codes, self.means.limits
        pair = PAIR in policy.proofs
        if pair and limits.pair_suffices(tx, subject, now):
            return None
        if not self.means.policies.takes_code(policy):
            if pair:
                return "pair_limited"
            return "code_needed" if standing.holds(PAIR, subject) else None
        if codes.paused_until(tx, who.conversation, subject, now) is not None:
            return "code_paused"
        settled = cases.last_settled_at(tx, who.conversation)
        often = limits.started_too_often(tx, who, now, settled)
        waits = codes.waits(tx, who.conversation, subject, now)
        return "code_attempts" if often and not waits else None
