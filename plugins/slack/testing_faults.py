"""What goes wrong next in the simulated Slack."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field


@dataclass
class Faults:
    """What goes wrong next.

    What concerns calls is counted by method: ``faults.too_many["chat.postMessage"] = 2``; the name
    ``"*"`` means whatever is called next. Uploads go by ``"upload"``, fetched files by
    ``"download"``, calls of a ``response_url`` by ``"response_url"``.
    """

    too_many: Counter[str] = field(default_factory=Counter)  # 429
    retry_after: int = 1  # seconds, told with a 429
    errors: defaultdict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    """Errors to answer with ``ok: false``, in order."""
    broken: Counter[str] = field(default_factory=Counter)  # 500, nothing was done
    html: Counter[str] = field(default_factory=Counter)  # 503 with a page, nothing was done
    gateway: Counter[str] = field(default_factory=Counter)  # 502 with a page; it was done
    cut_before: Counter[str] = field(default_factory=Counter)  # no answer, nothing was done
    cut_after: Counter[str] = field(default_factory=Counter)  # no answer; it was done
    moved: deque[str] = field(default_factory=deque)
    """Addresses to which the next fetched files are sent on (302), one for each."""
    slow: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Seconds before each answer; stays until it is taken back."""

    duplicate: int = 0  # events that are brought again, as a retry, although they were taken
    reorder: int = 0  # so many next events are gathered, then brought in the reverse order
    late: deque[float] = field(default_factory=deque)
    """Seconds that the next events come late, one number for each."""
    delay: float = 0.0  # seconds before every event
    lose: int = 0  # events that are never brought
    lose_when_away: bool = False  # events while no connection is open are never brought
    spread: bool = False  # envelopes go to the open connections in turn, not to any

    def strikes(self, kind: Counter[str], method: str) -> bool:
        """Whether this kind of fault hits this call; counts down."""
        for name in (method, "*"):
            if kind[name] > 0:
                kind[name] -= 1
                return True
        return False

    def error(self, method: str) -> str:
        """The error that is to be answered now, or nothing."""
        for name in (method, "*"):
            if self.errors[name]:
                return self.errors[name].popleft()
        return ""

    def wait(self, method: str) -> float:
        """Seconds before the answer."""
        return self.slow[method] or self.slow["*"]
