"""What other plugins may use of the web plugin."""

from __future__ import annotations

from typing import Protocol

__all__ = ["DeskDoor"]


class DeskDoor(Protocol):
    """The port that tells where the desk is (the web plugin provides it)."""

    def url(self, base_url: str) -> str:
        """The desk's address with its token, which is in the fragment: it reaches no server's log.

        Whoever has it can answer customers: show it to the operator only.
        """
