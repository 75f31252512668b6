"""What the ports raise; everybody imports it from :mod:`bot.ports`."""

from __future__ import annotations


class Unavailable(Exception):
    """A dialogue or a shop cannot answer now. The core retries, then calls a person."""


class Retry(Exception):
    """From ``Channel.send``: not sent; again in ``after`` seconds (``None``: usual backoff)."""

    def __init__(self, after: float | None = None, reason: str = "") -> None:
        super().__init__(reason)
        self.after = after
        self.reason = reason


class Reject(Exception):
    """Raised by ``Channel.send``: it will never arrive. ``reason`` is a code agents understand."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnknownOutcome(Exception):
    """Raised by ``Channel.send``: the request left, and nobody knows what became of it."""


class Refused(Exception):
    """Raised by ``Files`` and ``Inbox``: not accepted. ``reason`` is a code that has a text."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason = reason
