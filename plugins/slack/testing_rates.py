"""How much Slack takes in a minute: https://docs.slack.dev/apis/web-api/rate-limits."""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque

_TIERS = {2: 20, 3: 50, 4: 100}  # calls in a minute, which Slack calls "20+" and so on
_METHODS = {
    2: ("conversations.list", "reactions.remove", "users.list"),
    3: (
        "bots.info",
        "chat.delete",
        "chat.update",
        "conversations.history",
        "conversations.info",
        "conversations.join",
        "conversations.open",
        "conversations.replies",
        "reactions.add",
        "reactions.get",
        "team.info",
        "users.getPresence",
        "users.lookupByEmail",
    ),
    4: (
        "chat.postEphemeral",
        "conversations.members",
        "files.completeUploadExternal",
        "files.getUploadURLExternal",
        "files.info",
        "users.info",
        "views.open",
        "views.publish",
        "views.push",
        "views.update",
    ),
}


class Rates:
    """Counts calls, and says how long to wait. Off until ``enabled`` is set.

    ``chat.postMessage`` may be called about once a second for a channel: ``per_second``, with
    ``burst`` more at once. All else goes by its method's tier.
    """

    def __init__(self) -> None:
        self.enabled = False
        self.minute = 60.0
        """Seconds that count as a minute; a test may have shorter ones."""
        self.per_second = 1.0
        self.burst = 0
        self.tiers = {name: _TIERS[tier] for tier, names in _METHODS.items() for name in names}
        self.too_early: list[tuple[str, str]] = []
        """Calls, with their channel, that came before the time that a 429 told was over."""
        self._calls: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._until: dict[tuple[str, str], float] = {}

    def wait(self, method: str, channel: str) -> int:
        """Whole seconds to wait before this call is allowed: 0 when it is, and then it counts."""
        if not self.enabled:
            return 0
        key, most, window = self._limit(method, channel)
        if not most:
            return 0
        calls, now = self._calls[key], time.monotonic()
        while calls and calls[0] <= now - window:
            calls.popleft()
        if len(calls) < most:
            calls.append(now)
            return 0
        return math.ceil(calls[0] + window - now)

    def told(self, method: str, channel: str, seconds: float) -> None:
        """A 429 was answered."""
        key = self._key(method, channel)
        self._until[key] = max(self._until.get(key, 0.0), time.monotonic() + seconds)

    def asked(self, method: str, channel: str) -> None:
        """A call comes in: note it, when it comes too early."""
        if time.monotonic() < self._until.get(self._key(method, channel), 0.0):
            self.too_early.append((method, channel))

    def _limit(self, method: str, channel: str) -> tuple[tuple[str, str], int, float]:
        key = self._key(method, channel)
        if method == "chat.postMessage":
            return key, 1 + self.burst, (1 + self.burst) / self.per_second
        return key, self.tiers.get(method, 0), self.minute

    def _key(self, method: str, channel: str) -> tuple[str, str]:
        return method, channel if method == "chat.postMessage" else ""
